//go:build !unix

package term

import (
	"context"
	"io"
	"sync/atomic"
)

// Stops is job control, of which there is none here.
type Stops struct {
	lock    func()
	outside atomic.Bool
}

// WatchStops listens for nothing.
func WatchStops(lock func()) *Stops {
	if lock == nil {
		lock = func() {}
	}
	return &Stops{lock: lock}
}

// Close does nothing.
func (*Stops) Close() {}

// Next waits for ctx.
func (*Stops) Next(ctx context.Context) (stop, ok bool) {
	<-ctx.Done()
	return false, false
}

// Suspension stops nothing.
type Suspension struct{ s *Stops }

// Suspend returns a suspension that does not stop.
func (s *Stops) Suspend(<-chan struct{}) *Suspension { return &Suspension{s} }

// SetStdin does nothing.
func (*Suspension) SetStdin(io.Reader) {}

// SetStdout does nothing.
func (*Suspension) SetStdout(io.Writer) {}

// SetStderr does nothing.
func (*Suspension) SetStderr(io.Writer) {}

// Run locks what is to be locked.
func (p *Suspension) Run() error {
	p.s.lock()
	return ErrNoShell
}
