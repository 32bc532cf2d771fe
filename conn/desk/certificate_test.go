package desk

import (
	"errors"
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

func TestCertificateIsMadeAndUsedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStand(t, Options{CertFile: filepath.Join(dir, "server.crt"), KeyFile: filepath.Join(dir, "server.key")})
	var f *keys.Fault
	if c := s.front.Certificate(); c.Pair != nil || !errors.As(c.Err, &f) || f.Code != "TLS-FILE" || !c.Missing() {
		t.Errorf("%+v", c)
	}
	if _, err := s.front.MakeCertificate([]string{"127.0.0.1"}, cert.P256, false); err != nil {
		t.Fatal(err)
	}
	if err := s.front.Listen(HTTPS, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.front.MakeCertificate([]string{"127.0.0.2"}, cert.P256, false); !errors.As(err, &f) || f.Code != "TLS-EXISTS" {
		t.Errorf("%v", err)
	}
	p, err := s.front.MakeCertificate([]string{"127.0.0.2"}, cert.P256, true)
	if c := s.front.Certificate(); c.Missing() || c.Pair == nil {
		t.Errorf("%+v", c)
	}
	if err != nil || s.front.https.certs.Pair().Leaf.SerialNumber.Cmp(p.Leaf.SerialNumber) != 0 {
		t.Errorf("the new one is not in use: %v", err)
	}
	var said []string
	for _, l := range s.front.Log(20) {
		said = append(said, l.Event+" "+l.Text)
	}
	if !strings.Contains(strings.Join(said, "\n"), "certificate a new certificate is in use: [127.0.0.2]") {
		t.Errorf("%q", said)
	}
}

// TestStaleCertificateAfterAWord: one that has expired is refused until a person
// has said that it is to be shown all the same.
func TestStaleCertificateAfterAWord(t *testing.T) {
	t.Parallel()
	old, oldKey, _ := pair(t, time.Now().Add(-5*365*24*time.Hour))
	s := newStand(t, Options{CertFile: old, KeyFile: oldKey})
	var f *keys.Fault
	if err := s.front.Listen(HTTPS, "127.0.0.1:0"); !errors.As(err, &f) || f.Code != "TLS-EXPIRED" {
		t.Fatal(err)
	}
	if err := s.front.ListenStale(Setting{Kind: HTTPS, Addr: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	s.until("listening", func() string { return s.front.Listeners()[1].Bound })
}

func TestCertificateInMemory(t *testing.T) {
	t.Parallel()
	c, k, err := cert.Make([]string{"127.0.0.1"}, cert.P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := cert.Fixed(c, k, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t, Options{Certificates: r})
	if err := s.front.Listen(HTTPS, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if got := s.front.Certificate(); got.Pair != r.Pair() || got.CertFile != "" {
		t.Errorf("%+v", got)
	}
	if _, err := s.front.MakeCertificate([]string{"a"}, cert.P256, true); err == nil {
		t.Error("a certificate was made in no file")
	}
}

// TestBasicDeviceIsBoundByAddressAlone: the form of 20.2 has no identity. A
// profile may be bound to its address; that is said, nothing is believed because
// of it, and the device does not open by itself.
func TestBasicDeviceIsBoundByAddressAlone(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, profile.Profile{Target: link.Target{Name: "old-1", Via: link.HTTPSBasic, Open: "auto"}},
		profile.Profile{Target: link.Target{Name: "old-2", Via: link.HTTPSBasic, Host: "192.0.2.9"}})
	call(outboundsim.Options{Basic: true, WaitTime: time.Millisecond})
	row := func(want string) (c Caller) {
		s.until("a device of 20.2 with profile "+want, func() string {
			for _, c = range s.front.Callers() {
				if c.Via == link.HTTPSBasic && c.Matches == want && c.Sessions == 0 {
					return "yes"
				}
			}
			return ""
		})
		return c
	}
	c := row("")
	if c.Trust != "no identity" || c.Believed || !strings.Contains(c.Note, "only the address") {
		t.Errorf("%+v", c)
	}
	var f *keys.Fault
	if err := s.front.Bind(c.ID, "old-2"); !errors.As(err, &f) || f.Code != "PRO-ID" || !strings.Contains(f.What, "192.0.2.9") {
		t.Errorf("%v", err)
	}
	if err := s.front.Bind(c.ID, "old-1"); err != nil {
		t.Fatal(err)
	}
	s.until("a session", func() string {
		for _, d := range s.m.Devices() {
			if d.Target.Name == "old-1" && d.State == conn.Open && d.Peer.Auth == "no identity" {
				s.m.Disconnect(d.ID)
				return "yes"
			}
		}
		return ""
	})
	c = row("old-1") // it has called again
	if c.Believed || c.Trust != "no identity" || !strings.Contains(c.Note, "by its address alone") {
		t.Errorf("%+v", c)
	}
	ps, _ := s.store.List()
	for _, p := range ps {
		if p.Name == "old-1" && p.Host != "127.0.0.1" {
			t.Errorf("%+v", p)
		}
	}
	if err := s.front.Accept(c.ID, link.Target{}, false); err != nil {
		t.Fatal(err)
	}
	s.until("a session again", func() string {
		for _, d := range s.m.Devices() {
			if d.Target.Name == "old-1" && d.State == conn.Open {
				return "yes"
			}
		}
		return ""
	})
}
