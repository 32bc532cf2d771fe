package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/netconf"
)

// book is a Book that can be changed.
type book struct {
	mu sync.Mutex
	m  map[string]Entry
}

func (b *book) ByID(id string) (Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.m[id]
	return e, ok
}

func (b *book) set(id, secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := Entry{Target: link.Target{Name: id, Via: link.HTTPS, DeviceID: id}}
	if secret != "" {
		e.Secret = func(context.Context) (keys.Secret, error) { return keys.NewSecret([]byte(secret)), nil }
	}
	b.m[id] = e
}

// lab is a server on loopback with what happened at it.
type lab struct {
	*Server
	devices *simnet.Lab
	addr    string
	port    string
	roots   []byte
	book    *book
	events  chan Event
	last    struct { // the device side of the last session
		c      *grpc.ClientConn
		cancel context.CancelFunc
	}
}

const wait = time.Minute

func newLab(t testing.TB, adjust func(*Options)) *lab {
	t.Helper()
	certPEM, keyPEM, err := cert.Make([]string{"localhost", "127.0.0.1"}, cert.P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{roots: certPEM, book: &book{m: map[string]Entry{}}, events: make(chan Event, 4096), devices: simnet.New()}
	l.book.set("r1", "s3cret")
	l.book.set("r2", "t0psecret")
	o := Options{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil },
		Book:           l.book,
		OnEvent: func(ev Event) {
			select {
			case l.events <- ev:
			default:
			}
		},
		Hold: 20 * time.Millisecond, CloseWait: 5 * time.Second,
		Crashed: func(where string, v any, stack []byte) { t.Errorf("%s: %v\n%s", where, v, stack) },
	}
	if adjust != nil {
		adjust(&o)
	}
	l.Server = New(o)
	t.Cleanup(l.Close)
	t.Cleanup(l.devices.Close)
	if err := l.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	l.addr = l.expect(t, Listening, "").Addr
	_, l.port, _ = net.SplitHostPort(l.addr)
	return l
}

// expect waits for an event of a kind whose error has code; others are passed.
func (l *lab) expect(t testing.TB, k EventKind, code string) Event {
	t.Helper()
	limit := time.NewTimer(wait)
	defer limit.Stop()
	for {
		select {
		case ev := <-l.events:
			if ev.Kind == k && (code == "" || codeOf(ev.Err) == code) {
				return ev
			}
		case <-limit.C:
			t.Fatalf("no event %s %s", k, code)
		}
	}
}

func codeOf(err error) string {
	var p interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(err, &p) {
		code, _, _, _ := p.Parts()
		return code
	}
	return ""
}

// device runs a simulated device until the test ends.
func (l *lab) device(t testing.TB, o outboundsim.Options) {
	t.Helper()
	if o.Servers == nil {
		o.Servers = []string{l.addr}
	}
	if o.Roots == nil {
		o.Roots = l.roots
	}
	if o.DeviceID == "" {
		o.DeviceID = "r1"
	}
	if o.Secret == "" && o.DeviceID == "r1" {
		o.Secret = "s3cret"
	}
	if _, err := l.devices.CallSecure(o); err != nil {
		t.Fatal(err)
	}
}

// open opens NETCONF on the device of the next caller event.
func (l *lab) open(t testing.TB) (*netconf.Session, *link.Link) {
	t.Helper()
	lk := l.openLink(t, l.expect(t, Waiting, "").Caller.ID)
	s, err := netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		t.Fatal(err)
	}
	return s, lk
}

func (l *lab) openLink(t testing.TB, id CallerID) *link.Link {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	lk, err := l.Open(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lk.Close() })
	return lk
}

func ask(t testing.TB, s *netconf.Session, body string) string {
	t.Helper()
	var b strings.Builder
	out, err := s.Do(context.Background(), netconf.Request{Name: "test", Body: []byte(body)}, &b)
	if err != nil {
		t.Fatalf("%.200s: %v", body, err)
	}
	if len(out.Errors) > 0 {
		t.Fatalf("%.200s: %v", body, out.Errors[0])
	}
	return b.String()
}

// goroutines fails the test when more than before run after it has ended.
func goroutines(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		limit := time.Now().Add(wait)
		for runtime.NumGoroutine() > before {
			if time.Now().After(limit) {
				buf := make([]byte, 1<<20)
				t.Fatalf("%d goroutines, %d before\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
			}
			time.Sleep(5 * time.Millisecond) // the runtime gives no event for this
		}
	})
}

func discard(t testing.TB, s *netconf.Session, body string) netconf.Outcome {
	t.Helper()
	out, err := s.Do(context.Background(), netconf.Request{Name: "test", Body: []byte(body)}, io.Discard)
	if err != nil {
		t.Fatalf("%.200s: %v", body, err)
	}
	return out
}
