package safe

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestTextShowsWhatCouldHarm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, in, want string }{
		{"plain", "ge-0/0/0 up", "ge-0/0/0 up"},
		{"empty", "", ""},
		{"newline", "a\nb", "a^Jb"},
		{"tab", "a\tb", "a^Ib"},
		{"carriage return", "safe\rfake", "safe^Mfake"},
		{"NUL", "a\x00b", "a^@b"},
		{"bell", "\a", "^G"},
		{"backspace", "ab\b\bxy", "ab^H^Hxy"},
		{"delete", "a\x7f", "a^?"},
		{"escape letter", "\x1bc", "^[c"},
		{"colour", "\x1b[31mred\x1b[0m", "^[[31mred^[[0m"},
		{"title", "\x1b]0;owned\a", "^[]0;owned^G"},
		{"clipboard", "\x1b]52;c;cm0=\x1b\\", "^[]52;c;cm0=^[\\"},
		{"link", "\x1b]8;;http://192.0.2.1\x1b\\x", "^[]8;;http://192.0.2.1^[\\x"},
		{"device control", "\x1bP$qm\x1b\\", "^[P$qm^[\\"},
		{"application", "\x1b_x\x1b\\", "^[_x^[\\"},
		{"cursor query", "\x1b[6n", "^[[6n"},
		{"C1 CSI as character", "\u009b31m", "<U+009B>31m"},
		{"C1 OSC as character", "\u009d0;x\u009c", "<U+009D>0;x<U+009C>"},
		{"C1 CSI as byte", "\x9b31m", `\x9b31m`},
		{"next line", "a\u0085b", "a<U+0085>b"},
		{"right to left override", "abc\u202egpj.exe", "abc<U+202E>gpj.exe"},
		{"isolates", "\u2066x\u2069", "<U+2066>x<U+2069>"},
		{"marks of direction", "\u200e\u200f\u061c", "<U+200E><U+200F><U+061C>"},
		{"zero width space", "ad\u200bmin", "ad<U+200B>min"},
		{"zero width joiner", "\U0001F469\u200d\U0001F4BB", "\U0001F469<U+200D>\U0001F4BB"},
		{"byte order mark", "\ufeffx", "<U+FEFF>x"},
		{"soft hyphen", "ad\u00admin", "ad<U+00AD>min"},
		{"tag characters", "a\U000E0041", "a<U+E0041>"},
		{"variation selector", "⚠\ufe0f", "⚠<U+FE0F>"},
		{"supplementary variation selector", "a\U000E0100", "a<U+E0100>"},
		{"line separator", "a\u2028b\u2029c", "a<U+2028>b<U+2029>c"},
		{"no-break space", "a\u00a0b", "a<U+00A0>b"},
		{"hangul filler", "a\u3164b", "a<U+3164>b"},
		{"braille blank", "a\u2800b", "a<U+2800>b"},
		{"private use", "\ue000", "<U+E000>"},
		{"unassigned", "\U000EFFFF", "<U+EFFFF>"},
		{"replacement character itself", "\ufffd", "\ufffd"},
		{"lone surrogate bytes", "\xed\xa0\x80", `\xed\xa0\x80`},
		{"overlong slash", "\xc0\xaf", `\xc0\xaf`},
		{"cut character", "abc\xe2\x82", `abc\xe2\x82`},
		{"letters beyond ASCII", "Zürich 漢字 ё", "Zürich 漢字 ё"},
		{"one mark", "e\u0301", "e\u0301"},
		{"mark on nothing", "\u0301x", "<U+0301>x"},
		{"mark on a sign", "\u200b\u0301", "<U+200B><U+0301>"},
		{"eight marks", "e" + strings.Repeat("\u0301", 8), "e" + strings.Repeat("\u0301", 8)},
		{"ten marks", "e" + strings.Repeat("\u0301", 10), "e" + strings.Repeat("\u0301", 8) + "<U+0301><U+0301>"},
		{"flag", "🇩🇪", "🇩🇪"},
		{"wide characters that join", "ᄀᄀ", "<U+1100><U+1100>"},
		{"skin tone", "👍🏽", "👍<U+1F3FD>"},
		{"conjunct", "क\u094dष", "क<U+094D>ष"},
		{"vowel sign beside its letter", "क\u093e", "क<U+093E>"},
		{"vowel sign above its letter", "क\u0947", "क\u0947"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Text(c.in); got != c.want {
				t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
			}
			check(t, c.in, Text(c.in))
		})
	}
}

