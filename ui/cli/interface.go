package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
)

// Interface runs the screen until the person leaves or ctx is done. The error
// is nil when it was left in an orderly way.
type Interface func(ctx context.Context, d InterfaceDeps) error

// InterfaceDeps is what the interface is given.
type InterfaceDeps struct {
	// Manager lacks Ask and Crashed, which the interface brings. In the demo it
	// lacks Dialer too.
	Manager  conn.Options
	HostKeys keys.HostKeys // those that the dialer checks
	// OnWaiting sets who is told that the ssh-agent waits for a touch, and when
	// that is over; until then nobody is. f must not block.
	OnWaiting func(f func(t link.Target, comment string, on bool))
	// OnSecret sets who is asked for the passphrase of the secret store; nil:
	// nobody, and secrets in it are not to be had.
	OnSecret func(ask link.Asker)
	Vault    keys.Vault // looks up the secrets of devices that call; nil in the demo
	// Lock forgets the passphrase and the secrets until they are wanted again.
	Lock      func()
	Profiles  profile.Store
	Journal   *journal.Journal
	Config    profile.Config
	Target    *link.Target // to dial at once; nil: none
	ReadOnly  bool
	Demo      bool // simulated devices only; no file of the person's is touched
	Theme     string
	ASCII     bool
	ConfigDir string // "": nothing is saved
	StateDir  string
	WorkDir   string   // where the program was started
	Notes     []string // worth telling at the start
	Log       *slog.Logger
	Version   string
	Input     *os.File
	Output    *os.File
}

// interfaceCommand is the root: the interface.
func (a *app) interfaceCommand() *cobra.Command {
	var f targetFlags
	var theme string
	var ascii bool
	c := &cobra.Command{
		Use:   "dialtone [TARGET]",
		Short: "NETCONF sessions with routers, in the terminal",
		Long: `dialtone opens NETCONF sessions with routers, in the terminal: over SSH, and
with devices that dial in by themselves.

TARGET is the name of a saved profile or [user@]host[:port]; it is dialled at
once. Without one the list of devices opens.`,
		Example: `  dialtone
  dialtone core-r1
  dialtone admin@192.0.2.1
  dialtone demo`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: a.completeTarget,
		RunE: func(c *cobra.Command, args []string) error {
			in, out, err := a.screen()
			if err != nil {
				return err
			}
			r, err := a.setup(&f)
			defer r.close()
			if err != nil {
				return err
			}
			d := a.deps(r, &f, theme, ascii)
			d.Input, d.Output = in, out
			if len(args) > 0 || f.profile != "" {
				t, err := f.target(a, c, r.store, append(args, "")[0])
				if err != nil {
					return err
				}
				d.Target = &t
			}
			return a.show(c.Context(), d)
		},
	}
	f.add(a, c)
	c.Flags().StringVar(&theme, "theme", "", "default, light, dark, mono, or a file with one")
	c.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII characters only")
	return c
}

// demoCommand is the interface on simulated devices.
func (a *app) demoCommand() *cobra.Command {
	var theme string
	var ascii bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "Open the interface on simulated devices",
		Long: `Opens the interface on devices that are simulated inside the program. No
device of yours is reached, and no file of yours is read or written.`,
		RunE: func(c *cobra.Command, _ []string) error {
			in, out, err := a.screen()
			if err != nil {
				return err
			}
			j := journal.Memory()
			r := &run{
				store: profile.Memory(), journal: j, log: slog.New(slog.DiscardHandler), waiting: &waiting{},
				options: conn.Options{Now: a.env.Now, Journal: j},
			}
			a.dir = dirs{}
			d := a.deps(r, &targetFlags{}, theme, ascii)
			d.Input, d.Output, d.Demo = in, out, true
			return a.show(c.Context(), d)
		},
	}
	c.Flags().StringVar(&theme, "theme", "", "default, light, dark or mono")
	c.Flags().BoolVar(&ascii, "ascii", false, "draw with ASCII characters only")
	return c
}

// deps gathers what the interface is given.
func (a *app) deps(r *run, f *targetFlags, theme string, ascii bool) InterfaceDeps {
	if theme == "" {
		theme = r.config.Theme
	}
	if filepath.Ext(theme) == ".toml" {
		theme = absolute(theme)
	}
	work, err := os.Getwd()
	if err != nil {
		work = os.TempDir()
	}
	r.waiting.set(nil) // standard error is the screen
	a.pass.otherwise(nil)
	var callers keys.Vault
	if r.vault != nil {
		callers = a.calling()
	}
	return InterfaceDeps{
		Manager: r.options, HostKeys: r.hosts, OnWaiting: r.waiting.set,
		OnSecret: a.pass.from, Vault: callers, Lock: a.lock, Profiles: r.store, Journal: r.journal, Config: r.config,
		ReadOnly: r.options.ReadOnly || f.readOnly,
		Theme:    theme, ASCII: ascii || r.config.ASCII,
		ConfigDir: a.dir.config, StateDir: a.dir.state, WorkDir: work,
		Notes: r.notes, Log: r.log, Version: a.version(),
	}
}

// lock locks the secret store, if this run has one.
func (a *app) lock() {
	if a.vault != nil {
		a.vault.Lock()
	}
}

// show runs the interface.
func (a *app) show(ctx context.Context, d InterfaceDeps) error {
	if a.env.Interface == nil {
		return with(ExitUsage, fault("UI-NONE", "this build has no interface", "", "Use dialtone rpc"))
	}
	return a.env.Interface(ctx, d)
}

// screen returns the terminal to draw on, or why there is none.
func (a *app) screen() (in, out *os.File, err error) {
	in, okIn := isFile(a.env.Stdin)
	out, okOut := isFile(a.env.Stdout)
	what := ""
	switch {
	case !okIn || !isTerminal(in):
		what = "standard input is no terminal"
	case !okOut || !isTerminal(out):
		what = "standard output is no terminal"
	case a.env.Getenv("TERM") == "dumb", a.env.Getenv("TERM") == "":
		what = "TERM is not set, or dumb"
	}
	if what != "" {
		return nil, nil, with(ExitUsage, fault("TTY-NONE", fmt.Sprintf("the interface needs a terminal: %s", what), "", "In scripts use dialtone rpc TARGET FILE"))
	}
	return in, out, nil
}
