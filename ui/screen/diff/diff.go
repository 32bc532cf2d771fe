// Package diff is the screen of a comparison: what the candidate would change in
// running, one reply against another, a configuration of the past. It stands in
// the tab of its session, above what is there, until esc.
package diff

import (
	"context"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/diffview"
	"dialtone/ui/widget/docview"
)

// patience is how long it may take before the screen says that it waits.
const patience = 150 * time.Millisecond

// Loaded is what a comparison is made of. The documents belong to whoever
// loaded them and stay readable while the screen is open.
type Loaded struct {
	A, B   *xmldoc.Doc
	Result *xmldiff.Result
}

// Options say what is compared. Load reads and compares; it runs in a command
// and ends with its context. Own, when not nil, asks the device for its own
// comparison as text.
type Options struct {
	Session  conn.SessionID
	From, To string
	File     string // name proposed for saving
	Load     func(ctx context.Context, o xmldiff.Options) (Loaded, error)
	Own      func(ctx context.Context) (string, error)
	// Done, when set, is told in Update that a comparison has come.
	Done func()
}

// Screen is one comparison. It belongs to the goroutine of the interface.
type Screen struct {
	d    *screen.Deps
	o    Options
	view *diffview.View

	w, h    int
	focused bool
	spaces  bool
	text    string
	data    *Loaded
	err     error

	serial  int
	what    string // what is waited for, "" when nothing is
	started time.Time
	cancel  context.CancelFunc
}

// New returns a screen that has nothing yet; Init starts to load.
func New(d *screen.Deps, o Options) *Screen {
	return &Screen{d: d, o: o, view: diffview.New(diffview.Options{
		Theme: d.Theme, Session: o.Session, Now: d.Now, From: o.From, To: o.To,
		Dir: d.WorkDir, File: o.File, Copy: d.Copy,
	})}
}

// Init starts to load.
func (s *Screen) Init() tea.Cmd { return s.load() }

// Msg is what came of loading. The screen of its session hands it to Update.
type Msg struct {
	session conn.SessionID
	to      *Screen
	serial  int
	data    *Loaded
	text    *string
	err     error
}

// SessionID implements msg.For.
func (m Msg) SessionID() conn.SessionID { return m.session }

// load reads and compares in a command, in place of what went on before.
func (s *Screen) load() tea.Cmd {
	ctx, m := s.begin("Reading and comparing " + s.o.From + " and " + s.o.To)
	load, o := s.o.Load, xmldiff.Options{Spaces: s.spaces}
	if s.data != nil { // the documents are there
		a, b := s.data.A, s.data.B
		load = func(ctx context.Context, o xmldiff.Options) (Loaded, error) {
			r, err := xmldiff.Compare(ctx, a, b, o)
			return Loaded{a, b, r}, err
		}
	}
	return func() tea.Msg {
		data, err := load(ctx, o)
		m.err = err
		if err == nil {
			m.data = &data
		}
		return m
	}
}

// own asks the device for its own comparison.
func (s *Screen) own() tea.Cmd {
	ctx, m := s.begin("Waiting for the comparison of the device")
	own := s.o.Own
	return func() tea.Msg {
		text, err := own(ctx)
		m.text, m.err = &text, err
		return m
	}
}

func (s *Screen) begin(what string) (context.Context, Msg) {
	s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	s.serial++
	s.what, s.started, s.cancel = what, s.d.Now(), cancel
	return ctx, Msg{session: s.o.Session, to: s, serial: s.serial}
}

// Close ends what goes on in the background.
func (s *Screen) Close() {
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	s.what = ""
}

// Busy reports that something is waited for.
func (s *Screen) Busy() bool { return s.what != "" }

// Update takes results of commands, and keys while the screen is capturing.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case Msg:
		return s.loaded(m)
	case diffview.Msg:
		return m.Deliver()
	case tea.KeyMsg:
		return s.view.Key(m)
	}
	return nil
}

