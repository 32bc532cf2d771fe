package conn

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
)

const (
	redialFirst = time.Second
	redialMost  = time.Minute
	maxFormer   = 8
)

// session is one row with its life. All of it is guarded by Manager.mu.
type session struct {
	dev     Device
	life    *life            // nil when nothing runs for it
	adopted bool             // the device dialled us
	nc      *netconf.Session // nil unless requests can be sent
	link    *link.Link       // nil when there is none
	queue   []*Exchange      // wait for their turn
	current *Exchange        // sent, not ended yet
	broken  bool             // the last request ended with its link
	idle    chan struct{}    // closed when the worker ends; nil when none runs
	bye     bool             // a close-session of the person was answered
	replies []*Exchange      // kept, oldest first
}

// life is one stretch from a dial to its end, dials made by themselves included.
type life struct {
	ctx    context.Context
	cancel context.CancelFunc // ends it by force
	leave  chan struct{}      // closed to end an open session in an orderly way
	poke   chan struct{}      // ends the wait before the next dial
	left   bool               // somebody asked for the end; guarded by Manager.mu
	gone   chan struct{}      // closed when its goroutine ends
}

func newLife(parent context.Context) *life {
	ctx, cancel := context.WithCancel(parent)
	return &life{ctx: ctx, cancel: cancel, leave: make(chan struct{}), poke: make(chan struct{}, 1), gone: make(chan struct{})}
}

// hurry ends the wait before the next dial, if there is one.
func (lf *life) hurry() {
	select {
	case lf.poke <- struct{}{}:
	default:
	}
}

// state changes the state and tells it; m.mu is held.
func (m *Manager) state(s *session, st State) {
	if s.dev.State != st {
		s.dev.State, s.dev.Since = st, m.o.Now()
	}
	if st != Dialing && st != Authenticating {
		s.dev.Stage = ""
	}
	m.events.changed(s.dev.ID)
	for _, w := range m.watchers {
		w.f(s.dev)
	}
}

// waiting counts the requests under way anew; m.mu is held.
func (m *Manager) waiting(s *session) {
	s.dev.Waiting = len(s.queue)
	if s.current != nil {
		s.dev.Waiting++
	}
	m.events.changed(s.dev.ID)
}

// live is the goroutine of one session. It ends when the session has ended and
// is not to be dialled again, or with lf.ctx.
func (m *Manager) live(s *session, lf *life, l *link.Link) {
	defer close(lf.gone)
	defer lf.cancel()
	pause := redialFirst
	for {
		opened, err := m.once(s, lf, l)
		if opened {
			pause = redialFirst
		}
		again := m.over(s, lf, err, opened)
		if !again {
			return
		}
		l = nil
		m.mu.Lock()
		select {
		case <-lf.poke: // from before there was anything to hurry
		default:
		}
		s.dev.Redial = m.o.Now().Add(pause)
		m.events.changed(s.dev.ID)
		m.mu.Unlock()
		select {
		case <-m.after(pause):
		case <-lf.poke:
		case <-lf.ctx.Done():
		}
		pause = min(2*pause, redialMost)
		m.mu.Lock()
		s.dev.Redial = time.Time{}
		s.dev.Redials++
		if !lf.left {
			m.state(s, Dialing)
		}
		m.mu.Unlock()
	}
}

// liveDied notes that the goroutine of s panicked: its link is closed by now,
// and nobody dials again.
func (m *Manager) liveDied(s *session, lf *life, err error) {
	lf.cancel()
	m.mu.Lock()
	opened := s.nc != nil
	m.mu.Unlock()
	if m.over(s, lf, err, opened) {
		m.mu.Lock()
		s.life = nil
		m.mu.Unlock()
	}
}

// once reaches the device, opens NETCONF and stays until the session has ended
// and its requests have. The error is nil after an orderly end.
func (m *Manager) once(s *session, lf *life, l *link.Link) (opened bool, err error) {
	if l == nil {
		if l, err = m.dial(s, lf); err != nil {
			return false, err
		}
	}
	defer m.unlink(s, l)
	m.mu.Lock()
	t := s.dev.Target
	s.dev.Peer, s.link = l.Peer, l
	if !lf.left {
		m.state(s, Greeting)
	}
	m.mu.Unlock()
	nc, err := m.greet(lf.ctx, s.dev.ID, t, l)
	if err != nil {
		return false, cause(l, err)
	}
	m.mu.Lock()
	if lf.left {
		m.mu.Unlock()
		return false, nc.Close(lf.ctx)
	}
	m.opened(s, nc)
	m.mu.Unlock()

	var orderly bool
	select {
	case <-nc.Done():
	case <-l.Done: // the link knows better than a read that waits
		l.Close()
		<-nc.Done()
	case <-lf.leave:
		_ = nc.Close(lf.ctx) // the session is over, whatever it answered
		orderly = true
	case <-lf.ctx.Done():
		l.Close()
		<-nc.Done()
	}
	m.mu.Lock()
	s.nc = nil // no more requests
	idle := s.idle
	m.mu.Unlock()
	if idle != nil {
		<-idle // its requests end now that their session has
	}
	if orderly {
		return true, nil
	}
	return true, cause(l, nc.Err())
}

// unlink ends the link of s.
func (m *Manager) unlink(s *session, l *link.Link) {
	m.mu.Lock()
	s.link = nil
	m.mu.Unlock()
	l.Close()
}

