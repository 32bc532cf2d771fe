package desk

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

func keyPrint(s ssh.Signer) string { return ssh.FingerprintSHA256(s.PublicKey()) }

// junos is the profile of r1 with the secret of the lab.
func junos(name, id string, pins ...string) profile.Profile {
	return profile.Profile{Target: link.Target{Name: name, Via: link.Junos, DeviceID: id, User: "admin", Password: "ask", Secret: "env:LAB_SECRET", Pin: pins, Open: "auto"}}
}

func open(p profile.Profile) profile.Profile { p.Secret = ""; return p }

func TestOddPreamblesOfGoodDevicesAreTaken(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]simnet.CallFaults{
		"as documented": {}, "LF only": {BareLF: true}, "NUL": {NUL: true}, "blank lines": {Blanks: true}, "doubled colon": {Doubled: true},
		"no blank": {NoBlank: true}, "unknown header": {Header: "X-Model: MX204"}, "upper case": {Upper: true},
		"all": {BareLF: true, NUL: true, Blanks: true, Doubled: true, NoBlank: true, Header: "?", Upper: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{}, junos("edge-1", "r1"))
			s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Faults: f, Calls: 1})
			c := s.caller()
			if c.Trust != "HMAC ok, key NEW" || c.Matches != "edge-1" || c.Believed {
				t.Errorf("%+v", c)
			}
			if err := s.front.Bind(c.ID, "edge-1"); err != nil {
				t.Fatal(err)
			}
			s.line("open", 1)
		})
	}
}

func TestRefusalsSayWhyAndSendNoLogin(t *testing.T) {
	t.Parallel()
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	mine, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	pin := keyPrint(mine)
	raw := func(s string) simnet.CallFaults { return simnet.CallFaults{Raw: []byte(s)} }
	good := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\n"
	for _, c := range []struct {
		name   string
		code   string
		ps     []profile.Profile
		id     string
		secret keys.Secret
		key    bool // the pinned one
		plain  bool
		f      simnet.CallFaults
	}{
		{name: "too many headers", code: "PRE-BIG", f: raw(good + strings.Repeat("X: y\r\n", 33))},
		{name: "long header", code: "PRE-BIG", f: raw(good + "X: " + strings.Repeat("y", 5<<10) + "\r\n")},
		{name: "another version", code: "PRE-BAD", f: raw("MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V2\r\nDEVICE-ID: r1\r\n")},
		{name: "another kind of message", code: "PRE-BAD", f: raw("MSG-ID: OTHER\r\n")},
		{name: "no id", code: "PRE-BAD", f: raw(good)},
		{name: "id twice", code: "PRE-BAD", f: raw(good + "DEVICE-ID: r1\r\nDEVICE-ID: r2\r\n")},
		{name: "id with a blank", code: "PRE-ID", f: raw(good + "DEVICE-ID: a b\r\n")},
		{name: "id with an escape", code: "PRE-ID", f: raw(good + "DEVICE-ID: r1\x1b[2J\r\n")},
		{name: "long id", code: "PRE-ID", f: raw(good + "DEVICE-ID: " + strings.Repeat("r", 300) + "\r\n")},
		{name: "wrong HMAC", code: "PRE-HMAC", ps: []profile.Profile{junos("e", "r1")}, id: "r1", secret: secret(), f: simnet.CallFaults{WrongHMAC: true}},
		{name: "key without HMAC", code: "PRE-HMAC", ps: []profile.Profile{junos("e", "r1")}, id: "r1", secret: secret(), f: simnet.CallFaults{NoHMAC: true}},
		{name: "neither key nor HMAC", code: "PRE-HMAC", ps: []profile.Profile{junos("e", "r1")}, id: "r1"},
		{name: "no preamble", code: "PRE-HMAC", ps: []profile.Profile{junos("e", "r1", pin)}, key: true, plain: true},
		{name: "another key", code: "KEY-MISMATCH", ps: []profile.Profile{junos("e", "r1")}, id: "r1", secret: secret(), f: simnet.CallFaults{Announce: other}},
		{name: "key of another", code: "KEY-OTHER", ps: []profile.Profile{open(junos("e", "r1", pin)), open(junos("f", "r7"))}, id: "r7", key: true},
		{name: "unknown id", code: "KEY-OTHER", ps: []profile.Profile{open(junos("e", "r1", pin))}, id: "r9", key: true},
		{name: "changed key", code: "KEY-CHANGED", ps: []profile.Profile{open(junos("e", "r1", pin))}, id: "r1"},
		{name: "junk", code: "LSN-NOTSSH", f: raw("hello\r\n")},
		{name: "TLS", code: "LSN-NOTSSH", f: raw("\x16\x03\x01\x02\x00")},
		{name: "no secret in the vault", code: "PRE-SECRET", ps: func() []profile.Profile {
			p := junos("e", "r1")
			p.Secret = "env:NOT_THERE"
			return []profile.Profile{p}
		}(), id: "r1", secret: secret()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{}, c.ps...)
			o := simnet.CallOptions{Via: link.Junos, DeviceID: c.id, Secret: c.secret, Faults: c.f, Calls: 1}
			if c.plain {
				o.Via = link.CallHome
			}
			if c.key {
				o.Server.HostKey = mine
			}
			dev := s.call(o)
			l := s.line("refused", 1)
			if fault(l.Err) != c.code || l.Text == "" || strings.ContainsAny(l.Text, "\x1b\r\n") {
				t.Errorf("%v, want %s; text %q", l.Err, c.code, l.Text)
			}
			<-dev.Over()
			if n := dev.SignIns(); n != 0 {
				t.Errorf("%d requests to sign in", n)
			}
			if cs, ds := s.front.Callers(), s.m.Devices(); len(cs)+len(ds) != 0 {
				t.Errorf("%v %v", cs, ds)
			}
			if n := s.front.Listeners()[0].Counted.Refused; n != 1 {
				t.Errorf("%d refused", n)
			}
		})
	}
}

