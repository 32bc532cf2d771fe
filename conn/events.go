package conn

import (
	"container/list"
	"sync"

	"dialtone/netconf"
)

// Limits of what waits for a reader of the events.
const (
	maxFaults     = 64       // of one session
	maxFaultBytes = 1 << 20  // of one session
	maxBytes      = 16 << 20 // of all sessions
	eventBuffer   = 64
)

// queue holds events until somebody takes them. Nothing that puts an event in
// ever waits. Changes of one session become one event with the newest value,
// progress of one exchange and notifications of one session likewise; of faults
// the oldest go when a limit is reached, so that one device in a flood costs only
// its own.
type queue struct {
	device  func(SessionID) (Device, bool)
	out     chan Event
	wake    chan struct{}
	quit    chan struct{}
	started bool // guarded by Manager.mu

	mu       sync.Mutex
	stopped  bool
	order    *list.List // of *entry
	changes  map[SessionID]*list.Element
	progr    map[ExchangeID]*list.Element
	notified map[SessionID]*list.Element
	faults   map[SessionID]*lane
	bytes    int
}

// entry is an event without the value of its device, which is large and is read
// when the event is taken.
type entry struct {
	kind    EventKind
	session SessionID
	x       *Exchange
	note    *netconf.Notification
	err     error
	raw     []byte
	bytes   int
}

// lane is what waits of the faults of one session, oldest first.
type lane struct {
	items   []*list.Element
	bytes   int
	dropped int
}

func newQueue(device func(SessionID) (Device, bool)) *queue {
	return &queue{
		device: device,
		out:    make(chan Event, eventBuffer), wake: make(chan struct{}, 1), quit: make(chan struct{}),
		order:   list.New(),
		changes: make(map[SessionID]*list.Element), progr: make(map[ExchangeID]*list.Element),
		notified: make(map[SessionID]*list.Element), faults: make(map[SessionID]*lane),
	}
}

// put appends an event; q.mu is held.
func (q *queue) put(it *entry) *list.Element {
	if q.stopped {
		return nil
	}
	q.bytes += it.bytes
	e := q.order.PushBack(it)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return e
}

func (q *queue) changed(id SessionID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.changes[id] != nil {
		return // its value is read when it is taken
	}
	if e := q.put(&entry{kind: DeviceChanged, session: id}); e != nil {
		q.changes[id] = e
	}
}

func (q *queue) progress(x *Exchange) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.progr[x.ID] != nil {
		return
	}
	if e := q.put(&entry{kind: ExchangeProgress, session: x.Session, x: x}); e != nil {
		q.progr[x.ID] = e
	}
}

func (q *queue) done(x *Exchange) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.progr[x.ID]; e != nil {
		q.order.Remove(e)
		delete(q.progr, x.ID)
	}
	q.put(&entry{kind: ExchangeDone, session: x.Session, x: x})
}

// notify tells of the newest notification. One that waits gives its place in the
// order to it: all of them are in the Notes of the session.
func (q *queue) notify(id SessionID, n *netconf.Notification) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.notified[id]; e != nil {
		e.Value.(*entry).note = n
		return
	}
	if e := q.put(&entry{kind: Notified, session: id, note: n}); e != nil {
		q.notified[id] = e
	}
}

// fault tells of something odd that is none of the device's doing.
func (q *queue) fault(id SessionID, err error) { q.oddity(id, err, nil) }

// oddity puts a fault into the lane of its session and drops the oldest there
// beyond a limit.
func (q *queue) oddity(id SessionID, err error, raw []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.put(&entry{kind: Faulted, session: id, err: err, raw: raw, bytes: len(raw)})
	if e == nil {
		return
	}
	l := q.faults[id]
	if l == nil {
		l = &lane{}
		q.faults[id] = l
	}
	l.items = append(l.items, e)
	l.bytes += len(raw)
	for len(l.items) > 1 && (len(l.items) > maxFaults || l.bytes > maxFaultBytes || q.bytes > maxBytes) {
		old := l.items[0].Value.(*entry)
		q.order.Remove(l.items[0])
		l.items = l.items[1:]
		l.bytes -= old.bytes
		q.bytes -= old.bytes
		l.dropped++
	}
}

// take removes the oldest event.
func (q *queue) take() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.order.Front()
	if e == nil {
		return Event{}, false
	}
	it := q.order.Remove(e).(*entry)
	q.bytes -= it.bytes
	ev := Event{Kind: it.kind, Session: it.session, Exchange: it.x, Notification: it.note, Err: it.err, Raw: it.raw}
	switch it.kind {
	case DeviceChanged:
		delete(q.changes, it.session)
	case ExchangeProgress:
		delete(q.progr, it.x.ID)
	case Notified:
		delete(q.notified, it.session)
	case Faulted:
		ev.Dropped = q.leave(it)
	}
	return ev, true
}

// leave takes the front of a lane out and returns how many went before it;
// q.mu is held.
func (q *queue) leave(it *entry) (dropped int) {
	l := q.faults[it.session]
	dropped, l.dropped = l.dropped, 0
	l.items = l.items[1:]
	l.bytes -= it.bytes
	if len(l.items) == 0 {
		delete(q.faults, it.session)
	}
	return dropped
}

// pump moves events to the channel. It is the one goroutine of the queue and
// ends with stop, which closes the channel.
func (q *queue) pump() {
	defer close(q.out)
	for {
		ev, ok := q.take()
		if !ok {
			select {
			case <-q.wake:
				continue
			case <-q.quit:
				return
			}
		}
		if ev.Kind == DeviceChanged || ev.Kind == Faulted {
			if ev.Device, ok = q.device(ev.Session); !ok && ev.Kind == DeviceChanged {
				continue // its row has been removed
			}
		}
		select {
		case q.out <- ev:
		case <-q.quit:
			return
		}
	}
}

// stop ends the pump; what waits is lost and nothing more is taken in.
func (q *queue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.stopped {
		q.stopped = true
		q.order.Init()
		close(q.quit)
	}
}
