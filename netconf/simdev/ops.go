package simdev

import (
	"fmt"
	"time"

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
	c := &node{space: XnmNS, local: "configuration", kids: root.kids}
	last := d.commits[0]
	c.set("junos:commit-seconds", fmt.Sprint(last.at.Unix()))
	c.set("junos:commit-localtime", last.at.UTC().Format("2006-01-02 15:04:05 MST"))
	c.set("junos:commit-user", last.user)
	return []*node{c}
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

func (d *Device) editConfig(s *session, op *node) *answer {
	ds, e := d.named(op, "target")
	if e != nil {
		return refuse(e)
	}
	if e := d.mayEdit(s, ds); e != nil {
		return refuse(e)
	}
	config := op.child("config")
	if config == nil {
		if op.has("url") {
			return refuse(errUnsupported("files and addresses are not supported"))
		}
		if t := op.child("config-text"); t != nil && d.junos() {
			return d.editText(s, ds, t)
		}
		return refuse(errMissingElement("config"))
	}
	o, e := d.editOptions(op)
	if e != nil {
		return refuse(e)
	}
	edit := tidy(config.clone())
	if d.junos() {
		if len(edit.kids) != 1 || edit.kids[0].local != "configuration" {
			return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "syntax error", info: []*node{leaf("bad-element", "config")}})
		}
		edit = plain(edit.kids[0])
	}
	errs := d.edit(s, ds, edit, o)
	if len(errs) > 0 {
		return refuse(errs...)
	}
	return okay()
}

// editOptions are the three options of edit-config.
type editOptions struct {
	defaultOp, test, onError string
}

func (d *Device) editOptions(op *node) (editOptions, *rpcError) {
	o := editOptions{"merge", "test-then-set", "stop-on-error"}
	for _, x := range []struct {
		name string
		to   *string
		in   []string
	}{
		{"default-operation", &o.defaultOp, []string{"merge", "replace", "none"}},
		{"test-option", &o.test, []string{"test-then-set", "set", "test-only"}},
		{"error-option", &o.onError, []string{"stop-on-error", "continue-on-error", "rollback-on-error"}},
	} {
		if v := op.value(x.name); v != "" {
			if !listed(x.in, v) {
				return o, errInvalid(fmt.Sprintf("%.40q is no %s", v, x.name), x.name)
			}
			*x.to = v
		}
	}
	if op.has("test-option") && !d.offers("validate") || o.test == "test-only" && !d.offers("validate:1.1") {
		return o, errUnsupported("the device does not offer this test-option")
	}
	if o.onError == "rollback-on-error" && !d.offers("rollback-on-error") {
		return o, errUnsupported("the device does not offer rollback-on-error")
	}
	return o, nil
}

// edit applies an edit to a datastore as the options say and returns what went
// wrong. With stop-on-error what was done before the error stays, as RFC 6241
// section 7.2 has it.
func (d *Device) edit(s *session, ds netconf.Datastore, edit *node, o editOptions) []*rpcError {
	ed := &editor{junos: d.junos(), stop: o.onError != "continue-on-error"}
	if o.test != "set" {
		ed.validateEdit(edit, d.model, "")
		if len(ed.errs) > 0 {
			return ed.errs
		}
	}
	work := d.view(s, ds).clone()
	if o.defaultOp == "replace" {
		work = &node{local: "data"}
		o.defaultOp = "merge"
	}
	ed.apply(work, edit, d.model, o.defaultOp, "")
	if o.test == "test-only" {
		if e := d.validate(work); e != nil {
			ed.fail(e)
		}
		return ed.errs
	}
	if ds == netconf.Running && len(ed.errs) == 0 {
		if e := d.validate(work); e != nil {
			return []*rpcError{e}
		}
	}
	if (len(ed.errs) == 0 || o.onError != "rollback-on-error") && !same(work, d.view(s, ds)) {
		d.put(s, ds, work)
	}
	return ed.errs
}

