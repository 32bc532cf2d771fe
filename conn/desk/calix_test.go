package desk

import (
	"testing"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// TestCalixIsAcknowledgedOnceAdmitted has a person admit a device that says who
// it is ahead of SSH: once before it is told anything at all, once when it has
// shown its key. After that it comes in by itself.
func TestCalixIsAcknowledgedOnceAdmitted(t *testing.T) {
	t.Parallel()
	const mac = "00:02:5d:d9:21:47"
	s := newStand(t, Options{User: "admin"})
	dev := s.call(simnet.CallOptions{Vendor: "calix", DeviceID: mac, Device: simdev.Options{Name: "e7"}, Server: simnet.Server{Password: "demo"}})
	c := s.caller()
	if c.Via != link.CallHome || c.Claim != mac || c.Key != "" || c.Trust != "key not shown yet" || c.Note != "calix" {
		t.Errorf("%+v", c)
	}
	if dev.Acks() != 0 || dev.SignIns() != 0 {
		t.Errorf("%d acknowledgements, %d requests to sign in before a decision", dev.Acks(), dev.SignIns())
	}
	if err := s.front.Bind(c.ID, "e7"); fault(err) != "CALL-KEYLESS" {
		t.Errorf("bound without a key: %v", err)
	}
	target := link.Target{Name: "e7", Password: "ask", Open: "auto"}
	if err := s.front.Accept(c.ID, target, true); err != nil {
		t.Fatal(err)
	}
	s.until("key of the caller", func() string {
		if cs := s.front.Callers(); len(cs) > 0 {
			c = cs[0]
			return c.Key
		}
		return ""
	})
	if dev.Acks() != 1 || dev.SignIns() != 0 || c.Claim != mac || c.Believed {
		t.Errorf("%d acknowledgements, %d requests to sign in; %+v", dev.Acks(), dev.SignIns(), c)
	}
	if err := s.front.Accept(c.ID, target, true); err != nil {
		t.Fatal(err)
	}
	id := s.line("open", 1).Session
	ps, _ := s.store.List()
	if len(ps) != 1 || ps[0].Via != link.CallHome || ps[0].DeviceID != mac || len(ps[0].Pin) != 1 || ps[0].Pin[0] != pinOf(dev) {
		t.Errorf("profile %+v", ps)
	}
	dev.Cut()
	if l := s.line("open", 2); l.Session != id || dev.Acks() != 2 {
		t.Errorf("came back as session %d, was %d; %d acknowledgements", l.Session, id, dev.Acks())
	}
}

// TestCalixIsToldNothingWhenRefused sees that a refused device got no byte.
func TestCalixIsToldNothingWhenRefused(t *testing.T) {
	t.Parallel()
	s := newStand(t, Options{})
	dev := s.call(simnet.CallOptions{Vendor: "calix", DeviceID: "00:02:5d:d9:21:48", Calls: 1})
	if err := s.front.Refuse(s.caller().ID); err != nil {
		t.Fatal(err)
	}
	<-dev.Over()
	if l := s.line("refused", 1); fault(l.Err) != "CALL-REFUSED" || dev.Acks() != 0 || dev.SignIns() != 0 {
		t.Errorf("%v; %d acknowledgements, %d requests to sign in", l.Err, dev.Acks(), dev.SignIns())
	}
}
