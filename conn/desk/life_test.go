package desk

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

func TestAProfileThatAsksKeepsItsDeviceInTheInbox(t *testing.T) {
	t.Parallel()
	k, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	p := junos("edge-8", "r8.lab", keyPrint(k))
	p.Open = "ask"
	s := newStand(t, Options{}, p)
	s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r8.lab", Secret: secret(), Server: simnet.Server{HostKey: k, Password: "demo"}, Calls: 1})
	c := s.caller()
	if c.Matches != "edge-8" || !c.Believed || c.Trust != "HMAC ok, key known" || c.Second {
		t.Errorf("%+v", c)
	}
	if l := s.line("caller", 1); l.Text != "r8.lab: HMAC ok, key known as edge-8" || l.Profile != "edge-8" {
		t.Errorf("%+v", l)
	}
	if err := s.front.Bind(c.ID, "edge-8"); err != nil {
		t.Fatal(err)
	}
	id := s.line("open", 1).Session
	if d, _ := s.m.Device(id); d.Target.Name != "edge-8" || d.Target.Via != link.Junos || d.Target.Host != "127.0.0.1" {
		t.Errorf("%+v", d.Target)
	}
}

func TestANewKeyThatTheHMACVouchesForReplacesThePin(t *testing.T) {
	t.Parallel()
	old, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []bool{false, true} {
		o := Options{}
		if file {
			o.Profiles = profile.Open(t.TempDir())
			if err := o.Profiles.Put(junos("edge-1", "r1", keyPrint(old))); err != nil {
				t.Fatal(err)
			}
		}
		s := newStand(t, o, junos("edge-1", "r1", keyPrint(old)))
		dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret()})
		id := s.line("open", 1).Session
		l := s.line("admitted", 1)
		if l.Err != nil || !strings.Contains(l.Text, "replaces "+keyPrint(old)) || !strings.Contains(l.Text, pinOf(dev)) {
			t.Errorf("%+v", l)
		}
		ps, _ := s.store.List()
		if len(ps) != 1 || len(ps[0].Pin) != 1 || ps[0].Pin[0] != pinOf(dev) {
			t.Errorf("%+v", ps)
		}
		dev.Cut()
		if l := s.line("admitted", 2); strings.Contains(l.Text, "replaces") {
			t.Errorf("%+v", l)
		}
		if l := s.line("open", 2); l.Session != id {
			t.Errorf("session %d, was %d", l.Session, id)
		}
	}
}

func TestAcceptedForAnotherUserTheDeviceCallsAgain(t *testing.T) {
	t.Parallel()
	for _, save := range []bool{true, false} {
		s := newStand(t, Options{User: "admin"})
		dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Server: simnet.Server{User: "operator", Password: "demo"}, Wait: time.Millisecond})
		c := s.caller()
		if err := s.front.Accept(c.ID, link.Target{Name: "edge-1", User: "operator", Password: "ask"}, save); err != nil {
			t.Fatal(err)
		}
		l := s.line("caller", 2)
		if fault(l.Err) != "CALL-AGAIN" || !strings.Contains(l.Text, `"operator"`) || !strings.Contains(l.Text, `"admin"`) {
			t.Errorf("%+v", l)
		}
		id := s.line("open", 1).Session
		if d, _ := s.m.Device(id); d.Peer.User != "operator" || d.Target.Name != "edge-1" {
			t.Errorf("%+v", d.Peer)
		}
		if n := dev.Placed(); n != 2 {
			t.Errorf("%d calls", n)
		}
	}
}

func TestFirstUseWithSecretMayBeLeftToTheProfile(t *testing.T) {
	t.Parallel()
	p := junos("edge-1", "r1")
	p.HostKey = link.AcceptNew
	s := newStand(t, Options{}, p)
	dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Calls: 1})
	s.line("open", 1)
	if ps, _ := s.store.List(); len(ps[0].Pin) != 1 || ps[0].Pin[0] != pinOf(dev) {
		t.Errorf("%+v", ps[0])
	}
}

