package commit

import (
	"context"
	"fmt"

	"dialtone/conn"
	"dialtone/netconf"
)

// Verify reads running and says what became of a commit whose fate is not known:
// a confirmed one that should have rolled back, or one whose answer was lost. It
// sends nothing but reads. The error is that of reading; the Finding then says
// that it cannot tell.
func (c *Control) Verify(ctx context.Context, id conn.SessionID) (Finding, error) {
	s, d, err := c.device(id)
	if err != nil {
		return Finding{Words: "Cannot tell: " + err.Error(), At: c.Now()}, err
	}
	c.mu.Lock()
	var p *Pending
	if q, _ := c.of(d); q != nil {
		copied := *q
		p = &copied
	}
	var f fingerprint
	unknown := ""
	if sn := c.seen[id]; sn != nil {
		f, unknown = sn.committed, sn.unknown
	}
	c.mu.Unlock()
	if p != nil && (!p.Before.Zero() || f.before.Zero()) {
		f = fingerprint{before: p.Before, after: p.After}
	}
	out := Finding{At: c.Now()}
	switch {
	case p == nil && unknown == "":
		out.Verdict, out.Over = NothingToTell, true
		out.Words = fmt.Sprintf("No commit of %s is in doubt.", d.Target.Name)
		return out, nil
	case f.before.Zero() || f.after.Zero():
		out.Words = "Cannot tell: running was not read before the commit. Look at running yourself."
		return out, nil
	case f.before == f.after:
		out.Words = "Cannot tell: the commit changed nothing, so running is the same with it and without it."
		return out, nil
	}
	now, _, err := c.digest(ctx, s, id, netconf.Running)
	if err != nil {
		out.Words = "Cannot tell: running could not be read: " + err.Error()
		return out, err
	}
	out.At = c.Now()
	before, beforeMoved := matches(now, f.before)
	after, afterMoved := matches(now, f.after)
	if !before && !after && beforeMoved != afterMoved { // but for the order
		before, after = beforeMoved, afterMoved
	}
	switch {
	case before:
		out.Verdict, out.Over = RolledBack, true
	case after:
		out.Verdict = StillApplied
		out.Over = p == nil // a device may roll back late, or not at all: the person decides
	default:
		out.Verdict = Differs
	}
	out.Words = c.finding(out, p, d)
	c.settle(id, d, p, out)
	return out, nil
}

// finding puts what running shows into words.
func (c *Control) finding(f Finding, p *Pending, d conn.Device) string {
	dev := d.Target.Name
	switch {
	case f.Verdict == Differs:
		return fmt.Sprintf("Differs: running of %s is neither what it was before the commit nor what the commit made. Somebody else changed it, or a part was applied: compare.", dev)
	case f.Verdict == RolledBack && p == nil:
		return fmt.Sprintf("Not applied: running of %s is what it was before the commit.", dev)
	case f.Verdict == RolledBack:
		return fmt.Sprintf("Rolled back: running of %s is what it was before the commit.", dev)
	case p == nil:
		return fmt.Sprintf("Applied: running of %s is what the commit made.", dev)
	}
	left, _ := c.Left(*p)
	switch {
	case left <= 0:
		return fmt.Sprintf("Still applied: %s after its time running of %s is what the commit made. It was confirmed, or the device does not roll back. Dismiss the note when it may stay.", ago(-left), dev)
	case p.Tied() && !p.lives(d):
		return fmt.Sprintf("Still applied: running of %s is what the commit made, although the session that sent it has ended. The device did not roll back; it may at its time, in %s.", dev, Countdown(left))
	case p.Doubt != "" && p.Phase == Doubtful:
		return fmt.Sprintf("Still applied: running of %s is what the commit made. Whether it is confirmed shows in %s, when its time is over.", dev, Countdown(left))
	}
	return fmt.Sprintf("Still applied: running of %s is what the commit made. It rolls back in %s unless confirmed.", dev, Countdown(left))
}

// settle forgets what a finding has cleared up.
func (c *Control) settle(id conn.SessionID, d conn.Device, p *Pending, f Finding) {
	c.mu.Lock()
	if p != nil && f.Over {
		for _, q := range c.pending {
			if q.Key == p.Key {
				_ = c.drop(q) // over; a file that stays is listed as expired
				break
			}
		}
	}
	c.mu.Unlock()
	c.note(id, d.NetconfID, func(sn *seen) {
		if f.Verdict == Differs {
			return
		}
		sn.unknown = ""
	})
}
