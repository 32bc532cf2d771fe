package editor

import (
	"unicode"
	"unicode/utf8"
)

// moveTo puts the cursor somewhere and forgets the column that up and down
// keep.
func (e *Editor) moveTo(p Pos) {
	e.cur, e.goal = p, -1
	e.hist.sealed = true
}

// prevPos and nextPos are one character away, over line ends.
func (e *Editor) prevPos(p Pos) Pos {
	switch {
	case p.Off > 0:
		return Pos{p.Line, e.row(p.Line).Before(p.Off)}
	case p.Line > 0:
		return Pos{p.Line - 1, len(e.buf.shown(p.Line - 1))}
	}
	return p
}

func (e *Editor) nextPos(p Pos) Pos {
	switch end := len(e.buf.shown(p.Line)); {
	case p.Off < end:
		return Pos{p.Line, min(e.row(p.Line).After(p.Off), end)}
	case p.Line < e.buf.len()-1:
		return Pos{p.Line + 1, 0}
	}
	return p
}

// vertical moves n lines down, or up, and keeps the column as far as lines are
// long enough.
func (e *Editor) vertical(n int) {
	if e.goal < 0 {
		e.goal = e.row(e.cur.Line).Col(e.cur.Off)
	}
	l := min(max(e.cur.Line+n, 0), e.buf.len()-1)
	if l == e.cur.Line && n != 0 { // at the edge: to the end of the line
		if n < 0 {
			e.cur.Off = 0
		} else {
			e.cur.Off = len(e.buf.shown(l))
		}
	} else {
		e.cur = Pos{l, min(e.row(l).Off(e.goal), len(e.buf.shown(l)))}
	}
	e.hist.sealed = true
}

// home goes to the first character of the line that is not blank, and from
// there to the beginning.
func (e *Editor) home() {
	first := len(indent(e.buf.shown(e.cur.Line)))
	if e.cur.Off == first {
		first = 0
	}
	e.moveTo(Pos{e.cur.Line, first})
}

// indent returns the blanks that a line begins with.
func indent(s string) string {
	for i := range len(s) {
		if s[i] != ' ' && s[i] != '\t' {
			return s[:i]
		}
	}
	return s
}

// wordLeft and wordRight go over blanks and signs to the next edge of a word.
func (e *Editor) wordLeft(p Pos) Pos {
	if p.Off == 0 {
		return e.prevPos(p)
	}
	s := e.buf.shown(p.Line)[:p.Off]
	seen := false
	for len(s) > 0 {
		r, n := utf8.DecodeLastRuneInString(s)
		if w := wordRune(r); w {
			seen = true
		} else if seen {
			break
		}
		s = s[:len(s)-n]
	}
	return e.whole(Pos{p.Line, len(s)})
}

func (e *Editor) wordRight(p Pos) Pos {
	s := e.buf.shown(p.Line)
	if p.Off >= len(s) {
		return e.nextPos(p)
	}
	off, seen := p.Off, false
	for off < len(s) {
		r, n := utf8.DecodeRuneInString(s[off:])
		if w := wordRune(r); w {
			seen = true
		} else if seen {
			break
		}
		off += n
	}
	if q := e.whole(Pos{p.Line, off}); p.before(q) {
		return q
	}
	return e.nextPos(p)
}

func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// whole returns the beginning of the character that p is in.
func (e *Editor) whole(p Pos) Pos {
	r := e.row(p.Line)
	if p.Off > 0 && p.Off < len(r.Text()) {
		if b := r.Before(p.Off); r.After(b) > p.Off {
			p.Off = b
		}
	}
	return p
}

// page is how many lines a page moves: all but one stay new.
func (e *Editor) page() int { return max(e.textH()-1, 1) }

// show scrolls so that the cursor is seen, by as little as will do upwards and
// downwards, and by a quarter of the width to the sides.
func (e *Editor) show() {
	h, w := e.textH(), e.textW()
	if h <= 0 || w <= 0 {
		return
	}
	e.top = min(e.top, max(e.buf.len()-h, 0))
	e.top = min(max(e.top, e.cur.Line-h+1), e.cur.Line)
	row := e.row(e.cur.Line)
	col := row.Col(e.cur.Off)
	end := col + 1
	if e.cur.Off < len(row.Text()) {
		end = max(row.Col(row.After(e.cur.Off)), end)
	}
	room := max(w-1, 1) // the last column may hold the sign of a cut line
	switch {
	case end <= room && e.left > 0 && col < e.left:
		e.left = 0
	case col < e.left:
		e.left = max(col-w/4, 0)
	case end > e.left+room:
		e.left = max(min(end-room+w/4, col), 0)
	}
}
