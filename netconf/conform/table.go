package conform

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"dialtone/netconf"
)

// row is one line of the table. needs are capabilities; "!junos" asks for its
// absence.
type row struct {
	name  string
	needs []string
	run   func(k *kit, a side)
}

func table() []row {
	return append(readRows(), writeRows()...)
}

func readRows() []row {
	return []row{
		{"hello gives a session-id and base:1.0 or base:1.1", nil, func(k *kit, a side) {
			if a.s.ID() == 0 {
				k.Error("session-id is 0")
			}
			if !a.s.Caps().Has("base:1.0") && !a.s.Caps().Has("base:1.1") {
				k.Errorf("no base capability in %v", a.s.Caps().URIs())
			}
		}},
		{"framing follows the capabilities", nil, func(k *kit, a side) {
			want := netconf.EndOfMessage
			if a.s.Caps().Has("base:1.1") && !k.o.Only10 {
				want = netconf.Chunked
			}
			if a.s.Framing() != want {
				k.Errorf("framing %v, want %v", a.s.Framing(), want)
			}
		}},
		{"two sessions have two ids", nil, func(k *kit, a side) {
			if b := k.session(); a.s.ID() == b.s.ID() {
				k.Errorf("both are %d", a.s.ID())
			}
		}},
		{"get-config answers with data", nil, func(k *kit, a side) {
			if text := a.ok("<get-config><source><running/></source></get-config>"); !strings.Contains(text, "data") {
				k.Error(text)
			}
		}},
		{"get with a filter that nothing matches", nil, func(k *kit, a side) {
			a.ok(`<get><filter type="subtree"><nothing xmlns="urn:dialtone:nothing"/></filter></get>`)
		}},
		{"subtree filter leaves the rest out", nil, func(k *kit, a side) {
			k.beside(a, "beside", "filtered")
			text := a.ok(getFiltered("subtree", k.m.List))
			if !strings.Contains(text, "<name>filtered</name>") || strings.Contains(text, "beside") {
				k.Error(text)
			}
			if text = a.get("running"); !strings.Contains(text, k.value("beside")) {
				k.Errorf("there was nothing to leave out: %s", text)
			}
		}},
		{"subtree filter picks an entry by its content", nil, func(k *kit, a side) {
			k.beside(a, "beside", "picked", "passed")
			text := a.ok(getFiltered("subtree", k.m.Pick("picked")))
			if !strings.Contains(text, "<name>picked</name>") || strings.Contains(text, "passed") || strings.Contains(text, "beside") {
				k.Error(text)
			}
		}},
		{"xpath filter selects one entry", []string{"xpath"}, func(k *kit, a side) {
			k.seed(a, "one", "two")
			text := a.ok(`<get-config><source><running/></source><filter type="xpath" xmlns:lab="` + k.m.NS + `" select="` + k.m.XPath("one") + `"/></get-config>`)
			if !strings.Contains(text, "<name>one</name>") || strings.Contains(text, "<name>two</name>") {
				k.Error(text)
			}
		}},
		{"an unknown operation is refused and the session lives", nil, func(k *kit, a side) {
			a.fails("<no-such-operation/>", "operation-not-supported", "unknown-element", "operation-failed")
			a.get("running")
		}},
		{"a missing parameter is refused", nil, func(k *kit, a side) {
			a.fails("<lock/>", "missing-element", "data-missing")
		}},
		{"a hundred requests in one go are answered in order", nil, pipeline},
		{"text survives escaping both ways", nil, func(k *kit, a side) {
			k.clean(a)
			a.ok(a.edit(k.m.Leaf("", "a &lt;b&gt; &amp; &quot;c&quot; äöü 漢字")))
			text := a.get(k.ds)
			if !strings.Contains(text, "a &lt;b&gt; &amp; ") || !strings.Contains(text, "äöü 漢字") {
				k.Error(text)
			}
		}},
		{"get-schema returns a module", []string{"monitoring", "!junos"}, func(k *kit, a side) {
			text := a.ok(`<get-schema xmlns="` + netconf.MonitoringNS + `"><identifier>dialtone-lab</identifier></get-schema>`)
			if !strings.Contains(text, "module dialtone-lab") {
				k.Error(text)
			}
			a.fails(`<get-schema xmlns="`+netconf.MonitoringNS+`"><identifier>no-such-module</identifier></get-schema>`, "invalid-value", "operation-failed")
		}},
		{"monitoring lists this session", []string{"monitoring"}, func(k *kit, a side) {
			text := a.ok(`<get><filter type="subtree"><netconf-state xmlns="` + netconf.MonitoringNS + `"><sessions/></netconf-state></filter></get>`)
			if !strings.Contains(text, "<session-id>"+strconv.Itoa(int(a.s.ID()))+"</session-id>") {
				k.Error(text)
			}
		}},
		{"with-defaults takes report-all", []string{"with-defaults"}, func(k *kit, a side) {
			a.ok(`<get-config><source><running/></source><with-defaults xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults">report-all</with-defaults></get-config>`)
		}},
		{"events arrive beside replies", []string{"notification", "interleave"}, events},
		{"kill-session ends another session", nil, func(k *kit, a side) {
			a.fails("<kill-session><session-id>"+strconv.Itoa(int(a.s.ID()))+"</session-id></kill-session>", "invalid-value")
			b := k.session()
			a.ok("<kill-session><session-id>" + strconv.Itoa(int(b.s.ID())) + "</session-id></kill-session>")
			select {
			case <-b.s.Done():
			case <-k.ctx.Done():
				k.Error("the other session lives")
			}
		}},
		{"close-session ends in good order", nil, func(k *kit, a side) {
			if err := a.s.Close(k.ctx); err != nil {
				k.Errorf("close: %v", err)
			}
			if err := a.s.Err(); err != nil {
				k.Errorf("after close: %v", err)
			}
		}},
	}
}

