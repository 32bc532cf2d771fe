package simdev

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

func router(t *testing.T, o Options) (*Device, *clock, *peer) {
	t.Helper()
	o.Dialect = Junos
	d, c := device(o)
	return d, c, connect(t, d)
}

func loadSet(lines string) string {
	return `<load-configuration action="set" format="text"><configuration-set>` + lines + `</configuration-set></load-configuration>`
}

func loadText(action, text string) string {
	return `<load-configuration action="` + action + `" format="text"><configuration-text>` + text + `</configuration-text></load-configuration>`
}

func loadXML(action, x string) string {
	return `<load-configuration action="` + action + `" format="xml"><configuration>` + x + `</configuration></load-configuration>`
}

func loadJSON(text string) string {
	return `<load-configuration action="merge" format="json"><configuration-json>` + text + `</configuration-json></load-configuration>`
}

const compareNow = `<get-configuration compare="rollback" rollback="0" format="text"/>`

// Native and standard operations work on one candidate.
func TestOneDatastoreForBothKindsOfOperation(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{})
	p.ok(loadSet("set system host-name native"))
	p.has(getCandidate, "<host-name>native</host-name>")
	p.ok(`<edit-config><target><candidate/></target><config><configuration><system><domain-name>standard.example</domain-name></system></configuration></config></edit-config>`)
	p.has(`<get-configuration format="set"/>`, "set system host-name native", "set system domain-name standard.example")
	p.lacks(getRunning, "native")
	p.has("<commit-configuration><log>first</log></commit-configuration>", "<commit-success/>", "<name>re0</name>")
	p.has(getRunning, "native", "standard.example", `xmlns="`+XnmNS+`"`)
	p.has(`<get-commit-information/>`, "<sequence-number>0</sequence-number>", "<log>first</log>", "<client>netconf</client>")
	p.has(`<get-software-information/>`, "<host-name>native</host-name>")
}

func TestLoadFormatsMeanTheSame(t *testing.T) {
	t.Parallel()
	const want = `[edit interfaces]
+   ge-0/0/9 {
+       description "two words";
+       unit 0 {
+           family inet {
+               address 10.0.0.1/24;
+           }
+       }
+   }
`
	for name, load := range map[string]string{
		"set":  loadSet("set interfaces ge-0/0/9 description \"two words\"\nset interfaces ge-0/0/9 unit 0 family inet address 10.0.0.1/24"),
		"text": loadText("merge", `interfaces { ge-0/0/9 { /* remark */ description "two words"; unit 0 { family { inet { address 10.0.0.1/24; } } } } } # end`),
		"xml":  loadXML("merge", `<interfaces><interface><name>ge-0/0/9</name><description>two words</description><unit><name>0</name><family><inet><address><name>10.0.0.1/24</name></address></inet></family></unit></interface></interfaces>`),
		"json": loadJSON(`{"configuration":{"interfaces":{"interface":[{"description":"two words","name":"ge-0/0/9","unit":[{"name":0,"family":{"inet":{"address":[{"name":"10.0.0.1/24"}]}}}]}]}}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, p := router(t, Options{})
			p.has(load, "<load-configuration-results>", "<ok/>")
			if got := strings.ReplaceAll(p.do(compareNow), "&quot;", `"`); !strings.Contains(got, want) {
				t.Errorf("compare is\n%s\nwant\n%s", got, want)
			}
			p.has("<commit-configuration/>", "commit-success")
			p.has(compareNow, "<configuration-output>\n</configuration-output>")
		})
	}
}

// What the device prints, it takes, and it means the same.
func TestPrintedConfigurationsLoad(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{})
	p.ok(loadSet("set policy-options policy-statement out term a from protocol [ direct static ]\nset policy-options policy-statement out term a then accept\nset system login message \"it said \\\"no\\\"; { }\"\nset vlans v10 vlan-id 10\nset system services netconf rfc-compliant\ndeactivate interfaces ge-0/0/1"))
	before := p.do(getCandidate)
	inside := func(s, el string) string {
		body := between(s, "<"+el, "</"+el+">")
		_, body, _ = strings.Cut(body, ">")
		return body
	}
	for format, el := range map[string]string{"text": "configuration-text", "set": "configuration-set", "json": "configuration-json"} {
		printed := inside(p.do(`<get-configuration format="`+format+`"/>`), el)
		if printed == "" {
			t.Fatalf("no %s", format)
		}
		var load string
		switch format {
		case "text":
			load = loadText("override", printed)
		case "set":
			p.ok(`<load-configuration action="override" format="xml"><configuration/></load-configuration>`)
			load = loadSet(printed)
		case "json":
			load = `<load-configuration action="override" format="json"><configuration-json>` + printed + `</configuration-json></load-configuration>`
		}
		p.ok(load)
		after := p.do(getCandidate)
		if cut(before) != cut(after) {
			t.Errorf("%s does not come back as it was:\n%s\n%s\n%s", format, printed, before, after)
		}
	}
}

