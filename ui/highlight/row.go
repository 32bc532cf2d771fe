package highlight

import (
	"sort"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// stride is how far apart, in bytes, the checkpoints of a row are: the most
// that is read again to paint or measure somewhere in its middle.
const stride = 1024

// Row is one row of text, ready to be painted from any column on. It measures
// and tokenises only as far as it is asked to, and remembers the last window,
// so that keeping Rows makes repainting cheap. A Row is for one goroutine.
type Row struct {
	h     *Highlighter
	text  string
	tab   int
	marks []mark // never empty; the first is the beginning
	whole bool   // the marks reach to within a stride of the end

	spans    []Span // of text[from:to], by offsets into text
	from, to int
}

// mark is a place where a character begins, its column and what surrounds it.
type mark struct {
	off, col int
	st       State
}

// Row makes a row of text, which began in st. tab is the distance of tab stops
// in cells; 0 shows tabs and line ends as one space.
func (h *Highlighter) Row(text string, st State, tab int) *Row {
	return &Row{h: h, text: text, tab: tab, marks: []mark{{st: st}}}
}

// Text returns the text of the row.
func (r *Row) Text() string { return r.text }

// State returns what the row began in.
func (r *Row) State() State { return r.marks[0].st }

// Change gives the row a new text that agrees with the old one before byte at,
// and keeps what is known of that part.
func (r *Row) Change(text string, at int) {
	r.text, r.whole, r.spans = text, false, nil
	for last := len(r.marks) - 1; last > 0 && r.marks[last].off >= at; last-- {
		r.marks = r.marks[:last]
	}
}

// cell is one character as it is shown.
type cell struct {
	shown    string
	n, width int // bytes of the text, cells of the screen
	replaced bool
}

// part returns what is seen of a character between two of its columns: a sign
// is cut like the letters that it is written in, half a wide one is blank.
func (c cell) part(from, to int) string {
	from, to = max(from, 0), min(to, c.width)
	if c.replaced {
		return c.shown[from:to]
	}
	return strings.Repeat(" ", to-from)
}

// cellAt returns the character that s begins with, which stands at column col.
func (r *Row) cellAt(s string, col int) cell {
	switch c := s[0]; {
	case c >= 0x20 && c < 0x7f && (len(s) == 1 || s[1] < 0x80):
		return cell{s[:1], 1, 1, false}
	case c == '\t' && r.tab > 0:
		pad := r.tab - col%r.tab
		return cell{strings.Repeat(" ", pad), 1, pad, false}
	case r.tab == 0 && (c == '\t' || c == '\n' || c == '\r'):
		return cell{" ", 1, 1, false}
	}
	shown, n, replaced := safe.Cell(s)
	return cell{shown, n, ansi.StringWidth(shown), replaced}
}

// walk goes from the character at off, col to the last one that begins at or
// before byte toOff and column toCol, and returns its place.
func (r *Row) walk(off, col, toOff, toCol int) (int, int) {
	for off < len(r.text) && off < toOff && col < toCol {
		ahead := min(len(r.text), off+stride, toOff)
		n := min(safe.PlainLen(r.text[off:ahead]), toCol-col)
		if n > 0 && off+n < len(r.text) && r.text[off+n] >= 0x80 {
			n-- // the marks that follow belong to this one
		}
		if n > 0 {
			off, col = off+n, col+n
			continue
		}
		c := r.cellAt(r.text[off:], col)
		if off+c.n > toOff || col+c.width > toCol {
			break
		}
		off, col = off+c.n, col+c.width
	}
	return off, col
}

// reach adds marks until they cover byte off or column col, whichever is first.
func (r *Row) reach(off, col int) {
	for !r.whole {
		last := r.marks[len(r.marks)-1]
		if last.off > off || last.col > col {
			return
		}
		target := last.off + stride
		if target >= len(r.text) {
			r.whole = true
			return
		}
		end, st := r.safePlace(last, target)
		at, c := r.walk(last.off, last.col, end, maxCol)
		r.marks = append(r.marks, mark{at, c, st})
	}
}

const maxCol = int(^uint(0) >> 1)

// safePlace returns a place at or shortly behind target from which the lexer
// can start, and the state there. It looks at most four strides ahead.
func (r *Row) safePlace(last mark, target int) (int, State) {
	s := r.text[:min(len(r.text), target+4*stride)]
	st := last.st
	for i := last.off; i < len(s); {
		run, end, next := st.Step(s, i)
		switch {
		case run >= target && st != InTag:
			return target, st // within content: any place will do
		case end >= target:
			return end, next
		}
		i, st = end, next
	}
	return target, st
}

// before returns the last mark at or before byte off and column col.
func (r *Row) before(off, col int) mark {
	r.reach(off, col)
	i := sort.Search(len(r.marks), func(i int) bool { return r.marks[i].off > off || r.marks[i].col > col })
	return r.marks[max(i-1, 0)]
}

// Width returns the cells that the whole row takes.
func (r *Row) Width() int { return r.Col(len(r.text)) }

// Col returns the column at which the character at byte off begins.
func (r *Row) Col(off int) int {
	m := r.before(off, maxCol)
	_, col := r.walk(m.off, m.col, off, maxCol)
	return col
}

// Off returns the byte at which the character begins that covers column col;
// the length of the text when the row ends before it.
func (r *Row) Off(col int) int {
	m := r.before(maxCol, col)
	off, _ := r.walk(m.off, m.col, maxCol, col)
	return off
}

// After returns where the character that begins at off ends.
func (r *Row) After(off int) int {
	if off >= len(r.text) {
		return len(r.text)
	}
	return off + r.cellAt(r.text[off:], 0).n
}

// Before returns where the character begins that ends at or covers off-1.
func (r *Row) Before(off int) int {
	if off <= 0 {
		return 0
	}
	m := r.before(off-1, maxCol)
	at, _ := r.walk(m.off, m.col, off-1, maxCol)
	return at
}

// Paint paints the cells from column from on, at most w of them, and returns
// how many it painted and whether the row goes on beyond them. over is what
// lies above the colours of the text, the later ones on top; it must not cut
// characters. Half a wide character at the edge of the window is blank.
func (r *Row) Paint(from, w int, over []Span) (painted string, width int, more bool) {
	if w <= 0 {
		return "", 0, r.Off(from) < len(r.text)
	}
	to := maxCol
	if w < maxCol-from {
		to = from + w
	}
	m := r.before(maxCol, from)
	off, col := r.walk(m.off, m.col, maxCol, from)
	end := r.Off(to)
	spans := r.lex(off, min(end+stride/8, len(r.text)))

	p := painter{theme: r.h.theme, spans: spans, over: over}
	for off < len(r.text) && col < to {
		c := r.cellAt(r.text[off:], col)
		tok := p.token(off, c.replaced)
		if col < from || col+c.width > to {
			c.shown = c.part(from-col, to-col)
		}
		p.add(tok, c.shown)
		off, col = off+c.n, col+c.width
	}
	return p.String(), max(min(col, to)-from, 0), off < len(r.text) || col > to
}

// lex returns the spans that cover text[from:to], from the cache when it can.
func (r *Row) lex(from, to int) []Span {
	if r.spans == nil || from < r.from || to > r.to {
		m := r.before(from, maxCol)
		r.spans = r.h.tokenise(r.text[m.off:to], m.st, make([]Span, 0, 8))
		for i := range r.spans {
			r.spans[i].Start += m.off
			r.spans[i].End += m.off
		}
		r.from, r.to = m.off, to
	}
	return r.spans
}

// painter joins characters of one token.
type painter struct {
	strings.Builder
	theme *style.Theme
	spans []Span
	over  []Span
	open  style.Token
}

// token returns what the character at off is drawn as.
func (p *painter) token(off int, replaced bool) style.Token {
	for i := len(p.over) - 1; i >= 0; i-- {
		if p.over[i].Start <= off && off < p.over[i].End {
			return p.over[i].Tok
		}
	}
	if replaced {
		return style.Mark
	}
	for len(p.spans) > 0 && p.spans[0].End <= off {
		p.spans = p.spans[1:]
	}
	if len(p.spans) > 0 && p.spans[0].Start <= off {
		return p.spans[0].Tok
	}
	return style.Text
}

func (p *painter) add(tok style.Token, s string) {
	if tok != p.open || p.Len() == 0 {
		p.end()
		p.WriteString(p.theme.SGR(tok))
		p.open = tok
	}
	p.Builder.WriteString(s)
}

func (p *painter) end() {
	if p.Len() > 0 && p.theme.SGR(p.open) != "" {
		p.WriteString(style.Reset)
	}
}

// String ends the last colour and returns all of it.
func (p *painter) String() string {
	p.end()
	p.open = style.Text
	return p.Builder.String()
}
