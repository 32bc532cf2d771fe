package highlight

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/safe"
	"dialtone/ui/style"
)

const sample = `<?xml version="1.0"?>
<!-- a comment
  over two rows -- still -->
<rpc message-id="1" xmlns='urn:ietf:params:xml:ns:netconf:base:1.0'>
  <edit-config
    a = "x &amp; y
 second row" b='"'>
    <![CDATA[ <not> a tag ]] ]>
 ]]>text &lt; &bad more ` + "\x1b[31m \u202e e\u0301 漢字 \xff" + `
    <a/><b></b ><c x=y><!DOCTYPE d
  e>
  <open <next "quoted
</edit-config>
</rpc>`

func mono() *style.Theme  { t, _ := style.New("mono", false, true); return t }
func deflt() *style.Theme { t, _ := style.New("default", false, false); return t }

func TestStatesOfRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		from State
		want State
	}{
		{"", InText, InText},
		{"text", InText, InText},
		{"<a>", InText, InText},
		{"<a", InText, InTag},
		{"<", InText, InTag},
		{"</a", InText, InTag},
		{`<a b="`, InText, InDouble},
		{`<a b='"`, InText, InSingle},
		{`" c>`, InDouble, InText},
		{`' c>`, InDouble, InDouble},
		{`x`, InSingle, InSingle},
		{`/>`, InTag, InText},
		{"<!-- a", InText, InComment},
		{"<a> --", InComment, InComment},
		{"--><a", InComment, InTag},
		{"<!-->", InText, InComment},
		{"<![CDATA[ ]]", InText, InCDATA},
		{"]]>", InCDATA, InText},
		{"<?xml", InText, InPI},
		{">", InPI, InPI},
		{"?>", InPI, InText},
		{"<!DOCTYPE a", InText, InDecl},
		{">", InDecl, InText},
		{"<a <b>", InText, InText},
		{`<a b="<c>`, InText, InText},
		{`<a b="<!--`, InText, InComment},
	} {
		if got := Next(c.in, c.from); got != c.want {
			t.Errorf("Next(%q, %s) = %s, want %s", c.in, c.from.name(), got.name(), c.want.name())
		}
	}
}

