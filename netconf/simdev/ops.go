package simdev

import (
	"fmt"

	"dialtone/netconf"
)

// dispatch answers one operation. The device's lock is held.
func (d *Device) dispatch(s *session, op *node, f Faults) *answer {
	if op.local != "close-session" && !d.offers("interleave") && s.listens() {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "a subscribed session takes no requests"})
	}
	if a := d.standard(s, op, f); a != nil {
		return a
	}
	if d.junos() {
		if a := d.native(s, op, f); a != nil {
			return a
		}
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", info: []*node{leaf("bad-element", op.local)},
			msg: "syntax error, expecting <rpc> content or </rpc>"})
	}
	return refuse(&rpcError{typ: "protocol", tag: "operation-not-supported", msg: fmt.Sprintf("there is no operation %.60q", op.local),
		info: []*node{leaf("bad-element", op.local)}})
}

// standard answers the operations of RFC 6241, 5277 and 6022; nil when op is
// none of them.
func (d *Device) standard(s *session, op *node, f Faults) *answer {
	switch op.space {
	case netconf.BaseNS, "":
	case netconf.NotificationNS:
		if op.local == "create-subscription" {
			return d.subscribe(s, op)
		}
		return nil
	case netconf.MonitoringNS:
		if op.local == "get-schema" {
			return d.getSchema(op)
		}
		return nil
	default:
		return nil
	}
	switch op.local {
	case "get":
		return d.get(s, op)
	case "get-config":
		return d.getConfig(s, op)
	case "edit-config":
		return d.editConfig(s, op)
	case "copy-config":
		return d.copyConfig(s, op)
	case "delete-config":
		return d.deleteConfig(s, op)
	case "lock", "unlock":
		return d.lockOp(s, op)
	case "validate":
		return d.validateOp(s, op)
	case "commit":
		return d.commitOp(s, op, f)
	case "cancel-commit":
		return d.cancelOp(s, op)
	case "discard-changes":
		return d.discardOp(s)
	case "close-session":
		return &answer{ok: true, then: func() error { return errEnd }}
	case "kill-session":
		return d.killOp(s, op)
	}
	return nil
}

// named reads the datastore inside <source> or <target>.
func (d *Device) named(op *node, where string) (netconf.Datastore, *rpcError) {
	w := op.child(where)
	if w == nil || len(w.kids) == 0 {
		return "", errMissingElement(where)
	}
	if len(w.kids) > 1 {
		return "", errInvalid("one datastore, please", where)
	}
	switch ds := netconf.Datastore(w.kids[0].local); ds {
	case netconf.Running, netconf.Candidate, netconf.Startup:
		if d.store(ds) == nil {
			return "", errUnsupported(fmt.Sprintf("the device has no %s datastore", ds))
		}
		return ds, nil
	case "url":
		return "", errUnsupported("files and addresses are not supported")
	}
	return "", &rpcError{typ: "protocol", tag: "bad-element", msg: fmt.Sprintf("%.40q is no datastore", w.kids[0].local), info: []*node{leaf("bad-element", w.kids[0].local)}}
}

// view is the tree that a session sees of a datastore: its own private copy of
// the candidate when it has one.
func (d *Device) view(s *session, ds netconf.Datastore) *node {
	if ds == netconf.Candidate && s.private != nil {
		return s.private.mine
	}
	return d.store(ds)
}

// wrap puts a configuration under the root that replies have.
func (d *Device) wrap(root *node) []*node {
	if !d.junos() {
		return root.kids
	}
	if len(root.kids) == 0 && root.bulk.empty() {
		return nil
	}
	return []*node{d.committed(root)}
}

func (d *Device) getConfig(s *session, op *node) *answer {
	ds, e := d.named(op, "source")
	if e != nil {
		return refuse(e)
	}
	root := d.view(s, ds)
	root, e = d.withDefaults(op, root)
	if e != nil {
		return refuse(e)
	}
	return d.filtered(op, d.wrap(root))
}

func (d *Device) get(s *session, op *node) *answer {
	root, e := d.withDefaults(op, d.running)
	if e != nil {
		return refuse(e)
	}
	kids := append([]*node(nil), d.wrap(root)...)
	return d.filtered(op, append(kids, d.state()...))
}

// filtered applies the operation's filter and wraps the rest in <data>.
func (d *Device) filtered(op *node, kids []*node) *answer {
	out := &node{local: "data", kids: kids}
	if f := op.child("filter"); f != nil {
		filters, e := d.filterOf(f)
		if e != nil {
			return refuse(e)
		}
		got := selectKids(out, filters)
		if got == nil {
			got = &node{}
		}
		out = &node{local: "data", kids: got.kids, bulk: got.bulk}
	}
	return data(out)
}

// filterOf reads a <filter> of either type.
func (d *Device) filterOf(f *node) ([]*node, *rpcError) {
	typ, ok := f.attr(netconf.BaseNS, "type")
	if !ok {
		typ = "subtree"
	}
	switch typ {
	case "subtree":
		if d.junos() {
			return plain(f.clone()).kids, nil
		}
		return f.kids, nil
	case "xpath":
		if !d.offers("xpath") {
			return nil, &rpcError{typ: "protocol", tag: "bad-attribute", msg: "xpath filters are not supported", info: []*node{leaf("bad-attribute", "type"), leaf("bad-element", "filter")}}
		}
		sel, ok := f.attr("", "select")
		if !ok {
			return nil, &rpcError{typ: "protocol", tag: "missing-attribute", msg: "select is missing", info: []*node{leaf("bad-attribute", "select"), leaf("bad-element", "filter")}}
		}
		filters, err := parseXPath(sel, f.ns)
		if err != nil {
			return nil, &rpcError{typ: "protocol", tag: "invalid-value", msg: err.Error(), info: []*node{leaf("bad-attribute", "select"), leaf("bad-element", "filter")}}
		}
		return filters, nil
	}
	return nil, &rpcError{typ: "protocol", tag: "bad-attribute", msg: fmt.Sprintf("there is no filter type %.40q", typ), info: []*node{leaf("bad-attribute", "type"), leaf("bad-element", "filter")}}
}

func (d *Device) killOp(s *session, op *node) *answer {
	id := op.value("session-id")
	if id == "" {
		return refuse(errMissingElement("session-id"))
	}
	if id == utoa(s.id) {
		return refuse(errInvalid("a session cannot kill itself", "session-id"))
	}
	for _, o := range d.sessions {
		if utoa(o.id) == id {
			d.release(o, "killed")
			return &answer{ok: true, then: func() error { o.close(); return nil }}
		}
	}
	return refuse(errInvalid("there is no such session", "session-id"))
}
