package netconf

import (
	"context"
	"fmt"
	"io"
	"time"
)

// call is one request on its way. Fields change hands: Do makes it, the writer
// goroutine sends it, the reader goroutine fills the outcome and closes done.
// After done is closed nothing changes.
type call struct {
	effect    Effect
	body      []byte
	whole     bool   // body is an <rpc> of its own
	anonymous bool   // and has no message-id
	key       string // in Session.owed
	queued    int64  // session clock
	done      chan struct{}

	// gate is held while the reader uses out, scan and w, and by Do when it
	// gives up: so w is never used after Do has returned.
	gate      chan struct{}
	abandoned bool // guarded by Session.mu to set, by gate to act on
	out       Outcome
	err       error
	w         io.Writer
	wErr      error

	begun bool      // guarded by Session.mu: bytes of it may have left
	sent  time.Time // guarded by Session.mu
}

// wait returns when the reply is complete, the session has ended, ctx is done
// or the device has been silent for too long.
func (s *Session) wait(ctx context.Context, c *call) (Outcome, error) {
	silence := time.NewTimer(s.o.FirstByte)
	defer silence.Stop()
	for {
		select {
		case <-c.done:
			return c.out, c.err
		case <-ctx.Done():
			return s.abandon(c, ctx.Err())
		case <-silence.C:
			if left := s.patience(c); left > 0 {
				silence.Reset(left)
				continue
			}
			return s.abandon(c, &Fault{
				Code: "RPC-TIMEOUT",
				What: fmt.Sprintf("no reply in %v of silence", s.o.FirstByte),
				Kept: "the session stays open; a late reply is discarded",
				Do:   "raise the time-out for this device, or ask for less",
				Err:  context.DeadlineExceeded,
			})
		}
	}
}

// patience is how much longer c may wait. Silence counts from the request or
// from the last byte of any reply, for devices answer one after another; it
// does not count while a caller's writer holds up the reader.
func (s *Session) patience(c *call) time.Duration {
	heard := s.heard.Load()
	if heard == busy {
		return s.o.FirstByte
	}
	last := max(c.queued, s.replied.Load())
	return s.o.FirstByte - time.Duration(s.clock()-last)
}

// abandon gives up waiting for c. If its reply is whole by now, that counts.
func (s *Session) abandon(c *call, err error) (Outcome, error) {
	s.mu.Lock()
	select {
	case <-c.done:
		s.mu.Unlock()
		return c.out, c.err
	default:
	}
	if !c.begun {
		s.unqueue(c)
		s.mu.Unlock()
		return Outcome{MessageID: c.out.MessageID, Result: NotSent}, err
	}
	c.abandoned = true
	id, sent := c.out.MessageID, c.sent
	s.mu.Unlock()

	wait := time.NewTimer(gateWait)
	defer wait.Stop()
	var out Outcome
	select {
	case <-c.done:
		return c.out, c.err
	case c.gate <- struct{}{}:
		out = c.out
		<-c.gate // from now on the reader sees abandoned
	case <-wait.C:
		out.MessageID = id
		out.Flags = []*Fault{{Code: "RPC-SINK", What: "the receiver of the reply blocks and is still being written to"}}
	}
	out.Sent = sent
	out.Result, out.OK, out.Ended = interrupted(c.effect), false, time.Now()
	return out, err
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
const batchSize = 64 << 10

// holder is a transport that can gather several small messages for one Write.
type holder interface {
	hold()
	release() error
	rest()
}

// write sends what is queued, all of it in as few Writes as possible, and ends
// when nothing is left.
func (s *Session) write() {
	defer s.writer.Done()
	var batch []*call
	h, gathers := s.t.(holder)
	held := false
	for {
		s.mu.Lock()
		batch = s.nextBatch(batch[:0])
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
				if err := s.sendOne(c); err != nil {
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
		size += len(c.body)
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
// <rpc>, behind its XML declaration if it has one.
func (s *Session) sendOne(c *call) error {
	m, err := s.t.NewMessage()
	if err != nil {
		return err
	}
	decl := 0
	if !c.whole {
		decl = declaration(c.body)
		if _, err = m.Write(c.body[:decl]); err == nil {
			_, err = io.WriteString(m, `<rpc message-id="`+c.out.MessageID+`" xmlns="`+BaseNS+`">`)
		}
	}
	if err == nil {
		_, err = m.Write(c.body[decl:])
	}
	if err == nil && !c.whole {
		_, err = io.WriteString(m, "</rpc>")
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
