package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/desk"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/ui/safe"
)

// listenLog is how many events may wait to be printed.
const listenLog = 100_000

// listenFlags are those of listen.
type listenFlags struct {
	target    targetFlags // those that make sense for callers
	ssh       []string
	https     []string
	rpc       string
	save      string
	count     int
	acceptNew bool
	only      []string
	noPlain   bool
	expired   bool
}

func (a *app) listenCommand() *cobra.Command {
	var f listenFlags
	c := &cobra.Command{
		Use:   "listen [--ssh ADDR] [--https ADDR]",
		Short: "Wait for devices that dial in, without the interface",
		Long: `Waits for devices that dial in: by call home (RFC 8071) and by Junos outbound SSH
on --ssh, by Junos outbound HTTPS on --https. The latter shows the certificate that
dialtone cert has made; one that has expired only with --expired-cert.

Let in are devices that have a profile and whose identity is believed: the host
key is a pin of the profile, and the secret was proved where the profile has one.
A device that proves its secret and has no pin yet is let in when its profile says
host_key = "accept-new"; its key is then pinned. All others are refused, unless
--accept-new lets everybody in, with the credentials given as flags. A password
that a device refused is not sent to it again, however often it calls.

With --rpc the RPC in FILE is sent to each device once it is open, and the
device is let go after the reply. With --count the program ends after so many
devices; one that calls again counts once, and is refused the second time.

Standard output has one JSON object a line: time, event (listening, caller,
refused, admitted, open, reply, closed, lost, down, stopped), via, from,
device_id, profile, trust, error; of a reply also ok, bytes and reply, or file
with --save.

Exit codes: 0 done. 1 a device answered with an error. 2 wrong usage. 3 an address
could not be listened on, or a device was lost. 4 a device broke the protocol. 5
outcome unknown. The highest that applies is used; 130 interrupted.`,
		Example: `  dialtone listen --ssh 192.0.2.10:4334
  dialtone listen --ssh :4334 --rpc get-facts.xml --count 12 --save replies
  dialtone listen --ssh 127.0.0.1:4334 --accept-new --user admin --password-file pw`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return a.listen(c, &f) },
	}
	fs := c.Flags()
	fs.StringArrayVar(&f.ssh, "ssh", nil, "listen here for call home and Junos outbound SSH, such as 192.0.2.10:4334; may be repeated")
	fs.StringArrayVar(&f.https, "https", nil, "listen here for Junos outbound HTTPS; may be repeated")
	fs.StringVar(&f.rpc, "rpc", "", "send the RPC in this file to each device that is let in; - is standard input")
	fs.StringVar(&f.save, "save", "", "with --rpc: write each reply into a file in this directory")
	fs.IntVar(&f.count, "count", 0, "end after so many devices")
	fs.BoolVar(&f.acceptNew, "accept-new", false, "let every caller in, whatever its identity")
	fs.StringArrayVar(&f.only, "only", nil, "take callers of this network or address alone, such as 192.0.2.0/24; may be repeated")
	fs.BoolVar(&f.noPlain, "no-plain", false, "refuse call home without a greeting (RFC 8071), for a port of Junos devices alone")
	fs.BoolVar(&f.expired, "expired-cert", false, "listen on --https even with a certificate that has expired or is not valid yet; devices that look at its dates refuse it")
	t := &f.target
	fs.StringVarP(&t.user, "user", "u", "", "user name for callers without a profile")
	fs.StringArrayVarP(&t.identity, "identity", "i", nil, "private key file for callers without a profile; may be repeated")
	fs.BoolVar(&t.noAgent, "no-agent", false, "do not offer the keys of the ssh-agent to callers without a profile")
	fs.StringVar(&t.passwordFile, "password-file", "", "read the password for callers without one from the first line of this file, which only you may read; - is standard input")
	fs.DurationVar(&t.timeout, "timeout", 0, "longest silence of a device before a request is given up, such as 90s")
	fs.DurationVar(&t.slow, "commit-timeout", 0, "longest silence while a device commits or validates, 15m when not given")
	fs.BoolVar(&t.readOnly, "read-only", false, "refuse every request that may change a device")
	fs.StringVar(&t.log, "log", "", "write what happens to this file")
	fs.StringVar(&t.trace, "trace", "", "write all bytes of both directions, secrets included, to this file")
	for _, name := range []string{"rpc", "identity", "password-file", "log", "trace"} {
		_ = c.MarkFlagFilename(name) // the flags are there
	}
	_ = c.MarkFlagDirname("save")
	return c
}

