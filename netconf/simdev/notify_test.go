package simdev

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

const subscribeAll = `<create-subscription xmlns="` + netconf.NotificationNS + `"/>`

// next reads the next notification and checks what it holds.
func (p *peer) next(want ...string) string {
	p.t.Helper()
	s := ""
	if len(p.noted) > 0 {
		s, p.noted = p.noted[0], p.noted[1:]
	} else {
		s = p.read()
	}
	for _, w := range append(want, "<eventTime>2026-11-21T") {
		if !strings.Contains(s, w) {
			p.t.Fatalf("notification lacks %q: %s", w, s)
		}
	}
	return s
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	d, c := device(Options{})
	p := connect(t, d)
	p.ok(subscribeAll)
	p.fails(subscribeAll, "operation-failed")
	q := connect(t, d)
	p.next("netconf-session-start", "<session-id>"+q.id+"<")
	q.ok(editSystem("candidate", "<location>new</location><user><name>eve</name></user>"))
	// The device tells of a commit before or after it answers the committer.
	q.ok("<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>")
	p.next("netconf-config-change", "<datastore>running<", "/system/location", "<operation>replace<", "user[name=&apos;eve&apos;]", "<operation>create<")
	p.next("netconf-confirmed-commit", "<confirm-event>start<", "<timeout>60<")
	c.advance(time.Minute)
	p.next("<confirm-event>timeout<")
	p.next("netconf-config-change", "<server/>")
	d.Notify([]byte(`<link-down xmlns="urn:x"><name>eth0</name></link-down>`))
	well(t, p.next(`<link-down xmlns="urn:x">`, "<name>eth0<"))
	d.Notify([]byte(`<broken`))
	p.next(`<broken`)
	p.has(getRunning, "eth0") // requests are answered while subscribed
	q.hang()
	p.next("netconf-session-end", "<session-id>"+q.id+"<", "closed")
	r := connect(t, d)
	p.next("netconf-session-start")
	p.ok("<kill-session><session-id>" + r.id + "</session-id></kill-session>")
	p.next("netconf-session-end", "killed")
}

func TestSubscriptionFilterAndReplay(t *testing.T) {
	t.Parallel()
	d, c := device(Options{})
	d.Notify([]byte(`<old xmlns="urn:x"/>`))
	c.advance(time.Minute)
	d.Notify([]byte(`<recent xmlns="urn:x"/>`))
	c.advance(time.Minute)
	p := connect(t, d)
	sub := func(inner string) string {
		return `<create-subscription xmlns="` + netconf.NotificationNS + `">` + inner + `</create-subscription>`
	}
	p.fails(sub("<startTime>2030-01-01T00:00:00Z</startTime>"), "bad-element")
	p.fails(sub("<stopTime>2030-01-01T00:00:00Z</stopTime>"), "missing-element")
	p.fails(sub("<startTime>2026-11-21T14:00:30Z</startTime><stopTime>2026-11-21T14:00:10Z</stopTime>"), "bad-element")
	p.fails(sub("<startTime>yesterday</startTime>"), "bad-element")
	p.fails(sub("<stream>other</stream>"), "invalid-value")
	p.ok(sub(`<filter type="subtree"><recent xmlns="urn:x"/><wanted xmlns="urn:x"/></filter><startTime>2026-11-21T14:00:30Z</startTime><stopTime>2026-11-21T14:10:00Z</stopTime>`))
	p.next("<recent ")
	p.next("<replayComplete ")
	d.Notify([]byte(`<unwanted xmlns="urn:x"/>`))
	d.Notify([]byte(`<wanted xmlns="urn:x"/>`))
	p.next("<wanted ")
	c.advance(time.Hour)
	p.next("<notificationComplete ")
	d.Notify([]byte(`<wanted xmlns="urn:x"/>`))
	p.ok("<discard-changes/>")
	if len(p.noted) != 0 {
		t.Errorf("after the end: %v", p.noted)
	}
}

