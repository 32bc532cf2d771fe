package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/ssh"

	"dialtone/conn/devconf"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/keys/store"
)

// devconfFlags are those of devconf.
type devconfFlags struct {
	listener, deviceID, user, client, secretRef, cert string

	secretNew, replace bool
	keys               []string
	port, wait         int
}

func (a *app) devconfCommand() *cobra.Command {
	var f devconfFlags
	ways := []string{string(link.SSH), string(link.Junos), string(link.CallHome), string(link.HTTPS), string(link.HTTPSBasic)}
	c := &cobra.Command{
		Use:   "devconf " + strings.Join(ways, "|") + " [PROFILE]",
		Short: "Print the configuration for a Junos device",
		Long: `Prints what to paste on a Junos device, in configuration mode, so that it can be
reached in one of the ways: set commands, with remarks as # lines. What is not
given comes from the profile.

The shared secret of junos, call-home and https is made with --secret-new: it is
put into the encrypted store under the name of the profile (without one, under
that of the device) and printed this once, inside the configuration. With
--secret-ref, or when the profile has a secret, the one that is there is used.

The account that dialtone signs in to gets the public keys of --key: FILE.pub, or
agent for those of the ssh-agent. Without --key they are those that the profile
names; when it names none the device asks for a password.`,
		Example: `  dialtone devconf ssh core-r1 --key ~/.ssh/id_ed25519.pub
  dialtone devconf junos edge-7 --listener 192.0.2.10:4334 --secret-new
  dialtone devconf https --device-id edge-9 --listener nms.example.net:443 --secret-ref store:edge-9`,
		Args: cobra.RangeArgs(1, 2),
		ValidArgsFunction: func(c *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return ways, cobra.ShellCompDirectiveNoFileComp
			case 1:
				return a.completeProfiles(c, args, part)
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(c *cobra.Command, args []string) error { return a.devconf(c, &f, args) },
	}
	fs := c.Flags()
	fs.StringVar(&f.listener, "listener", "", "address of this machine as the device dials it, with the port when it is not 4334 (https: 443)")
	fs.StringVar(&f.deviceID, "device-id", "", "what the device calls itself")
	fs.StringVarP(&f.user, "user", "u", "", "user name on the device")
	fs.IntVar(&f.port, "port", 0, "ssh: port of NETCONF on the device, 830 when not given")
	fs.StringVar(&f.client, "client", "", "name of the client stanza (default dialtone)")
	fs.BoolVar(&f.secretNew, "secret-new", false, "make a shared secret, store it and print it in the configuration")
	fs.BoolVar(&f.replace, "replace", false, "with --secret-new: replace the one that is stored")
	fs.StringVar(&f.secretRef, "secret-ref", "", "use this secret: store:NAME, keyring:NAME, env:VAR or file:PATH")
	fs.StringArrayVar(&f.keys, "key", nil, "public key for the account: FILE.pub, or agent; may be repeated")
	fs.StringVar(&f.cert, "cert", "", "https: the certificate that the device is to trust (default server.crt of the configuration)")
	fs.IntVar(&f.wait, "wait", 0, "https: seconds between attempts, 30 when not given")
	_ = c.MarkFlagFilename("key", "pub") // the flags are there
	_ = c.MarkFlagFilename("cert", "crt", "pem")
	return c
}

// devconf is the whole of one run. Whatever can be wrong is found out before a
// secret is stored, and nothing is printed before.
func (a *app) devconf(c *cobra.Command, f *devconfFlags, args []string) error {
	via := link.Via(args[0])
	p, err := f.plan(a, c, via, args[1:])
	if err != nil {
		return err
	}
	return a.withStoreMaybe(c, func(ctx context.Context, s *store.Store) error {
		if p.UserKeys, err = f.userKeys(ctx, a, p.Target); err != nil {
			return err
		}
		if via == link.HTTPS || via == link.HTTPSBasic {
			a.certificate(f, &p)
		}
		name, fresh, err := f.secret(ctx, a, c, via, &p)
		if err != nil {
			return err
		}
		text, err := devconf.Text(via, p)
		if err != nil {
			return usage(c, err)
		}
		if fresh != nil {
			defer fresh.Wipe()
			if s == nil {
				return fault("CFG-NONE", "nothing is saved: there is no home directory", "Nothing was made", "Name a directory with --config, or give --secret-ref")
			}
			if err := a.setSecret(ctx, s, name, *fresh, f.replace); err != nil {
				return err
			}
		}
		if err := a.plain(func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return fault("OUT-WRITE", "the configuration could not be written: "+err.Error(), kept(fresh, name), "")
		}
		a.explain(via, p, text, name, fresh != nil, len(args) > 1)
		return nil
	})
}

func kept(fresh *keys.Secret, name string) string {
	if fresh == nil {
		return ""
	}
	return "The new secret is stored as " + name
}

// withStoreMaybe is withStore for a command that may need no secret.
func (a *app) withStoreMaybe(c *cobra.Command, f func(ctx context.Context, s *store.Store) error) error {
	if a.secrets() == nil {
		return f(c.Context(), nil)
	}
	return a.withStore(c, func(ctx context.Context, s *store.Store, _ *asker) error { return f(ctx, s) })
}

// plan is what is known without looking into files and stores.
func (f *devconfFlags) plan(a *app, c *cobra.Command, via link.Via, args []string) (p devconf.Plan, err error) {
	switch via {
	case link.SSH, link.Junos, link.CallHome, link.HTTPS, link.HTTPSBasic:
	default:
		return p, usagef(c, "%.40q is no way to connect: use ssh, junos, call-home, https or https-basic", string(via))
	}
	if len(args) > 0 {
		saved, err := find(a.store(), args[0])
		if err != nil {
			return p, err
		}
		p.Target = saved.Target
	}
	p.Listener, p.Client, p.WaitTime = f.listener, f.client, f.wait
	if f.deviceID != "" {
		p.Target.DeviceID = f.deviceID
	}
	if f.user != "" {
		p.Target.User = f.user
	}
	if f.port != 0 {
		p.Target.Port = f.port
	}
	switch {
	case (f.secretNew || f.secretRef != "") && !sharesSecret(via):
		return p, usagef(c, "%s has no shared secret", via)
	case f.secretNew && f.secretRef != "":
		return p, usagef(c, "--secret-new and --secret-ref exclude each other")
	case f.replace && !f.secretNew:
		return p, usagef(c, "--replace needs --secret-new")
	case f.wait < 0 || f.wait > 86400:
		return p, usagef(c, "--wait must be 1 to 86400 seconds")
	case f.port < 0 || f.port > 65535:
		return p, usagef(c, "--port must be 1 to 65535")
	}
	return p, nil
}

// sharesSecret reports whether a device of this way may have a shared secret.
func sharesSecret(via link.Via) bool {
	return via == link.Junos || via == link.CallHome || via == link.HTTPS
}

// secret puts the shared secret into p. One that was made now comes back with
// the name that it is to be stored under.
func (f *devconfFlags) secret(ctx context.Context, a *app, c *cobra.Command, via link.Via, p *devconf.Plan) (name string, fresh *keys.Secret, err error) {
	if f.secretNew {
		if name = p.Target.Name; name == "" {
			name = p.Target.DeviceID
		}
		if !store.ValidName(name) {
			return "", nil, usagef(c, "--secret-new needs a PROFILE, or a --device-id that can name a secret")
		}
		s := devconf.NewSecret()
		p.Secret = string(s.Reveal())
		return name, &s, nil
	}
	ref := f.secretRef
	if ref == "" {
		ref = p.Target.Secret
	}
	if ref == "" || !sharesSecret(via) {
		return "", nil, nil
	}
	s, err := a.references().Get(ctx, ref)
	if err != nil {
		return "", nil, err
	}
	p.Secret = string(s.Reveal())
	s.Wipe()
	return "", nil, nil
}

// userKeys are the public keys for the account, each one line.
func (f *devconfFlags) userKeys(ctx context.Context, a *app, t link.Target) ([]string, error) {
	files := keys.Files{Home: a.dir.home}
	var out []string
	add := func(k ssh.PublicKey) {
		if cert, ok := k.(*ssh.Certificate); ok {
			k = cert.Key
		}
		line := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
		for _, have := range out {
			if have == line {
				return
			}
		}
		out = append(out, line)
	}
	if len(f.keys) == 0 {
		for _, name := range t.Identity {
			if k := files.Public(name); k != nil {
				add(k)
			} else {
				a.note("%s has no .pub beside it; its key is left out.", name)
			}
		}
		if t.AgentKey == "" || !t.UseAgent() {
			return out, nil
		}
	}
	wanted := f.keys
	if len(wanted) == 0 {
		wanted = []string{"agent"}
	}
	for _, name := range wanted {
		if name != "agent" {
			k := files.Public(strings.TrimSuffix(name, ".pub"))
			if k == nil {
				return nil, fault("KEY-FILE", fmt.Sprintf("%s is no public key that can be read", name), "Nothing was printed", "Name the file that ends in .pub")
			}
			add(k)
			continue
		}
		agent := keys.Agent{Only: t.AgentKey, Socket: a.env.Getenv("SSH_AUTH_SOCK")}
		held, faults := agent.Credentials(ctx, nil)
		for _, fault := range faults {
			a.note("%s", errorLine(fault))
		}
		if len(held) == 0 {
			return nil, fault("AGENT-NONE", "the ssh-agent has no key for the account", "Nothing was printed", "Add one with ssh-add, or name a file with --key")
		}
		for _, cr := range held {
			add(cr.PublicKey())
		}
	}
	return out, nil
}

// certificate puts the certificate into p and warns about it.
func (a *app) certificate(f *devconfFlags, p *devconf.Plan) {
	path := f.cert
	if path == "" {
		path = in(a.dir.config, certFile)
	}
	leaf, text, err := cert.Read(path)
	if err != nil {
		a.note("%s", errorLine(err))
		a.note("The configuration has a placeholder for the certificate.")
		return
	}
	p.CertPEM = text
	host := listenerHost(p.Listener)
	if host == "" {
		return
	}
	if why := (&cert.Pair{Leaf: leaf}).For(host); why != "" {
		a.note("Warning: %s; the device will refuse it.", why)
	}
}

// explain says on standard error what the configuration needs besides.
func (a *app) explain(via link.Via, p devconf.Plan, text, name string, fresh, saved bool) {
	if p.Secret != "" {
		a.note("The configuration holds the shared secret in plain text.")
		if why := devconf.WeakSecret(p.Secret); why != "" {
			a.note("Warning: %s.", why)
		}
	}
	if fresh {
		a.note("The secret is stored as store:%s and not shown again.", name)
		if ref := "store:" + name; saved && p.Target.Secret != ref {
			a.note("Have the profile use it: dialtone profile edit %s --secret %s", p.Target.Name, ref)
		}
	}
	if len(p.UserKeys) == 0 {
		a.note("No public key is in it: the device asks for a password. --key agent adds those of the ssh-agent.")
	}
	if via != link.SSH && strings.Contains(text, devconf.Placeholder) {
		a.note("Put the address of this machine in place of ADDRESS-OF-THIS-MACHINE, or give --listener.")
	}
	if via != link.SSH && via != link.HTTPSBasic && p.Target.DeviceID == "" {
		a.note("Put the device's name in place of DEVICE-ID, or give --device-id.")
	}
}

// listenerHost is the name or address in a listener's address.
func listenerHost(addr string) string {
	if addr == "" {
		return ""
	}
	t, err := profile.Parse(addr)
	if err != nil {
		return ""
	}
	return t.Host
}
