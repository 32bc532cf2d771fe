package commit

import (
	"context"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

const patience = 20 * time.Second

// ticker is a clock that tests set: the wall and the steady one apart.
type ticker struct {
	mu     sync.Mutex
	wall   time.Time
	steady time.Duration
	boot   string
}

func newTicker() *ticker {
	return &ticker{wall: time.Date(2031, 11, 21, 14, 0, 0, 0, time.UTC), boot: "boot-1"}
}

func (c *ticker) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

func (c *ticker) Steady() (string, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boot, c.steady
}

// true is the time that has really passed, as the device sees it.
func (c *ticker) real() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2031, 11, 21, 14, 0, 0, 0, time.UTC).Add(c.steady)
}

func (c *ticker) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall, c.steady = c.wall.Add(d), c.steady+d
}

// set moves the wall clock alone.
func (c *ticker) set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = c.wall.Add(d)
}

// lab is one simulated device, reached over pipes.
type lab struct {
	t     testing.TB
	ctx   context.Context
	dev   *simdev.Device
	clock *ticker
	dir   string
	key   string
	wg    sync.WaitGroup

	mu    sync.Mutex
	pipes []net.Conn
	sent  []byte // of all sessions

	c  *Control
	m  *conn.Manager
	id conn.SessionID
}

type tap struct {
	net.Conn
	l *lab
}

func (t tap) Write(p []byte) (int, error) {
	t.l.mu.Lock()
	t.l.sent = append(t.l.sent, p...)
	t.l.mu.Unlock()
	return t.Conn.Write(p)
}

func (l *lab) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.sent)
}

func newLab(t testing.TB, o simdev.Options) *lab {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lab{t: t, ctx: ctx, clock: newTicker(), dir: t.TempDir() + "/commits", key: "ED25519 SHA256:test"}
	o.Name = "r1"
	o.Now = l.clock.real
	o.AfterFunc = func(time.Duration, func()) func() bool { return func() bool { return true } } // Tick looks at the clock
	l.dev = simdev.New(o)
	t.Cleanup(func() {
		l.stop()
		cancel()
		l.wg.Wait()
	})
	l.start()
	return l
}

func (l *lab) Dial(ctx context.Context, t link.Target, _ link.Asker, progress func(link.Stage)) (*link.Link, error) {
	ours, theirs := net.Pipe()
	l.mu.Lock()
	l.pipes = append(l.pipes, ours)
	l.mu.Unlock()
	l.wg.Add(1)
	go func() { // ends with the pipe or the lab
		defer l.wg.Done()
		_ = l.dev.Serve(l.ctx, theirs, t.User)
	}()
	return &link.Link{ReadWriteCloser: tap{ours, l}, Peer: link.Peer{Via: link.SSH, Addr: t.Address(), HostKey: l.key}}, nil
}

// start begins a run of the program: nothing but the files is left of the one
// before.
func (l *lab) start() {
	l.t.Helper()
	var errs []error
	l.c, errs = New(Options{Dir: l.dir, Clock: l.clock})
	for _, err := range errs {
		l.t.Fatal(err)
	}
	l.m = conn.NewManager(conn.Options{Dialer: l, Now: l.clock.Now, Watch: l.c})
	l.c.Bind(l.m)
	l.id = l.m.Connect(link.Target{Name: "r1", Via: link.SSH, Host: "r1", User: "admin"})
	l.open()
}

// stop ends a run without a good-bye, as a kill does.
func (l *lab) stop() {
	l.cut()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	l.m.Close(ctx)
	l.gone()
}

// cut breaks the newest link.
func (l *lab) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.pipes); n > 0 {
		l.pipes[n-1].Close()
	}
}

func (l *lab) until(what string, ok func(conn.Device) bool) conn.Device {
	l.t.Helper()
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		d, _ := l.m.Device(l.id)
		if ok(d) {
			return d
		}
		select {
		case <-l.m.Events():
		case <-limit.C:
			l.t.Fatalf("waiting for %s: %+v", what, d)
		}
	}
}

func (l *lab) open() conn.Device {
	l.t.Helper()
	return l.until("open", func(d conn.Device) bool { return d.State == conn.Open })
}

// gone waits until the device has noticed the end of all sessions.
func (l *lab) gone() {
	l.t.Helper()
	deadline := time.Now().Add(patience)
	for len(l.dev.Sessions()) > 0 {
		if time.Now().After(deadline) {
			l.t.Fatal("the device keeps its sessions")
		}
		time.Sleep(100 * time.Microsecond) // the device gives no event
	}
}

// lose breaks the link and waits until both sides know.
func (l *lab) lose() {
	l.t.Helper()
	l.cut()
	l.until("lost", func(d conn.Device) bool { return d.State == conn.Lost })
	l.gone()
}

func (l *lab) again() {
	l.t.Helper()
	if err := l.m.Reconnect(l.id); err != nil {
		l.t.Fatal(err)
	}
	l.open()
}

// pass lets time pass for the device too.
func (l *lab) pass(d time.Duration) {
	l.clock.advance(d)
	l.dev.Tick()
}

func (l *lab) do(o Order) Report {
	l.t.Helper()
	p, err := l.c.Plan(l.id, o)
	if err != nil {
		l.t.Fatalf("%s: %v", o.Do, err)
	}
	return l.c.Run(l.ctx, p, nil)
}

// must runs an order that has to succeed.
func (l *lab) must(o Order) Report {
	l.t.Helper()
	r := l.do(o)
	if r.Verdict != Done {
		l.t.Fatalf("%s: %s", o.Do, r.Words)
	}
	return r
}

const rfcEdit = `<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>lo77</name><description>VALUE</description></interface></interfaces></config></edit-config>`
const junosEdit = `<load-configuration action="merge" format="xml"><configuration><system><location><building>VALUE</building></location></system></configuration></load-configuration>`

func (l *lab) send(body string) (netconf.Outcome, error) {
	l.t.Helper()
	r, err := netconf.Classify([]byte(body), netconf.Caps{})
	if err != nil {
		l.t.Fatal(err)
	}
	x, err := l.m.Send(l.id, r)
	if err != nil {
		l.t.Fatal(err)
	}
	<-x.Done()
	o, _, err := x.Snapshot()
	return o, err
}

func (l *lab) edit() {
	l.t.Helper()
	d, _ := l.m.Device(l.id)
	body := rfcEdit
	if d.Caps.Junos() {
		body = junosEdit
	}
	if o, err := l.send(body); !o.OK {
		l.t.Fatalf("edit: %v %+v", err, o.Errors)
	}
}

// applied reports whether running holds the edit.
func (l *lab) applied() bool {
	return contains(l.dev.Config(netconf.Running), "VALUE")
}

func target2() link.Target {
	return link.Target{Name: "r1", Via: link.SSH, Host: "r1-again", User: "admin"}
}

func itoa(n int) string { return strconv.Itoa(n) }
