package dial

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

// greet answers five bytes, as a device answers a hello.
func greet(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
	defer rwc.Close()
	var b [5]byte
	if _, err := io.ReadFull(rwc, b[:]); err != nil {
		return err
	}
	if _, err := rwc.Write(b[:]); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, rwc)
	return err
}

// TestSetupTakesFewRoundTrips counts them by the clock on a slow line. The
// line begins after the TCP handshake, which is one more.
func TestSetupTakesFewRoundTrips(t *testing.T) {
	t.Parallel()
	const rtt = 100 * time.Millisecond
	file := filepath.Join(t.TempDir(), "id")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", file)
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	user, _, _, _, err := ssh.ParseAuthorizedKey(public)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	private, err := ssh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		server simnet.Server
		auth   []ssh.AuthMethod // for the library alone
		most   float64
	}{
		{"none", simnet.Server{}, nil, 7.6},
		{"password", simnet.Server{Password: "x"}, []ssh.AuthMethod{ssh.Password("x")}, 8.6},
		{"key", simnet.Server{Keys: []ssh.PublicKey{user}}, []ssh.AuthMethod{ssh.PublicKeys(private)}, 9.6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			tt.server.RTT, tt.server.Serve = rtt, greet
			h := add(t, l, tt.server)
			target := h.Target()
			target.Password = "ask"
			target.Identity = []string{file}
			ours, theirs := 1e9, 1e9
			for range 15 { // a busy machine may add to it, but takes nothing away
				start := time.Now()
				c, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{secrets: []string{"x"}}, nil)
				if err != nil {
					t.Fatal(err)
				}
				echoed(t, c)
				ours = min(ours, float64(time.Since(start))/float64(rtt)+1)
				c.Close()
				start = time.Now()
				plain, err := bare(h.Addr(), h.HostKey(), tt.auth...)
				if err != nil {
					t.Fatal(err)
				}
				theirs = min(theirs, float64(time.Since(start))/float64(rtt)+1)
				plain.Close()
				if ours <= tt.most && ours <= theirs-0.5 {
					break
				}
			}
			t.Logf("%.1f round trips until the first answer, TCP included; the library alone takes %.1f", ours, theirs)
			if ours > tt.most && ours > theirs-0.5 {
				t.Errorf("more than %.1f", tt.most)
			}
		})
	}
}

// bare is the least that x/crypto/ssh can do for the same: the yardstick.
func bare(addr string, key ssh.PublicKey, auth ...ssh.AuthMethod) (io.Closer, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c, chans, reqs, err := ssh.NewClientConn(nc, addr, &ssh.ClientConfig{
		User: "admin", HostKeyCallback: ssh.FixedHostKey(key), Auth: auth,
	})
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(c, chans, reqs)
	s, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	in, err := s.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := s.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.RequestSubsystem("netconf"); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(in, "hello"); err != nil {
		return nil, err
	}
	_, err = io.ReadFull(out, make([]byte, 5))
	return client, err
}

func BenchmarkSetup(b *testing.B) {
	l := lab(b)
	h := add(b, l, simnet.Server{Password: "x"})
	d := dialer(b, l)
	target := h.Target()
	target.Password = "ask"
	no := false
	target.Agent = &no
	b.Run("dialtone", func(b *testing.B) {
		for b.Loop() {
			c, err := d.Dial(context.Background(), target, &person{secrets: []string{"x"}}, nil)
			if err != nil {
				b.Fatal(err)
			}
			echoed(b, c)
			c.Close()
		}
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			c, err := bare(h.Addr(), h.HostKey(), ssh.Password("x"))
			if err != nil {
				b.Fatal(err)
			}
			c.Close()
		}
	})
}

// BenchmarkIdle reports what an idle session costs, both ends together, beside
// the bare one; the difference is ours.
func BenchmarkIdle(b *testing.B) {
	const n = 200
	l := lab(b)
	h := add(b, l, simnet.Server{Password: "x"})
	d := dialer(b, l)
	target := h.Target()
	target.Password = "ask"
	no := false
	target.Agent = &no
	measure := func(b *testing.B, open func() (io.Closer, error)) {
		for b.Loop() {
			heap, stack := footprint()
			routines := runtime.NumGoroutine()
			var cs []io.Closer
			for range n {
				c, err := open()
				if err != nil {
					b.Fatal(err)
				}
				cs = append(cs, c)
			}
			heap2, stack2 := footprint()
			b.ReportMetric(float64(heap2-heap)/n/1024, "heap-KiB/session")
			b.ReportMetric(float64(stack2-stack)/n/1024, "stack-KiB/session")
			b.ReportMetric(float64(runtime.NumGoroutine()-routines)/n, "goroutines/session")
			for _, c := range cs {
				c.Close()
			}
		}
	}
	b.Run("dialtone", func(b *testing.B) {
		measure(b, func() (io.Closer, error) {
			var c *link.Link
			c, err := d.Dial(context.Background(), target, &person{secrets: []string{"x"}}, nil)
			if err == nil {
				echoed(b, c)
			}
			return c, err
		})
	})
	b.Run("bare", func(b *testing.B) {
		measure(b, func() (io.Closer, error) { return bare(h.Addr(), h.HostKey(), ssh.Password("x")) })
	})
}

// footprint is what heap and stacks hold, after what can go has gone.
func footprint() (heap, stack int64) {
	for range 6 { // a stack shrinks by half at each
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}
