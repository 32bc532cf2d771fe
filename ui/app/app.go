// Package app puts the interface together: sessions below, screens above, and
// what happens when the person leaves.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/netconf/tmpl"
	"dialtone/ui"
	"dialtone/ui/action"
	"dialtone/ui/cli"
	"dialtone/ui/clip"
	"dialtone/ui/input"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/term"
)

// leftRaw tells of a terminal that an earlier program had left broken.
const leftRaw = "The terminal was left raw by a program that was killed; to mend it, type: reset"

// leaving is how long sessions get to say goodbye.
const leaving = 3 * time.Second

// Run is the interface of the command line. It returns when the person has left
// or a signal came, with the terminal restored and every session ended.
func Run(ctx context.Context, d cli.InterfaceDeps) error {
	theme, err := term.Look(os.Getenv).Open(d.Theme, d.ASCII)
	if err != nil {
		return &keys.Fault{Code: "THEME", What: err.Error(), Do: "Name one of them, or a .toml file", Err: err}
	}
	if err := checkKeys(d.Config); err != nil {
		return err
	}
	demo := &demo{}
	defer demo.close()
	if d.Demo {
		if err := demo.start(); err != nil {
			return fmt.Errorf("start the simulated devices: %w", err)
		}
		d.Manager.Dialer, d.HostKeys, d.Profiles = demo.dialer(), demo.lab.Known(), demo.profiles()
	}
	asker := ui.NewAsker()
	d.Manager.Ask = asker
	d.OnWaiting(touch(asker))
	if d.OnSecret != nil {
		d.OnSecret(asker)
	}
	d.Manager.Crashed = func(where string, value any, stack []byte) {
		c := term.NewCrash(d.StateDir, d.Manager.Now) // that session has ended, the program lives on
		c.Record(where, value, stack)
		d.Log.Error("panic", "where", where, "file", c.Save(nil).File)
	}
	templates, notes := templates(d.ConfigDir)
	commits, warnings := openCommits(d)
	notes = append(notes, warnings...)
	d.Manager.Watch = commits
	m := conn.NewManager(d.Manager)
	commits.Bind(m)
	vault := d.Vault
	if d.Demo {
		vault = demo
	}
	front, more := openDesk(d, m, vault, asker)
	notes = append(notes, more...)
	defer front.Close()
	if raw := term.LeftRaw(d.Input); raw {
		notes = append(notes, leftRaw)
		defer fmt.Fprintln(os.Stderr, leftRaw)
	}
	err = ui.Run(untilInterrupt(ctx), ui.Deps{
		Deps: screen.Deps{
			Backend: m, Commits: commits, Profiles: d.Profiles, Journal: d.Journal, Templates: templates, Theme: theme, Keys: d.Config.Keys,
			Now: d.Manager.Now, ReadOnly: d.ReadOnly, Demo: d.Demo, ConfigDir: d.ConfigDir, StateDir: d.StateDir, WorkDir: d.WorkDir,
			Desk: demo.callers(front), HostKeys: d.HostKeys, StartDemo: demo.one, Clip: clip.New(clip.Options{Out: d.Output, StateDir: d.StateDir, Now: d.Manager.Now}),
		},
		Input: input.New(d.Input), Output: d.Output, Target: d.Target, Asker: asker, Lock: d.Lock, Mouse: d.Config.Mouse, Notes: append(d.Notes, notes...),
	})
	farewell(m, commits, os.Stderr)
	return err
}

// openCommits knows the confirmed commits that former runs left in the state
// directory; the notes name files that could not be read. The demo keeps
// nothing.
func openCommits(d cli.InterfaceDeps) (c *commit.Control, notes []string) {
	o := commit.Options{}
	if d.StateDir != "" && !d.Demo {
		o.Dir = filepath.Join(d.StateDir, "commits")
	}
	if d.Manager.Now != nil {
		o.Clock = clock{commit.System(), d.Manager.Now}
	}
	c, errs := commit.New(o)
	for _, err := range errs {
		notes = append(notes, err.Error())
	}
	return c, notes
}

// clock is the steady clock of the computer beside the wall clock of the
// program.
type clock struct {
	commit.Clock
	now func() time.Time
}

// Now implements commit.Clock.
func (c clock) Now() time.Time { return c.now().Round(0) }

// checkKeys refuses names in config.toml [keys] that no action has.
func checkKeys(c profile.Config) error {
	for _, id := range slices.Sorted(maps.Keys(c.Keys)) {
		if !action.Known(id) {
			return &keys.Fault{Code: "CFG-KEYS", What: fmt.Sprintf("%s: there is no action %q", c.Where(id), id), Do: "The names are in docs/keys.md, and ? in the program shows the keys"}
		}
	}
	return nil
}

// touch tells that the ssh-agent may be waiting for a person.
func touch(asker *ui.Asker) func(t link.Target, comment string, on bool) {
	return func(t link.Target, comment string, on bool) {
		if on {
			asker.Tell(msg.Toast{Level: msg.Info, Text: fmt.Sprintf("%s: the ssh-agent signs with %q; touch the key or confirm if it asks", t.Name, comment)})
		}
	}
}

// untilInterrupt ends with ctx only for SIGINT: the screen sees the other
// signals itself and leaves in order.
func untilInterrupt(ctx context.Context) context.Context {
	out, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() {
		var s cli.Signal
		if errors.As(context.Cause(ctx), &s) && s.Code == cli.ExitInterrupted {
			cancel(s)
		}
	})
	return out
}

// farewell ends all sessions and says what the devices do at that.
func farewell(m *conn.Manager, commits *commit.Control, w io.Writer) {
	for _, line := range commits.Farewell(m.Devices()) {
		fmt.Fprintln(w, safe.Text(line))
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	m.Close(ctx)
}

// templates are those built in and the person's own; the notes name files that
// could not be read.
func templates(configDir string) (ts []tmpl.Template, notes []string) {
	ts = tmpl.Builtin()
	if configDir == "" {
		return ts, nil
	}
	own, errs := tmpl.Load(filepath.Join(configDir, "templates"))
	for _, err := range errs {
		notes = append(notes, err.Error())
	}
	return append(ts, own...), notes
}
