package dial

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// patient is a person who sits in front of a question until answer is closed, or
// until the question is taken back.
type patient struct {
	link.Asker
	answer chan struct{}
	open   atomic.Int32 // questions
	taken  atomic.Int32 // back
}

func (p *patient) wait(ctx context.Context) error {
	p.open.Add(1)
	defer p.open.Add(-1)
	select {
	case <-p.answer:
		return nil
	case <-ctx.Done():
		p.taken.Add(1)
		return ctx.Err()
	}
}

func (p *patient) HostKey(ctx context.Context, _ link.HostKeyQuestion) (link.TrustAnswer, error) {
	return link.TrustOnce, p.wait(ctx)
}

func (p *patient) Secret(ctx context.Context, _ link.SecretQuestion) (keys.Secret, error) {
	return keys.NewSecret([]byte("right")), p.wait(ctx)
}

func (p *patient) Challenge(ctx context.Context, q link.ChallengeQuestion) ([]string, error) {
	return make([]string, len(q.Prompts)), p.wait(ctx)
}

// device answers dials through pipes, all of whose ends are in the bubble of the
// test.
type device struct {
	config *ssh.ServerConfig
	live   atomic.Int32 // connections
	last   atomic.Pointer[net.Conn]
}

func (d *device) dial(context.Context, string, string) (net.Conn, error) {
	a, b := net.Pipe()
	ours, theirs := roomy(a), roomy(b)
	d.live.Add(1)
	d.last.Store(&theirs)
	go func() { // ends with the connection
		defer d.live.Add(-1)
		defer theirs.Close()
		conn, chans, reqs, err := ssh.NewServerConn(theirs, d.config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(reqs)
		for c := range chans {
			ch, reqs, err := c.Accept()
			if err != nil {
				break
			}
			go func() { // ends with the channel
				for r := range reqs {
					_ = r.Reply(r.Type == "subsystem", nil)
				}
				ch.Close()
			}()
		}
		conn.Wait()
	}()
	return ours, nil
}

// roomy gives a pipe the buffer that a socket has: both sides of SSH speak first.
func roomy(c net.Conn) net.Conn {
	r := &roomyConn{Conn: c, queue: make(chan []byte, 1024), closed: make(chan struct{})}
	go func() { // ends when the connection is closed
		for {
			select {
			case b := <-r.queue:
				_, _ = c.Write(b) // an end shows to the reader
			case <-r.closed:
				return
			}
		}
	}()
	return r
}

type roomyConn struct {
	net.Conn
	queue  chan []byte
	once   sync.Once
	closed chan struct{}
}

func (r *roomyConn) Write(p []byte) (int, error) {
	select {
	case r.queue <- bytes.Clone(p):
		return len(p), nil
	case <-r.closed:
		return 0, net.ErrClosed
	}
}

func (r *roomyConn) Close() error {
	r.once.Do(func() { close(r.closed) })
	return r.Conn.Close()
}

// TestQuestionsThatNobodyAnswers: the person leaves, the network breaks, or ten
// minutes pass while a question is open. The bubble fails the test if anything is
// left running.
func TestQuestionsThatNobodyAnswers(t *testing.T) {
	t.Parallel()
	hostKey, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	type scene struct {
		d      *device
		p      *patient
		cancel context.CancelFunc
	}
	quit := func(s scene) { s.cancel() }
	breaks := func(s scene) { (*s.d.last.Load()).Close() }
	nothing := func(scene) {}
	for _, tt := range []struct {
		name    string
		hostKey bool          // the question is about the host key
		after   time.Duration // what happens, happens then
		what    func(scene)
		took    time.Duration // until Dial returned
		code    string        // "": it is ctx's error
		live    int32         // connections while the question is open
	}{
		{"a host key, and the person leaves", true, time.Minute, quit, time.Minute, "", 0},
		{"a host key, and ten minutes pass", true, 10 * time.Minute, quit, 10 * time.Minute, "", 0},
		{"a password, and the person leaves", false, time.Minute, quit, time.Minute, "", 1},
		{"a password, and the network breaks", false, time.Minute, breaks, time.Minute, "NET-CLOSED", 1},
		{"a password, and ten minutes pass", false, time.Minute, nothing, humanTime, "AUTH-STOPPED", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &device{config: &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}}
				d.config.AddHostKey(hostKey)
				p := &patient{answer: make(chan struct{})}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				no := false
				target := link.Target{Host: "r1", User: "admin", Agent: &no, Password: "ask"}
				if !tt.hostKey {
					target = pinnedTo(target, hostKey.PublicKey())
				}
				start := time.Now()
				done := make(chan error, 1)
				go func() { // ends with the dial
					_, err := New(Options{Home: "/nonexistent", Net: d.dial}).Dial(ctx, target, p, nil)
					done <- err
				}()
				time.Sleep(tt.after)
				synctest.Wait()
				if p.open.Load() != 1 || d.live.Load() != tt.live {
					t.Errorf("%d questions on %d connections after %v", p.open.Load(), d.live.Load(), tt.after)
				}
				tt.what(scene{d, p, cancel})
				err := <-done
				if took := time.Since(start); took > tt.took+200*time.Millisecond {
					t.Errorf("returned after %v", took)
				}
				if right := code(err) == tt.code; !right && (tt.code != "" || !errors.Is(err, context.Canceled)) {
					t.Errorf("%v", err)
				}
				time.Sleep(10*time.Minute - tt.after)
				if p.open.Load() != 0 || p.taken.Load() != 1 || d.live.Load() != 0 {
					t.Errorf("%d questions open, %d taken back, %d connections", p.open.Load(), p.taken.Load(), d.live.Load())
				}
			})
		})
	}
}

// A host key may be thought about for ten minutes: no connection waits, and the
// answer still counts.
func TestHostKeyAcceptedAfterTenMinutes(t *testing.T) {
	t.Parallel()
	hostKey, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := &device{config: &ssh.ServerConfig{NoClientAuth: true}}
		d.config.AddHostKey(hostKey)
		p := &patient{answer: make(chan struct{})}
		time.AfterFunc(10*time.Minute, func() { close(p.answer) })
		no := false
		l, err := New(Options{Home: "/nonexistent", Net: d.dial}).Dial(t.Context(), link.Target{Host: "r1", User: "admin", Agent: &no}, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		if l.Peer.HostKeyFrom == "" || d.live.Load() != 1 {
			t.Errorf("%+v on %d connections", l.Peer, d.live.Load())
		}
		l.Close()
	})
}
