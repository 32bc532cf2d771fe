package commit

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
	"dialtone/netconf/xmldiff"
)

func contains(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

func dialects(t *testing.T, run func(t *testing.T, d simdev.Dialect)) {
	for _, d := range []simdev.Dialect{simdev.RFC, simdev.Junos} {
		t.Run(string(d), func(t *testing.T) {
			t.Parallel()
			run(t, d)
		})
	}
}

func (l *lab) files() []string {
	l.t.Helper()
	names, err := filepath.Glob(filepath.Join(l.dir, "*.json"))
	if err != nil {
		l.t.Fatal(err)
	}
	return names
}

// words fails unless s holds all of want.
func words(t testing.TB, what, s string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(s, w) {
			t.Errorf("%s: %q lacks %q", what, s, w)
		}
	}
}

func TestWholeLifeEndsConfirmed(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, dialect simdev.Dialect) {
		l := newLab(t, simdev.Options{Dialect: dialect})
		l.must(Order{Do: DoLock})
		if st := l.c.State(l.id); len(st.Locks) != 1 || !st.Locks[0].Ours || st.Why(DoConfirm) != "none pending" || st.Why(DoCommit) != "" {
			t.Fatalf("after lock: %+v", st)
		}
		l.edit()
		cmp, err := l.c.Compare(l.ctx, l.id, Source{Store: netconf.Running}, Source{Store: netconf.Candidate}, xmldiff.Options{})
		if err != nil || cmp.Result.Same() {
			t.Fatalf("compare: %v %v", cmp, err)
		}
		if st := l.c.State(l.id); st.Differs != Yes || st.Edits != 1 {
			t.Errorf("after the edit: differs %v, %d edits", st.Differs, st.Edits)
		}
		l.must(Order{Do: DoValidate})
		if len(l.files()) != 0 {
			t.Fatal("a note before the commit")
		}
		r := l.must(Order{Do: DoCommit, Confirmed: true, Timeout: 5 * time.Minute})
		if r.Words != "Committed: rolls back in 05:00 unless confirmed." {
			t.Errorf("words %q", r.Words)
		}
		unit := map[simdev.Dialect]string{simdev.RFC: "300 s", simdev.Junos: "5 min (Junos counts minutes)"}[dialect]
		if r.Plan.Steps[0].Unit != unit || !l.applied() || len(l.files()) != 1 {
			t.Errorf("unit %q, applied %v, files %v", r.Plan.Steps[0].Unit, l.applied(), l.files())
		}
		l.pass(time.Minute)
		st := l.c.State(l.id)
		if st.Left != 4*time.Minute || !st.Waits || st.Why(DoConfirm) != "" || st.Differs != No {
			t.Fatalf("waiting: %+v", st)
		}
		words(t, "note", st.Note, "Rolls back in 04:00 unless confirmed.")
		if r := l.must(Order{Do: DoConfirm}); r.Words != "Confirmed: r1 keeps the commit." {
			t.Errorf("words %q", r.Words)
		}
		l.must(Order{Do: DoUnlock})
		l.pass(time.Hour)
		if !l.applied() || len(l.files()) != 0 || l.c.State(l.id).Pending != nil {
			t.Errorf("at the end: applied %v, files %v", l.applied(), l.files())
		}
	})
}

func TestWholeLifeEndsRolledBack(t *testing.T) {
	t.Parallel()
	dialects(t, func(t *testing.T, dialect simdev.Dialect) {
		t.Run("by the person", func(t *testing.T) {
			l := newLab(t, simdev.Options{Dialect: dialect})
			l.edit()
			l.must(Order{Do: DoCommit, Confirmed: true})
			r := l.must(Order{Do: DoCancel})
			words(t, "cancel", r.Words, "Rolled back")
			if _, _, waits := l.dev.Pending(); waits || l.applied() || len(l.files()) != 0 {
				t.Errorf("waits %v applied %v files %v", waits, l.applied(), l.files())
			}
		})
		t.Run("by time", func(t *testing.T) {
			l := newLab(t, simdev.Options{Dialect: dialect})
			l.edit()
			l.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
			l.pass(3*time.Minute + 30*time.Second)
			words(t, "note", l.c.State(l.id).Note, "Expired 2 min ago: verify.")
			f, err := l.c.Verify(l.ctx, l.id)
			if err != nil || f.Verdict != RolledBack || !f.Over || f.Words != "Rolled back: running of r1 is what it was before the commit." {
				t.Errorf("%+v %v", f, err)
			}
			if len(l.files()) != 0 || l.applied() {
				t.Errorf("files %v applied %v", l.files(), l.applied())
			}
		})
	})
}

