package xmltext

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"&lt;a b=&quot;c&apos;&quot;&gt; &amp;lt;", `<a b="c'"> &lt;`},
		{"&#65;&#x41;&#x4a;&#x4A;", "AAJJ"},
		{"&#x10FFFF;&#9;&#10;&#13;", "\U0010ffff\t\n\r"},
		{"&", "&"}, {"&;", "&;"}, {"&&lt;", "&<"}, {"a&b;c&", "a&b;c&"},
		{"&#;&#x;&#+1;&#-1;&#1_0;&#X41;&#6G;", "&#;&#x;&#+1;&#-1;&#1_0;&#X41;&#6G;"},
		{"&#0;&#8;&#27;", "&#0;&#8;&#27;"},
		{"&#xD800;&#xDFFF;&#xFFFE;&#xFFFF;&#x110000;", "&#xD800;&#xDFFF;&#xFFFE;&#xFFFF;&#x110000;"},
		{"&#4294967361;&#99999999999999999999;", "&#4294967361;&#99999999999999999999;"},
		{"&nbsp;&LT;", "&nbsp;&LT;"},
	} {
		if got := Resolve([]byte(c.in)); got != c.want {
			t.Errorf("Resolve(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestFromLatin1(t *testing.T) {
	t.Parallel()
	if got := string(FromLatin1([]byte("caf\xe9 \x80"))); got != "café \u0080" {
		t.Errorf("%q", got)
	}
}

// readBack is what the standard library reads from an element and an attribute
// with this content.
func readBack(content string) (text, attr string, err error) {
	var v struct {
		Attr string `xml:"a,attr"`
		Text string `xml:",chardata"`
	}
	err = xml.Unmarshal([]byte(`<x a="`+content+`">`+content+"</x>"), &v)
	return v.Text, v.Attr, err
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", `&<>"'` + "\r\n\t", "]]>", "é\x00", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if back := Resolve([]byte(got)); back != s {
			t.Fatalf("%q is escaped as %q, which is resolved to %q", s, got, back)
		}
		if strings.IndexFunc(s, func(r rune) bool { return !Legal(r) || r == utf8.RuneError }) >= 0 {
			return
		}
		if text, attr, err := readBack(got); err != nil || text != s || attr != s {
			t.Fatalf("%q: another reader sees %q and %q (%v)", got, text, attr, err)
		}
	})
}

func FuzzReference(f *testing.F) {
	for _, s := range []string{"lt", "#65", "#x41", "#xD800", "#", "#x", "#0", "nope", "#1114112", "#0000000000065"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		r, ok := Reference([]byte(name))
		if strings.ContainsAny(name, "<>&;\"'\r\n\t ") {
			if ok {
				t.Fatalf("%q is a reference to %q", name, r)
			}
			return
		}
		text, _, err := readBack("&" + name + ";")
		if err == nil && !ok && text == string(utf8.RuneError) {
			return // it takes half of a surrogate pair, and replaces it
		}
		if ok != (err == nil) || ok && text != string(r) {
			t.Fatalf("%q: %q, %v; another reader says %q, %v", name, r, ok, text, err)
		}
	})
}
