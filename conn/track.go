package conn

import (
	"fmt"
	"slices"

	"dialtone/netconf"
)

// maxDoubts bounds the requests of unknown outcome that a row remembers.
const maxDoubts = 16

// mark is what an answered request means for the session.
type mark uint8

const (
	nothing   mark = iota
	locks          // holds store from now on
	unlocks        // holds store no more
	edits          // store has one more edit that is not committed
	settles        // nothing uncommitted is left
	abandons       // unlocks and settles
	says           // good bye
	validates      // looks like an edit or commit, and is none
)

// means reads from a request what a good answer to it will mean, and the
// datastore concerned. Junos's own operations count like the standard ones
// (protocol.md section 7).
func means(r netconf.Request) (mark, netconf.Datastore) {
	store := netconf.Datastore(r.Target)
	switch r.Name {
	case "lock":
		return locks, store
	case "unlock":
		return unlocks, store
	case "lock-configuration":
		return locks, netconf.Candidate
	case "unlock-configuration": // "or session end discards uncommitted changes"
		return abandons, netconf.Candidate
	case "close-configuration":
		return abandons, netconf.Candidate
	case "edit-config", "edit-data", "copy-config", "delete-config":
		if store != netconf.Candidate {
			return nothing, store
		}
		if op := read(r.Body); op.has("test-option", "test-only") {
			return validates, store
		}
		return edits, store
	case "load-configuration":
		if op := read(r.Body); op.attr["rollback"] == "0" {
			return settles, netconf.Candidate
		}
		return edits, netconf.Candidate
	case "rollback-config":
		return edits, netconf.Candidate
	case "commit-configuration":
		if !CommitOf(r).Commits {
			return validates, netconf.Candidate
		}
		return settles, netconf.Candidate
	case "commit", "discard-changes":
		return settles, netconf.Candidate
	case "close-session":
		return says, ""
	}
	return nothing, store
}

// settle applies an outcome to the row of s; m.mu is held.
func (m *Manager) settle(s *session, x *Exchange, o netconf.Outcome) {
	what, store := means(x.Request)
	d := &s.dev
	d.Pending = pendingAfter(d.Pending, x, o)
	if o.Result == netconf.Unknown {
		doubt := Doubt{Exchange: x.ID, Name: x.Request.Name, Target: x.Request.Target, Sent: o.Sent}
		d.Doubts = append(slices.Clone(d.Doubts), doubt)
		if len(d.Doubts) > maxDoubts {
			d.Doubts = d.Doubts[len(d.Doubts)-maxDoubts:]
		}
		if what == edits {
			d.Dirty++ // it may be there: better to look than to lose it
		}
		return
	}
	if o.Result != netconf.Answered || !o.OK {
		return
	}
	switch what {
	case locks:
		if !slices.Contains(d.Locks, store) {
			d.Locks = append(slices.Clone(d.Locks), store)
		}
	case unlocks, abandons:
		d.Locks = slices.DeleteFunc(slices.Clone(d.Locks), func(l netconf.Datastore) bool { return l == store })
		if what == abandons {
			d.Dirty = 0
		}
	case edits:
		d.Dirty++
	case settles:
		d.Dirty = 0
	case says:
		s.bye = true
	}
	d.Doubts = slices.DeleteFunc(slices.Clone(d.Doubts), func(u Doubt) bool {
		if u.Name == x.Request.Name && u.Target == x.Request.Target {
			return true
		}
		was, _ := means(netconf.Request{Name: u.Name, Target: u.Target})
		return was == edits && (what == settles || what == abandons)
	})
}

// AtStake says what is lost, or left behind, when the session ends now: locks,
// uncommitted edits, a confirmed commit, requests of unknown outcome.
func (d Device) AtStake() []string {
	var ws []string
	for _, l := range d.Locks {
		ws = append(ws, fmt.Sprintf("the lock on %s (session %d)", l, d.NetconfID))
	}
	if d.Dirty > 0 {
		edits := "1 uncommitted edit"
		if d.Dirty > 1 {
			edits = fmt.Sprintf("%d uncommitted edits", d.Dirty)
		}
		if slices.Contains(d.Locks, netconf.Candidate) {
			ws = append(ws, edits+": the device discards what was under the lock")
		} else {
			ws = append(ws, edits+": a shared candidate may still hold them")
		}
	}
	if p := d.Pending; p != nil {
		at := p.Deadline.Format("15:04:05")
		switch {
		case p.Tied():
			ws = append(ws, "the confirmed commit: the device rolls it back when the session ends")
		case p.Native:
			ws = append(ws, fmt.Sprintf("the confirmed commit stays pending until %s: a new session can confirm it", at))
		default:
			ws = append(ws, fmt.Sprintf("the confirmed commit stays pending until %s: a new session can confirm it with its persist-id", at))
		}
	}
	for _, u := range d.Doubts {
		ws = append(ws, fmt.Sprintf("the answer to %s, sent %s: it may or may not have taken effect", u.Name, u.Sent.Format("15:04:05")))
	}
	return ws
}
