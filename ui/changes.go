package ui

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/bar"
)

// changes is what the root keeps of candidates and confirmed commits.
type changes struct {
	own    bool            // no control was given: what the rows say is all there is
	on     bool            // the bar is on the screen
	rung   map[string]bool // countdowns whose last minute was rung
	armed  conn.SessionID  // C was pressed once on the card of a small terminal
	note   string          // what came of it, safe text
	asking bool            // a confirmation is under way

	unsettled unsettled
}

func (r *root) newChanges() {
	r.changes.rung = map[string]bool{}
	if r.d.Commits == nil {
		r.changes.own = true
		r.d.Commits, _ = commit.New(commit.Options{Clock: commit.Wall(r.d.Now)})
		r.d.Commits.Bind(r.d.Backend)
	}
}

// bars is what every device has to say in the commit bar: those of the sessions,
// then the confirmed commits of former runs that no session stands for.
func (r *root) bars() []bar.State {
	now := r.d.Now()
	var out []bar.State
	at := map[string]int{}
	for _, id := range r.unsettled() {
		d, ok := r.d.Backend.Device(id)
		if !ok {
			continue // its row has been removed
		}
		if !r.changes.own {
			d.Pending, d.Doubts = nil, nil
		}
		s := bar.Of(d, now)
		st := r.d.Commits.State(d.ID)
		refine(&s, d, st)
		if s.Kind == bar.None {
			continue
		}
		if i, ok := at[s.Key]; ok && s.Key != "" { // an older row of the same device
			if st.Open || out[i].Dropped && d.ID > out[i].ID {
				out[i] = s
			}
			continue
		}
		at[s.Key] = len(out)
		out = append(out, s)
	}
	for _, p := range r.d.Commits.Pendings() {
		if _, ok := at[p.Key]; ok {
			continue
		}
		s := bar.State{Name: safe.Text(p.Device), Dropped: true}
		s.Left, _ = r.d.Commits.Left(p)
		pending(&s, p)
		out = append(out, s)
	}
	return out
}

// refine adds to a bar what the control of commits knows.
func refine(s *bar.State, d conn.Device, st commit.State) {
	if st.Unknown != "" && s.Kind != bar.Confirmed {
		s.Kind, s.Dropped = bar.Unknown, !st.Open
		s.What, _, _ = strings.Cut(safe.Text(st.Unknown), " was sent")
	}
	if st.Pending != nil {
		s.Left, s.Waits, s.Dropped = st.Left, st.Waits, !st.Open || !st.Waits
		pending(s, *st.Pending)
	}
	if s.Kind == bar.None && st.Open && st.Differs == commit.Yes {
		s.Kind, s.Differs = bar.Candidate, true
	}
	if s.Kind == bar.Confirmed && st.Pending == nil {
		s.Waits = d.State == conn.Open
	}
}

func pending(s *bar.State, p commit.Pending) {
	s.Kind, s.Key, s.Total = bar.Confirmed, p.Key, p.Wait
	s.Unsure, s.Persist = p.Phase != commit.Armed, !p.Tied()
}

// bar is the one that is worth the row, and how many countdowns beside it run.
func (r *root) bar() (bar.State, int) {
	all := r.bars()
	best := bar.Pick(all, r.tabs[r.at].id)
	more := 0
	for _, s := range all {
		if s.Kind == bar.Confirmed && (s.ID != best.ID || s.Key != best.Key) {
			more++
		}
	}
	return best, more
}

// barRow draws the bar, "" when nothing is at stake.
func (r *root) barRow() string {
	s, more := r.bar()
	if s.Kind == bar.None {
		return ""
	}
	return s.View(r.d.Theme, r.w, more, r.barHints(s))
}

