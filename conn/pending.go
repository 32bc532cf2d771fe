package conn

import "dialtone/netconf"

// pendingAfter is what is known of a confirmed commit after an exchange. When
// the answer is not known, neither is whether one waits: then it counts as
// waiting, from when the request was sent.
func pendingAfter(now *Pending, x *Exchange, o netconf.Outcome) *Pending {
	good := o.Result == netconf.Answered && o.OK
	if !good && o.Result != netconf.Unknown {
		return now
	}
	op := CommitOf(x.Request)
	switch {
	case op.Cancels, op.Commits && !op.Confirmed:
		return afterAnswer(now, good)
	case !op.Confirmed:
		return now
	}
	p := &Pending{Exchange: x.ID, Sent: o.Sent, PersistID: op.Persist, Native: op.Native, Unsure: !good}
	if p.Sent.IsZero() {
		p.Sent = x.Started
	}
	if now != nil && p.PersistID == "" {
		p.PersistID = op.PersistID // the same commit, prolonged
	}
	// The wall clock goes on while a computer sleeps, the other one may not.
	p.Sent = p.Sent.Round(0)
	p.Deadline = p.Sent.Add(op.Wait)
	return p
}

// afterAnswer is what is left of p after a confirmation or a cancellation.
func afterAnswer(p *Pending, good bool) *Pending {
	if good || p == nil {
		return nil
	}
	q := *p
	q.Unsure = true
	return &q
}
