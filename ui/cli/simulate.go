package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
	"dialtone/ui/safe"
)

// most is how many devices one run simulates.
const mostSimulated = 1000

// simFault is one way in which a simulated device can be wrong.
type simFault struct {
	name, help string
	device     func(*simdev.Faults)
	call       func(*simnet.CallFaults) error // nil: it concerns any device
	https      func(*outboundsim.Faults)      // of devices that dial by outbound HTTPS
}

// simFaults are the names that --fault takes.
func simFaults() []simFault {
	return []simFault{
		{name: "wrong-id", help: "replies with the wrong message-id", device: func(f *simdev.Faults) { f.WrongID = true }},
		{name: "no-id", help: "replies without message-id", device: func(f *simdev.Faults) { f.NoID = true }},
		{name: "old-framing", help: "base:1.1 announced, answers in the framing of 1.0", device: func(f *simdev.Faults) { f.Frame10After = true }},
		{name: "errors", help: "three rpc-errors in each reply", device: func(f *simdev.Faults) { f.Errors = 3 }},
		{name: "warnings", help: "two warnings in each reply", device: func(f *simdev.Faults) { f.Warnings = 2 }},
		{name: "cut", help: "hangs up after 1,000 bytes of a reply", device: func(f *simdev.Faults) { f.CutAfter = 1000 }},
		{name: "slow", help: "replies come at 64 kB a second", device: func(f *simdev.Faults) { f.BytesPerSec = 64 << 10 }},
		{name: "lose-reply", help: "does what is asked and hangs up", device: func(f *simdev.Faults) { f.LoseReply = true }},
		{name: "silent", help: "does what is asked and never answers", device: func(f *simdev.Faults) { f.Silent = true }},
		{name: "commit-error", help: "a confirmed commit is armed and answered with an error", device: func(f *simdev.Faults) { f.CommitError = true }},
		{name: "no-rollback", help: "a confirmed commit stays when time runs out or the session is lost", device: func(f *simdev.Faults) { f.NoTimeout, f.KeepOnLoss = true, true }},
		{name: "wrong-hmac", help: "callers: an HMAC made with another secret", call: func(f *simnet.CallFaults) error { f.WrongHMAC = true; return nil }},
		{name: "no-hmac", help: "callers: HOST-KEY without HMAC", call: func(f *simnet.CallFaults) error { f.NoHMAC = true; return nil }},
		{name: "other-key", help: "callers: announces another host key than it shows", call: func(f *simnet.CallFaults) (err error) { f.Announce, err = simnet.NewKey(); return err }},
		{name: "nul", help: "callers: a NUL behind HOST-KEY", call: func(f *simnet.CallFaults) error { f.NUL = true; return nil }},
		{name: "bare-lf", help: "callers: lines end with LF only", call: func(f *simnet.CallFaults) error { f.BareLF = true; return nil }},
		{name: "no-blank", help: "callers: no blank after the colons", call: func(f *simnet.CallFaults) error { f.NoBlank = true; return nil }},
		{name: "two-colons", help: "callers: the colon of DEVICE-ID twice", call: func(f *simnet.CallFaults) error { f.Doubled = true; return nil }},
		{name: "blank-lines", help: "callers: two blank lines behind the preamble", call: func(f *simnet.CallFaults) error { f.Blanks = true; return nil }},
		{name: "upper-hmac", help: "callers: the HMAC in capitals", call: func(f *simnet.CallFaults) error { f.Upper = true; return nil }},
		{name: "stall", help: "callers: nothing after 30 bytes of the preamble", call: func(f *simnet.CallFaults) error { f.Stall = 30; return nil }},
		{name: "drip", help: "callers: the preamble comes at a byte every 50 ms", call: func(f *simnet.CallFaults) error { f.Drip = 50 * time.Millisecond; return nil }},
		{name: "mid-mark", help: "https: every end mark comes in two messages", https: func(f *outboundsim.Faults) { f.MidMark = true }},
		{name: "small-pieces", help: "https: messages of 7 bytes", https: func(f *outboundsim.Faults) { f.Piece = 7 }},
		{name: "notice-only", help: "https: close-session is answered by the end notice alone", https: func(f *outboundsim.Faults) { f.NoticeOnly = true }},
		{name: "no-notice", help: "https: sessions end without a notice", https: func(f *outboundsim.Faults) { f.NoNotice = true }},
		{name: "stuck", help: "https: sessions are never ended by the device", https: func(f *outboundsim.Faults) { f.Stuck = true }},
		{name: "no-echo", help: "https: the stream comes without the token", https: func(f *outboundsim.Faults) { f.NoEcho = true }},
		{name: "no-stream", help: "https: an opened call is followed by nothing", https: func(f *outboundsim.Faults) { f.NoStream = true }},
		{name: "wrong-hello", help: "https-basic: another greeting than the constant", https: func(f *outboundsim.Faults) { f.Hello = "somebody" }},
	}
}

