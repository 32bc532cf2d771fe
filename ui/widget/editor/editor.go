// Package editor is where requests are written: a text area for XML that stays
// fast with any number of lines and changes no byte that the person did not
// change. Line ends, a byte order mark, bytes that are not UTF-8 and a missing
// last newline come out as they went in.
//
// It has two modes. In the pane its letters are actions; while editing they are
// text, and everything else is on control keys. Both tables are in actions.go.
package editor

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/highlight"
	"dialtone/ui/msg"
	"dialtone/ui/pane"
	"dialtone/ui/style"
)

// Check tells where text stops being well-formed XML: line and column from 1,
// the column in characters, and what is wrong there. Line 0 means that nothing is. It is called from a
// command for long texts, so it must be safe for that.
type Check func(text []byte) (line, col int, what string)

// Options are what an editor can be given. All may be left out.
type Options struct {
	Check    Check
	MaxBytes int // text that typing and pasting may reach; 0: 1 MiB
	Tab      int // distance of tab stops in cells; 0: 4
	Keys     action.Overrides

	// Now lets the editor know text that is pasted without being marked as such
	// from text that is typed, by its speed. Without it only keys that arrive
	// together are taken for a paste.
	Now func() time.Time

	// Wrap is put around each message that the editor sends to itself, and
	// around PasteMsg, so that it finds its way to the screen that owns the
	// editor, shown or not. That screen gives the inner message to Update.
	Wrap func(tea.Msg) tea.Msg

	// Highlighter is shared with other widgets when given.
	Highlighter *highlight.Highlighter
}

// problem is where the text is not well-formed, from 1.
type problem struct {
	Line, Col int
	What      string
}

// PasteMsg tells that text was pasted while the editor was not editing. The
// screen asks what to do and calls Paste.
type PasteMsg struct {
	Editor *Editor
	Text   string
}

// Editor is one text being edited. It belongs to the program's update loop.
type Editor struct {
	theme *style.Theme
	high  *highlight.Highlighter
	opt   Options
	keys  [2]map[string]action.ID // pane, editing

	buf    *buffer
	hist   *history
	serial uint64 // counts changes, so that late answers are known as such

	cur  Pos
	goal int // column that up and down keep, -1 when it is the cursor's
	w, h int
	top  int // first line shown
	left int // first column shown

	focused, editing bool
	prompt           *prompt
	query            string
	killed           string // what ctrl+k and its like took
	killing          bool   // the last key killed: the next one adds to it
	cutLines         string // what d took
	pair             [2]span

	rows    rows
	marks   []int // lines from 0 that MarkLines marked
	problem problem
	checked uint64 // serial that problem is about
	waiting bool   // a check is under way
	typist  typist
}

// span is a part of one line.
type span struct{ line, from, to int }

var _ pane.Pane = (*Editor)(nil)

// New returns an empty editor that is not editing.
func New(theme *style.Theme, o Options) *Editor {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 20
	}
	if o.Tab <= 0 {
		o.Tab = 4
	}
	e := &Editor{theme: theme, high: o.Highlighter, opt: o, goal: -1}
	if e.high == nil {
		e.high = highlight.New(theme)
	}
	e.keys = [2]map[string]action.ID{keymap(o.Keys.Apply(paneActions())), keymap(o.Keys.Apply(editActions()))}
	e.load("")
	return e
}

func (e *Editor) load(text string) {
	e.buf, e.hist = newBuffer(text), &history{}
	e.serial++
	e.cur, e.goal, e.top, e.left = Pos{}, -1, 0, 0
	e.marks, e.problem, e.prompt = nil, problem{}, nil
	e.rows = rows{}
	e.typist.reset()
}

// SetText shows another text, with nothing to undo and nothing modified. Its
// size is not limited. The command it returns checks it, as in Update.
func (e *Editor) SetText(text []byte) tea.Cmd {
	e.load(string(text))
	return e.settle()
}

// Text returns the text, byte for byte.
func (e *Editor) Text() []byte { return e.buf.bytes() }

// Len is the length of the text in bytes.
func (e *Editor) Len() int { return e.buf.size }

// Lines is the number of lines; an empty text has one.
func (e *Editor) Lines() int { return e.buf.len() }

// Cursor returns the line and the column of the cursor, from 1; the column
// counts cells.
func (e *Editor) Cursor() (line, col int) {
	return e.cur.Line + 1, e.row(e.cur.Line).Col(e.cur.Off) + 1
}

