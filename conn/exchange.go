package conn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
)

// collectBytes is how much text must have been forgotten before a collection is
// worth its time: the text lies outside the heap and hurries nobody by itself.
const collectBytes = 16 << 20

type exchangeState struct {
	mu      sync.Mutex
	outcome netconf.Outcome
	err     error
	done    bool
}

// Snapshot returns the outcome so far, whether the exchange has ended, and why
// when it did not end with a reply.
func (x *Exchange) Snapshot() (o netconf.Outcome, done bool, err error) {
	x.state.mu.Lock()
	defer x.state.mu.Unlock()
	return x.state.outcome, x.state.done, x.state.err
}

// Done is closed when the exchange has ended and the row of its session says
// what that means.
func (x *Exchange) Done() <-chan struct{} { return x.ended }

func (x *Exchange) end(o netconf.Outcome, err error) {
	x.state.mu.Lock()
	defer x.state.mu.Unlock()
	x.state.outcome, x.state.err, x.state.done = o, err, true
}

// reclaim gives the memory of d back once nothing refers to it any more.
func reclaim(d *xmldoc.Doc) {
	runtime.SetFinalizer(d, func(d *xmldoc.Doc) { _ = d.Close() })
}

// Exchange returns an exchange that is under way or kept.
func (m *Manager) Exchange(id ExchangeID) (*Exchange, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, ok := m.exchanges[id]
	return x, ok
}

// Replies returns the finished exchanges that are kept for a session, oldest
// first.
func (m *Manager) Replies(id SessionID) []*Exchange {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byID[id]; s != nil {
		return slices.Clone(s.replies)
	}
	return nil
}

// Release forgets a finished exchange before its time comes. A view that still
// shows its Doc goes on doing so: the memory is given back after it.
func (m *Manager) Release(id ExchangeID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if x := m.exchanges[id]; x != nil {
		m.forget(x)
	}
}

// work sends what is in the queue of s, one after the other. It is the
// goroutine of the requests of one session and ends when none waits.
func (m *Manager) work(s *session, nc *netconf.Session, idle chan struct{}) {
	for {
		m.mu.Lock()
		s.current = nil
		if len(s.queue) == 0 {
			s.idle = nil
			m.waiting(s)
			m.mu.Unlock()
			close(idle)
			return
		}
		x := s.queue[0]
		s.queue = slices.Delete(s.queue, 0, 1)
		s.current = x
		m.waiting(s)
		m.mu.Unlock()

		if err := m.before(s, x); err != nil {
			m.finish(s, x, netconf.Outcome{Result: netconf.NotSent}, err)
			continue
		}
		p := &progress{x: x, q: m.events}
		o, err := nc.Do(x.ctx, x.Request, p)
		p.stop()
		m.finish(s, x, o, err)
	}
}

// workDied ends what the worker of s left when it panicked: the request under
// way with an unknown outcome if it may change the device, the rest unsent.
func (m *Manager) workDied(s *session, lf *life, idle chan struct{}, err error) {
	m.kill(s, lf)
	m.mu.Lock()
	current, rest := s.current, s.queue
	s.current, s.queue, s.idle = nil, nil, nil
	m.mu.Unlock()
	if current != nil {
		if _, done, _ := current.Snapshot(); !done {
			m.finish(s, current, netconf.Outcome{Result: unanswered(current.Request)}, err)
		}
	}
	for _, x := range rest {
		m.finish(s, x, netconf.Outcome{Result: netconf.NotSent}, err)
	}
	close(idle)
}

// unanswered is what is known of a request that may have been sent.
func unanswered(r netconf.Request) netconf.Result {
	if r.Effect.Alters() {
		return netconf.Unknown
	}
	return netconf.Stopped
}

// finish ends an exchange: document, state, what it means for the session,
// journal, event.
func (m *Manager) finish(s *session, x *Exchange, o netconf.Outcome, err error) {
	stopped := errors.Is(x.ctx.Err(), context.Canceled) && err != nil
	x.cancel()
	if stopped && errors.Is(err, context.Canceled) {
		err = stoppedFault(x, o, err)
	}
	if o.Ended.IsZero() {
		o.Ended = m.o.Now()
	}
	x.Doc.Finish(err)
	x.end(o, err)

	m.mu.Lock()
	m.settle(s, x, o)
	if err != nil && !stopped && o.Result != netconf.NotSent {
		s.broken = true
	}
	if s.current == x {
		s.current = nil
	}
	m.waiting(s)
	forgotten := m.keep(s, x)
	dev := s.dev
	m.mu.Unlock()

	m.journal(x, o, err)
	m.watched(x, o, err, dev)
	close(x.ended)
	m.events.done(x)
	if forgotten >= collectBytes {
		runtime.GC()
	}
}