func TestBlockKeepsLinesAndSetsTabs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\nb":            "a\nb",
		"a\r\nb":          "a^M\nb",
		"\tx":             "        x",
		"ab\tx":           "ab      x",
		"12345678\tx":     "12345678        x",
		"a\n\tx":          "a\n        x",
		"漢\tx":            "漢      x",
		"a\x1b\tx":        "a^[     x",
		"\u0301\n\u0301a": "<U+0301>\n<U+0301>a",
	} {
		if got := Block(in); got != want {
			t.Errorf("Block(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLineMakesBlanksSpaces(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\t<a/>\r\n": " <a/>  ",
		"a\tb\x1b[m": "a b^[[m",
		"<a/>":       "<a/>",
		"é\té":       "é é",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestEveryCharacter walks all of Unicode and every byte.
func TestEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if utf8.ValidRune(r) {
			neighbours := []string{"a", "क", "👍", "\u1100", "漢\u0301"}
			if r >= 0x3000 && r < 0xD7B0 || r >= 0x20000 {
				neighbours = neighbours[:1] // ideographs, unassigned, private use
			}
			for _, by := range neighbours {
				in := by + string(r) + by
				check(t, in, Text(in))
			}
		}
	}
	for c := range 256 {
		for d := range 256 {
			check(t, "", Text(string([]byte{'a', byte(c), byte(d), 'z'})))
		}
	}
}

// TestSequencesOfTerminals takes each introducer with many finals apart.
func TestSequencesOfTerminals(t *testing.T) {
	t.Parallel()
	for _, intro := range []string{"\x1b[", "\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1b", "\u009b", "\u009d", "\u0090", "\x9b", "\x9d", "\x90"} {
		for f := 0x20; f < 0x7f; f++ {
			in := fmt.Sprintf("%s1;2%c\x1b\\\a", intro, f)
			got := Text(in)
			if ansi.Strip(got) != got {
				t.Fatalf("Text(%q) = %q holds a sequence", in, got)
			}
			check(t, in, got)
		}
	}
}

// check fails when out could do anything but show characters, or when cleaning
// it once more would change it.
func check(t *testing.T, in, out string) {
	t.Helper()
	if !utf8.ValidString(out) {
		t.Fatalf("%q became %q: not UTF-8", in, out)
	}
	marks := 0
	for _, r := range out {
		switch {
		case r != '\n' && r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r == 0x2028, r == 0x2029, unicode.Is(unicode.Cf, r):
			t.Fatalf("%q became %q, which holds %U", in, out, r)
		}
		if marks++; !unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Me, r) {
			marks = 0
		}
		if marks > maxJoined {
			t.Fatalf("%q became %q: more than %d marks on one character", in, out, maxJoined)
		}
	}
	if w, sum := ansi.StringWidth(out), runeWidths(out); w != sum {
		t.Fatalf("%q became %q, %d cells wide and %d when characters are counted", in, out, w, sum)
	}
	if again := Block(out); again != out {
		t.Fatalf("%q became %q and then %q", in, out, again)
	}
}

// runeWidths is the width of s for terminals that know no clusters. Half of a
// flag counts one, as in most of them.
func runeWidths(s string) int {
	sum, half := 0, false
	for _, r := range s {
		switch flag := r >= 0x1F1E6 && r <= 0x1F1FF; {
		case r == '\n':
		case flag && half:
			half = false
			continue
		default:
			sum += ansi.StringWidth(string(r))
			half = flag
			continue
		}
		half = false
	}
	return sum
}

func TestCellsAddUpToText(t *testing.T) {
	t.Parallel()
	in := "<a>é漢e\u0301\u0301🇩🇪\x1b[m\xff\u202e👍🏽</a>\t"
	var b strings.Builder
	width := 0
	for s := in; s != ""; {
		shown, n, _ := Cell(s)
		b.WriteString(shown)
		width += ansi.StringWidth(shown)
		s = s[n:]
	}
	if b.String() != Text(in) {
		t.Errorf("cells %q, text %q", b.String(), Text(in))
	}
	if w := ansi.StringWidth(Text(in)); w != width {
		t.Errorf("cells are %d wide, text %d", width, w)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"", "<a/>", "\x1b[31m", "é\u0301\u202e", "\xff\xe2\x82", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "\r\n\t", "🇩🇪👍🏽", "\u0d4e\u202e"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, line, block := Text(s), Line(s), Block(s)
		for _, out := range []string{text, line, block} {
			check(t, s, out)
		}
		if strings.ContainsRune(text, '\n') || strings.ContainsRune(line, '\n') {
			t.Fatalf("%q: a newline passed", s)
		}
		if strings.Count(block, "\n") != strings.Count(s, "\n") {
			t.Fatalf("Block(%q) = %q lost or made lines", s, block)
		}
		var b strings.Builder
		width := 0
		for rest := s; rest != ""; {
			shown, n, _ := Cell(rest)
			if n <= 0 || n > len(rest) || shown == "" {
				t.Fatalf("Cell(%q) = %q, %d", rest, shown, n)
			}
			if ansi.StringWidth(shown) == 0 {
				t.Fatalf("Cell(%q) = %q takes no cell", rest, shown)
			}
			b.WriteString(shown)
			width += ansi.StringWidth(shown)
			rest = rest[n:]
		}
		if b.String() != text {
			t.Fatalf("cells of %q are %q, text is %q", s, b.String(), text)
		}
		if w := ansi.StringWidth(text); w != width {
			t.Fatalf("cells of %q are %d wide, %q is %d", s, width, text, w)
		}
		var out bytes.Buffer
		w := Writer(&out)
		for i := range len(s) {
			if n, err := w.Write([]byte{s[i]}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		if err := w.Close(); err != nil || out.String() != block {
			t.Fatalf("Writer made %q of %q, Block %q, %v", out.String(), s, block, err)
		}
	})
}

func BenchmarkText(b *testing.B) {
	ascii := strings.Repeat(`<interface><name>ge-0/0/2</name></interface>`, 1500)
	for _, c := range []struct{ name, in string }{
		{"ascii", ascii},
		{"ascii-with-escape-each-kB", strings.Repeat(ascii[:1000]+"\x1b[m", 60)},
		{"utf8", strings.Repeat("Zürich 漢字 ", 4000)},
		{"zalgo", "e" + strings.Repeat("\u0301", 30000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.in)))
			for b.Loop() {
				Text(c.in)
			}
		})
	}
}
