package xmldoc

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

var seeds = []string{
	"<rpc-reply><data><a><name>x</name><b/></a><a><name>y</name></a></data></rpc-reply>",
	"<a>\n one\n\n\n two <!-- c\n d --><![CDATA[e\n]]f]]><?g h?></a>",
	"<a b='1' b='2'><x:c/><d e=f g></d ></a>\n<!-- end -->",
	"<a><b>1</c></a>", "<a>&#8;\x00\x1b&lt;\xff\xed\xa0\x80</a>", "\xef\xbb\xbf<?xml version='1.0' encoding='latin1'?>\n<a>\xe9</a>",
	"<a><b><c><d>\n</d></c>", "text", "<!DOCTYPE a>", "<a/><b/>", "<a><![CDATA[", "<a>\n\n\n</a>\r\n\r\n", "</a>", "<a><b></a></b>",
	strings.Repeat("<a>", 80) + strings.Repeat("<b/>", 200) + strings.Repeat("</a>", 80),
	"<d>v</d>\n <longer-name>1<2</longer-name>\n<e>\n</e><f>a\nb</f><g>\n <h/><i >x</i></g><j>y</k>",
	strings.Repeat("<l>\n <m>z</m>\n", 40) + strings.Repeat("</l>\n", 40),
	strings.Repeat("<a><b>", 20) + strings.Repeat("<c>x</c>", 90) + strings.Repeat("</b></a>", 20) + "x",
}

// FuzzWrite checks any text, written in any pieces, against what must hold for
// every document and against the same text written at once.
func FuzzWrite(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint64(i)*0x9e3779b97f4a7c15)
	}
	f.Fuzz(func(t *testing.T, text []byte, cuts uint64) {
		checkWrite(t, text, cuts)
		// Written at once, with so much behind it, all of the text is found by
		// stride if it can be; in pieces, none of it is.
		checkWrite(t, slices.Concat([]byte("<x><y>"), text, bytes.Repeat([]byte(" "), strideLeft)), cuts)
	})
}

func checkWrite(t *testing.T, text []byte, cuts uint64) {
	t.Helper()
	d, e := New(Options{}), New(Options{})
	defer d.Close()
	defer e.Close()
	published := 0
	for rest := text; len(rest) > 0; {
		cuts = cuts*6364136223846793005 + 1442695040888963407
		n := min(len(rest), 1+int(cuts>>59))
		if _, err := d.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
		if d.Rows() < published {
			t.Fatal("rows were taken back")
		}
		published = d.Rows()
	}
	before := dump(d)
	d.Finish(nil)
	if _, err := e.Write(text); err != nil {
		t.Fatal(err)
	}
	e.Finish(nil)
	got, want := describe(d), describe(e)
	if got != want {
		t.Fatalf("in pieces:\n%s\nat once:\n%s", got, want)
	}
	if !strings.HasPrefix(dump(d), before) {
		t.Fatalf("published rows changed:\n%s\nto\n%s", before, dump(d))
	}
	checkRows(t, d, text)
	checkLines(t, d, text)
}

// describe shows all that is known of a document.
func describe(d *Doc) string {
	n, first := d.Illegal()
	p, ok := d.Problem()
	return fmt.Sprint(dump(d), n, first, d.Latin1(), p, ok, d.Flaws(), d.Lines(), d.w.index.marks, d.w.index.low, d.w.counts)
}

// checkRows compares what is found through the index with a plain walk over all
// rows.
func checkRows(t *testing.T, d *Doc, text []byte) {
	t.Helper()
	for b := 1; b < len(d.pub.marks); b++ {
		s := d.pub.scan(b - 1)
		for range blockRows {
			s.next()
		}
		if got := packState(s.pos, s.depth, s.mode); got != d.pub.marks[b] && s.mode != inBroken {
			t.Fatalf("block %d begins at %x, the rows before it end at %x", b, d.pub.marks[b], got)
		}
	}
	var stack []int
	last := int64(0)
	ends := map[int]int{}
	children := map[int]int{}
	for i := range d.Rows() {
		r := d.Row(i)
		if r.Off < last || r.Len < 0 || r.Off+int64(r.Len) > int64(len(text)) {
			t.Fatalf("row %d: %+v behind %d of %d bytes", i, r, last, len(text))
		}
		if last = r.Off + int64(r.Len); r.Len > maxTag {
			t.Fatalf("row %d has %d bytes", i, r.Len)
		}
		if at := d.RowAt(r.Off); at != i && r.Len > 0 {
			t.Fatalf("RowAt(%d) = %d, not %d", r.Off, at, i)
		}
		if r.Kind == Broken {
			if r.Depth != 0 || d.Parent(i) != -1 || d.End(i) != i || d.Path(i) != "" {
				t.Fatalf("broken row %d: %+v", i, r)
			}
			continue
		}
		if r.Kind == Close {
			ends[stack[len(stack)-1]] = i
			stack = stack[:len(stack)-1]
		}
		parent := -1
		if len(stack) > 0 {
			parent = stack[len(stack)-1]
		}
		if got := d.Parent(i); got != parent || r.Depth != len(stack) {
			t.Fatalf("row %d: parent %d, depth %d; want %d, %d", i, got, r.Depth, parent, len(stack))
		}
		switch r.Kind {
		case Open:
			stack = append(stack, i)
			ends[i] = -1
			children[parent]++
		case Leaf, Empty:
			children[parent]++
		}
	}
	for i, end := range ends {
		if got := d.End(i); got != end {
			t.Fatalf("End(%d) = %d, not %d", i, got, end)
		}
		if got := d.Children(i, 1<<30); got != children[i] {
			t.Fatalf("Children(%d) = %d, not %d", i, got, children[i])
		}
		d.Label(i)
	}
	if n := d.Rows(); n > 0 {
		i := len(text) * 7 % n
		if path := d.Path(i); path != "" && d.Row(i).Kind <= Empty {
			row, ok, err := d.Find(context.Background(), path)
			// Without a key to tell them apart, the first of several is found.
			if err != nil || !ok || row > i && path != "/" {
				t.Fatalf("Find(%q) = %d %v %v, path %q, not row %d", path, row, ok, err, d.Path(row), i)
			}
		}
		d.Value(i)
	}
}

