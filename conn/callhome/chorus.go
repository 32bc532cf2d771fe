package callhome

import (
	"sync"
	"time"
)

// Chorus lets one of many like events through a minute and tells how many there
// were at its end: a scanner fills one line of the log with a count, not the
// whole log. Close ends it. Safe for concurrent use.
type Chorus[E any] struct {
	now  func() time.Time
	emit func(ev E, count int)

	mu     sync.Mutex
	seen   map[string]*verse[E]
	choirs map[string]*choir
	later  *time.Timer // tells what was only counted; nil when nothing was said
	closed bool
	wg     sync.WaitGroup // of later
}

// choir is those of one group that are told apart within a minute.
type choir struct {
	since time.Time
	names map[string]bool
}

type verse[E any] struct {
	since time.Time
	more  int
	last  E
}

const (
	refrain    = time.Minute
	mostVerses = 4096
)

// NewChorus makes one that gives events to emit, with how many alike there were
// since the last such one. emit must not call back.
func NewChorus[E any](now func() time.Time, emit func(ev E, count int)) *Chorus[E] {
	return &Chorus[E]{now: now, emit: emit, seen: map[string]*verse[E]{}, choirs: map[string]*choir{}}
}

// SayOf is Say for one who has a name within a group: up to few of a group are
// told apart in a minute, each with a line of its own; the others are counted
// together.
func (c *Chorus[E]) SayOf(ev E, group, name string, few int) {
	now := c.now()
	c.mu.Lock()
	g := c.choirs[group]
	if g == nil || now.Sub(g.since) >= refrain {
		if len(c.choirs) >= mostVerses {
			clear(c.choirs)
		}
		g = &choir{now, map[string]bool{}}
		c.choirs[group] = g
	}
	if g.names[name] || len(g.names) < few {
		g.names[name] = true
		group += "\x00" + name
	}
	c.mu.Unlock()
	c.Say(ev, group)
}

// Say emits ev unless one of the same key was emitted within the last minute,
// and then counts it.
func (c *Chorus[E]) Say(ev E, key string) {
	now := c.now()
	c.mu.Lock()
	c.arm()
	v := c.seen[key]
	if v != nil && now.Sub(v.since) < refrain {
		v.more++
		v.last = ev
		c.mu.Unlock()
		return
	}
	count := 1
	if v != nil {
		count += v.more
	}
	var lost []*verse[E]
	if v == nil && len(c.seen) >= mostVerses {
		lost = c.sweep()
	}
	c.seen[key] = &verse[E]{since: now, last: ev}
	c.mu.Unlock()
	for _, v := range lost {
		c.emit(v.last, v.more)
	}
	c.emit(ev, count)
}

// sweep forgets all verses and returns those that have uncounted events. The
// caller holds the lock.
func (c *Chorus[E]) sweep() []*verse[E] {
	var out []*verse[E]
	for _, v := range c.seen {
		if v.more > 0 {
			out = append(out, v)
		}
	}
	clear(c.seen)
	clear(c.choirs)
	return out
}

// flush emits what was counted and not yet told, and forgets the rest.
func (c *Chorus[E]) flush() {
	c.mu.Lock()
	lost := c.sweep()
	c.mu.Unlock()
	for _, v := range lost {
		c.emit(v.last, v.more)
	}
}

// tell emits what was counted and not yet told. A new minute begins for it: what
// goes on has one line a minute, its count, and not one more for the first of
// the next.
func (c *Chorus[E]) tell() {
	now := c.now()
	c.mu.Lock()
	var lost []verse[E]
	for key, v := range c.seen {
		switch {
		case v.more > 0:
			lost = append(lost, *v)
			v.since, v.more = now, 0
		case now.Sub(v.since) >= refrain:
			delete(c.seen, key)
		}
	}
	for group, g := range c.choirs {
		if now.Sub(g.since) >= refrain {
			delete(c.choirs, group)
		}
	}
	c.mu.Unlock()
	for _, v := range lost {
		c.emit(v.last, v.more)
	}
}

// arm has what is only counted told a minute from now; c.mu is held.
func (c *Chorus[E]) arm() {
	if c.later != nil || c.closed {
		return
	}
	c.wg.Add(1)
	c.later = time.AfterFunc(refrain, func() {
		defer c.wg.Done()
		c.mu.Lock()
		c.later = nil
		c.mu.Unlock()
		c.tell()
	})
}

// Close emits what was counted and not yet told, and returns when nothing more
// is told by itself.
func (c *Chorus[E]) Close() {
	c.mu.Lock()
	c.closed = true
	if c.later != nil && c.later.Stop() {
		c.wg.Done()
	}
	c.mu.Unlock()
	c.wg.Wait()
	c.flush()
}
