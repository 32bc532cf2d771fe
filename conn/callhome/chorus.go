package callhome

import (
	"sync"
	"time"
)

// chorus lets one of many like events through a minute: a scanner fills one
// line of the log with a count, not the whole log.
type chorus struct {
	now  func() time.Time
	emit func(Event)

	mu   sync.Mutex
	seen map[string]*verse
}

type verse struct {
	since time.Time
	more  int
	last  Event
}

const (
	refrain    = time.Minute
	mostVerses = 4096
)

func newChorus(now func() time.Time, emit func(Event)) *chorus {
	return &chorus{now: now, emit: emit, seen: map[string]*verse{}}
}

// say emits ev unless one of the same key was emitted within the last minute,
// and then counts it.
func (c *chorus) say(ev Event, key string) {
	ev.Time = c.now()
	c.mu.Lock()
	v := c.seen[key]
	if v != nil && ev.Time.Sub(v.since) < refrain {
		v.more++
		v.last = ev
		c.mu.Unlock()
		return
	}
	ev.Count = 1
	if v != nil {
		ev.Count += v.more
	}
	var lost []Event
	if v == nil && len(c.seen) >= mostVerses {
		lost = c.sweep()
	}
	c.seen[key] = &verse{since: ev.Time, last: ev}
	c.mu.Unlock()
	for _, e := range append(lost, ev) {
		c.emit(e)
	}
}

// sweep forgets all verses and returns those that have uncounted events. The
// caller holds the lock.
func (c *chorus) sweep() []Event {
	var out []Event
	for _, v := range c.seen {
		if v.more > 0 {
			v.last.Count = v.more
			out = append(out, v.last)
		}
	}
	clear(c.seen)
	return out
}

// flush emits what was counted and not yet told.
func (c *chorus) flush() {
	c.mu.Lock()
	lost := c.sweep()
	c.mu.Unlock()
	for _, e := range lost {
		c.emit(e)
	}
}