// The strategies of a device with several addresses, in the words of Junos.
const (
	inOrder = "in-order"
	sticky  = "sticky"
)

// simulateFlags are those of simulate.
type simulateFlags struct {
	ssh, dial, via, deviceID, secretFile, dialect, bulk, name, user, passwordFile, hostKey, trusted string

	delay, wait time.Duration
	count       int
	faults      []string
	more        []string
	reconnect   string
}

func (a *app) simulateCommand() *cobra.Command {
	var f simulateFlags
	var names, list strings.Builder
	for _, s := range simFaults() {
		fmt.Fprintf(&list, "  %-14s%s\n", s.name, s.help)
		names.WriteString(s.name + " ")
	}
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run simulated devices for your own tests",
		Long: `Runs simulated devices in the foreground until it is interrupted: NETCONF servers
with a configuration of their own behind real SSH. Nothing of them is saved.

They wait for connections on --ssh (127.0.0.1 and a free port when nothing is
given), or dial --dial as a device does that calls home. Each prints a line with
its name, address and host key, which is new in every run unless --host-key names
one. Without --password-file the user admin is let in without proof.

With --via https or https-basic they dial as Junos devices do by outbound HTTPS,
in the form of 20.3 and later and in that of 20.2. The server must show the
certificate in --trusted-cert, or one that it has signed, and the certificate must
be for the address that is dialled. The former also offer a command shell that
knows hostname, uname, pwd, echo, cli -c "show version", and yes, which never
ends. What happens to a call is told on standard error.

With --count there are several: on the ports after that of --ssh, with numbers
behind the name and the device-id.

Faults for --fault:

` + strings.TrimRight(list.String(), "\n"),
		Example: `  dialtone simulate --ssh 127.0.0.1:8830
  dialtone simulate --dialect junos --bulk 60MB
  dialtone simulate --dial 127.0.0.1:4334 --via junos --device-id edge-7 --secret-file secret.txt --count 20
  dialtone simulate --dial 127.0.0.1:8443 --via https --device-id edge-9 --secret-file secret.txt --trusted-cert server.crt`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(c *cobra.Command, _ []string) error { return a.simulate(c, &f) },
	}
	fs := c.Flags()
	fs.StringVar(&f.ssh, "ssh", "", "listen on this address")
	fs.StringVar(&f.dial, "dial", "", "dial this address, again and again")
	fs.StringVar(&f.via, "via", string(link.CallHome), "with --dial: call-home, junos, https or https-basic")
	fs.StringVar(&f.deviceID, "device-id", "", "with --via junos or https: what the device calls itself")
	fs.StringVar(&f.secretFile, "secret-file", "", "with --via junos or https: the shared secret is the first line of this file, which only you may read")
	fs.StringVar(&f.trusted, "trusted-cert", "", "with --via https or https-basic: the certificates that the device trusts (default server.crt of the configuration)")
	fs.StringArrayVar(&f.more, "or-dial", nil, "with --dial: dial this address when the one before does not let the device in; may be repeated")
	fs.StringVar(&f.reconnect, "reconnect", inOrder, "with --or-dial: in-order begins with the first address after each session, sticky with the last that let it in")
	fs.DurationVar(&f.wait, "wait", 2*time.Second, "with --dial: time between two calls")
	fs.StringVar(&f.dialect, "dialect", "", "junos or rfc (default rfc, with --via junos, https or https-basic it is junos)")
	fs.StringVar(&f.name, "name", "sim", "host name of the device")
	fs.StringVarP(&f.user, "user", "u", "admin", "user name that is let in")
	fs.StringVar(&f.passwordFile, "password-file", "", "ask for the password in the first line of this file, which only you may read")
	fs.StringVar(&f.hostKey, "host-key", "", "private key file to use as the host key")
	fs.StringVar(&f.bulk, "bulk", "", "size of the configuration, such as 60MB")
	fs.DurationVar(&f.delay, "delay", 0, "time before each reply")
	fs.IntVar(&f.count, "count", 1, "how many devices")
	fs.StringSliceVar(&f.faults, "fault", nil, "faults of the devices, as listed above")
	for _, name := range []string{"secret-file", "password-file", "host-key", "trusted-cert"} {
		_ = c.MarkFlagFilename(name) // the flags are there
	}
	fixed := func(flag string, words ...string) {
		_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
	}
	fixed("via", string(link.CallHome), string(link.Junos), string(link.HTTPS), string(link.HTTPSBasic))
	fixed("reconnect", inOrder, sticky)
	fixed("dialect", string(simdev.Junos), string(simdev.RFC))
	fixed("fault", strings.Fields(names.String())...)
	return c
}

