package desk

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
)

// TestDevicesOfEitherStrategyComeBack: a device that found its first address
// closed and its second open is cut off when both are open. One begins with the
// first again, the other stays with the one that let it in.
func TestDevicesOfEitherStrategyComeBack(t *testing.T) {
	t.Parallel()
	for i, sticky := range []bool{false, true} {
		t.Run(map[bool]string{false: "in-order", true: "sticky"}[sticky], func(t *testing.T) {
			t.Parallel()
			p, o := known(t)
			s := newStand(t, Options{}, p)
			// An address of its own, so that its port stays free while it is closed.
			if err := s.front.Listen(SSH, fmt.Sprintf("127.0.8.%d:0", i+1)); err != nil {
				t.Fatal(err)
			}
			first := s.until("the first address", func() string { return s.front.Listeners()[1].Bound })
			if err := s.front.Stop(SSH, fmt.Sprintf("127.0.8.%d:0", i+1)); err != nil {
				t.Fatal(err)
			}
			o.Calls, o.More, o.Sticky, o.Wait = 0, []string{s.addr}, sticky, 5*time.Millisecond
			dev, err := s.lab.Call(first, o)
			if err != nil {
				t.Fatal(err)
			}
			id := s.line("open", 1).Session
			s.ask(id, getConfig)
			if err := s.front.Listen(SSH, first); err != nil {
				t.Fatal(err)
			}
			s.until("the first address again", func() string { return s.front.Listeners()[1].Bound })
			for round := range 3 {
				dev.Cut()
				if l := s.line("open", 2+round); l.Session != id {
					t.Errorf("session %d, was %d", l.Session, id)
				}
			}
			got := [2]int{s.front.Listeners()[1].Counted.Accepted, s.front.Listeners()[0].Counted.Accepted}
			if want := map[bool][2]int{false: {3, 1}, true: {0, 4}}[sticky]; got != want {
				t.Errorf("let in at the first and second address: %v, want %v", got, want)
			}
			if d, _ := s.m.Device(id); d.State != conn.Open || len(d.Former) != 3 || len(s.m.Replies(id)) != 1 || len(s.m.Devices()) != 1 {
				t.Errorf("%+v", d)
			}
		})
	}
}

// TestADeviceThatHammersIsHeldOff: of a device with the wrong secret that calls
// again and again one call is looked at, two lines are written, and the rest are
// reset before a byte is read.
func TestADeviceThatHammersIsHeldOff(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{}, junos("edge-7", "r7"))
	const calls = 40
	dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r7", Secret: secret(), Faults: simnet.CallFaults{WrongHMAC: true}, Calls: calls, Wait: time.Millisecond})
	<-dev.Over()
	if n := s.front.Listeners()[0].Counted.Refused; n != calls {
		t.Errorf("%d refused of %d", n, calls)
	}
	s.line("refused", 2)
	var got []string
	for _, l := range s.front.Log(1000) {
		if l.Event == "refused" {
			got = append(got, fault(l.Err)+" "+l.Text)
		}
	}
	if len(got) != 2 || got[0] != `PRE-HMAC device "r7" failed its secret` || !strings.HasPrefix(got[1], "LSN-BUSY caller turned away: penalised") {
		t.Errorf("%q", got)
	}
	if n := dev.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	if n := s.front.Listeners()[0].Counted.Penalised; n != 1 {
		t.Errorf("%d penalised", n)
	}
}

// TestTheEndOfEachWaitingCallerIsToldAtOnce: of two devices behind one address
// the second is not hidden by the first.
func TestTheEndOfEachWaitingCallerIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{Wait: 300 * time.Millisecond})
	for _, id := range []string{"r1", "r2", "r3"} {
		s.call(simnet.CallOptions{Via: link.Junos, DeviceID: id, Calls: 1})
	}
	seen := map[string]int{}
	for n := 1; n <= 3; n++ {
		l := s.line("refused", n)
		if fault(l.Err) != "CALL-WAITED" || !strings.Contains(l.Text, "nobody decided") {
			t.Errorf("%+v", l)
		}
		seen[l.DeviceID]++
	}
	if len(seen) != 3 {
		t.Errorf("%v", seen)
	}
}

// TestHostileNamesNameNothing has device-ids that look like paths: they are
// shown, and name neither a profile nor a session nor a file.
func TestHostileNamesNameNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStand(t, Options{User: "admin", Profiles: profile.Open(filepath.Join(dir, "profiles"))})
	s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "../../x", Calls: 1})
	c := s.caller()
	if c.Claim != "../../x" {
		t.Errorf("%+v", c)
	}
	if err := s.front.Accept(c.ID, link.Target{}, true); fault(err) != "PRO-FIELD" {
		t.Errorf("saved: %v", err)
	}
	if err := s.front.Accept(c.ID, link.Target{Name: "../../x"}, true); fault(err) != "PRO-FIELD" {
		t.Errorf("saved: %v", err)
	}
	if err := s.front.Accept(c.ID, link.Target{}, false); err != nil {
		t.Fatal(err)
	}
	id := s.line("open", 1).Session
	if d, _ := s.m.Device(id); d.Target.Name != c.From.String() || d.Target.DeviceID != "../../x" {
		t.Errorf("%+v", d.Target)
	}
	_ = filepath.Walk(dir, func(path string, fi os.FileInfo, err error) error {
		if err == nil && !fi.IsDir() && !strings.HasSuffix(path, ".lock") {
			t.Errorf("a file %s", path)
		}
		return nil
	})
}

