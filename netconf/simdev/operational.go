package simdev

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"dialtone/netconf"
)

// operational answers the operational RPCs of Junos, in XML, text or JSON; nil
// when there is no such RPC.
func (d *Device) operational(op *node) *answer {
	if op.local == "command" {
		return d.command(op)
	}
	n, e := d.result(op)
	if e != nil {
		return refuse(e)
	}
	if n == nil {
		return nil
	}
	format, _ := op.attr("", "format")
	return d.formatted(n, op, format)
}

func (d *Device) formatted(n, op *node, format string) *answer {
	switch format {
	case "", "xml":
		return data(n)
	case "text", "ascii":
		return data(&node{local: "output", text: "\n" + textResult(n, op)})
	case "json":
		return data(&node{local: "json-output", text: "\n" + string(jsonResult(n))})
	}
	return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("invalid format %.30q", format), info: []*node{leaf("bad-element", "format")}})
}

// result makes the result of one RPC.
func (d *Device) result(op *node) (*node, *rpcError) {
	switch op.local {
	case "get-software-information":
		return d.software(), nil
	case "get-system-information":
		return d.system(), nil
	case "get-system-uptime-information":
		return d.uptime(), nil
	case "get-chassis-inventory":
		return d.chassis(), nil
	case "get-route-engine-information":
		return d.routingEngine(), nil
	case "get-interface-information":
		return d.interfaces(op)
	case "get-route-information":
		return d.routes(op), nil
	case "get-bgp-summary-information":
		return d.bgp(), nil
	case "get-lldp-neighbors-information":
		return d.lldp(), nil
	case "get-alarm-information":
		return d.in("junos-alarm", el("alarm-information", el("alarm-summary", el("no-active-alarms")))), nil
	case "get-commit-information":
		return d.history(), nil
	case "get-rollback-information":
		return d.rollbackInformation(op)
	case "get-rescue-information":
		if d.rescue == nil {
			return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: "no rescue configuration is set"}
		}
		return el("rescue-information", &node{space: XnmNS, local: "configuration", kids: d.rescue.kids}), nil
	case "request-save-rescue-configuration":
		d.rescue = d.running
		return el("rescue-management-results", el("routing-engine", leaf("name", "re0"), el("success"))), nil
	case "request-delete-rescue-configuration":
		d.rescue = nil
		return el("rescue-management-results", el("routing-engine", leaf("name", "re0"), el("success"))), nil
	case "get-configuration-database-status":
		return d.databaseStatus(), nil
	case "get-system-users-information":
		return d.users(), nil
	}
	return nil, nil
}

func (d *Device) in(part string, n *node) *node {
	n.space = d.junosNS(part)
	return n
}

func (d *Device) hostName() string {
	if h := d.running.path("system").valueOr("host-name", ""); h != "" {
		return h
	}
	return d.o.Name
}

func (n *node) valueOr(name, def string) string {
	if n == nil || !n.has(name) {
		return def
	}
	return n.value(name)
}

// serial invents a number that stays the same for a device's name.
func (d *Device) serial(what string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(d.o.Name + what)) // a hash takes everything
	return fmt.Sprintf("LAB%08X", h.Sum32())
}

func (d *Device) software() *node {
	n := el("software-information", leaf("host-name", d.hostName()), leaf("product-model", d.o.Model),
		leaf("product-name", d.o.Model), leaf("junos-version", d.o.Version))
	for _, p := range [][2]string{{"os-kernel", "JUNOS OS Kernel 64-bit"}, {"junos-runtime", "JUNOS OS runtime"}, {"junos-routing-lib", "JUNOS Routing Software Suite"}} {
		n.add(el("package-information", leaf("name", p[0]), leaf("comment", fmt.Sprintf("%s [%s]", p[1], d.o.Version))))
	}
	return n
}

func (d *Device) system() *node {
	return el("system-information", leaf("hardware-model", d.o.Model), leaf("os-name", "junos"), leaf("os-version", d.o.Version),
		leaf("serial-number", d.serial("")), leaf("host-name", d.hostName()))
}

