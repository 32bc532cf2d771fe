package callhome

import (
	"net/netip"
	"sync"
	"time"
)

// Budget bounds what strangers may hold of us before they have proved anything
// (security.md B3 T1). Callers wait in two queues: those whose greeting has not
// come, which cost little, and those in a handshake, which cost CPU and are
// limited by Listener itself.
type Budget struct {
	Total     int // connections that have not proved themselves, 512
	Soft      int // from here on some are dropped, more the fuller it is, 256
	PerSource int // of one IPv4 address or one IPv6 /64, 32
	Sources   int // sources whose penalties are remembered, 4096
}

func (b *Budget) defaults() {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	def(&b.Total, 512)
	def(&b.Soft, b.Total/2)
	def(&b.PerSource, 32)
	def(&b.Sources, 4096)
}

// Penalties for what a source did, in the manner of OpenSSH: they add up, bite
// from fifteen seconds on and never last longer than ten minutes.
const (
	blameGarbage = 5 * time.Second
	blameTimeout = 10 * time.Second
	blameSecret  = 30 * time.Second
	blameKey     = 60 * time.Second

	bites   = 15 * time.Second
	longest = 600 * time.Second
)

// limiter counts connections and penalties by source. It is safe for concurrent use.
type limiter struct {
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

func newLimiter(b Budget, now func() time.Time, chance func(int) int) *limiter {
	b.defaults()
	return &limiter{budget: b, now: now, chance: chance, per: map[netip.Prefix]int{}, until: map[netip.Prefix]time.Time{},
		block: map[netip.Prefix]bool{}, proven: map[netip.Prefix]int{}, known: map[netip.Prefix]bool{}}
}

// source is what is counted as one: an IPv4 address, an IPv6 /64.
func source(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

// admit takes a connection into the count. A refusal names its reason; release
// must be called once when the connection has proved itself or is closed.
func (l *limiter) admit(a netip.Addr) (release func(), refusal string) {
	src := source(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.block[src]:
		return nil, "blocked"
	case l.until[src].Sub(l.now()) >= bites:
		return nil, "penalised"
	case l.total >= l.budget.Total:
		return nil, "full"
	case l.per[src] >= l.budget.PerSource && !l.known[src]:
		return nil, "too many from this source"
	case l.total >= l.budget.Soft && !l.known[src] && l.chance(l.budget.Total-l.budget.Soft) < l.total-l.budget.Soft+1:
		return nil, "nearly full"
	}
	l.total++
	l.per[src]++
	var once sync.Once
	return func() {
		once.Do(func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.total--
			if l.per[src]--; l.per[src] == 0 {
				delete(l.per, src)
			}
		})
	}, ""
}

// blame adds a penalty.
func (l *limiter) blame(a netip.Addr, d time.Duration) {
	src, now := source(a), l.now()
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
	if end := now.Add(longest); from.Add(d).After(end) {
		l.until[src] = end
	} else {
		l.until[src] = from.Add(d)
	}
}

// forget makes room for one more penalty: of a few, by chance, those that are
// over go, and else the one that ends first. Looking at all of them for each
// stranger would be the flood's work.
func (l *limiter) forget(now time.Time) {
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

// proved clears a source: a device there has shown its key and was let in. It
// holds until gone is called, when the device's link ends; after it the source
// is still let in ahead of strangers, as after an outage all devices call at
// once.
func (l *limiter) proved(a netip.Addr) {
	src := source(a)
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
}

// gone ends one proved of a source.
func (l *limiter) gone(a netip.Addr) {
	src := source(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.proven[src]--; l.proven[src] == 0 {
		delete(l.proven, src)
	}
}

// Block refuses a source until the program ends.
func (l *limiter) blockSource(a netip.Addr, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on {
		l.block[source(a)] = true
	} else {
		delete(l.block, source(a))
	}
}

// penalised counts the sources that are refused now.
func (l *limiter) penalised() int {
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
