package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"dialtone/conn/link"
	"dialtone/conn/profile"
)

// fieldFlags are the fields of a profile as flags. A password or secret is
// given by a reference to where it is kept, never by itself.
type fieldFlags struct {
	via, host, user, agentKey, password, deviceID, secret, hostKey, open, group, note string

	port                                      int
	identity, jump, pin, legacy, quirks, tags []string
	noAgent, readOnly                         bool
	keepalive, timeout, commitTimeout         time.Duration
}

func (f *fieldFlags) add(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.via, "via", "ssh", "how it is reached: ssh, call-home, junos, https or https-basic")
	fs.StringVar(&f.host, "host", "", "name or address")
	fs.IntVar(&f.port, "port", 0, "port, 830 when not given")
	fs.StringVarP(&f.user, "user", "u", "", "user name on the device")
	fs.StringArrayVarP(&f.identity, "identity", "i", nil, "private key file; may be repeated")
	fs.BoolVar(&f.noAgent, "no-agent", false, "do not offer the keys of the ssh-agent")
	fs.StringVar(&f.agentKey, "agent-key", "", "offer only this key of the agent, as SHA256:...")
	fs.StringVar(&f.password, "password", "", "where the password is: ask, store:NAME, keyring:NAME, env:VAR or file:PATH")
	fs.StringSliceVarP(&f.jump, "jump", "J", nil, "jump hosts in order")
	fs.StringVar(&f.deviceID, "device-id", "", "what the device calls itself when it dials in")
	fs.StringVar(&f.secret, "secret", "", "where the shared secret is: store:NAME, keyring:NAME, env:VAR or file:PATH")
	fs.StringSliceVar(&f.pin, "pin", nil, "host key that the device may show, as SHA256:...")
	fs.StringVar(&f.hostKey, "host-key", "", "unknown host keys: ask, accept-new or strict")
	fs.StringVar(&f.open, "open", "", "when it dials in: ask or auto")
	fs.BoolVar(&f.readOnly, "read-only", false, "refuse every request that may change it")
	fs.DurationVar(&f.keepalive, "keepalive", 0, "interval of keepalives, 15s when not given")
	fs.DurationVar(&f.timeout, "timeout", 0, "longest silence before a request is given up")
	fs.DurationVar(&f.commitTimeout, "commit-timeout", 0, "longest silence while a device commits or validates, 15m when not given")
	fs.StringSliceVar(&f.legacy, "legacy", nil, "old algorithms to allow: "+strings.Join(profile.Legacy(), ", "))
	fs.StringSliceVar(&f.quirks, "quirk", nil, "departures from the standard: "+strings.Join(profile.QuirkWords(), ", "))
	fs.StringVar(&f.group, "group", "", "group")
	fs.StringSliceVar(&f.tags, "tag", nil, "tags")
	fs.StringVar(&f.note, "note", "", "remark")
}

// apply puts the flags that were given into p and reports whether there were
// any.
func (f *fieldFlags) apply(c *cobra.Command, p *profile.Profile) (any bool) {
	for name, set := range map[string]func(){
		"via":            func() { p.Via = link.Via(f.via) },
		"host":           func() { p.Host = f.host },
		"port":           func() { p.Port = f.port },
		"user":           func() { p.User = f.user },
		"identity":       func() { p.Identity = f.identity },
		"no-agent":       func() { on := !f.noAgent; p.Agent = &on },
		"agent-key":      func() { p.AgentKey = f.agentKey },
		"password":       func() { p.Password = f.password },
		"jump":           func() { p.Jump = f.jump },
		"device-id":      func() { p.DeviceID = f.deviceID },
		"secret":         func() { p.Secret = f.secret },
		"pin":            func() { p.Pin = f.pin },
		"host-key":       func() { p.HostKey = link.HostKeyPolicy(f.hostKey) },
		"open":           func() { p.Open = f.open },
		"read-only":      func() { p.ReadOnly = f.readOnly },
		"keepalive":      func() { p.Keepalive = link.Duration(f.keepalive) },
		"timeout":        func() { p.Timeout = link.Duration(f.timeout) },
		"commit-timeout": func() { p.CommitTimeout = link.Duration(f.commitTimeout) },
		"legacy":         func() { p.Legacy = f.legacy },
		"quirk":          func() { p.Quirks = f.quirks },
		"group":          func() { p.Group = f.group },
		"tag":            func() { p.Tags = f.tags },
		"note":           func() { p.Note = f.note },
	} {
		if c.Flags().Changed(name) {
			set()
			any = true
		}
	}
	return any
}