// simulated is what all devices of a run have in common.
type simulated struct {
	device simdev.Options
	server simnet.Server
	call   simnet.CallOptions
	https  outboundsim.Options
}

// secure reports a way of dialling by outbound HTTPS.
func (f *simulateFlags) secure() bool {
	return f.via == string(link.HTTPS) || f.via == string(link.HTTPSBasic)
}

// check refuses flags that do not go together.
func (f *simulateFlags) check(c *cobra.Command) error {
	via := link.Via(f.via)
	named := via == link.Junos || via == link.HTTPS
	switch {
	case f.count < 1 || f.count > mostSimulated:
		return usagef(c, "--count must be 1 to %d", mostSimulated)
	case f.dial == "" && (c.Flags().Changed("via") || f.deviceID != "" || f.secretFile != "" || f.trusted != "" || c.Flags().Changed("wait")):
		return usagef(c, "--via, --device-id, --secret-file, --trusted-cert and --wait need --dial")
	case f.ssh != "" && f.dial != "":
		return usagef(c, "--ssh and --dial exclude each other")
	case via != link.CallHome && via != link.Junos && !f.secure():
		return usagef(c, "--via must be call-home, junos, https or https-basic, not %.40q", f.via)
	case named && f.deviceID == "":
		return usagef(c, "--via %s needs --device-id", f.via)
	case !named && (f.deviceID != "" || f.secretFile != ""):
		return usagef(c, "--device-id and --secret-file need --via junos or https")
	case f.trusted != "" && !f.secure():
		return usagef(c, "--trusted-cert needs --via https or https-basic")
	case f.secure() && (f.hostKey != "" || f.passwordFile != ""):
		return usagef(c, "--host-key and --password-file are for devices behind SSH")
	case f.dial == "" && len(f.more) > 0, f.secure() && len(f.more) > 0:
		return usagef(c, "--or-dial needs --dial, and --via call-home or junos")
	case f.reconnect != inOrder && f.reconnect != sticky:
		return usagef(c, "--reconnect must be in-order or sticky, not %.40q", f.reconnect)
	case f.reconnect == sticky && len(f.more) == 0:
		return usagef(c, "--reconnect sticky needs --or-dial")
	case f.delay < 0 || f.wait < 0:
		return usagef(c, "times must not be negative")
	}
	if err := f.checkAddresses(); err != nil {
		return usage(c, err)
	}
	return nil
}

// checkAddresses looks at where to listen, up to the last port, or to dial.
func (f *simulateFlags) checkAddresses() error {
	if f.ssh != "" {
		if err := checkAddress("--ssh", f.ssh); err != nil {
			return err
		}
		if _, err := nextPort(f.ssh, f.count-1); err != nil {
			return fmt.Errorf("--ssh and --count: %w", err)
		}
	}
	if f.dial == "" {
		return nil
	}
	if err := checkAddress("--dial", f.dial); err != nil {
		return err
	}
	for _, addr := range f.more {
		if err := checkAddress("--or-dial", addr); err != nil {
			return err
		}
	}
	return nil
}

// options is what the flags ask for.
func (f *simulateFlags) options(a *app, c *cobra.Command) (s simulated, err error) {
	if err := f.check(c); err != nil {
		return s, err
	}
	s.device = simdev.Options{Dialect: simdev.Dialect(f.dialect), Now: a.env.Now}
	if f.dialect == "" && f.via != string(link.CallHome) {
		s.device.Dialect = simdev.Junos
	}
	switch s.device.Dialect {
	case "", simdev.Junos, simdev.RFC:
	default:
		return s, usagef(c, "--dialect must be junos or rfc, not %.40q", f.dialect)
	}
	if s.device.Bulk, err = size(f.bulk); err != nil {
		return s, usage(c, err)
	}
	s.device.Faults.Delay = f.delay
	s.call = simnet.CallOptions{Via: link.Via(f.via), Wait: f.wait, More: f.more, Sticky: f.reconnect == sticky}
	if err := f.applyFaults(c, &s); err != nil {
		return s, err
	}
	return s, f.credentials(c, &s)
}

