package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
)

// targetFlags are the flags of commands that reach a device.
type targetFlags struct {
	profile      string
	user         string
	identity     []string
	noAgent      bool
	passwordFile string
	jump         []string
	knownHosts   string
	hostKey      string
	timeout      time.Duration
	slow         time.Duration
	readOnly     bool
	log          string
	trace        string
}

func (f *targetFlags) add(a *app, c *cobra.Command) {
	fs := c.Flags()
	fs.StringVar(&f.profile, "profile", "", "saved profile to use instead of TARGET")
	fs.StringVarP(&f.user, "user", "u", "", "user name on the device")
	fs.StringArrayVarP(&f.identity, "identity", "i", nil, "private key file, in place of the profile's; may be repeated")
	fs.BoolVar(&f.noAgent, "no-agent", false, "do not offer the keys of the ssh-agent")
	fs.StringVar(&f.passwordFile, "password-file", "", "read the password from the first line of this file, which only you may read; - is standard input")
	fs.StringSliceVarP(&f.jump, "jump", "J", nil, "jump hosts in order: profiles, ssh_config names or [user@]host[:port]")
	fs.StringVar(&f.knownHosts, "known-hosts", "", "file of known host keys to use in place of ours and ~/.ssh/known_hosts")
	fs.StringVar(&f.hostKey, "host-key", "", "what to do with an unknown host key: ask, accept-new or strict")
	fs.DurationVar(&f.timeout, "timeout", 0, "longest silence of the device before a request is given up, such as 90s")
	fs.DurationVar(&f.slow, "commit-timeout", 0, "longest silence while the device commits or validates, 15m when not given")
	fs.BoolVar(&f.readOnly, "read-only", false, "refuse every request that may change a device")
	fs.StringVar(&f.log, "log", "", "write what happens to this file")
	fs.StringVar(&f.trace, "trace", "", "write all bytes of both directions, secrets included, to this file")
	for _, name := range []string{"identity", "password-file", "known-hosts", "log", "trace"} {
		_ = c.MarkFlagFilename(name) // the flag is there
	}
	_ = c.RegisterFlagCompletionFunc("host-key", cobra.FixedCompletions([]string{"ask", "accept-new", "strict"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("profile", a.completeProfiles)
}

// readable looks at the files to sign in with that the flags name, before
// anything is read from standard input.
func (f *targetFlags) readable(a *app) error {
	files := keys.Files{Home: a.dir.home}
	for _, path := range f.identity {
		if _, err := os.Stat(files.Expand(path)); err != nil && files.Public(path) == nil { // the agent may hold the private one
			return &keys.Fault{Code: "KEY-FILE", What: "--identity: " + err.Error(), Kept: "Nothing was sent", Err: err}
		}
	}
	if f.passwordFile == "" || f.passwordFile == "-" {
		return nil
	}
	s, err := keys.Resolve(context.Background(), "file:"+absolute(f.passwordFile))
	s.Wipe()
	return err
}

// target finds the target that name means, a profile before an address, and
// puts the flags over it.
func (f *targetFlags) target(a *app, c *cobra.Command, store profile.Store, name string) (link.Target, error) {
	t, err := f.base(c, store, name)
	if err != nil {
		return link.Target{}, err
	}
	if f.user != "" {
		t.User = f.user
	}
	if len(f.identity) > 0 {
		t.Identity = f.identity
	}
	if f.noAgent {
		no := false
		t.Agent = &no
	}
	if len(f.jump) > 0 {
		t.Jump = f.jump
	}
	if f.hostKey != "" {
		t.HostKey = link.HostKeyPolicy(f.hostKey)
	}
	if f.timeout != 0 {
		t.Timeout = link.Duration(f.timeout)
	}
	if f.slow != 0 {
		t.CommitTimeout = link.Duration(f.slow)
	}
	switch f.passwordFile {
	case "":
	case "-":
		t.Password = stdinPassword
	default:
		t.Password = "file:" + absolute(f.passwordFile)
	}
	if t.Password == "" && c.HasParent() && a.someoneIsThere() {
		t.Password = "ask" // as ssh does; in the interface the profile has the last word
	}
	t.ReadOnly = t.ReadOnly || f.readOnly
	probe := profile.Profile{Target: t}
	probe.Name = "flags"
	if t.Password == stdinPassword {
		probe.Password = ""
	}
	for field, what := range profile.Check(probe) {
		return link.Target{}, usagef(c, "%s: %s %s", t.Name, field, what)
	}
	if t.Via.Calls() {
		return link.Target{}, with(ExitUsage, fault("TARGET-WAY", fmt.Sprintf("%s is reached by %s: the device dials us", t.Name, t.Via), "", "Open the interface and start a listener"))
	}
	return t, nil
}

// someoneIsThere reports whether a person can be asked on a terminal.
func (a *app) someoneIsThere() bool {
	t, err := a.env.Terminal()
	if err != nil {
		return false
	}
	t.Close()
	return true
}

// base is the target before the flags. One that is given by its address alone
// asks for a password when the device takes nothing else, as ssh does.
func (f *targetFlags) base(c *cobra.Command, store profile.Store, name string) (link.Target, error) {
	if f.profile != "" {
		if name != "" {
			return link.Target{}, usagef(c, "TARGET and --profile exclude each other")
		}
		p, err := find(store, f.profile)
		return p.Target, err
	}
	if profile.ValidName(name) {
		p, err := find(store, name)
		if err == nil {
			return p.Target, nil
		}
		if !isMissing(err) {
			return link.Target{}, err
		}
	}
	t, err := profile.Parse(name)
	if err != nil {
		return link.Target{}, usage(c, err)
	}
	t.Password = "ask"
	return t, nil
}

// completeProfiles offers the names of profiles.
func (a *app) completeProfiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	d := findDirs(a.env.Getenv, a.configDir, a.stateDir)
	ps, _ := profile.Open(in(d.config, profile.Dir)).List()
	var names []string
	for _, p := range ps {
		desc := p.Host
		if desc == "" {
			desc = string(p.Via)
		}
		names = append(names, cobra.CompletionWithDesc(p.Name, desc))
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeTarget offers profiles for the first argument and files after it.
func (a *app) completeTarget(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.completeProfiles(c, args, part)
}
