package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dialtone/conn/devconf"
	"dialtone/keys"
	"dialtone/keys/store"
)

func (a *app) secretCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "secret",
		Short: "Keep passwords and shared secrets in an encrypted file or the keyring",
		Long: `Passwords and shared secrets stand in no profile. They are kept in one encrypted
file, secrets in the directory of the configuration, and a profile refers to
them by name:

  password = "store:core-r1"
  secret   = "store:edge-7"

The file is opened by one passphrase, asked for once in a run, when the first
secret is needed. After 15 minutes without use it is asked for again. Without a
terminal the passphrase comes from --passphrase-file.

The format is that of the age program, which opens the file too:

  age --decrypt secrets

Secrets may also be in the keyring of this computer, below the service dialtone:
set and rm with --keyring change it, and profiles refer to it as keyring:NAME.
It needs no passphrase of ours.`,
		RunE: func(c *cobra.Command, args []string) error {
			return usagef(c, "say what to do: set, list, rm or passwd")
		},
	}
	for _, s := range []*cobra.Command{a.secretSet(), a.secretList(), a.secretRemove(), a.secretPasswd()} {
		s.Args = positional(s.Args)
		c.AddCommand(s)
	}
	return c
}

// withStore runs f with the store open for questions at the terminal. A person
// who presses ctrl+c ends it.
func (a *app) withStore(c *cobra.Command, f func(ctx context.Context, s *store.Store, person *asker) error) error {
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(nil)
	s, person, err := a.openStore(func() { cancel(Signal{Name: "SIGINT", Code: ExitInterrupted}) })
	if err != nil {
		return err
	}
	defer person.close()
	defer s.Lock()
	if err = f(ctx, s, person); err != nil && ctx.Err() != nil {
		return &exit{code: signalCode(context.Cause(ctx)), err: context.Cause(ctx)}
	}
	return storeExit(err)
}

// box is a place where secrets are kept: the store or the keyring.
type box interface {
	Set(ctx context.Context, name string, value keys.Secret, replace bool) error
	Remove(ctx context.Context, names ...string) error
}

// withBox runs f with the store or the keyring, and the word by which profiles
// refer to it.
func (a *app) withBox(c *cobra.Command, ring bool, f func(ctx context.Context, b box, word string, person *asker) error) error {
	if !ring {
		return a.withStore(c, func(ctx context.Context, s *store.Store, person *asker) error { return f(ctx, s, "store:", person) })
	}
	if a.passphraseFile != "" {
		return usagef(c, "the keyring has no passphrase of ours; --passphrase-file does not go with --keyring")
	}
	hideMemory()
	ctx, cancel := context.WithCancelCause(c.Context())
	defer cancel(nil)
	person := &asker{a: a, cancel: func() { cancel(Signal{Name: "SIGINT", Code: ExitInterrupted}) }}
	defer person.close()
	err := f(ctx, a.keyring(), "keyring:", person)
	if err != nil && ctx.Err() != nil { // what is kept is told too
		return &exit{code: signalCode(context.Cause(ctx)), err: err}
	}
	return storeExit(err)
}

func (a *app) secretSet() *cobra.Command {
	var generate, replace, ring bool
	c := &cobra.Command{
		Use:   "set NAME",
		Short: "Store a secret",
		Long: `Stores a secret under a name. It is asked for at the terminal, where it is not
shown, or read from the first line of standard input; it is never given as an
argument. With --generate a new one of 160 bits is made, stored, and printed
once. With --keyring it is put into the keyring of this computer, which has to be
unlocked.`,
		Example: `  dialtone secret set core-r1
  dialtone secret set edge-7 --generate
  dialtone secret set --keyring core-r1
  pass show routers/core-r1 | dialtone secret set core-r1 --replace`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeTarget,
		RunE: func(c *cobra.Command, args []string) error {
			if !store.ValidName(args[0]) {
				return usagef(c, "%.80q cannot be the name of a secret: use letters, digits, dots, underscores and dashes", args[0])
			}
			return a.withBox(c, ring, func(ctx context.Context, b box, word string, person *asker) error {
				v, err := a.secretValue(ctx, person, args[0], generate)
				if err != nil {
					return err
				}
				defer v.Wipe()
				if err := a.setSecret(ctx, b, args[0], v, replace); err != nil {
					return err
				}
				if generate {
					fmt.Fprintf(a.env.Stdout, "%s\n", v.Reveal())
				}
				a.note("Stored. Profiles refer to it as %s%s.", word, args[0])
				return nil
			})
		},
	}
	c.Flags().BoolVar(&generate, "generate", false, "make a new secret, store it and print it once")
	c.Flags().BoolVar(&replace, "replace", false, "replace a secret of this name; the old one is gone")
	c.Flags().BoolVar(&ring, "keyring", false, "store it in the keyring of this computer")
	return c
}

// setSecret stores a secret, and says how to replace one that is there.
func (a *app) setSecret(ctx context.Context, b box, name string, v keys.Secret, replace bool) error {
	err := b.Set(ctx, name, v, replace)
	if f, ok := err.(*keys.Fault); ok && f.Code == "SEC-EXISTS" {
		f.Do = "Give --replace to put a new one in its place"
	}
	return err
}

func (a *app) secretValue(ctx context.Context, person *asker, name string, generate bool) (keys.Secret, error) {
	switch {
	case generate:
		return devconf.NewSecret(), nil
	case isTerminal(a.env.Stdin):
		v, err := person.twice(ctx, "value of "+name)
		if err != nil {
			return v, fault("SEC-EMPTY", "no value for "+name+": "+err.Error(), "Nothing was stored", "")
		}
		return v, nil
	}
	return oneValue(a.env.Stdin)
}

func (a *app) secretList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the names of the secrets",
		Long: `Lists the names of the secrets in the store, one a line. The secrets themselves
are not shown. What is in the keyring its own program lists.`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withStore(c, func(ctx context.Context, s *store.Store, _ *asker) error {
				names, err := s.Names(ctx)
				if err != nil {
					return err
				}
				return a.plain(func(w io.Writer) error {
					for _, n := range names {
						if _, err := fmt.Fprintln(w, n); err != nil {
							return err
						}
					}
					return nil
				})
			})
		},
	}
}

func (a *app) secretRemove() *cobra.Command {
	var ring bool
	c := &cobra.Command{
		Use:   "rm NAME...",
		Short: "Delete secrets",
		Long:  `Deletes secrets. When one of the names is not there none is deleted.`,
		Example: `  dialtone secret rm core-r1
  dialtone secret rm --keyring core-r1`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return a.withBox(c, ring, func(ctx context.Context, b box, _ string, _ *asker) error { return b.Remove(ctx, args...) })
		},
	}
	c.Flags().BoolVar(&ring, "keyring", false, "delete from the keyring of this computer")
	return c
}

func (a *app) secretPasswd() *cobra.Command {
	return &cobra.Command{
		Use:   "passwd",
		Short: "Change the passphrase of the store",
		Long: `Asks for the passphrase of the store, and twice for a new one. The file is
replaced as a whole: if that is interrupted, the old or the new passphrase opens
it.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.passphraseFile != "" {
				return usagef(c, "passwd asks at the terminal; --passphrase-file does not go with it")
			}
			return a.withStore(c, func(ctx context.Context, s *store.Store, _ *asker) error {
				if err := s.ChangePassphrase(ctx); err != nil {
					return err
				}
				a.note("The passphrase was changed.")
				return nil
			})
		},
	}
}
