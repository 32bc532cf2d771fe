package netconf

import (
	"context"
	"io"
	"sync"
	"time"
)

// call is one request on its way. Fields change hands: Do makes it, the writer
// goroutine sends it, the reader goroutine fills the outcome, and whoever ends
// it delivers: the reader, or who gave up waiting, whoever comes first.
type call struct {
	effect    Effect
	slow      bool // see Options.Slow
	body      []byte
	whole     bool   // body is an <rpc> of its own
	anonymous bool   // and has no message-id
	key       string // in Session.owed
	queued    int64  // session clock

	// gate is held while the reader uses out, scan and w, and by who gives up:
	// so w is never used after the outcome was delivered.
	gate sync.Mutex
	out  Outcome
	err  error
	w    io.Writer
	wErr error

	begun     bool      // guarded by Session.mu: bytes of it may have left
	sent      time.Time // guarded by Session.mu
	over      bool      // guarded by Session.mu: the reader delivers
	abandoned bool      // guarded by Session.mu to set, by gate to act on: somebody else does

	notify func(Outcome, error) // where the outcome goes
	answer *awaited             // or, when that is nil, here
}

// awaited is an outcome that somebody waits for. It does not change any more once
// done is closed.
type awaited struct {
	done chan struct{}
	out  Outcome
	err  error
}

// deliver hands over what became of c. It is called once for each call, without
// locks held.
func (c *call) deliver(out Outcome, err error) {
	if c.notify != nil {
		c.notify(out, err)
		return
	}
	c.answer.out, c.answer.err = out, err
	close(c.answer.done)
}

// wait returns when the outcome is delivered, or when ctx is done.
func (s *Session) wait(ctx context.Context, c *call) (Outcome, error) {
	a := c.answer
	select {
	case <-a.done:
	case <-ctx.Done():
		s.abandon(c, ctx.Err())
		<-a.done // by us, or by who was faster
	}
	return a.out, a.err
}

// abandon gives up waiting for c and delivers that, unless somebody does so
// already. If its reply is whole by now, that counts.
func (s *Session) abandon(c *call, err error) {
	s.mu.Lock()
	if c.over || c.abandoned {
		s.mu.Unlock()
		return
	}
	c.abandoned = true
	if !c.begun {
		s.unqueue(c)
		id := c.out.MessageID
		s.mu.Unlock()
		c.deliver(Outcome{MessageID: id, Result: NotSent}, err)
		return
	}
	id, sent := c.out.MessageID, c.sent
	s.mu.Unlock()

	out, cErr, free := c.look()
	switch {
	case !free:
		out = Outcome{MessageID: id}
		out.Flags = []*Fault{{Code: "RPC-SINK", What: "the receiver of the reply blocks and is still being written to"}}
	case !out.Ended.IsZero():
		out.Sent = sentAt(sent, out.First)
		c.deliver(out, cErr)
		return
	}
	out.Sent = sent
	out.Result, out.OK, out.Ended = interrupted(c.effect), false, time.Now()
	c.deliver(out, err)
}

// look returns what is known of an abandoned call so far. From then on the
// reader sees that it is abandoned. It reports false when the reader is held up
// by the caller's writer.
func (c *call) look() (out Outcome, err error, free bool) {
	const every = 2 * time.Millisecond
	var again *time.Ticker // the gate is nearly always free
	for waited := time.Duration(0); !c.gate.TryLock(); waited += every {
		if waited >= gateWait {
			return Outcome{}, nil, false
		}
		if again == nil {
			again = time.NewTicker(every)
			defer again.Stop()
		}
		<-again.C
	}
	defer c.gate.Unlock()
	return c.out, c.err, true
}

// sentAt is when a request left, given when its reply began: that can be earlier
// by our own clock.
func sentAt(sent, first time.Time) time.Time {
	if sent.IsZero() {
		return first
	}
	return sent
}

// interrupted is the result of a request that was sent and not answered.
func interrupted(e Effect) Result {
	if e.Alters() {
		return Unknown
	}
	return Stopped
}

// unqueue takes c out of the queue; the caller holds mu.
func (s *Session) unqueue(c *call) {
	for i, q := range s.queue {
		if q == c {
			s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
			if c.whole {
				s.ownIDs--
			}
			return
		}
	}
}