// put makes root the content of a datastore.
func (d *Device) put(s *session, ds netconf.Datastore, root *node) {
	switch ds {
	case netconf.Candidate:
		if s.private != nil {
			s.private.mine = root
			return
		}
		d.candidate, d.dirty, d.changed = root, true, d.o.Now()
	case netconf.Running:
		old := d.running
		d.running = root
		if !d.dirty {
			d.candidate = root
		}
		d.record(s.user, "netconf", "", root)
		d.tellChange(s, ds, old, root)
	case netconf.Startup:
		old := d.startup
		d.startup = root
		d.tellChange(s, ds, old, root)
	}
}

// mayEdit checks locks and capabilities.
func (d *Device) mayEdit(s *session, ds netconf.Datastore) *rpcError {
	if ds == netconf.Running && !d.offers("writable-running") {
		return errUnsupported("running cannot be edited: edit the candidate and commit")
	}
	if h := d.locks[ds]; h != nil && h != s && !(s.private != nil && ds == netconf.Candidate) {
		return d.inUse(ds, h)
	}
	if p := d.pending; p != nil && ds == netconf.Running && p.owner != s {
		return &rpcError{typ: "protocol", tag: "in-use", msg: "a confirmed commit of another session is pending"}
	}
	return nil
}

func (d *Device) copyConfig(s *session, op *node) *answer {
	to, e := d.named(op, "target")
	if e != nil {
		return refuse(e)
	}
	if e := d.mayEdit(s, to); e != nil {
		return refuse(e)
	}
	root, from, e := d.sourceTree(s, op)
	if e != nil {
		return refuse(e)
	}
	if from == to {
		return refuse(errInvalid("source and target are the same", "target"))
	}
	if to == netconf.Running {
		if e := d.validate(root); e != nil {
			return refuse(e)
		}
	}
	d.put(s, to, root)
	if to == netconf.Candidate && from == netconf.Running && s.private == nil {
		d.dirty = false
	}
	return okay()
}

// sourceTree is what <source> of copy-config and validate names.
func (d *Device) sourceTree(s *session, op *node) (*node, netconf.Datastore, *rpcError) {
	src := op.child("source")
	if c := src.child("config"); c != nil {
		edit := tidy(c.clone())
		if d.junos() && len(edit.kids) == 1 {
			edit = plain(edit.kids[0])
		}
		ed := &editor{junos: d.junos(), stop: true}
		ed.validateEdit(edit, d.model, "")
		root := &node{local: "data"}
		if len(ed.errs) == 0 {
			ed.apply(root, edit, d.model, "merge", "")
		}
		if len(ed.errs) > 0 {
			return nil, "", ed.errs[0]
		}
		return root, "", nil
	}
	ds, e := d.named(op, "source")
	if e != nil {
		return nil, "", e
	}
	return d.view(s, ds), ds, nil
}

func (d *Device) deleteConfig(s *session, op *node) *answer {
	ds, e := d.named(op, "target")
	if e != nil {
		return refuse(e)
	}
	if ds != netconf.Startup {
		return refuse(errUnsupported(fmt.Sprintf("%s cannot be deleted", ds)))
	}
	if e := d.mayEdit(s, ds); e != nil {
		return refuse(e)
	}
	d.put(s, ds, &node{local: "data"})
	return okay()
}

func (d *Device) lockOp(s *session, op *node) *answer {
	ds, e := d.named(op, "target")
	if e == nil && op.local == "lock" {
		e = d.lock(s, ds)
	} else if e == nil {
		e = d.unlock(s, ds)
	}
	if e != nil {
		return refuse(e)
	}
	return okay()
}

func (d *Device) validateOp(s *session, op *node) *answer {
	if !d.offers("validate") {
		return refuse(errUnsupported("the device does not validate"))
	}
	root, _, e := d.sourceTree(s, op)
	if e == nil {
		e = d.validate(root)
	}
	if e != nil {
		return refuse(e)
	}
	return okay()
}

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
