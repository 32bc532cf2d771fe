package commit

import (
	"context"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
	"dialtone/netconf/xmldiff"
)

// typed runs a commit that a person wrote.
func (l *lab) typed(body string) Report {
	l.t.Helper()
	r, err := netconf.Classify([]byte(body), l.open().Caps)
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := l.c.Typed(l.id, r)
	if err != nil {
		l.t.Fatalf("%s: %v", body, err)
	}
	if p.Text() != body {
		l.t.Errorf("plan %q, typed %q", p.Text(), body)
	}
	return l.c.Run(l.ctx, p, nil)
}

// A confirmed commit is one however it is written: it is noted with its time
// and token, can be confirmed and rolled back by a key, and told from running.
func TestTypedConfirmedCommits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect simdev.Dialect
		body    string
		wait    time.Duration
		token   string
		tied    bool
	}{
		"standard":             {simdev.RFC, `<commit><confirmed/><confirm-timeout>120</confirm-timeout></commit>`, 2 * time.Minute, "", true},
		"without a time":       {simdev.RFC, `<commit><confirmed/></commit>`, 10 * time.Minute, "", true},
		"persist":              {simdev.RFC, `<commit><confirmed/><confirm-timeout> 90 </confirm-timeout><persist>tok-1</persist></commit>`, 90 * time.Second, "tok-1", false},
		"whole, with a prefix": {simdev.RFC, `<nc:rpc message-id="a1" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><nc:commit><nc:confirmed/><nc:confirm-timeout>60</nc:confirm-timeout><nc:persist>a&lt;b</nc:persist></nc:commit></nc:rpc>`, time.Minute, "a<b", false},
		"order and comments":   {simdev.RFC, "<?xml version=\"1.0\"?>\n<!-- safe --><commit><persist>t</persist><confirm-timeout>60</confirm-timeout><confirmed></confirmed></commit>", time.Minute, "t", false},
		"junos minutes":        {simdev.Junos, `<commit-configuration><confirmed/><confirm-timeout>5</confirm-timeout><log>x</log></commit-configuration>`, 5 * time.Minute, "", false},
		"junos, no time":       {simdev.Junos, `<rpc><commit-configuration><confirmed/></commit-configuration></rpc>`, 10 * time.Minute, "", false},
		"junos, standard":      {simdev.Junos, `<commit><confirmed/><confirm-timeout>120</confirm-timeout></commit>`, 2 * time.Minute, "", true},
	} {
		for _, end := range []Kind{DoConfirm, DoCancel} {
			t.Run(name+", "+end.String(), func(t *testing.T) {
				t.Parallel()
				l := newLab(t, simdev.Options{Dialect: tc.dialect})
				l.edit()
				r := l.typed(tc.body)
				words(t, "report", r.Words, "Committed: rolls back in "+Countdown(tc.wait)+" unless confirmed.")
				deadline, token, waits := l.dev.Pending()
				st := l.c.State(l.id)
				if !waits || st.Pending == nil || st.Pending.Wait != tc.wait || !st.Pending.Deadline.Equal(deadline) ||
					st.Pending.PersistID != tc.token || token != tc.token || st.Pending.Tied() != tc.tied || !st.Waits || len(l.files()) != 1 {
					t.Fatalf("%+v, device %v %q", st.Pending, deadline, token)
				}
				if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != StillApplied || f.Over {
					t.Errorf("%+v %v", f, err)
				}
				l.must(Order{Do: end})
				if _, _, waits := l.dev.Pending(); waits || l.applied() != (end == DoConfirm) || len(l.files()) != 0 {
					t.Errorf("waits %v, applied %v, files %v", waits, l.applied(), l.files())
				}
			})
		}
	}
}

