package term

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Signal is the error of a run that a signal ended in order.
type Signal struct{ Sig os.Signal }

// Error implements error.
func (s *Signal) Error() string { return "ended by signal: " + s.Sig.String() }

// ExitCode is 128 plus the number of the signal, as shells have it.
func (s *Signal) ExitCode() int {
	if n, ok := s.Sig.(syscall.Signal); ok {
		return 128 + int(n)
	}
	return 1
}

// Signals waits for the signals that ask the program to end.
type Signals struct {
	// C gets the first of them.
	C chan os.Signal
	// Ending is closed when one came, or when the context is done.
	Ending chan struct{}

	mu  sync.Mutex
	got *Signal
}

// Watch starts to listen for SIGTERM, SIGHUP and SIGQUIT until ctx is done. After the
// first of them it listens no more, so that a second one ends the process at
// once.
func Watch(ctx context.Context) *Signals {
	s := &Signals{C: make(chan os.Signal, 1), Ending: make(chan struct{})}
	in := make(chan os.Signal, 1)
	signal.Notify(in, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	// Ends with the first signal or with ctx, which the owner cancels.
	go func() {
		defer close(s.Ending)
		defer signal.Stop(in)
		select {
		case sig := <-in:
			s.mu.Lock()
			s.got = &Signal{Sig: sig}
			s.mu.Unlock()
			s.C <- sig
		case <-ctx.Done():
		}
	}()
	return s
}

// Got is the signal that came, nil when none did.
func (s *Signals) Got() *Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}
