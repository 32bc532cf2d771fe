package keyring

import (
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// FuzzFromUTF16: text as this program writes it comes back as it is; what another
// program wrote as UTF-16 comes back whole when UTF-8 cannot be meant.
func FuzzFromUTF16(f *testing.F) {
	for _, s := range []string{"", "hush", "hä\x00", "\xe4\x00", "\x3d\xd8", "h\x00\x3d\xd8\x00\xde", "\xff\xfeh\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := fromUTF16(s)
		if got != s && !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", s, got)
		}
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\ufffd") {
			return
		}
		if got != s {
			t.Errorf("%q becomes %q", s, got)
		}
		var wide []byte
		for _, u := range utf16.Encode([]rune(s)) {
			wide = append(wide, byte(u), byte(u>>8))
		}
		if w := string(wide); (!utf8.Valid(wide) || strings.Contains(w, "\x00")) && fromUTF16(w) != s {
			t.Errorf("%q comes back as %q", s, fromUTF16(w))
		}
	})
}
