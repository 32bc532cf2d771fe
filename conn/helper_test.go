package conn

import (
	"context"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

const patience = time.Minute

const (
	getConfig = `<get-config><source><running/></source></get-config>`
	lock      = `<lock><target><candidate/></target></lock>`
	unlock    = `<unlock><target><candidate/></target></unlock>`
	edit      = `<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>lo77</name></interface></interfaces></config></edit-config>`
)

// lab is a dialer to simulated devices over pipes, by host name.
type lab struct {
	t   testing.TB
	ctx context.Context

	mu    sync.Mutex
	devs  map[string]*simdev.Device
	pipes map[string][]*wiretap
	dials int
	fail  func(n int) error // nil: dial
	wg    sync.WaitGroup
}

func newLab(t testing.TB, devs map[string]*simdev.Device) *lab {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lab{t: t, ctx: ctx, devs: devs, pipes: make(map[string][]*wiretap)}
	t.Cleanup(func() { cancel(); l.wg.Wait() })
	return l
}

// wiretap is our end of a pipe; it keeps what was sent.
type wiretap struct {
	net.Conn
	mu   sync.Mutex
	sent []byte
	done chan struct{}
	why  error
}

func (w *wiretap) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.sent = append(w.sent, p...)
	w.mu.Unlock()
	return w.Conn.Write(p)
}

func (w *wiretap) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.sent)
}

func (l *lab) Dial(ctx context.Context, t link.Target, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dials++
	if l.fail != nil {
		if err := l.fail(l.dials); err != nil {
			return nil, err
		}
	}
	progress(link.Dialing)
	progress(link.Authenticating)
	dev := l.devs[t.Host]
	if dev == nil {
		return nil, &netconf.Fault{Code: "NET-NAME", What: "no such host"}
	}
	ours, theirs := net.Pipe()
	w := &wiretap{Conn: ours, done: make(chan struct{})}
	l.pipes[t.Host] = append(l.pipes[t.Host], w)
	l.wg.Add(1)
	go func() { // ends with the pipe or the lab
		defer l.wg.Done()
		_ = dev.Serve(l.ctx, theirs, t.User)
	}()
	return &link.Link{ReadWriteCloser: w, Peer: link.Peer{Via: link.SSH, Addr: t.Address()}, Done: w.done, Err: func() error { return w.why }}, nil
}

// tap returns the newest pipe to a host.
func (l *lab) tap(host string) *wiretap {
	l.mu.Lock()
	defer l.mu.Unlock()
	ps := l.pipes[host]
	return ps[len(ps)-1]
}

// cut breaks the newest link to a host, with a reason of the link.
func (l *lab) cut(host string, why error) {
	w := l.tap(host)
	if why != nil {
		w.why = why
		close(w.done)
		return
	}
	w.Conn.Close()
}

func rfc(faults simdev.Faults) *simdev.Device {
	return simdev.New(simdev.Options{Name: "r1", Dialect: simdev.RFC, Faults: faults})
}

func target(name string) link.Target {
	return link.Target{Name: name, Via: link.SSH, Host: name, User: "admin"}
}

func request(t *testing.T, body string) netconf.Request {
	t.Helper()
	r, err := netconf.Classify([]byte(body), netconf.Caps{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// until takes events until ok holds of the session.
func until(t *testing.T, m *Manager, id SessionID, what string, ok func(Device) bool) Device {
	t.Helper()
	limit := time.After(patience)
	for {
		d, _ := m.Device(id)
		if ok(d) {
			return d
		}
		select {
		case <-m.Events():
		case <-limit:
			t.Fatalf("waiting for %s: %+v", what, d)
		}
	}
}

func inState(st State) func(Device) bool { return func(d Device) bool { return d.State == st } }

// ended takes events until the exchange has ended.
func ended(t *testing.T, m *Manager, x *Exchange) (netconf.Outcome, error) {
	t.Helper()
	limit := time.After(patience)
	for {
		if o, done, err := x.Snapshot(); done {
			return o, err
		}
		select {
		case <-m.Events():
		case <-limit:
			t.Fatalf("waiting for %s", x.Request.Name)
		}
	}
}

func send(t *testing.T, m *Manager, id SessionID, body string) *Exchange {
	t.Helper()
	x, err := m.Send(id, request(t, body))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// closing closes m at the end of the test and checks that nothing is left.
func closing(t *testing.T, m *Manager) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		m.Close(ctx)
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.running != 0 {
			t.Errorf("%d goroutines left", m.running)
		}
	})
}

type record struct {
	mu sync.Mutex
	xs []string
}

func (r *record) Append(x *Exchange, o netconf.Outcome, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.xs = append(r.xs, fmt.Sprintf("%s:%d", x.Request.Name, o.Result))
}

func (r *record) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.xs)
}

// waitSent waits until what has left for the device.
func waitSent(t *testing.T, w *wiretap, what string) {
	t.Helper()
	limit := time.Now().Add(patience)
	for !strings.Contains(w.text(), what) {
		if time.Now().After(limit) {
			t.Fatalf("%s was never sent", what)
		}
		runtime.Gosched()
	}
}
