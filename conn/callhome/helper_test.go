package callhome

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// device is the SSH server side of a caller. It counts the authentication
// requests that reach it, whatever they are.
type device struct {
	signer ssh.Signer
	auths  atomic.Int32
	user   atomic.Value
}

func newDevice(t testing.TB) *device {
	t.Helper()
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return &device{signer: s}
}

func (d *device) keyText() string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(d.signer.PublicKey())))
}

func (d *device) fingerprint() string { return ssh.FingerprintSHA256(d.signer.PublicKey()) }

// call dials a listener, says preamble and serves SSH until the connection ends.
func (d *device) call(addr string, preamble []byte) (hung <-chan struct{}, hangUp func(), err error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	done := make(chan struct{})
	go func() { // ends with the connection
		defer close(done)
		defer c.Close()
		if _, err := c.Write(preamble); err != nil {
			return
		}
		cfg := &ssh.ServerConfig{NoClientAuth: true, NoClientAuthCallback: func(m ssh.ConnMetadata) (*ssh.Permissions, error) {
			d.auths.Add(1)
			d.user.Store(m.User())
			return nil, nil
		}}
		cfg.AddHostKey(d.signer)
		conn, chans, reqs, err := ssh.NewServerConn(c, cfg)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(reqs)
		go func() {
			for ch := range chans {
				ch.Reject(ssh.Prohibited, "")
			}
		}()
		conn.Wait()
	}()
	return done, func() { c.Close() }, nil
}

// shake is the plainest Handshake: the login is enough.
func shake(ctx context.Context, c net.Conn, t link.Target, _ Greeting, verify Verify, _ link.Asker) (*link.Link, error) {
	cfg := &ssh.ClientConfig{User: t.User, HostKeyCallback: func(_ string, _ net.Addr, k ssh.PublicKey) error {
		_, _, err := verify(k)
		return err
	}}
	conn, chans, reqs, err := ssh.NewClientConn(c, "", cfg)
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(reqs)
	go func() {
		for ch := range chans {
			ch.Reject(ssh.Prohibited, "")
		}
	}()
	done := make(chan struct{})
	go func() { conn.Wait(); close(done) }()
	return &link.Link{ReadWriteCloser: closer{conn}, Done: done}, nil
}

type closer struct{ io.Closer }

func (closer) Read([]byte) (int, error)    { return 0, io.EOF }
func (closer) Write(p []byte) (int, error) { return len(p), nil }

type book struct {
	mu      sync.Mutex
	entries []Entry
}

func (b *book) ByID(id string) (Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Target.DeviceID == id {
			return e, true
		}
	}
	return Entry{}, false
}

func (b *book) ByKey(fp string) (out []Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if slices.Contains(e.Pins, fp) {
			out = append(out, e)
		}
	}
	return out
}

func (b *book) Users() []string { return []string{"netconf"} }

func withSecret(s string) func(context.Context) (keys.Secret, error) {
	return func(context.Context) (keys.Secret, error) { return keys.NewSecret([]byte(s)), nil }
}

// started is a listener on addr with its events.
func started(t *testing.T, o Options, addr string, terms Terms) (l *Listener, at string, events chan Event) {
	t.Helper()
	events = make(chan Event, 1024)
	o.OnEvent = func(ev Event) { events <- ev }
	if o.Handshake == nil {
		o.Handshake = shake
	}
	if o.Book == nil {
		o.Book = &book{}
	}
	l = New(o)
	t.Cleanup(l.Close)
	if err := l.StartOn(addr, terms); err != nil {
		t.Fatal(err)
	}
	ev := <-events
	if ev.Kind != Listening {
		t.Fatalf("%v %v", ev.Kind, ev.Err)
	}
	return l, ev.Addr, events
}

func codeOf(err error) string {
	var f *keys.Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}
