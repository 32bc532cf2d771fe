package xmldoc

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// indexSize is the memory of what is kept besides the text.
func (d *Doc) indexSize() int {
	n := 8*cap(d.w.index.marks) + 16*cap(d.w.counts) + 8*cap(d.w.lines.before) + 40*(cap(d.w.stack)+cap(d.open))
	for _, low := range d.w.index.low {
		n += 2 * cap(low)
	}
	return n
}

func TestIndexIsSmall(t *testing.T) {
	t.Parallel()
	const size = 2 << 20
	for name, tt := range map[string]struct {
		text string
		part int // the index may take 1/part of the text
	}{
		"indented":  {string(junosLike(size, true)), 100},
		"one line":  {string(junosLike(size, false)), 50},
		"elements":  {"<r>" + strings.Repeat("<a/>", size/4) + "</r>", 10},
		"deep":      {strings.Repeat(strings.Repeat("<a>", 500)+strings.Repeat("</a>", 500), 1) + strings.Repeat("\n", size), 100},
		"one text":  {"<r>" + strings.Repeat("x", size) + "</r>", 100},
		"feeds":     {"<r>" + strings.Repeat("\n", size) + "</r>", 100},
		"lines":     {"<r>" + strings.Repeat("x\n", size/2) + "</r>", 8},
		"nested":    {"<r>" + strings.Repeat(strings.Repeat("<a>", 400)+strings.Repeat("</a>", 400), size/2800) + "</r>", 15},
		"broken":    {"<r></x>" + strings.Repeat("x\n", size/2), 8},
		"very deep": {strings.Repeat("<a>", size/3), 50},
		"attribute": {"<r a='" + strings.Repeat("x", size), 50},
		"names":     {"<" + strings.Repeat("x", size), 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := load(t, tt.text, 32<<10)
			if got := d.indexSize(); got > len(tt.text)/tt.part+64<<10 {
				t.Errorf("%d rows in %d bytes take an index of %d", d.Rows(), len(tt.text), got)
			}
		})
	}
}

// TestEveryRowIsBounded checks that no row is longer than what the scanner
// looks ahead, however long the lines are.
func TestEveryRowIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300_000) + strings.Repeat("ä", 100_000) + strings.Repeat("-", 100_000)
	for _, text := range []string{
		"<a>" + long + "</a>",
		"<a><b/>" + long + "<c/></a>",
		"<a><!--" + long + "--></a>",
		"<a><![CDATA[" + long + "]]></a>",
		"<a><?p " + long + "?></a>",
		"<a></b>" + long + "<c>" + long + "\n" + long,
	} {
		d, e := load(t, text, 1000), load(t, text, len(text))
		if dump(d) != dump(e) {
			t.Errorf("%.20q: pieces differ", text)
		}
		var whole strings.Builder
		for i := range d.Rows() {
			r := d.Row(i)
			if r.Len > maxRow {
				t.Errorf("%.20q: row %d has %d bytes", text, i, r.Len)
			}
			row := d.AppendRow(nil, i, r.Len)
			if strings.ToValidUTF8(string(row), "") != string(row) {
				t.Errorf("%.20q: row %d cuts a character", text, i)
			}
			whole.Write(row)
		}
		if got := strings.ReplaceAll(text, "\n", ""); whole.String() != got {
			t.Errorf("%.20q: the rows do not hold the whole text", text)
		}
		if p, broken := d.Problem(); broken != strings.Contains(text, "</b>") {
			t.Errorf("%.20q: %v", text, p)
		}
	}
}

// TestHostilePieces counts the work that is done for tokens made to look
// complete at every byte.
func TestHostilePieces(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"<a b='" + strings.Repeat(">", 50_000) + "'/>",
		"<a><!--" + strings.Repeat(">", 50_000) + "--></a>",
		"<a><b></b" + strings.Repeat(" ", 50_000),
		"<a>" + strings.Repeat(" ", 50_000) + "</a>",
		"<a>" + strings.Repeat("/", 50_000) + "</a>",
		"<a></b>" + strings.Repeat("<", 50_000),
	} {
		d := New(Options{})
		defer d.Close()
		work := 0
		for i := range len(text) {
			before, pos := d.w.tries, d.w.pos
			if _, err := d.Write([]byte{text[i]}); err != nil {
				t.Fatal(err)
			}
			if d.w.tries != before || d.w.pos != pos {
				work += i - pos
			}
		}
		d.Finish(nil)
		if work > 40*len(text) {
			t.Errorf("%.20q: looked at %d bytes of %d", text, work, len(text))
		}
	}
}

// TestSmallReplies checks that small replies cost little more than their text.
func TestSmallReplies(t *testing.T) {
	text := []byte(junosLike(3000, true))
	docs := make([]*Doc, 500)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range docs {
		docs[i] = New(Options{})
		if _, err := docs[i].Write(text); err != nil {
			t.Fatal(err)
		}
		docs[i].Finish(nil)
	}
	runtime.ReadMemStats(&after)
	if each := int(after.TotalAlloc-before.TotalAlloc) / len(docs); each > 4*len(text) {
		t.Errorf("a reply of %d bytes costs %d", len(text), each)
	}
	for _, d := range docs {
		d.Close()
	}
}

