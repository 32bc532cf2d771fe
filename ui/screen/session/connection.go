package session

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

// stateWord is a state as the status row says it.
func stateWord(st conn.State) string { return cmp.Or(screen.StateWord(st), "not connected") }

// clock is an age in hours and minutes: 00:42.
func clock(d time.Duration) string {
	m := int(max(d, 0) / time.Minute)
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

// connectionRight is the right title of the note: how long it has been.
func (s *Screen) connectionRight() string {
	age := s.d.Now().Sub(s.dev.Since)
	switch s.dev.State {
	case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Closing:
		if age < patience {
			return ""
		}
		return s.spinner() + docview.Took(age)
	}
	return stateWord(s.dev.State)
}

// connection says where the session stands while it is not open: what goes on,
// or what happened, what was lost, and what to do.
func (s *Screen) connection() []string {
	name := safe.Text(s.dev.Target.Name)
	where := ""
	if s.dev.Target.Host != "" {
		where = " (" + safe.Text(s.dev.Target.Address()) + ")"
	}
	say := func(text string) []string { return []string{"  " + text} }
	switch s.dev.State {
	case conn.Dialing:
		if s.dev.Stage == link.Handshake {
			return say("Agreeing on keys with " + name + where + ".")
		}
		return say("Dialling " + name + where + ".")
	case conn.Authenticating:
		if s.dev.Stage == link.Subsystem {
			return say("Starting NETCONF on " + name + ".")
		}
		return say("Signing in on " + name + ".")
	case conn.Greeting:
		return say("Waiting for the hello of " + name + ".")
	case conn.Closing:
		return say("Closing the session on " + name + ".")
	case conn.Lost:
		return s.lost(name)
	case conn.Closed:
		return append(say("The session on "+name+" was closed."), "  "+s.reconnectHint())
	}
	return append(say("Not connected to "+name+where+"."), "  "+s.reconnectHint())
}

// lost is the reason and the price of a lost session.
func (s *Screen) lost(name string) []string {
	w := max(s.w*3/5-6, 40)
	if s.w < wide {
		w = max(s.w-6, 20)
	}
	lines := []string{"  " + s.d.Theme.Paint(style.Error, s.d.Theme.Glyph(style.Alert)+" The session on "+name+" was lost.")}
	if s.dev.Opened.IsZero() {
		lines[0] = "  " + s.d.Theme.Paint(style.Error, s.d.Theme.Glyph(style.Alert)+" No session with "+name+".")
	}
	lines = append(lines, faultLines(s.dev.Err, w)...)
	for _, l := range s.dev.Lost {
		for i, part := range style.Wrap(safe.Block(l), w-7) {
			lead := "  lost   "
			if i > 0 {
				lead = "         "
			}
			lines = append(lines, s.d.Theme.Paint(style.Warn, lead)+part)
		}
	}
	lines = append(lines, s.turnedLines(w)...)
	doubts := s.doubtLines(w)
	lines = append(lines, doubts...)
	if !s.dev.Redial.IsZero() {
		in := max(s.dev.Redial.Sub(s.d.Now()), 0)
		lines = append(lines, "  It is dialled again in "+docview.Took(in)+". Nothing is sent again by itself.")
	}
	if len(doubts) == 0 { // which say how to go on
		lines = append(lines, "  "+s.reconnectHint())
	}
	return lines
}

func (s *Screen) reconnectHint() string {
	if s.dev.Target.Via.Calls() {
		return "It dials us, and is back here or in the inbox when it calls again."
	}
	return s.d.Theme.Paint(style.Title, "R") + "  connect again"
}

// notOpen is why something cannot be done without an open session.
func (s *Screen) notOpen() string {
	if s.dev.Target.Via.Calls() {
		return "the session is not open: wait until the device calls again"
	}
	return "the session is not open: R connects"
}

// verifyLater says how a commit of unknown outcome is looked into once the
// device is back.
func (s *Screen) verifyLater() string {
	if s.dev.Target.Via.Calls() {
		return "When the device has called again, V verifies: it only reads."
	}
	return "R connects again, then V verifies: it only reads."
}

// reconnecter is a backend that dials again in the same row.
type reconnecter interface{ Reconnect(conn.SessionID) error }

// reconnect dials the device again. What was sent before is not sent again.
func (s *Screen) reconnect() tea.Cmd {
	b, ok := s.d.Backend.(reconnecter)
	if !ok {
		return s.d.Tell(msg.Connect{Target: s.dev.Target})
	}
	if err := b.Reconnect(s.id); err != nil {
		return msg.Fail(err)
	}
	return nil
}

// parts3 is an error in sentences: what, kept, do. They are not safe yet.
func parts3(err error) []string {
	var f interface {
		Parts() (code, what, kept, do string)
	}
	if !errors.As(err, &f) {
		return []string{err.Error()}
	}
	code, what, kept, do := f.Parts()
	var out []string
	for _, p := range []string{code + " " + what, kept, do} {
		if p != "" {
			out = append(out, p+".")
		}
	}
	return out
}
