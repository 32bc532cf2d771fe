package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/ui/safe"
)

const (
	maxRequest = 256 << 20
	closeTime  = 3 * time.Second
)

// rpcFlags are those of rpc alone.
type rpcFlags struct {
	targetFlags
	format   string
	template string
	list     bool // the templates, and nothing else
	vars     []string
}

func (a *app) rpcCommand() *cobra.Command {
	var f rpcFlags
	c := &cobra.Command{
		Use:   "rpc TARGET [FILE | -]",
		Short: "Send one RPC and print the reply",
		Long: `Sends one RPC to a device and prints the reply.

TARGET is the name of a saved profile or [user@]host[:port]. The RPC is read from
FILE or from standard input. A bare operation is wrapped in <rpc>; a whole <rpc>
is sent as it is. With --template the RPC comes from a template instead; with
--profile the TARGET is left out.

Standard output carries only the reply: byte for byte as it came when it is not
a terminal, indented and made safe when it is one (raw: not indented). json is
one object with outcome, errors and reply.

What a device sends beside that goes to standard error, escaped and cut: noise
before the hello, replies to nothing. The same is told of a reply that is refused
unread, such as one with a DOCTYPE; --format raw prints that one, json has the
bytes of all of it (faults), and --trace keeps what crossed the wire.

Nothing that may change a device is ever sent a second time. A confirmed commit
is noted in the state directory before it is sent, as "dialtone commit" does it;
running and the candidate are read before, so that it can be told later what
became of it.

Exit codes: 0 done. 1 the device answered with an error. 2 wrong usage, refused
by read-only mode, or a reply to a read that could not be written. 3 no
connection, trust or login. 4 the peer broke the protocol. 5 outcome unknown: the
link was lost after a request that may change the device was sent, or what came
of it could not be written. 130 interrupted.`,
		Example: `  dialtone rpc core-r1 get.xml
  echo '<get-config><source><running/></source></get-config>' | dialtone rpc admin@192.0.2.1
  dialtone rpc core-r1 --template get-config-running --format json`,
		Args:              cobra.MaximumNArgs(2),
		ValidArgsFunction: a.completeTarget,
		RunE: func(c *cobra.Command, args []string) error {
			if f.list {
				return a.listTemplates()
			}
			return a.rpc(c, &f, args)
		},
	}
	f.add(a, c)
	c.Flags().StringVar(&f.format, "format", "xml", "xml, raw or json")
	c.Flags().StringVar(&f.template, "template", "", "send this template instead of a file")
	c.Flags().BoolVar(&f.list, "list-templates", false, "send nothing: print the names, titles and variables of the templates")
	c.Flags().StringArrayVar(&f.vars, "var", nil, "value of a template's variable, as NAME=VALUE; may be repeated")
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"xml", "raw", "json"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("template", a.completeTemplates)
	return c
}

// rpc is the whole of one run.
func (a *app) rpc(c *cobra.Command, f *rpcFlags, args []string) error {
	name, source, err := f.source(c, args)
	if err != nil {
		return err
	}
	r, err := a.setup(&f.targetFlags)
	defer r.close()
	if err != nil {
		return err
	}
	t, err := f.target(a, c, r.store, name) // before a person types an RPC for nothing
	if err != nil {
		return err
	}
	ask, err := a.question(f, c, source)
	if err != nil {
		return err
	}
	t.ReadOnly = t.ReadOnly || r.options.ReadOnly
	if err := ask.check(t); err != nil {
		return err
	}
	err = a.converse(c.Context(), r, t, ask, f)
	if jerr := r.journal.Fault(); jerr != nil {
		a.note("%s", errorLine(jerr))
	}
	if cerr := r.close(); cerr != nil {
		a.note("%s", errorLine(cerr))
	}
	return err
}

// source finds what the arguments mean.
func (f *rpcFlags) source(c *cobra.Command, args []string) (target, file string, err error) {
	switch f.format {
	case "xml", "raw", "json":
	default:
		return "", "", usagef(c, "--format must be xml, raw or json, not %q", f.format)
	}
	if f.profile == "" {
		if len(args) == 0 {
			return "", "", usagef(c, "TARGET is missing")
		}
		target, args = args[0], args[1:]
	}
	switch {
	case len(args) > 1:
		return "", "", usagef(c, "with --profile there is no TARGET, only FILE")
	case len(args) == 1 && f.template != "":
		return "", "", usagef(c, "FILE and --template exclude each other")
	case len(args) == 1:
		file = args[0]
	case f.template == "":
		file = "-"
	}
	if len(f.vars) > 0 && f.template == "" {
		return "", "", usagef(c, "--var needs --template")
	}
	if file == "-" && f.passwordFile == "-" {
		return "", "", usagef(c, "standard input cannot be both the password and the RPC")
	}
	return target, file, nil
}

// question is what to send, as far as it is known before the device is.
type question struct {
	body     []byte
	template *tmpl.Template
	vars     map[string]string
}

