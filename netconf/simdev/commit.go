package simdev

import (
	"errors"
	"strconv"
	"time"

	"dialtone/netconf"
)

// pending is a confirmed commit that waits for its confirmation.
type pending struct {
	before   *node // what running goes back to
	deadline time.Time
	timeout  time.Duration
	persist  string
	owner    *session // nil once the session is gone
	tied     bool     // the end of owner's session rolls back
	timer    *timed
}

// commitRecord is one entry of the commit history.
type commitRecord struct {
	at                time.Time
	user, client, log string
	config            *node
}

const maxCommits = 50

// timed is something to do at a time of the device's clock.
type timed struct {
	at   time.Time
	do   func()
	stop func() bool
}

// at arranges for do to run, under the device's lock, when the clock says t.
func (d *Device) at(t time.Time, do func()) *timed {
	x := &timed{at: t, do: do}
	d.timed = append(d.timed, x)
	d.arm(x)
	return x
}

func (d *Device) arm(x *timed) {
	x.stop = d.o.AfterFunc(max(x.at.Sub(d.o.Now()), time.Millisecond), func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.due()
		for _, y := range d.timed {
			if y == x { // woken too early: a clock of the caller's own
				d.arm(x)
			}
		}
	})
}

func (d *Device) cancel(x *timed) {
	if x == nil {
		return
	}
	x.stop()
	for i, y := range d.timed {
		if y == x {
			d.timed = append(d.timed[:i:i], d.timed[i+1:]...)
			return
		}
	}
}

// due does what the clock says is due. The lock is held.
func (d *Device) due() {
	now := d.o.Now()
	for i := 0; i < len(d.timed); {
		x := d.timed[i]
		if x.at.After(now) {
			i++
			continue
		}
		d.cancel(x)
		x.do()
		i = 0
	}
}

// Tick makes the device look at its clock: deadlines that have passed take
// effect before it returns.
func (d *Device) Tick() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.due()
}

// commitOrder is what a commit asks for, in either dialect.
type commitOrder struct {
	confirmed bool
	timeout   time.Duration
	persist   string
	persistID string
	log       string
	client    string
	native    bool // junos commit-configuration: not tied to the session
	from      *node
}

// commit makes o.from the running configuration. The lock is held.
func (d *Device) commit(s *session, o commitOrder, f Faults) *rpcError {
	if e := d.mayCommit(s, o, f); e != nil {
		return e
	}
	if e := d.validate(o.from); e != nil {
		return e
	}
	before := d.running
	p := d.pending
	if p != nil {
		before = p.before
		d.cancel(p.timer)
	}
	old := d.running
	d.running, d.candidate, d.dirty = o.from, o.from, false
	kind := "complete"
	if o.confirmed {
		kind = "start"
		next := &pending{before: before, timeout: o.timeout, persist: o.persist, owner: s, tied: !o.native && o.persist == ""}
		if p != nil {
			kind = "extend"
			if o.persist == "" && o.persistID != "" {
				next.persist, next.tied = p.persist, false
			}
		}
		next.deadline = d.o.Now().Add(o.timeout)
		if !f.NoTimeout {
			next.timer = d.at(next.deadline, func() { d.rollBack("timeout", s) })
		}
		d.pending = next
	} else {
		d.pending = nil
	}
	if !o.confirmed || old != o.from {
		d.record(s.user, o.client, o.log, o.from)
	}
	if old != o.from {
		d.tellChange(s, netconf.Running, old, o.from)
	}
	if o.confirmed || p != nil {
		d.tellConfirm(s, kind, o.timeout)
	}
	if o.confirmed && f.CommitError {
		return errFailed("the commit was not carried out")
	}
	return nil
}

// mayCommit checks locks and the rules of a confirmed commit under way
// (RFC 6241 section 8.4).
func (d *Device) mayCommit(s *session, o commitOrder, f Faults) *rpcError {
	for _, ds := range []netconf.Datastore{netconf.Running, netconf.Candidate} {
		if holder := d.locks[ds]; holder != nil && holder != s {
			return d.inUse(ds, holder)
		}
	}
	p := d.pending
	switch {
	case p == nil && o.persistID != "":
		return errInvalid("no confirmed commit has this persist-id", "persist-id")
	case p == nil:
	case p.persist != "" && o.persistID != p.persist:
		if !(f.PlainConfirms && o.persistID == "") {
			return errInvalid("a confirmed commit with another persist-id is pending", "persist-id")
		}
	case p.persist == "" && o.persistID != "":
		return errInvalid("the pending confirmed commit has no persist-id", "persist-id")
	case p.persist == "" && p.tied && p.owner != s:
		return &rpcError{typ: "protocol", tag: "in-use", msg: "a confirmed commit of another session is pending"}
	}
	return nil
}

// rollBack undoes the pending confirmed commit. The lock is held.
func (d *Device) rollBack(why string, s *session) {
	p := d.pending
	if p == nil {
		return
	}
	d.pending = nil
	d.cancel(p.timer)
	old := d.running
	d.running = p.before
	if !d.dirty {
		d.candidate = p.before
	}
	d.record("root", "other", "rollback after a commit that was not confirmed", p.before)
	d.tellConfirm(s, why, 0)
	d.tellChange(nil, netconf.Running, old, p.before)
}

func (d *Device) record(user, client, log string, config *node) {
	d.commits = append([]commitRecord{{at: d.o.Now(), user: user, client: client, log: log, config: config}}, d.commits...)
	if len(d.commits) > maxCommits {
		d.commits = d.commits[:maxCommits]
	}
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// seconds reads a timeout in units, between one and a year's seconds.
func seconds(text string, unit, def time.Duration) (time.Duration, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 || n > 365*24*3600 {
		return 0, errors.New("confirm-timeout is out of range")
	}
	return time.Duration(n) * unit, nil
}