// getFiltered reads running through a filter that is XML.
func getFiltered(kind, filter string) string {
	return `<get-config><source><running/></source><filter type="` + kind + `">` + filter + "</filter></get-config>"
}

// beside is seed with a value in the leaf, too.
func (k *kit) beside(a side, value string, names ...string) {
	k.Helper()
	a.undo(k.m.Leaf("delete", ""))
	a.ok(a.edit(k.m.Leaf("", value)))
	k.seed(a, names...)
}

// seed puts list entries into running for the time of the case.
func (k *kit) seed(a side, names ...string) {
	k.Helper()
	for _, n := range names {
		a.undo(k.m.Entry("delete", n))
		a.ok(a.edit(k.m.Entry("", n)))
	}
	a.commit()
}

// clean forgets what the case leaves in the candidate, or takes the leaf out
// of running.
func (k *kit) clean(a side) {
	if k.ds == "candidate" {
		k.Cleanup(func() {
			k2 := *k
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			k2.ctx = ctx
			k2.session().try("<discard-changes/>")
		})
		return
	}
	a.undo(k.m.Leaf("delete", ""))
}

// pipeline sends a hundred requests at once. The replies must come to their
// own requests, whatever their number.
func pipeline(k *kit, a side) {
	const n = 100
	var wg sync.WaitGroup
	ids := make([]string, n)
	for i := range n {
		wg.Add(1)
		go func() { // ends with the reply or with the case's context
			defer wg.Done()
			body := "<get-config><source><running/></source></get-config>"
			if i%7 == 3 {
				body = "<no-such-operation/>"
			}
			var b bytes.Buffer
			out, err := a.s.Do(k.ctx, netconf.Request{Name: "get-config", Body: []byte(body)}, &b)
			switch {
			case err != nil:
				k.Errorf("request %d: %v", i, err)
			case out.OK != (i%7 != 3):
				k.Errorf("request %d got the answer of another one: %s", i, b.String())
			case !strings.Contains(b.String(), `message-id="`+out.MessageID+`"`):
				k.Errorf("request %d: message-id %s is not in %s", i, out.MessageID, b.String())
			}
			ids[i] = out.MessageID
		}()
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			k.Errorf("message-id %q twice", id)
		}
		seen[id] = true
	}
}

// events subscribes and waits for what another session's start or commit
// causes.
func events(k *kit, _ side) {
	got := make(chan netconf.Notification, 64)
	a := k.listening(func(n netconf.Notification) {
		select {
		case got <- n:
		default:
		}
	})
	a.ok(`<create-subscription xmlns="` + netconf.NotificationNS + `"/>`)
	a.get("running")
	b := k.session()
	for {
		select {
		case n := <-got:
			if err := wellFormed(n.Body); err != nil {
				k.Errorf("notification: %v: %s", err, n.Body)
			}
			if n.EventTime.IsZero() {
				k.Errorf("no event time in %s", n.Body)
			}
			if n.Name == "netconf-session-start" && strings.Contains(string(n.Body), ">"+strconv.Itoa(int(b.s.ID()))+"<") {
				a.get("running") // the session still answers
				return
			}
		case <-k.ctx.Done():
			k.Fatal("no event told of the new session")
		}
	}
}