// No persist, the session is lost.
func TestLossWithoutPersistIsVerifiedNotAssumed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults simdev.Faults
		found  Found
		words  []string
	}{
		"rolls back": {simdev.Faults{}, RolledBack, []string{"Rolled back: running of r1 is what it was before the commit."}},
		"keeps it":   {simdev.Faults{KeepOnLoss: true}, StillApplied, []string{"Still applied", "although the session that sent it has ended", "it may at its time, in 10:00"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, simdev.Options{Faults: tc.faults})
			l.edit()
			l.must(Order{Do: DoCommit, Confirmed: true})
			words(t, "before", l.c.State(l.id).Note, "Rolls back in 10:00 unless confirmed. Losing the session undoes it.")
			l.lose()
			if st := l.c.State(l.id); st.Pending == nil || st.Waits {
				t.Fatalf("lost: %+v", st)
			}
			l.again()
			st := l.c.State(l.id)
			words(t, "after", st.Note, "The session that sent the confirmed commit has ended: r1 must have rolled back. Verify: not every device does.")
			words(t, "why", st.Why(DoConfirm), "only that one could: verify")
			f, err := l.c.Verify(l.ctx, l.id)
			if err != nil || f.Verdict != tc.found || l.applied() != (tc.found == StillApplied) {
				t.Errorf("%+v %v", f, err)
			}
			words(t, "finding", f.Words, tc.words...)
			if over := len(l.files()) == 0; over != f.Over {
				t.Errorf("over %v, files %v", f.Over, l.files())
			}
		})
	}
	t.Run("changed by another", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, simdev.Options{Dialect: simdev.RFC})
		l.edit()
		l.must(Order{Do: DoCommit, Confirmed: true})
		l.lose()
		l.again()
		l.send(strings.ReplaceAll(rfcEdit, "VALUE", "OTHER"))
		l.send("<commit/>")
		f, err := l.c.Verify(l.ctx, l.id)
		if err != nil || f.Verdict != Differs || f.Over {
			t.Errorf("%+v %v", f, err)
		}
		words(t, "finding", f.Words, "Differs: running of r1 is neither what it was before the commit nor what the commit made.")
	})
}

// Persist, the link is lost or the program killed.
func TestPersistSurvivesLossAndKill(t *testing.T) {
	t.Parallel()
	for _, kill := range []bool{false, true} {
		for _, end := range []Kind{DoConfirm, DoCancel} {
			l := newLab(t, simdev.Options{})
			l.edit()
			r := l.must(Order{Do: DoCommit, Confirmed: true, Persist: true})
			if r.Plan.Token == "" || !strings.Contains(r.Plan.Text(), "<persist>"+r.Plan.Token+"</persist>") {
				t.Fatalf("plan %s", r.Plan.Text())
			}
			l.clock.advance(2 * time.Minute)
			if kill {
				l.stop()
				l.start()
			} else {
				l.lose()
				l.again()
			}
			ps := l.c.Pendings()
			if len(ps) != 1 || ps[0].PersistID != r.Plan.Token || ps[0].Device != "r1" {
				t.Fatalf("pendings %+v", ps)
			}
			st := l.c.State(l.id)
			if st.Left != 8*time.Minute || !st.Waits {
				t.Fatalf("state %+v", st)
			}
			words(t, "note", st.Note, "Rolls back in 08:00 unless confirmed.")
			if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != StillApplied || f.Over {
				t.Fatalf("%+v %v", f, err)
			}
			if _, _, waits := l.dev.Pending(); !waits {
				t.Fatal("something confirmed or cancelled it by itself")
			}
			l.must(Order{Do: end})
			if l.applied() != (end == DoConfirm) || len(l.files()) != 0 {
				t.Errorf("%s: applied %v, files %v", end, l.applied(), l.files())
			}
		}
	}
}