// question reads the RPC or finds the template.
func (a *app) question(f *rpcFlags, c *cobra.Command, file string) (*question, error) {
	if f.template == "" {
		body, err := a.readRequest(file)
		if err != nil {
			return nil, with(ExitUsage, err)
		}
		if _, err := netconf.Classify(body, netconf.Caps{}); err != nil {
			return nil, with(ExitUsage, err)
		}
		return &question{body: body}, nil
	}
	q := &question{vars: make(map[string]string)}
	for _, v := range f.vars {
		name, value, ok := strings.Cut(v, "=")
		if !ok || name == "" {
			return nil, usagef(c, "--var %q must be NAME=VALUE", v)
		}
		q.vars[name] = value
	}
	own, errs := a.templates()
	for i := range own {
		if own[i].Name == f.template {
			q.template = &own[i]
			break
		}
	}
	if q.template == nil {
		for _, err := range errs {
			a.note("%s", errorLine(err))
		}
		return nil, usagef(c, "there is no template %q%s; --list-templates lists them", f.template, alike(f.template, own))
	}
	for name := range q.vars {
		if !hasVar(q.template, name) {
			return nil, usagef(c, "template %s has no variable %q", f.template, name)
		}
	}
	if _, err := q.template.Render(q.vars, netconf.Caps{}); err != nil {
		return nil, with(ExitUsage, err)
	}
	return q, nil
}

// alike names some templates whose names hold what was given.
func alike(name string, all []tmpl.Template) string {
	var near []string
	for _, t := range all {
		if strings.Contains(t.Name, name) {
			near = append(near, safe.Text(t.Name))
		}
	}
	if len(near) == 0 {
		return ""
	}
	return "; like it are " + strings.Join(near[:min(len(near), 3)], ", ")
}

// listTemplates prints what --template takes.
func (a *app) listTemplates() error {
	all, errs := a.templates()
	for _, err := range errs {
		a.note("%s", errorLine(err))
	}
	w := tabwriter.NewWriter(a.env.Stdout, 0, 8, 2, ' ', 0)
	seen := map[string]bool{}
	for _, t := range all {
		if seen[t.Name] {
			continue // a built-in one that the person has replaced
		}
		seen[t.Name] = true
		var vars []string
		for _, v := range t.Vars {
			vars = append(vars, v.Name)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", safe.Text(t.Name), safe.Text(t.Title), safe.Text(strings.Join(vars, " ")))
	}
	return w.Flush()
}

func hasVar(t *tmpl.Template, name string) bool {
	for _, v := range t.Vars {
		if v.Name == name {
			return true
		}
	}
	return false
}

// templates are the person's own ones before those that are built in.
func (a *app) templates() ([]tmpl.Template, []error) {
	var own []tmpl.Template
	var errs []error
	if dir := in(a.dir.config, "templates"); dir != "" {
		own, errs = tmpl.Load(dir)
	}
	return append(own, tmpl.Builtin()...), errs
}

func (a *app) completeTemplates(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	a.dir = findDirs(a.env.Getenv, a.configDir, a.stateDir)
	ts, _ := a.templates()
	var names []string
	for _, t := range ts {
		names = append(names, cobra.CompletionWithDesc(t.Name, t.Title))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// readRequest reads a file or standard input.
func (a *app) readRequest(file string) ([]byte, error) {
	in, where := a.env.Stdin, "standard input"
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fault("FILE-READ", err.Error(), "Nothing was sent", "")
		}
		defer f.Close()
		in, where = f, file
	} else if isTerminal(in) {
		a.note("Reading the RPC from the terminal; ctrl+d ends it.")
	}
	body, err := io.ReadAll(io.LimitReader(in, maxRequest+1))
	switch {
	case err != nil:
		return nil, fault("FILE-READ", fmt.Sprintf("%s: %v", where, err), "Nothing was sent", "")
	case len(body) > maxRequest:
		return nil, fault("FILE-READ", fmt.Sprintf("%s has more than %d MB", where, maxRequest>>20), "Nothing was sent", "")
	case len(strings.TrimSpace(string(body))) == 0:
		return nil, fault("FILE-READ", where+" is empty", "Nothing was sent", "Give one RPC")
	}
	return body, nil
}

// check refuses early what read-only mode refuses in any case.
func (q *question) check(t link.Target) error {
	if !t.ReadOnly || q.template != nil {
		return nil
	}
	r, err := netconf.Classify(q.body, netconf.Caps{})
	if err != nil {
		return with(ExitUsage, err)
	}
	if r.Effect.Alters() {
		return with(ExitUsage, &keys.Fault{
			Code: "READ-ONLY", What: fmt.Sprintf("%s is read-only and %q may change it", t.Name, r.Name),
			Kept: "Nothing was sent", Err: conn.ErrReadOnly,
		})
	}
	return nil
}

// request is what is sent to a device with these capabilities.
func (q *question) request(d conn.Device) (netconf.Request, error) {
	if q.template == nil {
		return netconf.Classify(q.body, d.Caps)
	}
	if why := q.template.Usable(d.Caps); why != "" {
		return netconf.Request{}, fault("TEMPLATE", fmt.Sprintf("template %s cannot be used: %s", q.template.Name, why), "Nothing was sent", "")
	}
	return q.template.Render(q.vars, d.Caps)
}

// converse connects, sends, prints and leaves.
func (a *app) converse(ctx context.Context, r *run, t link.Target, q *question, f *rpcFlags) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	person := &asker{a: a, cancel: func() { cancel(Signal{Name: "SIGINT", Code: ExitInterrupted}) }}
	defer person.close()
	a.pass.from(person)
	defer a.pass.from(nil)
	o := r.options
	o.Ask = person
	o.Crashed = func(where string, value any, stack []byte) {
		r.log.Error("panic", "where", where, "value", fmt.Sprint(value), "stack", string(stack))
	}
	control := a.commits()
	o.Watch = control
	m := conn.NewManager(o)
	control.Bind(m)
	h := &hearing{a: a, m: m, events: m.Events(), trace: f.trace}
	defer a.leave(m, control)
	defer h.end()

	out := &answer{target: t.Name, format: f.format, heard: h}
	d, err := h.open(ctx, m.Connect(t))
	if err != nil {
		return a.finish(ctx, out, err)
	}
	r.log.Info("open", "target", t.Name, "addr", d.Peer.Addr, "auth", d.Peer.Auth, "session", d.NetconfID)
	req, err := q.request(d)
	if err != nil {
		return a.finish(ctx, out, with(ExitUsage, err))
	}
	out.operation = req.Name
	if commit.Arms(req) {
		if err := control.Prepare(ctx, d.ID, req); err != nil {
			return a.finish(ctx, out, with(ExitConnection, err))
		}
	}
	x, err := m.Send(d.ID, req)
	if err != nil {
		return a.finish(ctx, out, sendError(err))
	}
	out.x = x
	h.done(ctx, x)
	o2, _, xerr := x.Snapshot()
	xerr = h.reason(o2, xerr)
	r.log.Info("exchange", "target", t.Name, "operation", req.Name, "bytes", o2.Bytes, "errors", o2.ErrorCount, "error", fmt.Sprint(xerr))
	if st := control.State(d.ID); commit.Arms(req) && st.Waits && !st.Pending.Tied() {
		a.confirmHint(t.Name)
	}
	return a.finish(ctx, out, outcomeError(o2, xerr))
}

