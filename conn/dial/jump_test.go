package dial

import (
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

func TestGoesThroughJumpHosts(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "far", Stranger: true})
	j1 := add(t, l, simnet.Server{User: "one", Password: "near", Forward: true, Stranger: true})
	j2 := add(t, l, simnet.Server{User: "two", Forward: true})
	d := New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent", Lookup: func(name string) (link.Target, bool) {
		for n, h := range map[string]*simnet.Host{"first": j1, "second": j2} {
			if n == name {
				t := h.Target()
				t.Password = "ask"
				return t, true
			}
		}
		return link.Target{}, false
	}})
	target := h.Target()
	target.Jump = []string{"first", "second"}
	target.Password = "ask"
	// Each unknown key ends the dial, so the passwords before it are asked again.
	who := &person{trust: link.TrustAndSave, secrets: []string{"near", "near", "far"}, asked: make(chan string, 20)}
	c, err := d.Dial(within(t, time.Minute), target, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	echoed(t, c)
	c.Close()
	target.Jump = []string{"admin@" + h.Addr()} // no forwarding there
	_, err = d.Dial(within(t, time.Minute), target, &person{challenge: nil, secrets: nil}, nil)
	if code(err) != "AUTH-FAIL" && code(err) != "NET-JUMP" {
		t.Errorf("%v", err)
	}
}
