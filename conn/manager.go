package conn

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
)

// Reasons for which a call is refused; the errors returned wrap one of them.
var (
	ErrNoSession = errors.New("no such session")
	ErrNotOpen   = errors.New("session is not open")
	ErrReadOnly  = errors.New("target is read-only")
	ErrClosed    = errors.New("manager is closed")
	ErrInbound   = errors.New("the device dials us")
)

const (
	keepReplies = 20
	keepBytes   = 512 << 20
	forceGrace  = 2 * time.Second // after Close cut the links
)

// Manager owns every session and goroutine below the interface. Its methods
// may be called concurrently and never wait for the network, except Probe and
// Close.
type Manager struct {
	o      Options
	ctx    context.Context // ends with Close, by force
	cancel context.CancelFunc
	past   context.Context // has ended: what an open session keeps of the one that it was opened with
	events *queue
	after  func(time.Duration) <-chan time.Time // of the back-off; a test may replace it
	quiet  chan struct{}                        // closed when nothing runs after Close began
	notes  notebook

	mu        sync.Mutex
	closing   bool
	running   int // goroutines
	followers []*follower
	sessions  []*session // in the order of their making
	byID      map[SessionID]*session
	byName    map[string][]*session    // of a target, in the same order
	exchanges map[ExchangeID]*Exchange // under way or kept
	kept      *list.List               // of finished *Exchange, oldest first
	keptBytes int64
	lastID    SessionID
	lastX     ExchangeID
}

// NewManager starts nothing yet.
func NewManager(o Options) *Manager {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.KeepReplies <= 0 {
		o.KeepReplies = keepReplies
	}
	if o.KeepBytes <= 0 {
		o.KeepBytes = keepBytes
	}
	ctx, cancel := context.WithCancel(context.Background())
	past, end := context.WithCancel(ctx)
	end()
	m := &Manager{
		o: o, ctx: ctx, cancel: cancel, past: past,
		after:     time.After,
		quiet:     make(chan struct{}),
		kept:      list.New(),
		byID:      make(map[SessionID]*session),
		byName:    make(map[string][]*session),
		exchanges: make(map[ExchangeID]*Exchange),
	}
	m.events = newQueue(func(id SessionID) (Device, bool) { return m.Device(id) })
	return m
}

// Connect starts dialling t and returns at once; the rest comes as events. A
// second Connect of an equal target returns the session that lives already; one
// whose session is Lost or Closed gets a new one (Reconnect keeps the row). It
// returns 0 after Close.
func (m *Manager) Connect(t link.Target) SessionID {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.ReadOnly = t.ReadOnly || m.o.ReadOnly
	for _, s := range m.byName[t.Name] {
		if s.life != nil && !s.life.left && reflect.DeepEqual(s.dev.Target, t) {
			s.life.hurry()
			return s.dev.ID
		}
	}
	return m.begin(m.add(t), nil)
}

// Adopt opens NETCONF on a link that exists already (a device that called). The
// last lost or closed session with the same name gets it, so that its row, its
// replies and what was lost with it stay together; without one there is a new
// row. It owns l. It returns 0, and closes l, after Close.
func (m *Manager) Adopt(t link.Target, l *link.Link) SessionID {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.ReadOnly = t.ReadOnly || m.o.ReadOnly
	s := m.former(t.Name)
	if s == nil {
		s = m.add(t)
	}
	s.dev.Target = t
	id := m.begin(s, l)
	if id == 0 {
		l.Close()
	}
	return id
}

// former is the last session of a name that lives no more; m.mu is held.
func (m *Manager) former(name string) *session {
	for _, s := range slices.Backward(m.byName[name]) {
		if s.life == nil {
			return s
		}
	}
	return nil
}

// Reconnect dials the target of a lost or closed session again, in the same
// row. Nothing that was sent before is sent again. It is an error for a device
// that dials us, and does nothing for a session that lives.
func (m *Manager) Reconnect(id SessionID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	switch {
	case m.closing:
		return ErrClosed
	case s == nil:
		return ErrNoSession
	case s.adopted:
		return fmt.Errorf("%s: %w", s.dev.Target.Name, ErrInbound)
	case s.life != nil:
		s.life.hurry()
		return nil
	}
	m.begin(s, nil)
	return nil
}

