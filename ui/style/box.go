package style

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Width is the number of cells that s takes, sequences not counted.
func Width(s string) int { return ansi.StringWidth(s) }

// Fit cuts or pads s to exactly w cells. A cut is marked with an arrow.
func (t *Theme) Fit(s string, w int) string {
	if w <= 0 {
		return ""
	}
	n := ansi.StringWidth(s)
	if n > w {
		s = ansi.Truncate(s, w, t.Glyph(Cut))
		n = ansi.StringWidth(s)
	}
	if n < w {
		s += strings.Repeat(" ", w-n)
	}
	return s
}

// Glyph is a sign that has a form with and without Unicode.
type Glyph uint8

// The glyphs.
const (
	Cut      Glyph = iota // text goes on to the right
	Folded                // ▸
	Unfolded              // ▾
	Selected              // ▌ in column one
	Live                  // ● open
	Half                  // ◐ on its way
	Alert                 // ▲ lost
	Hollow                // ○ not connected
	Ellipsis
	Arrow // →
	glyphs
)

// Glyph returns the sign; each is one cell wide.
func (t *Theme) Glyph(g Glyph) string {
	if t.ASCII {
		return [glyphs]string{">", "+", "-", ">", "*", "o", "!", ".", "~", ">"}[g]
	}
	return [glyphs]string{"→", "▸", "▾", "▌", "●", "◐", "▲", "○", "…", "→"}[g]
}

type border struct{ tl, tr, bl, br, h, v string }

func (t *Theme) border(heavy bool) border {
	switch {
	case t.ASCII && heavy:
		return border{"#", "#", "#", "#", "=", "#"}
	case t.ASCII:
		return border{"+", "+", "+", "+", "-", "|"}
	case heavy:
		return border{"┏", "┓", "┗", "┛", "━", "┃"}
	}
	return border{"┌", "┐", "└", "┘", "─", "│"}
}

// Rule is a horizontal line of w cells, heavy or light, as borders have it.
func (t *Theme) Rule(w int, heavy bool) string {
	return strings.Repeat(t.border(heavy).h, max(w, 0))
}

// Box draws a frame of exactly w by h cells around body and returns its lines.
// Body lines are cut or padded to w-2; missing ones are blank, surplus ones
// dropped. A focused box has a heavy border, so that focus shows without
// colour. title and right may hold sequences; right is dropped first when
// there is no room for both.
func (t *Theme) Box(w, h int, title, right string, focused bool, body []string) []string {
	if w < 2 || h < 2 {
		return blank(w, h)
	}
	b := t.border(focused)
	edge := func(s string) string {
		if focused {
			return t.Paint(Focus, s)
		}
		return t.Paint(Dim, s)
	}
	out := make([]string, 0, h)
	out = append(out, t.boxTop(w, b, edge, title, right, focused))
	left, rite := edge(b.v), edge(b.v)
	for i := 0; i < h-2; i++ {
		line := ""
		if i < len(body) {
			line = body[i]
		}
		out = append(out, left+t.Fit(line, w-2)+rite)
	}
	return append(out, edge(b.bl+strings.Repeat(b.h, w-2)+b.br))
}

func (t *Theme) boxTop(w int, b border, edge func(string) string, title, right string, focused bool) string {
	room := w - 2
	if title != "" {
		title = ansi.Truncate(title, max(room-4, 0), t.Glyph(Ellipsis))
	}
	tw := ansi.StringWidth(title)
	rw := ansi.StringWidth(right)
	left := ""
	used := 0
	if tw > 0 {
		if focused {
			left = edge(b.h+" ") + t.Paint(Title, title) + edge(" ")
		} else {
			left = edge(b.h+" ") + title + edge(" ")
		}
		used = tw + 3
	}
	if rw > 0 && used+rw+3 <= room {
		return edge(b.tl) + left + edge(strings.Repeat(b.h, room-used-rw-3)+" ") + right + edge(" "+b.h) + edge(b.tr)
	}
	return edge(b.tl) + left + edge(strings.Repeat(b.h, max(room-used, 0))) + edge(b.tr)
}

func blank(w, h int) []string {
	out := make([]string, max(h, 0))
	for i := range out {
		out[i] = strings.Repeat(" ", max(w, 0))
	}
	return out
}