func (d *Device) uptime() *node {
	now := d.o.Now().UTC()
	at := func(name string, t time.Time) *node {
		return el(name, leaf("date-time", t.Format(junosTime)).set("junos:seconds", fmt.Sprint(t.Unix())),
			leaf("time-length", now.Sub(t).Truncate(time.Second).String()).set("junos:seconds", fmt.Sprint(int(now.Sub(t).Seconds()))))
	}
	last := d.commits[0]
	return d.in("junos", el("system-uptime-information",
		el("current-time", leaf("date-time", now.Format(junosTime)).set("junos:seconds", fmt.Sprint(now.Unix()))),
		at("system-booted-time", d.booted.UTC()), at("last-configured-time", last.at.UTC()).add(leaf("user", last.user))))
}

func (d *Device) chassis() *node {
	module := func(name, version, part, what string, sub ...*node) *node {
		return el("chassis-module", leaf("name", name), leaf("version", version), leaf("part-number", part),
			leaf("serial-number", d.serial(name)), leaf("description", what)).add(sub...)
	}
	return d.in("junos-chassis", el("chassis-inventory", el("chassis", leaf("name", "Chassis"), leaf("serial-number", d.serial("")),
		leaf("description", strings.ToUpper(d.o.Model)),
		module("Midplane", "REV 03", "750-000001", "Lab midplane"),
		module("Routing Engine 0", "REV 01", "740-000002", "RE-LAB"),
		module("FPC 0", "REV 05", "750-000003", "Lab FPC",
			el("chassis-sub-module", leaf("name", "PIC 0"), leaf("part-number", "BUILTIN"), leaf("serial-number", "BUILTIN"), leaf("description", "10x 1GE(LAN) SFP"))))))
}

func (d *Device) routingEngine() *node {
	return d.in("junos-chassis", el("route-engine-information", el("route-engine", leaf("slot", "0"), leaf("mastership-state", "master"),
		leaf("status", "OK"), leaf("cpu-idle", "97"), leaf("model", "RE-LAB"), leaf("serial-number", d.serial("Routing Engine 0")),
		leaf("up-time", d.o.Now().Sub(d.booted).Truncate(time.Second).String()))))
}

// interfaces makes interface-information from what is committed.
func (d *Device) interfaces(op *node) (*node, *rpcError) {
	style := "normal"
	for _, s := range []string{"terse", "brief", "detail", "extensive"} {
		if op.has(s) {
			style = s
		}
	}
	out := d.in("junos-interface", el("interface-information")).set("junos:style", style)
	ifs := d.running.child("interfaces")
	if ifs == nil {
		return out, nil
	}
	conv := func(n *node) *node { return physical(n, style) }
	if want := op.value("interface-name"); want != "" {
		base, unit, _ := strings.Cut(want, ".")
		n := entry(ifs, "interface", base)
		if n == nil {
			n = ifs.bulk.find(base)
		}
		if n == nil {
			return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("device %s not found", base), info: []*node{leaf("bad-element", base)}}
		}
		p := conv(n)
		if unit != "" {
			for _, k := range p.kids {
				if k.local == "logical-interface" && strings.TrimSpace(k.value("name")) == want {
					return out.add(k), nil
				}
			}
			return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("interface %s not found", want), info: []*node{leaf("bad-element", want)}}
		}
		return out.add(p), nil
	}
	for _, n := range ifs.kids {
		if n.local == "interface" && !inactive(n) {
			out.add(conv(n))
		}
	}
	if !ifs.bulk.empty() {
		out.bulk = ifs.bulk.clone()
		out.bulk.conv = conv
	}
	return out, nil
}

// physical is the state of one configured interface.
func physical(n *node, style string) *node {
	name := n.value("name")
	admin := "up"
	if n.has("disable") {
		admin = "down"
	}
	terse := style == "terse"
	text := func(local, v string) *node {
		if terse {
			v = "\n" + v + "\n"
		}
		return leaf(local, v)
	}
	p := el("physical-interface", text("name", name), text("admin-status", admin), text("oper-status", admin))
	if v := n.value("description"); v != "" {
		p.add(leaf("description", v))
	}
	if !terse {
		p.add(leaf("mtu", n.valueOr("mtu", "1514")), leaf("speed", n.valueOr("speed", "1000mbps")),
			leaf("current-physical-address", mac(name)),
			el("traffic-statistics", leaf("input-bps", counter(name, "ib")), leaf("output-bps", counter(name, "ob")),
				leaf("input-packets", counter(name, "ip")), leaf("output-packets", counter(name, "op"))))
	}
	for _, u := range n.kids {
		if u.local != "unit" {
			continue
		}
		l := el("logical-interface", text("name", name+"."+u.value("name")), text("admin-status", admin), text("oper-status", admin))
		if fam := u.child("family"); fam != nil {
			for _, f := range fam.kids {
				af := el("address-family", text("address-family-name", f.local))
				for _, a := range f.kids {
					if a.local == "address" {
						af.add(el("interface-address", text("ifa-local", a.value("name"))))
					}
				}
				l.add(af)
			}
		}
		p.add(l)
	}
	return p
}

