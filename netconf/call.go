package netconf

import (
	"context"
	"fmt"
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

// patience is how much longer c may wait. Silence counts from the request or
// from the last byte of any reply, for devices answer one after another; it
// does not count while a caller's writer holds up the reader. A reply that stops
// half way ends the session and is told as that (checkStall), except one to a
// slow request, whose session stays for longer than anybody waits. The caller
// holds mu.
func (s *Session) patience(c *call) time.Duration {
	limit := s.limit(c)
	heard := s.heard.Load()
	if heard == busy {
		return limit
	}
	last := max(c.queued, s.replied.Load())
	left := limit - time.Duration(s.clock()-last)
	if left <= 0 && s.reply.Load() && !s.steady.Load() {
		return limit
	}
	return left
}

// expectReply has checkSilence run in time; the caller holds mu.
func (s *Session) expectReply() {
	if s.armed || s.ended {
		return
	}
	s.armed = true
	if s.silence == nil {
		s.silence = time.AfterFunc(s.o.FirstByte, s.checkSilence)
		return
	}
	s.silence.Reset(s.o.FirstByte)
}

// checkSilence gives up the requests for which the device has been silent for
// too long. One timer serves all of them; it rests when nothing waits.
func (s *Session) checkSilence() {
	var late []*call
	var limits []time.Duration
	next := time.Duration(0)
	s.mu.Lock()
	look := func(c *call) {
		if c.abandoned {
			return
		}
		left := s.patience(c)
		if left <= 0 {
			late, limits = append(late, c), append(limits, s.limit(c))
		} else if next == 0 || left < next {
			next = left
		}
	}
	for _, c := range s.owed {
		look(c)
	}
	for _, c := range s.queue {
		look(c)
	}
	if s.armed = next > 0 && !s.ended; s.armed {
		s.silence.Reset(min(next, s.o.FirstByte)) // what is sent meanwhile may have less time
	}
	s.mu.Unlock()
	for i, c := range late {
		if err := guard(func() error { s.abandon(c, silenceFault(c, limits[i])); return nil }); err != nil {
			s.blame(err)
		}
	}
}

func silenceFault(c *call, limit time.Duration) error {
	f := &Fault{
		Code: "RPC-TIMEOUT",
		What: fmt.Sprintf("no reply in %v of silence", limit),
		Kept: "the session stays open; a late reply is discarded",
		Do:   "raise the time-out for this device, or ask for less",
		Err:  context.DeadlineExceeded,
	}
	if c.slow {
		f.Do = "read running: the device answers that when it has finished; raise commit_timeout for this device"
	}
	return f
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

// batchSize bounds the requests that leave in one Write, so that those behind
// can still be taken back.
const batchSize = 16 << 10

// frameCost is about what a request takes beside its body: <rpc> and framing.
const frameCost = 100

// holder is a transport that can gather several small messages for one Write.
type holder interface {
	hold()
	release() error
	rest()
}

// nudger is a transport that can send a byte between messages.
type nudger interface{ nudge() }

// nudgeAfter is how long the first request of a session may stay without an
// answer before the device is nudged.
const nudgeAfter = time.Second

// wake nudges a device that has not answered anything yet. Some (yuma123) leave a
// request lying that they read together with our hello until one more byte
// comes. The byte is a line feed, which may stand between messages, and with
// chunks is the first of the next header: nothing is sent twice by it.
func (s *Session) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.replied.Load() != 0 || len(s.owed) == 0 {
		return
	}
	s.nudging = true
	if !s.writing {
		s.writing = true
		s.writer.Add(1)
		go s.write() // ends when the queue is empty, or with the transport
	}
}

// write sends what is queued, all of it in as few Writes as possible, and ends
// when nothing is left.
func (s *Session) write() {
	defer s.writer.Done()
	var batch []*call
	var scratch []byte
	h, gathers := s.t.(holder)
	held := false
	for {
		s.mu.Lock()
		batch = s.nextBatch(batch[:0])
		if len(batch) == 0 && s.nudging && !s.ended {
			s.nudging = false
			s.mu.Unlock()
			if n, ok := s.t.(nudger); ok {
				n.nudge() // a failed write shows at the next one
			}
			continue
		}
		if len(batch) == 0 {
			if held {
				h.rest()
			}
			s.writing = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if gathers && len(batch) > 1 && !held {
			held = true
			h.hold()
		}
		err := guard(func() error {
			for _, c := range batch {
				if err := s.sendOne(c, &scratch); err != nil {
					return err
				}
			}
			if held {
				return h.release()
			}
			return nil
		})
		now := time.Now()
		s.mu.Lock()
		for _, c := range batch {
			c.sent = now
		}
		s.mu.Unlock()
		if err != nil {
			s.t.Close() // the reader sees it and ends the session
			s.mu.Lock()
			if s.err == nil {
				s.err = err
			}
			s.writing = false
			s.mu.Unlock()
			return
		}
	}
}

// nextBatch takes from the queue what shall leave together; the caller holds
// mu. When the session has ended its end answers what is queued.
func (s *Session) nextBatch(batch []*call) []*call {
	if s.ended {
		return batch
	}
	size := 0
	for len(batch) < len(s.queue) && size < batchSize {
		c := s.queue[len(batch)]
		c.begun = true
		s.owed[c.key] = c
		size += frameCost + len(c.body)
		if c.whole {
			s.ownIDs--
		}
		batch = append(batch, c)
	}
	n := copy(s.queue, s.queue[len(batch):])
	clear(s.queue[n:])
	if s.queue = s.queue[:n]; n == 0 && cap(s.queue) > 16 {
		s.queue = nil
	}
	return batch
}

// sendOne writes the request: byte for byte when it is whole, else inside an
// <rpc>, behind its XML declaration if it has one. scratch is reused.
func (s *Session) sendOne(c *call, scratch *[]byte) error {
	m, err := s.t.NewMessage()
	if err != nil {
		return err
	}
	b := c.body
	if !c.whole {
		decl := declaration(c.body)
		head := append((*scratch)[:0], c.body[:decl]...)
		head = append(head, `<rpc message-id="`...)
		head = append(head, c.out.MessageID...)
		head = append(head, `" xmlns="`+BaseNS+`">`...)
		*scratch, b = head, c.body[decl:]
		if len(b) < smallBuf {
			head = append(append(head, b...), "</rpc>"...)
			*scratch, b = head, nil
		}
		_, err = m.Write(head)
	}
	if err == nil && b != nil {
		_, err = m.Write(b)
		if err == nil && !c.whole {
			_, err = io.WriteString(m, "</rpc>")
		}
	}
	if err != nil {
		return err
	}
	return m.Close()
}

// declaration is the length of a byte order mark and an XML declaration that
// body begins with; they stay in front of the <rpc>.
func declaration(body []byte) int {
	t := tokens{b: body}
	if len(body) >= 3 && string(body[:3]) == "\ufeff" {
		t.off = 3
	}
	for {
		start := t.off
		tok, ok := t.next()
		switch {
		case ok && tok.kind == tokText && blankText(tok.text):
		case ok && tok.kind == tokPI && len(tok.text) > 3 && string(tok.text[:3]) == "xml":
			return t.off
		default:
			if start == 3 && string(body[:3]) == "\ufeff" {
				return 3
			}
			return 0
		}
	}
}

func blankText(b []byte) bool {
	for _, c := range b {
		if !blank(c) {
			return false
		}
	}
	return true
}
