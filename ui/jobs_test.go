package ui

import (
	"slices"
	"testing"
	"time"
)

func TestSleepLocksAndProbes(t *testing.T) {
	t.Parallel()
	locked := 0
	p := lab(t, nil)
	p.root.jobs.lock = func() { locked++ }
	before := len(p.backend.Calls())
	p.Advance(time.Minute)
	if locked > 0 || len(p.backend.Calls()) > before {
		t.Fatalf("a minute awake: locked %d times, calls %v", locked, p.backend.Calls()[before:])
	}
	p.root.jobs.beat = p.root.jobs.beat.Add(-2 * time.Hour) // the wall clock ran on, the timer did not
	p.Advance(time.Second)
	p.Await("both open sessions to be probed", func() bool { return len(p.backend.Calls()) >= before+2 })
	calls := p.backend.Calls()[before:]
	slices.Sort(calls)
	if !slices.Equal(calls, []string{"probe 1", "probe 2"}) {
		t.Errorf("calls %v", calls)
	}
	if locked != 1 {
		t.Errorf("locked %d times", locked)
	}
	p.mustShow(t, "Back after 2 h: asking 2 devices")
	p.Advance(time.Minute)
	if locked != 1 {
		t.Errorf("locked %d times in the end", locked)
	}
}
