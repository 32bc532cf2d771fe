// Package app puts the interface together: sessions below, screens above, and
// what happens when the person leaves.
package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/netconf/tmpl"
	"dialtone/ui"
	"dialtone/ui/cli"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/term"
)

// leaving is how long sessions get to say goodbye.
const leaving = 3 * time.Second

// Run is the interface of the command line. It returns when the person has left
// or ctx is done, with the terminal restored and every session ended.
func Run(ctx context.Context, d cli.InterfaceDeps) error {
	asker := ui.NewAsker()
	o := d.Manager
	o.Ask = asker
	demo := &demo{}
	defer demo.close()
	if d.Demo {
		if err := demo.start(); err != nil {
			return fmt.Errorf("start the simulated devices: %w", err)
		}
		o.Dialer = demo.dialer()
		d.Profiles = demo.profiles()
	}
	o.Crashed = func(where string, value any, stack []byte) {
		c := term.NewCrash(d.StateDir, o.Now) // the session has ended, the program lives on
		c.Record(where, value, stack)
		c.Save(nil)
	}
	m := conn.NewManager(o)
	theme, err := theme(d)
	if err != nil {
		return err
	}
	templates, badTemplates := templates(d.ConfigDir)
	err = ui.Run(ctx, ui.Deps{
		Deps: screen.Deps{
			Backend: m, Profiles: d.Profiles, Journal: d.Journal, Templates: templates, Theme: theme, Keys: d.Config.Keys,
			Now: o.Now, ReadOnly: d.ReadOnly, Demo: d.Demo, ConfigDir: d.ConfigDir, StateDir: d.StateDir, WorkDir: d.WorkDir,
			HostKeys: d.HostKeys, StartDemo: demo.one,
		},
		Input: d.Input, Output: d.Output, Target: d.Target, Asker: asker, Mouse: d.Config.Mouse, Notes: append(d.Notes, badTemplates...),
	})
	farewell(m, os.Stderr)
	return err
}

// farewell ends all sessions and says which of them had uncommitted work.
func farewell(m *conn.Manager, w io.Writer) {
	ctx, cancel := context.WithTimeout(context.Background(), leaving)
	defer cancel()
	for _, dev := range m.Close(ctx) {
		fmt.Fprintf(w, "%s: left with %s\n", safe.Text(dev.Target.Name), atStake(dev))
	}
}

func atStake(d conn.Device) string {
	var parts []string
	if d.Dirty == 1 {
		parts = append(parts, "1 edit not committed")
	} else if d.Dirty > 1 {
		parts = append(parts, fmt.Sprintf("%d edits not committed", d.Dirty))
	}
	for _, l := range d.Locks {
		parts = append(parts, fmt.Sprintf("the lock on %s, which the device releases", l))
	}
	if len(parts) == 0 {
		return "work that was not committed"
	}
	return strings.Join(parts, ", ")
}

// theme is the one that was asked for, as far as the terminal can show it.
func theme(d cli.InterfaceDeps) (*style.Theme, error) {
	t, ok := term.Look(os.Getenv).Theme(d.Theme, d.ASCII)
	if !ok && d.Theme != "" {
		return nil, fmt.Errorf("there is no theme %q; there are %s", d.Theme, strings.Join(style.Names(), ", "))
	}
	return t, nil
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
