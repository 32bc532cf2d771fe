package session

import (
	"bytes"
	"errors"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/widget/editor"
)

// checkedAtOnce is the size up to which a text is judged within the key that
// changed it; a longer one is judged in a command.
const checkedAtOnce = 16 << 10

// check is what the text in the editor is and what sending it would do.
type check struct {
	text    string // that was judged, "" for an empty editor
	req     netconf.Request
	err     error
	pending bool
}

// checkedMsg is the verdict on a long text.
type checkedMsg struct {
	id   conn.SessionID
	text string
	req  netconf.Request
	err  error
}

// SessionID implements msg.For.
func (m checkedMsg) SessionID() conn.SessionID { return m.id }

// recheck judges the text in the editor when it has changed.
func (s *Screen) recheck() tea.Cmd {
	text := s.text()
	if text == s.check.text {
		return nil
	}
	if strings.TrimSpace(text) == "" {
		s.check = check{}
		return nil
	}
	s.check = check{text: text, pending: true}
	m := checkedMsg{id: s.id, text: text}
	caps := s.dev.Caps
	if len(text) <= checkedAtOnce {
		m.req, m.err = netconf.Classify([]byte(text), caps)
		s.checked(m)
		return nil
	}
	return func() tea.Msg {
		m.req, m.err = netconf.Classify([]byte(m.text), caps)
		return m
	}
}

// checked takes a verdict, unless the text has changed since.
func (s *Screen) checked(m checkedMsg) {
	if m.text == s.check.text {
		s.check = check{text: m.text, req: m.req, err: m.err}
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
	return overlay.Open(&overlay.Confirm{
		Theme: s.d.Theme, Title: "The RPC in the editor was not sent",
		Body: []string{"Where does " + what + " go?"}, Cancel: "leave the editor as it is",
		Choices: []overlay.Choice{{Key: "r", Label: "replace the text", Do: put(true)}, {Key: "i", Label: "insert at the cursor", Do: put(false)}},
	})
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
	if m.replace {
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
