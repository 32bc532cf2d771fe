package netconf

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// The session is given up when a message stops half way (stall), a request when
// no reply begins (limit). Both count on the session's clock.

// slow reports operations that a device may think about for minutes before and
// while it answers: those that check or install a whole configuration. They
// have a time-out of their own, Options.Slow.
func slow(name string) bool {
	switch name {
	case "commit", "cancel-commit", "validate", "commit-configuration":
		return true
	}
	return false
}

// limit is the silence after which c is given up. A device answers in the order
// of the requests, so one that waits behind a slow request may take as long, also
// when nobody waits for the slow one any more.
func (s *Session) limit(c *call, slowSince int64) time.Duration {
	if c.slow || slowSince <= c.queued {
		return s.o.Slow
	}
	return s.o.FirstByte
}

// slowSince is when the first slow request was queued that the device has not
// answered; the caller holds mu.
func (s *Session) slowSince() int64 {
	first := int64(math.MaxInt64)
	for _, c := range s.owed {
		if c.slow {
			first = min(first, c.queued)
		}
	}
	return first
}

// patience is how much longer c may wait, given its limit. Silence counts from the request or
// from the last byte of any reply, for devices answer one after another; it
// does not count while a caller's writer holds up the reader. A reply that stops
// half way ends the session and is told as that (checkStall), except one to a
// slow request, whose session stays for longer than anybody waits. The caller
// holds mu.
func (s *Session) patience(c *call, limit time.Duration) time.Duration {
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
	slowSince := s.slowSince()
	look := func(c *call) {
		if c.abandoned {
			return
		}
		limit := s.limit(c, slowSince)
		left := s.patience(c, limit)
		if left <= 0 {
			late, limits = append(late, c), append(limits, limit)
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

// stall is the silence inside a message after which the session is given up.
// Inside the answer to a slow request that is later than nobody waits for it any
// more: the end of the session can undo what the device works on.
func (s *Session) stall() time.Duration {
	if s.steady.Load() {
		return 2 * s.o.Slow
	}
	return s.o.Stall
}

func (s *Session) stallFault() error {
	return &Fault{
		Code: "FRM-STALL",
		What: fmt.Sprintf("%s and then %v of silence", s.t.position(), s.stall()),
		Kept: "what came is kept",
		Do:   "connect again; if it happens again, raise the time-out for this device",
		Err:  errStalled,
	}
}

var errStalled = errors.New("the device stopped in the middle of a message")

// watchStall has checkStall run in time. Its timer is left running between
// messages, which costs less than setting it for each.
func (s *Session) watchStall() {
	if !s.watched.Swap(true) {
		s.watch.Reset(s.o.Stall)
	}
}

// checkStall runs when a message may have been under way for a while. Only
// silence of the device ends the session; a caller's writer that blocks is
// reported.
func (s *Session) checkStall() {
	s.watched.Store(false)
	if !s.inside.Load() {
		return // a message that begins from now on sees watched
	}
	heard := s.heard.Load()
	limit := s.stall()
	left := limit - time.Duration(s.clock()-heard)
	switch {
	case heard == busy:
		_ = guard(func() error {
			s.fault(&Fault{Code: "RPC-SINK", What: fmt.Sprintf("the receiver of a reply has blocked for up to %v; the session waits for it", limit)}, nil)
			return nil
		})
		left = limit
	case left <= 0:
		s.stalled.Store(true)
		s.t.Close() // the reader notices and ends the session
		return
	}
	if !s.watched.Swap(true) {
		s.watch.Reset(min(left, s.o.Stall)) // the next message may have less time
	}
}
