package cli

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"dialtone/conn/devconf"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/cert"
)

// The files of outbound HTTPS below the configuration directory.
const (
	certFile = "server.crt"
	keyFile  = "server.key"
)

func (a *app) certCommand() *cobra.Command {
	var keyType, out string
	var force, check bool
	types := []string{string(cert.P256), string(cert.RSA2048), string(cert.RSA4096)}
	c := &cobra.Command{
		Use:   "cert HOST... | cert --check [CRT KEY]",
		Short: "Make or check the certificate for outbound HTTPS",
		Long: `Makes the certificate that devices see when they dial in over outbound HTTPS:
server.crt (0644) and server.key (0600) in the directory of the configuration.
Each HOST is a name or an IP address under which devices dial this machine; all
of them go into the certificate. It is signed by itself and good for 825 days.

Printed are its names, dates and fingerprint, its text on one line, and the
configuration for the device. Files that are there are never replaced without
--force.

With --check nothing is written: the pair of the configuration, or CRT and KEY,
is read, and whatever a device may object to is told. The exit code is 2 when
the pair cannot be used or devices will refuse it.`,
		Example: `  dialtone cert nms.example.net 192.0.2.10
  dialtone cert 192.0.2.10 --key-type rsa-2048 --out /etc/dialtone
  dialtone cert --check`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if check && force {
				return usagef(c, "--check and --force exclude each other")
			}
			if check {
				return a.checkCert(c, args, out)
			}
			return a.makeCert(c, args, cert.KeyType(keyType), out, force)
		},
	}
	fs := c.Flags()
	fs.StringVar(&keyType, "key-type", types[0], strings.Join(types, ", "))
	fs.StringVar(&out, "out", "", "directory of the two files (default: that of the configuration)")
	fs.BoolVar(&force, "force", false, "replace files that are there")
	fs.BoolVar(&check, "check", false, "check a pair instead of making one")
	_ = c.MarkFlagDirname("out") // the flags are there
	_ = c.RegisterFlagCompletionFunc("key-type", cobra.FixedCompletions(types, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// pairFiles are the two files in a directory.
func (a *app) pairFiles(out string) (crt, key string, err error) {
	dir := out
	if dir == "" {
		dir = a.dir.config
	}
	if dir == "" {
		return "", "", with(ExitUsage, fault("CFG-NONE", "there is no directory of the configuration", "", "Name one with --out or --config"))
	}
	return filepath.Join(dir, certFile), filepath.Join(dir, keyFile), nil
}

func (a *app) makeCert(c *cobra.Command, hosts []string, kt cert.KeyType, out string, force bool) error {
	if len(hosts) == 0 {
		return usagef(c, "HOST is missing: give the names and addresses that devices dial")
	}
	crt, key, err := a.pairFiles(out)
	if err != nil {
		return err
	}
	p, err := cert.Save(crt, key, hosts, kt, force, a.env.Now())
	if err != nil {
		var f *keys.Fault
		if errors.As(err, &f) && f.Code == "TLS-EXISTS" {
			f.Do = "Give --force to replace it; devices then need the new certificate"
		}
		return with(ExitUsage, err)
	}
	return a.showCert(p, crt, key, hosts)
}

func (a *app) checkCert(c *cobra.Command, args []string, out string) error {
	var crt, key string
	switch len(args) {
	case 0:
		var err error
		if crt, key, err = a.pairFiles(out); err != nil {
			return err
		}
	case 2:
		if out != "" {
			return usagef(c, "--out and CRT KEY exclude each other")
		}
		crt, key = args[0], args[1]
	default:
		return usagef(c, "--check takes a certificate file and a key file, or nothing")
	}
	p, err := cert.Load(crt, key, a.env.Now())
	if err != nil {
		return with(ExitUsage, err)
	}
	if err := a.showCert(p, crt, key, nil); err != nil {
		return err
	}
	if p.Expired {
		return &exit{code: ExitUsage, silent: true, err: errors.New("devices will refuse the certificate")}
	}
	return nil
}

// showCert prints what a person compares, and with hosts the configuration of a
// device that dials the first of them.
func (a *app) showCert(p *cert.Pair, crt, key string, hosts []string) error {
	for _, w := range p.Warnings {
		a.note("Warning: %s.", w)
	}
	return a.plain(func(w io.Writer) error {
		tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		day := "2006-01-02"
		fmt.Fprintf(tw, "Certificate\t%s\n", crt)
		fmt.Fprintf(tw, "Key\t%s\n", key)
		fmt.Fprintf(tw, "Names\t%s\n", strings.Join(cert.Names(p.Leaf), ", "))
		fmt.Fprintf(tw, "Valid\t%s to %s\n", p.Leaf.NotBefore.Local().Format(day), p.Leaf.NotAfter.Local().Format(day))
		fmt.Fprintf(tw, "SHA-256\t%s\n", cert.Fingerprint(p.Leaf))
		fmt.Fprintf(tw, "One line\t%s\n", cert.OneLine(p.PEM))
		if err := tw.Flush(); err != nil || hosts == nil {
			return err
		}
		text, err := devconf.Text(link.HTTPS, devconf.Plan{Listener: dialled(hosts), CertPEM: p.PEM})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "\n# Configuration of the device. dialtone devconf https fills in its name and secret.\n%s", text)
		return err
	})
}

// dialled is the first of hosts that the configuration of a device can hold: a
// name or an IPv4 address. "" when there is none.
func dialled(hosts []string) string {
	for _, h := range hosts {
		if ip, err := netip.ParseAddr(strings.Trim(h, "[]")); err != nil || ip.Unmap().Is4() {
			return h
		}
	}
	return ""
}
