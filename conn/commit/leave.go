package commit

import (
	"fmt"
	"slices"
	"strings"

	"dialtone/conn"
	"dialtone/netconf"
)

// AtStake says what the device does when the session of d ends now, one
// sentence for each: with its locks, with what is staged, with a confirmed
// commit, and what is not known. It is empty when nothing is at stake. Nothing
// in a candidate is ever discarded by us on leaving: in a shared one it may be
// somebody else's. d may be the row as it was before its session ended.
func (c *Control) AtStake(d conn.Device) []string {
	st := c.state(d)
	dev := d.Target.Name
	var out []string
	if p := st.Pending; p != nil {
		switch {
		case p.Tied() && st.Waits:
			out = append(out, fmt.Sprintf("The confirmed commit is not confirmed, with %s left: leaving makes %s roll back at once.", Countdown(st.Left), dev))
		case st.Left > 0 && !p.Tied():
			out = append(out, fmt.Sprintf("The confirmed commit is not confirmed: %s rolls it back in %s. %s be confirmed from a new session until then.", dev, Countdown(st.Left), c.kept()))
		default:
			out = append(out, "A confirmed commit is not known to be over: "+st.Note)
		}
	}
	if p := d.Pending; st.Pending == nil && p != nil { // nobody told us, and the row knows
		if left := p.Deadline.Sub(c.Now()); p.Tied() {
			out = append(out, fmt.Sprintf("The confirmed commit is not confirmed, with %s left: leaving makes %s roll back at once.", Countdown(left), dev))
		} else {
			out = append(out, fmt.Sprintf("The confirmed commit is not confirmed: %s rolls it back in %s.", dev, Countdown(left)))
		}
	}
	if st.Unknown != "" {
		out = append(out, capital(st.Unknown))
	}
	locked := slices.Contains(d.Locks, netconf.Candidate)
	for _, ds := range d.Locks {
		out = append(out, fmt.Sprintf("%s gives the lock on %s back.", dev, ds))
	}
	switch {
	case d.Dirty > 0 && locked:
		out = append(out, fmt.Sprintf("%s not committed: %s discards what was staged under the lock.", edits(d.Dirty), dev))
	case d.Dirty > 0:
		out = append(out, fmt.Sprintf("%s not committed: a shared candidate keeps %s, for others to see and to commit.", edits(d.Dirty), them(d.Dirty)))
	}
	return out
}

// kept begins the sentence on what can still be done.
func (c *Control) kept() string {
	if c.o.Dir == "" {
		return "It can"
	}
	return "It is noted and can"
}

// Farewell is one line for each open session at which something is at stake, with
// what AtStake says: for who leaves without having been asked.
func (c *Control) Farewell(ds []conn.Device) []string {
	var out []string
	for _, d := range ds {
		if d.State != conn.Open {
			continue
		}
		if what := c.AtStake(d); len(what) > 0 {
			out = append(out, d.Target.Name+": "+strings.Join(what, " "))
		}
	}
	return out
}

func them(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}
