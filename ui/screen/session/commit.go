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
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/docview"
)

// The way of a change: order asks conn/commit for a plan, which is exactly what
// will be sent; give runs it in a command; reported says what became of it. What
// alters the device for good asks first (commitask.go, commitdialog.go).

// commits is what the screen knows of the changes of its device.
type commits struct {
	c       *commit.Control
	st      commit.State // as of the last message
	doing   string       // what is under way, "" when nothing is
	began   time.Time
	words   string // what the comparison of running with the candidate found
	compare struct {
		edits int // Device.Dirty at that time
		done  bool
	}
	verify bool // as soon as the session is open
	marked *reply
	covers []cover // what stands above the panes, the last one is seen
}

func (s *Screen) openCommits() {
	if s.commits.c = s.d.Commits; s.commits.c == nil {
		s.commits.c, _ = commit.New(commit.Options{Clock: commit.Wall(s.d.Now)})
		s.commits.c.Bind(s.d.Backend)
	}
	s.commits.st = s.commits.c.State(s.id)
}

// doubtful reports that something is to be verified: an outcome is unknown, or
// a confirmed commit is past its time or its session.
func (s *Screen) doubtful() bool {
	st := s.commits.st
	return st.Unknown != "" || st.Pending != nil && (!st.Waits || st.Left <= 0 || st.Pending.Phase != commit.Armed)
}

// commitActions is what can be done about the changes of the device.
func (s *Screen) commitActions() []action.Action {
	st := s.commits.st
	busy := ""
	if s.commits.doing != "" {
		busy = s.commits.doing + " is under way"
	}
	off := func(ks ...commit.Kind) string {
		why := busy
		for _, k := range ks {
			if w := st.Why(k); why == "" {
				why = safe.Text(w)
			}
		}
		return why
	}
	dirty := st.Edits > 0 || st.Differs == commit.Yes
	look := action.Action{ID: "session.validate", Title: "Validate the candidate", Short: "validate", Hint: action.HintIf(dirty, 52), Off: off(commit.DoValidate)}
	if s.doubtful() {
		look = action.Action{ID: "session.verify", Title: "Verify: read running and say what became of the commit", Short: "verify", Hint: 4, Off: busy}
		if s.dev.State != conn.Open {
			look.Off = s.notOpen()
		}
	}
	look.Keys, look.Alters = []string{"V"}, true
	lock := action.Action{ID: "session.lock", Title: "Lock the candidate", Short: "lock", Keys: []string{"K"}, Alters: true, Hint: 54, Off: off(commit.DoLock)}
	if s.holds() {
		lock.Title, lock.Short, lock.Off = "Release the lock", "unlock", off(commit.DoUnlock)
	}
	give := action.Action{ID: "session.commit", Title: "Commit the candidate…", Short: "commit", Keys: []string{"C"}, Alters: true, Hint: action.HintIf(dirty, 51), Off: off(commit.DoCommit)}
	if st.Pending != nil && st.Waits {
		give.Title, give.Short, give.Hint, give.Off = "Confirm the commit that waits…", "confirm", 3, off(commit.DoConfirm)
	}
	return []action.Action{
		look, give, lock,
		{ID: "session.discard", Title: "Discard the edits in the candidate…", Short: "discard", Keys: []string{"X"}, Alters: true, Hint: action.HintIf(dirty, 53), Off: off(commit.DoDiscard)},
		{ID: "session.rollback", Title: "Roll back the confirmed commit now…", Short: "roll back now", Keys: []string{"U"}, Alters: true, Hint: action.HintIf(st.Waits, 4), Off: off(commit.DoCancel)},
		{ID: "session.diff", Title: "What differs: candidate from running, or the marked reply from this one", Short: "diff", Keys: []string{"D"}, Hint: action.HintIf(dirty || s.commits.marked != nil, 48), Off: s.cannotDiff()},
		{ID: "session.mark", Title: "Mark this reply, to compare another with it", Keys: []string{"m"}, Off: s.cannotMark()},
		{ID: "session.past", Title: "Past commits, rollbacks and rescue (Junos)", Keys: []string{"r"}, Off: s.cannotPast(busy)},
	}
}

func (s *Screen) cannotPast(busy string) string {
	switch {
	case s.dev.State != conn.Open:
		return "the session is not open"
	case s.commits.st.Mode != commit.Junos:
		return "only Junos devices keep numbered configurations"
	}
	return busy
}

// holds reports whether this session holds the lock that K is about.
func (s *Screen) holds() bool {
	want := netconf.Candidate
	if s.commits.st.Mode == commit.Writable {
		want = netconf.Running
	}
	for _, l := range s.dev.Locks {
		if l == want {
			return true
		}
	}
	return false
}

