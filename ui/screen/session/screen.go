// Package session is the place where one device is worked on: an editor for the
// RPC above, the reply below, and beside them, where there is room, templates
// and history.
//
// The title of the RPC says what sending it would do; the title of the reply
// says how it went. Both are made in titles.go, from netconf.Classify and from
// the outcome, and never claim more than is known.
//
// screen.go is the pane.Screen and routes messages; layout.go divides the
// room; rpc.go and send.go go from a text to a request that was sent; reply.go
// and events.go follow what comes back; the rest is one idea a file.
package session

import (
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/screen/diff"
	"dialtone/ui/widget/diffview"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/editor"
)

// Screen is the screen of one session. It belongs to the goroutine of the
// interface.
type Screen struct {
	d   *screen.Deps
	id  conn.SessionID
	dev conn.Device // as last told

	w, h   int
	shown  bool
	zoomed bool
	focus  part
	wanted part // focus as the person chose it, also while it is not on the screen

	rpc     *editor.Editor
	check   check
	replies replies
	side    side
	draft   draft

	commits commits

	turned  turned
	sending bool // between ctrl+r and the exchange
	ticking bool
}

// part is one of the panes of the screen.
type part uint8

const (
	rpcPart part = iota
	replyPart
	sidePart
	parts
)

// New returns the screen of session id.
func New(d *screen.Deps, id conn.SessionID) *Screen {
	s := &Screen{d: d, id: id}
	s.dev, _ = d.Backend.Device(id)
	s.rpc = editor.New(d.Theme, editor.Options{
		Check: wellFormed, Keys: d.Keys, Now: d.Now,
		Wrap: func(m tea.Msg) tea.Msg { return editorMsg{s.id, m} },
	})
	s.openCommits()
	s.draft.path = draftPath(d.StateDir, s.dev.Target.Name)
	s.refresh()
	return s
}

// Init loads what the last run left: a draft, and the history.
func (s *Screen) Init() tea.Cmd {
	return tea.Batch(s.loadDraft(), s.loadHistory(), s.tick())
}

// Rebind gives the screen another session of the same device. What was typed,
// what was answered and what was notified stays.
func (s *Screen) Rebind(id conn.SessionID) tea.Cmd {
	before := s.notes()
	s.id = id
	s.notes().Inherit(before)
	s.dev, _ = s.d.Backend.Device(id)
	for _, r := range s.replies.list {
		r.view.SetSession(id)
	}
	s.check.stale, s.check.running, s.side.choices = true, false, nil // other capabilities perhaps
	// Results on their way to the old session never come.
	s.sending, s.ticking, s.draft.armed, s.commits.doing = false, false, false, ""
	for s.over() != nil { // what they wait for belongs to the old session
		s.uncover()
	}
	return s.after(nil)
}

// Close ends what still works in the background. The session lives on.
func (s *Screen) Close() {
	for _, r := range s.replies.list {
		r.view.Stop()
	}
	for _, c := range s.commits.covers {
		c.Close()
	}
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd { return s.after(s.update(m)) }

func (s *Screen) update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case msg.Events:
		return s.events(m)
	case tea.KeyMsg:
		return s.key(m)
	case docview.Msg:
		return m.Deliver()
	case editorMsg:
		return s.fromEditor(m.inner)
	case tickMsg:
		s.ticking = false
	case msg.Desk:
		s.heardDesk(m)
	case checkMsg:
		return s.checked(m)
	case readyMsg:
		return s.ready(m)
	case confirmedMsg:
		return s.transmit(m.req)
	case sentMsg:
		return s.sent(m)
	case locatedMsg:
		s.located(m)
	case externalMsg:
		return s.edited(m)
	case draftMsg:
		return s.drafted(m)
	case historyMsg:
		s.side.entries = m.entries
	case wantMsg:
		return s.pick(m.tmpl)
	case pickedMsg:
		return s.picked(m)
	case insertMsg:
		return s.insert(m)
	case reportMsg:
		return s.reported(m)
	case findingMsg:
		return s.found(m)
	case locksMsg:
		return s.askLocks(m)
	case askMsg:
		return s.ask(m.o)
	case giveMsg:
		return s.give(m.plan)
	case undoMsg:
		return s.openUndo()
	case runMsg:
		return s.runIfOn(m.action)
	case msg.RunAction:
		return s.runIfOn(action.ID(m.Action))
	case diffview.Msg:
		return m.Deliver()
	case diff.Msg, pastMsg:
		return s.tellCovers(m)
	case msg.ShowDiff:
		return s.showDiff(m)
	case msg.VerifyCommit:
		s.commits.verify = true
	case msg.LoadRPC:
		return s.load(m.Body)
	case msg.ShowExchange:
		return s.showExchange(m.Exchange)
	}
	return nil
}

