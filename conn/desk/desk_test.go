package desk

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// limit bounds every wait of a test.
const limit = time.Minute

const getConfig = "<get-config><source><running/></source></get-config>"

// typist answers every question for a secret with one word.
type typist string

func (typist) HostKey(context.Context, link.HostKeyQuestion) (link.TrustAnswer, error) {
	return link.Refuse, nil
}
func (p typist) Secret(context.Context, link.SecretQuestion) (keys.Secret, error) {
	return keys.NewSecret([]byte(p)), nil
}
func (p typist) Challenge(_ context.Context, q link.ChallengeQuestion) ([]string, error) {
	return []string{string(p)}, nil
}

// stand is a desk with everything around it: profiles, a manager, a lab.
type stand struct {
	t     testing.TB
	front *Front
	m     *conn.Manager
	lab   *simnet.Lab
	store profile.Store
	addr  string
}

func newStand(t testing.TB, o Options, ps ...profile.Profile) *stand {
	t.Helper()
	s := &stand{t: t, m: conn.NewManager(conn.Options{}), lab: simnet.New(), store: profile.Memory(ps...)}
	if o.Profiles != nil {
		s.store = o.Profiles
	}
	o.Manager, o.Profiles = s.m, s.store
	if o.Ask == nil {
		o.Ask = typist("demo")
	}
	if o.Vault == nil {
		o.Vault = keys.References{Getenv: func(name string) (string, bool) { return "juniper123", name == "LAB_SECRET" }}
	}
	o.Dialer = dial.New(dial.Options{Home: t.TempDir(), AgentSocket: "/nonexistent", Vault: o.Vault})
	s.front = New(o)
	t.Cleanup(func() {
		s.lab.Close()
		s.front.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		s.m.Close(ctx)
	})
	if err := s.front.Listen(SSH, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.addr = s.until("listening", func() string { return s.front.Listeners()[0].Bound })
	return s
}

// until waits until f returns something.
func (s *stand) until(what string, f func() string) string {
	s.t.Helper()
	stop := time.After(limit)
	for {
		if got := f(); got != "" {
			return got
		}
		select {
		case <-s.front.Changed():
		case <-stop:
			for _, l := range s.front.Log(20) {
				s.t.Logf("log: %s %s (%v)", l.Event, l.Text, l.Err)
			}
			s.t.Fatalf("no %s in time", what)
		}
	}
}

// line waits for the nth line of an event.
func (s *stand) line(event string, n int) Line {
	s.t.Helper()
	var out Line
	s.until(event+" line", func() string {
		seen := 0
		for _, l := range s.front.Log(1000) {
			if l.Event == event {
				if seen++; seen == n {
					out = l
					return "yes"
				}
			}
		}
		return ""
	})
	return out
}

// caller waits for the only caller in the inbox.
func (s *stand) caller() Caller {
	s.t.Helper()
	var out Caller
	s.until("caller", func() string {
		if cs := s.front.Callers(); len(cs) > 0 {
			out = cs[0]
			return "yes"
		}
		return ""
	})
	return out
}

func (s *stand) call(o simnet.CallOptions) *simnet.Caller {
	s.t.Helper()
	c, err := s.lab.Call(s.addr, o)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// ask sends an RPC and returns its reply.
func (s *stand) ask(id conn.SessionID, body string) string {
	s.t.Helper()
	r, err := netconf.Classify([]byte(body), netconf.Caps{})
	if err != nil {
		s.t.Fatal(err)
	}
	x, err := s.m.Send(id, r)
	if err != nil {
		s.t.Fatal(err)
	}
	stop := time.Now().Add(limit)
	for {
		o, done, err := x.Snapshot()
		if done {
			if err != nil || !o.OK {
				s.t.Fatalf("%+v %v", o.Errors, err)
			}
			text, err := io.ReadAll(x.Doc.Reader())
			if err != nil {
				s.t.Fatal(err)
			}
			return string(text)
		}
		select {
		case <-s.m.Events():
		case <-time.After(time.Until(stop)):
			s.t.Fatal("no reply in time")
		}
	}
}

func fault(err error) string {
	var f *keys.Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func pinOf(c *simnet.Caller) string { return ssh.FingerprintSHA256(c.HostKey()) }

func secret() keys.Secret { return keys.NewSecret([]byte("juniper123")) }

func TestUnknownCallerIsAcceptedSavedAndComesBack(t *testing.T) {
	t.Parallel()
	for _, via := range []link.Via{link.CallHome, link.Junos} {
		t.Run(string(via), func(t *testing.T) {
			t.Parallel()
			s := newStand(t, Options{User: "admin"})
			o := simnet.CallOptions{Via: via, Device: simdev.Options{Name: "r1"}, Server: simnet.Server{Password: "demo"}}
			if via == link.Junos {
				o.DeviceID = "r1.lab"
			}
			dev := s.call(o)
			c := s.caller()
			if c.Via != via || c.Believed || c.Matches != "" || c.Claim != o.DeviceID || c.User != "admin" || !strings.Contains(c.Trust, "key NEW") || !strings.HasPrefix(c.Key, "ED25519 SHA256:") {
				t.Errorf("%+v", c)
			}
			if n := dev.SignIns(); n != 0 {
				t.Errorf("%d requests to sign in before a decision", n)
			}
			if err := s.front.Accept(c.ID, link.Target{Name: "edge-1", Password: "ask", Open: "auto"}, true); err != nil {
				t.Fatal(err)
			}
			id := s.line("open", 1).Session
			if got := s.ask(id, getConfig); !strings.Contains(got, "r1") {
				t.Errorf("reply %q", got)
			}
			d, _ := s.m.Device(id)
			if d.Peer.HostKeyFrom != "accepted now" || d.Target.Name != "edge-1" || d.Peer.User != "admin" {
				t.Errorf("%+v", d.Peer)
			}
			ps, _ := s.store.List()
			if len(ps) != 1 || ps[0].Name != "edge-1" || ps[0].Via != via || ps[0].DeviceID != o.DeviceID || len(ps[0].Pin) != 1 || ps[0].Pin[0] != pinOf(dev) {
				t.Errorf("profile %+v", ps)
			}
			dev.Cut()
			if l := s.line("lost", 1); l.Session != id || l.Err == nil {
				t.Errorf("%+v", l)
			}
			if l := s.line("open", 2); l.Session != id {
				t.Errorf("came back as session %d, was %d", l.Session, id)
			}
			if d, _ := s.m.Device(id); d.Peer.HostKeyFrom != "pinned to edge-1" || len(d.Former) != 1 || len(s.m.Replies(id)) != 1 {
				t.Errorf("%+v", d)
			}
		})
	}
}
