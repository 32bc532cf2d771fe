package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
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

const patience = 20 * time.Second

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

const (
	getConfig = `<get-config><source><running/></source></get-config>`
	lock      = `<lock><target><candidate/></target></lock>`
	unlock    = `<unlock><target><candidate/></target></unlock>`
	edit      = `<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>lo77</name></interface></interfaces></config></edit-config>`
)

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

func TestSessionOpensAndAnswers(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j})
	closing(t, m)
	id := m.Connect(target("r1"))
	d := until(t, m, id, "open", inState(Open))
	if d.NetconfID == 0 || !d.Caps.Has("candidate") || d.Peer.Addr != "r1:830" || d.Opened.IsZero() {
		t.Errorf("device %+v", d)
	}
	if again := m.Connect(target("r1")); again != id {
		t.Errorf("a second Connect made session %d", again)
	}
	x := send(t, m, id, getConfig)
	o, err := ended(t, m, x)
	if err != nil || o.Result != netconf.Answered || !o.OK {
		t.Fatalf("outcome %+v, %v", o, err)
	}
	text, _ := io.ReadAll(x.Doc.Reader())
	if !strings.Contains(string(text), "</rpc-reply>") || int64(len(text)) != o.Bytes {
		t.Errorf("%d bytes: %.100s", len(text), text)
	}
	if got := j.list(); !reflect.DeepEqual(got, []string{"get-config:1"}) {
		t.Errorf("journal %v", got)
	}
	if xs := m.Replies(id); len(xs) != 1 || xs[0] != x {
		t.Errorf("kept %v", xs)
	}
	m.Disconnect(id)
	d = until(t, m, id, "closed", inState(Closed))
	if d.Err != nil || len(d.Lost) != 0 || len(d.Former) != 1 {
		t.Errorf("after closing %+v", d)
	}
	if !strings.Contains(l.tap("r1").text(), "close-session") {
		t.Error("no close-session was sent")
	}
	if _, err := m.Send(id, request(t, getConfig)); !errors.Is(err, ErrNotOpen) {
		t.Errorf("Send after closing: %v", err)
	}
	if n := m.Connect(target("r1")); n == id || n == 0 {
		t.Errorf("Connect after closing gave %d", n)
	}
}

func TestRequestsGoOutInTheOrderOfTheCallsAndAreTracked(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j})
	closing(t, m)
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	var xs []*Exchange
	for _, body := range []string{lock, edit, edit, getConfig} {
		xs = append(xs, send(t, m, id, body))
	}
	if d, _ := m.Device(id); d.Waiting == 0 {
		t.Error("nothing seems to wait")
	}
	for _, x := range xs {
		if o, err := ended(t, m, x); err != nil || !o.OK {
			t.Fatalf("%s: %+v %v", x.Request.Name, o.Errors, err)
		}
	}
	d, _ := m.Device(id)
	if !reflect.DeepEqual(d.Locks, []netconf.Datastore{netconf.Candidate}) || d.Dirty != 2 || d.Waiting != 0 {
		t.Errorf("device %+v", d)
	}
	if got := j.list(); !reflect.DeepEqual(got, []string{"lock:1", "edit-config:1", "edit-config:1", "get-config:1"}) {
		t.Errorf("order %v", got)
	}
	ended(t, m, send(t, m, id, `<commit/>`))
	ended(t, m, send(t, m, id, unlock))
	if d, _ = m.Device(id); d.Dirty != 0 || len(d.Locks) != 0 {
		t.Errorf("after commit and unlock %+v", d)
	}
	o, _ := ended(t, m, send(t, m, id, unlock))
	if o.OK || o.ErrorCount == 0 {
		t.Errorf("an unlock without lock was fine: %+v", o)
	}
}

