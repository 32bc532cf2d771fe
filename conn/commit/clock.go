package commit

import "time"

// Clock tells the time in two ways. The wall clock is what people read and what
// is written down; it may be set forward and back. The steady one counts evenly
// since the computer started, sleep included.
type Clock interface {
	// Now is the wall clock, without a monotonic reading.
	Now() time.Time
	// Steady is the time since the start of the computer that boot names. Two
	// readings can be compared when their boot is the same and not "".
	Steady() (boot string, since time.Duration)
}

// System is the clock of this computer. Where the system has no clock that goes
// on in sleep, boot is "" and the wall clock decides.
func System() Clock { return system{boot: bootID()} }

// Wall makes a clock of a wall clock alone.
func Wall(now func() time.Time) Clock { return wall{now} }

type system struct{ boot string }

func (system) Now() time.Time { return time.Now().Round(0) }

func (s system) Steady() (string, time.Duration) {
	since, ok := sinceBoot()
	if !ok {
		return "", 0
	}
	return s.boot, since
}

type wall struct{ now func() time.Time }

func (w wall) Now() time.Time                { return w.now().Round(0) }
func (wall) Steady() (string, time.Duration) { return "", 0 }

// moment is a point in time by both clocks.
type moment struct {
	Wall  time.Time     `json:"wall"`
	Boot  string        `json:"boot,omitempty"`
	Since time.Duration `json:"since,omitempty"`
}

func at(c Clock) moment {
	boot, since := c.Steady()
	return moment{c.Now(), boot, since}
}

// until is how long it is from now to m, and whether the wall clock was set in
// between by more than two seconds.
func (m moment) until(now moment) (left time.Duration, set bool) {
	left = m.Wall.Sub(now.Wall)
	if m.Boot == "" || m.Boot != now.Boot {
		return left, false
	}
	steady := m.Since - now.Since
	return steady, (steady - left).Abs() > 2*time.Second
}

func (m moment) add(d time.Duration) moment {
	return moment{m.Wall.Add(d), m.Boot, m.Since + d}
}