// known is a profile that opens by itself, with the key of its device.
func known(t *testing.T) (profile.Profile, simnet.CallOptions) {
	t.Helper()
	k, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return junos("edge-1", "r1", keyPrint(k)), simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Server: simnet.Server{HostKey: k}, Calls: 1}
}

func TestASecondClaimWaitsWhileTheFirstIsAlive(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	s := newStand(t, Options{}, p)
	s.call(o)
	first := s.line("open", 1).Session
	dev := s.call(o)
	c := s.caller()
	if !c.Second || c.Matches != "edge-1" || !c.Believed {
		t.Errorf("%+v", c)
	}
	if l := s.line("caller", 1); !strings.Contains(l.Text, "second call") {
		t.Errorf("%+v", l)
	}
	if n := dev.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	s.ask(first, getConfig)
	if err := s.front.Accept(c.ID, p.Target, false); err != nil {
		t.Fatal(err)
	}
	if l := s.line("open", 2); l.Session == first || l.Session == 0 {
		t.Errorf("%+v", l)
	}
	if d, _ := s.m.Device(first); d.State != conn.Open {
		t.Errorf("the first is %v", d.State)
	}
}

func TestASecondClaimFollowsWhenTheFirstEnds(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	s := newStand(t, Options{}, p)
	first := s.call(o)
	id := s.line("open", 1).Session
	s.call(o)
	if c := s.caller(); !c.Second {
		t.Errorf("%+v", c)
	}
	first.Cut()
	if l := s.line("open", 2); l.Session != id {
		t.Errorf("session %d, was %d", l.Session, id)
	}
	if n := len(s.front.Callers()); n != 0 {
		t.Errorf("%d callers", n)
	}
}

func TestASecondClaimReplacesASessionThatIsDead(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	s := newStand(t, Options{}, p)
	s.front.patient = 200 * time.Millisecond
	dead := s.call(o)
	id := s.line("open", 1).Session
	s.ask(id, getConfig)
	dead.Silence(true)
	s.call(o)
	if l := s.line("lost", 1); l.Session != id || fault(l.Err) != "NET-DEAD" {
		t.Errorf("%+v", l)
	}
	if l := s.line("open", 2); l.Session != id {
		t.Errorf("session %d, was %d", l.Session, id)
	}
	if n := len(s.m.Replies(id)); n != 1 {
		t.Errorf("%d replies kept", n)
	}
}

