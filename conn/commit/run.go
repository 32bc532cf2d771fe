package commit

import (
	"context"
	"errors"
	"fmt"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/xmldiff"
)

// Run sends the steps of a plan, each after a good answer to the one before,
// and nothing else that may change the device. Around a commit it reads running
// and the candidate, so that an uncertain outcome can be told later (not when
// Order.Blind). tell, when not nil, gets each exchange when it has been handed
// over; it must not block.
//
// It returns when the answers are there, or when ctx ends: that stops the
// waiting and not the device. Nothing is ever sent again.
func (c *Control) Run(ctx context.Context, p Plan, tell func(step int, x *conn.Exchange)) Report {
	rep := Report{Plan: p}
	s, d, err := c.device(p.Session)
	if err == nil && d.NetconfID != p.Netconf {
		err = refusal("the plan was made for a session that has ended", "Look at the device and plan again")
	}
	if err == nil && len(p.Steps) == 0 {
		err = refusal("the plan has no steps", "")
	}
	if err != nil {
		rep.Verdict, rep.Err, rep.Words = NotSent, err, "Nothing was sent: "+err.Error()
		return rep
	}
	for i, step := range p.Steps {
		if err := c.look(ctx, s, d, p.Order, step.Request); err != nil {
			rep.stopped(i, NotSent, err)
			return rep
		}
		x, err := s.Send(p.Session, step.Request)
		if err != nil {
			rep.stopped(i, NotSent, err)
			return rep
		}
		rep.Exchanges = append(rep.Exchanges, x)
		if tell != nil {
			tell(i, x)
		}
		o, err := wait(ctx, s, x)
		switch {
		case o.Result == netconf.Answered && o.OK:
		case o.Result == netconf.Answered:
			if n := step.Request.Name; n == "lock" || n == "lock-configuration" {
				_, _ = c.Locks(ctx, p.Session) // who holds it; the refusal alone names a number
			}
			c.refused(&rep, i, o)
			return rep
		case o.Result == netconf.NotSent:
			rep.stopped(i, NotSent, err)
			return rep
		default:
			c.lost(&rep, i, err)
			return rep
		}
	}
	rep.Words = c.done(ctx, s, d, p)
	return rep
}

// look reads what a commit starts from, where that tells something: before one
// that is new, and before an extension that takes edits along. What the device
// does not let us read leaves no fingerprint: then Verify says that it cannot
// tell. The error says that the person does not want to wait for the reading,
// and so neither for the commit.
func (c *Control) look(ctx context.Context, s Sessions, d conn.Device, o Order, r netconf.Request) error {
	op := conn.CommitOf(r)
	if !op.Commits || o.Do == DoConfirm || o.Do == DoCancel {
		return nil
	}
	st := c.State(d.ID)
	if waits := st.Pending != nil && st.Waits; waits && (!op.Confirmed || st.Edits == 0 && st.Differs == No) {
		return nil
	}
	var f fingerprint
	if !o.Blind {
		var err, err2 error
		if f.before, f.doc, err = c.digest(ctx, s, d.ID, netconf.Running); !stopped(err) {
			f.after, _, err2 = c.digest(ctx, s, d.ID, netconf.Candidate)
		}
		switch {
		case stopped(err), stopped(err2):
			return &netconf.Fault{Code: "COMMIT-STOPPED", What: "stopped while the configuration was read before the commit", Kept: "No commit was sent", Err: context.Canceled}
		case err != nil || err2 != nil:
			f = fingerprint{}
		case f.doc.Size() > maxBefore:
			f.doc = nil
		}
	}
	c.note(d.ID, d.NetconfID, func(sn *seen) { sn.before = f })
	return nil
}

// stopped reports that a person did not want to wait any longer.
func stopped(err error) bool { return errors.Is(err, context.Canceled) }

// Prepare reads what a request starts from when it is a commit, so that it can
// be told later what became of it. It is for those who send by themselves; Run
// does it for its plans. It sends nothing but reads. An error means that ctx has
// ended or that the reading was stopped.
func (c *Control) Prepare(ctx context.Context, id conn.SessionID, r netconf.Request) error {
	s, d, err := c.device(id)
	if err != nil {
		return nil // sending says so
	}
	return c.look(ctx, s, d, Order{Do: DoTyped}, r)
}

