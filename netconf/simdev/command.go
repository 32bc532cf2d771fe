package simdev

import (
	"fmt"
	"slices"
	"strings"
)

// commands maps what a person types to the RPC behind it, longest first.
func commands() [][2]string {
	return [][2]string{
		{"show version", "get-software-information"},
		{"show system information", "get-system-information"},
		{"show system uptime", "get-system-uptime-information"},
		{"show system users", "get-system-users-information"},
		{"show system commit", "get-commit-information"},
		{"show system alarms", "get-alarm-information"},
		{"show chassis alarms", "get-alarm-information"},
		{"show chassis hardware", "get-chassis-inventory"},
		{"show chassis routing-engine", "get-route-engine-information"},
		{"show interfaces", "get-interface-information"},
		{"show route", "get-route-information"},
		{"show bgp summary", "get-bgp-summary-information"},
		{"show lldp neighbors", "get-lldp-neighbors-information"},
	}
}

// command answers <command>: the RPC of the same meaning, in the format asked
// for. The default is XML.
func (d *Device) command(op *node) *answer {
	format, _ := op.attr("", "format")
	line := strings.TrimSpace(op.text)
	line, pipe, _ := strings.Cut(line, "|")
	words := strings.Fields(line)
	syntax := func(bad string) *answer {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: fmt.Sprintf("syntax error: %.80s", bad), info: []*node{leaf("bad-element", bad)}})
	}
	pipe = strings.Join(strings.Fields(pipe), " ")
	if len(words) >= 2 && words[0] == "show" && words[1] == "configuration" {
		return d.showConfiguration(words[2:], pipe, syntax)
	}
	var rpc *node
	for _, c := range commands() {
		if rest, ok := strings.CutPrefix(strings.Join(words, " ")+" ", c[0]+" "); ok {
			rpc = el(c[1])
			if bad := arguments(rpc, strings.Fields(rest)); bad != "" {
				return syntax(bad)
			}
			break
		}
	}
	if rpc == nil {
		bad := ""
		if len(words) > 0 {
			bad = words[len(words)-1]
		}
		return syntax(bad)
	}
	switch pipe {
	case "", "no-more":
	case "display xml":
		format = "xml"
	case "display json":
		format = "json"
	case "display xml rpc":
		return data(el("rpc", rpc))
	default:
		return syntax(pipe)
	}
	n, e := d.result(rpc)
	if e != nil {
		return refuse(e)
	}
	return d.formatted(n, rpc, format)
}

// arguments adds the rest of a command to its RPC; it returns the word that it
// does not know.
func arguments(rpc *node, words []string) string {
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case slices.Contains([]string{"terse", "brief", "detail", "extensive", "media", "descriptions"}, w):
			rpc.add(el(w))
		case rpc.local == "get-interface-information" && i == 0:
			rpc.add(leaf("interface-name", w))
		case rpc.local == "get-route-information" && (w == "protocol" || w == "table") && i+1 < len(words):
			rpc.add(leaf(w, words[i+1]))
			i++
		case rpc.local == "get-route-information" && i == 0:
			rpc.add(leaf("destination", w))
		default:
			return w
		}
	}
	return ""
}

// showConfiguration is "show configuration [PATH] [| display set|json|xml]".
func (d *Device) showConfiguration(path []string, pipe string, syntax func(string) *answer) *answer {
	root := d.running
	if len(path) > 0 {
		want := &node{local: "configuration"}
		if _, _, e := walk(want, d.model, path, ""); e != nil {
			return syntax(path[len(path)-1])
		}
		got := selectKids(&node{kids: root.kids}, want.kids)
		if got == nil {
			got = &node{}
		}
		root = got
	}
	var text []byte
	switch pipe {
	case "", "no-more":
		text = append([]byte(d.lastChanged()), textConfig(root, d.model)...)
	case "display set":
		text = setConfig(root, d.model)
	case "display json":
		text = jsonConfig(root, d.model)
	case "display xml":
		return data(&node{space: XnmNS, local: "configuration", kids: root.kids})
	default:
		return syntax(pipe)
	}
	return data(&node{space: XnmNS, local: "configuration-output", text: "\n" + string(text)})
}

