package desk

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/netconf/conform/realdev"
)

// splicer has a server that only listens call: it dials the listener, says
// hello, dials the server and passes all bytes in both directions.
type splicer struct {
	listener, server string
	hello            []byte

	mu   sync.Mutex
	open []net.Conn
	wg   sync.WaitGroup
}

// run calls until ctx ends, again and again.
func (s *splicer) run(ctx context.Context) {
	for ctx.Err() == nil {
		a, err := net.Dial("tcp", s.listener)
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", s.server)
		if err != nil {
			a.Close()
			return
		}
		s.mu.Lock()
		s.open = []net.Conn{a, b}
		s.mu.Unlock()
		if ctx.Err() != nil {
			s.cut()
		}
		_, _ = a.Write(s.hello)
		done := make(chan struct{})
		go func() { // ends when either side does
			defer close(done)
			_, _ = io.Copy(a, b)
			a.Close()
		}()
		_, _ = io.Copy(b, a)
		b.Close()
		<-done
	}
}

// cut resets both connections.
func (s *splicer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.open {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

func TestARealServerCallsIsAcceptedAndComesBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		via    link.Via
		secret bool
	}{
		"RFC 8071":                {via: link.CallHome},
		"preamble without secret": {via: link.Junos},
		"preamble with secret":    {via: link.Junos, secret: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := realdev.Start(t, realdev.Options{})
			target := link.Target{Name: "edge-1", Via: tc.via, User: srv.User, Identity: []string{srv.NewKey(t, "ed25519", "")}, Open: "auto"}
			var ps []profile.Profile
			if tc.secret {
				target.DeviceID, target.Secret = "r1.lab", "env:LAB_SECRET"
				ps = append(ps, profile.Profile{Target: target})
			}
			s := newStand(t, Options{User: srv.User}, ps...)
			sp := &splicer{listener: s.addr, server: srv.Addr}
			if tc.via == link.Junos {
				text := srv.HostKey // as the device would print it
				sec := keys.Secret{}
				if tc.secret {
					sec = secret()
				}
				sp.hello = callhome.Preamble("r1.lab", text, sec)
			}
			ctx, cancel := context.WithCancel(context.Background())
			sp.wg.Add(1)
			go func() { // ends with cancel and cut
				defer sp.wg.Done()
				sp.run(ctx)
			}()
			defer sp.wg.Wait()
			defer sp.cut()
			defer cancel()

			c := s.caller()
			want := map[bool]string{true: "HMAC ok, key NEW", false: "HMAC absent, key NEW"}[tc.secret]
			if tc.via == link.CallHome {
				want = "key NEW"
			}
			if c.Trust != want || c.Via != tc.via || c.User != srv.User {
				t.Errorf("%+v, want %q", c, want)
			}
			var err error
			if tc.secret {
				err = s.front.Bind(c.ID, "edge-1")
			} else {
				err = s.front.Accept(c.ID, target, true)
			}
			if err != nil {
				t.Fatal(err)
			}
			id := s.line("open", 1).Session
			if got := s.ask(id, getConfig); !strings.Contains(got, "data") {
				t.Errorf("reply %q", got)
			}
			d, _ := s.m.Device(id)
			if !strings.HasPrefix(d.Peer.ServerVersion, "SSH-2.0-OpenSSH") || !strings.HasPrefix(d.Peer.Auth, "publickey") || d.NetconfID == 0 {
				t.Errorf("%+v", d.Peer)
			}
			sp.cut()
			if l := s.line("lost", 1); l.Session != id {
				t.Errorf("%+v", l)
			}
			l := s.line("open", 2)
			if l.Session != id {
				t.Errorf("session %d, was %d", l.Session, id)
			}
			d, _ = s.m.Device(id)
			if d.State != conn.Open || d.Peer.HostKeyFrom != "pinned to edge-1" || len(d.Former) != 1 {
				t.Errorf("%+v", d)
			}
			s.ask(id, getConfig)
			// It answers a question for a sign of life, and two at once.
			within, stop := context.WithTimeout(context.Background(), limit)
			defer stop()
			both := make(chan error, 2)
			for range 2 {
				go func() { both <- s.m.Probe(within, id) }() // ends with the answer
			}
			for range 2 {
				if err := <-both; err != nil {
					t.Errorf("probe: %v", err)
				}
			}
		})
	}
}

func TestARealServerIsToldNothingWhenItIsRefused(t *testing.T) {
	t.Parallel()
	srv := realdev.Start(t, realdev.Options{})
	s := newStand(t, Options{}, junos("edge-1", "r1.lab"))
	a, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := net.Dial("tcp", srv.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	_, _ = a.Write(callhome.Preamble("r1.lab", srv.HostKey, keys.NewSecret([]byte("another"))))
	go func() { // ends with either connection
		_, _ = io.Copy(a, b)
	}()
	_ = a.SetReadDeadline(time.Now().Add(limit))
	got, _ := io.ReadAll(a)
	if len(got) != 0 { // not even a version
		t.Errorf("we sent %q", got)
	}
	if l := s.line("refused", 1); fault(l.Err) != "PRE-HMAC" {
		t.Errorf("%+v", l)
	}
}