func (f *simulateFlags) applyFaults(c *cobra.Command, s *simulated) error {
	known := simFaults()
	for _, name := range f.faults {
		i := slices.IndexFunc(known, func(k simFault) bool { return k.name == name })
		switch {
		case i < 0:
			return usagef(c, "there is no fault %.40q", name)
		case known[i].device != nil:
			known[i].device(&s.device.Faults)
		case known[i].https != nil && !f.secure():
			return usagef(c, "the fault %s needs --via https or https-basic", name)
		case known[i].https != nil:
			known[i].https(&s.https.Faults)
		case f.dial == "" || f.secure():
			return usagef(c, "the fault %s needs --dial, and --via call-home or junos", name)
		default:
			if err := known[i].call(&s.call.Faults); err != nil {
				return err
			}
		}
	}
	return nil
}

// credentials reads what the devices prove themselves with, and ask for.
func (f *simulateFlags) credentials(c *cobra.Command, s *simulated) error {
	s.server.User, s.server.Stranger = f.user, true
	if f.passwordFile != "" {
		p, err := keys.Resolve(c.Context(), "file:"+absolute(f.passwordFile))
		if err != nil {
			return with(ExitUsage, err)
		}
		s.server.Password = string(p.Reveal())
		p.Wipe()
	}
	if f.secretFile != "" {
		var err error
		if s.call.Secret, err = keys.Resolve(c.Context(), "file:"+absolute(f.secretFile)); err != nil {
			return with(ExitUsage, err)
		}
	}
	if f.hostKey != "" {
		held, err := keys.Files{}.Load(c.Context(), absolute(f.hostKey))
		if err != nil {
			return with(ExitUsage, err)
		}
		s.server.HostKey = held[len(held)-1].Signer // not the certificate before it
	}
	return nil
}

// simulate runs until it is interrupted.
func (a *app) simulate(c *cobra.Command, f *simulateFlags) error {
	s, err := f.options(a, c)
	if err != nil {
		return err
	}
	if f.secure() {
		return f.runSecure(a, c, s)
	}
	lab := simnet.New()
	defer lab.Close()
	if f.dial == "" && !loopback(f.ssh) && s.server.Password == "" {
		a.note("Warning: whoever reaches %s is let in as %s without proof. --password-file asks for a password.", safe.Text(f.ssh), safe.Text(f.user))
	}
	for i := range f.count {
		s := s
		s.device.Name = numbered(f.name, i, f.count)
		if err := f.startOne(a, lab, s, i); err != nil {
			return with(ExitConnection, fault("SIM-START", fmt.Sprintf("%s cannot be started: %v", s.device.Name, err), "", ""))
		}
	}
	return interrupted(c)
}

// interrupted waits for the signal that ends the run.
func interrupted(c *cobra.Command) error {
	<-c.Context().Done()
	return &exit{code: signalCode(context.Cause(c.Context())), silent: true, err: context.Cause(c.Context())}
}

// startOne starts the device of number i and prints its line.
func (f *simulateFlags) startOne(a *app, lab *simnet.Lab, s simulated, i int) error {
	if f.dial == "" {
		var err error
		if s.server.Addr, err = nextPort(f.ssh, i); err != nil {
			return err
		}
		h, err := lab.Add(s.device, s.server)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(a.env.Stdout, "%s listens on %s %s\n", safe.Text(s.device.Name), h.Addr(), printKey(h.HostKey()))
		return err
	}
	if f.deviceID != "" {
		s.call.DeviceID = numbered(f.deviceID, i, f.count)
	}
	s.call.Device, s.call.Server = s.device, s.server
	h, err := lab.Call(f.dial, s.call)
	if err != nil {
		return err
	}
	name := s.device.Name
	if s.call.DeviceID != "" {
		name = s.call.DeviceID
	}
	_, err = fmt.Fprintf(a.env.Stdout, "%s dials %s %s\n", safe.Text(name), safe.Text(f.dial), printKey(h.HostKey()))
	return err
}

// printKey is a key as known_hosts and people have it: its type, its
// fingerprint, and the key itself.
func printKey(k ssh.PublicKey) string {
	return ssh.FingerprintSHA256(k) + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
}

func numbered(name string, i, n int) string {
	if n == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, i+1)
}

// size reads "60MB", "500 kB", "2GB" or a number of bytes.
func size(s string) (int64, error) {
	text := strings.TrimSpace(s)
	if text == "" {
		return 0, nil
	}
	unit := int64(1)
	for _, u := range []struct {
		word string
		n    int64
	}{{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(text, u.word); ok {
			text, unit = strings.TrimSpace(rest), u.n
			break
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 4e9/unit {
		return 0, fmt.Errorf("--bulk %.40q must be a size up to 4GB, such as 60MB", s)
	}
	return n * unit, nil
}
