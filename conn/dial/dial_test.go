package dial

import (
	"context"
	"io"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

// person answers questions from a script.
type person struct {
	trust     link.TrustAnswer
	secrets   []string
	challenge func(link.ChallengeQuestion) ([]string, error)
	wait      func(context.Context) // before the answer to a challenge
	asked     chan string           // what was asked, when there is room
}

func (p *person) say(s string) {
	select {
	case p.asked <- s:
	default:
	}
}

func (p *person) HostKey(_ context.Context, q link.HostKeyQuestion) (link.TrustAnswer, error) {
	p.say("key " + q.Host)
	return p.trust, nil
}

func (p *person) Secret(_ context.Context, q link.SecretQuestion) (keys.Secret, error) {
	p.say(q.What)
	if len(p.secrets) == 0 {
		return keys.Secret{}, link.ErrDeclined
	}
	s := p.secrets[0]
	p.secrets = p.secrets[1:]
	return keys.NewSecret([]byte(s)), nil
}

func (p *person) Challenge(ctx context.Context, q link.ChallengeQuestion) ([]string, error) {
	p.say("challenge")
	if p.wait != nil {
		p.wait(ctx)
	}
	if p.challenge == nil {
		return nil, link.ErrDeclined
	}
	return p.challenge(q)
}

// lab is a simnet that ends with the test.
func lab(t testing.TB) *simnet.Lab {
	l := simnet.New()
	t.Cleanup(l.Close)
	return l
}

func add(t testing.TB, l *simnet.Lab, s simnet.Server) *simnet.Host {
	t.Helper()
	if s.Serve == nil {
		s.Serve = echo
	}
	h, err := l.Add(simdev.Options{Name: "r1"}, s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// echo sends back what it gets.
func echo(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
	defer rwc.Close()
	_, err := io.Copy(rwc, rwc)
	return err
}

// dialer knows the lab's hosts and nothing of the machine's.
func dialer(t testing.TB, l *simnet.Lab) *Dialer {
	return New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"})
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// echoed checks that bytes go there and back.
func echoed(t testing.TB, l *link.Link) {
	t.Helper()
	if _, err := io.WriteString(l, "hello"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(l, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("read %q, %v", buf, err)
	}
}

func TestSignsInWithAPassword(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "pa55", Banner: "welcome\n"})
	target := h.Target()
	target.Password = "ask"
	c, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{secrets: []string{"wrong", "pa55"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if c.Peer.Auth != "password" || c.Peer.Banner != "welcome\n" || c.Peer.User != "admin" || c.Peer.HostKeyFrom != "memory:1" {
		t.Errorf("peer: %+v", c.Peer)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-c.Done
}
