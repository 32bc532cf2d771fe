package session

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
)

// The way of a request: prepare judges the text, ready refuses it or asks,
// transmit sends it, sent shows its reply. Nothing is sent but by a key of the
// person, and nothing twice by itself.

// readyMsg is a text that was judged because the person wants to send it.
type readyMsg struct {
	id  conn.SessionID
	req netconf.Request
	err error
}

// SessionID implements msg.For.
func (m readyMsg) SessionID() conn.SessionID { return m.id }

// confirmedMsg is a request whose danger the person has accepted.
type confirmedMsg struct {
	id  conn.SessionID
	req netconf.Request
}

// SessionID implements msg.For.
func (m confirmedMsg) SessionID() conn.SessionID { return m.id }

// sentMsg is what became of sending.
type sentMsg struct {
	id  conn.SessionID
	x   *conn.Exchange
	err error
}

// SessionID implements msg.For.
func (m sentMsg) SessionID() conn.SessionID { return m.id }

// cannotSend says why ctrl+r would do nothing now; "" when it would.
func (s *Screen) cannotSend() string {
	switch {
	case s.sending:
		return "the last one is just being sent"
	case s.rpc.Len() == 0:
		return "nothing to send: i writes an RPC, t takes a template"
	case s.dev.State != conn.Open:
		return s.notOpen()
	}
	return ""
}

// prepare judges the text once more, in a command, because the verdict decides
// what may be sent.
func (s *Screen) prepare() tea.Cmd {
	switch {
	case s.cannotSend() != "":
		return nil
	case s.rpc.Editing() && s.rpc.Pasting():
		return s.refuse("Not sent: it came with a paste. Press ctrl+r once more.")
	}
	s.sending = true
	m := readyMsg{id: s.id}
	text, caps := s.rpc.Text(), s.dev.Caps
	return func() tea.Msg {
		m.req, m.err = netconf.Classify(text, caps)
		return m
	}
}

// ready refuses a request, asks about it, or sends it.
func (s *Screen) ready(m readyMsg) tea.Cmd {
	s.sending = false
	r := m.req
	switch {
	case m.err != nil:
		return s.refuse("Not sent, the RPC is not well-formed: " + headline(m.err))
	case r.Effect.Alters() && s.readOnly() != "":
		return s.refuse("Not sent: " + s.readOnly() + " and " + r.Name + " may change the device")
	case r.Effect.Alters() && s.altering() != nil:
		return s.refuse("Not sent: " + s.altering().x.Request.Name + " has not been answered yet; ctrl+c stops waiting for it")
	case s.wantsName(r):
		return s.d.Tell(overlay.Push{Dialog: s.askName(r)})
	case s.direct(r):
		return s.d.Tell(overlay.Push{Dialog: s.askDirect(r)})
	}
	return s.transmit(r)
}

// direct reports an edit of running on a device that has no candidate.
func (s *Screen) direct(r netconf.Request) bool {
	return editsStore(r) && r.Target == string(netconf.Running) && !s.dev.Caps.Has("candidate")
}

func editsStore(r netconf.Request) bool {
	return r.Effect.Alters() && (r.Name == "edit-config" || r.Name == "copy-config" || r.Name == "edit-data")
}

// askDirect is the question before an edit that takes effect at once.
func (s *Screen) askDirect(r netconf.Request) overlay.Dialog {
	name := safe.Text(s.dev.Target.Name)
	body := []string{"It changes running of " + name + " at once: the device has no candidate, and nothing undoes it by itself."}
	if !s.holds() {
		body = append(body, "Running is not locked: others may change it at the same time. K locks it.")
	}
	if s.dev.Caps.Has("startup") {
		body = append(body, "Startup is not changed by it.")
	}
	return &overlay.Confirm{
		Theme: s.d.Theme, Title: "Send " + safe.Line(r.Name) + " to " + name + "?", Body: body, Danger: true,
		Choices: []overlay.Choice{{Key: "s", Label: "Send it", Do: func() tea.Msg { return confirmedMsg{s.id, r} }}},
	}
}

func (s *Screen) refuse(text string) tea.Cmd { return msg.Say(msg.Warn, text) }

// wantsName reports requests that are sent only after the device's name was
// typed: those that destroy, and edits of running past a candidate.
func (s *Screen) wantsName(r netconf.Request) bool {
	switch {
	case r.Effect == netconf.Destroys:
		return true
	case r.Name == "commit" || !r.Effect.Alters() || r.Target != string(netconf.Running):
		return false
	}
	return s.dev.Caps.Has("candidate") && editsStore(r)
}

// askName is the question with the device's name to type.
func (s *Screen) askName(r netconf.Request) overlay.Dialog {
	name := s.dev.Target.Name
	what := "It ends or deletes something, and there is no way back."
	switch {
	case r.Name == "kill-session":
		what = "It ends another session on this device. What that session had not committed is lost."
	case r.Name == "delete-config":
		what = "It deletes the datastore " + r.Target + ". There is no way back."
	case r.Effect != netconf.Destroys:
		what = "It changes running at once, past the candidate: nothing is validated first and nothing can be discarded."
	}
	target := ""
	if r.Target != "" {
		target = ", datastore " + r.Target
	}
	return &overlay.Confirm{
		Theme: s.d.Theme, Title: "Send " + safe.Line(r.Name) + " to " + safe.Text(name) + "?",
		Body: []string{r.Name + " on " + name + target + ".", what}, Danger: true, Word: name,
		Choices: []overlay.Choice{{Key: "s", Label: "Send it", Grave: true, Do: func() tea.Msg { return confirmedMsg{s.id, r} }}},
	}
}

// transmit hands a request to the session, in a command.
func (s *Screen) transmit(r netconf.Request) tea.Cmd {
	if s.sending {
		return s.refuse("Not sent: the last one is just being sent")
	}
	if commit.IsCommit(r) { // running is read around it, and the words are those of C
		p, err := s.commits.c.Typed(s.id, r)
		if err != nil {
			return s.refuse("Not sent: " + headline(err))
		}
		return s.give(p)
	}
	s.sending = true
	b, id := s.d.Backend, s.id
	return func() tea.Msg {
		x, err := b.Send(id, r)
		return sentMsg{id: id, x: x, err: err}
	}
}

// sent shows the reply of a request that is under way.
func (s *Screen) sent(m sentMsg) tea.Cmd {
	s.sending = false
	if m.err != nil {
		return msg.Fail(m.err)
	}
	return s.showSent(m.x)
}

// showSent shows the reply of what the person has sent from the editor.
func (s *Screen) showSent(x *conn.Exchange) tea.Cmd {
	s.replies.at = s.adopt(x)
	if t := s.text(); string(x.Request.Body) == t {
		s.draft.sent, s.draft.stale = t, true
	}
	s.rpc.MarkLines(nil)
	return s.setFocus(replyPart)
}

// stop ends the search of the reply that is shown, or else stops waiting for
// the newest request in flight.
func (s *Screen) stop() tea.Cmd {
	if v := s.reply(); v != nil && v.view.Busy() {
		v.view.Stop()
		return nil
	}
	r := s.inFlight()
	if r == nil {
		return nil
	}
	s.d.Backend.Stop(r.x.ID)
	return msg.Say(msg.Info, "Stopped waiting. The device may still finish it.")
}