// Goto puts the cursor on a line and column, from 1; too large ones are the
// last.
func (e *Editor) Goto(line, col int) {
	e.hist.sealed = true
	l := min(max(line-1, 0), e.buf.len()-1)
	e.moveTo(Pos{l, min(e.row(l).Off(max(col-1, 0)), len(e.buf.shown(l)))})
	e.settle()
}

// Editing reports whether letters are text.
func (e *Editor) Editing() bool { return e.editing }

// SetEditing starts or ends editing.
func (e *Editor) SetEditing(on bool) {
	e.editing, e.hist.sealed, e.killing = on, true, false
	e.typist.reset()
}

// Pasting reports whether the keys of the moment arrive too fast to be typed.
// No key that arrives in between should act on a device.
func (e *Editor) Pasting() bool {
	t := &e.typist
	return t.pasting && (e.opt.Now == nil || e.opt.Now().Sub(t.last) < quiet)
}

// Focus implements pane.Pane.
func (e *Editor) Focus(on bool) tea.Cmd {
	e.focused = on
	return nil
}

// Title implements pane.Pane.
func (e *Editor) Title() string { return "RPC" }

// Capturing implements pane.Pane.
func (e *Editor) Capturing() bool { return e.editing || e.prompt != nil }

// Resize implements pane.Pane.
func (e *Editor) Resize(w, h int) {
	e.w, e.h = max(w, 0), max(h, 0)
	e.show()
}

// MarkLines marks lines, from 1, in the margin, in place of those marked
// before. The marks move with the text.
func (e *Editor) MarkLines(lines []int) {
	e.marks = e.marks[:0]
	for _, l := range lines {
		if l >= 1 && l <= e.buf.len() {
			e.marks = append(e.marks, l-1)
		}
	}
}

// Paste inserts text at the cursor, or in place of all text, as one step. A
// text that would become longer than the limit is refused whole.
func (e *Editor) Paste(text string, replace bool) tea.Cmd {
	from, to, size := e.cur, e.cur, e.buf.size
	if replace {
		from, to, size = Pos{}, e.buf.last(), 0
	}
	if size+len(text) > e.opt.MaxBytes {
		return e.full(len(text))
	}
	e.hist.sealed = true
	e.replace(from, to, text, other)
	e.hist.sealed = true
	e.goal = -1
	return e.settle()
}

// full says that n more bytes do not fit.
func (e *Editor) full(n int) tea.Cmd {
	return msg.Say(msg.Warn, fmt.Sprintf("Not inserted: %s more would pass the editor's limit of %s. The text is as it was",
		size(n), size(e.opt.MaxBytes)))
}

// size writes a number of bytes for people.
func size(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 10_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d B", n)
}

// replace is the only way in which the text changes, but for undo: it keeps the
// cursor, the marks and the history in step.
func (e *Editor) replace(from, to Pos, text string, k kind) {
	if from == to && text == "" {
		return
	}
	c := change{at: from, old: []byte(e.buf.slice(from, to)), new: []byte(text), from: e.cur, kind: k}
	e.apply(from, to, text)
	c.to = e.cur
	e.hist.add(c)
}

// apply changes the text without the history.
func (e *Editor) apply(from, to Pos, text string) {
	end := e.buf.replace(from, to, text)
	e.serial++
	e.rows.splice(e.buf, from, to, end)
	e.cur = moved(e.cur, from, to, end)
	for i, l := range e.marks {
		switch {
		case l > to.Line:
			e.marks[i] = l + end.Line - to.Line
		case l > from.Line:
			e.marks[i] = from.Line
		}
	}
	e.typist.moved(from, to, end)
}

// moved returns where p is after the text from..to became one that ends at end.
// A place within the old text goes to the end of the new.
func moved(p, from, to, end Pos) Pos {
	switch {
	case p.before(from):
		return p
	case p.before(to):
		return end
	case p.Line == to.Line:
		return Pos{end.Line, end.Off + p.Off - to.Off}
	}
	return Pos{p.Line + end.Line - to.Line, p.Off}
}

// undo goes back, or forward, one step.
func (e *Editor) undo(back bool) tea.Cmd {
	do, what := e.hist.redo, "Nothing to redo"
	if back {
		do, what = e.hist.undo, "Nothing to undo"
	}
	cursor, ok := do(e.apply)
	if !ok {
		return msg.Say(msg.Info, what)
	}
	e.cur, e.goal = cursor, -1
	return nil
}

// eol is the line end that new lines of the text get.
func (e *Editor) eol() string {
	for _, l := range []int{e.cur.Line, e.cur.Line - 1} {
		if l >= 0 && l < e.buf.len()-1 {
			if strings.HasSuffix(e.buf.text(l), "\r") {
				return "\r\n"
			}
			return "\n"
		}
	}
	return "\n"
}
