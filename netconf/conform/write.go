package conform

import (
	"strconv"
	"strings"
	"time"

	"dialtone/netconf"
)

func writeRows() []row {
	confirmed := []string{"candidate", "confirmed-commit"}
	persist := []string{"candidate", "confirmed-commit:1.1"}
	return []row{
		{"an edit stays in the candidate until commit", []string{"candidate"}, func(k *kit, a side) {
			a.undo(k.m.Leaf("delete", ""))
			a.ok(a.edit(k.m.Leaf("", "staged")))
			a.holds("candidate", k.value("staged"), true)
			a.holds("running", "staged", false)
			a.ok("<commit/>")
			a.holds("running", k.value("staged"), true)
		}},
		{"discard-changes drops an edit", []string{"candidate"}, func(k *kit, a side) {
			a.ok(a.edit(k.m.Leaf("", "dropped")))
			a.ok("<discard-changes/>")
			a.holds("candidate", "dropped", false)
		}},
		{"merge, create, delete", nil, func(k *kit, a side) {
			k.clean(a)
			a.ok(a.edit(k.m.Entry("", "merged")))
			a.ok(a.edit(k.m.Entry("create", "created")))
			a.holds(k.ds, "merged", true)
			a.holds(k.ds, "created", true)
			a.ok(a.edit(k.m.Entry("delete", "merged")))
			a.ok(a.edit(k.m.Entry("delete", "created")))
			a.holds(k.ds, "merged", false)
			a.holds(k.ds, "created", false)
		}},
		{"replace puts one value in the place of another", nil, func(k *kit, a side) {
			k.clean(a)
			a.ok(a.edit(k.m.Leaf("", "before")))
			a.ok(a.edit(k.m.Leaf("replace", "after")))
			a.holds(k.ds, k.value("after"), true)
			a.holds(k.ds, "before", false)
		}},
		{"default-operation none changes only what says so", nil, func(k *kit, a side) {
			k.seed(a, "kept", "gone")
			k.clean(a)
			a.ok(a.editWith("<default-operation>none</default-operation>", k.m.Entry("delete", "gone")))
			a.holds(k.ds, "<name>kept</name>", true)
			a.holds(k.ds, "<name>gone</name>", false)
			if k.ds == "running" {
				a.ok(a.edit(k.m.Entry("", "gone"))) // for the end of the case
			}
		}},
		{"create of what is there is data-exists", nil, func(k *kit, a side) {
			k.seed(a, "there")
			k.shape(a.fails(a.edit(k.m.Entry("create", "there")), "data-exists"))
		}},
		{"delete of what is missing is data-missing", nil, func(k *kit, a side) {
			k.shape(a.fails(a.edit(k.m.Entry("delete", "nowhere")), "data-missing"))
		}},
		{"remove of what is missing is no error", []string{"base:1.1"}, func(k *kit, a side) {
			a.ok(a.edit(k.m.Entry("remove", "nowhere")))
		}},
		{"an unknown element is refused", nil, func(k *kit, a side) {
			e := a.fails(a.edit(k.m.Unknown), "unknown-element", "operation-failed")
			k.shape(e)
			if !strings.HasSuffix(e.BadElement, "colour") && !strings.Contains(e.Path+e.Message, "colour") {
				k.Errorf("the error names no element: %+v", e)
			}
		}},
		{"rollback-on-error keeps nothing", []string{"rollback-on-error"}, func(k *kit, a side) {
			k.clean(a)
			a.fails(a.editWith("<error-option>rollback-on-error</error-option>", k.m.Leaf("", "halfway")+k.m.Entry("delete", "nowhere")), "data-missing", "operation-failed")
			a.holds(k.ds, "halfway", false)
		}},
		{"a lock keeps others out and names its holder", nil, locks},
		{"the end of a session gives its lock back", nil, func(k *kit, a side) {
			b := k.session()
			b.ok("<lock><target><" + k.ds + "/></target></lock>")
			if err := b.s.Close(k.ctx); err != nil {
				k.Errorf("close: %v", err)
			}
			k.eventually(a, "<lock><target><"+k.ds+"/></target></lock>")
			a.ok("<unlock><target><" + k.ds + "/></target></unlock>")
		}},
		{"validate accepts the candidate", []string{"validate", "candidate"}, func(k *kit, a side) {
			a.ok("<validate><source><candidate/></source></validate>")
			if k.m.Broken == "" {
				return
			}
			k.clean(a)
			a.ok(a.edit(k.m.Broken))
			k.shape(a.fails("<validate><source><candidate/></source></validate>", "operation-failed", "data-missing", "invalid-value"))
			a.fails("<commit/>", "operation-failed", "data-missing", "invalid-value")
		}},
		{"a confirmed commit is confirmed", confirmed, func(k *kit, a side) {
			a.undo(k.m.Leaf("delete", ""))
			a.ok(a.edit(k.m.Leaf("", "confirmed")))
			a.ok("<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>")
			a.holds("running", k.value("confirmed"), true)
			a.ok("<commit/>")
			a.holds("running", k.value("confirmed"), true)
		}},
		{"a confirmed commit ends with its session", confirmed, func(k *kit, a side) {
			b := k.session()
			k.clean(a)
			b.ok(b.edit(k.m.Leaf("", "orphan")))
			b.ok("<commit><confirmed/><confirm-timeout>60</confirm-timeout></commit>")
			if err := b.s.Close(k.ctx); err != nil {
				k.Errorf("close: %v", err)
			}
			k.until(func() bool { return !strings.Contains(a.get("running"), "orphan") }, "running still holds what was not confirmed")
		}},
		{"cancel-commit undoes at once", persist, func(k *kit, a side) {
			k.clean(a)
			a.ok(a.edit(k.m.Leaf("", "cancelled")))
			a.ok("<commit><confirmed/></commit>")
			a.holds("running", "cancelled", true)
			a.ok("<cancel-commit/>")
			a.holds("running", "cancelled", false)
		}},
		{"a persistent confirmed commit is confirmed by its token elsewhere", persist, func(k *kit, a side) {
			a.undo(k.m.Leaf("delete", ""))
			b := k.session()
			b.ok(b.edit(k.m.Leaf("", "kept")))
			b.ok("<commit><confirmed/><persist>token-1</persist></commit>")
			if err := b.s.Close(k.ctx); err != nil {
				k.Errorf("close: %v", err)
			}
			a.holds("running", k.value("kept"), true)
			a.fails("<commit><persist-id>token-2</persist-id></commit>", "invalid-value", "in-use", "operation-failed", "access-denied")
			a.ok("<commit><persist-id>token-1</persist-id></commit>")
			a.holds("running", k.value("kept"), true)
		}},
		{"a persistent confirmed commit is cancelled by its token", persist, func(k *kit, a side) {
			k.clean(a)
			a.ok(a.edit(k.m.Leaf("", "undone")))
			a.ok("<commit><confirmed/><persist>token-3</persist></commit>")
			a.ok("<cancel-commit><persist-id>token-3</persist-id></cancel-commit>")
			a.holds("running", "undone", false)
		}},
		{"startup is a copy made by copy-config", []string{"startup"}, func(k *kit, a side) {
			k.seed(a, "saved")
			a.ok("<copy-config><target><startup/></target><source><running/></source></copy-config>")
			a.holds("startup", "saved", true)
		}},
		{"running can be edited", []string{"writable-running"}, func(k *kit, a side) {
			k.ds = "running"
			a.undo(k.m.Leaf("delete", ""))
			a.ok(a.edit(k.m.Leaf("", "direct")))
			a.holds("running", k.value("direct"), true)
		}},
	}
}

