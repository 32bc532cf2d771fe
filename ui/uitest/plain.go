package uitest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// Plain is s without escape sequences.
func Plain(s string) string { return ansi.Strip(s) }

// ExactSize fails the test unless view is h rows of w cells each.
func ExactSize(t testing.TB, view string, w, h int) {
	t.Helper()
	rows := strings.Split(view, "\n")
	if len(rows) != h {
		t.Errorf("%d rows at %dx%d, want %d", len(rows), w, h, h)
		return
	}
	for i, r := range rows {
		if n := ansi.StringWidth(r); n != w {
			t.Errorf("row %d at %dx%d has %d cells: %q", i+1, w, h, n, r)
			return
		}
	}
}

var ourSGR = regexp.MustCompile("\x1b\\[[0-9;]*m")

// OnlySGR fails the test when view holds a control character other than the
// newline, or an escape sequence other than our own colours.
func OnlySGR(t testing.TB, view string) {
	t.Helper()
	rest := ourSGR.ReplaceAllString(view, "")
	for i, r := range rest {
		if r == '\n' || r >= 0x20 && r != 0x7f && (r < 0x80 || r >= 0xa0) && r != 0x202e && r != 0x2066 && r != 0x200b && r != 0xfeff {
			continue
		}
		t.Errorf("foreign control character %U near %q", r, rest[max(i-30, 0):min(i+30, len(rest))])
		return
	}
}