// stopped notes that step i was not done.
func (r *Report) stopped(i int, v Verdict, err error) {
	r.Verdict, r.Err = v, err
	what := "no reason is known"
	if err != nil {
		what = err.Error()
	}
	r.Words = fmt.Sprintf("%q was not sent: %s.%s", r.Plan.Steps[i].Title, what, r.earlier(i))
}

// earlier says what was done before step i.
func (r *Report) earlier(i int) string {
	if i == 0 {
		return ""
	}
	s := " Done before: "
	for k, st := range r.Plan.Steps[:i] {
		if k > 0 {
			s += ", "
		}
		s += st.Title
	}
	return s + "."
}

// refused puts the device's no to step i into words.
func (c *Control) refused(r *Report, i int, o netconf.Outcome) {
	step := r.Plan.Steps[i]
	op := conn.CommitOf(step.Request)
	dev := r.Plan.Device
	reason := firstError(o)
	r.Verdict = Refused
	r.Err = &netconf.Fault{Code: "RPC-ERROR", What: fmt.Sprintf("%s refused %q: %q", dev, step.Title, reason)}
	switch p := c.State(r.Plan.Session).Pending; {
	case op.Confirmed && op.PersistID == "" && r.Plan.Order.Do != DoExtend:
		r.Words = fmt.Sprintf("%s answered the confirmed commit with an error: %q. Some devices arm the roll-back all the same: roll back now to be sure, or verify.", dev, reason)
	case op.Cancels && p == nil:
		r.Verdict, r.Err = Done, nil
		r.Words = fmt.Sprintf("%s says that nothing is pending: %q. Nothing is left to roll back.", dev, reason)
	case op.PersistID != "":
		r.Words = fmt.Sprintf("%s refused the persist-id: %q. It may have rolled back or restarted meanwhile: verify.", dev, reason)
	case op.Commits && r.confirms():
		r.Words = fmt.Sprintf("%s refused the confirmation: %q. The commit still rolls back unless confirmed: verify.", dev, reason)
	case step.Request.Name == "lock", step.Request.Name == "lock-configuration":
		r.Words = c.lockWords(r, reason)
	default:
		r.Words = fmt.Sprintf("%s refused %q: %q.", dev, step.Title, reason)
	}
	r.Words += r.earlier(i)
}

// lockWords says who has the lock.
func (c *Control) lockWords(r *Report, reason string) string {
	for _, l := range c.State(r.Plan.Session).Locks {
		if !l.Ours && string(l.Store) == r.Plan.Steps[0].Request.Target {
			return fmt.Sprintf("Not locked: %s. %s said %q.", l.Words(), r.Plan.Device, reason)
		}
	}
	return fmt.Sprintf("%s refused the lock: %q.", r.Plan.Device, reason)
}

// lost puts a step without an answer into words.
func (c *Control) lost(r *Report, i int, err error) {
	step := r.Plan.Steps[i]
	op := conn.CommitOf(step.Request)
	dev := r.Plan.Device
	r.Verdict, r.Err = OutcomeUnknown, err
	lost, end := "was lost", "It was not sent again."
	if late(err) {
		lost, end = "did not come in time", "It was not sent again; the session stays open, and what is read now is answered when the device has finished."
	}
	if !step.Request.Effect.Alters() {
		r.Verdict = NotSent
		r.Words = fmt.Sprintf("%q has no answer; it only reads. Nothing after it was sent.%s", step.Title, r.earlier(i))
		return
	}
	switch {
	case op.Confirmed && r.Plan.Order.Do == DoExtend:
		r.Words = fmt.Sprintf("The answer to the extension %s: it may or may not have taken effect. The earlier time is shown. %s", lost, end)
	case op.Confirmed:
		words := ""
		if p := c.State(r.Plan.Session).Pending; p != nil {
			l, _ := c.Left(*p)
			words = fmt.Sprintf(" If it is, %s rolls back in %s, counted from when it was sent.", dev, Countdown(l))
		}
		r.Words = fmt.Sprintf("The answer to the confirmed commit %s: it may or may not be in force.%s %s Verify.", lost, words, end)
	case op.Cancels:
		r.Words = fmt.Sprintf("The answer to the roll-back %s: it may or may not have taken effect. %s %s", lost, end, verifyIt)
	case op.Commits && r.confirms():
		r.Words = fmt.Sprintf("The answer to the confirmation %s: the commit may be confirmed, or %s rolls back at its time. %s Verify.", lost, dev, end)
	case op.Commits:
		r.Words = fmt.Sprintf("The answer to the commit %s: it may or may not have taken effect. %s %s", lost, end, verifyIt)
	default:
		r.Words = fmt.Sprintf("%q was sent to %s and not answered: it may or may not be applied. %s %s", step.Title, dev, end, compareIt)
	}
	r.Words += r.earlier(i)
}