// The reply to the confirmed commit is lost.
func TestLostReplyToAConfirmedCommit(t *testing.T) {
	t.Parallel()
	for _, persist := range []bool{false, true} {
		l := newLab(t, simdev.Options{})
		l.edit()
		l.dev.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"commit"}})
		r := l.do(Order{Do: DoCommit, Confirmed: true, Persist: persist})
		if r.Verdict != OutcomeUnknown {
			t.Fatalf("%+v", r)
		}
		words(t, "report", r.Words, "The answer to the confirmed commit was lost: it may or may not be in force.", "It was not sent again.", "rolls back in 10:00, counted from when it was sent")
		l.dev.SetFaults(simdev.Faults{})
		l.until("lost", func(d conn.Device) bool { return d.State == conn.Lost })
		l.gone()
		l.again()
		st := l.c.State(l.id)
		words(t, "note", st.Note, "The answer to the confirmed commit was lost")
		words(t, "unknown", st.Unknown, "may or may not have taken effect", "not sent again")
		f, err := l.c.Verify(l.ctx, l.id)
		want := map[bool]Found{false: RolledBack, true: StillApplied}[persist]
		if err != nil || f.Verdict != want || l.c.State(l.id).Unknown != "" {
			t.Errorf("persist %v: %+v %v", persist, f, err)
		}
		if n := strings.Count(l.text(), "<commit"); n != 1 {
			t.Errorf("%d commits were sent", n)
		}
		if persist {
			l.must(Order{Do: DoConfirm})
			if !l.applied() {
				t.Error("not applied")
			}
		}
	}
}

// The confirmed commit is answered with an error and armed all the same.
func TestRefusedCommitMayBeArmed(t *testing.T) {
	t.Parallel()
	for _, armed := range []bool{true, false} {
		l := newLab(t, simdev.Options{})
		l.edit()
		f := simdev.Faults{Errors: 1, Only: []string{"commit"}}
		if armed {
			f = simdev.Faults{CommitError: true}
		}
		l.dev.SetFaults(f)
		r := l.do(Order{Do: DoCommit, Confirmed: true})
		l.dev.SetFaults(simdev.Faults{})
		if r.Verdict != Refused {
			t.Fatalf("%+v", r)
		}
		words(t, "report", r.Words, "answered the confirmed commit with an error", "Some devices arm the roll-back all the same: roll back now to be sure, or verify.")
		st := l.c.State(l.id)
		if st.Pending == nil || st.Why(DoCancel) != "" {
			t.Fatalf("%+v", st)
		}
		words(t, "note", st.Note, "Some devices arm the roll-back all the same")
		r = l.must(Order{Do: DoCancel})
		if !armed {
			words(t, "cancel", r.Words, "says that nothing is pending", "Nothing is left to roll back.")
		}
		if l.applied() || len(l.files()) != 0 || l.c.State(l.id).Pending != nil {
			t.Errorf("armed %v: applied %v files %v", armed, l.applied(), l.files())
		}
	}
}

// Hardly any time is left.
func TestLateConfirmationWarns(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
	l.pass(56 * time.Second)
	p, err := l.c.Plan(l.id, Order{Do: DoConfirm})
	if err != nil || len(p.Warnings) != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	words(t, "warning", p.Warnings[0], "Only 4.0 s left", "the confirmation may come too late. Verify afterwards.")
	l.pass(10 * time.Second)
	r := l.do(Order{Do: DoConfirm})
	f, err := l.c.Verify(l.ctx, l.id)
	// The device takes a plain commit of nothing: what counts is what it shows.
	if err != nil || r.Verdict == OutcomeUnknown || f.Verdict != RolledBack && f.Verdict != NothingToTell || l.applied() {
		t.Errorf("%+v %+v %v", r, f, err)
	}
}

// The device has forgotten the persist-id.
func TestRefusedPersistID(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Persist: true, Timeout: time.Minute})
	l.clock.advance(30 * time.Second)
	l.stop()
	l.pass(45 * time.Second)
	l.clock.set(-45 * time.Second) // what we believe lags behind
	l.start()
	r := l.do(Order{Do: DoConfirm})
	if r.Verdict != Refused || l.c.State(l.id).Pending == nil {
		t.Fatalf("%+v", r)
	}
	words(t, "report", r.Words, "r1 refused the persist-id:", "no confirmed commit has this persist-id", "It may have rolled back or restarted meanwhile: verify.")
	if f, err := l.c.Verify(l.ctx, l.id); err != nil || f.Verdict != RolledBack {
		t.Errorf("%+v %v", f, err)
	}
}

