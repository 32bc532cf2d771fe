package commit

import (
	"fmt"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

// Before notes a confirmed commit on disk before it is sent. One that cannot be
// noted is not sent.
func (c *Control) Before(x *conn.Exchange, d conn.Device) error {
	op := conn.CommitOf(x.Request)
	if !op.Confirmed {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := at(c.o.Clock)
	p := c.mine(d)
	var read fingerprint
	if sn := c.seen[x.Session]; sn != nil && sn.netconfID == d.NetconfID {
		read = sn.before
	}
	if p != nil && p.prolongs(op, d) {
		// Until the device has said ok the earlier deadline of the two holds.
		undo := *p
		if left, _ := p.deadline().until(now); op.Wait < left {
			p.set(now, op.Wait)
		}
		p.Phase, p.Doubt = Doubtful, fmt.Sprintf("An extension was sent %s and has no answer yet; the earlier time is shown.", clock(now.Wall))
		if !read.zero() { // edits made since then go with it
			p.After = read.after
		}
		p.exchange, p.undo, p.noted = x.ID, &undo, now
	} else {
		p = &Pending{
			Device: d.Target.Name, Address: d.Target.Address(), User: d.Target.User, HostKey: d.Peer.HostKey,
			Session: d.NetconfID, Native: op.Native, PersistID: op.Persist, Phase: Sent, exchange: x.ID, opened: d.Opened,
		}
		p.Key = key(p.Device, token())
		p.set(now, op.Wait)
		p.Before, p.After, p.doc = read.before, read.after, read.doc
		c.pending = append(c.pending, p)
		c.revision.Add(1)
	}
	if err := c.save(p); err != nil {
		c.revert(p)
		return &netconf.Fault{
			Code: "COMMIT-NOTE", What: fmt.Sprintf("the confirmed commit could not be noted: %v", err), Kept: "Nothing was sent",
			Do: "Make the directory " + c.o.Dir + " writable", Err: err,
		}
	}
	return nil
}

func (p *Pending) set(now moment, wait time.Duration) {
	p.Sent, p.Boot, p.Since, p.Wait = now.Wall, now.Boot, now.Since, wait
	p.Deadline = p.Sent.Add(wait)
}

// prolongs reports whether a confirmed commit on d is the same one, extended.
func (p *Pending) prolongs(op conn.Commit, d conn.Device) bool {
	switch {
	case p.PersistID != "":
		return op.PersistID == p.PersistID
	case p.Native:
		return op.PersistID == ""
	}
	return p.lives(d) && op.PersistID == ""
}

// revert takes back what Before noted, for a request that was not sent. c.mu is
// held.
func (c *Control) revert(p *Pending) {
	if p.undo == nil {
		_ = c.drop(p) // what was not sent will be listed as expired: a wrong alarm, and harmless
		return
	}
	*p = *p.undo
	_ = c.save(p)
}

// After notes what an answer means for the confirmed commit of the device, and
// which outcomes are unknown.
func (c *Control) After(x *conn.Exchange, o netconf.Outcome, err error, d conn.Device) {
	op := conn.CommitOf(x.Request)
	c.mu.Lock()
	switch {
	case op.Confirmed:
		c.armed(x, o, op, d)
	case (op.Commits || op.Cancels || op.Check) && o.Result != netconf.NotSent:
		if p := c.mine(d); p != nil {
			c.answered(p, op, o, d)
		}
	}
	c.mu.Unlock()
	c.note(x.Session, d.NetconfID, func(sn *seen) { sn.learn(x, o, op, d) })
}

// armed notes the answer to a confirmed commit. c.mu is held.
func (c *Control) armed(x *conn.Exchange, o netconf.Outcome, op conn.Commit, d conn.Device) {
	var p *Pending
	for _, q := range c.pending {
		if q.exchange == x.ID {
			p = q
		}
	}
	if p == nil {
		return
	}
	undo := p.undo
	defer func() { p.undo = nil }()
	switch {
	case o.Result == netconf.NotSent:
		c.revert(p)
		return
	case o.Result == netconf.Answered && o.OK:
		p.Phase, p.Reason, p.Doubt = Armed, "", ""
		if undo != nil { // counted from when the extension was sent
			p.set(p.noted, op.Wait)
			p.Native, p.Session, p.opened = op.Native, d.NetconfID, d.Opened
			if op.Persist != "" {
				p.PersistID = op.Persist // it has another token now
			}
		}
	case o.Result == netconf.Answered && undo != nil:
		reason := firstError(o)
		*p = *undo
		p.Reason = reason
	case o.Result == netconf.Answered:
		p.Phase, p.Reason = RefusedPhase, firstError(o)
	case undo != nil:
		p.Phase, p.Doubt = Doubtful, "The answer to the extension was lost; the earlier time is shown."
	default:
		p.Phase, p.Doubt = Doubtful, "The answer to the confirmed commit was lost: it may or may not be in force. The time is counted from when it was sent."
	}
	_ = c.save(p) // the file that Before wrote says enough
}

// answered notes what a commit or a cancellation did to p. c.mu is held.
func (c *Control) answered(p *Pending, op conn.Commit, o netconf.Outcome, d conn.Device) {
	// Junos takes either kind of commit for the confirmation of its own.
	mine := p.Native && op.PersistID == "" || p.PersistID != "" && op.PersistID == p.PersistID || p.Tied() && p.lives(d) && op.PersistID == ""
	good := o.Result == netconf.Answered && o.OK
	what := "confirmation"
	if op.Cancels {
		what = "roll-back"
	}
	switch {
	case op.Check && (!p.Native || o.Result == netconf.Answered && !o.OK):
		return
	case op.Check:
		p.Phase = Doubtful
		p.Doubt = "A commit check was sent meanwhile, which some releases of Junos take for the confirmation. Verify."
	case good && mine:
		_ = c.drop(p) // over; a file that stays is listed as expired
		return
	case good && op.Commits:
		p.Phase = Doubtful
		p.Doubt = "A commit without its persist-id was accepted meanwhile, which some devices take for the confirmation. Verify."
	case !mine || good:
		return
	case o.Result == netconf.Answered && op.Cancels && p.Phase == RefusedPhase && nothingPending(o):
		_ = c.drop(p) // the device says that nothing was armed
		return
	case o.Result == netconf.Answered:
		p.Reason = firstError(o)
	default:
		p.Phase, p.Doubt = Doubtful, fmt.Sprintf("The answer to the %s was lost: it may or may not have taken effect. Verify.", what)
	}
	_ = c.save(p)
}

// nothingPending reports whether the answer to a cancel-commit says that there
// was nothing to cancel, as opposed to not being allowed to.
func nothingPending(o netconf.Outcome) bool {
	for _, e := range o.Errors {
		if e.Warning() {
			continue
		}
		switch e.Tag {
		case "invalid-value", "operation-failed", "data-missing", "bad-element":
			return true
		}
		return false
	}
	return false
}

// What settles an unknown outcome.
const (
	verifyIt  = "Verify reads running and says."
	compareIt = "Compare the candidate with running."
)

// learn notes what an exchange says beside a confirmed commit.
func (sn *seen) learn(x *conn.Exchange, o netconf.Outcome, op conn.Commit, d conn.Device) {
	if o.Result == netconf.Answered && !o.Sent.IsZero() && !o.First.IsZero() {
		sn.rtt = o.First.Sub(o.Sent)
	}
	r := x.Request
	if op.Commits && o.Result != netconf.NotSent {
		sn.committed, sn.before = sn.before, fingerprint{}
	}
	switch {
	case o.Result == netconf.Unknown && (op.Commits || op.Cancels):
		sn.differs = Unknown
		sn.unknown = fmt.Sprintf("%s was sent to %s %s and not answered: it may or may not have taken effect. It was not sent again. "+verifyIt, r.Name, d.Target.Name, clock(x.Started))
	case o.Result == netconf.Unknown:
		sn.differs = Unknown
		sn.unknown = fmt.Sprintf("%s was sent to %s %s and not answered: it may or may not be applied. It was not sent again. "+compareIt, r.Name, d.Target.Name, clock(x.Started))
	case o.Result != netconf.Answered || !o.OK:
		if o.Result == netconf.Answered && (r.Name == "lock" || r.Name == "lock-configuration") {
			sn.denied(netconf.Datastore(r.Target), o, d)
		}
	case op.Commits, r.Name == "discard-changes":
		sn.differs, sn.unknown = No, ""
	case r.Effect == netconf.Stages && r.Target == string(netconf.Candidate) && r.Name != "lock" && r.Name != "lock-configuration":
		sn.differs = Unknown
	}
}

// firstError is the device's first word against a request.
func firstError(o netconf.Outcome) string {
	for _, e := range o.Errors {
		if e.Warning() {
			continue
		}
		s := e.Message
		if s == "" {
			s = e.Tag
		}
		if len(s) > 300 {
			s = s[:300]
		}
		return s
	}
	return "no reason was given"
}
