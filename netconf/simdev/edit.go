package simdev

import (
	"fmt"
	"slices"
	"strings"

	"dialtone/netconf"
)

// editor applies one edit to one datastore. Errors are collected; stop tells it
// to end with the first one.
type editor struct {
	junos bool
	stop  bool
	errs  []*rpcError
}

func (e *editor) fail(err *rpcError) { e.errs = append(e.errs, err) }
func (e *editor) done() bool         { return e.stop && len(e.errs) > 0 }

// operation finds what an edit node asks for, in the standard form or with the
// attributes of Junos (delete="delete", replace="replace").
func (e *editor) operation(n *node, inherited string) string {
	for _, a := range n.attrs {
		if a.local == "operation" && (a.space == netconf.BaseNS || a.space == "" || e.junos) {
			return a.value
		}
	}
	if e.junos {
		for _, s := range []string{"delete", "replace"} {
			if v, ok := n.attr("", s); ok && v == s {
				return s
			}
		}
	}
	return inherited
}

// apply merges the children of edit into target, which it changes.
func (e *editor) apply(target, edit *node, s *schema, op, path string) {
	for _, n := range edit.kids {
		if e.done() {
			return
		}
		e.one(target, n, s, op, path)
	}
}

// one applies one edit node.
func (e *editor) one(target, n *node, s *schema, op, path string) {
	op = e.operation(n, op)
	cs, _ := s.child(n)
	at := path + "/" + e.label(n, cs)
	old := find(target, n, cs)
	switch op {
	case "create":
		if old != nil {
			e.fail(errExists(at))
			return
		}
	case "delete":
		if old == nil {
			e.fail(errMissing(at, n.local))
			return
		}
		remove(target, n, cs, old)
		return
	case "remove":
		if old != nil {
			remove(target, n, cs, old)
		}
		return
	case "replace":
		fresh := e.fresh(n, cs)
		e.apply(fresh, n, cs, "merge", at)
		if old != nil {
			target.replaceChild(old, fresh)
		} else {
			insert(target, fresh)
		}
		return
	case "none":
		if old == nil && !deeper(n) {
			e.fail(errMissing(at, n.local))
			return
		}
	case "merge":
	default:
		e.fail(&rpcError{typ: "protocol", tag: "bad-attribute", path: at, info: []*node{leaf("bad-attribute", "operation"), leaf("bad-element", n.local)},
			msg: fmt.Sprintf("operation %.40q is unknown", op)})
		return
	}
	e.merge(target, n, old, cs, op, at)
}

// merge is the part that merge, create and none share.
func (e *editor) merge(target, n, old *node, cs *schema, op, at string) {
	if leafLike(n, cs) {
		if op == "none" {
			return
		}
		fresh := e.fresh(n, cs)
		fresh.text = n.text
		if old != nil {
			target.replaceChild(old, fresh)
		} else {
			insert(target, fresh)
		}
		return
	}
	if old == nil {
		if _, isL := isList(cs, n); isL && op == "none" {
			e.fail(errMissing(at, n.local))
			return
		}
		old = e.fresh(n, cs)
		insert(target, old)
	} else if e.junos {
		e.activate(old, n)
	}
	below := n
	if keys, ok := isList(cs, n); ok {
		// The keys are there already; creating them again is no error.
		below = &node{}
		for _, k := range n.kids {
			if !slices.Contains(keys, k.local) {
				below.kids = append(below.kids, k)
			}
		}
	}
	e.apply(old, below, cs, op, at)
}

// activate takes over inactive="inactive" and active="active" of Junos.
func (e *editor) activate(old, n *node) {
	_, on := n.attr("", "active")
	_, off := n.attr("", "inactive")
	if !on && !off {
		return
	}
	old.attrs = nil
	if off {
		old.set("inactive", "inactive")
	}
}

// fresh makes the node that an edit node describes, with its keys only.
func (e *editor) fresh(n *node, cs *schema) *node {
	f := &node{space: n.space, local: n.local}
	if leafLike(n, cs) {
		f.text = n.text
	}
	if keys, ok := isList(cs, n); ok {
		for _, k := range keys {
			if c := n.child(k); c != nil {
				f.kids = append(f.kids, &node{space: c.space, local: c.local, text: c.text})
			}
		}
	}
	if e.junos && inactive(n) {
		f.set("inactive", "inactive")
	}
	return f
}

// leafLike tells a leaf from a container that happens to be empty.
func leafLike(n *node, cs *schema) bool {
	if cs != nil && !cs.open {
		return cs.kind != container && cs.kind != list
	}
	return len(n.kids) == 0 && (n.text != "" || cs == nil)
}

// find returns what target has in n's place: the same leaf, container, list
// entry or leaf-list value. An invented entry becomes a real one.
func find(target, n *node, cs *schema) *node {
	keys, isL := isList(cs, n)
	values := entryKeys(n, keys)
	for i := len(target.kids) - 1; i >= 0; i-- { // edits in order find the last one at once
		k := target.kids[i]
		if k.local != n.local || (k.space != n.space && n.space != "" && k.space != "") {
			continue
		}
		if isL && !sameKeys(k, keys, values) {
			continue
		}
		if cs != nil && cs.kind == leafList && n.text != "" && k.text != n.text {
			continue
		}
		return k
	}
	if isL && len(keys) == 1 && !target.bulk.empty() && n.local == "interface" {
		if made := target.bulk.find(n.value(keys[0])); made != nil {
			target.bulk.drop(n.value(keys[0]))
			target.kids = append(target.kids, made)
			return made
		}
	}
	return nil
}

