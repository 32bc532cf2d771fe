package conn

import (
	"strconv"
	"time"

	"dialtone/netconf"
)

// confirmTime is how long a confirmed commit waits when it does not say
// (RFC 6241 section 8.4.5.1; ten minutes on Junos too).
const confirmTime = 600 * time.Second

// pendingAfter is what is known of a confirmed commit after an exchange. When
// the answer is not known, neither is whether one waits: then it counts as
// waiting, from when the request was sent.
func pendingAfter(now *Pending, x *Exchange, o netconf.Outcome) *Pending {
	good := o.Result == netconf.Answered && o.OK
	if !good && o.Result != netconf.Unknown {
		return now
	}
	unit, native := time.Second, false
	switch x.Request.Name {
	case "commit":
	case "commit-configuration":
		unit, native = time.Minute, true
	case "cancel-commit":
		return afterAnswer(now, good)
	default:
		return now
	}
	op := read(x.Request.Body)
	if op.has("check", "") || op.has("at-time", "") {
		return now
	}
	if !op.has("confirmed", "") {
		return afterAnswer(now, good)
	}
	wait := confirmTime
	if n, err := strconv.ParseUint(op.children["confirm-timeout"], 10, 31); err == nil && n > 0 {
		wait = time.Duration(n) * unit
	}
	p := &Pending{Exchange: x.ID, Sent: o.Sent, PersistID: op.children["persist"], Native: native, Unsure: !good}
	if p.Sent.IsZero() {
		p.Sent = x.Started
	}
	if now != nil && p.PersistID == "" && op.has("persist-id", "") {
		p.PersistID = op.children["persist-id"] // the same commit, prolonged
	}
	// The wall clock goes on while a computer sleeps, the other one may not.
	p.Sent = p.Sent.Round(0)
	p.Deadline = p.Sent.Add(wait)
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
