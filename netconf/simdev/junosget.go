package simdev

import (
	"fmt"

	"dialtone/netconf"
)

// getConfiguration is get-configuration.
func (d *Device) getConfiguration(s *session, op *node) *answer {
	get := func(name string) string { v, _ := op.attr("", name); return v }
	bad := func(attr string) *answer {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("invalid value %.30q for %s", get(attr), attr), info: []*node{leaf("bad-element", attr)}})
	}
	if _, ok := op.attr("", "url"); ok {
		return bad("url")
	}
	root := d.view(s, netconf.Candidate)
	switch get("database") {
	case "", "candidate":
	case "committed":
		root = d.running
	default:
		return bad("database")
	}
	if get("compare") != "" {
		if get("compare") != "rollback" {
			return bad("compare")
		}
		which := get("rollback")
		if which == "" {
			which = "0"
		}
		old, e := d.rollbackTree(which)
		if e != nil {
			return refuse(e)
		}
		return d.compared(old, root, get("format"))
	}
	if f := op.child("configuration"); f != nil && len(f.kids) > 0 {
		filter := plain(f.clone())
		got := selectKids(&node{kids: root.kids}, filter.kids)
		if got == nil {
			got = &node{}
		}
		root = &node{local: "data", kids: got.kids}
	}
	switch get("format") {
	case "", "xml":
		return data(d.configuration(s, root, get("database") != "committed"))
	case "text":
		return data(&node{space: XnmNS, local: "configuration-text", text: "\n" + d.lastChanged() + string(textConfig(root, d.model))})
	case "set":
		return data(&node{space: XnmNS, local: "configuration-set", text: "\n" + string(setConfig(root, d.model))})
	case "json":
		return data(&node{local: "configuration-json", text: "\n" + string(jsonConfig(root, d.model))})
	}
	return bad("format")
}

func (d *Device) lastChanged() string {
	return fmt.Sprintf("## Last changed: %s by %s\n", d.commits[0].at.UTC().Format(junosTime), d.commits[0].user)
}

// configuration is the XML form with the attributes that tell when it was last
// changed or committed.
func (d *Device) configuration(s *session, root *node, candidate bool) *node {
	if candidate && d.dirty && s.private == nil {
		c := &node{space: XnmNS, local: "configuration", kids: root.kids}
		c.set("junos:changed-seconds", fmt.Sprint(d.changed.Unix()))
		c.set("junos:changed-localtime", d.changed.UTC().Format(junosTime))
		return c
	}
	return d.committed(root)
}

// committed is the XML form with the attributes of the last commit.
func (d *Device) committed(root *node) *node {
	c := &node{space: XnmNS, local: "configuration", kids: root.kids}
	last := d.commits[0]
	c.set("junos:commit-seconds", fmt.Sprint(last.at.Unix()))
	c.set("junos:commit-localtime", last.at.UTC().Format(junosTime))
	c.set("junos:commit-user", last.user)
	return c
}

// compared is the reply of get-configuration compare.
func (d *Device) compared(old, root *node, format string) *answer {
	switch format {
	case "", "text":
		return data(el("configuration-information", leaf("configuration-output", compareText(old, root, d.model))))
	}
	return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "this format is not supported with compare", info: []*node{leaf("bad-element", "format")}})
}
