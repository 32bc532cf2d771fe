package docview

import (
	"bytes"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/highlight"
)

// walkedBytes is how long a physical line may be so that it is scrolled by
// cells. In a longer one, such as a reply without line ends, scrolling goes by
// bytes: then its end is as near as its start.
const walkedBytes = 64 << 10

// setMode changes what is shown and keeps the place.
func (v *View) setMode(m Mode) tea.Cmd {
	row := v.cursorRow()
	v.Stop()
	v.mode, v.hoff, v.note = m, 0, ""
	switch {
	case row < 0 || row >= v.doc.Rows():
	case m == Pretty:
		v.showRow(row)
	case m == Raw:
		v.showOffset(v.doc.Row(row).Off)
	}
	v.settle()
	return nil
}

// nextMode is the key v. Errors are left out when there are none.
func (v *View) nextMode() tea.Cmd {
	m := (v.mode + 1) % modes
	if m == Errors && len(v.errs.lines) == 0 {
		m = Pretty
	}
	return v.setMode(m)
}

// showOffset puts the cursor on the physical line of a byte, and in a long line
// scrolls to it.
func (v *View) showOffset(off int64) {
	line := v.doc.LineOf(off)
	v.showLine(line)
	if from, n := v.doc.Line(line); n > walkedBytes {
		w, _ := v.inner()
		v.hoff = max(int(off-from)-w/3, 0)
	}
}

// rawRow is the row of the document at the cursor of the raw view.
func (v *View) rawRow() int {
	off, n := v.doc.Line(v.page[Raw].cur)
	if n > walkedBytes {
		w, _ := v.inner()
		return v.doc.RowAt(off + int64(min(v.hoff+w/3, n-1)))
	}
	// The blanks before a tag still belong to the row above it.
	line := v.doc.AppendAt(nil, off, n)
	if text := bytes.TrimLeft(line, " \t\r\n"); len(text) > 0 {
		off += int64(len(line) - len(text))
	}
	return v.doc.RowAt(off)
}

// drawRaw appends a physical line: one blank for the cursor's mark, then the
// text.
func (v *View) drawRaw(dst []byte, line, w int, selected bool) []byte {
	off, n := v.doc.Line(line)
	hoff, from := v.hoff, 0
	if n > walkedBytes {
		hoff, from = 0, min(v.hoff, n)
	}
	size := min(n-from, bytesPerCell*(hoff+w+1))
	b := v.doc.AppendAt(make([]byte, 0, size), off+int64(from), size)
	if from > 0 {
		for i := 0; i < utf8.UTFMax && len(b) > 0 && !utf8.RuneStart(b[0]); i++ {
			b = b[1:]
		}
	}
	if size < n-from {
		b = wholeRunes(b)
	}
	e := entry{text: v.hl.Row(string(b), highlight.InText, 0), indent: -1, glyph: ""}
	return v.drawEntry(dst, &e, hoff, w, selected)
}
