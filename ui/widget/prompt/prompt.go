// Package prompt is one line of text being typed: filters, search, form
// fields, passwords.
package prompt

import (
	"strings"
	"unicode"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// maxRunes bounds what one line takes; more is dropped.
const maxRunes = 64 << 10

// Line is the text with its cursor. The zero value is empty and ready.
type Line struct {
	Masked  bool   // shown as stars, never in clear
	Hint    string // shown dim while there is no text
	text    []rune
	at      int  // cursor, in runes
	off     int  // first rune shown
	offered bool // typing replaces the text
	Refused int  // runes of the last paste that had no room
}

// Value is the text.
func (l *Line) Value() string { return string(l.text) }

// Set replaces the text and puts the cursor behind it.
func (l *Line) Set(s string) {
	l.text = append(l.text[:0], clean([]rune(s))...)
	l.at, l.off, l.offered = len(l.text), 0, false
}

// Offer is Set with the text selected: what is typed or deleted first takes its
// place, and moving the cursor keeps it.
func (l *Line) Offer(s string) {
	l.Set(s)
	l.offered = len(l.text) > 0
}

// Offered reports whether the text is still as Offer has put it there.
func (l *Line) Offered() bool { return l.offered }

// Len is the number of runes.
func (l *Line) Len() int { return len(l.text) }

// Take returns the text as bytes that belong to the caller and wipes the line.
func (l *Line) Take() []byte {
	out := make([]byte, 0, len(l.text)*4)
	for _, r := range l.text {
		out = append(out, string(r)...)
	}
	l.Wipe()
	return out
}

// Wipe overwrites the text.
func (l *Line) Wipe() {
	full := l.text[:cap(l.text)]
	clear(full)
	l.text, l.at, l.off, l.offered = l.text[:0], 0, 0, false
}

// Update takes a key and reports whether it was one of editing. A paste goes
// in as one; its newlines and control characters are dropped.
func (l *Line) Update(k tea.KeyMsg) bool {
	if k.Alt {
		return false
	}
	switch k.Type {
	case tea.KeyRunes, tea.KeySpace:
		l.replaceOffered()
		l.insert(k.Runes)
		return true
	}
	known := l.edit(k.String())
	l.offered = l.offered && !known
	return known
}

// replaceOffered drops a text that is only offered.
func (l *Line) replaceOffered() {
	if l.offered {
		l.Wipe()
	}
}

func (l *Line) edit(key string) bool {
	switch key {
	case "left", "ctrl+b":
		l.at = max(l.at-1, 0)
	case "right", "ctrl+f":
		l.at = min(l.at+1, len(l.text))
	case "home", "ctrl+a":
		l.at = 0
	case "end", "ctrl+e":
		l.at = len(l.text)
	case "backspace", "ctrl+h":
		l.replaceOffered()
		l.cut(l.at-1, l.at)
	case "delete", "ctrl+d":
		l.replaceOffered()
		l.cut(l.at, l.at+1)
	case "ctrl+w":
		l.cut(l.wordStart(), l.at)
	case "ctrl+u":
		l.cut(0, l.at)
	case "ctrl+k":
		l.cut(l.at, len(l.text))
	default:
		return false
	}
	return true
}

func (l *Line) insert(rs []rune) {
	rs = clean(rs)
	l.Refused = max(len(l.text)+len(rs)-maxRunes, 0)
	rs = rs[:len(rs)-min(l.Refused, len(rs))]
	old := l.text
	grown := make([]rune, 0, max(cap(old), 2*(len(old)+len(rs))))
	grown = append(append(append(grown, old[:l.at]...), rs...), old[l.at:]...)
	if l.Masked {
		clear(old[:cap(old)])
	}
	l.text = grown
	l.at += len(rs)
}

func (l *Line) cut(from, to int) {
	from, to = max(from, 0), min(to, len(l.text))
	if from >= to {
		return
	}
	n := copy(l.text[from:], l.text[to:])
	clear(l.text[from+n:])
	l.text = l.text[:from+n]
	l.at = from
}

func (l *Line) wordStart() int {
	i := l.at
	for i > 0 && unicode.IsSpace(l.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(l.text[i-1]) {
		i--
	}
	return i
}

// clean drops what cannot be typed on one line, among it the control bytes of
// a terminal's late answers.
func clean(rs []rune) []rune {
	out := make([]rune, 0, len(rs))
	for _, r := range rs {
		if r != unicode.ReplacementChar && !unicode.IsControl(r) {
			out = append(out, r)
		}
	}
	return out
}

// View draws the line in exactly w cells, with the cursor when focused.
func (l *Line) View(t *style.Theme, w int, focused bool) string {
	if w < 1 {
		return ""
	}
	if len(l.text) == 0 && !focused {
		return t.Paint(style.Dim, t.Fit(l.hint(w), w))
	}
	l.scroll(t, w)
	var b strings.Builder
	used := 0
	for i := l.off; i < len(l.text); i++ {
		cell := l.cell(t, i)
		n := ansi.StringWidth(cell)
		if used+n > w {
			break
		}
		if focused && (i == l.at || l.offered) {
			cell = cursor(t, cell)
		}
		b.WriteString(cell)
		used += n
	}
	if focused && l.at == len(l.text) && used < w {
		b.WriteString(cursor(t, " "))
		used++
		if len(l.text) == 0 && l.Hint != "" {
			b.WriteString(t.Paint(style.Dim, t.Fit(l.hint(w-used), w-used)))
			used = w
		}
	}
	return b.String() + strings.Repeat(" ", max(w-used, 0))
}

// hint is the hint in w cells: in brackets where there is room for them, for a
// dim colour alone would not tell it from text.
func (l *Line) hint(w int) string {
	if l.Hint == "" || style.Width(l.Hint)+2 > w {
		return l.Hint
	}
	return "(" + l.Hint + ")"
}

// cell is what rune i looks like; a foreign rune may take more than one cell.
func (l *Line) cell(t *style.Theme, i int) string {
	r := l.text[i]
	switch {
	case l.Masked:
		return "*"
	case t.ASCII && r > unicode.MaxASCII:
		return "?"
	}
	return safe.Text(string(r))
}

// scroll keeps the cursor inside the w cells.
func (l *Line) scroll(t *style.Theme, w int) {
	used, first := 1, l.at
	if l.at < len(l.text) {
		used = max(ansi.StringWidth(l.cell(t, l.at)), 1)
	}
	for first > 0 {
		used += ansi.StringWidth(l.cell(t, first-1))
		if used > w {
			break
		}
		first--
	}
	l.off = min(max(l.off, first), l.at)
}

// cursor shows the place of the next character, without colour too.
func cursor(t *style.Theme, s string) string {
	if t.SGR(style.Select) != "" {
		return t.Paint(style.Select, s)
	}
	if s == " " {
		return "_"
	}
	return s
}