// cut drops what differs between two replies with the same content.
func cut(s string) string { return between(s, "<configuration", "</configuration>") }

func TestLoadActionsAndErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, load, tag, has, lacks string
	}{
		{"override", loadXML("override", "<system><host-name>only</host-name></system>"), "", "only", "interfaces"},
		{"update", loadXML("update", "<system><host-name>only</host-name></system>"), "", "only", "interfaces"},
		{"replace mark", loadXML("replace", `<system><login replace="replace"><user><name>eve</name></user></login></system>`), "", "eve", "admin"},
		{"replace text", loadText("replace", "system { replace: login { user eve { class super-user; } } }"), "", "eve", "admin"},
		{"delete mark", loadXML("merge", `<system><login delete="delete"/></system>`), "", "", "admin"},
		{"delete text", loadText("merge", "delete: snmp;"), "", "", "snmp"},
		{"delete set", loadSet("delete snmp\ndelete interfaces ge-0/0/1 description"), "", "ge-0/0/1", "customer"},
		{"delete then set", loadSet("delete system login\nset system login user eve class super-user"), "", "eve", "admin"},
		{"inactive", loadSet("deactivate snmp"), "", `inactive="inactive"`, ""},
		{"unknown xml", loadXML("merge", "<system><host-nam>x</host-nam></system>"), "operation-failed", "", "host-nam>"},
		{"unknown set", loadSet("set system host-nam x"), "operation-failed", "", ""},
		{"unknown text", loadText("merge", "sistem { host-name x; }"), "operation-failed", "", ""},
		{"unclosed text", loadText("merge", "system { host-name x;"), "operation-failed", "", "host-name>x"},
		{"unclosed quote", loadSet("set system host-name \"x"), "operation-failed", "", ""},
		{"missing argument", loadSet("set system host-name"), "operation-failed", "", ""},
		{"bad value", loadSet("set routing-options router-id nowhere"), "invalid-value", "", "nowhere"},
		{"bad verb", loadSet("wipe system"), "operation-failed", "system", ""},
		{"bad json", loadJSON("{"), "operation-failed", "", ""},
		{"url", `<load-configuration url="/var/tmp/x" format="text" action="override"/>`, "operation-failed", "", ""},
		{"bad action", loadXML("burn", "<system/>"), "operation-failed", "", ""},
		{"no body", `<load-configuration/>`, "operation-failed", "", ""},
		{"bad rollback", `<load-configuration rollback="50"/>`, "invalid-value", "", ""},
		{"missing rollback", `<load-configuration rollback="7"/>`, "operation-failed", "", ""},
		{"no rescue", `<load-configuration rescue="rescue"/>`, "operation-failed", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, p := router(t, Options{})
			if c.tag == "" {
				p.ok(c.load)
			} else {
				p.fails(c.load, c.tag)
			}
			s := p.do(getCandidate)
			if !strings.Contains(s, c.has) || c.lacks != "" && strings.Contains(s, c.lacks) {
				t.Errorf("candidate is %s", s)
			}
		})
	}
	_, _, p := router(t, Options{})
	if s := p.do(loadSet("delete system ntp server 198.51.100.9")); !strings.Contains(s, "<error-severity>warning") || !strings.Contains(s, "<ok/>") {
		t.Errorf("deleting what is missing is a warning: %s", s)
	}
}

