package session

import (
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
)

// askMsg is an order that the person has chosen and that asks before it is
// given.
type askMsg struct {
	id conn.SessionID
	o  commit.Order
}

// SessionID implements msg.For.
func (m askMsg) SessionID() conn.SessionID { return m.id }

// giveMsg is a plan that the person has seen and accepted.
type giveMsg struct {
	id   conn.SessionID
	plan commit.Plan
}

// SessionID implements msg.For.
func (m giveMsg) SessionID() conn.SessionID { return m.id }

// question is what is asked before an order is given.
type question struct {
	title, what, key, label string
	danger, word            bool
}

// questions is the text of each question; %s is the device.
func questionOf(k commit.Kind) question {
	switch k {
	case commit.DoUnlock:
		return question{title: "Release the lock on %s?", what: "The edits in the candidate are lost on most devices when the lock goes.", key: "K", label: "Release it"}
	case commit.DoConfirm:
		return question{title: "Confirm the commit on %s?", what: "The change stays in running; the device does not roll back any more.", key: "C", label: "Confirm"}
	case commit.DoCancel:
		return question{title: "Roll back %s now?", what: "Running becomes what it was before the confirmed commit.", key: "U", label: "Roll back", danger: true}
	case commit.DoExtend:
		return question{title: "Extend the confirmed commit on %s?", what: "The time until the device rolls back starts again.", key: "C", label: "Extend"}
	case commit.DoDiscard:
		return question{title: "Discard the candidate of %s?", what: "The candidate becomes what running is. Edits that were not committed are gone.", key: "X", label: "Discard", danger: true}
	case commit.DoRollback:
		return question{title: "Load a past configuration on %s?", what: "It goes into the candidate only. Running does not change until you commit.", key: "l", label: "Load it"}
	case commit.DoRescueLoad:
		return question{title: "Load the rescue configuration on %s?", what: "It goes into the candidate only. Running does not change until you commit.", key: "l", label: "Load it"}
	case commit.DoRescueSave:
		return question{title: "Save running of %s as rescue?", what: "The rescue configuration that the device has now is replaced.", key: "s", label: "Save it"}
	case commit.DoCopyStartup:
		return question{title: "Copy running to startup on %s?", what: "The startup configuration is replaced: the device starts with it next time.", key: "c", label: "Copy"}
	case commit.DoKill:
		return question{title: "Kill a session on %s?", what: "It ends another session on this device. What that session had not committed is lost.", key: "k", label: "Kill it", danger: true, word: true}
	}
	return question{title: "Send to %s?", key: "s", label: "Send"}
}

// ask shows what an order does and exactly what will be sent, and gives it when
// the person says so. The default is not to.
func (s *Screen) ask(o commit.Order) tea.Cmd {
	s.commits.st = s.commits.c.State(s.id) // the time left is that of now
	p, err := s.plan(o)
	if err != nil {
		return s.refuse(capital(o.Do.String()) + ": " + headline(err))
	}
	q := questionOf(o.Do)
	name := s.dev.Target.Name
	body := []string{q.what}
	if o.Do == commit.DoConfirm || o.Do == commit.DoCancel {
		body = append(body, s.commits.st.Note)
	}
	body = append(body, p.Warnings...)
	body = append(body, "Sent to "+name+":\n"+planText(p))
	plan := giveMsg{s.id, p}
	d := &overlay.Confirm{
		Theme: s.d.Theme, Title: strings.Replace(q.title, "%s", safe.Text(name), 1), Danger: q.danger, Body: body,
		Wide:    strings.Contains(planText(p), "<persist-id>"), // a token is shown in one piece
		Choices: []overlay.Choice{{Key: q.key, Label: q.label, Grave: q.word, Do: func() tea.Msg { return plan }}},
	}
	if q.word {
		d.Word = name
	}
	var look tea.Msg
	switch {
	case o.Do == commit.DoDiscard:
		look = runMsg{s.id, "session.diff"}
	case o.Do == commit.DoCancel && s.cannotUndo() == "":
		look = undoMsg{s.id}
	case o.Do == commit.DoCancel:
		d.Body = append(d.Body, "What it changes cannot be shown: "+s.cannotUndo()+".")
	}
	if look != nil {
		d.Choices = append(d.Choices, overlay.Choice{Key: "D", Label: "Show what differs first", Do: func() tea.Msg { return look }})
	}
	return s.d.Tell(overlay.Push{Dialog: d})
}

// planText is the requests of a plan as they are sent, with their units.
func planText(p commit.Plan) string {
	var b strings.Builder
	for i, st := range p.Steps {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.Write(st.Request.Body)
		if st.Unit != "" {
			b.WriteString("   " + st.Unit)
		}
	}
	return b.String()
}