func TestMaxDepth(t *testing.T) {
	t.Parallel()
	d := New(Options{MaxDepth: 3, Hint: 100})
	defer d.Close()
	feed(t, d, "<a><b><c/><c><d/></c></b></a>", 1)
	d.Finish(nil)
	if p, ok := d.Problem(); !ok || p.Code != "XML-DEPTH" || p.Off != 13 || p.What != "elements are nested deeper than 3" {
		t.Errorf("%+v", p)
	}
	if e := New(Options{MaxDepth: 1 << 20}); e.w.max != maxDepthLimit {
		t.Errorf("depth %d", e.w.max)
	}
}

func TestFlaws(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"<a b='1' c='2'/>":       "",
		"<a b='1' c='2' b='3'/>": `the attribute "b" is given twice`,
		"<a b1='' b2='' b3='' b4='' b5='' b6='' b7='' b8='' b9='' b3=''/>":         `the attribute "b3" is given twice`,
		"<a xmlns:x='u'><x:b y='1'/></a>":                                          "",
		"<a><b xmlns:x='u'/><x:b/></a>":                                            `the prefix of "x:b" is not declared`,
		"<a><b xmlns:x='u'><c/></b><c x:d=''/></a>":                                `the prefix of "x:d" is not declared`,
		"<a xml:lang='en' xmlns='u'/>":                                             "",
		"<a b/>":                                                                   `an attribute of "a" has no quoted value`,
		"<a b=1></a>":                                                              `an attribute of "a" has no quoted value`,
		"<a>\n\n x\x08y&#8;&#xFFFE;&#x41;&#65;\xff</a>":                            "4 illegal characters, the first at line 3 column 3",
		"<a>\xef\xbf\xbf</a>":                                                      "1 illegal character at line 1 column 4",
		"<?xml version='1.0' encoding='iso-8859-1'?><a>\xff</a>":                   "the text is in ISO-8859-1",
		"<rpc-reply><ok/></rpc-reply>":                                             "",
		"<rpc-reply><ok/><x/></rpc-reply>":                                         "the reply says ok and carries data as well",
		"<x:rpc-reply xmlns:x=''><x:ok/><x:rpc-error></x:rpc-error></x:rpc-reply>": `the prefix of "x:rpc-reply" is not declared`,
	} {
		for _, n := range []int{1, 1000} {
			d := load(t, text, n)
			if p, broken := d.Problem(); broken {
				t.Errorf("%q: %v", text, p)
			}
			got := ""
			for _, f := range d.Flaws() {
				got += f.What
			}
			if got != want {
				t.Errorf("%q: %q, want %q", text, got, want)
			}
		}
	}
}

// outline is describe without the text.
func outline(d *Doc) string {
	rows := make([]Row, d.Rows())
	for i := range rows {
		rows[i] = d.Row(i)
	}
	p, _ := d.Problem()
	return fmt.Sprint(rows, p, d.Lines(), d.w.index.marks)
}

// TestLimitsInPieces checks that decisions at the limits of the scanner do not
// depend on how the text arrived.
func TestLimitsInPieces(t *testing.T) {
	t.Parallel()
	for _, form := range []struct {
		head, unit, tail string
		limit            int
	}{
		{"<a>", "x", "</a>", maxRow},
		{"<a>", " ", "</a>", maxRow},
		{"<a>\n", " ", "<b/></a>", maxRow},
		{"<a>", "\n", "x</a>", maxRow},
		{"<a><b/>", "ä", "<c/></a>", maxRow / 2},
		{"<a><!--", "-", "-->\n</a>", maxRow},
		{"<a><![CDATA[", "]", "]]>x</a>", maxRow},
		{"<a><?p", "?", "?></a>", maxRow},
		{"<a></b>", "x", "<c>\ny", longLine},
		{"<a></b>", "x", "<c>\ny", maxRow},
		{"<a><", "b", ">c</a>", maxName},
		{"<a></", "b", ">c</a>", maxName},
		{"<a></a", " ", ">", maxName},
		{"<a><b></b", " ", "></a>", 64},
		{"<a ", "b", "='1'/>", maxName},
	} {
		for n := form.limit - 14; n <= form.limit+6; n++ {
			text := form.head + strings.Repeat(form.unit, n) + form.tail
			want := outline(load(t, text, len(text)))
			// Byte by byte where it matters.
			d := New(Options{})
			first := max(0, len(text)-64)
			feed(t, d, text[:first], 4096)
			feed(t, d, text[first:], 1)
			d.Finish(nil)
			if got := outline(d); got != want {
				t.Errorf("%q, %d times %q, %q: pieces differ:\n%.300s\n%.300s", form.head, n, form.unit, form.tail, got, want)
			}
			d.Close()
		}
	}
}
