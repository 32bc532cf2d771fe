package simdev

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

func TestHelloOfBothDialects(t *testing.T) {
	t.Parallel()
	rfc, _ := device(Options{})
	p := connect(t, rfc)
	well(t, p.hello)
	for _, c := range []string{"base:1.1<", "candidate:1.0", "confirmed-commit:1.1", "xpath:1.0", "notification:1.0", "with-defaults:1.0?basic-mode=explicit&amp;also"} {
		if !strings.Contains(p.hello, c) {
			t.Errorf("rfc hello lacks %s", c)
		}
	}
	j, _ := device(Options{Dialect: Junos})
	q := connect(t, j)
	well(t, q.hello)
	if !strings.HasPrefix(q.hello, "<!-- No zombies") || q.chunked {
		t.Errorf("junos hello: %s", q.hello)
	}
	for _, c := range []string{"urn:ietf:params:xml:ns:netconf:capability:candidate:1.0", "url:1.0?protocol=", netconf.JunosNS} {
		if !strings.Contains(q.hello, c) {
			t.Errorf("junos hello lacks %s", c)
		}
	}
}

func TestEditStaysInCandidateUntilCommit(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	p.ok(editSystem("candidate", "<hostname>changed</hostname>"))
	p.has(getCandidate, "<hostname>changed</hostname>")
	p.lacks(getRunning, "changed")
	p.ok("<commit/>")
	p.has(getRunning, "<hostname>changed</hostname>")
	p.ok(editSystem("candidate", "<hostname>again</hostname>"))
	p.ok("<discard-changes/>")
	p.has(getCandidate, "<hostname>changed</hostname>")
}

func TestEditOperations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, edit, tag string
		has, lacks      string
	}{
		{"merge adds", `<user><name>eve</name><class>operator</class></user>`, "", "<name>eve</name>", ""},
		{"merge keeps others", `<dns><server><name>b</name><address>192.0.2.54</address></server></dns>`, "", "192.0.2.53", ""},
		{"leaf-list grows", `<dns><search>two.example</search></dns>`, "", "lab.example", ""},
		{"create", `<user nc:operation="create"><name>eve</name></user>`, "", "eve", ""},
		{"create existing", `<user nc:operation="create"><name>admin</name></user>`, "data-exists", "admin", ""},
		{"create existing leaf", `<hostname nc:operation="create">x</hostname>`, "data-exists", "r1", ""},
		{"delete", `<user nc:operation="delete"><name>admin</name></user>`, "", "", "<name>admin"},
		{"delete missing", `<user nc:operation="delete"><name>nobody</name></user>`, "data-missing", "", ""},
		{"delete leaf", `<location nc:operation="delete"/>`, "", "", "rack 4"},
		{"remove missing", `<user nc:operation="remove"><name>nobody</name></user>`, "", "admin", ""},
		{"remove", `<ntp nc:operation="remove"/>`, "", "", "192.0.2.123"},
		{"replace", `<dns nc:operation="replace"><search>only.example</search></dns>`, "", "only.example", "192.0.2.53"},
		{"replace entry", `<user nc:operation="replace"><name>admin</name><class>operator</class></user>`, "", "<class>operator", "Lab operator"},
		{"nested", `<user><name>admin</name><full-name nc:operation="delete"/></user>`, "", "super-user", "Lab operator"},
		{"unknown element", `<colour>red</colour>`, "unknown-element", "", "colour"},
		{"unknown below", `<dns><colour>red</colour></dns>`, "unknown-element", "", "colour"},
		{"bad value", `<user><name>x</name><class>king</class></user>`, "invalid-value", "", "king"},
		{"bad number", `<mtu-default>nine</mtu-default>`, "invalid-value", "", "nine"},
		{"no key", `<user><class>operator</class></user>`, "missing-element", "", ""},
		{"bad operation", `<hostname nc:operation="burn">x</hostname>`, "bad-attribute", "r1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, _ := device(Options{})
			p := connect(t, d)
			if c.tag == "" {
				p.ok(editSystem("candidate", c.edit))
			} else {
				p.fails(editSystem("candidate", c.edit), c.tag)
			}
			s := p.do(getCandidate)
			if !strings.Contains(s, c.has) || c.lacks != "" && strings.Contains(s, c.lacks) {
				t.Errorf("candidate is %s", s)
			}
		})
	}
}