// runCommit does an action of commitActions.
func (s *Screen) runCommit(id action.ID) (tea.Cmd, bool) {
	s.commits.st = s.commits.c.State(s.id)
	switch id {
	case "session.validate":
		return s.order(commit.Order{Do: commit.DoValidate}), true
	case "session.verify":
		return s.verifyNow(), true
	case "session.lock":
		o := commit.Order{Do: commit.DoLock}
		if s.holds() {
			o.Do = commit.DoUnlock
			if s.commits.st.Edits > 0 {
				return s.ask(o), true // the device discards them with the lock
			}
		}
		return s.order(o), true
	case "session.commit":
		if s.commits.st.Pending != nil && s.commits.st.Waits {
			return s.ask(commit.Order{Do: commit.DoConfirm}), true
		}
		return s.openCommit(), true
	case "session.discard":
		return s.ask(commit.Order{Do: commit.DoDiscard}), true
	case "session.rollback":
		return s.ask(commit.Order{Do: commit.DoCancel}), true
	case "session.diff":
		return s.openDiff(), true
	case "session.mark":
		return s.mark(), true
	case "session.past":
		return s.openPast(), true
	}
	return nil, false
}

// orders is what the palette offers beside the keys.
func (s *Screen) orders() []overlay.Item {
	why := func(k commit.Kind) string {
		if r := s.readOnly(); r != "" {
			return r
		}
		return safe.Text(s.commits.st.Why(k))
	}
	item := func(title string, o commit.Order) overlay.Item {
		m := askMsg{s.id, o}
		return overlay.Item{Title: title, Alters: true, Off: why(o.Do), Run: func() tea.Msg { return m }}
	}
	items := []overlay.Item{
		item("Extend the confirmed commit by ten minutes…", commit.Order{Do: commit.DoExtend, Timeout: 10 * time.Minute}),
		item("Copy running to startup…", commit.Order{Do: commit.DoCopyStartup}),
		item("Save running as the rescue configuration…", commit.Order{Do: commit.DoRescueSave}),
		item("Load the rescue configuration into the candidate…", commit.Order{Do: commit.DoRescueLoad}),
	}
	for _, l := range s.commits.st.Locks {
		if !l.Ours && l.Session != 0 {
			items = append(items, item(fmt.Sprintf("Kill session %d, which holds the lock on %s…", l.Session, safe.Line(string(l.Store))), commit.Order{Do: commit.DoKill, Holder: l.Session}))
		}
	}
	id := s.id
	items = append(items, overlay.Item{Title: "What rolling back now would change", Off: s.cannotUndo(), Run: func() tea.Msg { return undoMsg{id} }})
	return append(items, overlay.Item{Title: "Who holds the locks", Off: notOpen(s.dev), Run: func() tea.Msg { return locksMsg{id: id} }})
}

func notOpen(d conn.Device) string {
	if d.State != conn.Open {
		return "the session is not open"
	}
	return ""
}

// order plans and gives what needs no question.
func (s *Screen) order(o commit.Order) tea.Cmd {
	p, err := s.plan(o)
	if err != nil {
		return s.refuse(capital(o.Do.String()) + ": " + headline(err))
	}
	return s.give(p)
}

// plan is exactly what an order will send. Read-only mode has none.
func (s *Screen) plan(o commit.Order) (commit.Plan, error) {
	if why := s.readOnly(); why != "" {
		return commit.Plan{}, fmt.Errorf("%s", why)
	}
	return s.commits.c.Plan(s.id, o)
}

// reportMsg is what became of a plan.
type reportMsg struct {
	id  conn.SessionID
	rep commit.Report
}

// SessionID implements msg.For.
func (m reportMsg) SessionID() conn.SessionID { return m.id }

// give sends a plan, in a command. It is sent once, whatever comes.
func (s *Screen) give(p commit.Plan) tea.Cmd {
	switch {
	case s.commits.doing != "":
		return s.refuse("Not sent: " + s.commits.doing + " is under way")
	case s.altering() != nil:
		return s.refuse("Not sent: " + safe.Line(s.altering().x.Request.Name) + " has not been answered yet; ctrl+c stops waiting for it")
	}
	s.commits.doing, s.commits.began = p.Order.Do.String(), s.d.Now()
	c, id := s.commits.c, s.id
	return func() tea.Msg {
		return reportMsg{id, c.Run(context.Background(), p, nil)}
	}
}

// reported shows what became of a plan: the last reply, and the words.
func (s *Screen) reported(m reportMsg) tea.Cmd {
	s.commits.doing = ""
	var shown tea.Cmd
	switch n := len(m.rep.Exchanges); {
	case n > 0 && m.rep.Plan.Order.Do == commit.DoTyped:
		shown = s.showSent(m.rep.Exchanges[0])
	case n > 0 && len(s.commits.covers) == 0:
		s.replies.at = s.adopt(m.rep.Exchanges[n-1])
	}
	level := msg.Good
	switch m.rep.Verdict {
	case commit.Refused, commit.NotSent:
		level = msg.Error
	case commit.OutcomeUnknown:
		level = msg.Error
		return tea.Batch(shown, msg.Say(level, m.rep.Words), s.sayUnknown(m.rep))
	case commit.Done:
		if strings.Contains(m.rep.Words, " But running is ") {
			level = msg.Warn
		}
		switch m.rep.Plan.Order.Do {
		case commit.DoValidate, commit.DoLock: // the difference stays what it was
		default:
			s.commits.compare.done = false
		}
	}
	return tea.Batch(shown, msg.Say(level, m.rep.Words), s.refocus())
}