// barHints is the keys of a bar as they work on the screen that is shown. A
// letter stands there only when it is this device that it concerns.
func (r *root) barHints(s bar.State) []bar.Hint {
	if r.cur().Capturing() || r.stack.Top() != nil {
		return nil
	}
	var want []action.ID
	as := r.screenActions()
	switch {
	case s.Here && s.Kind == bar.Candidate:
		want = []action.ID{"session.validate", "session.diff", "session.commit", "session.discard"}
	case s.Here && s.Kind == bar.Unknown:
		want = []action.ID{"session.connect", "session.verify", "session.diff"}
	case s.Here && s.Waits && s.Left <= 0:
		want = []action.ID{"session.verify", "session.commit"}
	case s.Here && s.Waits:
		want = []action.ID{"session.commit", "session.rollback"}
	case s.Here:
		want = []action.ID{"session.connect", "session.verify"}
	case r.tabs[r.at].id != 0: // C belongs to the session that is shown
		for i, t := range r.tabs {
			if t.id == s.ID && s.ID != 0 && i < 9 {
				return []bar.Hint{{Key: itoa(i + 1), Word: "go there"}}
			}
		}
		return nil
	default:
		as, want = r.rootActions(), []action.ID{"root.confirm"}
	}
	var out []bar.Hint
	for _, id := range want {
		for _, a := range as {
			if a.ID != id || a.Off != "" || len(a.Keys) == 0 {
				continue
			}
			word := a.Label()
			if s.Kind == bar.Confirmed && id == "session.commit" && word != "confirm" {
				continue // there it means another thing
			}
			if id == "session.diff" && s.Kind == bar.Unknown {
				word = "compare"
			}
			out = append(out, bar.Hint{Key: action.KeyName(a.Keys[0], r.d.Theme.ASCII), Word: word})
			break
		}
	}
	return out
}

// settleBar gives the bar its row, or takes it back, after each message.
func (r *root) settleBar() {
	s, _ := r.bar()
	if on := s.Kind != bar.None; on != r.changes.on {
		r.changes.on = on
		for _, t := range r.tabs {
			t.screen.Resize(r.bodySize())
		}
	}
}

// pendingAnywhere reports a countdown, of this run or of a former one.
func (r *root) pendingAnywhere() bool { return len(r.d.Commits.Pendings()) > 0 }

// confirmAction is C where no session takes it.
func (r *root) confirmAction() action.Action {
	a := action.Action{ID: "root.confirm", Section: everywhere, Title: "Confirm the commit that waits…", Short: "confirm", Keys: []string{"C"}, Alters: true,
		Off: "no confirmed commit waits"}
	s, _ := r.bar()
	switch {
	case s.Kind != bar.Confirmed:
	case r.d.ReadOnly && s.ID != 0:
		a.Off = "read-only mode"
	case s.ID == 0:
		a.Title, a.Short, a.Off = "Confirmed commits that may wait…", "see", ""
	case s.Waits:
		a.Off = ""
	default:
		a.Title, a.Short, a.Off = "Go to the device whose commit is not settled", "go there", ""
	}
	return a
}

// confirm goes to the session whose commit waits and asks there.
func (r *root) confirm() tea.Cmd {
	s, _ := r.bar()
	if s.Kind != bar.Confirmed {
		return nil
	}
	if s.ID == 0 {
		r.stack.Push(&pendings{r: r})
		return nil
	}
	open := r.openSession(s.ID)
	if !s.Waits {
		return open
	}
	return tea.Batch(open, r.route(msg.RunAction{ID: s.ID, Action: "session.commit"}))
}

// confirmedMsg is what became of a confirmation that the root gave.
type confirmedMsg struct {
	rep  commit.Report
	quit bool
}

// confirmNow plans and sends the confirmation, in a command.
func (r *root) confirmNow(id conn.SessionID, quit bool) (tea.Cmd, error) {
	if r.d.ReadOnly {
		return nil, fmt.Errorf("read-only mode")
	}
	p, err := r.d.Commits.Plan(id, commit.Order{Do: commit.DoConfirm})
	if err != nil {
		return nil, err
	}
	c := r.d.Commits
	r.changes.asking = true
	return func() tea.Msg { return confirmedMsg{c.Run(context.Background(), p, nil), quit} }, nil
}

