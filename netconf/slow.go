package netconf

import "time"

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

// limit is the silence after which c is given up; the caller holds mu. A device
// answers in the order of the requests, so one that waits behind a slow request
// may take as long, also when nobody waits for the slow one any more.
func (s *Session) limit(c *call) time.Duration {
	if c.slow {
		return s.o.Slow
	}
	for _, o := range s.owed {
		if o.slow && o.queued <= c.queued {
			return s.o.Slow
		}
	}
	return s.o.FirstByte
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