// check refuses what does not go together.
func (f *listenFlags) check(c *cobra.Command) error {
	switch {
	case len(f.ssh)+len(f.https) == 0:
		return usagef(c, "say where to listen: --ssh ADDR or --https ADDR")
	case f.count < 0:
		return usagef(c, "--count must not be negative")
	case f.expired && len(f.https) == 0:
		return usagef(c, "--expired-cert needs --https")
	case f.save != "" && f.rpc == "":
		return usagef(c, "--save needs --rpc")
	case f.rpc == "-" && f.target.passwordFile == "-":
		return usagef(c, "standard input cannot be both the password and the RPC")
	case f.target.timeout < 0 || f.target.slow < 0:
		return usagef(c, "--timeout and --commit-timeout must not be negative")
	}
	if _, err := callhome.ParseOnly(strings.Join(f.only, " ")); err != nil {
		return usagef(c, "--only: %s", errorLine(err))
	}
	for flag, addrs := range map[string][]string{"--ssh": f.ssh, "--https": f.https} {
		for _, addr := range addrs {
			if err := checkAddress(flag, addr); err != nil {
				return usage(c, err)
			}
		}
	}
	return nil
}

// listen is the whole of one run.
func (a *app) listen(c *cobra.Command, f *listenFlags) error {
	if err := f.check(c); err != nil {
		return err
	}
	r, err := a.setup(&f.target)
	defer r.close()
	if err != nil {
		return err
	}
	w := newWaiter(a, f)
	w.run = r
	if f.rpc != "" {
		body, err := a.readRequest(f.rpc)
		if err != nil {
			return with(ExitUsage, err)
		}
		w.ask = &question{body: body}
		if _, err := w.ask.request(conn.Device{}); err != nil {
			return with(ExitUsage, err)
		}
		if err := w.ask.check(link.Target{Name: "everything", ReadOnly: f.target.readOnly}); err != nil {
			return err
		}
	}
	if f.save != "" {
		if err := os.MkdirAll(f.save, 0o700); err != nil {
			return with(ExitUsage, fault("FS-IO", err.Error(), "", "Name a directory that can be written"))
		}
	}
	err = w.work(c.Context())
	for _, e := range []error{r.journal.Fault(), r.close()} {
		if e != nil {
			a.note("%s", errorLine(e))
		}
	}
	return err
}

// work opens the desk, waits, and takes it down again.
func (w *waiter) work(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	person := &asker{a: w.a, cancel: func() { cancel(Signal{Name: "SIGINT", Code: ExitInterrupted}) }}
	defer person.close()
	w.a.pass.from(person)
	defer w.a.pass.from(nil)
	if err := w.unlock(ctx); err != nil {
		if ctx.Err() != nil {
			return &exit{code: signalCode(context.Cause(ctx)), err: context.Cause(ctx)}
		}
		return err
	}
	w.start(person)
	err := w.listenOn()
	if err == nil {
		err = w.loop(ctx)
	}
	w.end()
	switch {
	case w.out.err != nil:
		return with(ExitUnknown, fault("OUT-WRITE", "events could not be written: "+w.out.err.Error(), "", ""))
	case ctx.Err() != nil:
		return &exit{code: signalCode(context.Cause(ctx)), silent: true, err: context.Cause(ctx)}
	case err != nil:
		return err
	case w.code != ExitDone:
		return &exit{code: w.code, silent: true, err: fmt.Errorf("not every device was served")}
	}
	return nil
}

// unlock opens the secret store before anybody calls, if a profile of a caller
// needs it.
func (w *waiter) unlock(ctx context.Context) error {
	ps, errs := w.run.store.List()
	for _, err := range errs {
		w.a.note("%s", errorLine(err))
	}
	for _, p := range ps {
		w.known[p.Name] = true
	}
	for _, p := range ps {
		if p.Via == link.SSH || !strings.HasPrefix(p.Secret, "store:") && !strings.HasPrefix(p.Password, "store:") {
			continue
		}
		s := w.a.secrets()
		if s == nil {
			return nil
		}
		_, err := s.Names(ctx)
		return storeExit(err)
	}
	return nil
}

