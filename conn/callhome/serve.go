package callhome

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"dialtone/keys"
)

// binding is one address that we listen on, or try to.
type binding struct {
	addr  string
	terms Terms
	ctx   context.Context // ends with Stop
	stop  context.CancelFunc
	over  chan struct{} // closed when the address is free again
	at    net.Addr      // as bound, nil while it is down; guarded by Listener.mu

	accepted, refused, waiting atomic.Int64
}

// Counts are what became of the callers of one address.
type Counts struct{ Accepted, Refused, Waiting int }

// serve keeps one address bound and takes who calls there.
func (l *Listener) serve(b *binding) {
	Keep(b.ctx, b.addr, func(at net.Addr, err error, tries int) {
		if err != nil {
			l.bind(b, nil)
			l.emit(Event{Kind: Down, On: b.addr, Err: err, Count: tries})
			return
		}
		l.bind(b, at)
		l.emit(Event{Kind: Listening, On: b.addr, Addr: at.String(), Count: tries})
	}, func(nl net.Listener) error {
		return l.accept(b, Fence(nl, b.terms.Only, func(from netip.AddrPort) {
			b.refused.Add(1)
			l.hush(Event{Kind: Refused, On: b.addr, Caller: Caller{From: from}, Err: Outside()}, Source(from.Addr()).String()+"outside")
		}))
	})
	l.bind(b, nil)
	l.emit(Event{Kind: Stopped, On: b.addr})
}

// bind notes where an address is bound; nil while it is down.
func (l *Listener) bind(b *binding, at net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b.at = at
}

// accept takes connections until the socket breaks.
func (l *Listener) accept(b *binding, nl net.Listener) error {
	for {
		c, err := Accept(b.ctx, nl, func(err error) {
			l.hush(Event{Kind: Refused, On: b.addr, Err: err}, "files")
		})
		if err != nil {
			return err
		}
		l.take(b, c)
	}
}

// hush emits an event unless there were many alike within the last minute; then
// it is counted, and told at the end of the minute. Callers that said or showed
// who they are have each an event of their own, as many of one source as may
// wait at once: whoever waits for one of them must see its end when it comes.
func (l *Listener) hush(ev Event, key string) {
	who := ev.Caller.Claim
	if k := ev.Caller.Key; k != nil {
		who += " " + ssh.FingerprintSHA256(k)
	}
	ev.Time = l.o.Now()
	l.quiet.SayOf(ev, key, who, l.near())
}

// take decides in the accept loop whether a connection may stay, and gives it a
// goroutine if so.
func (l *Listener) take(b *binding, c net.Conn) {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	release, refusal := l.limit.Admit(from.Addr())
	if refusal != "" {
		b.refused.Add(1)
		Reset(c)
		l.hush(Event{Kind: Refused, On: b.addr, Caller: Caller{From: from}, Err: Busy(refusal)}, Source(from.Addr()).String()+refusal)
		return
	}
	l.mu.Lock()
	l.lastID++
	v := &visit{l: l, on: b, from: from, decide: make(chan decision, 1)}
	v.caller = Caller{ID: l.lastID, On: b.addr, From: from, Since: l.o.Now()}
	l.mu.Unlock()
	l.wg.Add(1)
	go func() { // ends when the caller is admitted, refused or gone, or with Close
		defer l.wg.Done()
		defer release()
		done := false
		defer func() {
			if !done {
				c.Close()
			}
		}()
		l.guard("caller", func() { done = l.visit(v, c) })
	}()
}

// visit runs one caller to its end and reports it. It returns true when the
// connection has a new owner.
func (l *Listener) visit(v *visit, c net.Conn) bool {
	lk, t, err := v.run(v.on.ctx, c)
	caller := v.snapshot()
	if err == nil {
		v.on.accepted.Add(1)
		// Whoever has the link closes it at its end.
		lk.ReadWriteCloser = &leaving{lk.ReadWriteCloser, l.limit.Prove(v.from.Addr())}
		l.emit(Event{Kind: Admitted, On: v.on.addr, Caller: caller, Target: t, Link: lk})
		return true
	}
	if l.o.Left != nil {
		l.o.Left(caller)
	}
	var b blamed
	if errors.As(err, &b) {
		l.limit.Blame(v.from.Addr(), b.blame)
		err = b.error
	}
	if v.on.ctx.Err() != nil {
		if caller.Key == nil {
			return false
		}
		err = &keys.Fault{Code: "LSN-STOPPED", What: "the listener was stopped while the caller waited"}
	}
	if !errors.Is(err, ErrCallAgain) {
		v.on.refused.Add(1)
	}
	var f *keys.Fault
	key := Source(v.from.Addr()).String()
	if errors.As(err, &f) {
		key += f.Code
	}
	ev := Event{Kind: Refused, On: v.on.addr, Caller: caller, Target: t, Err: err}
	if v.wasLet() { // whoever let it in waits for what becomes of it
		ev.Count = 1
		l.emit(ev)
	} else {
		l.hush(ev, key)
	}
	return false
}

// leaving is a link that tells its end to the limiter.
type leaving struct {
	io.ReadWriteCloser
	gone func()
}

func (c *leaving) Close() error {
	c.gone()
	return c.ReadWriteCloser.Close()
}
