package realdev

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/netconf"
)

// Both ways in lead to the same server.
func TestBothWaysIn(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	if !strings.HasPrefix(s.HostKey, "ssh-ed25519 AAAA") || !strings.HasPrefix(s.Addr, "127.0.0.1:") {
		t.Errorf("host key %q, address %q", s.HostKey, s.Addr)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, way := range []string{"ssh", "pipe"} {
		rwc := s.Pipe(t)
		if way == "ssh" {
			_ = rwc.Close()
			rwc = s.SSH(t)
		}
		n, err := netconf.Open(ctx, netconf.NewTransport(rwc, netconf.FrameOptions{}), netconf.Options{})
		if err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		var b bytes.Buffer
		out, err := n.Do(ctx, netconf.Request{Name: "get-config", Body: []byte(`<get-config><source><running/></source></get-config>`)}, &b)
		if err != nil || !out.OK {
			t.Errorf("%s: %v %s", way, err, b.String())
		}
		if err := n.Close(ctx); err != nil {
			t.Errorf("%s: close: %v", way, err)
		}
	}
}

// TestACrashIsMended: netconfd that crashes is there again for the next session.
func TestACrashIsMended(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s.mu.Lock()
	first := s.daemon
	s.mu.Unlock()
	if err := first.Signal(syscall.SIGSEGV); err != nil {
		t.Fatal(err)
	}
	for again := false; !again && ctx.Err() == nil; runtime.Gosched() {
		s.mu.Lock()
		again = s.daemon != first
		s.mu.Unlock()
	}
	n, err := netconf.Open(ctx, netconf.NewTransport(s.SSH(t), netconf.FrameOptions{}), netconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestCutAll(t *testing.T) {
	t.Parallel()
	s := Start(t, Options{Only10: true})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	n, err := netconf.Open(ctx, netconf.NewTransport(s.SSH(t), netconf.FrameOptions{}), netconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if n.Framing() != netconf.EndOfMessage {
		t.Error("a base:1.0 server got chunks")
	}
	s.CutAll()
	select {
	case <-n.Done():
		if n.Err() == nil {
			t.Error("a lost link is no orderly end")
		}
	case <-ctx.Done():
		t.Error("the loss was not noticed")
	}
}
