package simnet_test

import (
	"context"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

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

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestNETCONFWithASimulatedDevice(t *testing.T) {
	t.Parallel()
	for _, dialect := range []simdev.Dialect{simdev.Junos, simdev.RFC} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			l := simnet.New()
			defer l.Close()
			h, err := l.Add(simdev.Options{Name: "r1", Dialect: dialect, Bulk: 1 << 20}, simnet.Server{Password: "demo", Banner: "hello\n"})
			if err != nil {
				t.Fatal(err)
			}
			d := dial.New(dial.Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"})
			target := h.Target()
			target.Password = "ask"
			c, err := d.Dial(within(t, time.Minute), target, typist("demo"), nil)
			if err != nil {
				t.Fatal(err)
			}
			s, err := netconf.Open(within(t, time.Minute), netconf.NewTransport(c, netconf.FrameOptions{}), netconf.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			o, err := s.Do(within(t, time.Minute), netconf.Request{Name: "get-config", Body: []byte("<get-config><source><running/></source></get-config>")}, &got)
			if err != nil || !o.OK || got.Len() < 1_000_000 {
				t.Errorf("%+v, %v, %d bytes", o, err, got.Len())
			}
			if err := s.Close(within(t, time.Minute)); err != nil {
				t.Error(err)
			}
			c.Close()
		})
	}
}

func TestLineCanBeSilentAndCut(t *testing.T) {
	t.Parallel()
	l := simnet.New()
	defer l.Close()
	h, err := l.Add(simdev.Options{}, simnet.Server{Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
		defer rwc.Close()
		_, err := io.Copy(rwc, rwc)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	d := dial.New(dial.Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"})
	c, err := d.Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	back := make(chan byte)
	go func() { // ends with the link
		defer close(back)
		var b [1]byte
		for {
			if _, err := c.Read(b[:]); err != nil {
				return
			}
			back <- b[0]
		}
	}()
	_, _ = c.Write([]byte("a"))
	if b := <-back; b != 'a' {
		t.Fatalf("got %q", b)
	}
	h.Silence(true)
	_, _ = c.Write([]byte("b"))
	select {
	case b := <-back:
		t.Fatalf("%q came over a silent line", b)
	case <-time.After(50 * time.Millisecond):
	}
	h.Silence(false)
	if b := <-back; b != 'b' {
		t.Fatalf("got %q after the silence", b)
	}
	if n := h.Connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
	h.Cut()
	if _, ok := <-back; ok {
		t.Error("bytes after the cut")
	}
	<-c.Done
}

func TestCloseEndsEverything(t *testing.T) {
	before := runtime.NumGoroutine()
	l := simnet.New()
	for _, rtt := range []time.Duration{0, 10 * time.Millisecond} {
		h, err := l.Add(simdev.Options{Name: "r1"}, simnet.Server{RTT: rtt})
		if err != nil {
			t.Fatal(err)
		}
		d := dial.New(dial.Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"})
		c, err := d.Dial(within(t, time.Minute), h.Target(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	l.Close()
	for start := time.Now(); runtime.NumGoroutine() > before+4; runtime.Gosched() {
		if time.Since(start) > time.Minute {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

func TestHostKeysKnownUnknownAndChanged(t *testing.T) {
	t.Parallel()
	l := simnet.New()
	defer l.Close()
	known, err := l.Add(simdev.Options{}, simnet.Server{})
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := l.Add(simdev.Options{}, simnet.Server{Stranger: true})
	if err != nil {
		t.Fatal(err)
	}
	check := func(h *simnet.Host, want keys.Verdict) {
		t.Helper()
		if v, _, err := l.Known().Check(h.Addr(), nil, h.HostKey()); v != want || err != nil {
			t.Errorf("%v, %v; want %v", v, err, want)
		}
	}
	check(known, keys.Trusted)
	check(stranger, keys.Unknown)
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	known.SetHostKey(key)
	check(known, keys.Changed)
}
