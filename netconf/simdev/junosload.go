package simdev

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"dialtone/netconf"
)

// loadConfiguration is load-configuration in all its formats. Everything ends
// as one edit of the candidate.
func (d *Device) loadConfiguration(s *session, op *node) *answer {
	get := func(name string) string { v, _ := op.attr("", name); return v }
	if _, ok := op.attr("", "url"); ok {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "loading from a file or an address is not supported", info: []*node{leaf("bad-element", "url")}})
	}
	if e := d.mayEdit(s, netconf.Candidate); e != nil {
		return refuse(e)
	}
	if n, ok := op.attr("", "rollback"); ok {
		return d.loadRollback(s, n)
	}
	if _, ok := op.attr("", "rescue"); ok {
		if d.rescue == nil {
			return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "no rescue configuration is set"})
		}
		d.put(s, netconf.Candidate, d.rescue)
		return loaded(nil)
	}
	action := get("action")
	if action == "" {
		action = "merge"
	}
	if !slices.Contains([]string{"merge", "replace", "override", "update", "set"}, action) {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("the action %.30q is not supported", action), info: []*node{leaf("bad-element", "action")}})
	}
	edit, e := d.loadBody(op)
	if e != nil {
		return loaded([]*rpcError{e})
	}
	return d.loadEdit(s, edit, action)
}

// loadBody reads the configuration inside the operation as an edit.
func (d *Device) loadBody(op *node) (*node, *rpcError) {
	if len(op.kids) != 1 {
		return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: "missing configuration", info: []*node{leaf("bad-element", "load-configuration")}}
	}
	body := op.kids[0]
	switch body.local {
	case "configuration":
		return plain(tidy(body.clone())), nil
	case "configuration-text":
		return parseText(body.text, d.model)
	case "configuration-set":
		return parseSet(body.text, d.model)
	case "configuration-json":
		return parseJSON(body.text)
	}
	return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: "syntax error", info: []*node{leaf("bad-element", body.local)}}
}

// loadEdit applies an edit to the candidate. Deleting what is not there is a
// warning, as Junos has it.
func (d *Device) loadEdit(s *session, edit *node, action string) *answer {
	o := editOptions{defaultOp: "merge", test: "test-then-set", onError: "continue-on-error"}
	if action == "override" || action == "update" {
		o.defaultOp = "replace"
	}
	errs := d.edit(s, netconf.Candidate, edit, o)
	for _, e := range errs {
		if e.tag == "data-missing" {
			e.warning = true
		}
	}
	return loaded(errs)
}

// loaded makes the reply of a load.
func loaded(errs []*rpcError) *answer {
	n := el("load-configuration-results", errNodes(errs)...)
	for _, e := range errs {
		if !e.warning {
			return data(n)
		}
	}
	return data(n.add(el("ok")))
}

func (d *Device) loadRollback(s *session, which string) *answer {
	c, e := d.rollbackTree(which)
	if e != nil {
		return refuse(e)
	}
	d.put(s, netconf.Candidate, c)
	return loaded(nil)
}

// rollbackTree is the configuration of an earlier commit; 0 is the last one.
func (d *Device) rollbackTree(which string) (*node, *rpcError) {
	n, err := strconv.Atoi(which)
	if err != nil || n < 0 || n >= maxCommits {
		return nil, &rpcError{typ: "protocol", tag: "invalid-value", msg: fmt.Sprintf("invalid rollback number %.20q", which), info: []*node{leaf("bad-element", "rollback")}}
	}
	if n == 0 {
		return d.running, nil
	}
	if n >= len(d.commits) {
		return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("rollback %d does not exist", n), info: []*node{leaf("bad-element", "rollback")}}
	}
	return d.commits[n].config, nil
}

// editText is edit-config with a text configuration inside config-text.
func (d *Device) editText(s *session, ds netconf.Datastore, t *node) *answer {
	edit, e := parseText(t.value("configuration-text"), d.model)
	if e != nil {
		return refuse(e)
	}
	if errs := d.edit(s, ds, edit, editOptions{"merge", "test-then-set", "stop-on-error"}); len(errs) > 0 {
		return refuse(errs...)
	}
	return okay()
}