func TestJunosRollback(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{})
	for _, name := range []string{"one", "two"} {
		p.ok(loadSet("set system host-name " + name))
		p.has("<commit-configuration/>", "commit-success")
	}
	p.has(`<get-configuration compare="rollback" rollback="1" format="text"/>`, "[edit system]\n-  host-name one;\n+  host-name two;\n")
	p.has(`<get-rollback-information><rollback>1</rollback><compare>0</compare><format>text</format></get-rollback-information>`, "-  host-name one;\n+  host-name two;")
	p.has(`<get-rollback-information><rollback>1</rollback></get-rollback-information>`, "<host-name>one</host-name>")
	p.ok(`<load-configuration rollback="1"/>`)
	p.has(getCandidate, "<host-name>one</host-name>")
	p.has("<request-save-rescue-configuration/>", "<success/>")
	p.ok(`<load-configuration rescue="rescue"/>`)
	p.has(getCandidate, "<host-name>two</host-name>")
}

func TestJunosCommit(t *testing.T) {
	t.Parallel()
	d, c, p := router(t, Options{})
	host := func(want string) {
		t.Helper()
		if !strings.Contains(string(d.Config(netconf.Running)), "<host-name>"+want+"</host-name>") {
			t.Errorf("host-name is not %s", want)
		}
	}
	p.ok(loadSet("set interfaces ge-0/0/2 unit 20000 family inet"))
	s := p.fails("<commit-configuration><check/></commit-configuration>", "operation-failed")
	for _, w := range []string{"<commit-results>", "[edit interfaces ge-0/0/2]", "unit 20000", "logical unit is not allowed"} {
		if !strings.Contains(s, w) {
			t.Errorf("lacks %s: %s", w, s)
		}
	}
	p.fails("<commit-configuration/>", "operation-failed")
	p.ok("<discard-changes/>")
	p.ok(loadSet("delete protocols bgp group ebgp peer-as"))
	p.has("<commit-configuration><check/></commit-configuration>", "peer AS number must be configured")
	p.ok("<discard-changes/>")
	p.ok(loadSet("set system host-name tried"))
	p.has("<commit-configuration><check/></commit-configuration>", "<commit-check-success/>")
	host("r1")
	p.has("<commit-configuration><confirmed/><confirm-timeout>5</confirm-timeout></commit-configuration>", "<commit-success/>")
	c.advance(299 * time.Second) // minutes, not seconds
	host("tried")
	c.advance(time.Second)
	host("r1")
	p.ok(loadSet("set system host-name kept"))
	p.has("<commit-configuration><confirmed/></commit-configuration>", "<commit-success/>")
	p.hang() // the native form survives its session
	host("kept")
	q := connect(t, d)
	q.has("<commit-configuration/>", "<commit-success/>")
	c.advance(time.Hour)
	host("kept")
	q.ok(loadSet("set system host-name later"))
	q.fails("<commit-configuration><at-time>14:99</at-time></commit-configuration>", "invalid-value")
	q.fails("<commit-configuration><at-time>2026-11-22 10:00</at-time><confirmed/></commit-configuration>", "operation-failed")
	q.has("<commit-configuration><at-time>2026-11-22 10:00</at-time></commit-configuration>", "commit at will be executed at 2026-11-22 10:00:00")
	host("kept")
	c.advance(24 * time.Hour)
	host("later")
	q.has("<commit-configuration><synchronize/></commit-configuration>", "<commit-success/>")
	q.fails("<commit-configuration><confirmed/><confirm-timeout>x</confirm-timeout></commit-configuration>", "invalid-value")
	q.fails("<commit-configuration><nonsense/></commit-configuration>", "operation-failed")
}

func TestPrivateConfiguration(t *testing.T) {
	t.Parallel()
	d, _, p := router(t, Options{})
	q := connect(t, d)
	p.has("<open-configuration><private/></open-configuration>", "uncommitted changes will be discarded on exit", "<error-severity>warning", "<ok/>")
	p.ok(loadSet("set system host-name mine"))
	q.lacks(getCandidate, "mine")
	q.ok(loadSet("set system domain-name shared.example"))
	q.has("<commit-configuration/>", "commit-success")
	p.has("<commit-configuration/>", "commit-success")
	p.has(getRunning, "mine", "shared.example") // both changes
	p.ok(loadSet("set system host-name dropped"))
	p.ok("<close-configuration/>")
	p.lacks(getCandidate, "dropped")
	q.ok(loadSet("set system host-name dirty"))
	p.fails("<open-configuration><private/></open-configuration>", "operation-failed")
	p.fails("<open-configuration><ephemeral/></open-configuration>", "operation-failed")
}

