package simdev

import (
	"time"

	"dialtone/netconf"
)

func (d *Device) commitOp(s *session, op *node, f Faults) *answer {
	if !d.offers("candidate") {
		return refuse(errUnsupported("the device has no candidate datastore"))
	}
	o := commitOrder{confirmed: op.has("confirmed"), persist: op.value("persist"), persistID: op.value("persist-id"), client: "netconf"}
	if o.confirmed && !d.offers("confirmed-commit") || (op.has("persist") || op.has("persist-id")) && !d.offers("confirmed-commit:1.1") {
		return refuse(errUnsupported("the device does not offer this kind of commit"))
	}
	if !o.confirmed && (op.has("persist") || op.has("confirm-timeout")) {
		return refuse(errMissingElement("confirmed"))
	}
	if op.has("persist") && o.persist == "" {
		return refuse(errInvalid("persist is empty", "persist"))
	}
	var err error
	if o.timeout, err = seconds(op.value("confirm-timeout"), time.Second, 600*time.Second); err != nil {
		return refuse(errInvalid(err.Error(), "confirm-timeout"))
	}
	return d.commitFrom(s, o, f)
}

// commitFrom commits the candidate, or a private copy merged into running.
func (d *Device) commitFrom(s *session, o commitOrder, f Faults) *answer {
	o.from = d.candidate
	if p := s.private; p != nil {
		o.from = merge3(p.base, p.mine, d.running, d.model)
	}
	shared, dirty := d.candidate, d.dirty
	if e := d.commit(s, o, f); e != nil {
		return refuse(e)
	}
	if s.private != nil {
		s.private = &private{d.running, d.running}
		if dirty { // other people's edits in the shared candidate stay
			d.candidate, d.dirty = shared, true
		}
	}
	return okay()
}

func (d *Device) cancelOp(s *session, op *node) *answer {
	if !d.offers("confirmed-commit:1.1") {
		return refuse(errUnsupported("the device does not offer cancel-commit"))
	}
	p, id := d.pending, op.value("persist-id")
	switch {
	case p == nil:
		return refuse(errFailed("no confirmed commit is pending"))
	case p.persist != id:
		return refuse(errInvalid("the persist-id is not that of the pending commit", "persist-id"))
	case p.persist == "" && p.owner != s:
		return refuse(&rpcError{typ: "protocol", tag: "in-use", msg: "a confirmed commit of another session is pending"})
	}
	d.rollBack("cancel", s)
	return okay()
}

func (d *Device) discardOp(s *session) *answer {
	if !d.offers("candidate") {
		return refuse(errUnsupported("the device has no candidate datastore"))
	}
	if s.private != nil {
		s.private.mine = s.private.base
		return okay()
	}
	if h := d.locks[netconf.Candidate]; h != nil && h != s {
		return refuse(d.inUse(netconf.Candidate, h))
	}
	d.discard()
	return okay()
}
