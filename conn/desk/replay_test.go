package desk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// labVault has two secrets, of which one is shared by most devices.
func labVault() keys.Vault {
	return keys.References{Getenv: func(name string) (string, bool) {
		s, ok := map[string]string{"LAB_SECRET": "juniper123", "OTHER_SECRET": "another one"}[name]
		return s, ok
	}}
}

// TestAReplayedPreambleIsWorthNothing: what a device says ahead of SSH can be
// seen and said again. Its HMAC covers the key alone, so everything hangs on the
// key that SSH shows and on the id that this key is pinned to.
func TestAReplayedPreambleIsWorthNothing(t *testing.T) {
	t.Parallel()
	k1, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	k7, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k1.PublicKey())))
	seen := string(callhome.Preamble("r1", text, secret()))
	as := func(id string) []byte { return []byte(strings.Replace(seen, "DEVICE-ID: r1", "DEVICE-ID: "+id, 1)) }
	r9 := junos("edge-9", "r9")
	r9.Secret = "env:OTHER_SECRET"
	for name, c := range map[string]struct {
		id   string
		key  ssh.Signer // of SSH; nil: the one who replays has none of ours
		code string
		says []string
	}{
		"same id, another key":                     {"r1", nil, "KEY-MISMATCH", []string{keyPrint(k1), `"r1"`}},
		"same id, the key of a third":              {"r1", k7, "KEY-MISMATCH", []string{keyPrint(k1), keyPrint(k7)}},
		"another id of the same secret, its key":   {"r7", k7, "KEY-MISMATCH", []string{keyPrint(k1), keyPrint(k7)}},
		"another id of the same secret, same key":  {"r7", k1, "KEY-OTHER", []string{`belongs to "r1"`, `claims to be "r7"`}},
		"another id of the same secret, any key":   {"r7", nil, "KEY-MISMATCH", []string{keyPrint(k1)}},
		"another id of another secret, same key":   {"r9", k1, "PRE-HMAC", []string{`device "r9" failed its secret`}},
		"an id that nobody has, same key":          {"r99", k1, "KEY-OTHER", []string{`belongs to "r1"`, `claims to be "r99"`}},
		"an id that nobody has, another key":       {"r99", nil, "KEY-MISMATCH", []string{keyPrint(k1)}},
		"no id any more, another key, announced":   {"", nil, "PRE-ID", nil},
		"the preamble twice on the one connection": {"r1\r\n" + seen + "X: y", nil, "PRE-BAD", []string{"MSG-ID comes twice"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{Vault: labVault()}, junos("edge-1", "r1", keyPrint(k1)), junos("edge-7", "r7", keyPrint(k7)), r9)
			dev := s.call(simnet.CallOptions{Faults: simnet.CallFaults{Raw: []byte(seen)}, Server: simnet.Server{HostKey: k1}, Calls: 1})
			id := s.line("open", 1).Session
			thief := s.call(simnet.CallOptions{Faults: simnet.CallFaults{Raw: as(c.id)}, Server: simnet.Server{HostKey: c.key}, Calls: 1, Source: "127.0.0.9"})
			l := s.line("refused", 1)
			if fault(l.Err) != c.code || l.From.Addr().String() != "127.0.0.9" {
				t.Errorf("%v, want %s; %+v", l.Err, c.code, l)
			}
			for _, w := range c.says {
				if !strings.Contains(l.Text, w) {
					t.Errorf("%q lacks %q", l.Text, w)
				}
			}
			<-thief.Over()
			if n := thief.SignIns(); n != 0 {
				t.Errorf("%d requests to sign in", n)
			}
			if d, _ := s.m.Device(id); d.State != conn.Open || len(s.m.Devices()) != 1 || len(s.front.Callers()) != 0 || dev.SignIns() == 0 {
				t.Errorf("%+v", d)
			}
			ps, _ := s.store.List()
			for i, pin := range []string{keyPrint(k1), keyPrint(k7)} {
				if len(ps[i].Pin) != 1 || ps[i].Pin[0] != pin {
					t.Errorf("%+v", ps[i])
				}
			}
		})
	}
}

// TestAKeyThatWasSeenUnderAnotherIDIsNotBelievedForItsHMAC: a device of the same
// secret is no other device of it, whoever says so.
func TestAKeyThatWasSeenUnderAnotherIDIsNotBelievedForItsHMAC(t *testing.T) {
	t.Parallel()
	k, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	old, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	first := junos("edge-7", "r7")
	first.HostKey = link.AcceptNew
	for name, p := range map[string]profile.Profile{"in place of a pin": junos("edge-7", "r7", keyPrint(old)), "at first use": first} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{}, p)
			s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Server: simnet.Server{HostKey: k}, Calls: 1})
			s.caller()
			dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r7", Secret: secret(), Server: simnet.Server{HostKey: k}, Calls: 1, Source: "127.0.0.9"})
			if l := s.line("refused", 1); fault(l.Err) != "KEY-OTHER" || !strings.Contains(l.Text, `came as "r1" before`) || !strings.Contains(l.Text, `claims to be "r7"`) {
				t.Errorf("%v", l.Err)
			}
			<-dev.Over()
			if n := dev.SignIns(); n != 0 {
				t.Errorf("%d requests to sign in", n)
			}
			if ps, _ := s.store.List(); len(ps[0].Pin) != len(p.Pin) || len(p.Pin) == 1 && ps[0].Pin[0] != p.Pin[0] {
				t.Errorf("%+v", ps[0])
			}
		})
	}
}

// TestCredentialsFollowTheKeyAndNotTheAddress: two devices behind one address
// are each signed in to with their own user and password and with no other.
func TestCredentialsFollowTheKeyAndNotTheAddress(t *testing.T) {
	t.Parallel()
	var ps []profile.Profile
	var calls []simnet.CallOptions
	for i, via := range []link.Via{link.CallHome, link.CallHome, link.Junos, link.Junos} {
		k, err := simnet.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("edge-", i)
		p := profile.Profile{Target: link.Target{Name: name, Via: via, User: fmt.Sprint("user-", i), Password: fmt.Sprint("env:PW", i), Pin: []string{keyPrint(k)}, Open: "auto"}}
		o := simnet.CallOptions{Via: via, Server: simnet.Server{HostKey: k, User: p.User, Password: fmt.Sprint("pass-", i)}, Wait: time.Millisecond}
		if via == link.Junos {
			p.DeviceID, o.DeviceID = name, name
		}
		ps, calls = append(ps, p), append(calls, o)
	}
	v := keys.References{Getenv: func(n string) (string, bool) { return strings.Replace(n, "PW", "pass-", 1), true }}
	s := newStand(t, Options{Vault: v}, ps...)
	var devs []*simnet.Caller
	for _, o := range calls {
		devs = append(devs, s.call(o))
	}
	s.line("open", len(calls))
	for _, d := range s.m.Devices() {
		var i int
		fmt.Sscanf(d.Target.Name, "edge-%d", &i)
		if d.State != conn.Open || d.Peer.User != ps[i].User {
			t.Errorf("%s: %v as %q", d.Target.Name, d.State, d.Peer.User)
		}
		// "none" and the one password that is right: no other was tried.
		if n := devs[i].SignIns(); n > 2 {
			t.Errorf("%s: %d requests to sign in", d.Target.Name, n)
		}
	}
}
