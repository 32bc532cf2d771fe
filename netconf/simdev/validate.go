package simdev

import (
	"fmt"
	"strconv"
)

func (d *Device) validateOp(s *session, op *node) *answer {
	if !d.offers("validate") {
		return refuse(errUnsupported("the device does not validate"))
	}
	root, _, e := d.sourceTree(s, op)
	if e == nil {
		e = d.validate(root)
	}
	return result(e)
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
