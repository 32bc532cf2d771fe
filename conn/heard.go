package conn

import (
	"slices"
	"sync"
	"time"

	"dialtone/netconf"
)

// Limits of what is kept of what devices say without being asked.
const (
	maxNotes        = 100_000   // of one session
	maxNoteBytes    = 64 << 20  // of one session: about 100,000 of usual size
	maxAllNoteBytes = 128 << 20 // of all sessions of a manager together
	noteCost        = 128       // about what one costs beside its text

	maxOddities   = 64        // of one session
	maxOddityText = 256 << 10 // of one session
)

// Oddity is something that a device did against the protocol and that did not
// end its session: noise before the hello, a reply that nobody asked for, a
// document type. It is a value that never changes.
type Oddity struct {
	At  time.Time
	Err error
	Raw []byte // the bytes concerned, at most the first 64 KiB; nil: none
}

// Cut reports whether there may be more than Raw has.
func (o Oddity) Cut() bool { return len(o.Raw) >= 64<<10 }

// Notes is the notifications of one row, sessions that it had before included:
// the last 100,000, or fewer when they are large. Those of many sessions share
// 128 MiB, and the session that holds most gives way. Its methods may be called
// concurrently.
type Notes struct {
	book  *notebook
	list  []*netconf.Notification // oldest first; guarded by book.mu, as is the rest
	bytes int
	first int64 // number of list[0], and so how many were forgotten
}

// notebook is the notifications of all sessions together.
type notebook struct {
	mu    sync.Mutex
	bytes int
	all   []*Notes // those that hold something
}

// NewNotes returns an empty ring that shares its limits with no other.
func NewNotes() *Notes { return &Notes{book: &notebook{}} }

// Add takes in the newest notification and forgets the oldest beyond the limits.
// x must not be changed any more.
func (n *Notes) Add(x *netconf.Notification) {
	b := n.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(n.list) == 0 {
		b.all = append(b.all, n)
	}
	n.list = append(n.list, x)
	n.bytes += costOf(x)
	b.bytes += costOf(x)
	for len(n.list) > 1 && (len(n.list) > maxNotes || n.bytes > maxNoteBytes) {
		n.forget()
	}
	for b.bytes > maxAllNoteBytes {
		most := slices.MaxFunc(b.all, func(x, y *Notes) int { return x.spare() - y.spare() })
		if most.spare() == 0 {
			return // every session keeps its newest
		}
		most.forget()
	}
}

// spare is how many bytes n could give up.
func (n *Notes) spare() int {
	if len(n.list) < 2 {
		return 0
	}
	return n.bytes
}

func costOf(x *netconf.Notification) int { return cap(x.Body) + noteCost }

// forget drops the oldest; book.mu is held.
func (n *Notes) forget() {
	cost := costOf(n.list[0])
	n.bytes -= cost
	n.book.bytes -= cost
	n.list[0] = nil
	n.list = n.list[1:]
	n.first++
}

// clear gives the room of all of them back.
func (n *Notes) clear() {
	b := n.book
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= n.bytes
	b.all = slices.DeleteFunc(b.all, func(o *Notes) bool { return o == n })
	n.first += int64(len(n.list))
	n.list, n.bytes = nil, 0
}

// Inherit takes over what o keeps, which came before: another row of the same
// device had it.
func (n *Notes) Inherit(o *Notes) {
	if o == nil || n == o || n.book != o.book {
		return
	}
	b := n.book
	b.mu.Lock()
	defer b.mu.Unlock()
	n.first += o.first
	if o.first = 0; len(o.list) == 0 {
		return
	}
	if len(n.list) == 0 {
		b.all = append(b.all, n)
	}
	n.list = append(o.list, n.list...)
	n.bytes += o.bytes
	b.all = slices.DeleteFunc(b.all, func(x *Notes) bool { return x == o })
	o.list, o.bytes = nil, 0
	for len(n.list) > 1 && (len(n.list) > maxNotes || n.bytes > maxNoteBytes) {
		n.forget()
	}
}

// Count returns how many notifications came, and how many of these, the oldest,
// have been dropped to make room. Those that are kept have the numbers from
// dropped to came-1.
func (n *Notes) Count() (came, dropped int64) {
	n.book.mu.Lock()
	defer n.book.mu.Unlock()
	return n.first + int64(len(n.list)), n.first
}

// At returns the notification of a number, nil when it is not kept. It is not to
// be changed.
func (n *Notes) At(number int64) *netconf.Notification {
	n.book.mu.Lock()
	defer n.book.mu.Unlock()
	if i := number - n.first; i >= 0 && i < int64(len(n.list)) {
		return n.list[i]
	}
	return nil
}

// oddities is the last ones of a row, oldest first.
type oddities struct {
	mu      sync.Mutex
	list    []Oddity
	bytes   int
	dropped int
}

func (o *oddities) add(x Oddity) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.list = append(o.list, x)
	o.bytes += len(x.Raw)
	for len(o.list) > maxOddities || o.bytes > maxOddityText {
		o.bytes -= len(o.list[0].Raw)
		o.list[0] = Oddity{}
		o.list = o.list[1:]
		o.dropped++
	}
}

// Notes returns the notifications of a row, nil when there is no such row.
func (m *Manager) Notes(id SessionID) *Notes {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.byID[id]; s != nil {
		return s.notes
	}
	return nil
}

// Oddities returns what the device of a row did against the protocol, oldest
// first: at most 64, with 256 KiB of text together. dropped is how many came
// before these.
func (m *Manager) Oddities(id SessionID) (list []Oddity, dropped int) {
	m.mu.Lock()
	s := m.byID[id]
	m.mu.Unlock()
	if s == nil {
		return nil, 0
	}
	s.odd.mu.Lock()
	defer s.odd.mu.Unlock()
	return slices.Clone(s.odd.list), s.odd.dropped
}
