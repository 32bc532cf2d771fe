package simdev

import (
	"errors"
	"fmt"
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

// validate checks what the schema cannot say. It returns the first problem.
func (d *Device) validate(root *node) *rpcError {
	if d.junos() {
		return validateJunos(root)
	}
	return validateRFC(root)
}

func validateRFC(root *node) *rpcError {
	ifs := root.child("interfaces")
	sys := root.child("system")
	if sys == nil {
		return nil
	}
	for _, r := range sys.kids {
		if r.local != "static-route" {
			continue
		}
		out := r.value("out-interface")
		if out == "" || ifs != nil && (entry(ifs, "interface", out) != nil || ifs.bulk.find(out) != nil) {
			continue
		}
		return &rpcError{typ: "application", tag: "data-missing", app: "instance-required",
			path: fmt.Sprintf("/system/static-route[prefix='%s']/out-interface", r.value("prefix")),
			msg:  fmt.Sprintf("interface %.40q does not exist", out), info: []*node{leaf("bad-element", "out-interface")}}
	}
	return nil
}

func validateJunos(root *node) *rpcError {
	if ifs := root.child("interfaces"); ifs != nil {
		for _, i := range ifs.kids {
			for _, u := range i.kids {
				if u.local != "unit" {
					continue
				}
				n, err := strconv.Atoi(u.value("name"))
				if err != nil || n > 16385 {
					return &rpcError{typ: "protocol", tag: "operation-failed", junosPath: "[edit interfaces " + i.value("name") + "]",
						msg: "logical unit is not allowed", info: []*node{leaf("bad-element", "unit "+u.value("name"))}}
				}
			}
		}
	}
	if bgp := root.path("protocols", "bgp"); bgp != nil {
		for _, g := range bgp.kids {
			if g.local != "group" || g.value("type") != "external" || g.value("peer-as") != "" {
				continue
			}
			for _, n := range g.kids {
				if n.local == "neighbor" && n.value("peer-as") == "" {
					return &rpcError{typ: "protocol", tag: "operation-failed",
						junosPath: "[edit protocols bgp group " + g.value("name") + " neighbor " + n.value("name") + "]",
						msg:       "peer AS number must be configured for an external peer", info: []*node{leaf("bad-element", "neighbor "+n.value("name"))}}
				}
			}
		}
	}
	return nil
}

// entry finds a list entry by name.
func entry(parent *node, local, name string) *node {
	if parent == nil {
		return nil
	}
	for _, k := range parent.kids {
		if k.local == local && k.value("name") == name {
			return k
		}
	}
	return nil
}

func (d *Device) inUse(ds netconf.Datastore, holder *session) *rpcError {
	e := &rpcError{typ: "protocol", tag: "in-use", msg: fmt.Sprintf("%s is locked by session %d", ds, holder.id)}
	if d.junos() {
		e.msg = "configuration database locked by:\n  " + d.holderText(holder)
	}
	return e
}

func (d *Device) holderText(h *session) string {
	return fmt.Sprintf("%s terminal  (pid %d) on since %s, idle 00:00:00\n      exclusive [edit]",
		h.user, h.id, h.since.UTC().Format("2006-01-02 15:04:05 MST"))
}

// lock takes a datastore for s (RFC 6241 section 7.5).
func (d *Device) lock(s *session, ds netconf.Datastore) *rpcError {
	denied := func(id uint32, msg string) *rpcError {
		return &rpcError{typ: "protocol", tag: "lock-denied", msg: msg, info: []*node{leaf("session-id", utoa(id))}}
	}
	if h := d.locks[ds]; h != nil {
		if d.junos() {
			return denied(h.id, "configuration database locked by:\n  "+d.holderText(h))
		}
		return denied(h.id, fmt.Sprintf("%s is locked by session %d", ds, h.id))
	}
	if ds == netconf.Candidate && d.dirty {
		if d.junos() {
			return denied(0, "configuration database modified")
		}
		return denied(0, "the candidate holds changes that are not committed")
	}
	if p := d.pending; p != nil && ds == netconf.Running && p.owner != s {
		id := uint32(0)
		if p.owner != nil {
			id = p.owner.id
		}
		return denied(id, "a confirmed commit of another session is pending")
	}
	d.locks[ds] = s
	return nil
}

// unlock gives a datastore back; uncommitted changes to the candidate go.
func (d *Device) unlock(s *session, ds netconf.Datastore) *rpcError {
	if d.locks[ds] != s {
		return &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("this session does not hold the lock of %s", ds)}
	}
	delete(d.locks, ds)
	if ds == netconf.Candidate {
		d.discard()
	}
	return nil
}

func (d *Device) discard() { d.candidate, d.dirty = d.running, false }

// enter registers a session.
func (d *Device) enter(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nextID++
	s.id, s.since = d.nextID, d.o.Now()
	d.sessions[s.id] = s
	d.counts.sessions++
}

// leave takes a session out.
func (d *Device) leave(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.release(s, "closed")
}

// release drops what a session held: locks, edits under its lock, its private
// copy, a confirmed commit that is tied to it. The lock is held; a second call
// does nothing.
func (d *Device) release(s *session, why string) {
	if s.dead {
		return
	}
	s.dead = true
	delete(d.sessions, s.id)
	for ds, h := range d.locks {
		if h == s {
			_ = d.unlock(s, ds) // s holds it
		}
	}
	s.private = nil
	if p := d.pending; p != nil && p.owner == s {
		p.owner = nil
		if p.tied && !d.faults.KeepOnLoss {
			d.rollBack("cancel", s)
		}
	}
	d.tellSession(s, "netconf-session-end", why)
}

func (d *Device) badHello() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts.badHellos++
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
