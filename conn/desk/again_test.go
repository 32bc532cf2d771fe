package desk

import (
	"strings"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

// TestEachSignInThatFailsIsToldToWhoLetTheDeviceIn has a person let the same
// device in three times within a minute, each time with the wrong password: each
// end is a line of its own, and none is only counted.
func TestEachSignInThatFailsIsToldToWhoLetTheDeviceIn(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{User: "admin", Ask: typist("wrong")})
	s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Server: simnet.Server{Password: "demo"}, Calls: 3, Wait: time.Millisecond})
	for n := 1; n <= 3; n++ {
		c := s.caller()
		if err := s.front.Accept(c.ID, link.Target{Name: "r1", User: "admin", Password: "ask"}, false); err != nil {
			t.Fatal(err)
		}
		if l := s.line("refused", n); fault(l.Err) != "AUTH-FAIL" || l.From != c.From || l.Count > 1 {
			t.Errorf("%+v", l)
		}
	}
}

// TestARefusedSavedPasswordIsNotSentAtEachCall has a profile that opens by itself
// hold the wrong password, and its device call again and again: the password is
// sent once, and then a person is waited for. What lets us in again, opens by
// itself again.
func TestARefusedSavedPasswordIsNotSentAtEachCall(t *testing.T) {
	t.Parallel()
	k, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	p := junos("edge-8", "r8", keyPrint(k))
	p.User, p.Password, p.Open = "admin", "env:LAB_SECRET", "auto" // "juniper123"
	s := newStand(t, Options{Ask: typist("demo")}, p)
	dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r8", Secret: secret(), Server: simnet.Server{HostKey: k, Password: "demo"}, Wait: time.Millisecond})
	l := s.line("refused", 1)
	if fault(l.Err) != "AUTH-FAIL" || !strings.HasSuffix(l.Text, "it waits in the inbox when it calls again") {
		t.Errorf("%+v", l)
	}
	c := s.caller()
	if !c.Believed || c.Matches != "edge-8" {
		t.Errorf("%+v", c)
	}
	if n := dev.SignIns(); n > 2 { // asking what it takes, and the password
		t.Errorf("%d requests to sign in", n)
	}
	p.Password = "ask"
	if err := s.front.AcceptAs(c.ID, p); err != nil {
		t.Fatal(err)
	}
	first := s.line("open", 1)
	s.m.Disconnect(first.Session)
	if again := s.line("open", 2); again.Session != first.Session {
		t.Errorf("%+v", again)
	}
}