func counter(name, what string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name + what)) // a hash takes everything
	return strconv.FormatUint(uint64(h.Sum32()), 10)
}

func mac(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // a hash takes everything
	v := h.Sum64()
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x", byte(v), byte(v>>8), byte(v>>16), byte(v>>24), byte(v>>32))
}

// routes makes the routes that the configuration gives rise to: direct, local
// and static ones.
func (d *Device) routes(op *node) *node {
	table := el("route-table", leaf("table-name", "inet.0"))
	var rts []*node
	add := func(dest, proto, pref, to, via string) {
		if p := op.value("protocol"); p != "" && !strings.EqualFold(p, proto) {
			return
		}
		if w := op.value("destination"); w != "" && !covers(dest, w) {
			return
		}
		ip, length, _ := strings.Cut(dest, "/")
		nh := el("nh", el("selected-next-hop"))
		if to != "" {
			nh.add(leaf("to", to))
		}
		if via != "" {
			nh.add(leaf("via", via))
		}
		rts = append(rts, el("rt", leaf("rt-destination", ip), leaf("rt-prefix-length", length),
			el("rt-entry", leaf("active-tag", "*"), leaf("protocol-name", proto), leaf("preference", pref), nh)).set("junos:style", "brief"))
	}
	if st := d.running.path("routing-options", "static"); st != nil {
		for _, r := range st.kids {
			if r.local == "route" {
				add(r.value("name"), "Static", "5", r.value("next-hop"), "")
			}
		}
	}
	d.eachAddress(func(ifl, addr string) {
		p, err := netip.ParsePrefix(addr)
		if err != nil || !p.Addr().Is4() {
			return
		}
		add(p.Masked().String(), "Direct", "0", "", ifl)
		if p.Bits() < 32 {
			add(p.Addr().String()+"/32", "Local", "0", "", ifl)
		}
	})
	n := strconv.Itoa(len(rts))
	table.add(leaf("destination-count", n), leaf("total-route-count", n), leaf("active-route-count", n), leaf("holddown-route-count", "0"), leaf("hidden-route-count", "0"))
	out := d.in("junos-routing", el("route-information"))
	if t := op.value("table"); t != "" && t != "inet.0" {
		return out
	}
	return out.add(table.add(rts...))
}

// covers tells whether a route to dest is one that a request for want shows.
func covers(dest, want string) bool {
	d, err := netip.ParsePrefix(dest)
	if err != nil {
		return false
	}
	if w, err := netip.ParsePrefix(want); err == nil {
		return w.Contains(d.Addr()) && d.Bits() >= w.Bits()
	}
	a, err := netip.ParseAddr(want)
	return err == nil && d.Contains(a)
}

// eachAddress yields the addresses of real interfaces, at most a thousand of
// invented ones.
func (d *Device) eachAddress(yield func(ifl, addr string)) {
	ifs := d.running.child("interfaces")
	if ifs == nil {
		return
	}
	one := func(i *node) {
		for _, u := range i.kids {
			if u.local != "unit" || i.has("disable") {
				continue
			}
			inet := u.path("family", "inet")
			if inet == nil {
				continue
			}
			for _, a := range inet.kids {
				if a.local == "address" {
					yield(i.value("name")+"."+u.value("name"), a.value("name"))
				}
			}
		}
	}
	for _, i := range ifs.kids {
		one(i)
	}
	left := 1000
	ifs.bulk.each(func(i *node) bool {
		one(i)
		left--
		return left > 0
	})
}