// The reply to an edit is lost.
func TestLostReplyToAnEdit(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.dev.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"edit-config"}})
	if o, err := l.send(rfcEdit); o.Result != netconf.Unknown || err == nil {
		t.Fatalf("%v %v", o, err)
	}
	l.dev.SetFaults(simdev.Faults{})
	l.until("lost", func(d conn.Device) bool { return d.State == conn.Lost })
	l.again()
	st := l.c.State(l.id)
	words(t, "unknown", st.Unknown, "edit-config was sent to r1", "it may or may not be applied. It was not sent again. Compare the candidate with running.")
	cmp, err := l.c.Compare(l.ctx, l.id, Source{Store: netconf.Running}, Source{Store: netconf.Candidate}, xmldiff.Options{})
	if err != nil || cmp.Result.Added != 1 {
		t.Fatalf("%+v %v", cmp, err)
	}
	words(t, "comparison", cmp.Words(), "running to candidate: +1 -0 ~0")
	if st := l.c.State(l.id); st.Unknown != "" || st.Differs != Yes {
		t.Errorf("%+v", st)
	}
	// Nobody knows whose edits these are now: they are not discarded by us.
	words(t, "discard", st.Why(DoDiscard), "somebody else's")
}

// Our dropped session holds the lock.
func TestLockLeftBehindIsOurs(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.must(Order{Do: DoLock})
	old := l.open().NetconfID
	l.dev.SetFaults(simdev.Faults{})
	// The device has not noticed that the link is gone.
	first := l.id
	second := l.m.Connect(target2())
	l.id = second
	l.open()
	r := l.do(Order{Do: DoLock})
	if r.Verdict != Refused {
		t.Fatalf("%+v", r)
	}
	words(t, "report", r.Words, "Not locked: lock on candidate held by session")
	locks, err := l.c.Locks(l.ctx, second)
	if err != nil || len(locks) != 1 || locks[0].Session != old || locks[0].User != "admin" || locks[0].From != "127.0.0.1" || !locks[0].Former.IsZero() {
		t.Fatalf("%+v %v", locks, err)
	}
	words(t, "lock", locks[0].Words(), `("admin" from "127.0.0.1")`)
	d, _ := l.m.Device(first)
	d.Former = []conn.Former{{NetconfID: old, Ended: l.clock.Now()}}
	words(t, "former", former(locks[0], d).Words(), "(yours, dropped ")
	if _, err := l.c.Plan(second, Order{Do: DoKill, Holder: old + 100}); err == nil {
		t.Error("a session that holds nothing can be killed")
	}
	l.must(Order{Do: DoKill, Holder: old})
	l.must(Order{Do: DoLock})
}

// A plain commit is taken for the confirmation of a persistent one.
func TestPlainCommitThatMayHaveConfirmed(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Faults: simdev.Faults{PlainConfirms: true}})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Persist: true, Timeout: time.Minute})
	if _, err := l.c.Plan(l.id, Order{Do: DoCommit}); err == nil {
		t.Error("a plain commit is offered while one waits")
	}
	l.send("<commit/>")
	st := l.c.State(l.id)
	words(t, "note", st.Note, "A commit without its persist-id was accepted meanwhile, which some devices take for the confirmation. Verify.")
	l.pass(5 * time.Minute)
	f, err := l.c.Verify(l.ctx, l.id)
	if err != nil || f.Verdict != StillApplied || f.Over {
		t.Fatalf("%+v %v", f, err)
	}
	words(t, "finding", f.Words, "Still applied: 4 min after its time running of r1 is what the commit made. It was confirmed, or the device does not roll back. Dismiss the note when it may stay.")
	if err := l.c.Dismiss(l.c.Pendings()[0].Key); err != nil || len(l.files()) != 0 || l.c.State(l.id).Pending != nil {
		t.Errorf("dismissed: %v, files %v", err, l.files())
	}
}

// The device does not roll back at the deadline.
func TestDeviceThatForgetsItsDeadline(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Faults: simdev.Faults{NoTimeout: true}})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
	l.pass(90 * time.Second)
	f, err := l.c.Verify(l.ctx, l.id)
	if err != nil || f.Verdict != StillApplied || f.Over || len(l.files()) != 1 {
		t.Fatalf("%+v %v", f, err)
	}
	words(t, "finding", f.Words, "Still applied: 30 s after its time")
}

func TestCommitThatCannotBeNotedIsNotSent(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	if err := os.WriteFile(l.dir, []byte("a file where the directory should be"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := l.do(Order{Do: DoCommit, Confirmed: true})
	if r.Verdict != NotSent || l.applied() || strings.Contains(l.text(), "<commit") {
		t.Fatalf("%+v", r)
	}
	words(t, "report", r.Words, "could not be noted", "Nothing was sent")
	os.Remove(l.dir)
	l.must(Order{Do: DoCommit, Confirmed: true})
	fi, err := os.Stat(l.files()[0])
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi, err)
	}
}