func (s *Screen) loaded(m Msg) tea.Cmd {
	if m.to != s || m.serial != s.serial {
		return nil // something newer was asked for
	}
	s.Close()
	switch {
	case m.text != nil && m.err != nil:
		return msg.Fail(m.err)
	case m.text != nil:
		if s.text = *m.text; strings.TrimSpace(s.text) == "" {
			return msg.Say(msg.Info, "The device tells no difference.")
		}
		s.view.SetText(s.text)
		s.view.Run("diff.text")
		return nil
	case m.err != nil:
		s.err = m.err
		return nil
	}
	s.err, s.data = nil, m.data
	s.view.Set(m.data.A, m.data.B, m.data.Result, s.text)
	if s.o.Done != nil {
		s.o.Done()
	}
	return nil
}

// Resize sets the size.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	s.view.Resize(w, h)
}

// Focus tells whether the screen is shown.
func (s *Screen) Focus(on bool) {
	s.focused = on
	s.view.Focus(on)
}

// Capturing reports that keys are text.
func (s *Screen) Capturing() bool { return s.view.Capturing() }

// Count takes a digit of a count.
func (s *Screen) Count(digit int) { s.view.Count(digit) }

// Counting reports whether a count is being typed.
func (s *Screen) Counting() bool { return s.view.Counting() }

// Status is the text of the status row.
func (s *Screen) Status() string {
	if s.what != "" && s.d.Now().Sub(s.started) >= patience {
		return s.what + s.d.Theme.Glyph(style.Ellipsis)
	}
	return s.view.Status()
}

// View is exactly the size last given to Resize.
func (s *Screen) View() string {
	if s.data != nil {
		return s.view.View()
	}
	w := max(s.w-6, 10)
	var lines []string
	switch {
	case s.err != nil:
		lines = []string{"", "  " + s.d.Theme.Paint(style.Error, "Not compared.")}
		for _, p := range strings.Split(s.err.Error(), "\n") {
			for _, l := range style.Wrap(safe.Block(p), w) {
				lines = append(lines, "  "+l)
			}
		}
		lines = append(lines, "", "  "+s.d.Theme.Paint(style.Title, "r")+"  read again     "+s.d.Theme.Paint(style.Title, "esc")+"  back")
	case s.what != "" && s.d.Now().Sub(s.started) >= patience:
		lines = []string{"", "  " + s.what + s.d.Theme.Glyph(style.Ellipsis), "  " + docview.Took(s.d.Now().Sub(s.started)) + ", esc leaves it"}
	}
	return strings.Join(s.d.Theme.Box(s.w, s.h, s.view.Title(), "", s.focused, lines), "\n")
}

// Actions is what can be done here.
func (s *Screen) Actions() []action.Action {
	const section = "DIFF"
	if s.view.Capturing() {
		return s.view.Actions()
	}
	var as []action.Action
	if s.data != nil {
		as = s.view.Actions()
		for i := range as {
			if as[i].ID == "diff.text" && s.o.Own != nil {
				as[i].Off = ""
			}
		}
	}
	spaces := "spaces"
	if s.spaces {
		spaces = "no spaces"
	}
	wait := ""
	if s.data == nil {
		wait = "nothing is compared yet"
	}
	return append(as,
		action.Action{ID: "diff.spaces", Title: "White space at the ends of values counts, or not", Short: spaces, Keys: []string{"W"}, Hint: 4, Off: wait, Section: section},
		action.Action{ID: "diff.again", Title: "Read both again", Short: "read again", Keys: []string{"r"}, Hint: 40, Section: section},
	)
}

// Run does an action and reports whether it was one of this screen.
func (s *Screen) Run(id action.ID) (tea.Cmd, bool) {
	switch id {
	case "diff.spaces":
		if s.data == nil {
			return nil, true
		}
		s.spaces = !s.spaces
		return s.load(), true
	case "diff.again":
		s.data, s.err, s.text = nil, nil, ""
		return s.load(), true
	case "diff.text":
		if s.text == "" && s.o.Own != nil {
			return s.own(), true
		}
	}
	if !strings.HasPrefix(string(id), "diff.") || s.data == nil {
		return nil, false
	}
	return s.view.Run(id)
}
