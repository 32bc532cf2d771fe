package desk

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
)

// pair makes a certificate for loopback.
func pair(t *testing.T, now time.Time) (certFile, keyFile string, roots []byte) {
	t.Helper()
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	c, k, err := cert.Make([]string{"127.0.0.1"}, cert.P256, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(certFile, c, 0o644), os.WriteFile(keyFile, k, 0o600)); err != nil {
		t.Fatal(err)
	}
	return certFile, keyFile, c
}

// secureStand is a stand that also listens for outbound HTTPS.
func secureStand(t *testing.T, o Options, ps ...profile.Profile) (s *stand, call func(outboundsim.Options)) {
	t.Helper()
	var roots []byte
	o.CertFile, o.KeyFile, roots = pair(t, time.Now())
	s = newStand(t, o, ps...)
	if err := s.front.Listen(HTTPS, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	addr := s.until("listening", func() string { return s.front.Listeners()[1].Bound })
	return s, func(o outboundsim.Options) {
		t.Helper()
		o.Servers, o.Roots = []string{addr}, roots
		if _, err := s.lab.CallSecure(o); err != nil {
			t.Fatal(err)
		}
	}
}

func secureProfile(open string) profile.Profile {
	return profile.Profile{Target: link.Target{Name: "edge1", Via: link.HTTPS, DeviceID: "r1.lab", Secret: "env:LAB_SECRET", Open: open}}
}

func TestSecureDeviceOpensAsOftenAsWanted(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("ask"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123"})
	row := func() (c Caller) {
		s.until("a parked device", func() string {
			for _, c = range s.front.Callers() {
				if c.Parked && c.Note == "" {
					return "yes"
				}
			}
			return ""
		})
		return c
	}
	c := row()
	if c.Via != link.HTTPS || c.Trust != "secret ok" || !c.Believed || c.Matches != "edge1" || c.Claim != "r1.lab" || c.Sessions != 0 {
		t.Errorf("%+v", c)
	}
	for n := 1; n <= 2; n++ {
		if err := s.front.Accept(row().ID, link.Target{}, false); err != nil {
			t.Fatal(err)
		}
		s.until("sessions", func() string {
			open := 0
			for _, d := range s.m.Devices() {
				if d.State == conn.Open && d.Target.Name == "edge1" && d.Peer.Auth == "secret ok" {
					open++
				}
			}
			if open != n {
				return ""
			}
			return "yes"
		})
		if c := row(); c.Sessions != n {
			t.Errorf("%d sessions, want %d", c.Sessions, n)
		}
	}
	if c := s.front.Listeners()[1].Counted; c.Accepted != 2 || c.Waiting != 1 {
		t.Errorf("%+v", c)
	}
	if err := s.front.Refuse(row().ID); err != nil {
		t.Error(err)
	}
	var said []string
	for _, l := range s.front.Log(100) {
		said = append(said, l.Event+" "+l.Text)
	}
	for _, want := range []string{"(https)", "r1.lab: secret ok as edge1", "accepted as edge1", "open edge1 is open", "refused by a person"} {
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("no %q in\n%s", want, strings.Join(said, "\n"))
		}
	}
}

func TestSecureDeviceOpensByItself(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("auto"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123"})
	s.until("a session", func() string {
		for _, d := range s.m.Devices() {
			if d.State == conn.Open {
				return d.Target.Name
			}
		}
		return ""
	})
}

func TestSecureStrangerBecomesAProfile(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{})
	call(outboundsim.Options{DeviceID: "new.lab", Secret: "juniper123"})
	var id CallerID
	s.until("a stranger", func() string {
		for _, c := range s.front.Callers() {
			if id = c.ID; c.Trust == "unknown device" && !c.Believed {
				return c.Claim
			}
		}
		return ""
	})
	if err := s.front.Bind(id, "none"); err == nil {
		t.Error("bound to nothing")
	}
	if err := s.front.Accept(id, link.Target{Name: "new", Secret: "env:LAB_SECRET"}, true); err != nil {
		t.Fatal(err)
	}
	ps, _ := s.store.List()
	if len(ps) != 1 || ps[0].Via != link.HTTPS || ps[0].DeviceID != "new.lab" || ps[0].Name != "new" {
		t.Errorf("%+v", ps)
	}
	s.until("the device is known now", func() string {
		for _, c := range s.front.Callers() {
			if c.Trust == "secret ok" {
				return fmt.Sprint(c.Matches)
			}
		}
		return ""
	})
	if err := s.front.Stop(HTTPS, "127.0.0.1:0"); err != nil {
		t.Error(err)
	}
}

func TestSecureListenerNeedsACertificate(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := pair(t, time.Now())
	old, oldKey, _ := pair(t, time.Now().Add(-5*365*24*time.Hour))
	for _, x := range []struct{ cert, key, code string }{
		{"", "", "TLS-NONE"},
		{filepath.Join(t.TempDir(), "none"), keyFile, "TLS-FILE"},
		{certFile, oldKey, "TLS-PAIR"},
		{old, oldKey, "TLS-EXPIRED"},
	} {
		s := newStand(t, Options{CertFile: x.cert, KeyFile: x.key})
		var f *keys.Fault
		if err := s.front.Listen(HTTPS, "127.0.0.1:0"); !errors.As(err, &f) || f.Code != x.code {
			t.Errorf("%v, want %s", err, x.code)
		}
	}
}
