// Package docview shows an XML document of any size, also while it arrives.
//
// Only the rows on the screen are formatted, made safe and highlighted, and
// what was made is kept per row, so a key costs the same in a reply of 100 KB
// and of 100 MB. Whatever may take longer than a frame (search, folding
// everything, saving) runs in a command; its result comes back as a Msg and is
// dropped when something newer was asked for.
//
// The package reads top to bottom: view.go is the pane, row.go makes one row,
// actions.go, move.go and fold.go are the keys, job.go is the work behind them;
// then come search.go, copy.go, save.go and the two other modes, raw.go and
// errors.go.
package docview

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/highlight"
	"dialtone/ui/style"
)

// Mode is what a View shows of its document.
type Mode uint8

// The modes, in the order of the key v.
const (
	Pretty Mode = iota // rows from tags, folding
	Raw                // the bytes as they came, in physical lines
	Errors             // the rpc-errors, one block each
	modes
)

// Options are what a View needs from around it. Session, Now and Theme are
// required.
type Options struct {
	Theme   *style.Theme
	Session conn.SessionID // whose screen gets the results of commands
	Now     func() time.Time
	Dir     string // what relative names of saved files are relative to
	File    string // proposed name, without directory
	// Copy puts safe text on the clipboard; nil: copying is off.
	Copy func(what, text string) tea.Cmd
	// Locate goes to the place in the request that an error is about; nil: off.
	Locate func(e *netconf.RPCError) tea.Cmd
}

// View is one document with its cursor, folds and search. It belongs to the
// goroutine of the interface; the document may grow meanwhile. The document
// belongs to the caller, who calls Stop before closing it.
type View struct {
	opt   Options
	th    *style.Theme
	doc   *xmldoc.Doc
	folds *xmldoc.Folds
	hl    *highlight.Highlighter

	w, h         int
	focused      bool
	title, right string
	empty        []string

	mode   Mode
	page   [modes]page
	hoff   int // cells scrolled to the right
	count  int // typed before a motion, 0 when none
	prefix prefix
	ask    *ask
	query  xmldoc.Query
	note   string // what the last key came to, until the next one

	job   *job
	jobs  int // counts them, for their ids
	cache rowCache
	errs  errorList
	path  pathCache
}

// page is where one mode stands, in lines of that mode.
type page struct{ cur, top int }

// New returns a view of d, which may be empty and growing.
func New(d *xmldoc.Doc, o Options) *View {
	return &View{opt: o, th: o.Theme, doc: d, folds: xmldoc.NewFolds(d), hl: highlight.New(o.Theme)}
}

// Resize sets the size of the whole pane, frame included. The top row stays.
func (v *View) Resize(w, h int) {
	v.w, v.h = w, h
	v.settle()
}

// Focus implements pane.Pane.
func (v *View) Focus(on bool) tea.Cmd {
	v.focused = on
	if !on {
		v.prefix, v.ask, v.count = noPrefix, nil, 0
	}
	return nil
}

// SetTitle sets the two texts of the upper border. They must be safe; they may
// be painted.
func (v *View) SetTitle(title, right string) { v.title, v.right = title, right }

// SetSession changes whose screen gets the results of commands.
func (v *View) SetSession(id conn.SessionID) { v.opt.Session = id }

// SetFile changes the name that is proposed for saving.
func (v *View) SetFile(name string) { v.opt.File = name }

// SetEmpty sets what stands in the pane while the document has no rows, one
// painted line each; nil for the words that fit a reply.
func (v *View) SetEmpty(lines []string) { v.empty = lines }

// Title implements pane.Pane.
func (v *View) Title() string { return v.title }

// Capturing implements pane.Pane: an input line is open, or a key that another
// one must follow was pressed.
func (v *View) Capturing() bool { return v.ask != nil || v.prefix != noPrefix }

// Grew tells that the document may have new rows. It is cheap.
func (v *View) Grew() { v.settle() }

