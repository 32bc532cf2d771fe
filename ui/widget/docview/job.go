package docview

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
)

// Msg is the result of work on a document in the background. The screen of its
// session calls Deliver, whether the view is shown or not.
type Msg struct {
	session conn.SessionID
	view    *View
	id      int // 0: not a job, never stale
	apply   func(*View) tea.Cmd
}

// SessionID implements msg.For.
func (m Msg) SessionID() conn.SessionID { return m.session }

// Deliver gives the result to its view. A result that something newer has
// replaced is dropped.
func (m Msg) Deliver() tea.Cmd {
	if m.id != 0 {
		if m.view.job == nil || m.view.job.id != m.id {
			return nil
		}
		m.view.job = nil
	}
	return m.apply(m.view)
}

// job is the one piece of work that goes on for a view: a search, a fold of
// everything, a count of lines.
type job struct {
	id      int
	what    string
	started time.Time
	cancel  context.CancelFunc
}

// start runs work in a command, instead of whatever went on before. What work
// returns is called with the view when the result is still wanted.
func (v *View) start(what string, work func(ctx context.Context) func(*View) tea.Cmd) tea.Cmd {
	v.Stop()
	ctx, cancel := context.WithCancel(context.Background())
	v.jobs++
	v.job = &job{id: v.jobs, what: what, started: v.opt.Now(), cancel: cancel}
	m := Msg{session: v.opt.Session, view: v, id: v.jobs}
	return func() tea.Msg {
		defer cancel()
		m.apply = work(ctx)
		return m
	}
}

// behind runs work in a command that nothing replaces, such as saving.
func (v *View) behind(work func() func(*View) tea.Cmd) tea.Cmd {
	m := Msg{session: v.opt.Session, view: v}
	return func() tea.Msg {
		m.apply = work()
		return m
	}
}

// nothing is the result of work that was given up.
func nothing(*View) tea.Cmd { return nil }