func TestSpansNameWhatTheyCover(t *testing.T) {
	t.Parallel()
	h := New(mono())
	for _, c := range []struct {
		in   string
		st   State
		want string // token letter per byte
	}{
		{`<a b="c">x</a>`, InText, "TT=A~VVVT=TTTT"},
		{`x <!-- c --> y`, InText, "==CCCCCCCCCC=="},
		{`c --> y`, InComment, "CCCCC=="},
		{`&lt; & x`, InText, "NNNN=E=="},
		{`<![CDATA[<a>]]>`, InText, "NNNNNNNNN===NNN"},
		{`v">`, InDouble, "VVT"},
		{`b='c'/>`, InTag, "A~VVVTT"},
	} {
		spans := h.tokenise(c.in, c.st, nil)
		got := []byte(strings.Repeat("=", len(c.in)))
		for _, s := range spans {
			for i := s.Start; i < s.End; i++ {
				got[i] = letter(s.Tok)
			}
		}
		if string(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

func letter(t style.Token) byte {
	return map[style.Token]byte{style.XMLTag: 'T', style.XMLAttr: 'A', style.Dim: '~', style.XMLValue: 'V',
		style.XMLComment: 'C', style.Accent: 'N', style.Error: 'E', style.Text: '='}[t]
}

// TestRowsAgreeWithTheWhole paints a text row by row and once as one piece: the
// scanner that finds states and the lexer must see the same XML.
func TestRowsAgreeWithTheWhole(t *testing.T) {
	t.Parallel()
	agree(t, New(mono()), sample)
}

func agree(t *testing.T, h *Highlighter, text string) {
	t.Helper()
	whole, end := h.tokenise(text, InText, nil), Next(text, InText)
	want := perByte(whole, len(text))
	st, at := InText, 0
	for _, line := range strings.SplitAfter(text, "\n") {
		spans, next := h.tokenise(line, st, nil), Next(line, st)
		if got := perByte(spans, len(line)); string(got) != string(want[at:at+len(line)]) {
			// A name or entity that the row's end cuts is one token in the whole.
			t.Fatalf("row %q in %s\n got %s\nwant %s", line, st.name(), got, want[at:at+len(line)])
		}
		st, at = next, at+len(line)
	}
	if st != end {
		t.Fatalf("state behind the last row %s, behind the text %s", st.name(), end.name())
	}
}

func perByte(spans []Span, n int) []byte {
	b := []byte(strings.Repeat("=", n))
	for _, s := range spans {
		for i := s.Start; i < s.End; i++ {
			b[i] = letter(s.Tok)
		}
	}
	return b
}

func TestLineKeepsTextAndWidth(t *testing.T) {
	t.Parallel()
	h := New(deflt())
	st := InText
	for _, line := range strings.Split(sample, "\n") {
		var painted string
		painted, st = h.Line(line, st)
		if got, want := ansi.Strip(painted), safe.Line(line); got != want {
			t.Errorf("Line(%q) shows %q, want %q", line, got, want)
		}
		if got, want := ansi.StringWidth(painted), ansi.StringWidth(safe.Line(line)); got != want {
			t.Errorf("Line(%q) is %d wide, want %d", line, got, want)
		}
	}
}

func TestReplacedCharactersAreMarked(t *testing.T) {
	t.Parallel()
	th := deflt()
	typed, _ := New(th).Line("^[", InText)
	real, _ := New(th).Line("\x1b", InText)
	if typed != "^[" || real != th.Paint(style.Mark, "^[") {
		t.Errorf("typed %q, real %q", typed, real)
	}
}

func TestWindowsAreCutsOfTheWhole(t *testing.T) {
	t.Parallel()
	h := New(mono())
	rnd := rand.New(rand.NewPCG(1, 2))
	long := strings.ReplaceAll(strings.Repeat(sample, 12), "\n", "")
	for _, tab := range []int{0, 4} {
		row := h.Row(long, InText, tab)
		whole, width, more := row.Paint(0, math.MaxInt, nil)
		if more || width != ansi.StringWidth(whole) || width != row.Width() {
			t.Fatalf("width %d, measured %d, Width %d, more %v", width, ansi.StringWidth(whole), row.Width(), more)
		}
		for range 300 {
			fresh := h.Row(long, InText, tab)
			from, w := rnd.IntN(width), 1+rnd.IntN(200)
			got, n, _ := fresh.Paint(from, w, nil)
			want := ansi.Cut(whole, from, from+w)
			if n != min(w, width-from) || ansi.StringWidth(got) != n {
				t.Fatalf("Paint(%d, %d) is %d wide and says %d", from, w, ansi.StringWidth(got), n)
			}
			if strings.Trim(got, " ") != strings.Trim(want, " ") && !strings.ContainsAny(want, "漢字") {
				t.Fatalf("Paint(%d, %d)\n got %q\nwant %q", from, w, got, want)
			}
			off := row.Off(from)
			if c := row.Col(off); c > from {
				t.Fatalf("Off(%d) = %d, Col of that is %d", from, off, c)
			}
			if off != fresh.Off(from) {
				t.Fatalf("Off(%d) differs between rows", from)
			}
			if b := row.Before(row.After(off)); b != off {
				t.Fatalf("Before(After(%d)) = %d", off, b)
			}
		}
	}
}

func TestWindowsHaveTheColoursOfTheWhole(t *testing.T) {
	t.Parallel()
	h := New(deflt())
	long := strings.Repeat(`<interface name="ge-0/0/0" speed='1g'><!-- c --><mtu>9192</mtu> &lt; </interface>`, 200)
	whole := h.Row(long, InText, 4)
	spans := h.tokenise(long, InText, nil)
	want := perByte(spans, len(long))
	for from := 0; from < whole.Width(); from += 777 {
		row := h.Row(long, InText, 4)
		row.Paint(from, 100, nil)
		got := perByte(row.spans, len(long))
		to := min(from+100, len(long))
		if string(got[from:to]) != string(want[from:to]) {
			t.Fatalf("from %d\n got %s\nwant %s", from, got[from:to], want[from:to])
		}
	}
}

func TestChangeKeepsTheFront(t *testing.T) {
	t.Parallel()
	h := New(deflt())
	rnd := rand.New(rand.NewPCG(3, 4))
	text := strings.Repeat(`<a b="c">text</a><!-- é -->`, 400)
	row := h.Row(text, InText, 4)
	row.Width()
	for range 200 {
		at := row.Before(rnd.IntN(len(text)))
		in := []string{"x", "<!--", "-->", "é", "\u0301", `"`, "\t"}[rnd.IntN(7)]
		text = text[:at] + in + text[at:]
		row.Change(text, at)
		fresh := h.Row(text, InText, 4)
		from := max(fresh.Col(at)-60, 0)
		got, n, _ := row.Paint(from, 120, nil)
		want, m, _ := fresh.Paint(from, 120, nil)
		if got != want || n != m || row.Width() != fresh.Width() {
			t.Fatalf("after %q at %d\n got %q\nwant %q", in, at, got, want)
		}
	}
}

func TestOverlaysLieAbove(t *testing.T) {
	t.Parallel()
	th := deflt()
	row := New(th).Row("<ab>漢\x1b", InText, 4)
	got, _, _ := row.Paint(0, 80, []Span{{1, 3, style.Match}, {2, 3, style.Select}, {4, 8, style.Select}})
	want := th.Paint(style.XMLTag, "<") + th.Paint(style.Match, "a") + th.Paint(style.Select, "b") +
		th.Paint(style.XMLTag, ">") + th.Paint(style.Select, "漢^[")
	if got != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestWideCharactersAtTheEdges(t *testing.T) {
	t.Parallel()
	row := New(mono()).Row("漢字x", InText, 4)
	for _, c := range []struct {
		from, w int
		want    string
		n       int
		more    bool
	}{
		{0, 4, "漢字", 4, true}, {0, 5, "漢字x", 5, false}, {1, 3, " 字", 3, true}, {0, 3, "漢 ", 3, true},
		{1, 1, " ", 1, true}, {5, 3, "", 0, false}, {9, 3, "", 0, false}, {0, 0, "", 0, true},
	} {
		got, n, more := row.Paint(c.from, c.w, nil)
		if got != c.want || n != c.n || more != c.more {
			t.Errorf("Paint(%d, %d) = %q, %d, %v; want %q, %d, %v", c.from, c.w, got, n, more, c.want, c.n, c.more)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add(sample, uint8(0), 3, 10)
	f.Add("<a b=\"\n<c>", uint8(1), 0, 1)
	f.Add("-->\n]]>", uint8(4), 0, 4)
	h := New(mono())
	f.Fuzz(func(t *testing.T, s string, st uint8, from, w int) {
		line, start := s, State(st)%states
		painted, next := h.Line(line, start)
		if painted != safe.Line(line) {
			t.Fatalf("Line(%q) = %q, safe %q", line, painted, safe.Line(line))
		}
		if next >= states {
			t.Fatalf("state %d", next)
		}
		row := h.Row(s, start, 4)
		from, w = from&0xfff, w&0xff
		got, n, _ := row.Paint(from, w, nil)
		if ansi.StringWidth(got) != n || n > w {
			t.Fatalf("Paint(%d, %d) of %q = %q, %d", from, w, s, got, n)
		}
		agree(t, h, s)
	})
}

func BenchmarkScreen(b *testing.B) {
	h := New(deflt())
	line := `      <name>ge-0/0/2</name><description lang="en">to core-r2 (moved)</description>`
	b.Run("60 rows", func(b *testing.B) {
		for b.Loop() {
			for range 60 {
				h.Line(line, InText)
			}
		}
	})
	long := strings.Repeat(line, (1<<20)/len(line))
	b.Run("window in a 1 MB row, first time", func(b *testing.B) {
		for b.Loop() {
			h.Row(long, InText, 4).Paint(len(long)-500, 100, nil)
		}
	})
	row := h.Row(long, InText, 4)
	b.Run("window in a 1 MB row, scrolling", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			row.Paint(len(long)-5000+i%1000, 100, nil)
		}
	})
	b.Run("state of 1 MB", func(b *testing.B) {
		b.SetBytes(int64(len(long)))
		for b.Loop() {
			Next(long, InText)
		}
	})
	b.Run("build lexer", func(b *testing.B) {
		for b.Loop() {
			New(h.theme).Line("<a/>", InText)
		}
	})
}
