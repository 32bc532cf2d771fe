package ui

import (
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/action"
	"dialtone/ui/overlay"
	"dialtone/ui/pane"
	"dialtone/ui/safe"
)

// chosen and chosenTab are what the palette found; they run once it is closed.
type (
	chosen struct {
		action action.Action
		run    func(action.ID) tea.Cmd
	}
	chosenTab struct{ screen pane.Screen }
)

// show brings a tab to the front; a number without a tab does nothing.
func (r *root) show(n int) tea.Cmd {
	if n < 0 || n >= len(r.tabs) || n == r.at {
		return nil
	}
	off := r.cur().Focus(false)
	r.at = n
	r.zoomed = false
	r.cur().Resize(r.bodySize())
	return tea.Batch(off, r.cur().Focus(true), r.warnClashes())
}

func (r *root) showScreen(s pane.Screen) tea.Cmd {
	for i := range r.tabs {
		if r.tabs[i].screen == s {
			return r.show(i)
		}
	}
	return nil
}

// add makes a tab behind the others and shows it. Only the inbox stays behind
// it, so that numbers do not move.
func (r *root) add(id conn.SessionID, s pane.Screen) tea.Cmd {
	n := r.numbered()
	r.tabs = slices.Insert(r.tabs, n, tab{id: id, screen: s})
	if r.at >= n {
		r.at++
	}
	s.Resize(r.bodySize())
	return tea.Batch(initOf(s), r.show(n))
}

// openSession shows the tab of a session, made when there is none.
func (r *root) openSession(id conn.SessionID) tea.Cmd {
	for i := range r.tabs {
		if r.tabs[i].id == id && id != 0 {
			return r.show(i)
		}
	}
	return r.add(id, r.makers.session(r.d, id))
}

func (r *root) openHistory(id conn.SessionID) tea.Cmd {
	return r.add(0, r.makers.history(r.d, id))
}

// connect dials and shows the tab. A tab of the same device whose session has
// ended is given the new session, so that what was typed in it stays.
func (r *root) connect(t link.Target) tea.Cmd {
	old := r.endedTab(t.Name)
	id := r.d.Backend.Connect(t)
	if dev, ok := r.d.Backend.Device(id); ok {
		r.known[id] = dev.State
	}
	if old >= 0 {
		if s, ok := r.tabs[old].screen.(interface{ Rebind(conn.SessionID) tea.Cmd }); ok {
			r.tabs[old].id = id
			return tea.Batch(s.Rebind(id), r.show(old))
		}
	}
	return r.openSession(id)
}

// endedTab is the tab of a device whose session is over, -1 when there is none.
func (r *root) endedTab(name string) int {
	for i, t := range r.tabs {
		if t.id == 0 {
			continue
		}
		dev, ok := r.d.Backend.Device(t.id)
		if ok && dev.Target.Name == name && (dev.State == conn.Lost || dev.State == conn.Closed) {
			return i
		}
	}
	return -1
}

// closeTab closes the tab that is shown, after asking when something would be
// lost. The session of it stays connected.
func (r *root) closeTab() tea.Cmd {
	if r.at == 0 {
		return r.askQuit()
	}
	scr := r.cur()
	warning := scr.Leave()
	if warning == "" {
		return r.closeNow(scr)
	}
	r.stack.Push(&overlay.Confirm{
		Theme: r.d.Theme, Title: "Close " + safe.Text(scr.Title()), Body: []string{warning},
		Cancel: "stay", Choices: []overlay.Choice{{Key: "x", Label: "close the tab all the same",
			Do: func() tea.Msg { return closeNow{scr} }}},
	})
	return nil
}

func (r *root) closeNow(s pane.Screen) tea.Cmd {
	for i := range r.tabs {
		if r.tabs[i].screen != s || i == 0 {
			continue
		}
		off := s.Focus(false)
		if c, ok := s.(interface{ Close() }); ok {
			c.Close()
		}
		r.tabs = append(r.tabs[:i:i], r.tabs[i+1:]...)
		if r.at >= i {
			r.at = max(r.at-1, 0)
		}
		r.cur().Resize(r.bodySize())
		return tea.Batch(off, r.cur().Focus(true))
	}
	return nil
}