// entryKeys are the values that name a list entry, read once for a search.
func entryKeys(n *node, keys []string) []string {
	values := make([]string, len(keys))
	for i, k := range keys {
		values[i] = n.value(k)
	}
	return values
}

// sameKeys tells whether entry a has these keys. Most lists have one key, and
// it stands first: long lists are searched a lot.
func sameKeys(a *node, keys, values []string) bool {
	if len(keys) == 1 && len(a.kids) > 0 && a.kids[0].local == keys[0] {
		return a.kids[0].text == values[0]
	}
	for i, k := range keys {
		if a.value(k) != values[i] {
			return false
		}
	}
	return true
}

// remove takes old out; a leaf-list without a value in the edit goes whole.
func remove(target, n *node, cs *schema, old *node) {
	target.removeChild(old)
	for cs != nil && cs.kind == leafList && n.text == "" {
		if old = find(target, n, cs); old == nil {
			return
		}
		target.removeChild(old)
	}
}

// insert puts a new child behind the others of its name.
func insert(target, fresh *node) {
	for i := len(target.kids) - 1; i >= 0; i-- {
		if target.kids[i].local == fresh.local {
			target.kids = slices.Insert(target.kids, i+1, fresh)
			return
		}
	}
	target.kids = append(target.kids, fresh)
}

// deeper tells whether an operation attribute stands somewhere below n.
func deeper(n *node) bool {
	for _, k := range n.kids {
		if _, ok := k.attr(netconf.BaseNS, "operation"); ok || deeper(k) {
			return true
		}
	}
	return false
}

// label is a step of an error path: interface[name='eth0'].
func (e *editor) label(n *node, cs *schema) string {
	keys, ok := isList(cs, n)
	if !ok {
		return n.local
	}
	var b strings.Builder
	b.WriteString(n.local)
	for _, k := range keys {
		fmt.Fprintf(&b, "[%s='%s']", k, n.value(k))
	}
	return b.String()
}

// validateEdit checks an edit against the schema before anything is applied.
func (e *editor) validateEdit(edit *node, s *schema, path string) {
	for _, n := range edit.kids {
		if e.done() {
			return
		}
		cs, known := s.child(n)
		if !known {
			e.fail(e.unknown(n, s, path))
			continue
		}
		at := path + "/" + e.label(n, cs)
		if cs == nil {
			continue
		}
		op := e.operation(n, "")
		switch cs.kind {
		case leafKind, leafList:
			if len(n.kids) > 0 {
				e.fail(e.unknown(n.kids[0], cs, at))
				continue
			}
			if why := cs.check(n.text); why != "" && op != "delete" && op != "remove" {
				e.fail(&rpcError{typ: "application", tag: "invalid-value", path: at, msg: why, info: []*node{leaf("bad-element", n.local)}, junosPath: junosPath(path)})
			}
		case list:
			for _, k := range cs.keys {
				if n.value(k) == "" {
					e.fail(&rpcError{typ: "protocol", tag: "missing-element", path: at, msg: fmt.Sprintf("list %s lacks its key %s", n.local, k), info: []*node{leaf("bad-element", k)}, junosPath: junosPath(path)})
				}
			}
			e.validateEdit(n, cs, at)
		case container:
			e.validateEdit(n, cs, at)
		}
	}
}

// unknown is the error for an element that the schema does not have.
func (e *editor) unknown(n *node, s *schema, path string) *rpcError {
	if e.junos {
		return &rpcError{typ: "protocol", tag: "operation-failed", msg: "syntax error", junosPath: junosPath(path),
			info: []*node{leaf("bad-element", n.local)}}
	}
	if len(path) == 0 {
		for _, k := range s.kids {
			if k.space == n.space {
				return &rpcError{typ: "application", tag: "unknown-element", path: "/" + n.local, msg: "the module has no such element",
					info: []*node{leaf("bad-element", n.local)}}
			}
		}
		return &rpcError{typ: "application", tag: "unknown-namespace", path: "/" + n.local, msg: "no module has this namespace",
			info: []*node{leaf("bad-element", n.local), leaf("bad-namespace", n.space)}}
	}
	return &rpcError{typ: "application", tag: "unknown-element", path: path + "/" + n.local, msg: "the module has no such element here",
		info: []*node{leaf("bad-element", n.local)}}
}

// junosPath turns /interfaces/interface[name='ge-0/0/0']/unit[name='0'] into
// [edit interfaces ge-0/0/0 unit 0].
func junosPath(path string) string {
	var words []string
	for _, step := range splitSteps(path) {
		name, keys, _ := strings.Cut(step, "[")
		if keys == "" {
			words = append(words, name)
			continue
		}
		_, v, _ := strings.Cut(keys, "='")
		v, _, _ = strings.Cut(v, "'")
		if name != "interface" && name != "contents" && name != "groups" {
			words = append(words, name)
		}
		words = append(words, v)
	}
	if len(words) == 0 {
		return "[edit]"
	}
	return "[edit " + strings.Join(words, " ") + "]"
}

// splitSteps cuts a path at slashes that stand outside of quotes.
func splitSteps(path string) []string {
	var steps []string
	quoted, from := false, 0
	for i := range len(path) {
		switch {
		case path[i] == '\'':
			quoted = !quoted
		case path[i] == '/' && !quoted:
			if i > from {
				steps = append(steps, path[from:i])
			}
			from = i + 1
		}
	}
	if from < len(path) {
		steps = append(steps, path[from:])
	}
	return steps
}
