package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/keys"
	"dialtone/ui/safe"
)

// change is one run of a command that looks at or changes a configuration.
type change struct {
	a       *app
	ctx     context.Context
	control *commit.Control
	m       *conn.Manager
	d       conn.Device
	person  *asker
}

// changing connects to the device that the arguments mean, runs do and leaves.
// alters: it is refused for a read-only target before anything is dialled.
func (a *app) changing(c *cobra.Command, f *targetFlags, args []string, alters bool, do func(*change) error) error {
	name := ""
	switch {
	case f.profile == "" && len(args) == 0:
		return usagef(c, "TARGET is missing")
	case f.profile != "" && len(args) > 0:
		return usagef(c, "TARGET and --profile exclude each other")
	case len(args) > 0:
		name = args[0]
	}
	r, err := a.setup(f)
	defer r.close()
	if err != nil {
		return err
	}
	t, err := f.target(a, c, r.store, name)
	if err != nil {
		return err
	}
	if t.ReadOnly = t.ReadOnly || r.options.ReadOnly; t.ReadOnly && alters {
		return with(ExitUsage, &keys.Fault{Code: "READ-ONLY", What: fmt.Sprintf("%s is read-only and %q may change it", t.Name, c.Name()), Kept: "Nothing was sent", Err: conn.ErrReadOnly})
	}
	control := a.commits()
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(nil)
	person := &asker{a: a, cancel: func() { cancel(Signal{Name: "SIGINT", Code: ExitInterrupted}) }}
	defer person.close()
	a.pass.from(person)
	defer a.pass.from(nil)
	o := r.options
	o.Ask, o.Watch = person, control
	o.Crashed = func(where string, value any, stack []byte) {
		r.log.Error("panic", "where", where, "value", fmt.Sprint(value), "stack", string(stack))
	}
	m := conn.NewManager(o)
	control.Bind(m)
	defer a.leave(m, control)
	d, err := (&hearing{a: a, m: m, events: m.Events(), trace: f.trace}).open(ctx, m.Connect(t))
	if err == nil {
		r.log.Info("open", "target", t.Name, "addr", d.Peer.Addr, "auth", d.Peer.Auth, "session", d.NetconfID)
		err = do(&change{a: a, ctx: ctx, control: control, m: m, d: d, person: person})
	}
	if ctx.Err() != nil {
		if err != nil && !errors.Is(err, context.Canceled) {
			a.note("%s", errorLine(err))
		}
		return &exit{code: signalCode(context.Cause(ctx)), silent: err != nil && !errors.Is(err, context.Canceled), err: context.Cause(ctx)}
	}
	return err
}

// commits knows the confirmed commits that are noted in the state directory.
func (a *app) commits() *commit.Control {
	c, errs := commit.New(commit.Options{Dir: in(a.dir.state, "commits")})
	for _, err := range errs {
		a.note("%s", errorLine(err))
	}
	return c
}

// leave ends all sessions and says what the devices do at that.
func (a *app) leave(m *conn.Manager, c *commit.Control) {
	for _, line := range c.Farewell(m.Devices()) {
		a.note("%s", safe.Text(line))
	}
	ctx, stop := context.WithTimeout(context.Background(), closeTime)
	defer stop()
	m.Close(ctx)
}

// order plans, shows what to know before, and runs.
func (ch *change) order(o commit.Order) (commit.Report, error) {
	p, err := ch.control.Plan(ch.d.ID, o)
	if err != nil {
		return commit.Report{}, with(ExitUsage, err)
	}
	for _, w := range p.Warnings {
		ch.a.note("%s", safe.Text(w))
	}
	rep := ch.control.Run(ch.ctx, p, nil)
	code, name := ExitDone, ""
	switch rep.Verdict {
	case commit.Refused:
		code, name = ExitRPCError, "COMMIT-REFUSED"
	case commit.NotSent:
		code, name = ExitConnection, "COMMIT-NOTSENT"
	case commit.OutcomeUnknown:
		code, name = ExitUnknown, "COMMIT-UNKNOWN"
	default:
		ch.a.note("%s", safe.Text(rep.Words))
		return rep, nil
	}
	return rep, with(code, fault(name, strings.TrimSuffix(rep.Words, "."), "", ""))
}

// changeCommand is the frame of these commands.
func (a *app) changeCommand(c *cobra.Command, f *targetFlags, run func(c *cobra.Command, args []string) error) *cobra.Command {
	c.ValidArgsFunction = a.completeTarget
	c.RunE = run
	f.add(a, c)
	return c
}
