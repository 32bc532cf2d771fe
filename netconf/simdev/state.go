package simdev

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"dialtone/netconf"
)

const (
	withDefaultsNS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
	defaultNS      = "urn:ietf:params:xml:ns:netconf:default:1.0"
)

// state is what <get> shows beside the configuration: netconf-state
// (RFC 6022) and the event streams (RFC 5277).
func (d *Device) state() []*node {
	if !d.offers("monitoring") {
		return nil
	}
	caps := el("capabilities")
	for _, c := range d.capabilities() {
		caps.add(leaf("capability", c))
	}
	stores := el("datastores")
	for _, ds := range []netconf.Datastore{netconf.Running, netconf.Candidate, netconf.Startup} {
		if d.store(ds) == nil {
			continue
		}
		n := el("datastore", leaf("name", string(ds)))
		if h := d.locks[ds]; h != nil {
			n.add(el("locks", el("global-lock", leaf("locked-by-session", utoa(h.id)), leaf("locked-time", stamp(h.since)))))
		}
		stores.add(n)
	}
	out := []*node{inNS(netconf.MonitoringNS, el("netconf-state", caps, stores, d.schemas(), d.sessionList(), d.statistics()))}
	if d.offers("notification") {
		created := d.booted
		if len(d.events) > 0 {
			created = d.events[0].at
		}
		out = append(out, inNS(netmodNS, el("netconf", el("streams", el("stream",
			leaf("name", "NETCONF"), leaf("description", "events of the device"),
			leaf("replaySupport", "true"), leaf("replayLogCreationTime", stamp(created)))))))
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func (d *Device) schemas() *node {
	n := el("schemas")
	if !d.junos() {
		n.add(el("schema", leaf("identifier", "dialtone-lab"), leaf("version", "2026-11-01"), leaf("format", "yang"),
			leaf("namespace", LabNS), leaf("location", "NETCONF")))
	}
	return n
}

func (d *Device) sessionList() *node {
	n := el("sessions")
	for _, id := range slices.Sorted(maps.Keys(d.sessions)) {
		s := d.sessions[id]
		n.add(el("session", leaf("session-id", utoa(id)), leaf("transport", "netconf-ssh"), leaf("username", s.user),
			leaf("source-host", "127.0.0.1"), leaf("login-time", stamp(s.since)), leaf("in-rpcs", fmt.Sprint(s.inRPCs)),
			leaf("in-bad-rpcs", fmt.Sprint(s.bad)), leaf("out-rpc-errors", fmt.Sprint(s.errs)), leaf("out-notifications", "0")))
	}
	return n
}

func (d *Device) statistics() *node {
	c := d.counts
	return el("statistics", leaf("netconf-start-time", stamp(d.booted)), leaf("in-bad-hellos", fmt.Sprint(c.badHellos)),
		leaf("in-sessions", fmt.Sprint(c.sessions)), leaf("dropped-sessions", "0"), leaf("in-rpcs", fmt.Sprint(c.inRPCs)),
		leaf("in-bad-rpcs", fmt.Sprint(c.badRPCs)), leaf("out-rpc-errors", fmt.Sprint(c.outErrors)),
		leaf("out-notifications", fmt.Sprint(c.notifications)))
}

func (d *Device) getSchema(op *node) *answer {
	if !d.offers("monitoring") {
		return refuse(errUnsupported("the device hands out no schemas"))
	}
	if !op.has("identifier") {
		return refuse(errMissingElement("identifier"))
	}
	if op.value("identifier") != "dialtone-lab" || d.junos() {
		return refuse(errInvalid("there is no such schema", "identifier"))
	}
	if v := op.value("version"); v != "" && v != "2026-11-01" {
		return refuse(errInvalid("there is no such version", "version"))
	}
	if f := op.value("format"); f != "" && f != "yang" && f != "ncm:yang" {
		return refuse(errInvalid("there is no such format", "format"))
	}
	return data(&node{space: netconf.MonitoringNS, local: "data", text: labModule})
}

// withDefaults applies the with-defaults parameter (RFC 6243); the basic mode
// is explicit.
func (d *Device) withDefaults(op *node, root *node) (*node, *rpcError) {
	w := op.child("with-defaults")
	if w == nil {
		return root, nil
	}
	if !d.offers("with-defaults") || w.space != withDefaultsNS {
		return nil, &rpcError{typ: "protocol", tag: "unknown-element", msg: "with-defaults is not supported", info: []*node{leaf("bad-element", "with-defaults")}}
	}
	switch mode := op.value("with-defaults"); mode {
	case "explicit":
		return root, nil
	case "report-all", "report-all-tagged", "trim":
		out := root.clone()
		defaults(out, d.model, mode)
		return out, nil
	default:
		return nil, errInvalid(fmt.Sprintf("there is no mode %.40q", mode), "with-defaults")
	}
}

// defaults adds or trims the leaves that have their default value, in the real
// part of the tree.
func defaults(n *node, s *schema, mode string) {
	if s == nil || s.open {
		return
	}
	var kids []*node
	for _, k := range n.kids {
		c, _ := s.child(k)
		if c != nil && c.kind == leafKind && c.def != "" && k.text == c.def {
			if mode == "trim" {
				continue
			}
			if mode == "report-all-tagged" {
				tag(k)
			}
		}
		defaults(k, c, mode)
		kids = append(kids, k)
	}
	if mode != "trim" {
		for _, c := range s.kids {
			if c.kind == leafKind && c.def != "" && peek(n, &node{space: c.space, local: c.local}, c) == nil {
				k := &node{space: c.space, local: c.local, text: c.def}
				if mode == "report-all-tagged" {
					tag(k)
				}
				kids = append(kids, k)
			}
		}
	}
	n.kids = kids
}

func tag(k *node) { k.set("xmlns:wd", defaultNS).set("wd:default", "true") }