func TestEditOptions(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	edit := func(options, config string) string {
		return `<edit-config><target><candidate/></target>` + options + `<config xmlns:nc="` + netconf.BaseNS + `"><system xmlns="` + LabNS + `">` + config + `</system></config></edit-config>`
	}
	two := `<location>new</location><user nc:operation="create"><name>admin</name></user><contact>me</contact>`
	p.fails(edit("<error-option>rollback-on-error</error-option>", two), "data-exists")
	p.lacks(getCandidate, "<location>new", "<contact>")
	p.fails(edit("<error-option>stop-on-error</error-option>", two), "data-exists")
	s := p.lacks(getCandidate, "<contact>")
	if !strings.Contains(s, "<location>new") {
		t.Error("stop-on-error took back what came before the error")
	}
	p.fails(edit("<error-option>continue-on-error</error-option>", two), "data-exists")
	p.has(getCandidate, "<contact>me")
	p.ok("<discard-changes/>")
	p.ok(edit("<test-option>test-only</test-option>", "<contact>tested</contact>"))
	p.lacks(getCandidate, "tested")
	p.fails(edit("<test-option>test-only</test-option>", "<static-route><prefix>10.0.0.0/8</prefix><out-interface>none</out-interface></static-route>"), "data-missing")
	p.fails(edit("<default-operation>none</default-operation>", "<contact>x</contact>"), "data-missing")
	p.ok(edit("<default-operation>none</default-operation>", `<user nc:operation="create"><name>eve</name></user>`))
	p.has(getCandidate, "eve", "admin")
	p.ok(edit("<default-operation>replace</default-operation>", "<hostname>only</hostname>"))
	p.lacks(getCandidate, "admin", "interfaces")
	p.fails(edit("<error-option>maybe</error-option>", ""), "invalid-value")
	p.fails(`<edit-config><target><candidate/></target></edit-config>`, "missing-element")
	p.fails(`<edit-config><target><startup/></target><config/></edit-config>`, "operation-not-supported")
	p.fails(`<edit-config><target><candidate/></target><config><x xmlns="urn:none"/></config></edit-config>`, "unknown-namespace")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	get := func(filter string) string {
		return `<get-config><source><running/></source>` + filter + `</get-config>`
	}
	sub := func(s string) string { return get(`<filter type="subtree">` + s + `</filter>`) }
	xp := func(s string) string {
		return get(`<filter type="xpath" xmlns:i="` + InterfacesNS + `" xmlns:l="` + LabNS + `" select="` + s + `"/>`)
	}
	ifs := func(s string) string { return sub(`<interfaces xmlns="` + InterfacesNS + `">` + s + `</interfaces>`) }
	for _, c := range []struct {
		name, op    string
		has, lacks  []string
		emptyAnswer bool
	}{
		{"container", ifs(""), []string{"eth0", "lo0"}, []string{"hostname"}, false},
		{"entry", ifs("<interface><name>eth1</name></interface>"), []string{"eth1", "9000"}, []string{"eth0"}, false},
		{"leaf with key", ifs("<interface><mtu/></interface>"), []string{"<name>eth0", "<mtu>9000"}, []string{"uplink"}, false},
		{"leaf of entry", ifs("<interface><name>eth0</name><mtu/></interface>"), []string{"eth0", "1500"}, []string{"uplink", "eth1"}, false},
		{"content match", ifs("<interface><type>loopback</type></interface>"), []string{"lo0", "192.0.2.255"}, []string{"eth0"}, false},
		{"two", sub(`<system xmlns="` + LabNS + `"><hostname/><location/></system>`), []string{"r1", "rack 4"}, []string{"lab.example"}, false},
		{"no match", ifs("<interface><name>eth9</name></interface>"), nil, nil, true},
		{"empty filter", sub(""), nil, nil, true},
		{"other namespace", sub(`<system xmlns="urn:none"/>`), nil, nil, true},
		{"no namespace of its own", sub(`<system xmlns=""><hostname/></system>`), []string{"r1"}, nil, false},
		{"xpath", xp("/i:interfaces/i:interface[i:name='eth0']/i:mtu"), []string{"eth0", "1500"}, []string{"uplink", "eth1"}, false},
		{"xpath union", xp("/l:system/l:hostname | /i:interfaces/i:interface[i:name='lo0']"), []string{"r1", "lo0"}, []string{"eth0", "rack 4"}, false},
		{"xpath anywhere", xp("//i:prefix-length"), []string{"<prefix-length>24", "eth0"}, []string{"uplink", "eth1"}, false},
		{"xpath star", xp("/*/l:user"), []string{"admin"}, []string{"eth0"}, false},
		{"xpath and", xp("/i:interfaces/i:interface[i:name='eth1' and i:mtu='9000']"), []string{"eth1"}, []string{"eth0"}, false},
		{"xpath nothing", xp("/i:interfaces/i:interface[i:name='eth1' and i:mtu='9001']"), nil, nil, true},
	} {
		s := p.has(c.op, c.has...)
		for _, x := range c.lacks {
			if strings.Contains(s, x) {
				t.Errorf("%s: has %s: %s", c.name, x, s)
			}
		}
		if c.emptyAnswer && !strings.Contains(s, "<data/>") {
			t.Errorf("%s: not empty: %s", c.name, s)
		}
	}
	p.fails(xp("/i:interfaces/i:interface[position()=1]"), "invalid-value")
	p.fails(xp("/x:interfaces"), "invalid-value")
	p.fails(xp("count(/i:interfaces)"), "invalid-value")
	p.fails(get(`<filter type="xpath"/>`), "missing-attribute")
	p.fails(get(`<filter type="regex"/>`), "bad-attribute")
}