func TestMonitoring(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Startup: true})
	p := connect(t, d)
	q := connect(t, d)
	q.ok(`<lock><target><running/></target></lock>`)
	state := func(what string) string {
		return `<get><filter type="subtree"><netconf-state xmlns="` + netconf.MonitoringNS + `"><` + what + `/></netconf-state></filter></get>`
	}
	p.has(state("sessions"), "<session-id>"+p.id+"<", "<session-id>"+q.id+"<", "<username>admin<", "<login-time>2026-11-21T14:00:00Z")
	p.has(state("datastores"), "<locked-by-session>"+q.id+"<", "<name>startup<")
	p.has(state("schemas"), "<identifier>dialtone-lab<", LabNS)
	p.has(state("capabilities"), "candidate:1.0")
	p.has(state("statistics"), "<in-sessions>2<")
	p.lacks(state("statistics"), "hostname")
	p.has(`<get><filter type="subtree"><netconf xmlns="`+netmodNS+`"><streams/></netconf></filter></get>`, "<replaySupport>true")
	p.has(`<get/>`, "netconf-state", "hostname", "streams")
	schema := func(inner string) string {
		return `<get-schema xmlns="` + netconf.MonitoringNS + `">` + inner + `</get-schema>`
	}
	p.has(schema("<identifier>dialtone-lab</identifier><version>2026-11-01</version><format>yang</format>"), "module dialtone-lab {")
	p.fails(schema("<identifier>none</identifier>"), "invalid-value")
	p.fails(schema("<identifier>dialtone-lab</identifier><version>1999-01-01</version>"), "invalid-value")
	p.fails(schema(""), "missing-element")
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	get := func(mode string) string {
		return `<get-config><source><running/></source><with-defaults xmlns="` + withDefaultsNS + `">` + mode + `</with-defaults></get-config>`
	}
	p.has(get("report-all"), "<port>53</port>", "<mtu-default>1500<")
	p.lacks(get("explicit"), "<port>53</port>")
	p.lacks(get("trim"), "<enabled>true</enabled>")
	s := p.has(get("report-all-tagged"), `wd:default="true">1500<`)
	well(t, s)
	p.fails(get("sometimes"), "invalid-value")
	p.lacks(getRunning, "<port>53")
}

func TestStartupAndCopies(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Startup: true})
	p := connect(t, d)
	copyTo := func(to, from string) string {
		return `<copy-config><target><` + to + `/></target><source>` + from + `</source></copy-config>`
	}
	p.ok(editSystem("running", "<location>moved</location>"))
	p.lacks(`<get-config><source><startup/></source></get-config>`, "moved")
	p.ok(copyTo("startup", "<running/>"))
	p.has(`<get-config><source><startup/></source></get-config>`, "moved")
	p.fails(copyTo("running", "<running/>"), "invalid-value")
	p.ok(copyTo("candidate", `<config><system xmlns="`+LabNS+`"><hostname>inline</hostname></system></config>`))
	p.lacks(getCandidate, "interfaces")
	p.fails(copyTo("candidate", `<config><x xmlns="urn:none"/></config>`), "unknown-namespace")
	p.fails(copyTo("candidate", `<url>file:///x</url>`), "operation-not-supported")
	p.ok(`<delete-config><target><startup/></target></delete-config>`)
	p.has(`<get-config><source><startup/></source></get-config>`, "<data/>")
	p.fails(`<delete-config><target><running/></target></delete-config>`, "operation-not-supported")
	p.ok(`<validate><source><running/></source></validate>`)
	p.fails(`<validate><source><config><system xmlns="`+LabNS+`"><static-route><prefix>10.0.0.0/8</prefix><out-interface>none</out-interface></static-route></system></config></source></validate>`, "data-missing")
	p.fails(`<kill-session><session-id>`+p.id+`</session-id></kill-session>`, "invalid-value")
	p.fails(`<kill-session><session-id>99</session-id></kill-session>`, "invalid-value")
	p.fails(`<kill-session/>`, "missing-element")
}

func TestDevicesWithLess(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Without: []string{"candidate", "validate", "xpath", "notification", "confirmed-commit:1.1", "base:1.1", "rollback-on-error"}})
	p := connect(t, d)
	if p.chunked || strings.Contains(p.hello, "candidate") {
		t.Error(p.hello)
	}
	p.fails("<commit/>", "operation-not-supported")
	p.fails(getCandidate, "operation-not-supported")
	p.fails("<validate><source><running/></source></validate>", "operation-not-supported")
	p.fails(`<get-config><source><running/></source><filter type="xpath" select="/a"/></get-config>`, "bad-attribute")
	p.fails(subscribeAll, "operation-not-supported")
	p.ok(editSystem("running", "<location>x</location>"))
}

func TestWithoutInterleave(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Without: []string{"interleave"}})
	p := connect(t, d)
	p.ok(subscribeAll)
	p.fails(getRunning, "operation-failed")
	p.ok("<close-session/>")
}

func TestKilledSessionLosesItsLocksAtOnce(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p, q := connect(t, d), connect(t, d)
	q.ok(`<lock><target><candidate/></target></lock>`)
	p.ok(`<kill-session><session-id>` + q.id + `</session-id></kill-session>`)
	p.ok(`<lock><target><candidate/></target></lock>`)
	if d.Kill(4711) {
		t.Error("killed a session that is not there")
	}
	if !d.Kill(d.Sessions()[0]) {
		t.Error("did not find the session")
	}
}