func sendError(err error) error {
	if errors.Is(err, conn.ErrReadOnly) {
		return with(ExitUsage, err)
	}
	return with(ExitConnection, err)
}

// connectionError is why there is no session.
func connectionError(d conn.Device) error {
	err := d.Err
	if err == nil {
		err = fmt.Errorf("%s: the session was closed", d.Target.Name)
	}
	if brokeProtocol(err) {
		return with(ExitProtocol, err)
	}
	return with(ExitConnection, err)
}

// brokeProtocol reports faults of what the peer sent, as opposed to a link that
// ended or stayed silent.
func brokeProtocol(err error) bool {
	var f *netconf.Fault
	if !errors.As(err, &f) {
		return false
	}
	switch f.Code {
	case "FRM-CUT", "FRM-STALL", "HEL-TIMEOUT", "HEL-END", "RPC-TIMEOUT":
		return false
	}
	for _, p := range []string{"FRM-", "HEL-", "XML-", "RPC-ID", "RPC-NOID"} {
		if strings.HasPrefix(f.Code, p) {
			return true
		}
	}
	return false
}

// outcomeError is the exit that an outcome asks for, nil for a good answer.
func outcomeError(o netconf.Outcome, err error) error {
	err = closedBehind(err)
	switch {
	case o.Result == netconf.Answered && o.OK:
		return nil
	case o.Result == netconf.Answered:
		return with(ExitRPCError, answered(o))
	case o.Result == netconf.Unknown:
		return with(ExitUnknown, &keys.Fault{
			Code: "RPC-UNKNOWN", What: "the request was sent and not answered: " + cause(err),
			Kept: "It may or may not have taken effect; it was not sent again", Do: "Check the device", Err: err,
		})
	case brokeProtocol(err):
		return with(ExitProtocol, err)
	}
	return with(ExitConnection, err)
}

func cause(err error) string {
	if err == nil {
		return "no reason is known"
	}
	return strings.TrimSuffix(errorLine(err), ".")
}

// answered is the first rpc-error of a reply, in words.
func answered(o netconf.Outcome) error {
	what := "the device answered with an error"
	for _, e := range o.Errors {
		if e.Warning() {
			continue
		}
		what = e.Tag
		if e.Message != "" {
			what = strings.TrimSpace(what + ": " + strings.Join(strings.Fields(e.Message), " "))
		}
		if e.Path != "" {
			what += " (" + strings.TrimSpace(e.Path) + ")"
		}
		break
	}
	if o.ErrorCount > 1 {
		what += fmt.Sprintf("; %d errors and warnings in all", o.ErrorCount)
	}
	return fault("RPC-ERROR", what, "", "")
}