func (d *Device) bgp() *node {
	groups, up, peers := 0, 0, []*node(nil)
	if b := d.running.path("protocols", "bgp"); b != nil {
		for _, g := range b.kids {
			if g.local != "group" {
				continue
			}
			groups++
			for _, n := range g.kids {
				if n.local != "neighbor" {
					continue
				}
				up++
				as := n.valueOr("peer-as", g.valueOr("peer-as", d.running.path("routing-options", "autonomous-system").valueOr("as-number", "0")))
				elapsed := d.o.Now().Sub(d.booted)
				peers = append(peers, el("bgp-peer", leaf("peer-address", n.value("name")), leaf("peer-as", as),
					leaf("input-messages", counter(n.value("name"), "im")), leaf("output-messages", counter(n.value("name"), "om")),
					leaf("flap-count", "0"), leaf("elapsed-time", elapsed.Truncate(time.Second).String()).set("junos:seconds", fmt.Sprint(int(elapsed.Seconds()))),
					leaf("peer-state", "Established")).set("junos:style", "terse"))
			}
		}
	}
	out := d.in("junos-routing", el("bgp-information", leaf("bgp-thread-mode", "BGP I/O"), leaf("group-count", strconv.Itoa(groups)),
		leaf("peer-count", strconv.Itoa(up)), leaf("down-peer-count", "0"),
		el("bgp-rib", leaf("name", "inet.0"), leaf("total-prefix-count", "0"), leaf("active-prefix-count", "0")).set("junos:style", "brief")))
	return out.add(peers...)
}

func (d *Device) lldp() *node {
	out := el("lldp-neighbors-information").set("junos:style", "brief")
	if ifs := d.running.child("interfaces"); ifs != nil && d.running.path("protocols", "lldp") != nil {
		for _, i := range ifs.kids {
			if name := i.value("name"); strings.HasPrefix(name, "ge-") && !i.has("disable") {
				out.add(el("lldp-neighbor-information", leaf("lldp-local-port-id", name), leaf("lldp-remote-chassis-id", mac("peer "+name)),
					leaf("lldp-remote-port-id", name), leaf("lldp-remote-system-name", "neighbour-of-"+strings.ReplaceAll(name, "/", "-"))))
			}
		}
	}
	return out
}

func (d *Device) history() *node {
	out := el("commit-information")
	for i, c := range d.commits {
		h := el("commit-history", leaf("sequence-number", strconv.Itoa(i)), leaf("user", c.user), leaf("client", c.client),
			leaf("date-time", c.at.UTC().Format(junosTime)).set("junos:seconds", fmt.Sprint(c.at.Unix())))
		if c.log != "" {
			h.add(leaf("log", c.log))
		}
		out.add(h)
	}
	return out
}

func (d *Device) rollbackInformation(op *node) (*node, *rpcError) {
	tree, e := d.rollbackTree(op.valueOr("rollback", "0"))
	if e != nil {
		return nil, e
	}
	out := el("rollback-information", el("ok"))
	if c := op.value("compare"); c != "" {
		other, e := d.rollbackTree(c)
		if e != nil {
			return nil, e
		}
		return out.add(el("configuration-information", leaf("configuration-output", compareText(tree, other, d.model)))), nil
	}
	switch f := op.value("format"); f {
	case "", "xml":
		return out.add(&node{space: XnmNS, local: "configuration", kids: tree.kids}), nil
	case "text":
		return out.add(el("configuration-information", leaf("configuration-output", "\n"+string(textConfig(tree, d.model))))), nil
	case "set":
		return out.add(el("configuration-information", leaf("configuration-output", "\n"+string(setConfig(tree, d.model))))), nil
	default:
		return nil, &rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("invalid format %.30q", f), info: []*node{leaf("bad-element", "format")}}
	}
}

func (d *Device) databaseStatus() *node {
	out := el("database-status-information")
	if h := d.locks[netconf.Candidate]; h != nil {
		out.add(el("database-status", leaf("user", h.user), leaf("terminal", ""), leaf("pid", utoa(h.id)),
			leaf("start-time", h.since.UTC().Format(junosTime)), leaf("lock", "exclusive"), leaf("edit-path", "[edit]")))
	}
	return out
}

func (d *Device) users() *node {
	t := el("user-table")
	for _, id := range slices.Sorted(maps.Keys(d.sessions)) {
		o := d.sessions[id]
		t.add(el("user-entry", leaf("user", o.user), leaf("from", "127.0.0.1"), leaf("command", "netconf")))
	}
	return d.in("junos", el("system-users-information", el("uptime-information", t)))
}