// Mode returns what is shown.
func (v *View) Mode() Mode { return v.mode }

// Stop ends whatever still works on the document in the background.
func (v *View) Stop() {
	if v.job != nil {
		v.job.cancel()
		v.job = nil
	}
}

// Row returns the row of the cursor and how many there are so far, both
// counted from 0.
func (v *View) Row() (row, of int) { return v.cursorRow(), v.doc.Rows() }

// Status is what the status row says of this view: what goes on, what the last
// key came to, or else the path of the cursor. It is safe text.
func (v *View) Status() string {
	switch {
	case v.job != nil && v.opt.Now().Sub(v.job.started) >= patience:
		return v.job.what + "…"
	case v.note != "":
		return v.note
	case v.mode == Errors:
		return v.errs.summary()
	}
	return v.path.text
}

// Busy reports whether a job runs that a tick should redraw.
func (v *View) Busy() bool { return v.job != nil }

// patience is how long work goes on before the screen says so.
const patience = 150 * time.Millisecond

// Update implements pane.Pane for results of commands and for keys while the
// view is capturing.
func (v *View) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case Msg:
		return m.Deliver()
	case tea.KeyMsg:
		return v.key(m)
	}
	return nil
}

func (v *View) key(k tea.KeyMsg) tea.Cmd {
	switch {
	case v.ask != nil:
		return v.askKey(k)
	case v.prefix != noPrefix:
		return v.prefixKey(k.String())
	}
	return nil
}

// inner is the size of the text inside the frame.
func (v *View) inner() (w, h int) {
	w, h = max(v.w-2, 0), max(v.h-2, 0)
	if v.ask != nil && h > 0 {
		h--
	}
	return w, h
}

// View implements pane.Pane.
func (v *View) View() string { return strings.Join(v.Lines(), "\n") }

// Lines is View in lines, each exactly as wide as the pane.
func (v *View) Lines() []string {
	if v.w < 2 || v.h < 2 {
		return v.th.Box(v.w, v.h, "", "", false, nil)
	}
	frame := v.th.Box(v.w, 2, v.title, v.right, v.focused, nil)
	side := v.th.Box(2, 3, "", "", v.focused, nil)[1]
	side = side[:len(side)/2]
	w, h := v.inner()
	out := make([]string, 0, v.h)
	out = append(out, frame[0])
	buf := make([]byte, 0, 4*v.w)
	for i := range h {
		buf = append(buf[:0], side...)
		buf = v.draw(buf, v.page[v.mode].top+i, w)
		buf = append(buf, side...)
		out = append(out, string(buf))
	}
	if len(out) < v.h-1 {
		out = append(out, side+v.ask.view(v.th, w)+side)
	}
	return append(out, frame[1])
}

// draw appends one line of the current mode, exactly w cells.
func (v *View) draw(dst []byte, line, w int) []byte {
	selected := v.focused && line == v.page[v.mode].cur
	switch {
	case line >= v.lines():
		return append(dst, v.th.Fit(v.blank(line), w)...)
	case v.mode == Raw:
		return v.drawRaw(dst, line, w, selected)
	case v.mode == Errors:
		return v.drawError(dst, line, w, selected)
	}
	return v.drawRow(dst, line, w, selected)
}

// blank is what stands below the last line: nothing, or on the first line of
// an empty pane why it is empty.
func (v *View) blank(line int) string {
	switch {
	case v.doc.Rows() == 0 && v.mode == Pretty && line < len(v.empty):
		return v.empty[line]
	case line > 0 || len(v.empty) > 0:
		return ""
	}
	done, _ := v.doc.Finished()
	switch {
	case v.mode == Errors:
		return v.th.Paint(style.Dim, "  No rpc-error in this reply.")
	case done:
		return v.th.Paint(style.Dim, "  The reply is empty.")
	}
	return v.th.Paint(style.Dim, "  Nothing has come yet.")
}