// start makes the manager and the desk.
func (w *waiter) start(person *asker) {
	o := w.run.options
	o.Ask, o.Redial = person, false
	o.Crashed = func(where string, value any, stack []byte) {
		w.run.log.Error("panic", "where", where, "value", fmt.Sprint(value), "stack", string(stack))
	}
	w.control = w.a.commits()
	o.Watch = w.control
	w.m = conn.NewManager(o)
	w.control.Bind(w.m)
	w.below = w.m.Events()
	dialer, _ := o.Dialer.(*dial.Dialer) // another kind cannot sign in to callers; the desk then makes one
	w.desk = desk.New(desk.Options{
		Manager: w.m, Profiles: w.profiles(), Dialer: dialer, Vault: w.a.calling(), Ask: person, Now: w.a.env.Now,
		LogLines: listenLog, User: w.f.target.user, Crashed: o.Crashed,
		CertFile: in(w.a.dir.config, certFile), KeyFile: in(w.a.dir.config, keyFile),
	})
}

// profiles are the saved ones, with every caller waiting for this program's word.
func (w *waiter) profiles() profile.Store { return &asking{w.run.store} }

// asking is a store in which no caller opens by itself. What it saves is the key
// of a device and nothing else.
type asking struct{ profile.Store }

// List returns the profiles.
func (s *asking) List() ([]profile.Profile, []error) {
	ps, errs := s.Store.List()
	for i := range ps {
		ps[i].Open = "ask"
	}
	return ps, errs
}

// Put saves the pins of a profile that is there.
func (s *asking) Put(p profile.Profile) error {
	old, err := find(s.Store, p.Name)
	if err != nil {
		return err
	}
	old.Pin = p.Pin
	return s.Store.Put(old)
}

// complete puts what the flags say where a target says nothing.
func (f *listenFlags) complete(t link.Target) link.Target {
	if t.Password == "" {
		switch f.target.passwordFile {
		case "":
		case "-":
			t.Password = stdinPassword
		default:
			t.Password = "file:" + absolute(f.target.passwordFile)
		}
	}
	if f.target.timeout != 0 {
		t.Timeout = link.Duration(f.target.timeout)
	}
	if f.target.slow != 0 {
		t.CommitTimeout = link.Duration(f.target.slow)
	}
	t.ReadOnly = t.ReadOnly || f.target.readOnly
	return t
}

// stranger is the target for a caller without a profile.
func (f *listenFlags) stranger() link.Target {
	t := f.complete(link.Target{User: f.target.user, Identity: f.target.identity})
	if f.target.noAgent {
		no := false
		t.Agent = &no
	}
	return t
}

// listenOn starts the listeners, and warns where that is due.
func (w *waiter) listenOn() error {
	if w.f.acceptNew {
		w.a.note("Every device that calls is let in, whatever its identity, and is offered the credentials given here (--accept-new).")
	}
	for kind, addrs := range map[string][]string{"ssh": w.f.ssh, "https": w.f.https} {
		for _, addr := range addrs {
			host, _, _ := net.SplitHostPort(addr)
			if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
				w.a.note("Listening on all addresses of this machine (%s).", safe.Text(addr))
			}
			set := desk.Setting{Kind: kind, Addr: addr, Only: strings.Join(w.f.only, " "), NoPlain: w.f.noPlain && kind == desk.SSH}
			if err := w.listenAs(set); err != nil {
				return with(ExitUsage, err)
			}
			w.starting++
		}
	}
	return nil
}

// listenAs starts one listener, with a certificate that has expired only where
// the person has said so.
func (w *waiter) listenAs(set desk.Setting) error {
	err := w.desk.ListenAs(set)
	var f *keys.Fault
	if !errors.As(err, &f) || f.Code != "TLS-EXPIRED" {
		return err
	}
	if !w.f.expired {
		return &keys.Fault{Code: f.Code, What: f.What, Do: f.Do + ", or listen with it all the same: --expired-cert", Err: err}
	}
	w.a.note("%s Listening with it all the same (--expired-cert).", sentence(safe.Text(capital(f.What))))
	return w.desk.ListenStale(set)
}

// end takes everything down in order: no new callers, no sessions, and last the
// word that it is over.
func (w *waiter) end() {
	for _, l := range w.desk.Listeners() {
		_ = w.desk.Stop(l.Kind, l.Addr) // one that ended by itself is gone
	}
	w.a.leave(w.m, w.control)
	w.desk.Close()
	var over []desk.Line
	lines, _, _ := w.desk.After(w.seen)
	w.unanswered()
	for _, l := range lines {
		if l.Event == "stopped" {
			over = append(over, l)
			continue
		}
		w.print(l)
	}
	for _, l := range over {
		w.print(l)
	}
}
