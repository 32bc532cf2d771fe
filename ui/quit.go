package ui

import (
	"fmt"
	"slices"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// open returns the sessions that leaving would end.
func (r *root) open() []conn.Device {
	var out []conn.Device
	for _, d := range r.d.Backend.Devices() {
		switch d.State {
		case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Open, conn.Closing:
			out = append(out, d)
		}
	}
	return out
}

// openCount is how many these are, as far as events have told.
func (r *root) openCount() int {
	n := 0
	for _, s := range r.known {
		switch s {
		case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Open, conn.Closing:
			n++
		}
	}
	return n
}

// stakes says for each session what leaving would cost; for the quit dialog
// and for the crash file. It holds names and counts only.
func (r *root) stakes() []string {
	var out []string
	for _, d := range r.open() {
		if s := r.stake(d); s != "" {
			out = append(out, safe.Text(d.Target.Name)+": "+s)
		}
	}
	return out
}

func (r *root) stake(d conn.Device) string {
	parts := r.d.Commits.AtStake(d)
	for i := range parts {
		parts[i] = safe.Text(parts[i])
	}
	switch {
	case d.Waiting == 1:
		parts = append(parts, "1 request is in flight.")
	case d.Waiting > 1:
		parts = append(parts, fmt.Sprintf("%d requests are in flight.", d.Waiting))
	}
	return strings.Join(parts, " ")
}

// askQuit leaves at once when nothing is open, and asks otherwise. Pressing
// ctrl+c again in the dialog quits.
func (r *root) askQuit() tea.Cmd {
	open := r.open()
	weight := map[conn.SessionID]int{} // of those that have any: mostly few of many
	for _, d := range open {
		if !r.maySay(d) && d.Pending == nil {
			continue
		}
		weight[d.ID] = len(r.d.Commits.AtStake(d))
		if r.d.Commits.State(d.ID).Pending != nil {
			weight[d.ID] = 1000
		}
	}
	slices.SortStableFunc(open, func(a, b conn.Device) int { return weight[b.ID] - weight[a.ID] })
	drafts := r.drafts()
	if len(open) == 0 && len(drafts) == 0 {
		return r.leave()
	}
	quit := func() tea.Msg { return quitMsg{} }
	title := "Quit"
	switch len(open) {
	case 0:
	case 1:
		title = "Quit with 1 open session"
	default:
		title = fmt.Sprintf("Quit with %d open sessions", len(open))
	}
	var body []string
	for i, d := range open {
		if i == 6 {
			body = append(body, fmt.Sprintf("and %d more", len(open)-i))
			break
		}
		what := r.stake(d)
		if what == "" {
			what = "nothing at stake; the session is closed"
		}
		for i, l := range style.Wrap(what, 42) {
			name := ""
			if i == 0 {
				name = safe.Text(d.Target.Name)
			}
			body = append(body, r.d.Theme.Fit(name, 12)+" "+l)
		}
	}
	if n := r.calls.now.Waiting(); n > 0 {
		drafts = append(drafts, fmt.Sprintf("%-12s %d waiting, who will be hung up on", "inbox", n))
	}
	choices, notes := r.quitConfirms()
	r.stack.Push(&overlay.Confirm{
		Theme: r.d.Theme, Title: title + "?", Body: append(append(body, drafts...), notes...), Cancel: "stay", Interrupt: quit,
		Choices: append(choices, overlay.Choice{Key: "Q", Label: "quit anyway", Do: quit}),
	})
	return nil
}

// drafts is what screens would lose that belongs to no open session.
func (r *root) drafts() []string {
	var out []string
	for _, t := range r.tabs {
		if w := t.screen.Leave(); w != "" {
			out = append(out, safe.Text(t.screen.Title())+": "+w)
		}
	}
	return out
}
