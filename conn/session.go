package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
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
	notes   *Notes           // never changes; has a lock of its own
	odd     oddities         // has a lock of its own
}

// life is one stretch from a dial to its end, dials made by themselves included.
// A goroutine runs for it except while the session is open: then it rests. All
// of it but ctx is guarded by Manager.mu.
type life struct {
	ctx    context.Context // ends a dial, a greeting, or the wait for the next dial
	cancel context.CancelFunc
	poke   chan struct{} // ends the wait before the next dial; nil when none waits
	rest   *rest         // nil unless the session is open
	left   bool          // somebody asked for the end
	killed bool          // the end cannot be an orderly one
	over   bool          // it has ended
	gone   chan struct{} // closed when it has; nil when nobody waits for it
}

// renew gives a life a context of its own, for its next dial.
func (lf *life) renew(parent context.Context) { lf.ctx, lf.cancel = context.WithCancel(parent) }

// hurry ends the wait before the next dial, if there is one; m.mu is held.
func (lf *life) hurry() {
	if lf.poke != nil {
		close(lf.poke)
		lf.poke = nil
	}
}

// ended notes that nothing runs for a life any more.
func (m *Manager) ended(lf *life) {
	lf.cancel()
	m.mu.Lock()
	defer m.mu.Unlock()
	lf.over = true
	if lf.gone != nil {
		close(lf.gone)
	}
}

// end returns what is closed when the life has ended; m.mu is held.
func (lf *life) end() <-chan struct{} {
	if lf.gone == nil {
		lf.gone = make(chan struct{})
		if lf.over {
			close(lf.gone)
		}
	}
	return lf.gone
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
	for _, w := range m.followers {
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

// live is the goroutine of a session that is not open. It ends when the session
// is open, when it is not to be dialled again, or with lf.ctx.
func (m *Manager) live(s *session, lf *life, l *link.Link, pause time.Duration) {
	for {
		err := m.open(s, lf, l)
		if err == nil {
			return // it rests
		}
		if !m.over(s, lf, err, false) {
			m.ended(lf)
			return
		}
		l = nil
		m.pause(s, lf, pause)
		pause = min(2*pause, redialMost)
	}
}

// pause waits before the next dial.
func (m *Manager) pause(s *session, lf *life, d time.Duration) {
	poke := make(chan struct{})
	m.mu.Lock()
	lf.poke = poke
	s.dev.Redial = m.o.Now().Add(d)
	m.events.changed(s.dev.ID)
	m.mu.Unlock()
	select {
	case <-m.after(d):
	case <-poke:
	case <-lf.ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	lf.poke = nil
	s.dev.Redial = time.Time{}
	s.dev.Redials++
	if !lf.left {
		m.state(s, Dialing)
	}
}

// liveDied notes that the goroutine of s panicked: its link is closed by now,
// and nobody dials again.
func (m *Manager) liveDied(s *session, lf *life, err error) {
	m.mu.Lock()
	opened := s.nc != nil
	m.mu.Unlock()
	if m.over(s, lf, err, opened) {
		m.mu.Lock()
		s.life = nil
		m.mu.Unlock()
	}
	m.ended(lf)
}

// open reaches the device and opens NETCONF. With a nil error the session is
// open and rests.
func (m *Manager) open(s *session, lf *life, l *link.Link) (err error) {
	if l == nil {
		if l, err = m.dial(s, lf); err != nil {
			return err
		}
	}
	rests := false
	defer func() {
		if !rests {
			m.unlink(s, l)
		}
	}()
	r := &rest{}
	m.mu.Lock()
	t := s.dev.Target
	s.dev.Peer, s.link = l.Peer, l
	if !lf.left {
		m.state(s, Greeting)
	}
	m.mu.Unlock()
	nc, err := m.greet(lf.ctx, s, t, l, func() { m.rouse(s, lf, r) })
	if err != nil {
		return cause(l, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if lf.left {
		m.mu.Unlock()
		_ = nc.Close(lf.ctx)
		m.mu.Lock()
		return net.ErrClosed
	}
	m.opened(s, nc)
	rests = true
	m.lay(s, lf, r, l)
	return nil
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
	case t.Via.Calls():
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

// greet opens NETCONF over l. over is called when the session has ended.
func (m *Manager) greet(ctx context.Context, s *session, t link.Target, l *link.Link, over func()) (*netconf.Session, error) {
	q := Quirks(t.Quirks)
	fo := netconf.FrameOptions{Quirks: q}
	if m.o.Recorder != nil {
		fo.Recorder = m.o.Recorder(t)
	}
	silence, id := time.Duration(t.Timeout), s.dev.ID // which never changes
	return netconf.Open(ctx, netconf.NewTransport(l.ReadWriteCloser, fo), netconf.Options{
		Quirks:    q,
		Only10:    l.Peer.Via == link.HTTPS || l.Peer.Via == link.HTTPSBasic,
		FirstByte: silence,
		Stall:     silence,
		Slow:      time.Duration(t.CommitTimeout),
		OnFault: func(f *netconf.Fault, raw []byte) {
			s.odd.add(Oddity{At: m.o.Now(), Err: f, Raw: raw})
			m.events.oddity(id, f, raw)
		},
		OnNotification: func(n netconf.Notification) {
			s.notes.Add(&n)
			m.events.notify(id, &n)
		},
		OnEnd: over,
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
	byUs := lf.left || s.bye
	if opened && !byUs {
		d.Lost = d.AtStake()
	}
	if opened {
		d.Former = append(d.Former[:len(d.Former):len(d.Former)], Former{NetconfID: d.NetconfID, Ended: m.o.Now(), Lost: d.Lost})
		if len(d.Former) > maxFormer {
			d.Former = d.Former[len(d.Former)-maxFormer:]
		}
	}
	again = !byUs && !m.closing && m.o.Redial && !s.adopted && m.redials(s, err, opened)
	d.Locks, d.Dirty, d.Waiting, d.Redial = nil, 0, 0, time.Time{}
	if d.Pending != nil && d.Pending.Tied() {
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
		return len(d.Locks) == 0 && d.Dirty == 0 && len(d.Doubts) == 0 && !s.broken && (d.Pending == nil || !d.Pending.Tied())
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
		// A link that was closed here ended because of err, not the other way.
		if lerr := l.Err(); lerr != nil && !errors.Is(lerr, net.ErrClosed) {
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
