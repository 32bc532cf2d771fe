package ui

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
)

// events brings one batch to the screens: to those of a session what concerns
// it, to the others all of it, and to dialogs too.
func (r *root) events(batch msg.Events) tea.Cmd {
	var cmds []tea.Cmd
	for _, e := range batch {
		switch e.Kind {
		case conn.DeviceChanged:
			cmds = append(cmds, r.deviceChanged(e.Device))
		case conn.Faulted:
			if e.Err != nil {
				cmds = append(cmds, r.say(msg.Toast{Level: msg.Warn,
					Text: safe.Text(e.Device.Target.Name) + ": " + headline(e.Err), Detail: e.Err.Error()}))
			}
		}
	}
	cmds = append(cmds, r.stack.Tell(batch, r.d.Now()))
	for _, t := range r.tabs {
		own := batch
		if t.id != 0 {
			own = of(batch, t.id)
		}
		if len(own) > 0 {
			cmds = append(cmds, t.screen.Update(own))
		}
	}
	return tea.Batch(cmds...)
}

// of returns the events of one session.
func of(batch msg.Events, id conn.SessionID) msg.Events {
	if !slices.ContainsFunc(batch, func(e conn.Event) bool { return e.Session != id }) {
		return batch
	}
	var own msg.Events
	for _, e := range batch {
		if e.Session == id {
			own = append(own, e)
		}
	}
	return own
}

// deviceChanged notes a session's state and tells of a loss, once.
func (r *root) deviceChanged(d conn.Device) tea.Cmd {
	before, seen := r.known[d.ID]
	r.known[d.ID] = d.State
	r.noteUnsettled(d)
	if cmd := r.cameIn(d, before, seen); cmd != nil {
		return tea.Batch(cmd, r.price(d))
	}
	if cmd := r.price(d); cmd != nil {
		return cmd
	}
	if d.State != conn.Lost || seen && before == conn.Lost {
		return nil
	}
	if d.Err == nil || errors.Is(d.Err, link.ErrDeclined) {
		return nil
	}
	if cmd, ok := r.keyChanged(d); ok {
		return cmd
	}
	verb := " lost: "
	if d.Opened.IsZero() {
		verb = ": "
	}
	return r.say(msg.Toast{Level: msg.Error, Text: d.Target.Name + verb + headline(d.Err), Detail: d.Err.Error()})
}

// price tells, once, what was lost with a session whose device is back before
// anybody can have read it.
func (r *root) price(d conn.Device) tea.Cmd {
	if d.State != conn.Open || len(d.Former) == 0 || d.Target.Via == link.SSH || d.Target.Via == "" {
		return nil
	}
	f := d.Former[len(d.Former)-1]
	if len(f.Lost) == 0 || r.priced[d.ID].Equal(f.Ended) {
		return nil
	}
	r.priced[d.ID] = f.Ended
	what := strings.Join(f.Lost, "; ")
	return r.say(msg.Toast{Level: msg.Error, Text: d.Target.Name + " is back. Lost with session " + fmt.Sprint(f.NetconfID) + ": " + what, Detail: what})
}

func (r *root) say(t msg.Toast) tea.Cmd {
	r.toasts.Add(t, r.d.Now())
	return r.armToasts()
}

// headline is the first sentence of an error: what happened, with its code.
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
