package dial

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

func TestOrderlyEndIsEOF(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
		defer rwc.Close()
		_, err := rwc.Write(make([]byte, 100_000))
		return err
	}})
	c := reach(t, dialer(t, l), h.Target(), nil)
	got, err := io.ReadAll(c)
	if len(got) != 100_000 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	<-c.Done
	if code(c.Err()) != "NET-CLOSED" {
		t.Errorf("link: %v", c.Err())
	}
}

func TestCutLinkSaysSo(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	c := reach(t, dialer(t, l), h.Target(), nil)
	echoed(t, c)
	h.Cut()
	_, err := c.Read(make([]byte, 5))
	if code(err) != "NET-LOST" {
		t.Errorf("%v", err)
	}
	<-c.Done
}

func TestSilentDeviceIsFoundDead(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	target := h.Target()
	target.Keepalive = link.Duration(time.Second)
	c := reach(t, dialer(t, l), target, nil)
	echoed(t, c)
	select { // keepalives are answered for some intervals
	case <-c.Done:
		t.Fatal(c.Err())
	case <-time.After(4 * time.Second):
	}
	h.Silence(true)
	start := time.Now()
	<-c.Done
	if code(c.Err()) != "NET-DEAD" || time.Since(start) > 40*time.Second {
		t.Errorf("%v after %v", c.Err(), time.Since(start))
	}
}

// TestRekeysInTheMiddleOfAReply has both sides change session keys every mebibyte
// of a reply of 100 MiB.
func TestRekeysInTheMiddleOfAReply(t *testing.T) {
	t.Parallel()
	size := 100 << 20
	if testing.Short() {
		size = 8 << 20
	}
	l := lab(t)
	h := add(t, l, simnet.Server{
		Adjust: func(c *ssh.ServerConfig) { c.RekeyThreshold = 1 << 20 },
		Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
			defer rwc.Close()
			buf := make([]byte, 64<<10)
			for i := range size / len(buf) {
				for j := range buf {
					buf[j] = byte(i + j)
				}
				if _, err := rwc.Write(buf); err != nil {
					return err
				}
			}
			return nil
		},
	})
	d := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent", RekeyThreshold: 1 << 20})
	conn, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	checks := &counted{exactly: exactly{h.HostKey()}}
	c, err := d.Client(within(t, 5*time.Minute), conn, h.Target(), checks, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stall := time.AfterFunc(time.Minute, func() { c.Close() }) // a rekey that hangs
	defer stall.Stop()
	buf := make([]byte, 256<<10)
	got := 0
	for {
		n, err := c.Read(buf)
		for _, b := range buf[:n] {
			if b != byte(got>>16+got&0xffff) {
				t.Fatalf("byte %d is wrong", got)
			}
			got++
		}
		stall.Reset(time.Minute)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
	// Data on its way when a change begins counts for the next one.
	if got != size || int(checks.n.Load()) < size>>22 {
		t.Errorf("%d bytes, %d changes of keys", got, checks.n.Load())
	}
}

// counted counts the key exchanges, each of which shows the host key.
type counted struct {
	exactly
	n atomic.Int32
}

func (c *counted) Check(addr net.Addr, k ssh.PublicKey) (string, error) {
	c.n.Add(1)
	return c.exactly.Check(addr, k)
}

// TestTrafficWithoutDataEndsTheLink has a device send bytes that carry nothing and
// are no requests, again and again.
func TestTrafficWithoutDataEndsTheLink(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		wire, data int64
		want       string
	}{
		"nothing but noise": {64 << 20, 0, "SSH-ABUSE"},
		"data":              {64 << 20, 63 << 20, ""},
		"a little noise":    {8 << 20, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{})
			target := h.Target()
			target.Keepalive = link.Duration(time.Hour)
			c := reach(t, dialer(t, l), target, nil)
			echoed(t, c)
			tn := c.ReadWriteCloser.(*stream).tn
			tn.w.bytes.Add(tt.wire)
			tn.payload.Add(tt.data)
			tn.tick()
			if tt.want == "" {
				echoed(t, c)
				return
			}
			<-c.Done
			if code(c.Err()) != tt.want {
				t.Errorf("%v", c.Err())
			}
		})
	}
}

// TestRequestsAreCounted: 10,000 in 10 s are borne, and the next one ends the
// link.
func TestRequestsAreCounted(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	c := reach(t, dialer(t, l), h.Target(), nil)
	echoed(t, c)
	tn := c.ReadWriteCloser.(*stream).tn
	var counter abuseCounter
	for range 10_000 {
		tn.count(&counter)
	}
	echoed(t, c)
	counter.since = time.Now().Add(-time.Minute) // the window is over
	tn.count(&counter)
	echoed(t, c)
	for range 10_000 {
		tn.count(&counter)
	}
	<-c.Done
	if !strings.HasPrefix(fmt.Sprint(c.Err()), "SSH-ABUSE "+h.Addr()+" sent more than 10000 requests in 10 s") {
		t.Errorf("%v", c.Err())
	}
}

func TestRudeDevicesAreServedOrDropped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rude func(conn *ssh.ServerConn, ch ssh.Channel)
		want string // code that ends the link; "": it goes on
	}{
		{"opens channels", func(conn *ssh.ServerConn, _ ssh.Channel) {
			for range 100 {
				if _, _, err := conn.OpenChannel("session", nil); err == nil {
					panic("a channel was accepted")
				}
			}
		}, ""},
		{"3 MiB on standard error", func(_ *ssh.ServerConn, ch ssh.Channel) {
			_, _ = ch.Stderr().Write(make([]byte, 3<<20))
		}, ""},
		{"3 MiB on standard error, little by little", func(_ *ssh.ServerConn, ch ssh.Channel) {
			for range 3 << 10 {
				_, _ = ch.Stderr().Write(make([]byte, 1<<10))
			}
		}, ""},
		{"requests", func(conn *ssh.ServerConn, ch ssh.Channel) {
			for range 100 {
				_, _, _ = conn.SendRequest("keepalive@openssh.com", true, nil)
				_, _ = ch.SendRequest("keepalive@openssh.com", true, nil)
			}
		}, ""},
		{"a flood of requests", func(conn *ssh.ServerConn, _ ssh.Channel) {
			for {
				if _, _, err := conn.SendRequest("x", false, nil); err != nil {
					return
				}
			}
		}, "SSH-ABUSE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			target := rudeServer(t, nil, polite(func(conn *ssh.ServerConn, ch ssh.Channel) {
				defer close(done)
				tt.rude(conn, ch)
			}))
			c := reach(t, New(Options{Home: t.TempDir()}), target, nil)
			if tt.want != "" {
				<-c.Done
				if code(c.Err()) != tt.want {
					t.Errorf("%v, want %s", c.Err(), tt.want)
				}
				return
			}
			<-done
			echoed(t, c)
		})
	}
}
