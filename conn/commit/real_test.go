package commit

import (
	"context"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/conform/realdev"
	"dialtone/netconf/xmldiff"
)

// site is a device that others wrote, and a program that reaches it.
type site struct {
	t   *testing.T
	srv *realdev.Server
	dir string
	c   *Control
	m   *conn.Manager
	id  conn.SessionID
}

func (s *site) Dial(context.Context, link.Target, link.Asker, func(link.Stage)) (*link.Link, error) {
	return &link.Link{ReadWriteCloser: s.srv.SSH(s.t), Peer: link.Peer{Via: link.SSH, Addr: s.srv.Addr, HostKey: s.srv.HostKey}}, nil
}

// start begins a run of the program.
func (s *site) start() {
	s.t.Helper()
	c, errs := New(Options{Dir: s.dir})
	if len(errs) > 0 {
		s.t.Fatal(errs)
	}
	s.c = c
	s.m = conn.NewManager(conn.Options{Dialer: s, Watch: c})
	c.Bind(s.m)
	m := s.m
	s.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		m.Close(ctx)
	})
	s.id = s.m.Connect(link.Target{Name: "real", Via: link.SSH, Host: "real", User: s.srv.User})
	s.until(conn.Open)
}

func (s *site) until(st conn.State) {
	s.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		d, _ := s.m.Device(s.id)
		if d.State == st {
			return
		}
		select {
		case <-s.m.Events():
		case <-limit.C:
			s.t.Fatalf("waiting for state %d: %+v", st, d)
		}
	}
}

func (s *site) run(o Order) Report {
	s.t.Helper()
	p, err := s.c.Plan(s.id, o)
	if err != nil {
		s.t.Fatalf("%s: %v", o.Do, err)
	}
	return s.c.Run(s.t.Context(), p, nil)
}

func (s *site) must(o Order) Report {
	s.t.Helper()
	r := s.run(o)
	if r.Verdict != Done {
		s.t.Fatalf("%s: %s", o.Do, r.Words)
	}
	return r
}

func (s *site) edit(contact string) {
	s.t.Helper()
	body := `<edit-config><target><candidate/></target><config><system xmlns="` + realdev.LabNS + `"><contact>` + contact + `</contact></system></config></edit-config>`
	r, err := netconf.Classify([]byte(body), netconf.Caps{})
	if err != nil {
		s.t.Fatal(err)
	}
	x, err := s.m.Send(s.id, r)
	if err != nil {
		s.t.Fatal(err)
	}
	<-x.Done()
	if o, _, err := x.Snapshot(); !o.OK {
		s.t.Fatalf("edit: %v %+v", err, o.Errors)
	}
}

// holds reads running and reports whether it has the text.
func (s *site) holds(text string) bool {
	s.t.Helper()
	r, _ := Source{Store: netconf.Running}.request(Candidate)
	x, err := s.c.ask(s.t.Context(), s.m, s.id, r)
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	x.Doc.Lend(func(t []byte) { b.Write(t) })
	return strings.Contains(b.String(), text)
}

func TestRealDeviceWholeLife(t *testing.T) {
	t.Parallel()
	s := &site{t: t, srv: realdev.Start(t, realdev.Options{}), dir: t.TempDir()}
	s.start()
	s.must(Order{Do: DoLock})
	s.edit("one")
	cmp, err := s.c.Compare(t.Context(), s.id, Source{Store: netconf.Running}, Source{Store: netconf.Candidate}, xmldiff.Options{})
	if err != nil || cmp.Result.Same() {
		t.Fatalf("%v %v", cmp, err)
	}
	if r := s.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute}); strings.Contains(r.Words, "But") {
		t.Error(r.Words)
	}
	if f, err := s.c.Verify(t.Context(), s.id); err != nil || f.Verdict != StillApplied || !s.holds("one") {
		t.Errorf("%+v %v", f, err)
	}
	s.must(Order{Do: DoConfirm})
	s.must(Order{Do: DoUnlock})

	s.edit("two")
	s.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
	s.must(Order{Do: DoCancel})
	if s.holds("two") || !s.holds("one") {
		t.Error("cancel-commit did not bring the one before back")
	}

	s.edit("three") // without persist, and the link breaks
	s.must(Order{Do: DoCommit, Confirmed: true, Timeout: time.Minute})
	s.srv.CutAll()
	s.until(conn.Lost)
	if err := s.m.Reconnect(s.id); err != nil {
		t.Fatal(err)
	}
	s.until(conn.Open)
	f, err := s.c.Verify(t.Context(), s.id)
	if err != nil || (f.Verdict == StillApplied) != s.holds("three") || f.Verdict == CannotTell || f.Verdict == NothingToTell {
		t.Errorf("%+v %v, running holds it: %v", f, err, s.holds("three"))
	}
	t.Log(f.Words)
}

func TestRealDevicePersistFromASecondSession(t *testing.T) {
	t.Parallel()
	s := &site{t: t, srv: realdev.Start(t, realdev.Options{}), dir: t.TempDir()}
	for _, end := range []Kind{DoConfirm, DoCancel} {
		s.start()
		contact := "by-" + strings.ReplaceAll(end.String(), " ", "-")
		s.edit(contact)
		s.must(Order{Do: DoCommit, Confirmed: true, Persist: true, Timeout: time.Minute})
		s.srv.CutAll()
		s.until(conn.Lost)
		s.start() // another run of the program
		if f, err := s.c.Verify(t.Context(), s.id); err != nil || f.Verdict != StillApplied {
			t.Fatalf("%+v %v", f, err)
		}
		s.must(Order{Do: end})
		if s.holds(contact) != (end == DoConfirm) || len(s.c.Pendings()) != 0 {
			t.Errorf("%s: running holds it: %v, pending %d", end, s.holds(contact), len(s.c.Pendings()))
		}
	}
}

func TestRealDeviceRollsBackByTime(t *testing.T) {
	t.Parallel()
	s := &site{t: t, srv: realdev.Start(t, realdev.Options{}), dir: t.TempDir()}
	s.start()
	s.edit("short")
	s.must(Order{Do: DoCommit, Confirmed: true, Timeout: 2 * time.Second})
	// Another program gives no event to wait for, and this one looks at its
	// timers only while nobody asks it anything.
	for tries := 0; ; tries++ {
		time.Sleep(3 * time.Second)
		if !s.holds("short") {
			break
		}
		if tries == 4 {
			t.Fatal("the device did not roll back")
		}
	}
	if f, err := s.c.Verify(t.Context(), s.id); err != nil || f.Verdict != RolledBack || !f.Over {
		t.Errorf("%+v %v", f, err)
	}
}

// After validate this server takes the commit, says ok and changes nothing.
func TestRealDeviceThatSaysOkAndChangesNothingIsSeen(t *testing.T) {
	t.Parallel()
	s := &site{t: t, srv: realdev.Start(t, realdev.Options{}), dir: t.TempDir()}
	s.start()
	s.edit("one")
	r := s.must(Order{Do: DoCommit, Validate: true})
	if s.holds("one") == strings.Contains(r.Words, "said ok and changed nothing") {
		t.Errorf("running holds it: %v; %s", s.holds("one"), r.Words)
	}
	t.Log(r.Words)
}
