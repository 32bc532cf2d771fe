package editor

import (
	"strconv"
	"strings"

	"dialtone/ui/highlight"
	"dialtone/ui/style"
)

// gutter is the width of the margin: a sign, the number, a space. A narrow
// editor has only the text.
func (e *Editor) gutter() int {
	g := max(len(strconv.Itoa(e.buf.len())), 2) + 2
	if e.w < g+8 {
		return 0
	}
	return g
}

// textW and textH are the cells that text is shown in.
func (e *Editor) textW() int { return max(e.w-e.gutter(), 0) }

func (e *Editor) textH() int {
	if e.prompt != nil && e.h > 1 {
		return e.h - 1
	}
	return e.h
}

// View implements pane.Pane.
func (e *Editor) View() string {
	if e.w <= 0 || e.h <= 0 {
		return strings.Repeat("\n", max(e.h-1, 0))
	}
	var b strings.Builder
	b.Grow(e.h * (e.w + 80))
	h := e.textH()
	for i := range h {
		if i > 0 {
			b.WriteByte('\n')
		}
		if l := e.top + i; l < e.buf.len() {
			e.drawMargin(&b, l)
			e.drawLine(&b, l)
		} else {
			spaces(&b, e.w)
		}
	}
	if h < e.h {
		if h > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(e.theme.Fit(e.promptLine(), e.w))
	}
	return b.String()
}

func spaces(b *strings.Builder, n int) {
	const blanks = "                                                                                "
	for ; n > len(blanks); n -= len(blanks) {
		b.WriteString(blanks)
	}
	b.WriteString(blanks[:max(n, 0)])
}

func (e *Editor) drawMargin(b *strings.Builder, l int) {
	g := e.gutter()
	if g == 0 {
		return
	}
	number := strconv.Itoa(l + 1)
	if e.marked(l) {
		b.WriteString(e.theme.Paint(style.Error, "!"))
	} else {
		b.WriteByte(' ')
	}
	tok := style.Dim
	if l == e.cur.Line && e.focused {
		tok = style.Text
	}
	spaces(b, g-2-len(number))
	b.WriteString(e.theme.Paint(tok, number))
	b.WriteByte(' ')
}

func (e *Editor) marked(l int) bool {
	if e.problem.Line == l+1 {
		return true
	}
	for _, m := range e.marks {
		if m == l {
			return true
		}
	}
	return false
}

// drawLine draws the text of a line, exactly textW cells.
func (e *Editor) drawLine(b *strings.Builder, l int) {
	w, row := e.textW(), e.row(l)
	over := e.overlays(l, row, w)
	var entry *rowEntry
	if n := l - e.rows.first; len(over) == 0 && !e.cursorAt(l) && n >= 0 && n < len(e.rows.items) {
		entry = &e.rows.items[n]
		if entry.painted != "" && entry.left == e.left && entry.w == w {
			b.WriteString(entry.painted)
			return
		}
	}
	from := b.Len()
	room := w
	cut := row.Off(e.left+w) < len(row.Text())
	if cut {
		room--
	}
	painted, n, _ := row.Paint(e.left, room, over)
	b.WriteString(painted)
	if !cut && e.cursorAt(l) && e.cur.Off >= len(row.Text()) && n < w {
		b.WriteString(e.blankCursor())
		n++
	}
	spaces(b, room-n)
	if cut {
		b.WriteString(e.theme.Paint(style.Dim, e.theme.Glyph(style.Cut)))
	}
	if entry != nil {
		entry.painted, entry.left, entry.w = b.String()[from:], e.left, w
	}
}

// cursorAt reports whether the cursor is drawn on line l.
func (e *Editor) cursorAt(l int) bool { return e.focused && e.prompt == nil && e.cur.Line == l }

// blankCursor is the cursor behind the end of a line.
func (e *Editor) blankCursor() string {
	if e.theme.SGR(style.Select) == "" {
		return "_"
	}
	return e.theme.Paint(style.Select, " ")
}

// overlays returns what lies above the colours of a line: matches, the pair of
// tags, the cursor.
func (e *Editor) overlays(l int, row *highlight.Row, w int) []highlight.Span {
	var over []highlight.Span
	if e.query != "" {
		from, to := row.Off(e.left), row.Off(e.left+w)
		over = matches(over, row.Text(), e.query, from, to)
	}
	for _, p := range e.pair {
		if p.line == l && p.to > p.from {
			over = append(over, highlight.Span{Start: p.from, End: p.to, Tok: style.Focus})
		}
	}
	if e.cursorAt(l) && e.cur.Off < len(row.Text()) {
		over = append(over, highlight.Span{Start: e.cur.Off, End: row.After(e.cur.Off), Tok: style.Select})
	}
	return over
}