// Forget removes the row of a lost or closed session with the replies kept for
// it, and reports whether it did: a living session stays.
func (m *Manager) Forget(id SessionID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	if s == nil || s.life != nil {
		return false
	}
	for _, x := range s.replies {
		m.forget(x)
	}
	s.notes.clear()
	delete(m.byID, id)
	is := func(o *session) bool { return o == s }
	m.sessions = slices.DeleteFunc(m.sessions, is)
	name := s.dev.Target.Name
	if m.byName[name] = slices.DeleteFunc(m.byName[name], is); len(m.byName[name]) == 0 {
		delete(m.byName, name)
	}
	return true
}

// add makes the row of t, not in the list yet; m.mu is held.
func (m *Manager) add(t link.Target) *session {
	return &session{dev: Device{Target: t, State: Idle, Since: m.o.Now()}, notes: &Notes{book: &m.notes}}
}

// begin starts the life of s, with a dial unless there is a link; m.mu is held.
func (m *Manager) begin(s *session, l *link.Link) SessionID {
	if m.closing {
		return 0
	}
	if s.dev.ID == 0 {
		m.lastID++
		s.dev.ID = m.lastID
		m.byID[s.dev.ID] = s
		m.sessions = append(m.sessions, s)
		name := s.dev.Target.Name
		m.byName[name] = append(m.byName[name], s)
	}
	lf := &life{}
	lf.renew(m.ctx)
	s.life, s.adopted, s.link = lf, l != nil, l
	s.dev.Err, s.dev.Redials = nil, 0
	m.state(s, Dialing)
	m.spawn("session", func() { m.live(s, lf, l, redialFirst) }, func(err error) { m.liveDied(s, lf, err) })
	return s.dev.ID
}

// Disconnect ends a session or a dial in an orderly way, in the background.
func (m *Manager) Disconnect(id SessionID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byID[id]; s != nil {
		m.leave(s)
	}
}

// leave asks the life of s to end; m.mu is held.
func (m *Manager) leave(s *session) {
	lf := s.life
	if lf == nil || lf.left {
		return
	}
	lf.left = true
	m.state(s, Closing)
	if lf.rest != nil {
		m.rise(s, lf, lf.rest)
		return
	}
	lf.cancel() // a dial, a hello, or the wait for the next dial
}

// Send starts a request and returns at once with an Exchange whose Doc grows.
// It refuses, with nothing sent, when the session is not open, when the target
// is read-only and r alters, or when the session is being closed.
//
// The requests of one session go out in the order of the calls, each after the
// reply to the one before (RFC 6241 section 4.5: a device works on them one
// after the other in any case). So a request that waits when the link breaks is
// known not to have been sent.
func (m *Manager) Send(id SessionID, r netconf.Request) (*Exchange, error) {
	m.mu.Lock()
	s := m.byID[id]
	if err := refusal(s, r); err != nil {
		m.mu.Unlock()
		return nil, err
	}
	t, caps := s.dev.Target, s.dev.Caps
	m.mu.Unlock()

	if t.ReadOnly { // the caller's word is not enough here
		if c, err := netconf.Classify(r.Body, caps); err != nil || c.Effect.Alters() {
			return nil, ReadOnly(t.Name, r.Name)
		}
	}
	doc := xmldoc.New(m.o.Doc)

	m.mu.Lock()
	defer m.mu.Unlock()
	if err := refusal(s, r); err != nil {
		doc.Close()
		return nil, err
	}
	m.lastX++
	x := &Exchange{
		ID: m.lastX, Session: id, Device: s.dev.Target.Name,
		Request: r, Started: m.o.Now(), Doc: doc,
		ended: make(chan struct{}),
	}
	x.ctx, x.cancel = context.WithCancel(m.ctx)
	reclaim(doc)
	m.exchanges[x.ID] = x
	s.queue = append(s.queue, x)
	m.waiting(s)
	if s.idle == nil {
		idle, lf, nc := make(chan struct{}), s.life, s.nc
		s.idle = idle
		m.spawn("request", func() { m.work(s, nc, idle) }, func(err error) { m.workDied(s, lf, idle, err) })
	}
	return x, nil
}

