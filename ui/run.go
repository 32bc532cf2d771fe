// Package ui is the program that a person sees: tabs with screens, what lies
// above them, and the way of every key and event to the place that handles it.
package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/link"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/term"
	_ "dialtone/ui/term/quiet" // before the framework asks the terminal anything
)

// Deps is what the program needs. Backend and Profiles are required; the rest
// has defaults: time.Now, the default theme, standard input and output.
type Deps struct {
	screen.Deps
	Input  io.Reader
	Output io.Writer
	// Target, when set, is dialled at once.
	Target *link.Target
	// Asker brings the questions of the connections; it must be the one that
	// the backend was made with.
	Asker *Asker
	// Notes are told as toasts at the start.
	Notes []string
	// Lock is called before the program is stopped and after it was asleep; it
	// locks the secret store, must not wait, and may be nil.
	Lock func()
	// Mouse turns the wheel and clicks on; terminal selection then needs Shift.
	Mouse bool
}

// Run shows the interface until the person leaves, ctx is done, or a signal
// asks to end. It returns nil when the person left, a *term.Signal after
// SIGTERM, SIGHUP or SIGQUIT, ctx's error when ctx ended it, and a *term.Crashed after a
// panic; the terminal is restored in every case. It does not close the
// backend.
func Run(ctx context.Context, d Deps) error { return run(ctx, d, func(*root) {}) }

// run is Run; change may alter the root before anything happens.
func run(ctx context.Context, d Deps, change func(*root)) error {
	d.fill()
	crash := term.NewCrash(d.StateDir, d.Now)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := newRoot(ctx, d)
	change(r)
	sigs := term.Watch(ctx)
	r.signals = sigs.C
	if in, ok := d.Input.(interface {
		Pasted([]rune) (string, int64, bool)
	}); ok {
		r.pasted = in.Pasted
	}
	defer r.stopsFor(d, sigs.Ending).Close()
	if d.Asker != nil {
		defer d.Asker.end()
	}

	opts := []tea.ProgramOption{
		tea.WithContext(ctx), tea.WithAltScreen(), tea.WithFPS(120),
		tea.WithoutSignalHandler(), tea.WithoutCatchPanics(),
	}
	if d.Input != nil {
		opts = append(opts, tea.WithInput(d.Input))
	}
	if d.Output != nil {
		opts = append(opts, tea.WithOutput(d.Output))
	}
	if d.Mouse {
		opts = append(opts, tea.WithMouseCellMotion())
	}
	_, err := tea.NewProgram(&guard{root: r, crash: crash}, opts...).Run()
	switch {
	case crash.Happened():
		return crash.Save(lastWords(r))
	case sigs.Got() != nil:
		return sigs.Got()
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil && !errors.Is(err, tea.ErrProgramKilled):
		return fmt.Errorf("terminal: %w", err)
	}
	return nil
}

func (d *Deps) fill() {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Theme == nil {
		d.Theme, _ = style.New("default", false, false)
	}
}

// guard is the tea.Model around the root: a panic in it or in one of its
// commands ends the program in order instead of on a raw terminal.
type guard struct {
	root  *root
	crash *term.Crash
	pace  pace
}

func (g *guard) Init() tea.Cmd { return g.wrap(g.root.Init()) }

func (g *guard) Update(m tea.Msg) (model tea.Model, cmd tea.Cmd) {
	defer g.crash.Caught("update", func() { model, cmd = g, tea.Quit })
	if g.crash.Happened() {
		return g, tea.Quit
	}
	due := g.pace.take(m, time.Now())
	if _, ok := m.(drawNow); ok {
		return g, nil
	}
	cmd = g.wrap(g.root.Update(m))
	if due > 0 {
		cmd = tea.Batch(cmd, tea.Tick(due, func(time.Time) tea.Msg { return drawNow{} }))
	}
	return g, cmd
}

func (g *guard) View() (view string) {
	defer g.crash.Caught("view", func() { view = "" })
	if g.crash.Happened() {
		return ""
	}
	return g.pace.view(g.root.View, time.Now)
}

// wrap makes a panic in cmd, or in the commands it brings, a recorded one.
func (g *guard) wrap(cmd tea.Cmd) tea.Cmd {
	if cmd == nil {
		return nil
	}
	return func() (m tea.Msg) {
		defer g.crash.Caught("command", func() { m = tea.Quit() })
		return eachCmd(cmd(), g.wrap)
	}
}

// lastWords is what was at stake when the program crashed. What it asks may be
// what broke, so a second panic costs only the answer.
func lastWords(r *root) (stakes []string) {
	defer func() {
		if recover() != nil {
			stakes = nil
		}
	}()
	return r.stakes()
}