func (a *app) profileAdd() *cobra.Command {
	var f fieldFlags
	c := &cobra.Command{
		Use:   "add NAME [[USER@]HOST[:PORT]]",
		Short: "Save a new profile",
		Example: `  dialtone profile add core-r1 admin@192.0.2.1 --group core --tag mx
  dialtone profile add edge-7 --via junos --device-id edge-7 --secret env:EDGE_SECRET`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.writable()
			if err != nil {
				return err
			}
			if _, err := find(s, args[0]); !isMissing(err) {
				if err != nil {
					return err
				}
				return with(ExitUsage, fault("PRO-EXISTS", fmt.Sprintf("there is a profile %q already", args[0]), "It is untouched", "Use dialtone profile edit"))
			}
			p := profile.Profile{Target: link.Target{Via: link.SSH}}
			if len(args) == 2 {
				if p.Target, err = profile.Parse(args[1]); err != nil {
					return usage(c, err)
				}
			}
			p.Name = args[0]
			f.apply(c, &p)
			return with(ExitUsage, s.Put(p))
		},
	}
	f.add(c)
	return c
}

func (a *app) profileEdit() *cobra.Command {
	var f fieldFlags
	c := &cobra.Command{
		Use:   "edit NAME",
		Short: "Change a profile by flags, or in your editor",
		Long: `Changes the fields that are given as flags. Without any, the profile opens in
$VISUAL or $EDITOR and is checked before it is saved.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeTarget,
		RunE: func(c *cobra.Command, args []string) error {
			s, err := a.writable()
			if err != nil {
				return err
			}
			p, err := find(s, args[0])
			if err != nil {
				return err
			}
			if f.apply(c, &p) {
				return with(ExitUsage, s.Put(p))
			}
			return a.editInEditor(c, s, p)
		},
	}
	f.add(c)
	return c
}

// editInEditor lets the person change the text of a profile. What was typed is
// not lost when it is wrong: the file stays and is named.
func (a *app) editInEditor(c *cobra.Command, s profile.Store, p profile.Profile) error {
	editor := a.env.Getenv("VISUAL")
	if editor == "" {
		editor = a.env.Getenv("EDITOR")
	}
	if editor == "" {
		return usagef(c, "neither flags nor $EDITOR are given")
	}
	before, err := toml.Marshal(p)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "dialtone-edit-")
	if err != nil {
		return with(ExitUsage, err)
	}
	path := filepath.Join(dir, p.Name+".toml")
	if err := os.WriteFile(path, before, 0o600); err != nil {
		return with(ExitUsage, errors.Join(err, os.RemoveAll(dir)))
	}
	words := strings.Fields(editor)
	cmd := exec.CommandContext(c.Context(), words[0], append(slices.Clone(words[1:]), path)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.env.Stdin, a.env.Stdout, a.env.Stderr
	if err := cmd.Run(); err != nil {
		return with(ExitUsage, fault("EDITOR", fmt.Sprintf("%s: %v", words[0], err), "The profile is untouched; your text is in "+path, ""))
	}
	after, err := os.ReadFile(path)
	if err != nil {
		return with(ExitUsage, err)
	}
	if bytes.Equal(before, after) {
		a.note("Nothing was changed.")
		return os.RemoveAll(dir)
	}
	edited, errs := profile.Open(dir).List()
	if len(edited) != 1 {
		for _, e := range errs {
			a.note("%s", errorLine(e))
		}
		return with(ExitUsage, fault("PRO-BAD", "the edited profile cannot be saved", "The profile is untouched; your text is in "+path, ""))
	}
	if err := s.Put(edited[0]); err != nil {
		a.note("Your text is in %s.", path)
		return with(ExitUsage, err)
	}
	return os.RemoveAll(dir)
}
