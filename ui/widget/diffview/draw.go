package diffview

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/highlight"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

const (
	readBytes = 16 << 10 // of a row; more than any screen shows at first
	cached    = 4096     // rows that are kept painted
	maxIndent = 40
	listWidth = 34 // of the list of changes
)

// View is exactly the size last given to Resize, lines joined by \n.
func (v *View) View() string { return strings.Join(v.Lines(), "\n") }

// Lines is View in lines.
func (v *View) Lines() []string {
	if v.w < 4 || v.h < 3 {
		return v.th.Box(v.w, v.h, "", "", v.focused, nil)
	}
	if v.mode != Side {
		return v.th.Box(v.w, v.h, v.Title(), v.Right(), v.focused, v.body(v.w-2))
	}
	left := min(listWidth, v.w/4)
	mid := (v.w - left) / 2
	right := v.w - left - mid
	var as, bs []string
	for i := range v.page() {
		n := v.top + i
		if n >= v.l.total {
			break
		}
		ln := v.l.at(n, true)
		as = append(as, v.half(ln, false, n == v.cur, mid-2))
		bs = append(bs, v.half(ln, true, n == v.cur, right-2))
	}
	if v.l.total == 0 {
		as = []string{"", "  " + v.none()}
	}
	if v.saving {
		for len(bs) < v.page() {
			bs = append(bs, "")
		}
		bs = append(bs, v.saveLine(right-2))
	}
	list := v.th.Box(left, v.h, "Changes", fmt.Sprint(len(v.changes())), false, v.list(left-2))
	a := v.th.Box(mid, v.h, safe.Line(v.opt.From), "", false, as)
	b := v.th.Box(right, v.h, safe.Line(v.opt.To), v.Right(), v.focused, bs)
	out := make([]string, v.h)
	for i := range out {
		out[i] = list[i] + a[i] + b[i]
	}
	return out
}

func (v *View) changes() []xmldiff.Change {
	if v.res == nil {
		return nil
	}
	return v.res.Changes
}

// none is what stands where there is nothing to show.
func (v *View) none() string {
	if v.res == nil {
		return ""
	}
	return "The two say the same."
}

// body is the lines of the unified view and of the device's own text.
func (v *View) body(w int) []string {
	var out []string
	for i := range v.page() {
		n := v.top + i
		if n >= v.lines() {
			break
		}
		if v.mode == Text {
			out = append(out, v.textLine(v.text[n], n == v.cur, w))
			continue
		}
		ln := v.l.at(n, false)
		if ln.kind == foldBlock {
			out = append(out, v.fold(ln, n == v.cur, w))
			continue
		}
		sign, tok, b, row := " ", style.Text, true, ln.b
		switch {
		case ln.kind == equalBlock:
		case ln.a >= 0:
			sign, tok, b, row = "-", style.Removed, false, ln.a
		default:
			sign, tok = "+", style.Added
		}
		out = append(out, v.row(b, row, sign, "", tok, v.within(ln, b), n == v.cur, w))
	}
	if v.lines() == 0 {
		out = []string{"", "  " + v.none()}
	}
	if v.saving {
		for len(out) < v.page() {
			out = append(out, "")
		}
		out = append(out, v.saveLine(w))
	}
	return out
}

// half is one side of a line.
func (v *View) half(ln line, b, selected bool, w int) string {
	if ln.kind == foldBlock {
		return v.fold(ln, selected && b, w)
	}
	row, sign, tok := ln.a, "-", style.Removed
	if b {
		row, sign, tok = ln.b, "+", style.Added
	}
	if ln.kind == equalBlock {
		sign, tok = " ", style.Text
	}
	if row < 0 {
		if selected && b {
			return " " + v.th.Paint(style.Focus, v.th.Glyph(style.Selected))
		}
		return ""
	}
	return v.row(b, row, sign, fmt.Sprintf("%5d", row+1), tok, v.within(ln, b), selected && b, w)
}

// fold is the line that stands for equal rows: the path of what comes next, and
// how many rows are not shown.
func (v *View) fold(ln line, selected bool, w int) string {
	b := v.l.blocks[ln.block]
	text := v.th.Glyph(style.Folded) + " "
	if ln.change >= 0 && ln.change < len(v.changes()) {
		text += safe.Line(heading(v.changes()[ln.change]))
	}
	note := docview.Number(int64(b.b.Len())) + " equal rows "
	room := w - 1 - style.Width(note) - 1
	if room < 20 {
		note, room = "", w-1
	}
	text = v.th.Fit(text, max(room, 0))
	if note != "" {
		text += " " + note
	}
	if selected {
		return v.th.Paint(style.Focus, v.th.Glyph(style.Selected)) + v.th.Paint(style.Select, text)
	}
	return " " + v.th.Paint(style.Dim, text)
}