// What is sent around the control, with no reading before it, is noted all the
// same: only what became of it cannot be told.
func TestCommitThatIsOnlyWatched(t *testing.T) {
	t.Parallel()
	for dialect, body := range map[simdev.Dialect]string{
		simdev.RFC:   `<commit><confirmed/><confirm-timeout>60</confirm-timeout><persist>p</persist></commit>`,
		simdev.Junos: `<commit-configuration><confirmed/><confirm-timeout>1</confirm-timeout></commit-configuration>`,
	} {
		l := newLab(t, simdev.Options{Dialect: dialect})
		l.edit()
		l.send(body)
		if st := l.c.State(l.id); st.Left != time.Minute || !st.Waits || len(l.files()) != 1 {
			t.Fatalf("%+v", st)
		}
		if f, _ := l.c.Verify(l.ctx, l.id); f.Verdict != CannotTell {
			t.Errorf("%+v", f)
		}
		l.must(Order{Do: DoConfirm})
		if !l.applied() || len(l.files()) != 0 {
			t.Errorf("applied %v, files %v", l.applied(), l.files())
		}

		l = newLab(t, simdev.Options{Dialect: dialect})
		l.edit()
		r, _ := netconf.Classify([]byte(body), netconf.Caps{})
		if err := l.c.Prepare(l.ctx, l.id, r); err != nil {
			t.Fatal(err)
		}
		l.send(body)
		if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != StillApplied {
			t.Errorf("prepared: %+v %v", f, err)
		}
	}
}

