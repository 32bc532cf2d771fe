// Package diffview shows two documents compared: one above the other with signs,
// or side by side with a list of the changes.
//
// The comparison comes ready from xmldiff; only the rows on the screen are
// formatted, made safe and painted. What may take longer (the whole as text, to
// copy or to save) runs in a command whose result comes back as a Msg.
//
// model.go says which row stands on which line, draw.go paints lines, keys.go is
// what a person can do.
package diffview

import (
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/highlight"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Mode is how a comparison is shown.
type Mode uint8

// The modes. Text is the device's own comparison.
const (
	Unified Mode = iota
	Side
	Text
)

// wide is the width from which on two sides fit beside each other.
const wide = 120

// Options are what a View needs from around it. Theme, Session and Now are
// required.
type Options struct {
	Theme   *style.Theme
	Session conn.SessionID // whose screen gets the results of commands
	Now     func() time.Time
	From    string // names of the two sides; made safe here
	To      string
	Dir     string // what relative names of saved files are relative to
	File    string // proposed name, without directory
	// Copy puts safe text on the clipboard; nil: copying is off.
	Copy func(what, text string) tea.Cmd
}

// View is one comparison with its cursor and folds. It belongs to the goroutine
// of the interface; the documents belong to the caller.
type View struct {
	opt  Options
	th   *style.Theme
	hl   *highlight.Highlighter
	a, b *xmldoc.Doc
	res  *xmldiff.Result
	text []string // the device's own words
	adds int
	dels int

	w, h    int
	focused bool
	mode    Mode
	chosen  bool // by the person, so that a resize leaves it alone

	open    map[int]bool // equal segments that are unfolded
	openAll bool
	l       layout

	cur, top, hoff int
	count          int
	copying        bool // y was pressed: what follows says what to copy
	saving         bool
	name           prompt.Line
	seen, note     string

	cache map[cell]*highlight.Row
}

// cell is a row of one of the documents.
type cell struct {
	b   bool
	row int
}

// New returns an empty view; Set gives it its comparison.
func New(o Options) *View {
	return &View{opt: o, th: o.Theme, hl: highlight.New(o.Theme), open: map[int]bool{}, cache: map[cell]*highlight.Row{}}
}

// Set shows a comparison of a with b. text is the device's own comparison, ""
// when there is none. The cursor goes to the first change.
func (v *View) Set(a, b *xmldoc.Doc, r *xmldiff.Result, text string) {
	v.a, v.b, v.res = a, b, r
	v.SetText(text)
	v.open, v.openAll = map[int]bool{}, false
	v.cache = map[cell]*highlight.Row{}
	v.adds, v.dels = rows(r)
	if v.mode == Text && v.text == nil {
		v.mode, v.chosen = Unified, false
	}
	v.cur, v.top, v.hoff = 0, 0, 0
	v.lay()
	v.toChange(0)
}

// SetText sets the device's own comparison, "" for none.
func (v *View) SetText(text string) {
	v.text = nil
	if text = strings.TrimRight(text, "\n"); text != "" {
		v.text = strings.Split(text, "\n")
	}
}

// SetSession changes whose screen gets the results of commands.
func (v *View) SetSession(id conn.SessionID) { v.opt.Session = id }

func (v *View) lay() {
	v.l = lay(v.res, v.side(), func(i int) bool { return v.openAll || v.open[i] })
	v.settle()
}

func (v *View) side() bool { return v.mode == Side }

// Resize sets the size of the whole view, frames included.
func (v *View) Resize(w, h int) {
	v.w, v.h = w, h
	mode := v.mode
	switch {
	case v.mode == Side && w < wide:
		v.mode = Unified
	case v.mode == Unified && w >= wide && !v.chosen:
		v.mode = Side
	}
	if v.mode != mode {
		v.remode()
		return
	}
	v.settle()
}

// remode lays the lines anew for another mode and keeps the change.
func (v *View) remode() {
	change := max(v.Change(), 0)
	v.lay()
	v.toChange(change)
}

// Focus tells whether keys come here.
func (v *View) Focus(on bool) {
	v.focused = on
	if !on {
		v.copying, v.saving, v.count = false, false, 0
	}
}

// Mode returns what is shown.
func (v *View) Mode() Mode { return v.mode }

// Same reports that nothing differs.
func (v *View) Same() bool { return v.res != nil && v.res.Same() }

// Change is the change of the cursor, or the last one above it; -1 for none.
func (v *View) Change() int {
	if v.mode == Text {
		return -1
	}
	return v.l.changeAt(v.cur)
}

// Title is what the upper border says at the left.
func (v *View) Title() string {
	return "Diff  " + safe.Line(v.opt.From) + " " + v.th.Glyph(style.Arrow) + " " + safe.Line(v.opt.To)
}

// Right is what the upper border says at the right.
func (v *View) Right() string {
	switch {
	case v.res == nil:
		return ""
	case v.mode == Text:
		return "as the device tells it"
	case len(v.res.Changes) == 0:
		return "no difference"
	}
	at := max(v.Change(), 0) + 1
	return fmt.Sprintf("change %d of %d   %s %s", at, len(v.res.Changes),
		v.th.Paint(style.Added, fmt.Sprintf("+%d", v.adds)), v.th.Paint(style.Removed, fmt.Sprintf("-%d", v.dels)))
}

// Status is the path of the change at the cursor, as safe text.
func (v *View) Status() string {
	if v.note != "" && !v.saving {
		return v.note
	}
	c := v.Change()
	if c < 0 || v.res == nil || c >= len(v.res.Changes) {
		if v.res != nil && len(v.res.Moves) > 0 {
			return fmt.Sprintf("%d entries stand in another order", len(v.res.Moves))
		}
		return ""
	}
	text := safe.Line(v.res.Changes[c].Path)
	if n := v.res.Changes[c].Note; n != "" {
		text += ": " + safe.Line(n)
	}
	return text
}

// Capturing reports that keys are text: a file name, or what to copy.
func (v *View) Capturing() bool { return v.saving || v.copying }

// Count takes a digit of a count.
func (v *View) Count(digit int) { v.count = min(v.count*10+digit, 99999) }

// Counting reports whether a count is being typed.
func (v *View) Counting() bool { return v.count > 0 }

// lines is how many lines there are in the mode that is shown.
func (v *View) lines() int {
	if v.mode == Text {
		return len(v.text)
	}
	return v.l.total
}

// page is how many lines are seen.
func (v *View) page() int {
	h := max(v.h-2, 1)
	if v.saving {
		h = max(h-1, 1)
	}
	return h
}

// settle keeps cursor and window in range.
func (v *View) settle() {
	n, page := v.lines(), v.page()
	v.cur = max(min(v.cur, n-1), 0)
	v.top = min(max(v.top, v.cur-page+1), v.cur)
	v.top = max(min(v.top, n-page), 0)
}

// toChange puts the cursor on a change, a third of the page down.
func (v *View) toChange(c int) {
	v.cur = v.l.first(c)
	v.top = max(v.cur-v.page()/3, 0)
	v.settle()
}

// Msg is the result of work in the background. The screen of its session calls
// Deliver.
type Msg struct {
	session conn.SessionID
	apply   func() tea.Cmd
}

// SessionID implements msg.For.
func (m Msg) SessionID() conn.SessionID { return m.session }

// Deliver gives the result to its view.
func (m Msg) Deliver() tea.Cmd { return m.apply() }
