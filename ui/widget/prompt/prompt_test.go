package prompt

import (
	"strings"
	"testing"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/style"
)

func text(s string) tea.KeyMsg { return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s)} }

func paste(s string) tea.KeyMsg {
	return tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(s), Paste: true}
}

func TestEditing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys []tea.KeyMsg
		want string
	}{
		{"typed", []tea.KeyMsg{text("a"), text("bc")}, "abc"},
		{"in the middle", []tea.KeyMsg{text("ac"), {Type: tea.KeyLeft}, text("b")}, "abc"},
		{"backspace", []tea.KeyMsg{text("abc"), {Type: tea.KeyBackspace}}, "ab"},
		{"backspace at the start", []tea.KeyMsg{text("abc"), {Type: tea.KeyHome}, {Type: tea.KeyBackspace}}, "abc"},
		{"delete", []tea.KeyMsg{text("abc"), {Type: tea.KeyCtrlA}, {Type: tea.KeyDelete}}, "bc"},
		{"word", []tea.KeyMsg{text("one two  "), {Type: tea.KeyCtrlW}}, "one "},
		{"to the start", []tea.KeyMsg{text("one two"), {Type: tea.KeyLeft}, {Type: tea.KeyCtrlU}}, "o"},
		{"to the end", []tea.KeyMsg{text("one"), {Type: tea.KeyHome}, {Type: tea.KeyRight}, {Type: tea.KeyCtrlK}}, "o"},
		{"a paste is one line", []tea.KeyMsg{paste("a\r\nb\tc\x1b[31m\x00d")}, "abc[31md"},
		{"alt is not text", []tea.KeyMsg{{Type: tea.KeyRunes, Runes: []rune("x"), Alt: true}}, ""},
	} {
		var l Line
		for _, k := range c.keys {
			l.Update(k)
		}
		if l.Value() != c.want {
			t.Errorf("%s: %q, want %q", c.name, l.Value(), c.want)
		}
	}
}

func TestOfferedTextIsReplacedOrKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys []tea.KeyMsg
		want string
	}{
		{"untouched", nil, "/old"},
		{"typed", []tea.KeyMsg{text("n"), text("ew")}, "new"},
		{"pasted", []tea.KeyMsg{paste("new\n")}, "new"},
		{"deleted", []tea.KeyMsg{{Type: tea.KeyDelete}}, ""},
		{"backspace", []tea.KeyMsg{{Type: tea.KeyBackspace}, text("n")}, "n"},
		{"moved", []tea.KeyMsg{{Type: tea.KeyEnd}, text("er")}, "/older"},
		{"moved back", []tea.KeyMsg{{Type: tea.KeyHome}, text("/very")}, "/very/old"},
		{"cut to the end", []tea.KeyMsg{{Type: tea.KeyLeft}, {Type: tea.KeyCtrlK}, text("k")}, "/olk"},
		{"not a key of editing", []tea.KeyMsg{{Type: tea.KeyF1}, text("new")}, "new"},
	} {
		var l Line
		l.Offer("/old")
		for _, k := range c.keys {
			l.Update(k)
		}
		if l.Value() != c.want || len(c.keys) > 0 && l.Offered() {
			t.Errorf("%s: %q, want %q; still offered: %v", c.name, l.Value(), c.want, l.Offered())
		}
	}
	var l Line
	if l.Offer(""); l.Offered() {
		t.Error("nothing is offered")
	}
}

func TestPasteHasALimit(t *testing.T) {
	t.Parallel()
	var l Line
	l.Update(paste(strings.Repeat("x", 10<<20)))
	if l.Len() != maxRunes || l.Refused != 10<<20-maxRunes {
		t.Errorf("%d runes, %d refused", l.Len(), l.Refused)
	}
}

func TestTakeWipes(t *testing.T) {
	t.Parallel()
	l := Line{Masked: true}
	l.Update(text("geheim"))
	seen := l.text
	if got := string(l.Take()); got != "geheim" || l.Len() != 0 {
		t.Errorf("took %q, %d left", got, l.Len())
	}
	for _, r := range seen {
		if r != 0 {
			t.Errorf("%q is left in memory", string(seen))
		}
	}
}

func TestViewIsExactAndHidesSecrets(t *testing.T) {
	t.Parallel()
	for _, plain := range []bool{false, true} {
		th, _ := style.New("mono", false, plain)
		for _, s := range []string{"", "abc", strings.Repeat("long ", 30), "界界界界界", "a\u202eb", "e\u0301e\u0301"} {
			for w := 0; w < 30; w++ {
				for back := 0; back < 8; back++ {
					l := Line{Hint: "hint of more than thirty characters"}
					l.Set(s)
					for range back {
						l.Update(tea.KeyMsg{Type: tea.KeyLeft})
					}
					for _, on := range []bool{true, false} {
						v := l.View(th, w, on)
						if n := ansi.StringWidth(v); n != w {
							t.Fatalf("%q at %d: %d cells %q", s, w, n, v)
						}
					}
				}
			}
		}
		l := Line{Masked: true}
		l.Set("secret")
		if v := l.View(th, 20, true); strings.Contains(v, "s") || !strings.HasPrefix(v, "******") {
			t.Errorf("masked: %q", v)
		}
	}
}

func TestCursorStaysInView(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", false, false)
	var l Line
	l.Set(strings.Repeat("0123456789", 8))
	for range 90 {
		if v := l.View(th, 12, true); !strings.Contains(v, "\x1b[7m") {
			t.Fatalf("no cursor in %q", v)
		}
		l.Update(tea.KeyMsg{Type: tea.KeyLeft})
	}
	for range 90 {
		l.Update(tea.KeyMsg{Type: tea.KeyRight})
		if v := l.View(th, 12, true); !strings.Contains(v, "\x1b[7m") {
			t.Fatalf("no cursor in %q", v)
		}
	}
}

func TestHintIsNotTakenForText(t *testing.T) {
	t.Parallel()
	dumb, _ := style.New("mono", false, true)
	l := &Line{Hint: "192.0.2.1"}
	for w, want := range map[int]string{20: "(192.0.2.1)", 9: "192.0.2.1"} {
		if got := strings.TrimSpace(l.View(dumb, w, false)); got != want {
			t.Errorf("%q in %d cells", got, w)
		}
	}
}