// sayUnknown puts the words into a dialog, since they are more than a toast
// holds and must not vanish.
func (s *Screen) sayUnknown(r commit.Report) tea.Cmd {
	dev := safe.Text(s.dev.Target.Name)
	return s.d.Tell(overlay.PushLate{Dialog: &overlay.Confirm{
		Theme: s.d.Theme, Title: "Outcome unknown on " + dev, Danger: true, Cancel: "close",
		Body: []string{r.Words, "Nothing is sent again by itself. " + s.verifyLater()},
	}})
}

// findingMsg is what a look at the device said.
type findingMsg struct {
	id  conn.SessionID
	f   commit.Finding
	err error
}

// SessionID implements msg.For.
func (m findingMsg) SessionID() conn.SessionID { return m.id }

// verifyNow reads running, in a command, and nothing else.
func (s *Screen) verifyNow() tea.Cmd {
	if s.commits.doing != "" {
		return s.refuse(capital(s.commits.doing) + " is under way")
	}
	s.commits.doing, s.commits.began = "verify", s.d.Now()
	c, id := s.commits.c, s.id
	return func() tea.Msg {
		f, err := c.Verify(context.Background(), id)
		return findingMsg{id, f, err}
	}
}

// found shows what Verify saw, with what can be done about it. Nothing of it
// is done by itself.
func (s *Screen) found(m findingMsg) tea.Cmd {
	s.commits.doing = ""
	s.commits.st = s.commits.c.State(s.id)
	st := s.commits.st
	d := &overlay.Confirm{Theme: s.d.Theme, Title: "Verified: " + safe.Text(s.dev.Target.Name), Cancel: "close", Body: []string{m.f.Words}}
	if m.err != nil || m.f.Verdict == commit.CannotTell || m.f.Verdict == commit.Differs {
		d.Danger = true
	}
	if st.Pending != nil && st.Note != "" && !strings.Contains(m.f.Words, "olls back in") {
		d.Body = append(d.Body, st.Note)
	}
	choose := func(key, label string, o commit.Order) {
		if st.Why(o.Do) == "" && s.readOnly() == "" {
			ask := askMsg{s.id, o}
			d.Choices = append(d.Choices, overlay.Choice{Key: key, Label: label, Do: func() tea.Msg { return ask }})
		}
	}
	if !m.f.Over {
		choose("C", "confirm it (asks first)", commit.Order{Do: commit.DoConfirm})
		choose("U", "roll back now (asks first)", commit.Order{Do: commit.DoCancel})
	}
	return s.d.Tell(overlay.PushLate{Dialog: d})
}

// locksMsg is a question for the locks, and its answer.
type locksMsg struct {
	id    conn.SessionID
	done  bool
	locks []commit.Lock
	err   error
}

// SessionID implements msg.For.
func (m locksMsg) SessionID() conn.SessionID { return m.id }

// askLocks reads who holds the locks, in a command, and then shows them.
func (s *Screen) askLocks(m locksMsg) tea.Cmd {
	if !m.done {
		c := s.commits.c
		return func() tea.Msg {
			m.done = true
			m.locks, m.err = c.Locks(context.Background(), m.id)
			return m
		}
	}
	if m.err != nil {
		return msg.Fail(m.err)
	}
	d := &overlay.Confirm{Theme: s.d.Theme, Title: "Locks on " + safe.Text(s.dev.Target.Name), Cancel: "close"}
	for _, l := range m.locks {
		words := capital(l.Words()) + "."
		if !l.Since.IsZero() {
			words += " Since " + l.Since.In(s.d.Now().Location()).Format("2006-01-02 15:04:05") + "."
		}
		d.Body = append(d.Body, words)
	}
	if len(m.locks) == 0 {
		d.Body = []string{"No datastore is locked."}
	}
	return s.d.Tell(overlay.PushLate{Dialog: d})
}

// opened verifies once when that was asked for before the session was open.
func (s *Screen) opened() tea.Cmd {
	if !s.commits.verify || s.dev.State != conn.Open {
		return nil
	}
	s.commits.verify = false
	s.commits.st = s.commits.c.State(s.id)
	return s.verifyNow()
}

// doingWords is what is under way, for the status row.
func (s *Screen) doingWords() string {
	if s.commits.doing == "" {
		return ""
	}
	took := s.d.Now().Sub(s.commits.began)
	if took < patience {
		return ""
	}
	return s.spinner() + s.commits.doing + " " + docview.Took(took)
}

// doubtLines is what the connection note says of an outcome that is unknown.
func (s *Screen) doubtLines(w int) []string {
	st := s.commits.st
	var out []string
	say := func(tok style.Token, text string) {
		for _, l := range style.Wrap(safe.Block(text), w) {
			out = append(out, "  "+s.d.Theme.Paint(tok, l))
		}
	}
	if st.Unknown != "" {
		say(style.Danger, "OUTCOME UNKNOWN  "+st.Unknown)
	}
	if st.Pending != nil {
		say(style.Warn, st.Note)
	}
	if len(out) > 0 {
		out = append(out, "  "+s.verifyLater())
	}
	return out
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