// TestTermsOfAListenerAreKept: who may call holds after a restart, and is not
// lost because the file cannot be read.
func TestTermsOfAListenerAreKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), SettingsFile)
	s := newStand(t, Options{Settings: file})
	if err := s.front.ListenAs(Setting{Kind: SSH, Addr: "127.0.0.2:0", Only: "127.0.5.0/24", NoPlain: true}); err != nil {
		t.Fatal(err)
	}
	if err := s.front.SetAuto(SSH, "127.0.0.2:0", true); err != nil {
		t.Fatal(err)
	}
	if err := s.front.ListenAs(Setting{Kind: SSH, Addr: "127.0.0.4:0", Only: "nonsense"}); fault(err) != "LSN-ONLY" || len(s.front.Listeners()) != 2 {
		t.Errorf("%v, %d listeners", err, len(s.front.Listeners()))
	}
	n := newStand(t, Options{Settings: file}) // the next run
	if err := n.front.StartRemembered(); err != nil {
		t.Fatal(err)
	}
	addr := n.until("listening", func() string { return n.front.Listeners()[1].Bound })
	if l := n.front.Listeners()[1]; l.Addr != "127.0.0.2:0" || l.Only != "127.0.5.0/24" {
		t.Errorf("%+v", l)
	}
	for i, c := range []struct{ from, code string }{{"127.0.0.9", "LSN-OUTSIDE"}, {"127.0.5.1", "PRE-NONE"}} {
		dev, err := n.lab.Call(addr, simnet.CallOptions{Source: c.from, Calls: 1})
		if err != nil {
			t.Fatal(err)
		}
		if l := n.line("refused", i+1); fault(l.Err) != c.code || l.From.Addr().String() != c.from {
			t.Errorf("%+v, want %s", l, c.code)
		}
		<-dev.Over()
		if dev.SignIns() != 0 {
			t.Error("asked to sign in")
		}
	}
	if n := n.front.Listeners()[1].Counted.Refused; n != 2 {
		t.Errorf("%d refused", n)
	}
	if err := os.WriteFile(file, []byte("listener = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := n.front.Listen(SSH, "127.0.0.6:0"); fault(err) != "TOML" || len(n.front.Listeners()) != 2 {
		t.Errorf("%v, %d listeners", err, len(n.front.Listeners()))
	}
}

// TestDevicesCallOverIPv6: a listener of both families shows either as it is.
func TestDevicesCallOverIPv6(t *testing.T) {
	t.Parallel()
	if l, err := net.Listen("tcp", "[::1]:0"); err != nil {
		t.Skip("no IPv6 on this machine")
	} else {
		l.Close()
	}
	p, o := known(t)
	s := newStand(t, Options{}, p)
	if err := s.front.Listen(SSH, "[::1]:0"); err != nil {
		t.Fatal(err)
	}
	addr := s.until("listening", func() string { return s.front.Listeners()[1].Bound })
	if _, err := s.lab.Call(addr, o); err != nil {
		t.Fatal(err)
	}
	l := s.line("open", 1)
	if !l.From.Addr().Is6() {
		t.Errorf("%v", l.From)
	}
	if d, _ := s.m.Device(l.Session); d.Target.Host != "::1" {
		t.Errorf("%+v", d.Target)
	}
	s.ask(l.Session, getConfig)
}

// TestWhatWasLostWithASessionIsToldInWords: a device that drops with a lock and
// an edit is back in its tab at once, and the words are in the log and with the
// session that it had.
func TestWhatWasLostWithASessionIsToldInWords(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	o.Calls = 0
	s := newStand(t, Options{}, p)
	dev := s.call(o)
	id := s.line("open", 1).Session
	s.ask(id, "<lock><target><candidate/></target></lock>")
	s.ask(id, `<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"/></config></edit-config>`)
	dev.Cut()
	l := s.line("lost", 1)
	for _, w := range []string{"edge-1: ", "lost with it: the lock on candidate (session ", "1 uncommitted edit: the device discards what was under the lock"} {
		if !strings.Contains(l.Text, w) {
			t.Errorf("%q lacks %q", l.Text, w)
		}
	}
	if l := s.line("open", 2); l.Session != id {
		t.Errorf("session %d, was %d", l.Session, id)
	}
	d, _ := s.m.Device(id)
	if len(d.Former) != 1 || len(d.Former[0].Lost) != 2 || len(d.Locks) != 0 || d.Dirty != 0 || len(s.m.Replies(id)) != 2 {
		t.Errorf("%+v", d)
	}
}