func TestJunosLocks(t *testing.T) {
	t.Parallel()
	d, _, p := router(t, Options{})
	q := connect(t, d)
	p.ok("<lock-configuration/>")
	s := q.fails("<lock-configuration/>", "lock-denied")
	if !strings.Contains(s, "configuration database locked by") || !strings.Contains(s, p.id) {
		t.Error(s)
	}
	q.fails(loadSet("set system host-name x"), "in-use")
	q.fails("<commit-configuration/>", "in-use")
	q.has("<get-configuration-database-status/>", "<pid>"+p.id+"</pid>", "exclusive")
	p.ok(loadSet("set system host-name lost"))
	p.hang()
	q.lacks(getCandidate, "lost")
	q.ok("<lock-configuration/>")
	q.ok("<unlock-configuration/>")
}

func TestOperationalCommands(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{Model: "mx204"})
	for op, want := range map[string][]string{
		`<get-software-information/>`:                                     {"<junos-version>23.4R1.9<", "<product-model>mx204<", "package-information"},
		`<get-chassis-inventory/>`:                                        {"junos-chassis", "<serial-number>LAB", "chassis-sub-module"},
		`<get-system-information/>`:                                       {"<host-name>r1<"},
		`<get-system-uptime-information/>`:                                {"junos:seconds="},
		`<get-route-engine-information/>`:                                 {"master"},
		`<get-interface-information><terse/></get-interface-information>`: {`junos:style="terse"`, "<name>\nge-0/0/0\n</name>", "192.0.2.2/30"},
		`<get-interface-information><interface-name>ge-0/0/1</interface-name></get-interface-information>`: {"customer &amp; lab", "traffic-statistics"},
		`<get-interface-information format="json"/>`:                                                       {`&quot;physical-interface&quot; : [`},
		`<get-route-information/>`:                                                      {"<table-name>inet.0<", "0.0.0.0", "Static", "Direct"},
		`<get-bgp-summary-information/>`:                                                {"<peer-address>192.0.2.1<", "<peer-as>64513<"},
		`<get-lldp-neighbors-information/>`:                                             {"ge-0/0/0"},
		`<get-alarm-information/>`:                                                      {"no-active-alarms"},
		`<get-commit-information/>`:                                                     {"commit-history"},
		`<command>show version</command>`:                                               {"<software-information>"},
		`<command format="text">show version</command>`:                                 {"<output>", "Junos: 23.4R1.9"},
		`<command format="text">show interfaces terse</command>`:                        {"ge-0/0/0.0", "192.0.2.2/30", "Interface"},
		`<command format="text">show route</command>`:                                   {"*[Static/5]"},
		`<command format="text">show chassis hardware</command>`:                        {"Hardware inventory"},
		`<command format="text">show bgp summary</command>`:                             {"Established"},
		`<command>show version | display xml rpc</command>`:                             {"<get-software-information/>"},
		`<command>show configuration system | display set</command>`:                    {"set system host-name r1"},
		`<command>show configuration interfaces ge-0/0/0</command>`:                     {"mtu 9192;"},
		`<get-configuration database="committed" format="text"/>`:                       {"autonomous-system 64512;", "route 0.0.0.0/0 next-hop 192.0.2.1;", "any notice;"},
		`<get-configuration><configuration><snmp/></configuration></get-configuration>`: {"rack 4", "junos:commit-seconds"},
	} {
		s := p.has(op, want...)
		well(t, s)
	}
	p.lacks(`<get-configuration><configuration><snmp/></configuration></get-configuration>`, "host-name")
	for _, op := range []string{"<get-foo/>", "<command>show nothing</command>", "<command>show version extra</command>", `<get-interface-information><interface-name>ge-9/9/9</interface-name></get-interface-information>`,
		`<get-configuration format="xls"/>`, `<get-configuration database="other"/>`, `<get-software-information format="xls"/>`} {
		s := p.fails(op, "operation-failed")
		if !strings.Contains(s, "<bad-element>") {
			t.Errorf("%s: no bad-element: %s", op, s)
		}
	}
	p.has("<get-foo/>", "syntax error", "<bad-element>get-foo</bad-element>")
}

func TestJunosWithoutMessageID(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{})
	p.write(`<rpc><get-software-information/></rpc>`)
	if s := p.read(); strings.Contains(s, "message-id") || !strings.Contains(s, "software-information") {
		t.Error(s)
	}
}
