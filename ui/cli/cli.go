// Package cli is the command line: it finds files and targets, starts the
// interface, and runs the commands that need none. Standard output carries only
// what was asked for; everything else goes to standard error.
//
// One command is one file, with one function that makes it; commands.go lists
// them.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/keyring"
	"dialtone/keys/store"
)

// Env is what the program has from outside. The zero value of a field is the
// process's own.
type Env struct {
	Args    []string // without the program's name
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Now     func() time.Time
	Version string // "" is read from the build

	// Interface starts the screen; without one the commands that need it say so.
	Interface Interface
	// Dialer makes the dialer of a run.
	Dialer func(DialerSpec) link.Dialer
	// Terminal opens the person's terminal for questions; nil: the controlling
	// terminal.
	Terminal func() (Terminal, error)
}

// DialerSpec is what a dialer needs to know of files and secrets.
type DialerSpec struct {
	Hosts  keys.HostKeys
	Vault  keys.Vault
	Lookup func(name string) (link.Target, bool) // profiles, for jump hosts
	// SSHConfig is the person's file, "" when there is none to read.
	SSHConfig string
	Waiting   func(t link.Target, comment string, on bool)
}

// Run runs the command line and returns the exit code. When ctx ends, its cause
// decides the code: a Signal, else 130.
func Run(ctx context.Context, env Env) int {
	env = env.filled()
	a := &app{env: env}
	root := a.root()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if cause := context.Cause(ctx); ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = &exit{code: signalCode(cause), silent: err == nil, err: cause}
	}
	return a.report(err)
}

func (e Env) filled() Env {
	if e.Args == nil {
		e.Args = os.Args[1:]
	}
	if e.Stdin == nil {
		e.Stdin = os.Stdin
	}
	if e.Stdout == nil {
		e.Stdout = os.Stdout
	}
	if e.Stderr == nil {
		e.Stderr = os.Stderr
	}
	if e.Getenv == nil {
		e.Getenv = os.Getenv
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Terminal == nil {
		e.Terminal = openTerminal
	}
	return e
}

// app is one run of the command line.
type app struct {
	env Env
	dir dirs // filled by the persistent flags of the root

	vault *store.Store // of this run; nil until it is wanted
	ring  *keyring.Vault
	pass  passphrase

	configDir, stateDir, passphraseFile string // flags
}

// root makes the command tree.
func (a *app) root() *cobra.Command {
	root := a.interfaceCommand()
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.CompletionOptions.DisableDefaultCmd = true
	root.PersistentFlags().StringVar(&a.configDir, "config", "", "directory of the configuration (default $XDG_CONFIG_HOME/dialtone)")
	root.PersistentFlags().StringVar(&a.stateDir, "state", "", "directory of history, logs and crash reports (default $XDG_STATE_HOME/dialtone)")
	root.PersistentFlags().StringVar(&a.passphraseFile, "passphrase-file", "", "read the passphrase of the secret store from the first line of this file, which only you may read")
	_ = root.MarkPersistentFlagFilename("passphrase-file")
	_ = root.MarkPersistentFlagDirname("config") // the flag is there
	_ = root.MarkPersistentFlagDirname("state")
	root.PersistentPreRun = func(*cobra.Command, []string) {
		a.dir = findDirs(a.env.Getenv, a.configDir, a.stateDir)
	}
	root.SetFlagErrorFunc(flagFault)
	for _, c := range a.commands() {
		c.Args = positional(c.Args)
		root.AddCommand(c)
	}
	root.Args = positional(root.Args)
	return root
}

// positional turns a wrong number of arguments into a usage error.
func positional(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check == nil {
			check = cobra.NoArgs
		}
		if err := check(c, args); err != nil {
			return usagef(c, "%s: %s", misplaced(c, check, args), strings.TrimSuffix(c.UseLine(), " [flags]"))
		}
		return nil
	}
}

// misplaced says what is wrong with the arguments: one too many, one too few, or
// one that is none of the words which may stand there.
func misplaced(c *cobra.Command, check cobra.PositionalArgs, args []string) string {
	for n := len(args) - 1; n >= 0; n-- {
		if check(c, args[:n]) == nil {
			return fmt.Sprintf("%.80q is one argument too many", args[n])
		}
	}
	if len(args) > 0 && len(c.ValidArgs) > 0 {
		return fmt.Sprintf("%.80q is not known", args[0])
	}
	return "an argument is missing"
}

// flagFault is a usage error that says what a value should have been.
func flagFault(c *cobra.Command, err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return usage(c, err)
	}
	want := map[string]string{"duration": "a time such as 90s or 5m", "int": "a whole number", "bool": "true or false"}[bad.GetFlag().Value.Type()]
	if want == "" {
		return usage(c, err)
	}
	return usagef(c, "--%s must be %s, not %.80q", bad.GetFlag().Name, want, bad.GetValue())
}
