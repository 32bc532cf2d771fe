package editor

import (
	"dialtone/ui/highlight"
)

// rows keeps the rows on the screen painted from one frame to the next.
type rows struct {
	first int
	items []rowEntry
}

type rowEntry struct {
	row     *highlight.Row
	painted string // with nothing above it, from column left on, w cells wide
	left, w int
}

// row returns line i ready to be measured and painted.
func (e *Editor) row(i int) *highlight.Row {
	text, st := e.buf.shown(i), e.buf.state(i)
	n := i - e.rows.first
	if n < 0 || n >= len(e.rows.items) {
		return e.high.Row(text, st, e.opt.Tab)
	}
	entry := &e.rows.items[n]
	if entry.row == nil || entry.row.State() != st || entry.row.Text() != text {
		*entry = rowEntry{row: e.high.Row(text, st, e.opt.Tab)}
	}
	return entry.row
}

// window makes r hold lines first to first+n, keeping what it can.
func (r *rows) window(first, n int) {
	if r.first == first && len(r.items) == n {
		return
	}
	items := make([]rowEntry, n)
	if d := r.first - first; d < n && -d < len(r.items) {
		copy(items[max(d, 0):], r.items[max(-d, 0):])
	}
	r.first, r.items = first, items
}

// splice follows a change of the text.
func (r *rows) splice(b *buffer, from, to, end Pos) {
	removed, added := to.Line-from.Line, end.Line-from.Line
	i := from.Line - r.first
	switch {
	case i >= len(r.items):
		return
	case i < 0:
		if to.Line < r.first {
			r.first += added - removed
		} else if removed != 0 || added != 0 {
			r.items = r.items[:0]
		}
		return
	}
	if row := r.items[i].row; row != nil {
		row.Change(b.shown(from.Line), from.Off)
		r.items[i].painted = ""
	}
	if removed == 0 && added == 0 {
		return
	}
	n := len(r.items)
	items := make([]rowEntry, 0, n)
	items = append(items, r.items[:i+1]...)
	items = append(items, make([]rowEntry, min(added, n-i-1))...)
	if behind := i + 1 + removed; behind < n {
		items = append(items, r.items[behind:min(n, behind+n-len(items))]...)
	}
	r.items = append(items, make([]rowEntry, n-len(items))...)
}
