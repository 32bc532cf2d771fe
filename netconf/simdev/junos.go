package simdev

import (
	"fmt"
	"slices"
	"time"

	"dialtone/netconf"
)

// junosNS is a namespace that carries the release: .../23.4R1/junos-chassis.
func (d *Device) junosNS(part string) string {
	return "http://xml.juniper.net/junos/" + release(d.o.Version) + "/" + part
}

// release cuts the build number: 23.4R1.9 is 23.4R1.
func release(v string) string {
	dots := 0
	for i, c := range v {
		if c == '.' {
			if dots++; dots == 2 {
				return v[:i]
			}
		}
	}
	return v
}

// junosTime is how Junos writes a time.
const junosTime = "2006-01-02 15:04:05 MST"

// native answers the operations of Junos; nil when op is none of them.
func (d *Device) native(s *session, op *node, f Faults) *answer {
	switch op.local {
	case "get-configuration":
		return d.getConfiguration(s, op)
	case "load-configuration":
		return d.loadConfiguration(s, op)
	case "commit-configuration":
		return d.commitConfiguration(s, op, f)
	case "open-configuration":
		return d.openConfiguration(s, op)
	case "close-configuration":
		s.private, s.open = nil, false
		return okay()
	case "lock-configuration":
		return result(d.lock(s, netconf.Candidate))
	case "unlock-configuration":
		return result(d.unlock(s, netconf.Candidate))
	}
	return d.operational(op)
}

// result is the answer of what either fails or is done.
func result(e *rpcError) *answer {
	if e != nil {
		return refuse(e)
	}
	return okay()
}

func (d *Device) openConfiguration(s *session, op *node) *answer {
	if s.open {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "configuration database already open"})
	}
	switch {
	case op.has("private"):
		if h := d.locks[netconf.Candidate]; h != nil && h != s {
			return refuse(d.inUse(netconf.Candidate, h))
		}
		if d.dirty {
			return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "shared configuration database modified\nprivate edits are not allowed"})
		}
		s.private = &private{d.running, d.running}
		s.open = true
		return &answer{ok: true, errs: []*rpcError{{typ: "application", tag: "operation-failed", warning: true,
			msg: "uncommitted changes will be discarded on exit"}}}
	case op.has("ephemeral"), op.has("ephemeral-instance"), op.has("dynamic"), op.has("batch"):
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "this database is not configured", info: []*node{leaf("bad-element", op.kids[0].local)}})
	}
	s.open = true
	return okay()
}

func (d *Device) commitConfiguration(s *session, op *node, f Faults) *answer {
	for _, k := range op.kids {
		if !slices.Contains([]string{"check", "log", "confirmed", "confirm-timeout", "at-time", "synchronize", "force-synchronize", "full", "comment"}, k.local) {
			return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "syntax error", info: []*node{leaf("bad-element", k.local)}})
		}
	}
	minutes := op.value("confirm-timeout")
	timeout, err := seconds(minutes, time.Minute, 10*time.Minute)
	if err != nil || timeout > 65535*time.Minute {
		return refuse(&rpcError{typ: "protocol", tag: "invalid-value", msg: fmt.Sprintf("invalid value %.20q", minutes), info: []*node{leaf("bad-element", "confirm-timeout")}})
	}
	if op.has("at-time") && op.has("confirmed") {
		return refuse(&rpcError{typ: "protocol", tag: "operation-failed", msg: "commit at cannot be confirmed", info: []*node{leaf("bad-element", "confirmed")}})
	}
	if op.has("check") {
		return d.commitCheck(s, f)
	}
	o := commitOrder{confirmed: op.has("confirmed"), timeout: timeout, log: op.value("log"), client: "netconf", native: true}
	if op.has("at-time") {
		return d.commitAt(s, op.value("at-time"), o, f)
	}
	a := d.commitFrom(s, o, f)
	if len(a.errs) > 0 {
		return data(el("commit-results", errNodes(a.errs)...))
	}
	return data(d.commitResults(f, el("commit-success")))
}

// commitResults wraps what each routing engine says.
func (d *Device) commitResults(f Faults, what ...*node) *node {
	re := el("routing-engine", leaf("name", "re0")).set("junos:style", "normal")
	re.add(what...)
	if f.Unclosed {
		text := `<routing-engine junos:style="normal"><name>re0</name>`
		for _, w := range what {
			text += "<" + w.local + "/>"
		}
		return &node{local: "commit-results", raw: []byte(text)}
	}
	return el("commit-results", re)
}

func errNodes(errs []*rpcError) []*node {
	var out []*node
	for _, e := range errs {
		out = append(out, e.node(Junos))
	}
	return out
}

// commitCheck validates what a commit would make running.
func (d *Device) commitCheck(s *session, f Faults) *answer {
	from := d.candidate
	if p := s.private; p != nil {
		from = merge3(p.base, p.mine, d.running, d.model)
	}
	for _, ds := range []netconf.Datastore{netconf.Running, netconf.Candidate} {
		if h := d.locks[ds]; h != nil && h != s {
			return refuse(d.inUse(ds, h))
		}
	}
	if e := d.validate(from); e != nil {
		return data(el("commit-results", e.node(Junos)))
	}
	if p := d.pending; p != nil && f.CheckConfirms {
		d.cancel(p.timer)
		d.pending = nil
		d.tellConfirm(s, "complete", 0)
	}
	return data(d.commitResults(f, el("commit-check-success")))
}

// commitAt keeps the candidate as it is now for a later commit.
func (d *Device) commitAt(s *session, when string, o commitOrder, f Faults) *answer {
	bad := func(msg string) *answer {
		return refuse(&rpcError{typ: "protocol", tag: "invalid-value", msg: msg, info: []*node{leaf("bad-element", "at-time")}})
	}
	now := d.o.Now().UTC()
	var at time.Time
	if when != "reboot" {
		for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "15:04:05", "15:04"} {
			t, err := time.Parse(layout, when)
			if err != nil {
				continue
			}
			if t.Year() == 0 {
				t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
				if t.Before(now) {
					t = t.AddDate(0, 0, 1)
				}
			}
			at = t
			break
		}
		if at.IsZero() {
			return bad(fmt.Sprintf("invalid time %.40q", when))
		}
		if at.Sub(now) < time.Minute {
			return bad("the time must be at least 1 minute ahead")
		}
	}
	o.from = d.candidate
	if e := d.mayCommit(s, o, f); e != nil {
		return refuse(e)
	}
	if e := d.validate(o.from); e != nil {
		return data(el("commit-results", e.node(Junos)))
	}
	text := "commit will be executed at reboot"
	if !at.IsZero() {
		text = "commit at will be executed at " + at.Format(junosTime)
		d.at(at, func() {
			// A commit at a time that meets a lock or a bad candidate is dropped,
			// and the history shows that it did not happen.
			_ = d.commit(s, o, Faults{})
		})
	}
	return data(d.commitResults(f, el("commit-check-success"), leaf("output", text)))
}
