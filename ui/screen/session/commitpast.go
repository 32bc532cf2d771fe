package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/netconf"
	"dialtone/ui/action"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
	"dialtone/ui/widget/table"
)

// past is the list of the commits that a Junos device remembers.
type past struct {
	s       *Screen
	list    table.List
	entries []commit.Entry
	err     error

	w, h    int
	focused bool
	loading bool
	loaded  bool
	serial  int
	started time.Time
	cancel  context.CancelFunc
}

// openPast lists the commits of the past.
func (s *Screen) openPast() tea.Cmd { return s.lay(&past{s: s}) }

// pastMsg is the list as the device told it.
type pastMsg struct {
	id      conn.SessionID
	to      *past
	serial  int
	entries []commit.Entry
	err     error
}

// SessionID implements msg.For.
func (m pastMsg) SessionID() conn.SessionID { return m.id }

// Init reads the list, in a command.
func (p *past) Init() tea.Cmd {
	p.Close()
	ctx, cancel := context.WithCancel(context.Background())
	p.serial++
	p.cancel, p.loading, p.started = cancel, true, p.s.d.Now()
	m := pastMsg{id: p.s.id, to: p, serial: p.serial}
	c := p.s.commits.c
	return func() tea.Msg {
		m.entries, m.err = c.History(ctx, m.id)
		return m
	}
}

// Close ends what goes on in the background.
func (p *past) Close() {
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	p.loading = false
}

// Busy reports that something is waited for.
func (p *past) Busy() bool { return p.loading }

// Update takes the list.
func (p *past) Update(m tea.Msg) tea.Cmd {
	if m, ok := m.(pastMsg); ok && m.to == p && m.serial == p.serial {
		p.Close()
		p.loaded, p.entries, p.err = m.err == nil, m.entries, m.err
		p.list.SetLen(len(p.entries))
	}
	return nil
}

// Resize sets the size.
func (p *past) Resize(w, h int) {
	p.w, p.h = w, h
	p.list.SetPage(h - 3)
}

// Focus tells whether the list is shown.
func (p *past) Focus(on bool) { p.focused = on }

// Capturing reports that keys are text: never.
func (p *past) Capturing() bool { return false }

// Count takes a digit of a count.
func (p *past) Count(digit int) { p.list.Count(digit) }

// Counting reports whether a count is being typed.
func (p *past) Counting() bool { return p.list.Counting() }

func (p *past) selected() (commit.Entry, bool) {
	if i := p.list.At(); i >= 0 && i < len(p.entries) {
		return p.entries[i], true
	}
	return commit.Entry{}, false
}

// Status is the comment of the selected commit.
func (p *past) Status() string {
	if p.loading && p.s.d.Now().Sub(p.started) >= patience {
		return "Reading the commits of the past" + p.s.d.Theme.Glyph(style.Ellipsis)
	}
	if e, ok := p.selected(); ok && e.Log != "" {
		return safe.Line(e.Log)
	}
	return ""
}

// Actions is what can be done with the list.
func (p *past) Actions() []action.Action {
	const section = "PAST COMMITS"
	_, ok := p.selected()
	none := ""
	if !ok {
		none = "nothing is selected"
	}
	load := none
	if load == "" {
		load = safe.Text(p.s.commits.st.Why(commit.DoRollback))
	}
	if why := p.s.readOnly(); why != "" {
		load = why
	}
	as := append([]action.Action{
		{ID: "past.diff", Title: "What it would change: running against this one", Short: "diff with running", Keys: []string{"enter", "D"}, Hint: 1, Off: none},
		{ID: "past.load", Title: "Load it into the candidate…", Short: "load into candidate", Keys: []string{"l"}, Hint: 2, Off: load},
		{ID: "past.again", Title: "Read the list again", Keys: []string{"R"}},
	}, table.Motions("past", section)...)
	return action.Under(section, as)
}

// Run does an action and reports whether it was one of the list.
func (p *past) Run(id action.ID) (tea.Cmd, bool) {
	name, ok := strings.CutPrefix(string(id), "past.")
	if !ok {
		return nil, false
	}
	if p.list.Run(name) {
		return nil, true
	}
	e, ok := p.selected()
	switch {
	case name == "again":
		return p.Init(), true
	case !ok:
	case name == "diff":
		return p.s.compare(commit.Source{Store: netconf.Running}, commit.Source{Rollback: e.Revision}, 0), true
	case name == "load":
		return p.s.ask(commit.Order{Do: commit.DoRollback, Revision: e.Revision}), true
	}
	return nil, true
}

// View is exactly the size last given to Resize.
func (p *past) View() string {
	t := p.s.d.Theme
	var body []string
	right := ""
	switch {
	case p.err != nil:
		body = []string{"", "  " + t.Paint(style.Error, "The list could not be read.")}
		for _, l := range style.Wrap(safe.Block(p.err.Error()), max(p.w-6, 10)) {
			body = append(body, "  "+l)
		}
	case !p.loaded && p.s.d.Now().Sub(p.started) >= patience:
		body = []string{"", "  Reading" + t.Glyph(style.Ellipsis) + " " + docview.Took(p.s.d.Now().Sub(p.started))}
	case !p.loaded:
	case len(p.entries) == 0:
		body = []string{"", "  The device remembers no commit."}
	default:
		right = count(len(p.entries), "commit")
		body = p.table(p.w - 2)
	}
	return strings.Join(t.Box(p.w, p.h, "Past commits  "+safe.Text(p.s.dev.Target.Name), right, p.focused, body), "\n")
}

func (p *past) table(w int) []string {
	t := p.s.d.Theme
	user, by := 14, 12
	if w < 72 {
		by = 0
	}
	row := func(n, when, who, via, log string) string {
		s := "  " + t.Fit(n, 5) + t.Fit(when, 21) + t.Fit(who, user)
		if by > 0 {
			s += t.Fit(via, by)
		}
		return t.Fit(s+log, w)
	}
	out := []string{t.Paint(style.Dim, row("NO", "WHEN", "WHO", "VIA", "COMMENT"))}
	from, to := p.list.Window()
	for i := from; i < to; i++ {
		e := p.entries[i]
		when := safe.Line(e.When)
		if !e.At.IsZero() {
			when = e.At.In(p.s.d.Now().Location()).Format("2006-01-02 15:04:05")
		}
		text := row(fmt.Sprint(e.Revision), when, safe.Line(e.User), safe.Line(e.Client), safe.Line(e.Log))
		if i == p.list.At() {
			text = t.Paint(style.Focus, t.Glyph(style.Selected)) + t.Paint(style.Select, t.Fit(text[1:], w-1))
		}
		out = append(out, text)
	}
	return out
}
