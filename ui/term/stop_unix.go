//go:build unix

package term

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Stops is job control: the signals that stop the program from outside and have
// it go on. Without it SIGTSTP would stop the program with the terminal raw and
// on the alternate screen.
type Stops struct {
	lock    func()
	in      chan os.Signal
	outside atomic.Bool // another program has the terminal
}

// WatchStops starts to listen for SIGTSTP and SIGCONT until Close. lock is
// called before each stop; it may be nil and must not wait.
func WatchStops(lock func()) *Stops {
	if lock == nil {
		lock = func() {}
	}
	s := &Stops{lock: lock, in: make(chan os.Signal, 4)}
	s.listen()
	return s
}

func (s *Stops) listen() { signal.Notify(s.in, syscall.SIGTSTP, syscall.SIGCONT) }

// Close ends the listening.
func (s *Stops) Close() { signal.Stop(s.in) }

// Next waits for the next signal that the screen must answer: stop is true when
// the program shall stop, false when it was stopped by a signal that cannot be
// caught and goes on now. ok is false when ctx is done. While another program
// has the terminal there is nothing to put away, and the stop is done here.
func (s *Stops) Next(ctx context.Context) (stop, ok bool) {
	for {
		select {
		case sig := <-s.in:
			stop = sig == syscall.SIGTSTP
			switch {
			case !s.outside.Load():
				return stop, true
			case stop:
				s.lock()
				s.halt(false)
			}
		case <-ctx.Done():
			return false, false
		}
	}
}

// halt stops the process, and with job what else belongs to it, and returns when
// it goes on. It is false when nobody would ever continue it.
//
// The runtime does not give SIGTSTP back to the system once it was listened for,
// so what stops us is SIGSTOP, from which only SIGCONT wakes.
func (s *Stops) halt(job bool) bool {
	if !CanSuspend() {
		return false
	}
	cont := make(chan os.Signal, 1)
	signal.Ignore(syscall.SIGTSTP) // a handler that is late would take the one below for another one
	signal.Reset(syscall.SIGCONT)
	signal.Notify(cont, syscall.SIGCONT)
	defer s.listen()
	defer signal.Stop(cont)
	for len(s.in) > 0 { // asked more than once
		<-s.in
	}
	if job {
		_ = syscall.Kill(0, syscall.SIGTSTP) // our parents in the job; some may be none of ours
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return false
	}
	<-cont
	return true
}

// Suspension stops the job and goes on when the shell continues it. It is run
// by the framework with the terminal put away (tea.ExecCommand).
type Suspension struct {
	s      *Stops
	ending <-chan struct{}
	tty    interface{ Fd() uintptr }
}

// Suspend returns what stops the job. ending is closed when the program has been
// asked to end.
func (s *Stops) Suspend(ending <-chan struct{}) *Suspension {
	return &Suspension{s: s, ending: ending}
}

// SetStdin takes the terminal.
func (p *Suspension) SetStdin(r io.Reader) { p.tty, _ = r.(interface{ Fd() uintptr }) }

// SetStdout does nothing.
func (*Suspension) SetStdout(io.Writer) {}

// SetStderr does nothing.
func (*Suspension) SetStderr(io.Writer) {}

// glance is how long a program that was continued in the background looks for a
// signal that ends it: shells send one together with SIGCONT.
const glance = 200 * time.Millisecond

// Run returns when the job is in the foreground again or was asked to end. A job
// that is continued in the background stops again: it has nothing to do there.
func (p *Suspension) Run() error {
	p.s.lock()
	if !p.s.halt(true) {
		return ErrNoShell
	}
	for !p.foreground() {
		wait := time.NewTimer(glance)
		select {
		case <-p.ending:
			wait.Stop()
			signal.Ignore(syscall.SIGTTOU) // the terminal is put right from the background
			return nil
		case <-wait.C:
		}
		if !p.s.halt(true) {
			return nil
		}
	}
	return nil
}

func (p *Suspension) foreground() bool {
	if p.tty == nil {
		return true
	}
	group, err := unix.IoctlGetInt(int(p.tty.Fd()), unix.TIOCGPGRP)
	return err != nil || group == unix.Getpgrp()
}