func TestClockThatIsSetDoesNotMoveTheCountdown(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Persist: true})
	l.clock.advance(time.Minute)
	l.clock.set(-time.Hour)
	st := l.c.State(l.id)
	if st.Left != 9*time.Minute {
		t.Errorf("left %v", st.Left)
	}
	words(t, "note", st.Note, "The clock of this computer was set meanwhile; the time left does not depend on it.")
	l.stop()
	l.start()
	if st := l.c.State(l.id); st.Left != 9*time.Minute {
		t.Errorf("left %v after a restart", st.Left)
	}
	l.clock.mu.Lock()
	l.clock.boot, l.clock.steady = "boot-2", 5*time.Second // another start of the computer: the wall clock is all there is
	l.clock.wall = l.clock.wall.Add(time.Hour)
	l.clock.mu.Unlock()
	if st := l.c.State(l.id); st.Left != 9*time.Minute {
		t.Errorf("left %v after a restart of the computer", st.Left)
	}
}

func TestExtendCountsFromTheExtension(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true, Persist: true, Timeout: 5 * time.Minute})
	l.pass(4 * time.Minute)
	r := l.must(Order{Do: DoExtend, Timeout: 3 * time.Minute})
	words(t, "report", r.Words, "Extended: rolls back in 03:00 unless confirmed.")
	deadline, _, _ := l.dev.Pending()
	if ps := l.c.Pendings(); len(ps) != 1 || !ps[0].Deadline.Equal(deadline) {
		t.Errorf("%+v, the device says %v", ps, deadline)
	}
	l.dev.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"commit"}})
	l.pass(time.Minute)
	if r := l.do(Order{Do: DoExtend, Timeout: time.Hour}); r.Verdict != OutcomeUnknown {
		t.Fatalf("%+v", r)
	}
	words(t, "note", l.c.State(l.id).Note, "Rolls back in 02:00", "The answer to the extension was lost; the earlier time is shown.")
}

func TestOrdersThatADeviceCannotTake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		o     simdev.Options
		order Order
		want  string
	}{
		"no candidate":       {simdev.Options{Without: []string{"candidate", "confirmed-commit"}}, Order{Do: DoCommit}, "edits to running take effect at once"},
		"no confirmed":       {simdev.Options{Without: []string{"confirmed-commit"}}, Order{Do: DoCommit, Confirmed: true}, ":confirmed-commit"},
		"no persist":         {simdev.Options{Without: []string{"confirmed-commit:1.1"}, Extra: []string{"urn:ietf:params:netconf:capability:confirmed-commit:1.0"}}, Order{Do: DoCommit, Confirmed: true, Persist: true}, "no persist-id"},
		"junos persist":      {simdev.Options{Dialect: simdev.Junos}, Order{Do: DoCommit, Confirmed: true, Persist: true}, "no persist-id"},
		"comment":            {simdev.Options{}, Order{Do: DoCommit, Comment: "x"}, "only Junos"},
		"rollback":           {simdev.Options{}, Order{Do: DoRollback, Revision: 1}, "only Junos"},
		"rollback 50":        {simdev.Options{Dialect: simdev.Junos}, Order{Do: DoRollback, Revision: 50}, "rollback 50 does not exist"},
		"no startup":         {simdev.Options{}, Order{Do: DoCopyStartup}, ":startup"},
		"others' edits":      {simdev.Options{}, Order{Do: DoDiscard}, "somebody else's"},
		"none pending":       {simdev.Options{}, Order{Do: DoConfirm}, "none pending"},
		"too long":           {simdev.Options{Dialect: simdev.Junos}, Order{Do: DoCommit, Confirmed: true, Timeout: 65536 * time.Minute}, "65535 min"},
		"at and confirmed":   {simdev.Options{Dialect: simdev.Junos}, Order{Do: DoCommit, Confirmed: true, At: "20:00"}, "cannot be a confirmed one"},
		"control characters": {simdev.Options{Dialect: simdev.Junos}, Order{Do: DoCommit, Comment: "a\x01b"}, "characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, tc.o)
			before := l.text()
			_, err := l.c.Plan(l.id, tc.order)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if l.text() != before {
				t.Error("something was sent")
			}
		})
	}
}