// dial asks the dialer for a link to the target of s.
func (m *Manager) dial(s *session, lf *life) (*link.Link, error) {
	m.mu.Lock()
	t, ask := s.dev.Target, m.o.Ask
	if s.dev.Redials > 0 {
		ask = nobody{}
	}
	m.mu.Unlock()
	switch {
	case t.Via != "" && t.Via != link.SSH:
		return nil, &netconf.Fault{
			Code: "TARGET-WAY", What: fmt.Sprintf("%s is reached by %s: it dials us", t.Name, t.Via),
			Do: "Start a listener and wait for it", Err: ErrInbound,
		}
	case m.o.Dialer == nil:
		return nil, errors.New("there is no dialer")
	}
	if ask == nil {
		ask = nobody{}
	}
	return m.o.Dialer.Dial(lf.ctx, t, ask, func(st link.Stage) {
		m.mu.Lock()
		defer m.mu.Unlock()
		if s.life != lf || lf.left || s.dev.State > Authenticating {
			return
		}
		s.dev.Stage = st
		if st == link.Authenticating || st == link.Subsystem {
			m.state(s, Authenticating)
		} else {
			m.state(s, Dialing)
		}
	})
}

// greet opens NETCONF over l.
func (m *Manager) greet(ctx context.Context, id SessionID, t link.Target, l *link.Link) (*netconf.Session, error) {
	q := Quirks(t.Quirks)
	fo := netconf.FrameOptions{Quirks: q}
	if m.o.Recorder != nil {
		fo.Recorder = m.o.Recorder(t)
	}
	silence := time.Duration(t.Timeout)
	return netconf.Open(ctx, netconf.NewTransport(l, fo), netconf.Options{
		Quirks:    q,
		Only10:    l.Peer.Via == link.HTTPS || l.Peer.Via == link.HTTPSBasic,
		FirstByte: silence,
		Stall:     silence,
		OnFault: func(f *netconf.Fault, _ []byte) {
			m.events.fault(id, f)
		},
		OnNotification: func(n netconf.Notification) {
			m.events.notify(id, &n)
		},
	})
}

// opened notes that requests can be sent; m.mu is held.
func (m *Manager) opened(s *session, nc *netconf.Session) {
	s.nc, s.bye, s.broken = nc, false, false
	d := &s.dev
	d.NetconfID, d.Framing, d.Caps = nc.ID(), nc.Framing(), nc.Caps()
	d.Locks, d.Dirty, d.Doubts, d.Lost, d.Err = nil, 0, nil, nil, nil
	d.Redials = 0
	d.Opened = m.o.Now()
	if d.Pending != nil && !d.Opened.Before(d.Pending.Deadline) {
		d.Pending = nil
	}
	m.state(s, Open)
}

// over notes that a session or a dial has ended, with what was lost, and says
// whether it is to be dialled again.
func (m *Manager) over(s *session, lf *life, err error, opened bool) (again bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.life != lf {
		return false
	}
	d := &s.dev
	s.nc = nil
	if opened {
		d.Former = append(d.Former[:len(d.Former):len(d.Former)], Former{NetconfID: d.NetconfID, Ended: m.o.Now()})
		if len(d.Former) > maxFormer {
			d.Former = d.Former[len(d.Former)-maxFormer:]
		}
	}
	byUs := lf.left || s.bye
	again = !byUs && !m.closing && m.o.Redial && !s.adopted && m.redials(s, err, opened)
	if opened && !byUs {
		d.Lost = d.AtStake()
	}
	d.Locks, d.Dirty, d.Waiting, d.Redial = nil, 0, 0, time.Time{}
	if d.Pending != nil && d.Pending.PersistID == "" {
		d.Pending = nil
	}
	if !again {
		s.life = nil
	}
	if byUs {
		d.Err = nil
		m.state(s, Closed)
		return false
	}
	if err == nil {
		err = &netconf.Fault{Code: "NET-CLOSED", What: d.Target.Name + " closed the session", Do: "Reconnect"}
	}
	d.Err = err
	m.state(s, Lost)
	return again
}

// redials reports whether nothing was at stake and another try may help; m.mu
// is held.
func (m *Manager) redials(s *session, err error, opened bool) bool {
	if opened {
		d := s.dev
		return len(d.Locks) == 0 && d.Dirty == 0 && len(d.Doubts) == 0 && !s.broken && (d.Pending == nil || d.Pending.PersistID != "")
	}
	return s.dev.Redials > 0 && transient(err)
}

// transient reports errors of the net; trust, login and protocol faults do not
// go away by dialling again, and a password is not to be offered over and over.
func transient(err error) bool {
	var p interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(err, &p) {
		code, _, _, _ := p.Parts()
		return strings.HasPrefix(code, "NET-") || code == "SSH-TIMEOUT"
	}
	var t interface{ Timeout() bool }
	return errors.As(err, &t)
}

// cause prefers what the link says of its end to what a read saw of it.
func cause(l *link.Link, err error) error {
	if l.Done == nil || l.Err == nil {
		return err
	}
	select {
	case <-l.Done:
		if lerr := l.Err(); lerr != nil {
			return lerr
		}
	default:
	}
	return err
}

// Quirks reads those quirks of a profile that concern NETCONF; the rest belong
// to the dialer.
func Quirks(words []string) netconf.Quirks {
	var q netconf.Quirks
	for _, w := range words {
		switch {
		case w == "force-1.0":
			q.Force10 = true
		case w == "wait-hello":
			q.WaitHello = true
		case w == "strip-nul":
			q.StripNUL = true
		case w == "lenient-chunks":
			q.LenientChunks = true
		case strings.HasPrefix(w, "cap="):
			q.Capabilities = append(q.Capabilities, strings.TrimPrefix(w, "cap="))
		}
	}
	return q
}
