package callhome

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"
)

// Budget bounds what strangers may hold of us before they have proved anything
// (security.md B3 T1). One that waits for its turn costs about 6 KiB over SSH; 500
// devices that call at once after an outage are all let in.
type Budget struct {
	Total     int // connections that have not proved themselves, 1,024
	Soft      int // from here on some are dropped, more the fuller it is; five eighths of Total
	PerSource int // of one IPv4 address or one IPv6 /64, 32
	Sources   int // sources whose penalties are remembered, 4096
}

func (b *Budget) defaults() {
	b.Total = cmp.Or(b.Total, 1024)
	b.Soft = cmp.Or(b.Soft, b.Total*5/8)
	b.PerSource = cmp.Or(b.PerSource, 32)
	b.Sources = cmp.Or(b.Sources, 4096)
}

// Blame is how long a source is penalised for one thing that it did, in the
// manner of OpenSSH: blames add up, bite from fifteen seconds on and never last
// longer than ten minutes.
type Blame time.Duration

// The blames (security.md B3 T1).
const (
	ForGarbage = Blame(5 * time.Second)
	ForTimeout = Blame(10 * time.Second)
	ForSecret  = Blame(30 * time.Second)
	ForKey     = Blame(60 * time.Second)
)

const (
	bites   = 15 * time.Second
	longest = 600 * time.Second
)

// Limiter counts connections and penalties by source. It is safe for concurrent
// use.
type Limiter struct {
	budget Budget
	now    func() time.Time
	chance func(n int) int // 0 <= chance(n) < n

	mu     sync.Mutex
	total  int
	per    map[netip.Prefix]int
	until  map[netip.Prefix]time.Time // end of the penalty
	block  map[netip.Prefix]bool      // by a person
	proven map[netip.Prefix]int       // devices of that source that proved themselves and are connected
	known  map[netip.Prefix]bool      // sources where devices proved themselves in this run
}

// NewLimiter makes a limiter without any connection or penalty.
func NewLimiter(b Budget, now func() time.Time) *Limiter {
	b.defaults()
	return &Limiter{budget: b, now: now, chance: rand.IntN, per: map[netip.Prefix]int{}, until: map[netip.Prefix]time.Time{},
		block: map[netip.Prefix]bool{}, proven: map[netip.Prefix]int{}, known: map[netip.Prefix]bool{}}
}

// Source is what is counted as one: an IPv4 address, an IPv6 /64.
func Source(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// Refusals that say more than that there is no room.
const (
	blocked   = "blocked"
	penalised = "penalised"
)

// Admit takes a connection into the count. A refusal names its reason; release
// must be called once the connection has proved itself or is closed, and may be
// called again.
func (l *Limiter) Admit(a netip.Addr) (release func(), refusal string) {
	src := Source(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.block[src]:
		return nil, blocked
	case l.until[src].Sub(l.now()) >= bites:
		return nil, penalised
	case l.total >= l.budget.Total:
		return nil, "full"
	case l.per[src] >= l.budget.PerSource && !l.known[src]:
		return nil, "too many from this source"
	case l.total >= l.budget.Soft && !l.known[src] && l.chance(l.budget.Total-l.budget.Soft) < l.total-l.budget.Soft+1:
		return nil, "nearly full"
	}
	l.total++
	l.per[src]++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.total--
		if l.per[src]--; l.per[src] == 0 {
			delete(l.per, src)
		}
	}), ""
}

// Blame adds a penalty, unless a device of that source has proved itself.
func (l *Limiter) Blame(a netip.Addr, b Blame) {
	src, now := Source(a), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proven[src] > 0 {
		return // behind the same NAT as a device that proved itself
	}
	delete(l.known, src)
	if len(l.until) >= l.budget.Sources {
		l.forget(now)
	}
	from := l.until[src]
	if from.Before(now) {
		from = now
	}
	until := from.Add(time.Duration(b))
	if end := now.Add(longest); until.After(end) {
		until = end
	}
	l.until[src] = until
}

// forget makes room for one more penalty: of a few, by chance, those that are
// over go, and else the one that ends first. Looking at all of them for each
// stranger would be the flood's work.
func (l *Limiter) forget(now time.Time) {
	const few = 16
	var first netip.Prefix
	n := 0
	for src, t := range l.until {
		if t.Before(now) {
			delete(l.until, src)
		} else if !first.IsValid() || t.Before(l.until[first]) {
			first = src
		}
		if n++; n == few {
			break
		}
	}
	if len(l.until) >= l.budget.Sources {
		delete(l.until, first)
	}
}

// Prove clears a source: a device there has shown who it is and was let in. That
// holds until gone is called, when the device's connection ends, and gone may be
// called again; after it the source is still let in ahead of strangers, as after
// an outage all devices call at once.
func (l *Limiter) Prove(a netip.Addr) (gone func()) {
	src := Source(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.until, src)
	l.proven[src]++
	if len(l.known) >= l.budget.Sources {
		for old := range l.known { // any one
			delete(l.known, old)
			break
		}
	}
	l.known[src] = true
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.proven[src]--; l.proven[src] == 0 {
			delete(l.proven, src)
		}
	})
}

// Block refuses a source until the program ends, or no longer.
func (l *Limiter) Block(a netip.Addr, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on {
		l.block[Source(a)] = true
	} else {
		delete(l.block, Source(a))
	}
}

// Penalised counts the sources that are refused now.
func (l *Limiter) Penalised() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.block)
	for _, t := range l.until {
		if t.Sub(l.now()) >= bites {
			n++
		}
	}
	return n
}