// walk follows the words of a set command or of a text statement from cur,
// making what is not there. It returns the node that the last word named.
func walk(cur *node, s *schema, words []string, path string) (*node, *schema, *rpcError) {
	bad := func(w string) (*node, *schema, *rpcError) {
		return nil, nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: "syntax error", junosPath: junosPath(path), info: []*node{leaf("bad-element", w)}}
	}
	for i := 0; i < len(words); {
		w := words[i]
		if s == nil || s.open {
			return nil, nil, &rpcError{typ: "protocol", tag: "operation-failed", junosPath: junosPath(path),
				msg: "this part can be loaded as XML only", info: []*node{leaf("bad-element", w)}}
		}
		if len(s.kids) == 0 {
			return bad(w)
		}
		c := s.named(w)
		if c != nil && (c.anon || slices.Contains(s.keys, c.local)) {
			c = nil
		}
		i++
		if c == nil {
			if c = s.anonymous(); c == nil {
				return bad(w)
			}
			i--
		}
		value := func() (string, bool) {
			if i < len(words) {
				i++
				return words[i-1], true
			}
			return "", false
		}
		switch c.kind {
		case container:
			cur = under(cur, &node{local: c.local}, c)
		case empty:
			cur = under(cur, &node{local: c.local}, c)
		case list:
			key, ok := value()
			if !ok {
				return cur, s, &rpcError{typ: "protocol", tag: "operation-failed", msg: "missing argument", junosPath: junosPath(path), info: []*node{leaf("bad-element", w)}}
			}
			cur = under(cur, el(c.local, leaf(c.keys[0], key)), c)
			path += "/" + c.local + "[" + c.keys[0] + "='" + key + "']"
			s = c
			continue
		case leafKind:
			v, ok := value()
			if !ok {
				return cur, s, &rpcError{typ: "protocol", tag: "operation-failed", msg: "missing argument", junosPath: junosPath(path), info: []*node{leaf("bad-element", w)}}
			}
			n := under(cur, leaf(c.local, v), c)
			n.text = v
			if c.anon {
				continue
			}
			cur = n
		case leafList:
			vs := words[i:]
			if len(vs) == 0 {
				return cur, s, &rpcError{typ: "protocol", tag: "operation-failed", msg: "missing argument", junosPath: junosPath(path), info: []*node{leaf("bad-element", w)}}
			}
			if vs[0] != "[" {
				vs = vs[:1]
				i++
			} else {
				end := slices.Index(vs, "]")
				if end < 0 {
					return bad("[")
				}
				vs, i = vs[1:end], i+end+1
			}
			for _, v := range vs {
				under(cur, leaf(c.local, v), c)
			}
			s = c
			continue
		}
		path += "/" + c.local
		s = c
	}
	return cur, s, nil
}

// anonymous is the child that takes a word which is no statement's name.
func (s *schema) anonymous() *schema {
	for _, k := range s.kids {
		if k.anon {
			return k
		}
	}
	return nil
}

// under finds n's place below cur, or makes it.
func under(cur, n *node, s *schema) *node {
	if old := find(cur, n, s); old != nil {
		if _, ok := old.attr("", "operation"); !ok {
			return old
		}
	}
	cur.kids = append(cur.kids, n)
	return n
}

// parseSet reads set commands: set, delete, activate and deactivate.
func parseSet(text string, s *schema) (*node, *rpcError) {
	root := &node{local: "configuration"}
	for i, line := range strings.Split(text, "\n") {
		words, err := fields(line)
		if err == nil && (len(words) == 0 || strings.HasPrefix(words[0], "#")) {
			continue
		}
		fail := func(msg, bad string) *rpcError {
			return &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("line %d: %s", i+1, msg), info: []*node{leaf("bad-element", bad)}}
		}
		if err != nil {
			return nil, fail(err.Error(), line)
		}
		verb := words[0]
		if !slices.Contains([]string{"set", "delete", "activate", "deactivate"}, verb) {
			return nil, fail("this command is not supported", verb)
		}
		if len(words) == 1 {
			return nil, fail("missing statement", verb)
		}
		if verb != "set" {
			words, verb = words[1:], words[0]
			if e := mark(root, s, words, verb); e != nil {
				e.msg = fmt.Sprintf("line %d: %s", i+1, e.msg)
				return nil, e
			}
			continue
		}
		part := &node{local: "configuration"}
		if _, _, e := walk(part, s, words[1:], ""); e != nil {
			e.msg = fmt.Sprintf("line %d: %s", i+1, e.msg)
			return nil, e
		}
		graft(root, part)
	}
	return root, nil
}

// mark puts the operation of a delete, activate or deactivate command on the
// statement that words name. A leaf may be named without its value.
func mark(root *node, s *schema, words []string, verb string) *rpcError {
	part := &node{local: "configuration"}
	_, _, e := walk(part, s, words, "")
	if e != nil {
		last := words[len(words)-1]
		if e.msg != "missing argument" {
			return e
		}
		cur, cs, e2 := walk(part, s, words[:len(words)-1], "")
		if e2 != nil {
			return e2
		}
		c := cs.named(last)
		if c == nil {
			return e
		}
		cur.add(&node{local: last})
	}
	n := part
	for {
		next := n.kids
		if len(next) == 0 || len(next) == 1 && len(n.kids) == 1 && isListKey(n, next[0]) {
			break
		}
		n = next[len(next)-1]
	}
	switch verb {
	case "delete":
		n.set("operation", "delete")
	case "deactivate":
		n.set("inactive", "inactive")
	case "activate":
		n.set("active", "active")
	}
	graft(root, part)
	return nil
}

// isListKey tells whether k is the only thing a list entry says: its key.
func isListKey(n, k *node) bool {
	return n.local != "configuration" && len(k.kids) == 0 && k.text != "" && isKeyName(k.local)
}

// graft adds the children of part to root, one command after another.
func graft(root, part *node) { root.kids = append(root.kids, part.kids...) }

// fields splits a line into words; quotes keep blanks together.
func fields(line string) ([]string, error) {
	var words []string
	var cur strings.Builder
	in, quoted := false, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			i++
			cur.WriteByte(line[i])
		case c == '"':
			quoted, in = !quoted, true
		case !quoted && (c == ' ' || c == '\t' || c == '\r'):
			if in {
				words, in = append(words, cur.String()), false
				cur.Reset()
			}
		default:
			cur.WriteByte(c)
			in = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is not closed")
	}
	if in {
		words = append(words, cur.String())
	}
	return words, nil
}