func TestLocks(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p, q := connect(t, d), connect(t, d)
	lock := func(ds string) string { return `<lock><target><` + ds + `/></target></lock>` }
	p.ok(lock("candidate"))
	s := q.fails(lock("candidate"), "lock-denied")
	if !strings.Contains(s, "<session-id>"+p.id+"</session-id>") {
		t.Errorf("holder is not named: %s", s)
	}
	q.fails(editSystem("candidate", "<location>x</location>"), "in-use")
	q.fails("<commit/>", "in-use")
	q.fails("<discard-changes/>", "in-use")
	q.fails(`<unlock><target><candidate/></target></unlock>`, "operation-failed")
	p.fails(lock("candidate"), "lock-denied")
	p.ok(editSystem("candidate", "<location>locked</location>"))
	p.ok(`<unlock><target><candidate/></target></unlock>`)
	p.lacks(getCandidate, "locked") // unlocking drops what was not committed
	p.ok(editSystem("candidate", "<location>dirty</location>"))
	q.fails(lock("candidate"), "lock-denied")
	p.ok("<discard-changes/>")
	q.ok(lock("running"))
	p.fails(editSystem("running", "<location>x</location>"), "in-use")
	p.fails("<commit/>", "in-use")
	q.ok(lock("candidate"))
	q.ok(editSystem("candidate", "<location>lost</location>"))
	q.hang()
	p.lacks(getCandidate, "lost")
	p.ok(lock("candidate"))
	p.ok(lock("running"))
}

