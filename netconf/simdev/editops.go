package simdev

import (
	"fmt"
	"slices"

	"dialtone/netconf"
)

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
			if !slices.Contains(x.in, v) {
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