func TestTwoCallsAtOnceMakeOneSession(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	s := newStand(t, Options{}, p)
	for range 4 {
		s.call(o)
	}
	s.line("open", 1)
	s.until("three that wait", func() string {
		if len(s.front.Callers()) == 3 {
			return "yes"
		}
		return ""
	})
	for _, c := range s.front.Callers() {
		if !c.Second {
			t.Errorf("%+v", c)
		}
	}
	if n := len(s.m.Devices()); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

func TestAnUnprovenClaimDoesNotTouchASession(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	p.Secret, o.Secret = "", keys.Secret{}
	s := newStand(t, Options{}, p)
	first := s.call(o)
	id := s.line("open", 1).Session
	first.Silence(true) // nobody has noticed yet
	o.Server.HostKey = nil
	s.call(o)
	if l := s.line("refused", 1); fault(l.Err) != "KEY-CHANGED" {
		t.Errorf("%+v", l)
	}
	if d, _ := s.m.Device(id); d.State != conn.Open {
		t.Errorf("%v", d.State)
	}
	first.Silence(false)
}

func TestSessionsSurviveTheirListenerAndWaitersDoNot(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	s := newStand(t, Options{}, p)
	s.call(o)
	id := s.line("open", 1).Session
	stranger := s.call(simnet.CallOptions{Calls: 1})
	s.caller()
	if err := s.front.Stop(SSH, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if l := s.line("refused", 1); fault(l.Err) != "LSN-STOPPED" {
		t.Errorf("%+v", l)
	}
	s.line("stopped", 1)
	<-stranger.Over()
	if n := stranger.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	if n := len(s.front.Listeners()) + len(s.front.Callers()); n != 0 {
		t.Errorf("%d left", n)
	}
	s.ask(id, getConfig)
	if c, err := net.Dial("tcp", s.addr); err == nil {
		c.Close()
		t.Error("somebody still listens")
	}
	if err := s.front.Stop(SSH, "127.0.0.1:0"); fault(err) != "LSN-NONE" {
		t.Errorf("twice: %v", err)
	}
	if err := s.front.Listen("telnet", "127.0.0.1:0"); fault(err) != "LSN-KIND" {
		t.Errorf("kind: %v", err)
	}
	if err := s.front.Listen(SSH, "nonsense"); fault(err) != "LSN-ADDR" || len(s.front.Listeners()) != 0 {
		t.Errorf("address: %v", err)
	}
}

func TestWaitingEndsWithTheDeviceOrTheTime(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{Wait: 100 * time.Millisecond})
	s.call(simnet.CallOptions{Calls: 1})
	if l := s.line("refused", 1); fault(l.Err) != "CALL-WAITED" {
		t.Errorf("%+v", l)
	}
	s = newStand(t, Options{})
	dev := s.call(simnet.CallOptions{Calls: 1})
	c := s.caller()
	if d := c.Until.Sub(c.Since); d < 100*time.Second || d > 120*time.Second {
		t.Errorf("waits %v", d)
	}
	dev.Stop()
	if l := s.line("refused", 1); fault(l.Err) != "CALL-GONE" {
		t.Errorf("%+v", l)
	}
	if err := s.front.Accept(c.ID, link.Target{}, false); fault(err) != "CALL-GONE" {
		t.Errorf("%v", err)
	}
}

func TestAPortThatIsTakenIsSaidAndTakenLater(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t, Options{})
	addr := held.Addr().String()
	if err := s.front.Listen(SSH, addr); err != nil {
		t.Fatal(err)
	}
	if l := s.line("down", 1); fault(l.Err) != "LSN-INUSE" || !strings.Contains(l.Text, addr) {
		t.Errorf("%+v", l)
	}
	if l := s.front.Listeners()[1]; l.Bound != "" || fault(l.Err) != "LSN-INUSE" {
		t.Errorf("%+v", l)
	}
	held.Close()
	s.line("listening", 2)
	if l := s.front.Listeners()[1]; l.Bound != addr || l.Err != nil {
		t.Errorf("%+v", l)
	}
}

func TestBindRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t, Options{},
		profile.Profile{Target: link.Target{Name: "direct", Via: link.SSH, Host: "192.0.2.1"}},
		open(junos("edge-7", "r7")),
		profile.Profile{Target: link.Target{Name: "home", Via: link.CallHome, User: "admin", Pin: []string{keyPrint(other)}}})
	dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Calls: 1})
	c := s.caller()
	for name, code := range map[string]string{"direct": "PRO-WAY", "edge-7": "PRO-ID", "none": "PRO-NONE"} {
		if err := s.front.Bind(c.ID, name); fault(err) != code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.front.Accept(c.ID, link.Target{Name: "home"}, true); fault(err) != "PRO-TAKEN" {
		t.Errorf("%v", err)
	}
	if err := s.front.Accept(c.ID, link.Target{Name: "no good"}, true); fault(err) != "PRO-FIELD" {
		t.Errorf("%v", err)
	}
	if err := s.front.Bind(c.ID, "home"); err != nil {
		t.Fatal(err)
	}
	if l := s.line("bound", 1); !strings.Contains(l.Text, "in place of "+keyPrint(other)) {
		t.Errorf("%+v", l)
	}
	s.line("open", 1)
	ps, _ := s.store.List()
	if p := ps[2]; p.Name != "home" || p.Via != link.Junos || p.DeviceID != "r1" || len(p.Pin) != 1 || p.Pin[0] != pinOf(dev) {
		t.Errorf("%+v", p)
	}
}