// textResult is the text form of a result.
func textResult(n, op *node) string {
	var b strings.Builder
	switch n.local {
	case "software-information":
		fmt.Fprintf(&b, "Hostname: %s\nModel: %s\nJunos: %s\n", n.value("host-name"), n.value("product-model"), n.value("junos-version"))
		for _, p := range n.kids {
			if p.local == "package-information" {
				b.WriteString(p.value("comment") + "\n")
			}
		}
	case "interface-information":
		if op.has("terse") {
			terse(&b, n)
			return b.String()
		}
		plainText(&b, n, 0)
	case "route-information":
		routeText(&b, n)
	case "bgp-information":
		fmt.Fprintf(&b, "Groups: %s Peers: %s Down peers: %s\n", n.value("group-count"), n.value("peer-count"), n.value("down-peer-count"))
		fmt.Fprintf(&b, "%-24s%10s %10s %10s %7s %s\n", "Peer", "AS", "InPkt", "OutPkt", "Flaps", "State")
		for _, p := range n.kids {
			if p.local == "bgp-peer" {
				fmt.Fprintf(&b, "%-24s%10s %10s %10s %7s %s\n", p.value("peer-address"), p.value("peer-as"),
					p.value("input-messages"), p.value("output-messages"), p.value("flap-count"), p.value("peer-state"))
			}
		}
	case "chassis-inventory":
		b.WriteString("Hardware inventory:\n")
		fmt.Fprintf(&b, "%-18s%-10s%-14s%-18s%s\n", "Item", "Version", "Part number", "Serial number", "Description")
		hardware(&b, n.child("chassis"), 0)
	case "commit-information":
		for _, h := range n.kids {
			fmt.Fprintf(&b, "%-4s%s by %s via %s\n", h.value("sequence-number"), h.value("date-time"), h.value("user"), h.value("client"))
			if l := h.value("log"); l != "" {
				b.WriteString("    " + l + "\n")
			}
		}
	default:
		plainText(&b, n, 0)
	}
	return b.String()
}

func terse(b *strings.Builder, n *node) {
	fmt.Fprintf(b, "%-24s%-6s%-5s%-9s%s\n", "Interface", "Admin", "Link", "Proto", "Local")
	row := func(p *node) {
		fmt.Fprintf(b, "%-24s%-6s%-5s", p.value("name"), p.value("admin-status"), p.value("oper-status"))
	}
	one := func(p *node) bool {
		row(p)
		b.WriteByte('\n')
		for _, l := range p.kids {
			if l.local != "logical-interface" {
				continue
			}
			row(l)
			first := true
			for _, f := range l.kids {
				if f.local != "address-family" {
					continue
				}
				if !first {
					fmt.Fprintf(b, "\n%35s", "")
				}
				first = false
				fmt.Fprintf(b, "%-9s%s", f.value("address-family-name"), f.child("interface-address").valueOr("ifa-local", ""))
			}
			b.WriteByte('\n')
		}
		return true
	}
	for _, p := range n.kids {
		one(p)
	}
	n.bulk.each(one)
}

func routeText(b *strings.Builder, n *node) {
	for _, t := range n.kids {
		fmt.Fprintf(b, "\n%s: %s destinations, %s routes (%s active, 0 holddown, 0 hidden)\n+ = Active Route, - = Last Active, * = Both\n\n",
			t.value("table-name"), t.value("destination-count"), t.value("total-route-count"), t.value("active-route-count"))
		for _, r := range t.kids {
			if r.local != "rt" {
				continue
			}
			e := r.child("rt-entry")
			fmt.Fprintf(b, "%-19s*[%s/%s]\n", r.value("rt-destination")+"/"+r.value("rt-prefix-length"), e.value("protocol-name"), e.value("preference"))
			nh := e.child("nh")
			switch {
			case nh.value("to") != "":
				fmt.Fprintf(b, "%20s> to %s\n", "", nh.value("to"))
			case nh.value("via") != "":
				fmt.Fprintf(b, "%20s> via %s\n", "", nh.value("via"))
			}
		}
	}
}

func hardware(b *strings.Builder, n *node, depth int) {
	if n == nil {
		return
	}
	fmt.Fprintf(b, "%-18s%-10s%-14s%-18s%s\n", strings.Repeat("  ", depth)+n.value("name"), n.value("version"), n.value("part-number"), n.value("serial-number"), n.value("description"))
	for _, k := range n.kids {
		if strings.HasPrefix(k.local, "chassis-") {
			hardware(b, k, depth+1)
		}
	}
}

// plainText writes any result as indented names and values.
func plainText(b *strings.Builder, n *node, depth int) {
	one := func(k *node) bool {
		fmt.Fprintf(b, "%s%s", strings.Repeat("  ", depth), k.local)
		if len(k.kids) == 0 && k.bulk.empty() {
			if v := strings.TrimSpace(k.text); v != "" {
				b.WriteString(": " + v)
			}
			b.WriteByte('\n')
			return true
		}
		b.WriteByte('\n')
		plainText(b, k, depth+1)
		return true
	}
	for _, k := range n.kids {
		one(k)
	}
	n.bulk.each(one)
}