func TestConfirmedCommit(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, o Options, commit string) (*Device, *clock, *peer) {
		d, c := device(o)
		p := connect(t, d)
		p.ok(editSystem("candidate", "<location>tried</location>"))
		p.ok(commit)
		if !strings.Contains(string(d.Config(netconf.Running)), "tried") {
			t.Fatal("the confirmed commit did not take effect")
		}
		return d, c, p
	}
	kept := func(t *testing.T, d *Device, want bool) {
		t.Helper()
		if got := strings.Contains(string(d.Config(netconf.Running)), "tried"); got != want {
			t.Errorf("running holds the change: %v, want %v", got, want)
		}
	}
	const timed = `<commit><confirmed/><confirm-timeout>120</confirm-timeout></commit>`
	const persist = `<commit><confirmed/><persist>tok</persist></commit>`
	t.Run("timeout", func(t *testing.T) {
		d, c, _ := start(t, Options{}, timed)
		c.advance(119 * time.Second)
		kept(t, d, true)
		c.advance(time.Second)
		kept(t, d, false)
		if _, _, ok := d.Pending(); ok {
			t.Error("still pending")
		}
	})
	t.Run("confirm", func(t *testing.T) {
		d, c, p := start(t, Options{}, timed)
		p.ok("<commit/>")
		c.advance(time.Hour)
		kept(t, d, true)
	})
	t.Run("extend", func(t *testing.T) {
		d, c, p := start(t, Options{}, timed)
		c.advance(100 * time.Second)
		p.ok(timed)
		c.advance(100 * time.Second)
		kept(t, d, true)
		c.advance(100 * time.Second)
		kept(t, d, false)
	})
	t.Run("cancel", func(t *testing.T) {
		d, _, p := start(t, Options{}, timed)
		p.ok("<cancel-commit/>")
		kept(t, d, false)
		p.fails("<cancel-commit/>", "operation-failed")
	})
	t.Run("session lost", func(t *testing.T) {
		d, _, p := start(t, Options{}, timed)
		p.hang()
		kept(t, d, false)
	})
	t.Run("session lost, not rolled back", func(t *testing.T) {
		d, _, p := start(t, Options{Faults: Faults{KeepOnLoss: true}}, timed)
		p.hang()
		kept(t, d, true)
	})
	t.Run("other session", func(t *testing.T) {
		d, _, _ := start(t, Options{}, timed)
		q := connect(t, d)
		q.fails("<commit/>", "in-use")
		q.fails("<cancel-commit/>", "in-use")
		q.fails(`<lock><target><running/></target></lock>`, "lock-denied")
	})
	t.Run("persist", func(t *testing.T) {
		d, c, p := start(t, Options{}, persist)
		p.fails("<commit/>", "invalid-value")
		p.hang()
		kept(t, d, true)
		q := connect(t, d)
		q.fails("<commit><persist-id>other</persist-id></commit>", "invalid-value")
		q.fails("<cancel-commit/>", "invalid-value")
		q.ok("<commit><persist-id>tok</persist-id></commit>")
		c.advance(time.Hour)
		kept(t, d, true)
	})
	t.Run("persist cancelled", func(t *testing.T) {
		d, _, _ := start(t, Options{}, persist)
		q := connect(t, d)
		q.ok("<cancel-commit><persist-id>tok</persist-id></cancel-commit>")
		kept(t, d, false)
	})
	t.Run("persist extended", func(t *testing.T) {
		d, c, _ := start(t, Options{}, persist)
		q := connect(t, d)
		c.advance(500 * time.Second)
		q.ok("<commit><confirmed/><persist-id>tok</persist-id></commit>")
		c.advance(500 * time.Second)
		kept(t, d, true)
		c.advance(500 * time.Second)
		kept(t, d, false)
	})
	t.Run("persist confirmed by a plain commit", func(t *testing.T) {
		d, c, p := start(t, Options{Faults: Faults{PlainConfirms: true}}, persist)
		p.ok("<commit/>")
		c.advance(time.Hour)
		kept(t, d, true)
	})
	t.Run("error although armed", func(t *testing.T) {
		d, c := device(Options{Faults: Faults{CommitError: true}})
		p := connect(t, d)
		p.ok(editSystem("candidate", "<location>tried</location>"))
		p.fails(timed, "operation-failed")
		kept(t, d, true)
		c.advance(121 * time.Second)
		kept(t, d, false)
	})
	t.Run("bad arguments", func(t *testing.T) {
		d, _ := device(Options{})
		p := connect(t, d)
		p.fails("<commit><confirmed/><confirm-timeout>0</confirm-timeout></commit>", "invalid-value")
		p.fails("<commit><confirmed/><confirm-timeout>soon</confirm-timeout></commit>", "invalid-value")
		p.fails("<commit><persist-id>x</persist-id></commit>", "invalid-value")
		p.fails("<commit><persist>x</persist></commit>", "missing-element")
		p.fails("<commit><confirmed/><persist/></commit>", "invalid-value")
	})
}

func TestOwnClockWithoutAlarms(t *testing.T) {
	t.Parallel()
	c := newClock()
	d := New(Options{Now: c.Now})
	p := connect(t, d)
	p.ok(editSystem("candidate", "<location>tried</location>"))
	p.ok(`<commit><confirmed/></commit>`)
	c.advance(601 * time.Second)
	d.Tick()
	if strings.Contains(string(d.Config(netconf.Running)), "tried") {
		t.Error("Tick did not roll back")
	}
}
