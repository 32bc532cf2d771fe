package style

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestSelectionAndFocusShowWithoutColour: in every theme the two are seen by a
// terminal that has bold and reverse only.
func TestSelectionAndFocusShowWithoutColour(t *testing.T) {
	t.Parallel()
	for _, name := range Names() {
		th, ok := New(name, false, false)
		if !ok {
			t.Fatalf("%s is not there", name)
		}
		has := func(tok Token, attr string) bool {
			for _, p := range strings.Split(strings.TrimSuffix(strings.TrimPrefix(th.SGR(tok), "\x1b["), "m"), ";") {
				if p == attr {
					return true
				}
			}
			return false
		}
		if !has(Select, "7") || !has(Bar, "7") {
			t.Errorf("%s: selection is not reverse", name)
		}
		if !has(Focus, "1") || !has(Title, "1") || !has(Danger, "1") {
			t.Errorf("%s: focus, title or danger is not bold", name)
		}
		if th.SGR(Match) == "" {
			t.Errorf("%s: a match is not seen", name)
		}
		if name == "mono" {
			for tok := Token(0); tok < tokens; tok++ {
				for _, p := range strings.Split(strings.Trim(th.SGR(tok), "\x1b[m"), ";") {
					if len(p) > 1 {
						t.Errorf("mono has a colour: token %d, %q", tok, th.SGR(tok))
					}
				}
			}
		}
	}
}

func TestFocusShowsInThePlainestTheme(t *testing.T) {
	t.Parallel()
	for _, ascii := range []bool{false, true} {
		th, _ := New("mono", ascii, true)
		on := strings.Join(th.Box(20, 3, "a", "", true, nil), "\n")
		off := strings.Join(th.Box(20, 3, "a", "", false, nil), "\n")
		if on == off || strings.Contains(on+off, "\x1b") {
			t.Errorf("ascii %v: focus is not seen, or there are sequences:\n%s\n%s", ascii, on, off)
		}
		seen := map[string]bool{}
		for _, g := range []Glyph{Live, Half, Alert, Hollow} {
			s := th.Glyph(g)
			if seen[s] || Width(s) != 1 {
				t.Errorf("ascii %v: glyph %q", ascii, s)
			}
			seen[s] = true
		}
	}
}

func TestBoxIsExact(t *testing.T) {
	t.Parallel()
	th, _ := New("default", false, false)
	for w := range 40 {
		for h := range 6 {
			rows := th.Box(w, h, "title \u754c", "right", true, []string{"body \x1b[31mred\x1b[0m \u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c\u754c"})
			if len(rows) != h {
				t.Fatalf("%dx%d has %d rows", w, h, len(rows))
			}
			for _, r := range rows {
				if n := ansi.StringWidth(r); n != w {
					t.Errorf("%dx%d: row of %d cells %q", w, h, n, r)
				}
			}
		}
	}
}

func TestOverKeepsTheWidth(t *testing.T) {
	t.Parallel()
	bg := func() []string {
		return []string{"\x1b[31mred\x1b[0m and \u754c\u754c\u754c wid", strings.Repeat("x", 18)}
	}
	for x := -2; x < 20; x++ {
		for _, fg := range []string{"", "a", "\x1b[7mab\x1b[0m", "\u754c\u754c", strings.Repeat("long", 9)} {
			rows := Over(bg(), []string{fg, fg, fg}, x, 0, 18)
			if n := ansi.StringWidth(rows[0]); n != 18 && fg != "" {
				t.Errorf("x %d, %q: %d cells %q", x, fg, n, rows[0])
			}
			if strings.Count(rows[0], "\x1b[31m") > 0 && !strings.Contains(rows[0], "\x1b[0m") {
				t.Errorf("x %d: colour is left on: %q", x, rows[0])
			}
		}
	}
}

func TestToASCIIKeepsTheWidth(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"abc", "\u2026\u2192", "\u754c\u754c", "e\u0301x", "\x1b[1m\u00e9\x1b[0m"} {
		got := ToASCII(s)
		if ansi.StringWidth(got) != ansi.StringWidth(s) {
			t.Errorf("%q became %q", s, got)
		}
		for _, r := range got {
			if r > 0x7e {
				t.Errorf("%q became %q", s, got)
			}
		}
	}
}
