package simdev

import (
	"fmt"

	"dialtone/netconf"
)

func (d *Device) lockOp(s *session, op *node) *answer {
	ds, e := d.named(op, "target")
	if e == nil && op.local == "lock" {
		e = d.lock(s, ds)
	} else if e == nil {
		e = d.unlock(s, ds)
	}
	return result(e)
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
		h.user, h.id, h.since.UTC().Format(junosTime))
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