func TestCommentOfAConfirmationIsCheckedToo(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Dialect: simdev.Junos})
	l.edit()
	l.must(Order{Do: DoCommit, Confirmed: true})
	for _, comment := range []string{"a\x01b", strings.Repeat("x", maxComment+1)} {
		if p, err := l.c.Plan(l.id, Order{Do: DoConfirm, Comment: comment}); err == nil || !strings.Contains(err.Error(), "512 bytes or holds characters") {
			t.Errorf("%v, %s", err, p.Text())
		}
	}
	l.must(Order{Do: DoConfirm, Comment: strings.Repeat("x", maxComment)})
}

func TestJunosRollbackRescueAndHistory(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Dialect: simdev.Junos})
	l.edit()
	l.must(Order{Do: DoRescueSave})
	r := l.must(Order{Do: DoCommit, Comment: "move <the> link", Sync: true})
	words(t, "plan", r.Plan.Text(), "<log>move &lt;the&gt; link</log>", "<synchronize/>")
	h, err := l.c.History(l.ctx, l.id)
	if err != nil || len(h) != 2 || h[0].Log != "move <the> link" || h[0].User != "admin" || h[0].At.IsZero() || h[1].Revision != 1 {
		t.Fatalf("%+v %v", h, err)
	}
	cmp, err := l.c.Compare(l.ctx, l.id, Source{Rollback: 1}, Source{Store: netconf.Running}, xmldiff.Options{})
	if err != nil {
		t.Fatal(err)
	}
	words(t, "comparison", cmp.Words(), "rollback 1 to running: +1 -0 ~0")
	l.must(Order{Do: DoRollback, Revision: 1})
	text, err := l.c.Native(l.ctx, l.id, 0)
	if err != nil || !strings.Contains(text, "-") || !strings.Contains(text, "VALUE") {
		t.Fatalf("%q %v", text, err)
	}
	l.must(Order{Do: DoCommit})
	if l.applied() {
		t.Error("still applied")
	}
	l.edit()
	l.must(Order{Do: DoRescueLoad})
	if p, err := l.c.Plan(l.id, Order{Do: DoCommit, Confirmed: true, Timeout: 90 * time.Second}); err != nil || !strings.Contains(p.Text(), "<confirm-timeout>2</confirm-timeout>") {
		t.Errorf("%s %v", p.Text(), err)
	} else {
		words(t, "warning", strings.Join(p.Warnings, " "), "Junos counts whole minutes: 1m30s becomes 2 min.")
	}
}

func TestCopyStartup(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Startup: true})
	l.edit()
	l.must(Order{Do: DoCommit})
	if contains(l.dev.Config(netconf.Startup), "VALUE") {
		t.Fatal("startup holds it already")
	}
	l.must(Order{Do: DoCopyStartup})
	if !contains(l.dev.Config(netconf.Startup), "VALUE") {
		t.Error("startup lacks it")
	}
}

func TestDeviceThatSaysOkAndDoesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{Faults: simdev.Faults{Raw: map[string][]byte{}}})
	l.edit()
	d := l.open()
	reply := `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><ok/></rpc-reply>`
	framed := "\n#" + itoa(len(reply)) + "\n" + reply + "\n##\n"
	if d.Framing != netconf.Chunked {
		framed = reply + "]]>]]>"
	}
	l.dev.SetFaults(simdev.Faults{Raw: map[string][]byte{"commit": []byte(framed)}})
	r := l.do(Order{Do: DoCommit})
	words(t, "report", r.Words, "Committed.", "But running is what it was before: r1 said ok and changed nothing.")
}

func TestReadOnlyTargetTakesNoPlanThatAlters(t *testing.T) {
	t.Parallel()
	l := newLab(t, simdev.Options{})
	l.m.Close(context.Background())
	l.m = conn.NewManager(conn.Options{Dialer: l, Now: l.clock.Now, Watch: l.c, ReadOnly: true})
	l.c.Bind(l.m)
	l.id = l.m.Connect(target2())
	l.open()
	if _, err := l.c.Plan(l.id, Order{Do: DoCommit}); err == nil || !strings.Contains(err.Error(), "READ-ONLY") {
		t.Errorf("error %v", err)
	}
	if _, err := l.c.Plan(l.id, Order{Do: DoValidate}); err != nil {
		t.Errorf("validate: %v", err)
	}
}
