package docview

import (
	"strings"
	"unicode/utf8"

	"dialtone/netconf/xmldoc"
	"dialtone/ui/highlight"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

const (
	// readBytes of a row are read at first; more when the screen is scrolled
	// that far to the right.
	readBytes = 4 << 10
	// shownBytes of a row can be scrolled to in the pretty view. The raw view
	// has the rest of a longer one.
	shownBytes = 1 << 20
	// bytesPerCell is how many bytes one cell may take.
	bytesPerCell = 4
	// cachedBytes bounds the cache; a screen needs a fraction of it.
	cachedBytes = 8 << 20
	// countedChildren is as far as the children of a folded row are counted.
	// The document keeps the numbers of large elements.
	countedChildren = 9_999_999
	// maxIndent keeps a deep document on the screen.
	maxIndent = 60
)

// entry is a row made ready to be painted. It depends on the row and on
// whether it is folded, and on nothing of the screen.
type entry struct {
	text   *highlight.Row
	indent int    // cells before the glyph
	glyph  string // one cell: whether it is folded
	tail   string // safe text behind the row: the label of a fold
	note   string // at the right edge: "9 children"
	folded bool
	final  bool // nothing of it can change any more
	whole  bool // text is all that can be shown of the row
	size   int
}

// rowCache keeps entries by row. The zero value is ready.
type rowCache struct {
	rows  map[int]*entry
	bytes int
}

func (c *rowCache) put(row int, e *entry) {
	if c.rows == nil || c.bytes > cachedBytes {
		c.rows, c.bytes = make(map[int]*entry), 0
	}
	if old := c.rows[row]; old != nil {
		c.bytes -= old.size
	}
	c.rows[row] = e
	c.bytes += e.size
}

// entry returns row i ready to paint; need is how many bytes of it the screen
// can reach.
func (v *View) entry(i, need int) *entry {
	r := v.doc.Row(i)
	folded := r.Kind == xmldoc.Open && v.folds.Folded(i)
	e := v.cache.rows[i]
	if e == nil || !e.final || e.folded != folded || !e.whole && len(e.text.Text()) < need {
		e = v.format(i, r, folded, need)
		v.cache.put(i, e)
	}
	return e
}

func (v *View) format(i int, r xmldoc.Row, folded bool, need int) *entry {
	size := min(max(readBytes, need), shownBytes, r.Len)
	raw := v.doc.AppendRow(make([]byte, 0, size), i, size)
	cut := len(raw) < r.Len
	if cut {
		raw = wholeRunes(raw)
	}
	e := &entry{
		text:   v.hl.Row(string(raw), startOf(r.Kind, raw), 0),
		indent: 2 * min(r.Depth, maxIndent),
		glyph:  v.glyph(r.Kind, folded),
		folded: folded, final: true,
		whole: !cut || size == shownBytes,
		size:  2*len(raw) + 256,
	}
	if cut && e.whole {
		e.tail = " " + v.th.Glyph(style.Ellipsis) + Size(int64(r.Len-len(raw))) + " more: v shows them raw"
	}
	if folded {
		e.tail, e.note, e.final = v.foldNote(i)
	}
	return e
}

// startOf is what a row begins in: the rows of a long comment are inside it.
func startOf(k xmldoc.Kind, text []byte) highlight.State {
	if len(text) > 0 && text[0] == '<' {
		return highlight.InText
	}
	switch k {
	case xmldoc.Comment:
		return highlight.InComment
	case xmldoc.CDATA:
		return highlight.InCDATA
	case xmldoc.PI:
		return highlight.InPI
	}
	return highlight.InText
}

// foldNote is what a folded row shows beside its tag: a label, the number of
// its children, and whether both are final.
func (v *View) foldNote(i int) (label, note string, final bool) {
	if s := v.doc.Label(i); s != "" {
		label = " " + safe.Line(s)
	}
	done, _ := v.doc.Finished()
	final = done || v.doc.End(i) >= 0
	n := v.doc.Children(i, countedChildren+1)
	switch {
	case !final:
		note = v.th.Glyph(style.Ellipsis) + " arriving"
	case n == 1:
		note = "1 child"
	case n > countedChildren:
		note = "over " + Number(countedChildren) + " children"
	default:
		note = Number(int64(n)) + " children"
	}
	return label, note, final
}

func (v *View) glyph(k xmldoc.Kind, folded bool) string {
	switch {
	case k != xmldoc.Open:
		return " "
	case folded:
		return v.th.Glyph(style.Folded)
	}
	return v.th.Glyph(style.Unfolded)
}

// drawRow appends a line of the pretty view.
func (v *View) drawRow(dst []byte, line, w int, selected bool) []byte {
	row, notice := v.at(line)
	if notice {
		p, _ := v.doc.Problem()
		text := v.th.Glyph(style.Alert) + " " + p.Code + " " + safe.Text(p.What)
		return v.drawPlain(dst, text, v.th.Paint(style.Warn, text), w, selected)
	}
	return v.drawEntry(dst, v.entry(row, bytesPerCell*(v.hoff+w)), v.hoff, w, selected)
}

// drawEntry appends one entry scrolled to the right by hoff, exactly w cells,
// with the cursor's mark and the matches of the search.
func (v *View) drawEntry(dst []byte, e *entry, hoff, w int, selected bool) []byte {
	if w <= 0 {
		return dst
	}
	base := style.Text
	if selected {
		base = style.Select
		dst = append(dst, v.th.Paint(style.Focus, v.th.Glyph(style.Selected))...)
		hoff, w = hoff+1, w-1
	}
	note, nw := e.note, style.Width(e.note)
	if nw+10 > w {
		note, nw = "", 0
	}
	if nw > 0 {
		w -= nw + 2
	}
	lead := e.indent + 2 // the glyph and a blank
	used := 0
	if hoff < lead && w > 0 {
		used = min(lead-hoff, w)
		dst = append(dst, v.th.Paint(base, v.lead(e, hoff, used))...)
	}
	dst = v.drawText(dst, e, max(hoff-lead, 0), w-used, selected)
	if nw > 0 {
		tok := style.Dim
		if selected {
			tok = base
		}
		dst = append(dst, v.th.Paint(tok, " "+note+" ")...)
	}
	return dst
}

// lead is n cells of indent and glyph from cell from on.
func (v *View) lead(e *entry, from, n int) string {
	if from > e.indent {
		return blanks[:n]
	}
	s := blanks[:e.indent-from]
	if from+n > e.indent {
		s += e.glyph
	} else {
		s = s[:n]
	}
	return s + blanks[:max(from+n-e.indent-1, 0)]
}

// blanks is as long as the widest lead.
const blanks = "                                                                " +
	"                                                                "

// drawText appends w cells of the row's text from cell from on, then its tail.
func (v *View) drawText(dst []byte, e *entry, from, w int, selected bool) []byte {
	if w <= 0 {
		return dst
	}
	over := v.matches(e.text, from, w, selected)
	painted, n, more := e.text.Paint(from, w, over)
	if more {
		painted, n, _ = e.text.Paint(from, w-1, over)
		dst = append(dst, painted...)
		dst = append(dst, blanks[:max(w-1-n, 0)]...)
		return append(dst, v.th.Paint(style.Dim, v.th.Glyph(style.Cut))...)
	}
	dst = append(dst, painted...)
	base, tail := style.Text, style.XMLValue
	if selected {
		base, tail = style.Select, style.Select
	}
	if w -= n; w > 0 && e.tail != "" {
		s := v.th.Fit(e.tail, min(style.Width(e.tail), w))
		w -= style.Width(s)
		dst = append(dst, v.th.Paint(tail, s)...)
	}
	return v.pad(dst, base, w)
}

func (v *View) pad(dst []byte, tok style.Token, n int) []byte {
	for n > 0 {
		k := min(n, len(blanks))
		dst = append(dst, v.th.Paint(tok, blanks[:k])...)
		n -= k
	}
	return dst
}

// drawPlain appends a line that is no part of the document. Both texts are
// safe and of the same width.
func (v *View) drawPlain(dst []byte, plain, painted string, w int, selected bool) []byte {
	if selected && w > 0 {
		dst = append(dst, v.th.Paint(style.Focus, v.th.Glyph(style.Selected))...)
		return append(dst, v.th.Paint(style.Select, v.th.Fit(strings.TrimPrefix(plain, " "), w-1))...)
	}
	return append(dst, v.th.Fit(painted, w)...)
}

// matches is what lies above the colours of a row: the selection, and every
// place in sight that the search found.
func (v *View) matches(r *highlight.Row, from, w int, selected bool) []highlight.Span {
	text := r.Text()
	var over []highlight.Span
	if selected {
		over = append(over, highlight.Span{End: len(text), Tok: style.Select})
	}
	q := v.query.Text
	if q == "" {
		return over
	}
	lo, hi := 0, len(text)
	if len(text) > readBytes {
		lo, hi = max(r.Off(from)-len(q), 0), min(r.Off(from+w)+len(q), len(text))
	}
	for at := lo; at < hi; {
		i := index(text[at:hi], q, v.query.IgnoreCase)
		if i < 0 {
			break
		}
		over = append(over, highlight.Span{Start: at + i, End: at + i + len(q), Tok: style.Match})
		at += i + len(q)
	}
	return over
}

// index is strings.Index; with fold the letters A to Z match in either case.
func index(s, q string, fold bool) int {
	if !fold {
		return strings.Index(s, q)
	}
	first := lower(q[0])
	for i := 0; i+len(q) <= len(s); i++ {
		if lower(s[i]) == first && equalFold(s[i:i+len(q)], q) {
			return i
		}
	}
	return -1
}

func equalFold(a, b string) bool {
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// wholeRunes drops a character that was cut in two at the end of b.
func wholeRunes(b []byte) []byte {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if tail := b[len(b)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return b[:len(b)-back]
			}
			break
		}
	}
	return b
}
