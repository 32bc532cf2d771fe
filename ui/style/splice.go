package style

import (
	"strings"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/rivo/uniseg"
)

// Over lays the rows of fg upon bg with their top left corner at column x of
// row y, and returns the rows of bg, each still w cells wide. Both may hold
// sequences. Rows of fg that fall outside bg are dropped.
func Over(bg, fg []string, x, y, w int) []string {
	for i, row := range fg {
		at := y + i
		if at < 0 || at >= len(bg) {
			continue
		}
		bg[at] = overRow(bg[at], row, x, w)
	}
	return bg
}

func overRow(bg, fg string, x, w int) string {
	x = max(x, 0)
	if x >= w {
		return bg
	}
	fg = ansi.Truncate(fg, w-x, "")
	fw := ansi.StringWidth(fg)
	left := ansi.Truncate(bg, x, "")
	pad := x - ansi.StringWidth(left)
	right := ansi.TruncateLeft(bg, x+fw, "")
	if ansi.StringWidth(right) > w-x-fw { // half of a wide character is covered
		right = ansi.TruncateLeft(bg, x+fw+1, "")
	}
	gap := w - x - fw - ansi.StringWidth(right)
	var b strings.Builder
	b.Grow(len(bg) + len(fg) + 16)
	b.WriteString(left)
	if strings.IndexByte(left, 0x1b) >= 0 {
		b.WriteString(Reset)
	}
	b.WriteString(strings.Repeat(" ", max(pad, 0)))
	b.WriteString(fg)
	if strings.IndexByte(fg, 0x1b) >= 0 {
		b.WriteString(Reset)
	}
	b.WriteString(strings.Repeat(" ", max(gap, 0)))
	b.WriteString(right)
	return b.String()
}

// Centre returns the corner at which a box of fw by fh cells stands in the
// middle of w by h.
func Centre(w, h, fw, fh int) (x, y int) { return max((w-fw)/2, 0), max((h-fh)/2, 0) }

// Wrap breaks safe text without sequences into lines of at most w cells, at
// spaces where it can.
func Wrap(s string, w int) []string {
	if w < 1 {
		return nil
	}
	return strings.Split(ansi.Wrap(s, w, ""), "\n")
}

// ToASCII replaces every character beyond ASCII by as many signs as it has
// cells. Sequences are left alone, since they are ASCII.
func ToASCII(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	rest, state := s, -1
	for len(rest) > 0 {
		if rest[0] < utf8.RuneSelf {
			b.WriteByte(rest[0])
			rest, state = rest[1:], -1
			continue
		}
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		w := ansi.StringWidth(cluster)
		switch cluster {
		case "\u2026":
			b.WriteByte('.')
		case "\u2192":
			b.WriteByte('>')
		default:
			b.WriteString(strings.Repeat("?", w))
		}
	}
	return b.String()
}