func TestReadOnlyTargetRefusesWhateverTheCallerSays(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	ro := target("r1")
	ro.ReadOnly = true
	id := m.Connect(ro)
	until(t, m, id, "open", inState(Open))
	for _, body := range []string{lock, edit, `<commit/>`, `<reboot xmlns="urn:x"/>`} {
		if _, err := m.Send(id, request(t, body)); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", body, err)
		}
		liar := netconf.Request{Name: "get", Body: []byte(body), Effect: netconf.Reads}
		if _, err := m.Send(id, liar); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s as a read: %v", body, err)
		}
	}
	if o, err := ended(t, m, send(t, m, id, getConfig)); err != nil || !o.OK {
		t.Errorf("a read: %+v %v", o, err)
	}
	if s := l.tap("r1").text(); strings.Contains(s, "edit-config>") || strings.Contains(s, "<commit") {
		t.Error("something was sent")
	}
}

func TestLossSaysWhatIsKnownAndNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]error{"silent cut": nil, "link dead": &netconf.Fault{Code: "NET-DEAD", What: "no answer to 3 keepalives"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev := rfc(simdev.Faults{})
			l := newLab(t, map[string]*simdev.Device{"r1": dev})
			j := &record{}
			m := NewManager(Options{Dialer: l, Journal: j})
			closing(t, m)
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			ended(t, m, send(t, m, id, lock))
			ended(t, m, send(t, m, id, edit))
			dev.SetFaults(simdev.Faults{Delay: time.Hour})
			inFlight := send(t, m, id, `<commit/>`)
			waits := send(t, m, id, `<discard-changes/>`)
			waitSent(t, l.tap("r1"), "<commit/>")
			l.cut("r1", why)
			d := until(t, m, id, "lost", inState(Lost))
			if o, err := ended(t, m, inFlight); o.Result != netconf.Unknown || err == nil {
				t.Errorf("in flight: %+v %v", o, err)
			}
			if o, err := ended(t, m, waits); o.Result != netconf.NotSent || err == nil {
				t.Errorf("waiting: %+v %v", o, err)
			}
			if d.Err == nil || why != nil && !errors.Is(d.Err, why) {
				t.Errorf("reason %v", d.Err)
			}
			words := strings.Join(d.Lost, "\n")
			for _, w := range []string{"lock on candidate", "1 uncommitted edit", "answer to commit"} {
				if !strings.Contains(words, w) {
					t.Errorf("%q is not among the losses:\n%s", w, words)
				}
			}
			if len(d.Former) != 1 || d.Former[0].NetconfID == 0 || strings.Join(d.Former[0].Lost, "\n") != words || len(d.Doubts) != 1 || d.Dirty != 0 {
				t.Errorf("device %+v", d)
			}
			dev.SetFaults(simdev.Faults{})
			if err := m.Reconnect(id); err != nil {
				t.Fatal(err)
			}
			d = until(t, m, id, "open again", inState(Open))
			if len(d.Locks) != 0 || len(d.Lost) != 0 || len(d.Doubts) != 0 || len(d.Former) != 1 || len(d.Former[0].Lost) != 3 {
				t.Errorf("after reconnecting %+v", d)
			}
			ended(t, m, send(t, m, id, getConfig))
			if s := l.tap("r1").text(); strings.Contains(s, "commit/>") || strings.Contains(s, "discard") || strings.Contains(s, "<lock") {
				t.Errorf("sent again: %s", s)
			}
			want := []string{"lock:1", "edit-config:1", "commit:3", "discard-changes:0", "get-config:1"}
			if got := j.list(); !reflect.DeepEqual(got, want) {
				t.Errorf("journal %v", got)
			}
		})
	}
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