func TestTypedConfirmations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		dialect      simdev.Dialect
		arm, confirm string
	}{
		"same session": {simdev.RFC, `<commit><confirmed/></commit>`, `<commit/>`},
		"token":        {simdev.RFC, `<commit><confirmed/><persist>t</persist></commit>`, `<commit><persist-id>t</persist-id></commit>`},
		"junos":        {simdev.Junos, `<commit-configuration><confirmed/></commit-configuration>`, `<commit-configuration/>`},
		"junos, mixed": {simdev.Junos, `<commit-configuration><confirmed/></commit-configuration>`, `<commit/>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, simdev.Options{Dialect: tc.dialect})
			l.edit()
			l.typed(tc.arm)
			if r := l.typed(tc.confirm); r.Verdict != Done || r.Words != "Confirmed: r1 keeps the commit." {
				t.Errorf("%+v", r)
			}
			if st := l.c.State(l.id); st.Pending != nil || len(l.files()) != 0 || !l.applied() {
				t.Errorf("%+v", st)
			}
		})
	}
	l := newLab(t, simdev.Options{})
	for _, body := range []string{"<get/>", "<discard-changes/>", "<commit-configuration><check/></commit-configuration>", "<commit-configuration><at-time>reboot</at-time></commit-configuration>"} {
		r, _ := netconf.Classify([]byte(body), netconf.Caps{})
		if _, err := l.c.Typed(l.id, r); err == nil || IsCommit(r) || Arms(r) {
			t.Errorf("%s counts as a commit", body)
		}
	}
}

// On Junos a check may confirm what waits. It is not offered then, and one that
// was typed leaves a doubt that reading cannot lift before the time is over.
func TestCheckWhileACommitWaitsOnJunos(t *testing.T) {
	t.Parallel()
	for _, confirms := range []bool{true, false} {
		l := newLab(t, simdev.Options{Dialect: simdev.Junos, Faults: simdev.Faults{CheckConfirms: confirms}})
		l.edit()
		l.must(Order{Do: DoValidate})
		l.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
		words(t, "validate", l.c.State(l.id).Why(DoValidate), "Junos may take a check for its confirmation")
		if _, err := l.c.Plan(l.id, Order{Do: DoCommit, Check: true}); err == nil {
			t.Error("a check is offered while a commit waits")
		}
		l.send("<commit-configuration><check/></commit-configuration>")
		st := l.c.State(l.id)
		words(t, "note", st.Note, "A commit check was sent meanwhile, which some releases of Junos take for the confirmation. Verify.")
		if f, _ := l.c.Verify(l.ctx, l.id); f.Over || f.Verdict != StillApplied {
			t.Errorf("%+v", f)
		}
		l.pass(5 * time.Minute)
		f, err := l.c.Verify(l.ctx, l.id)
		if want := map[bool]Found{true: StillApplied, false: RolledBack}[confirms]; err != nil || f.Verdict != want {
			t.Errorf("confirms %v: %+v %v", confirms, f, err)
		}
	}
}

// A second confirmed commit of Junos starts the time anew.
func TestExtendOnJunos(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Dialect: simdev.Junos})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Timeout: 2 * time.Minute})
	l.pass(90 * time.Second)
	r := l.must(Order{Do: DoExtend, Timeout: 5 * time.Minute})
	words(t, "report", r.Words, "Extended: rolls back in 05:00 unless confirmed.")
	words(t, "plan", r.Plan.Text(), "<commit-configuration>\n  <confirmed/>\n  <confirm-timeout>5</confirm-timeout>\n</commit-configuration>")
	words(t, "warning", strings.Join(r.Plan.Warnings, " "), "second confirmed commit")
	deadline, _, _ := l.dev.Pending()
	if ps := l.c.Pendings(); len(ps) != 1 || !ps[0].Deadline.Equal(deadline) || !ps[0].Native {
		t.Fatalf("%+v, the device says %v", ps, deadline)
	}
	l.edit2()
	r = l.must(Order{Do: DoExtend, Timeout: time.Minute})
	words(t, "warning", strings.Join(r.Plan.Warnings, " "), "1 edit made since then is put in force too.")
	if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != StillApplied {
		t.Errorf("%+v %v", f, err)
	}
	l.pass(3 * time.Minute)
	if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != RolledBack || l.applied() {
		t.Errorf("%+v %v", f, err)
	}
}

// edit2 stages another edit.
func (l *lab) edit2() {
	l.t.Helper()
	if o, err := l.send(strings.ReplaceAll(junosEdit, "VALUE", "VALUE-2")); !o.OK {
		l.t.Fatalf("%v %+v", err, o.Errors)
	}
}

// Who does not want to wait for the reading before a commit gets no commit.
func TestStopWhileReadingBeforeACommitSendsNoCommit(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.dev.SetFaults(simdev.Faults{Silent: true, Only: []string{"get-config"}})
	p, err := l.c.Plan(l.id, Order{Do: DoCommit, Confirmed: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan Report)
	go func() { done <- l.c.Run(l.ctx, p, nil) }() // ends when the reading is stopped
	l.until("a request", func(d conn.Device) bool { return d.Waiting > 0 })
	for _, e := range []string{"get-config"} {
		x := l.inFlight()
		if x.Request.Name != e {
			t.Fatalf("%s is in flight", x.Request.Name)
		}
		l.m.Stop(x.ID)
	}
	r := <-done
	if r.Verdict != NotSent || strings.Contains(l.text(), "<commit") || len(l.files()) != 0 {
		t.Fatalf("%+v", r)
	}
	words(t, "report", r.Words, "stopped while the configuration was read before the commit", "No commit was sent")
}

func (l *lab) inFlight() *conn.Exchange {
	l.t.Helper()
	for id := conn.ExchangeID(1000); id > 0; id-- {
		if x, ok := l.m.Exchange(id); ok {
			if _, done, _ := x.Snapshot(); !done {
				return x
			}
		}
	}
	l.t.Fatal("nothing is in flight")
	return nil
}

// Before a roll-back it can be seen what it would change.
func TestUndoCanBeLookedAt(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, dialect simdev.Dialect) {
		l := newLab(t, simdev.Options{Dialect: dialect})
		if _, why := l.c.Undo(l.id); why != "none pending" {
			t.Errorf("why %q", why)
		}
		l.edit()
		l.must(Order{Do: DoCommit, Confirmed: true, Persist: dialect == simdev.RFC})
		look := func() *Comparison {
			t.Helper()
			to, why := l.c.Undo(l.id)
			if why != "" {
				t.Fatal(why)
			}
			cmp, err := l.c.Compare(l.ctx, l.id, Source{Store: netconf.Running}, to, xmldiff.Options{})
			if err != nil || cmp.Result.Removed+cmp.Result.Changed == 0 {
				t.Fatalf("%v %+v", err, cmp)
			}
			return cmp
		}
		words(t, "words", look().Words(), "running to before the commit: +0 -1 ~0")
		l.stop()
		l.start()
		if dialect == simdev.Junos {
			words(t, "words", look().Words(), "running to rollback 1: +0 -1 ~0")
		} else if _, why := l.c.Undo(l.id); !strings.Contains(why, "sent by a former run") {
			t.Errorf("why %q", why)
		}
	})
}

// The device comes back with another host key. It may be another device:
// nothing is confirmed there, and reading tells.
func TestCommitOnADeviceWithAnotherHostKey(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Persist: true})
	l.stop()
	l.key = "ED25519 SHA256:other"
	l.start()
	st := l.c.State(l.id)
	if st.Pending == nil || st.Waits {
		t.Fatalf("%+v", st)
	}
	words(t, "note", st.Note, "The device shows another host key than when the commit was sent: it may be another one.")
	for _, k := range []Kind{DoConfirm, DoCancel, DoExtend} {
		words(t, k.String(), st.Why(k), "the device shows another host key than when the commit was sent: verify")
	}
	if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != StillApplied || f.Over || len(l.files()) != 1 {
		t.Errorf("%+v %v", f, err)
	}
	// A commit of ours there is another one.
	l.send(strings.ReplaceAll(rfcEdit, "lo77", "lo78"))
	l.send("<commit/>")
	if len(l.files()) != 1 {
		t.Error("the note is gone")
	}
}

// A device that has restarted counts its sessions anew: the same number is not
// the same session.
func TestSameSessionNumberAfterARestart(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true})
	ps := l.c.Pendings()
	l.lose()
	l.clock.advance(time.Second)
	l.again()
	d := l.open()
	l.c.mu.Lock()
	l.c.pending[0].Session = d.NetconfID
	l.c.mu.Unlock()
	st := l.c.State(l.id)
	if st.Waits || st.Why(DoConfirm) == "" || len(ps) != 1 {
		t.Errorf("%+v", st)
	}
	words(t, "note", st.Note, "The session that sent the confirmed commit has ended")
}

func TestOthersLocksAreNamed(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]simdev.Options{
		"monitoring": {}, "junos": {Dialect: simdev.Junos}, "junos without monitoring": {Dialect: simdev.Junos, Without: []string{"monitoring"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, o)
			l.must(Order{Do: DoLock})
			old := l.open().NetconfID
			l.id = l.m.Connect(target2())
			l.open()
			r := l.do(Order{Do: DoLock})
			if r.Verdict != Refused {
				t.Fatalf("%+v", r)
			}
			words(t, "report", r.Words, "Not locked: lock on candidate held by session "+itoa(int(old))+` ("admin"`)
			st := l.c.State(l.id)
			if len(st.Locks) != 1 || st.Locks[0].User != "admin" || st.Locks[0].Ours {
				t.Errorf("%+v", st.Locks)
			}
			if strings.Contains(name, "without") == (st.Locks[0].From == "127.0.0.1") {
				t.Errorf("from %q", st.Locks[0].From)
			}
		})
	}
}

// The text is the same whether the session still stands or has just ended.
func TestFarewellSpeaksOfTheSessionsAsTheyWere(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, dialect simdev.Dialect) {
		l := newLab(t, simdev.Options{Dialect: dialect})
		l.edit()
		l.must(Order{Do: DoCommit, Confirmed: true})
		rows := l.m.Devices()
		before := strings.Join(l.c.Farewell(rows), "\n")
		l.m.Close(context.Background())
		after := strings.Join(l.c.Farewell(rows), "\n")
		if before != after {
			t.Errorf("before %q, after %q", before, after)
		}
		want := "r1: The confirmed commit is not confirmed, with 10:00 left: leaving makes r1 roll back at once."
		if dialect == simdev.Junos {
			want = "r1: The confirmed commit is not confirmed: r1 rolls it back in 10:00. It is noted and can be confirmed from a new session until then."
		}
		if after != want {
			t.Errorf("%q, want %q", after, want)
		}
	})
}