// late reports an answer that did not come in time, on a session that goes on.
func late(err error) bool {
	var f *netconf.Fault
	return errors.As(err, &f) && f.Code == "RPC-TIMEOUT"
}

// confirms reports a plan that confirms what waited when it was made.
func (r *Report) confirms() bool {
	return r.Plan.Order.Do == DoConfirm || r.Plan.Order.Do == DoTyped && r.Plan.confirms
}

// done says what the device said yes to, and after a commit what running shows.
func (c *Control) done(ctx context.Context, s Sessions, d conn.Device, p Plan) string {
	st := c.State(p.Session)
	startup := ""
	if d.Caps.Has("startup") {
		startup = " Startup is not changed by it."
	}
	switch p.Order.Do {
	case DoTyped:
		return c.doneTyped(ctx, s, d, p) + startup
	case DoConfirm:
		return fmt.Sprintf("Confirmed: %s keeps the commit.", p.Device) + startup
	case DoCancel:
		if last := p.Steps[len(p.Steps)-1].Request.Name; last == "close-session" {
			return fmt.Sprintf("The session is ended: %s must have rolled back. Connect and verify.", p.Device)
		}
		return fmt.Sprintf("Rolled back: %s says that the commit is undone.", p.Device)
	case DoExtend:
		return fmt.Sprintf("Extended: rolls back in %s unless confirmed.", Countdown(st.Left))
	case DoCommit:
		if p.Order.Check {
			return "The candidate was checked: " + p.Device + " would take it."
		}
		if p.Order.At != "" {
			return "The commit is checked and will be made at " + p.Order.At + "."
		}
		if p.Order.Confirmed {
			return fmt.Sprintf("Committed: rolls back in %s unless confirmed.", Countdown(st.Left)) + c.readBack(ctx, s, d, p)
		}
		return "Committed." + c.readBack(ctx, s, d, p) + startup
	}
	return capital(p.Steps[len(p.Steps)-1].Title) + ": " + p.Device + " says ok."
}

// doneTyped says what a commit that a person wrote has done.
func (c *Control) doneTyped(ctx context.Context, s Sessions, d conn.Device, p Plan) string {
	op, st := conn.CommitOf(p.Steps[0].Request), c.State(p.Session)
	switch {
	case op.Cancels:
		return fmt.Sprintf("Rolled back: %s says that the commit is undone.", p.Device)
	case op.Confirmed && p.confirms:
		return fmt.Sprintf("Extended: rolls back in %s unless confirmed.", Countdown(st.Left))
	case op.Confirmed:
		return fmt.Sprintf("Committed: rolls back in %s unless confirmed.", Countdown(st.Left)) + c.readBack(ctx, s, d, p)
	case p.confirms && st.Pending == nil:
		return fmt.Sprintf("Confirmed: %s keeps the commit.", p.Device)
	case p.confirms:
		return "Committed. " + st.Note
	}
	return "Committed." + c.readBack(ctx, s, d, p)
}

// readBack says when running is not what was committed, as it is on devices
// that say ok and do nothing.
func (c *Control) readBack(ctx context.Context, s Sessions, d conn.Device, p Plan) string {
	c.mu.Lock()
	f := c.seen[p.Session].committed
	c.mu.Unlock()
	if f.after.Zero() || p.Order.Blind {
		return ""
	}
	now, _, err := c.digest(ctx, s, d.ID, netconf.Running)
	var same, moved bool
	if err == nil {
		same, moved = matches(now, f.after)
	}
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return ""
	case err != nil:
		return " Running could not be read back: " + err.Error()
	case same, moved:
		return ""
	case now == f.before:
		return fmt.Sprintf(" But running is what it was before: %s said ok and changed nothing.", p.Device)
	}
	return " But running is not what the candidate was when it was read before the commit: compare."
}

// matches compares a digest with the one wanted; moved: but for the order.
func matches(got, want xmldiff.Sum) (same, moved bool) {
	if want.Zero() {
		return false, false
	}
	return got.Ordered == want.Ordered, got.Unordered == want.Unordered
}