// confirmed tells what became of it. The program ends only when the device said
// yes.
func (r *root) confirmed(m confirmedMsg) tea.Cmd {
	r.changes.asking, r.changes.note = false, safe.Text(m.rep.Words)
	switch {
	case m.rep.Verdict == commit.Done && m.quit:
		return r.leave()
	case m.rep.Verdict == commit.Done:
		return r.say(msg.Toast{Level: msg.Good, Text: m.rep.Words})
	}
	r.stack.Push(&overlay.Confirm{Theme: r.d.Theme, Title: "Not confirmed: " + safe.Text(m.rep.Plan.Device), Danger: true, Cancel: "close",
		Body: []string{m.rep.Words, "Nothing is sent again by itself."}})
	return r.say(msg.Toast{Level: msg.Error, Text: m.rep.Words})
}

// quitConfirms is the choice of the quit dialog to confirm first, and what to
// know before.
func (r *root) quitConfirms() (choices []overlay.Choice, notes []string) {
	for _, s := range r.bars() {
		if s.Kind != bar.Confirmed || !s.Waits || s.ID == 0 || r.d.ReadOnly {
			continue
		}
		p, err := r.d.Commits.Plan(s.ID, commit.Order{Do: commit.DoConfirm})
		if err != nil {
			continue
		}
		id := s.ID
		return []overlay.Choice{{Key: "C", Label: "confirm commit on " + s.Name + ", then quit", Do: func() tea.Msg { return confirmQuit{id} }}}, p.Warnings
	}
	return nil, nil
}

// confirmQuit is the answer to the quit dialog.
type confirmQuit struct{ id conn.SessionID }

func (r *root) confirmThenQuit(m confirmQuit) tea.Cmd {
	cmd, err := r.confirmNow(m.id, true)
	if err != nil {
		return r.say(msg.Toast{Level: msg.Error, Text: "Not confirmed: " + headline(err)})
	}
	return cmd
}

// smallConfirm takes C on the card of a small terminal: it must be pressed
// twice.
func (r *root) smallConfirm() tea.Cmd {
	s, _ := r.bar()
	switch {
	case r.changes.asking, s.Kind != bar.Confirmed || !s.Waits:
		r.changes.armed = 0
		return nil
	case r.changes.armed != s.ID:
		r.changes.armed, r.changes.note = s.ID, ""
		return nil
	}
	r.changes.armed = 0
	cmd, err := r.confirmNow(s.ID, false)
	if err != nil {
		r.changes.note = "Not confirmed: " + safe.Text(headline(err))
	}
	return cmd
}

// smallLines is what the card says of countdowns.
func (r *root) smallLines() (lines []string, keys string) {
	waits := false
	for _, s := range r.bars() {
		if s.Kind == bar.Confirmed {
			words := s.Short()
			if s.Left > 0 {
				words = "ROLLBACK in " + bar.Clock(s.Left)
			}
			lines = append(lines, "  "+r.d.Theme.Paint(s.Token(), s.Name+"  "+words))
			waits = waits || s.Waits
		}
	}
	best, _ := r.bar()
	switch {
	case r.changes.asking:
		lines = append(lines, "  Confirming"+r.d.Theme.Glyph(style.Ellipsis))
	case r.changes.armed != 0:
		lines = append(lines, "  C again confirms "+best.Name+".")
	case r.changes.note != "":
		lines = append(lines, "  "+r.changes.note)
	}
	if waits {
		keys = "C confirm   "
	}
	return lines, keys
}

// ring is the names of countdowns that have come into their last minute since
// it was asked last; each is rung once.
func (r *root) ring() bool {
	rings := false
	for _, s := range r.bars() {
		key := s.Key + "/" + strconv.FormatUint(uint64(s.ID), 10)
		if s.Urgent() && s.Left > 0 && !r.changes.rung[key] {
			r.changes.rung[key], rings = true, true
		}
	}
	return rings
}
