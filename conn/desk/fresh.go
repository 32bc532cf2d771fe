package desk

import "time"

const (
	freshFor  = time.Second // profiles are read again after it
	freshMost = 20          // or after so many times what reading took
)

// freshness is when profiles were read. It is guarded by whoever has it.
type freshness struct {
	read time.Time // zero: they must be read again
	took time.Duration
}

// renew calls load when the profiles may have changed. How long reading takes is
// not the business of a test's clock, so the time is the computer's.
func (f *freshness) renew(load func()) {
	start := time.Now()
	if age := start.Sub(f.read); age < freshFor || age < freshMost*f.took {
		return
	}
	load()
	f.read = time.Now()
	f.took = f.read.Sub(start)
}

// expire has the profiles read again when they are needed next.
func (f *freshness) expire() { f.read = time.Time{} }