func TestStopLeavesTheSessionUsable(t *testing.T) {
	t.Parallel()
	dev := rfc(simdev.Faults{})
	l := newLab(t, map[string]*simdev.Device{"r1": dev})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	dev.SetFaults(simdev.Faults{Delay: 50 * time.Millisecond})
	read, write, queued := send(t, m, id, getConfig), send(t, m, id, edit), send(t, m, id, edit)
	waitSent(t, l.tap("r1"), "get-config")
	m.Stop(queued.ID)
	if o, err := ended(t, m, queued); o.Result != netconf.NotSent || !errors.Is(err, context.Canceled) {
		t.Errorf("queued: %+v %v", o, err)
	}
	m.Stop(read.ID)
	if o, err := ended(t, m, read); o.Result != netconf.Stopped || !strings.Contains(err.Error(), "RPC-STOPPED") {
		t.Errorf("read: %+v %v", o, err)
	}
	waitSent(t, l.tap("r1"), "edit-config")
	m.Stop(write.ID)
	if o, _ := ended(t, m, write); o.Result != netconf.Unknown {
		t.Errorf("write: %+v", o)
	}
	d, _ := m.Device(id)
	if len(d.Doubts) != 1 || d.Dirty != 1 {
		t.Errorf("device %+v", d)
	}
	o, err := ended(t, m, send(t, m, id, `<discard-changes/>`))
	if err != nil || !o.OK {
		t.Errorf("after stopping: %+v %v", o, err)
	}
	if d, _ = m.Device(id); len(d.Doubts) != 0 || d.Dirty != 0 {
		t.Errorf("after discarding %+v", d)
	}
	if strings.Count(l.tap("r1").text(), "<edit-config>") != 1 {
		t.Error("the request taken back was sent")
	}
}

func TestDisconnectEndsADialAtOnce(t *testing.T) {
	t.Parallel()
	m := NewManager(Options{Dialer: stuck{}})
	closing(t, m)
	id := m.Connect(target("r1"))
	m.Disconnect(id)
	d := until(t, m, id, "closed", inState(Closed))
	if d.Err != nil {
		t.Errorf("error %v", d.Err)
	}
	if !m.Forget(id) || len(m.Devices()) != 0 {
		t.Error("the row stays")
	}
}

// stuck dials until it is told to stop.
type stuck struct{}

func (stuck) Dial(ctx context.Context, _ link.Target, _ link.Asker, _ func(link.Stage)) (*link.Link, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestCloseReturnsDirtySessionsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{}), "r2": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	a, b := m.Connect(target("r1")), m.Connect(target("r2"))
	until(t, m, a, "open", inState(Open))
	until(t, m, b, "open", inState(Open))
	ended(t, m, send(t, m, a, edit))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dirty := m.Close(ctx)
	if len(dirty) != 1 || dirty[0].ID != a || dirty[0].Dirty != 1 {
		t.Errorf("dirty %+v", dirty)
	}
	for _, h := range []string{"r1", "r2"} {
		if !strings.Contains(l.tap(h).text(), "close-session") {
			t.Errorf("%s was not told", h)
		}
	}
	if id := m.Connect(target("r1")); id != 0 {
		t.Errorf("Connect after Close gave %d", id)
	}
	if m.Close(ctx) != nil {
		t.Error("a second Close found something")
	}
	for range m.Events() { // must be closed
	}
	if m.running != 0 {
		t.Errorf("%d goroutines left", m.running)
	}
}

func TestCloseByForceEndsADeviceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	dev := rfc(simdev.Faults{})
	l := newLab(t, map[string]*simdev.Device{"r1": dev})
	m := NewManager(Options{Dialer: l})
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	dev.SetFaults(simdev.Faults{Delay: time.Hour})
	x := send(t, m, id, edit)
	waitSent(t, l.tap("r1"), "edit-config")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	m.Close(ctx)
	if took := time.Since(start); took > forceGrace {
		t.Errorf("took %v", took)
	}
	if o, done, _ := x.Snapshot(); !done || o.Result != netconf.Unknown {
		t.Errorf("in flight: %+v %v", o, done)
	}
}

func TestPanicInOneSessionIsItsErrorOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	var mu sync.Mutex
	var where []string
	m := NewManager(Options{Dialer: l, Crashed: func(w string, v any, stack []byte) {
		mu.Lock()
		defer mu.Unlock()
		where = append(where, fmt.Sprint(w, v, len(stack) > 0))
	}})
	closing(t, m)
	good := m.Connect(target("r1"))
	until(t, m, good, "open", inState(Open))
	l.mu.Lock()
	l.fail = func(int) error { panic("boom") }
	l.mu.Unlock()
	bad := m.Connect(target("r2"))
	d := until(t, m, bad, "lost", inState(Lost))
	if !strings.Contains(d.Err.Error(), "CRASH") || !strings.Contains(d.Err.Error(), "boom") {
		t.Errorf("error %v", d.Err)
	}
	if o, err := ended(t, m, send(t, m, good, getConfig)); err != nil || !o.OK {
		t.Errorf("the other session: %+v %v", o, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m.Close(ctx)
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(where, []string{"sessionboomtrue"}) {
		t.Errorf("crashes %v", where)
	}
}

func TestRedialOnlyWhenNothingWasAtStake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before []string
		again  bool
	}{
		"idle":    {nil, true},
		"read":    {[]string{getConfig}, true},
		"lock":    {[]string{lock}, false},
		"edit":    {[]string{edit}, false},
		"settled": {[]string{lock, edit, `<commit/>`, unlock}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
			m := NewManager(Options{Dialer: l, Redial: true})
			closing(t, m)
			waits := make(chan time.Duration, 10)
			m.after = func(d time.Duration) <-chan time.Time {
				waits <- d
				now := make(chan time.Time, 1)
				now <- time.Time{}
				return now
			}
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			for _, b := range tc.before {
				ended(t, m, send(t, m, id, b))
			}
			l.mu.Lock()
			l.fail = func(n int) error {
				if n < 4 {
					return &netconf.Fault{Code: "NET-DIAL", What: "no route"}
				}
				return nil
			}
			l.mu.Unlock()
			l.cut("r1", nil)
			if !tc.again {
				until(t, m, id, "lost", inState(Lost))
				if len(waits) != 0 || l.dials != 1 {
					t.Errorf("dialled again")
				}
				return
			}
			until(t, m, id, "open again", func(d Device) bool { return d.State == Open && len(d.Former) == 1 })
			if a, b, c := <-waits, <-waits, <-waits; a != time.Second || b != 2*time.Second || c != 4*time.Second {
				t.Errorf("pauses %v %v %v", a, b, c)
			}
		})
	}
}

func TestRedialStopsAtALoginThatFails(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l, Redial: true})
	closing(t, m)
	m.after = func(time.Duration) <-chan time.Time {
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	refused := &netconf.Fault{Code: "AUTH-FAIL", What: "password refused"}
	l.mu.Lock()
	l.fail = func(int) error { return refused }
	l.mu.Unlock()
	l.cut("r1", nil)
	until(t, m, id, "given up", func(d Device) bool { return d.State == Lost && errors.Is(d.Err, refused) && d.Redial.IsZero() })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dials != 2 {
		t.Errorf("%d dials", l.dials)
	}
}

func TestAdoptedSessionCannotBeDialled(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	lk, err := l.Dial(context.Background(), target("r1"), nil, func(link.Stage) {})
	if err != nil {
		t.Fatal(err)
	}
	m := NewManager(Options{})
	closing(t, m)
	id := m.Adopt(target("r1"), lk)
	until(t, m, id, "open", inState(Open))
	ended(t, m, send(t, m, id, `<close-session/>`))
	d := until(t, m, id, "closed", inState(Closed))
	if d.Err != nil {
		t.Errorf("after a close-session of the person: %v", d.Err)
	}
	if err := m.Reconnect(id); !errors.Is(err, ErrInbound) {
		t.Errorf("Reconnect: %v", err)
	}
	inbound := target("r1")
	inbound.Via = link.CallHome
	if d := until(t, m, m.Connect(inbound), "refused", inState(Lost)); !errors.Is(d.Err, ErrInbound) {
		t.Errorf("Connect: %v", d.Err)
	}
}

func TestManyIdleSessionsAreCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("dials 300 sessions")
	}
	const n = 300
	l := newLab(t, map[string]*simdev.Device{"r": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	ids := make([]SessionID, n)
	for i := range ids {
		tg := target("r")
		tg.Name = fmt.Sprint("r", i)
		ids[i] = m.Connect(tg)
	}
	for _, id := range ids {
		until(t, m, id, "open", inState(Open))
	}
	m.mu.Lock()
	running := m.running
	m.mu.Unlock()
	if running != n+1 { // one a session and the pump of the events
		t.Errorf("%d goroutines for %d sessions", running, n)
	}
}

func TestConfirmedCommitAfterALoss(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		commit string
		stays  bool
		words  string
	}{
		"without persist": {`<commit><confirmed/></commit>`, false, "rolls it back"},
		"with persist":    {`<commit><confirmed/><persist>tok1</persist></commit>`, true, "persist-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
			m := NewManager(Options{Dialer: l})
			closing(t, m)
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			ended(t, m, send(t, m, id, edit))
			if o, err := ended(t, m, send(t, m, id, tc.commit)); err != nil || !o.OK {
				t.Fatalf("%+v %v", o.Errors, err)
			}
			if d, _ := m.Device(id); d.Pending == nil || d.Dirty != 0 {
				t.Fatalf("before the loss %+v", d)
			}
			l.cut("r1", nil)
			d := until(t, m, id, "lost", inState(Lost))
			if (d.Pending != nil) != tc.stays || !strings.Contains(strings.Join(d.Lost, "\n"), tc.words) {
				t.Errorf("after it %+v", d)
			}
			if err := m.Reconnect(id); err != nil {
				t.Fatal(err)
			}
			if d = until(t, m, id, "open again", inState(Open)); (d.Pending != nil) != tc.stays {
				t.Errorf("after reconnecting %+v", d)
			}
			if !tc.stays {
				return
			}
			o, err := ended(t, m, send(t, m, id, `<commit><persist-id>tok1</persist-id></commit>`))
			if err != nil || !o.OK {
				t.Errorf("confirmation: %+v %v", o.Errors, err)
			}
			if d, _ = m.Device(id); d.Pending != nil {
				t.Errorf("after the confirmation %+v", d.Pending)
			}
		})
	}
}

func TestOneBadDeviceCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	const good, each = 12, 15
	devs := map[string]*simdev.Device{
		"flood": rfc(simdev.Faults{}), "cut": rfc(simdev.Faults{CutAfter: 100}), "stuck": rfc(simdev.Faults{Delay: time.Hour}),
	}
	for i := range good {
		devs[fmt.Sprint("r", i)] = rfc(simdev.Faults{})
	}
	l := newLab(t, devs)
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j, Redial: true})
	closing(t, m)
	ids := make(map[string]SessionID)
	for name := range devs {
		ids[name] = m.Connect(target(name))
	}
	for _, id := range ids {
		until(t, m, id, "open", func(d Device) bool { return d.State == Open || len(d.Former) > 0 })
	}
	ended(t, m, send(t, m, ids["flood"], `<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>`))
	over := make(chan struct{})
	defer func() { <-over }()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with stop
		defer close(over)
		for {
			select {
			case <-stop:
				return
			default:
				devs["flood"].Notify([]byte(`<event xmlns="urn:x">` + strings.Repeat("x", 2000) + `</event>`))
			}
		}
	}()
	stuckX, err := m.Send(ids["stuck"], request(t, edit))
	if err != nil {
		t.Fatal(err)
	}
	cutX, err := m.Send(ids["cut"], request(t, getConfig))
	if err != nil {
		t.Fatal(err)
	}
	var xs []*Exchange
	for range each {
		for i := range good {
			xs = append(xs, send(t, m, ids[fmt.Sprint("r", i)], getConfig))
		}
	}
	for _, x := range xs {
		if o, err := ended(t, m, x); err != nil || !o.OK {
			t.Fatalf("%s: %+v %v", x.Device, o, err)
		}
	}
	if o, _ := ended(t, m, cutX); o.Result != netconf.Stopped {
		t.Errorf("cut: %+v", o)
	}
	if _, done, _ := stuckX.Snapshot(); done {
		t.Error("the stuck request has ended")
	}
	if got := len(j.list()); got != good*each+2 { // the subscription and the one that was cut
		t.Errorf("%d entries in the journal", got)
	}
}
