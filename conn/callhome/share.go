package callhome

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// What listeners of another kind (conn/outbound) use too.

// Limiter counts connections and penalties by source. It is safe for
// concurrent use.
type Limiter struct{ l *limiter }

// NewLimiter makes a limiter without any connection or penalty.
func NewLimiter(b Budget, now func() time.Time) *Limiter {
	return &Limiter{newLimiter(b, now, rand.IntN)}
}

// Blame is how long a source is penalised for one thing that it did.
type Blame time.Duration

// The blames (security.md B3 T1).
const (
	ForGarbage Blame = Blame(blameGarbage)
	ForTimeout Blame = Blame(blameTimeout)
	ForSecret  Blame = Blame(blameSecret)
)

// Admit takes a connection into the count. A refusal names its reason; release
// must be called once the connection has proved itself or is closed, and may be
// called again.
func (l *Limiter) Admit(a netip.Addr) (release func(), refusal string) { return l.l.admit(a) }

// Blame adds a penalty, unless a device of that source has proved itself.
func (l *Limiter) Blame(a netip.Addr, b Blame) { l.l.blame(a, time.Duration(b)) }

// Prove clears a source: a known device there has shown who it is. gone ends
// that when the device's connection ends.
func (l *Limiter) Prove(a netip.Addr) (gone func()) {
	l.l.proved(a)
	return sync.OnceFunc(func() { l.l.gone(a) })
}

// Block refuses a source until the program ends, or no longer.
func (l *Limiter) Block(a netip.Addr, on bool) { l.l.blockSource(a, on) }

// Penalised counts the sources that are refused now.
func (l *Limiter) Penalised() int { return l.l.penalised() }

// Source is what is counted as one: an IPv4 address, an IPv6 /64.
func Source(a netip.Addr) netip.Prefix { return source(a) }

// Keep keeps addr bound until ctx ends: serve runs on each listener and returns
// when that one broke. told hears the address that is bound, with how often that
// was tried in vain before, or why it is not bound. Then it is tried again, with
// a pause that grows to 30 s, and told hears only of another reason.
func Keep(ctx context.Context, addr string, told func(bound net.Addr, err error, tries int), serve func(net.Listener) error) {
	const first, most = time.Second, 30 * time.Second
	tries, why := 0, ""
	for pause := first; ; pause = min(2*pause, most) {
		// Options of the socket are for callers that stay, not for each of a flood.
		nl, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", addr)
		if err == nil {
			told(nl.Addr(), nil, tries)
			tries, why = 0, ""
			stop := context.AfterFunc(ctx, func() { nl.Close() })
			err = serve(nl)
			stop()
			nl.Close()
			pause = first
		}
		if ctx.Err() != nil {
			return
		}
		tries++
		if err := listenFault(addr, err); err.Error() != why {
			why = err.Error()
			told(nil, err, tries)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Accept takes the next connection. When descriptors run out it waits a little
// instead of spinning, and tells short of each such wait.
func Accept(ctx context.Context, nl net.Listener, short func(error)) (net.Conn, error) {
	for nap := 5 * time.Millisecond; ; nap = min(2*nap, time.Second) {
		c, err := nl.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ECONNABORTED) {
			return c, err
		}
		short(err)
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(nap):
		}
	}
}