// after brings everything that is derived up to date, at the end of each
// message, and adds the commands that this calls for.
func (s *Screen) after(cmd tea.Cmd) tea.Cmd {
	s.commits.st = s.commits.c.State(s.id)
	more := tea.Batch(s.opened(), s.recheck(), s.saveDraft(), s.tick())
	s.refresh()
	return tea.Batch(cmd, more)
}

// key gives a key to the pane that captures it.
func (s *Screen) key(k tea.KeyMsg) tea.Cmd {
	switch {
	case s.over() != nil:
		return s.over().Update(k)
	case s.focus == rpcPart:
		s.touched()
		return s.rpc.Update(k)
	case s.focus == replyPart && s.reply() != nil:
		return s.reply().view.Update(k)
	}
	return nil
}

// WantsPaste implements pane.Paster: text can be pasted into the RPC.
func (s *Screen) WantsPaste() bool { return s.over() == nil && s.focus == rpcPart }

// Capturing implements pane.Pane.
func (s *Screen) Capturing() bool {
	if o := s.over(); o != nil {
		return o.Capturing()
	}
	switch s.focus {
	case rpcPart:
		return s.rpc.Capturing()
	case replyPart:
		return s.reply() != nil && s.reply().view.Capturing()
	}
	return false
}

// Count implements pane.Counter.
func (s *Screen) Count(digit int) {
	switch {
	case s.over() != nil:
		s.over().Count(digit)
	case s.focus == replyPart && s.reply() != nil:
		s.reply().view.Count(digit)
	case s.focus == sidePart:
		s.side.list.Count(digit)
	}
}

// Counting implements pane.Counter.
func (s *Screen) Counting() bool {
	switch {
	case s.over() != nil:
		return s.over().Counting()
	case s.focus == replyPart && s.reply() != nil:
		return s.reply().view.Counting()
	case s.focus == sidePart:
		return s.side.list.Counting()
	}
	return false
}

// Title implements pane.Pane.
func (s *Screen) Title() string {
	if s.unproved() == noIdentity {
		return s.dev.Target.Name + " ?"
	}
	return s.dev.Target.Name
}

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd {
	s.shown = on
	if on {
		s.dev, _ = s.d.Backend.Device(s.id)
	}
	if o := s.over(); o != nil {
		o.Focus(on)
	}
	cmd := s.refocus()
	if !on && s.draft.pending {
		cmd = tea.Batch(cmd, s.writeDraft()) // the tab may be closed next
	}
	return s.after(cmd)
}

// setFocus moves the focus to a pane.
func (s *Screen) setFocus(p part) tea.Cmd {
	if p != rpcPart && s.rpc.Editing() {
		s.rpc.SetEditing(false)
	}
	s.wanted = p
	s.place()
	return s.refocus()
}

// refocus tells each pane whether it has the focus.
func (s *Screen) refocus() tea.Cmd {
	cmds := []tea.Cmd{s.rpc.Focus(s.shown && s.focus == rpcPart)}
	for i, r := range s.replies.list {
		cmds = append(cmds, r.view.Focus(s.shown && s.focus == replyPart && i == s.replies.at))
	}
	return tea.Batch(cmds...)
}

// Leave implements pane.Screen.
func (s *Screen) Leave() string {
	if t := s.text(); strings.TrimSpace(t) != "" && s.draft.path == "" && t != s.draft.sent {
		return "The RPC in the editor was not sent and is kept nowhere."
	}
	return ""
}

// tickMsg redraws what shows how long it has been.
type tickMsg struct{ id conn.SessionID }

// SessionID implements msg.For.
func (m tickMsg) SessionID() conn.SessionID { return m.id }

const (
	patience  = 150 * time.Millisecond // before the screen says that it waits
	tickEvery = 250 * time.Millisecond
)

// tick keeps one timer running while something is waited for.
func (s *Screen) tick() tea.Cmd {
	if s.ticking || !s.waiting() {
		return nil
	}
	s.ticking = true
	wait := tickEvery
	if s.youngest() < patience {
		wait = patience
	}
	return s.d.After(wait, func(time.Time) tea.Msg { return tickMsg{s.id} })
}

// waiting reports whether time passes on the screen.
func (s *Screen) waiting() bool {
	switch s.dev.State {
	case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Closing:
		return true
	}
	r := s.reply()
	return s.commits.doing != "" || s.over() != nil && s.over().Busy() || s.inFlight() != nil || r != nil && r.view.Busy()
}

// youngest is how long the newest wait has been.
func (s *Screen) youngest() time.Duration {
	now := s.d.Now()
	if x := s.inFlight(); x != nil {
		return now.Sub(x.x.Started)
	}
	return now.Sub(s.dev.Since)
}
