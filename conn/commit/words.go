package commit

import (
	"fmt"
	"strings"
	"time"
)

// span is a length of time in words: "5 min", "90 s", "2 h 5 min".
func span(d time.Duration) string {
	d = d.Round(time.Second)
	h, m, s := d/time.Hour, d%time.Hour/time.Minute, d%time.Minute/time.Second
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%d h %d min", h, m)
	case h > 0:
		return fmt.Sprintf("%d h", h)
	case m > 1 && s == 0 || m >= 10:
		return fmt.Sprintf("%d min", m)
	case m == 1 && s == 0:
		return "1 min"
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

// short is a length of time of a few seconds.
func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return span(d)
}

// Countdown is a length of time as a clock shows it: "08:41", "1:02:03". It is
// rounded up, so that it shows 00:00 only when the time is over.
func Countdown(d time.Duration) string {
	s := max(0, int64((d+time.Second-1)/time.Second))
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

func clock(t time.Time) string { return t.Local().Format("15:04:05") }

func edits(n int) string {
	if n == 1 {
		return "1 edit"
	}
	return fmt.Sprintf("%d edits", n)
}

func are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Words says who holds the lock: "lock on candidate held by session 4711
// (yours, dropped 10:32:05)".
func (l Lock) Words() string {
	switch {
	case l.Ours:
		return fmt.Sprintf("lock on %s held by this session", l.Store)
	case !l.Former.IsZero():
		return fmt.Sprintf("lock on %s held by session %d (yours, dropped %s)", l.Store, l.Session, clock(l.Former))
	case l.Session == 0:
		return fmt.Sprintf("lock on %s held by something that is no NETCONF session", l.Store)
	}
	return fmt.Sprintf("lock on %s held by %s", l.Store, who(l))
}

func who(l Lock) string {
	s := fmt.Sprintf("session %d", l.Session)
	var by []string
	if l.User != "" {
		by = append(by, fmt.Sprintf("%q", l.User))
	}
	if l.From != "" {
		by = append(by, fmt.Sprintf("from %q", l.From))
	}
	if len(by) > 0 {
		s += " (" + strings.Join(by, " ") + ")"
	}
	return s
}

// Note says where p stands, in words, for a device that is reached by session
// (0: none is open).
func (c *Control) Note(p Pending, session uint32) string {
	left, set := c.Left(p)
	var s string
	tied := p.Tied()
	ended := tied && session != p.Session
	switch {
	case ended && left > 0:
		s = fmt.Sprintf("The session that sent the confirmed commit has ended: %s must have rolled back. Verify: not every device does.", p.Device)
	case left <= 0:
		s = fmt.Sprintf("Expired %s ago: verify.", ago(-left))
	default:
		s = fmt.Sprintf("Rolls back in %s unless confirmed.", Countdown(left))
	}
	switch p.Phase {
	case Sent:
		s += " The answer to the confirmed commit is not known; the time is counted from when it was sent."
	case Doubtful:
		s += " " + p.Doubt
	case RefusedPhase:
		s += fmt.Sprintf(" %s answered it with an error. Some devices arm the roll-back all the same: roll back now to be sure, or verify.", p.Device)
	case Armed:
		if p.Reason != "" {
			s += fmt.Sprintf(" The device refused: %q.", p.Reason)
		}
	}
	if !ended && left > 0 && tied {
		s += " Losing the session undoes it."
	}
	if set {
		s += " The clock of this computer was set meanwhile; the time left does not depend on it."
	}
	return s
}

func ago(d time.Duration) string {
	if d < time.Second {
		return "0 s"
	}
	if d >= 2*time.Minute {
		d = d.Truncate(time.Minute)
	}
	return span(d)
}