func TestStrangersWithOneKeyOrOneIDAreRefused(t *testing.T) {
	t.Parallel()
	k, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	s := newStand(t, Options{})
	s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Server: simnet.Server{HostKey: k}, Calls: 1})
	first := s.caller()
	d := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r2", Server: simnet.Server{HostKey: k}, Calls: 1})
	if l := s.line("refused", 1); fault(l.Err) != "KEY-OTHER" || !strings.Contains(l.Text, `"r1"`) {
		t.Errorf("two ids: %v", l.Err)
	}
	e := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Source: "127.0.0.2", Calls: 1})
	if l := s.line("refused", 2); fault(l.Err) != "KEY-TWICE" {
		t.Errorf("two keys: %v", l.Err)
	}
	<-d.Over()
	<-e.Over()
	if n := d.SignIns() + e.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	// A person who sends the first one away lets the other wait.
	if err := s.front.Refuse(first.ID); err != nil {
		t.Fatal(err)
	}
	s.line("refused", 3)
	f := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Source: "127.0.0.3", Calls: 1})
	if c := s.caller(); !strings.HasSuffix(c.Key, pinOf(f)) {
		t.Errorf("%+v", c)
	}
	if err := s.front.Refuse(first.ID); fault(err) != "CALL-GONE" {
		t.Errorf("twice: %v", err)
	}
}

func TestABlockedAddressIsTurnedAway(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	dev := s.call(simnet.CallOptions{Source: "127.0.0.77", Wait: 5 * time.Millisecond})
	c := s.caller()
	if err := s.front.Block(c.ID); err != nil {
		t.Fatal(err)
	}
	s.until("turning away", func() string {
		for _, l := range s.front.Log(100) {
			if fault(l.Err) == "LSN-BUSY" && strings.Contains(l.Text, "blocked") {
				return "yes"
			}
		}
		return ""
	})
	dev.Stop()
	if n := dev.SignIns(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	if n := s.front.Listeners()[0].Counted.Penalised; n != 1 {
		t.Errorf("%d penalised", n)
	}
	s.call(simnet.CallOptions{Source: "127.0.0.78", Calls: 1})
	s.caller()
}
