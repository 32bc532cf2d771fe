// Package highlight paints XML one row at a time. Only rows on the screen are
// ever given to the lexer, which does a few megabytes a second; what surrounds a
// row is a State, found by a scanner that does a thousand. The caller keeps what
// it wants to paint again.
//
// Text passes through package safe on its way, and what it replaces is drawn
// with style.Mark, so that ^[ typed as two letters does not look like an escape.
package highlight

import (
	"math"
	"sync"

	"github.com/alecthomas/chroma/v2"

	"dialtone/ui/style"
)

// Highlighter paints rows of XML with one theme. It may be used by many
// goroutines. The lexer is built when the first row is painted.
type Highlighter struct {
	theme *style.Theme
	once  sync.Once
	lexer *chroma.RegexLexer
	err   error
}

// New returns a highlighter that paints with t.
func New(t *style.Theme) *Highlighter { return &Highlighter{theme: t} }

// Span is a part of a row by byte offsets, with what it is. Parts that are
// plain text have no Span.
type Span struct {
	Start, End int
	Tok        style.Token
}

// Line paints a row that began in st and returns the state behind it. The
// result is as wide as safe.Line(line): tabs and line ends are one space. It
// reads the whole line; for long ones use Row.
func (h *Highlighter) Line(line string, st State) (painted string, next State) {
	painted, _, _ = h.Row(line, st, 0).Paint(0, math.MaxInt, nil)
	return painted, Next(line, st)
}