// shape checks what every rpc-error must have.
func (k *kit) shape(e *netconf.RPCError) {
	k.Helper()
	if e.Type == "" || e.Tag == "" || e.Severity != "error" {
		k.Errorf("rpc-error of type %q, tag %q, severity %q", e.Type, e.Tag, e.Severity)
	}
	if strings.TrimSpace(e.Message) != e.Message {
		k.Errorf("error-message %q is not trimmed", e.Message)
	}
}

func locks(k *kit, a side) {
	b := k.session()
	lock, unlock := "<lock><target><"+k.ds+"/></target></lock>", "<unlock><target><"+k.ds+"/></target></unlock>"
	a.ok(lock)
	e := b.fails(lock, "lock-denied")
	k.shape(e)
	if e.SessionID != strconv.Itoa(int(a.s.ID())) {
		k.Errorf("holder %q, want %d", e.SessionID, a.s.ID())
	}
	b.fails(b.edit(k.m.Leaf("", "intruder")), "in-use", "lock-denied", "access-denied")
	b.fails(unlock, "operation-failed", "lock-denied", "access-denied", "in-use")
	a.ok(unlock)
	b.ok(lock)
	b.ok(unlock)
}

// until waits for the server to notice something by itself.
func (k *kit) until(done func() bool, what string) {
	k.Helper()
	tick := time.NewTicker(20 * time.Millisecond) // the server gives no event to wait for
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-k.ctx.Done():
			k.Fatal(what)
		}
	}
}

// eventually repeats an operation until it succeeds.
func (k *kit) eventually(a side, body string) {
	k.Helper()
	k.until(func() bool { return a.try(body).out.OK }, body+" never succeeded")
}