// before asks the watcher whether x may be sent.
func (m *Manager) before(s *session, x *Exchange) error {
	if m.o.Watch == nil {
		return nil
	}
	m.mu.Lock()
	d := s.dev
	m.mu.Unlock()
	return m.o.Watch.Before(x, d)
}

// watched tells the watcher. One that panics costs nothing but its notes.
func (m *Manager) watched(x *Exchange, o netconf.Outcome, err error, d Device) {
	if m.o.Watch == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			m.events.fault(x.Session, &netconf.Fault{Code: "COMMIT-NOTE", What: fmt.Sprintf("the end of a request was not noted: %q", fmt.Sprint(v))})
		}
	}()
	m.o.Watch.After(x, o, err, d)
}

func stoppedFault(x *Exchange, o netconf.Outcome, err error) error {
	f := &netconf.Fault{
		Code: "RPC-STOPPED", What: fmt.Sprintf("stopped waiting for %q of %s", x.Request.Name, x.Device),
		Kept: "The session stays open; a late reply is discarded", Err: err,
	}
	switch o.Result {
	case netconf.NotSent:
		f.What = fmt.Sprintf("%q was taken back before it was sent to %s", x.Request.Name, x.Device)
		f.Kept = "Nothing was sent"
	case netconf.Unknown:
		f.Do = "The device may still finish it: check what it did"
	default:
		f.Do = "The device may still finish it"
	}
	return f
}

// journal hands a finished exchange on. A journal that panics costs nothing but
// its entry.
func (m *Manager) journal(x *Exchange, o netconf.Outcome, err error) {
	if m.o.Journal == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			m.events.fault(x.Session, &netconf.Fault{Code: "JOURNAL", What: fmt.Sprintf("the journal lost an entry: %q", fmt.Sprint(v))})
		}
	}()
	m.o.Journal.Append(x, o, err)
}

// keep adds a finished exchange to the kept ones, forgets the oldest beyond the
// limits, and returns how many bytes that were; m.mu is held.
func (m *Manager) keep(s *session, x *Exchange) (forgotten int64) {
	if m.byID[x.Session] != s {
		delete(m.exchanges, x.ID) // its row has been removed meanwhile
		return 0
	}
	x.place = m.kept.PushBack(x)
	x.size = x.Doc.Size()
	m.keptBytes += x.size
	s.replies = append(s.replies, x)
	if len(s.replies) > m.o.KeepReplies {
		forgotten += m.forget(s.replies[0])
	}
	for e := m.kept.Front(); e != nil && m.keptBytes > m.o.KeepBytes; {
		old := e.Value.(*Exchange)
		e = e.Next()
		if rs := m.byID[old.Session].replies; rs[len(rs)-1] != old {
			forgotten += m.forget(old)
		}
	}
	return forgotten
}

// forget drops the manager's reference to a kept exchange and returns the size
// of its text; m.mu is held.
func (m *Manager) forget(x *Exchange) int64 {
	if x.place == nil {
		return 0
	}
	m.kept.Remove(x.place)
	x.place = nil
	m.keptBytes -= x.size
	delete(m.exchanges, x.ID)
	s := m.byID[x.Session]
	s.replies = slices.DeleteFunc(slices.Clone(s.replies), func(o *Exchange) bool { return o == x })
	return x.size
}

// progress passes a reply on to its document and tells of it at once and then
// at most every progressEvery, the last bytes before a pause included.
type progress struct {
	x *Exchange
	q *queue

	mu    sync.Mutex
	timer *time.Timer // runs while the next event has to wait
	armed bool
	more  bool // came since the last event
	ended bool
}

const progressEvery = 33 * time.Millisecond

var _ io.Writer = (*progress)(nil)

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.x.Doc.Write(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.armed {
		p.more = true
		return n, err
	}
	p.q.progress(p.x)
	p.armed = true
	if p.timer == nil {
		p.timer = time.AfterFunc(progressEvery, p.tick)
	} else {
		p.timer.Reset(progressEvery)
	}
	return n, err
}

// tick runs when an event may be told again.
func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	if !p.more {
		p.armed = false
		return
	}
	p.more = false
	p.q.progress(p.x)
	p.timer.Reset(progressEvery)
}

func (p *progress) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