// row is one row of a document behind its sign, and its number when there is
// one.
func (v *View) row(b bool, row int, sign, number string, tok style.Token, mark highlight.Span, selected bool, w int) string {
	doc := v.a
	if b {
		doc = v.b
	}
	r := doc.Row(row)
	text := v.cached(b, row, r)
	indent := 2 * min(max(r.Depth-2, 0), maxIndent)
	lead := "  " + strings.Repeat(" ", indent)
	over := []highlight.Span(nil)
	if tok != style.Text {
		over = append(over, highlight.Span{End: len(text.Text()), Tok: tok})
		if mark.End > mark.Start {
			over = append(over, highlight.Span{Start: mark.Start, End: mark.End, Tok: style.Match})
		}
	}
	if selected {
		over = append(over, highlight.Span{End: len(text.Text()), Tok: style.Select})
	}
	out := v.th.Paint(tok, sign+number)
	w -= len(sign) + len(number)
	skip := min(v.hoff, len(lead))
	lead = lead[skip:]
	if selected && w > 0 { // behind the sign, which stays in its column
		out += v.th.Paint(style.Focus, v.th.Glyph(style.Selected))
		lead = lead[min(1, len(lead)):]
		w--
	}
	painted, _, more := text.Paint(v.hoff-skip, max(w-len(lead), 0), over)
	if more && w > len(lead) {
		var n int
		painted, n, _ = text.Paint(v.hoff-skip, w-len(lead)-1, over)
		painted += strings.Repeat(" ", w-len(lead)-1-n) + v.th.Paint(style.Dim, v.th.Glyph(style.Cut))
	}
	if selected {
		return out + v.th.Paint(style.Select, lead) + painted
	}
	return out + lead + painted
}

// cached is a row made ready to be painted.
func (v *View) cached(b bool, row int, r xmldoc.Row) *highlight.Row {
	k := cell{b, row}
	if t := v.cache[k]; t != nil {
		return t
	}
	if len(v.cache) > cached {
		v.cache = map[cell]*highlight.Row{}
	}
	doc := v.a
	if b {
		doc = v.b
	}
	raw := doc.AppendRow(nil, row, readBytes)
	text := string(raw)
	if len(raw) < r.Len {
		for len(text) > 0 && !utf8.ValidString(text[len(text)-1:]) {
			text = text[:len(text)-1]
		}
		text += v.th.Glyph(style.Ellipsis)
	}
	st := highlight.InText
	if !strings.HasPrefix(text, "<") {
		switch r.Kind {
		case xmldoc.Comment:
			st = highlight.InComment
		case xmldoc.CDATA:
			st = highlight.InCDATA
		case xmldoc.PI:
			st = highlight.InPI
		}
	}
	t := v.hl.Row(text, st, 0)
	v.cache[k] = t
	return t
}

// within is the part of a changed row that is not the same on the other side;
// empty unless both sides have one row.
func (v *View) within(ln line, b bool) highlight.Span {
	blk := v.l.blocks[ln.block]
	if ln.kind != diffBlock || blk.a.Len() != 1 || blk.b.Len() != 1 {
		return highlight.Span{}
	}
	x := v.cached(false, blk.a.From, v.a.Row(blk.a.From)).Text()
	y := v.cached(true, blk.b.From, v.b.Row(blk.b.From)).Text()
	if b {
		x, y = y, x
	}
	from := 0
	for from < len(x) && from < len(y) && x[from] == y[from] {
		from++
	}
	for from > 0 && from < len(x) && !utf8.RuneStart(x[from]) {
		from--
	}
	to, end := len(x), len(y)
	for to > from && end > from && x[to-1] == y[end-1] {
		to, end = to-1, end-1
	}
	for to < len(x) && !utf8.RuneStart(x[to]) {
		to++
	}
	for i := from; i < to; i++ {
		if x[i] >= utf8.RuneSelf { // a mark must not be parted from its letter
			return highlight.Span{}
		}
	}
	if to < len(x) && x[to] >= utf8.RuneSelf {
		return highlight.Span{}
	}
	return highlight.Span{Start: from, End: to}
}

// textLine is a line of the device's own comparison.
func (v *View) textLine(s string, selected bool, w int) string {
	if len(s) > readBytes {
		s = s[:readBytes]
	}
	s = safe.Line(s)
	tok := style.Text
	switch {
	case strings.HasPrefix(s, "+"):
		tok = style.Added
	case strings.HasPrefix(s, "-"):
		tok = style.Removed
	case strings.HasPrefix(s, "["):
		tok = style.Title
	}
	if v.hoff > 0 {
		s = cutLeft(s, v.hoff)
	}
	if selected {
		return v.th.Paint(style.Focus, v.th.Glyph(style.Selected)) + v.th.Paint(style.Select, v.th.Fit(s, w-1))
	}
	return v.th.Paint(tok, v.th.Fit(s, w))
}

// list is the changes around the current one, a sign and a name each.
func (v *View) list(w int) []string {
	at, page := max(v.Change(), 0), max(v.h-2, 1)
	from := max(min(at-page/2, len(v.changes())-page), 0)
	var out []string
	for i := from; i < len(v.changes()) && len(out) < page; i++ {
		c := v.changes()[i]
		sign, tok := c.Kind.String(), tokenOf(c.Kind)
		text := sign + " " + safe.Line(name(c))
		if i == at {
			out = append(out, v.th.Paint(style.Focus, v.th.Glyph(style.Selected))+v.th.Paint(style.Select, v.th.Fit(text, w-1)))
			continue
		}
		out = append(out, " "+v.th.Paint(tok, v.th.Fit(text, w-1)))
	}
	return out
}

func tokenOf(k xmldiff.Kind) style.Token {
	switch k {
	case xmldiff.Added:
		return style.Added
	case xmldiff.Removed:
		return style.Removed
	}
	return style.Changed
}

func (v *View) saveLine(w int) string {
	label, note := " save as ", ""
	if v.note != "" {
		note = " " + v.note + " "
	}
	room := w - style.Width(label) - style.Width(note)
	if room < 8 {
		note, room = "", w-style.Width(label)
	}
	return v.th.Paint(style.Accent, label) + v.name.View(v.th, max(room, 1), true) + v.th.Paint(style.Warn, note)
}
