package desk

import (
	"testing"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// TestAcceptingKeepsTheWholeProfileInOneStep has a person change, on the way in,
// the profile that the caller matches; the sign-in goes by what was typed.
func TestAcceptingKeepsTheWholeProfileInOneStep(t *testing.T) {
	t.Parallel()
	for name, before := range map[string][]profile.Profile{
		"new": nil,
		"matched": {func() profile.Profile {
			p := junos("edge-1", "r1")
			p.Password = "env:WRONG"
			p.Note = "kept"
			return p
		}()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{User: "admin"}, before...)
			dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Device: simdev.Options{Name: "r1"}, Server: simnet.Server{Password: "demo"}, Calls: 1})
			c := s.caller()
			err := s.front.AcceptAs(c.ID, profile.Profile{Target: link.Target{Name: "edge-1", User: "admin", Password: "ask", Open: "auto"}, Group: "core"})
			if err != nil {
				t.Fatal(err)
			}
			s.line("open", 1)
			ps, _ := s.store.List()
			if len(ps) != 1 {
				t.Fatalf("%+v", ps)
			}
			p := ps[0]
			if p.Group != "core" || p.User != "admin" || p.Password != "ask" || p.Open != "auto" || p.DeviceID != "r1" || len(p.Pin) != 1 || p.Pin[0] != pinOf(dev) {
				t.Errorf("%+v", p)
			}
			if before != nil && (p.Note != "kept" || p.Secret != before[0].Secret) {
				t.Errorf("lost what nobody changed: %+v", p)
			}
		})
	}
}
