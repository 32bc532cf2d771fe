package ui

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/action"
	"dialtone/ui/pane"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
)

// overview is the plainest screen of a session: its state and capabilities.
type overview struct {
	d    *screen.Deps
	id   conn.SessionID
	w, h int
	on   bool
}

func newSession(d *screen.Deps, id conn.SessionID) pane.Screen { return &overview{d: d, id: id} }

func newHistory(d *screen.Deps, id conn.SessionID) pane.Screen { return &overview{d: d, id: id} }

func (o *overview) Update(tea.Msg) tea.Cmd { return nil }
func (o *overview) Resize(w, h int)        { o.w, o.h = w, h }
func (o *overview) Focus(on bool) tea.Cmd  { o.on = on; return nil }
func (o *overview) Title() string {
	d, _ := o.d.Backend.Device(o.id)
	return d.Target.Name
}
func (o *overview) Actions() []action.Action { return nil }
func (o *overview) Run(action.ID) tea.Cmd    { return nil }
func (o *overview) Capturing() bool          { return false }
func (o *overview) Leave() string            { return "" }
func (o *overview) Status() string           { return "" }
func (o *overview) View() string {
	d, _ := o.d.Backend.Device(o.id)
	body := []string{fmt.Sprintf(" state %d", d.State)}
	if d.Err != nil {
		body = append(body, " "+safe.Text(d.Err.Error()))
	}
	for _, u := range d.Caps.URIs() {
		body = append(body, " "+safe.Text(u))
	}
	return strings.Join(o.d.Theme.Box(o.w, o.h, safe.Text(d.Target.Name), "", o.on, body), "\n")
}