// checkLines compares physical lines with a plain split.
func checkLines(t *testing.T, d *Doc, text []byte) {
	t.Helper()
	lines := strings.Split(string(text), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	if d.Lines() != len(lines) {
		t.Fatalf("%d lines, not %d", d.Lines(), len(lines))
	}
	off := 0
	for i, want := range lines {
		at, n := d.Line(i)
		if got := string(d.AppendLine(nil, i, len(want))); int(at) != off || got != strings.TrimSuffix(want, "\r") && i < len(lines)-1 || n != len(got) {
			t.Fatalf("line %d is %q at %d, not %q at %d", i, got, at, want, off)
		}
		if got := d.LineOf(at + int64(n)); got != i && int(at)+n < len(text) {
			t.Fatalf("LineOf(%d) = %d, not %d", at+int64(n), got, i)
		}
		off += len(want) + 1
	}
}

// FuzzFolds checks folding against a plain list of folded rows, while the
// document arrives.
func FuzzFolds(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), []byte("fFtUtu\x01Rr\x05pPfut\x11\x13\x21\x82\x91\xf1\xe2"))
	}
	f.Fuzz(func(t *testing.T, text, steps []byte) {
		if len(steps) > 64 || len(text) > 4096 {
			return
		}
		d := New(Options{})
		defer d.Close()
		folds := NewFolds(d)
		model := map[int]bool{}
		for i, op := range steps {
			n := len(text) / (len(steps) - i)
			if _, err := d.Write(text[:n]); err != nil {
				t.Fatal(err)
			}
			text = text[n:]
			if i == len(steps)-1 {
				d.Finish(nil)
			}
			rows := d.Rows()
			if rows > 0 {
				step(t, d, folds, model, op, int(op>>3)*rows/32)
			}
			checkFolds(t, d, folds, model)
		}
	})
}

// step does one thing to folds and to the model.
func step(t *testing.T, d *Doc, f *Folds, model map[int]bool, op byte, row int) {
	t.Helper()
	element := row
	switch d.Row(row).Kind {
	case Open:
	case Close:
		for element--; d.Row(element).Depth != d.Row(row).Depth || d.Row(element).Kind != Open; element-- {
		}
	default:
		element = d.Parent(row)
	}
	switch op & 7 {
	case 0, 1, 2:
		if got := f.Toggle(row); element >= 0 {
			model[element] = !model[element]
			if got != element {
				t.Fatalf("Toggle(%d) = %d, not %d", row, got, element)
			}
		}
	case 3:
		f.Fold(row)
		if element >= 0 {
			model[element] = true
		}
	case 4:
		f.Unfold(row)
		delete(model, row)
	case 5:
		f.Reveal(row)
		for i := d.Parent(row); i >= 0; i = d.Parent(i) {
			delete(model, i)
		}
		if d.Row(row).Kind == Close {
			delete(model, element)
		}
	case 6:
		level := row % 4
		p, err := f.Plan(context.Background(), level)
		if err != nil {
			t.Fatal(err)
		}
		f.Apply(p)
		clear(model)
		for i := range d.Rows() {
			if r := d.Row(i); r.Kind == Open && r.Depth >= level {
				model[i] = true
			}
		}
	case 7:
		if row == 0 {
			f.UnfoldAll()
			clear(model)
		}
	}
}

func checkFolds(t *testing.T, d *Doc, f *Folds, model map[int]bool) {
	t.Helper()
	var shown []int
	line := make([]int, d.Rows())
	for i, hidden := 0, -1; i < d.Rows(); i++ {
		r := d.Row(i)
		if r.Kind == Broken {
			hidden = -1
		}
		if i > hidden {
			shown = append(shown, i)
		}
		line[i] = len(shown) - 1
		if model[i] && i > hidden {
			if hidden = d.End(i); hidden < 0 {
				hidden = d.Rows()
			}
		}
	}
	if got := f.Visible(); got != len(shown) {
		t.Fatalf("%d lines, not %d; folded %v\n%s", got, len(shown), model, dump(d))
	}
	for i, row := range shown {
		if got := f.RowAt(i); got != row {
			t.Fatalf("RowAt(%d) = %d, not %d", i, got, row)
		}
	}
	for row, want := range line {
		if got := f.LineOf(row); got != want {
			t.Fatalf("LineOf(%d) = %d, not %d", row, got, want)
		}
		if f.Folded(row) != model[row] {
			t.Fatalf("Folded(%d) = %v", row, !model[row])
		}
	}
}

// White space is skipped in steps as it is byte by byte.
func FuzzSkipSpace(f *testing.F) {
	f.Add("\n          <a>", 7)
	f.Add(" \t\r\n\n"+strings.Repeat(" ", 31)+"\t\n"+strings.Repeat(" ", 40)+"\r\n", 40)
	f.Add(strings.Repeat("\n\t", 40)+"x", 0)
	f.Fuzz(func(t *testing.T, text string, more int) {
		b := []byte(text + strings.Repeat(" ", clamp(more, 0, 100)) + text)
		for p := range len(b) + 1 {
			want := p
			for want < len(b) && class[b[want]]&clsSpace != 0 {
				want++
			}
			if got := skipSpace(b, p); got != want {
				t.Fatalf("%q from %d: %d, not %d", b, p, got, want)
			}
		}
	})
}
