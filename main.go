// Dialtone opens NETCONF sessions with routers, in the terminal.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"dialtone/conn"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
	"dialtone/netconf/tmpl"
	"dialtone/ui"
	"dialtone/ui/action"
	"dialtone/ui/cli"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/term"
)

// closeTime is what sessions get to say good-bye.
const closeTime = 3 * time.Second

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() { // ends with the process
		cancel(cli.SignalOf(<-signals))
		os.Exit(cli.SignalOf(<-signals).Code) // whoever asks twice means it
	}()
	os.Exit(cli.Run(ctx, cli.Env{Dialer: dialer, Interface: runInterface}))
}

// dialer is how this program dials: over SSH.
func dialer(s cli.DialerSpec) link.Dialer {
	return dial.New(dial.Options{Hosts: s.Hosts, Vault: s.Vault, Lookup: s.Lookup, SSHConfig: s.SSHConfig, Waiting: s.Waiting})
}

// runInterface shows the screen on a manager of its own and ends the sessions
// after it.
func runInterface(ctx context.Context, d cli.InterfaceDeps) error {
	theme, ok := term.Look(os.Getenv).Theme(d.Theme, d.ASCII)
	if !ok {
		return &keys.Fault{Code: "THEME", What: fmt.Sprintf("there is no theme %q", d.Theme), Do: "Use default, light, dark or mono"}
	}
	if d.Demo {
		stop, err := demo(&d)
		if err != nil {
			return err
		}
		defer stop()
	}
	asker := ui.NewAsker()
	d.Manager.Ask = asker
	d.Manager.Crashed = func(where string, value any, stack []byte) {
		c := term.NewCrash(d.StateDir, time.Now)
		c.Record(where, value, stack)
		d.Log.Error("panic", "where", where, "file", c.Save(nil).File)
	}
	var templates []tmpl.Template
	if d.ConfigDir != "" {
		templates, _ = tmpl.Load(filepath.Join(d.ConfigDir, "templates")) // bad ones are told by dialtone rpc --template
	}
	m := conn.NewManager(d.Manager)
	err := ui.Run(untilInterrupt(ctx), ui.Deps{
		Deps: screen.Deps{
			Backend: m, Profiles: d.Profiles, Journal: d.Journal, Templates: append(templates, tmpl.Builtin()...),
			Theme: theme, Keys: action.Overrides(d.Config.Keys), Now: time.Now, ReadOnly: d.ReadOnly, Demo: d.Demo,
			ConfigDir: d.ConfigDir, StateDir: d.StateDir, WorkDir: d.WorkDir, HostKeys: d.HostKeys,
		},
		Input: d.Input, Output: d.Output, Target: d.Target, Asker: asker, Mouse: d.Config.Mouse,
	})
	closing, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	for _, dev := range m.Close(closing) {
		fmt.Fprintf(os.Stderr, "%s: %d uncommitted edits.\n", safe.Text(dev.Target.Name), dev.Dirty)
	}
	for _, n := range d.Notes {
		fmt.Fprintln(os.Stderr, n)
	}
	return err
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

// demo starts simulated devices behind real sockets and fills what the
// interface needs to reach them.
func demo(d *cli.InterfaceDeps) (stop func(), err error) {
	lab := simnet.New()
	for _, h := range []struct {
		device simdev.Options
		server simnet.Server
		group  string
		note   string
	}{
		{simdev.Options{Name: "core-r1", Dialect: simdev.Junos}, simnet.Server{}, "core", "A Junos-like router"},
		{simdev.Options{Name: "core-r2", Dialect: simdev.RFC, Bulk: 60 << 20}, simnet.Server{}, "core", "Its configuration has about 60 MB"},
		{simdev.Options{Name: "edge-7", Dialect: simdev.RFC, Faults: simdev.Faults{BytesPerSec: 20_000}}, simnet.Server{RTT: 300 * time.Millisecond}, "edge", "Far away, on a slow line"},
		{simdev.Options{Name: "lab-x", Dialect: simdev.Junos}, simnet.Server{Stranger: true}, "lab", "Its host key is not known"},
	} {
		host, err := lab.Add(h.device, h.server)
		if err == nil {
			err = d.Profiles.Put(profile.Profile{Target: host.Target(), Group: h.group, Note: h.note})
		}
		if err != nil {
			lab.Close()
			return nil, fmt.Errorf("start %s: %w", h.device.Name, err)
		}
	}
	d.HostKeys = lab.Known()
	d.Manager.Dialer = dial.New(dial.Options{Hosts: lab.Known(), Home: os.DevNull})
	return lab.Close, nil
}