// refusal says why s cannot take r; Manager.mu is held.
func refusal(s *session, r netconf.Request) error {
	switch {
	case s == nil:
		return ErrNoSession
	case s.dev.State != Open || s.nc == nil || s.life == nil || s.life.left:
		return &netconf.Fault{
			Code: "SES-NOTOPEN",
			What: fmt.Sprintf("%s has no open session", s.dev.Target.Name),
			Kept: "Nothing was sent", Do: "Connect first", Err: ErrNotOpen,
		}
	case s.dev.Target.ReadOnly && r.Effect.Alters():
		return ReadOnly(s.dev.Target.Name, r.Name)
	}
	return nil
}

// ReadOnly is the refusal of an operation that may change a device on which
// nothing is to be changed. It wraps ErrReadOnly.
func ReadOnly(device, op string) error {
	return &netconf.Fault{
		Code: "READ-ONLY",
		What: fmt.Sprintf("%s is read-only and %q may change it", device, op),
		Kept: "Nothing was sent", Do: "Leave read-only mode to send it", Err: ErrReadOnly,
	}
}

// Stop stops waiting for an exchange; the device may still finish it. One that
// still waits for its turn is not sent.
func (m *Manager) Stop(id ExchangeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := m.exchanges[id]
	if x == nil {
		return
	}
	x.cancel()
	s := m.byID[x.Session]
	if s == nil {
		return
	}
	i := slices.Index(s.queue, x)
	if i < 0 || m.closing {
		return
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	m.waiting(s)
	end := func(err error) { m.finish(s, x, netconf.Outcome{Result: netconf.NotSent}, err) }
	m.spawn("stopped request", func() { end(context.Canceled) }, end)
}

// Device returns one session's value.
func (m *Manager) Device(id SessionID) (Device, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.byID[id]
	if s == nil {
		return Device{}, false
	}
	return s.dev, true
}

// Devices returns all sessions in the order of their making.
func (m *Manager) Devices() []Device {
	m.mu.Lock()
	defer m.mu.Unlock()
	ds := make([]Device, len(m.sessions))
	for i, s := range m.sessions {
		ds[i] = s.dev
	}
	return ds
}

// Events is the one stream of events. Bounded: state changes and notifications
// are coalesced by session (Notes has them all), the oldest faults are dropped
// and counted. The channel is closed by Close.
func (m *Manager) Events() <-chan Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.events.started && !m.closing {
		m.events.started = true
		m.spawn("events", m.events.pump, func(error) {})
	}
	return m.events.out
}

// Close ends all sessions in an orderly way within ctx, then by force. It
// returns the sessions that had uncommitted work or a confirmed commit waiting,
// as they were before (Device.AtStake has the words). Nothing of the manager runs
// when it returns, and it takes no more calls but those that read.
func (m *Manager) Close(ctx context.Context) []Device {
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		return nil
	}
	m.closing = true
	var dirty []Device
	for _, s := range m.sessions {
		if s.life != nil && (s.dev.Dirty > 0 || s.dev.Pending != nil) {
			dirty = append(dirty, s.dev)
		}
		m.leave(s)
	}
	if !m.events.started {
		m.events.started = true
		close(m.events.out)
	}
	if m.running == 0 {
		close(m.quiet)
	}
	m.mu.Unlock()
	m.events.stop()
	defer m.cancel()
	select {
	case <-m.quiet:
		return dirty
	case <-ctx.Done():
	}
	m.cancel()
	select {
	case <-m.quiet:
	case <-time.After(forceGrace): // a dialer that does not keep its word
	}
	return dirty
}

// spawn runs f in a goroutine that Close waits for. A panic becomes failed's
// error and is told to Options.Crashed. m.mu is held.
func (m *Manager) spawn(where string, f func(), failed func(error)) {
	m.running++
	go func() { // ends with f
		defer m.ran()
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			stack := debug.Stack()
			failed(&netconf.Fault{
				Code: "CRASH", What: fmt.Sprintf("a fault of this program ended the %s: %q", where, fmt.Sprint(v)),
				Kept: "The other sessions are untouched", Do: "Reconnect and check the device",
			})
			if m.o.Crashed != nil {
				m.o.Crashed(where, v, stack)
			}
		}()
		f()
	}()
}

// ran notes that one goroutine has ended.
func (m *Manager) ran() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
	if m.running == 0 && m.closing {
		close(m.quiet)
	}
}