func TestListenersAreRememberedAndOffered(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "dialtone", SettingsFile)
	s := newStand(t, Options{Settings: file})
	if err := s.front.Listen(SSH, "127.0.0.2:0"); err != nil {
		t.Fatal(err)
	}
	got, err := s.front.Settings()
	if want := []Setting{{Kind: SSH, Addr: "127.0.0.2:0"}, {Kind: SSH, Addr: "127.0.0.1:0"}}; err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Fatalf("%v %v", got, err)
	}
	if err := s.front.SetAuto(SSH, "127.0.0.2:0", true); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi, err)
	}
	// The next run: offered, and only the one that was meant starts by itself.
	n := New(Options{Manager: s.m, Profiles: s.store, Settings: file})
	defer n.Close()
	if err := n.StartRemembered(); err != nil {
		t.Fatal(err)
	}
	if ls := n.Listeners(); len(ls) != 1 || ls[0].Addr != "127.0.0.2:0" {
		t.Errorf("%+v", ls)
	}
	if err := os.WriteFile(file, []byte("listener = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Settings(); fault(err) != "TOML" {
		t.Errorf("%v", err)
	}
	if err := n.SetAuto(SSH, "127.0.0.9:0", true); fault(err) != "TOML" {
		t.Errorf("%v", err)
	}
	if data, _ := os.ReadFile(file); string(data) != "listener = 3\n" {
		t.Errorf("overwritten: %q", data)
	}
}

func TestTheLogIsARing(t *testing.T) {
	t.Parallel()
	f := New(Options{Manager: conn.NewManager(conn.Options{}), Profiles: profile.Memory(), LogLines: 3})
	defer f.Close()
	for _, s := range []string{"a", "b", "c", "d", "e"} {
		f.write(Line{Text: s})
	}
	for n, want := range map[int]string{0: "", 1: "e", 3: "cde", 9: "cde"} {
		got := ""
		for _, l := range f.Log(n) {
			got += l.Text
		}
		if got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestAKeyIsAskedAboutOnceHoweverOftenSessionKeysChange(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{User: "admin"})
	s.call(simnet.CallOptions{Device: simdev.Options{Bulk: 200 << 10}, Server: simnet.Server{Adjust: func(c *ssh.ServerConfig) { c.RekeyThreshold = 16 << 10 }}, Calls: 1})
	if err := s.front.Accept(s.caller().ID, link.Target{Name: "edge-1"}, false); err != nil {
		t.Fatal(err)
	}
	id := s.line("open", 1).Session
	for range 3 {
		if got := s.ask(id, getConfig); len(got) < 200_000 {
			t.Errorf("%d bytes", len(got))
		}
	}
	if n := len(s.front.Callers()); n != 0 {
		t.Errorf("%d callers", n)
	}
}

func TestAProfileWithoutUserSignsInAsTheOneTheCallBeganWith(t *testing.T) {
	t.Parallel()
	p, o := known(t)
	p.User = ""
	s := newStand(t, Options{User: "admin"}, p)
	s.call(o)
	id := s.line("open", 1).Session
	if d, _ := s.m.Device(id); d.Peer.User != "admin" || d.Target.User != "admin" {
		t.Errorf("%+v", d.Peer)
	}
}

func TestAcceptingAsAProfileOfAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	p, _ := known(t)
	s := newStand(t, Options{User: "admin"}, p)
	s.call(simnet.CallOptions{Calls: 1})
	c := s.caller()
	if err := s.front.Accept(c.ID, link.Target{Name: p.Name}, false); fault(err) != "PRO-TAKEN" {
		t.Errorf("%v", err)
	}
	if err := s.front.Accept(c.ID, link.Target{}, false); err != nil {
		t.Fatal(err)
	}
	id := s.line("open", 1).Session
	if d, _ := s.m.Device(id); d.Target.Name != c.From.String() || d.Target.User != "admin" {
		t.Errorf("%+v", d.Target)
	}
}
