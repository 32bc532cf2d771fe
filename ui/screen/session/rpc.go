package session

import (
	"bytes"
	"errors"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/widget/editor"
)

const (
	// checkedAtOnce is the size up to which a text is judged within the key that
	// changed it. A longer one is judged in a command, when it has been quiet.
	checkedAtOnce = 16 << 10
	checkAfter    = 200 * time.Millisecond
)

// check is what the text in the editor is and what sending it would do.
type check struct {
	known bool // req and err are about the text as it is
	req   netconf.Request
	err   error

	stale   bool   // the text may have changed since it was looked at last
	serial  uint64 // counts such changes
	running bool   // a timer or a command is under way
}

// touched notes that the text may have changed. It is called for every key of
// the editor and costs nothing.
func (s *Screen) touched() {
	s.check.stale, s.draft.stale = true, true
	s.check.serial++
}

// checkMsg is a step in judging a long text: first that it has been quiet, then
// the verdict.
type checkMsg struct {
	id     conn.SessionID
	done   bool
	serial uint64
	req    netconf.Request
	err    error
}

// SessionID implements msg.For.
func (m checkMsg) SessionID() conn.SessionID { return m.id }

// recheck judges the text in the editor when it has changed.
func (s *Screen) recheck() tea.Cmd {
	c := &s.check
	switch {
	case !c.stale:
		return nil
	case s.rpc.Len() == 0:
		*c = check{serial: c.serial, running: c.running}
		return nil
	case s.rpc.Len() <= checkedAtOnce:
		c.stale, c.known = false, true
		c.req, c.err = netconf.Classify(s.rpc.Text(), s.dev.Caps)
		return nil
	}
	c.known, c.req, c.err = false, netconf.Request{}, nil
	if c.running {
		return nil
	}
	c.running = true
	m := checkMsg{id: s.id, serial: c.serial}
	return s.d.After(checkAfter, func(time.Time) tea.Msg { return m })
}

// checked takes a step. A verdict on a text that has changed since is dropped,
// and the text is judged again.
func (s *Screen) checked(m checkMsg) tea.Cmd {
	c := &s.check
	switch {
	case m.done && m.serial == c.serial:
		c.running, c.stale, c.known = false, false, true
		c.req, c.err = m.req, m.err
		return nil
	case m.done || m.serial != c.serial:
		c.running = false // recheck waits for quiet once more
		return nil
	}
	text, caps := s.rpc.Text(), s.dev.Caps
	m.done = true
	return func() tea.Msg {
		m.req, m.err = netconf.Classify(text, caps)
		return m
	}
}

// problem is where and why the text is not well-formed.
func (c check) problem() string {
	var syntax *netconf.SyntaxError
	if errors.As(c.err, &syntax) {
		return syntax.Error()
	}
	return headline(c.err)
}

// headline is the first sentence of an error. It is not safe text yet.
func headline(err error) string {
	var f interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(err, &f) {
		code, what, _, _ := f.Parts()
		return code + " " + what
	}
	return err.Error()
}

// readOnly says why nothing that alters may be sent, "" when it may.
func (s *Screen) readOnly() string {
	switch {
	case s.d.ReadOnly:
		return "this run of dialtone is read-only"
	case s.dev.Target.ReadOnly:
		return "the profile of " + safe.Text(s.dev.Target.Name) + " is read-only"
	}
	return ""
}

// load puts a text into the editor. Another text that was not sent yet is
// replaced only when the person says so.
func (s *Screen) load(text string) tea.Cmd { return s.offer(text, "the RPC") }

// offer asks whether what, a text, replaces the unsent one or goes in at the
// cursor; when nothing can be lost it replaces without a question.
func (s *Screen) offer(text, what string) tea.Cmd {
	old := s.text()
	if strings.TrimSpace(old) == "" || old == s.draft.sent || old == s.draft.loaded {
		return s.insert(insertMsg{id: s.id, text: text, replace: true})
	}
	put := func(replace bool) tea.Cmd {
		return func() tea.Msg { return insertMsg{id: s.id, text: text, replace: replace} }
	}
	return s.d.Tell(overlay.Push{Dialog: &overlay.Confirm{
		Theme: s.d.Theme, Title: "The RPC in the editor was not sent",
		Body: []string{"Where does " + what + " go?"}, Cancel: "leave the editor as it is",
		Choices: []overlay.Choice{{Key: "r", Label: "replace the text", Do: put(true)}, {Key: "i", Label: "insert at the cursor", Do: put(false)}},
	}})
}

// insertMsg puts a text into the editor.
type insertMsg struct {
	id      conn.SessionID
	text    string
	replace bool
}

// SessionID implements msg.For.
func (m insertMsg) SessionID() conn.SessionID { return m.id }

func (s *Screen) insert(m insertMsg) tea.Cmd {
	var cmd tea.Cmd
	switch {
	case !m.replace:
		cmd = s.rpc.Paste(m.text, false)
	case s.rpc.Len() == 0 || len(m.text) > pasteLimit:
		cmd = s.rpc.SetText([]byte(m.text))
	default:
		cmd = s.rpc.Paste(m.text, true) // can be undone
	}
	s.touched()
	if m.replace {
		s.rpc.MarkLines(nil)
		s.draft.loaded = s.text()
	}
	return tea.Batch(cmd, s.setFocus(rpcPart))
}

// pasteLimit is the size up to which a new text can be undone.
const pasteLimit = 512 << 10

// text is what stands in the editor.
func (s *Screen) text() string { return string(s.rpc.Text()) }

// editorMsg brings the editor its own messages.
type editorMsg struct {
	id    conn.SessionID
	inner tea.Msg
}

// SessionID implements msg.For.
func (m editorMsg) SessionID() conn.SessionID { return m.id }

func (s *Screen) fromEditor(m tea.Msg) tea.Cmd {
	if p, ok := m.(editor.PasteMsg); ok {
		return s.offer(p.Text, "the pasted text")
	}
	s.touched()
	return s.rpc.Update(m)
}

// wellFormed is the editor's check of what is written in it.
func wellFormed(text []byte) (line, col int, what string) {
	if len(bytes.TrimSpace(text)) == 0 {
		return 0, 0, ""
	}
	_, err := netconf.Classify(text, netconf.Caps{})
	var syntax *netconf.SyntaxError
	if errors.As(err, &syntax) {
		return syntax.Line, syntax.Col, syntax.What
	}
	return 0, 0, ""
}
