package ui

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/msg"
	"dialtone/ui/term"
	"dialtone/ui/widget/bar"
)

// jobs is what the root keeps of being stopped and going on.
type jobs struct {
	stops  *term.Stops // nil where nothing stops us, as in tests
	ending <-chan struct{}
	lock   func() // locks the secret store; may be nil
	mouse  bool

	beat time.Time // wall clock when the timer of a second was armed, zero: it was not
}

// stopSignal is a signal of job control: stop, or go on after a stop that could
// not be seen coming.
type stopSignal struct{ stop bool }

// resumed tells that we have the terminal again.
type resumed struct {
	err   error // why we never stopped
	await bool  // the next signal is to be waited for
}

// back is the message of a program of others that had the terminal.
type back struct{ m tea.Msg }

// stopsFor connects the root with job control; Close ends it.
func (r *root) stopsFor(d Deps, ending <-chan struct{}) *term.Stops {
	r.jobs = jobs{stops: term.WatchStops(d.Lock), ending: ending, lock: d.Lock, mouse: d.Mouse}
	r.d.Exec = r.outside
	return r.jobs.stops
}

func (r *root) awaitStop() tea.Msg {
	stop, ok := r.jobs.stops.Next(r.ctx)
	if !ok {
		return nil
	}
	return stopSignal{stop}
}

// suspend stops the program until the shell continues it. The secrets are locked
// before, whether there is a shell or not.
func (r *root) suspend() tea.Cmd {
	if r.jobs.stops == nil {
		return nil
	}
	return r.stop(false)
}

func (r *root) stop(await bool) tea.Cmd {
	return tea.Exec(r.jobs.stops.Suspend(r.jobs.ending), func(err error) tea.Msg { return resumed{err, await} })
}

// stopped answers a signal of job control. The next one is waited for when this
// is done, so that many of them stop us once.
func (r *root) stopped(m stopSignal) tea.Cmd {
	if m.stop {
		return r.stop(true)
	}
	return tea.Exec(retake{}, func(error) tea.Msg { return resumed{await: true} })
}

// onResumed draws all anew and looks how long it has been.
func (r *root) onResumed(m resumed) tea.Cmd {
	cmds := []tea.Cmd{r.redrawn(), r.woken(), r.tick()}
	if m.err != nil {
		cmds = append(cmds, msg.Say(msg.Info, "Not suspended: "+m.err.Error()+"."))
	}
	if m.await {
		cmds = append(cmds, r.park(r.awaitStop))
	}
	return tea.Batch(cmds...)
}

// redrawn draws the screen anew, and turns on what the framework leaves off.
func (r *root) redrawn() tea.Cmd {
	cmds := []tea.Cmd{tea.ClearScreen, tea.WindowSize()}
	if r.jobs.mouse {
		cmds = append(cmds, tea.EnableMouseCellMotion)
	}
	return tea.Sequence(cmds...)
}

// outside gives the terminal to a program of others; it is Deps.Exec.
func (r *root) outside(c *exec.Cmd, done func(error) tea.Msg) tea.Cmd {
	return tea.Exec(r.jobs.stops.Outside(c), func(err error) tea.Msg { return back{done(err)} })
}

// retake has the framework put the terminal away and take it back, which is how
// it is set as we need it after others had it.
type retake struct{}

// Run implements tea.ExecCommand.
func (retake) Run() error { return nil }

// SetStdin implements tea.ExecCommand.
func (retake) SetStdin(io.Reader) {}

// SetStdout implements tea.ExecCommand.
func (retake) SetStdout(io.Writer) {}

// SetStderr implements tea.ExecCommand.
func (retake) SetStderr(io.Writer) {}

// asleep is how far the wall clock runs ahead of a timer of a second before we
// must have been asleep or stopped.
const asleep = 20 * time.Second

// woken locks the secrets and probes all sessions when the program was asleep:
// timers stand still while the machine sleeps, the wall clock does not.
func (r *root) woken() tea.Cmd {
	last, now := r.jobs.beat, r.d.Now().Round(0)
	if last.IsZero() {
		return nil
	}
	away := now.Sub(last) - time.Second
	if away < asleep {
		return nil
	}
	r.jobs.beat = now
	var probes []tea.Cmd
	asked := 0
	for _, dev := range r.open() {
		if dev.State == conn.Open {
			probes = append(probes, r.probe(dev.ID))
			asked++
		}
	}
	if lock := r.jobs.lock; lock != nil {
		probes = append(probes, func() tea.Msg { lock(); return nil })
	}
	switch asked {
	case 0:
	case 1:
		probes = append(probes, msg.Say(msg.Info, "Back after "+bar.Ago(away)+": asking the device if it is there."))
	default:
		probes = append(probes, msg.Say(msg.Info, fmt.Sprintf("Back after %s: asking %d devices if they are there.", bar.Ago(away), asked)))
	}
	return tea.Batch(probes...)
}

// prober is a backend that can ask a device for a sign of life (conn.Manager).
type prober interface {
	Probe(ctx context.Context, id conn.SessionID) error
}

// lifeTime is how long a device may take for a sign of life.
const lifeTime = 10 * time.Second

// probed tells that a device has been asked.
type probed struct{}

// probe asks one device; a session without an answer ends as lost, which its
// events tell.
func (r *root) probe(id conn.SessionID) tea.Cmd {
	p, ok := r.d.Backend.(prober)
	if !ok {
		return nil
	}
	return r.park(func() tea.Msg {
		ctx, cancel := context.WithTimeout(r.ctx, lifeTime)
		defer cancel()
		_ = p.Probe(ctx, id) // the session tells
		return probed{}
	})
}
