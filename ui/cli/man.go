package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "Print the manual page",
		Long: `Prints the manual page of dialtone and all its commands:

  dialtone man > dialtone.1 && man ./dialtone.1`,
		RunE: func(c *cobra.Command, _ []string) error {
			w := bufio.NewWriter(a.env.Stdout)
			manPage(w, c.Root(), a.version())
			return w.Flush()
		},
	}
}

// manPage writes one page for the whole tree, from the same table as the help.
func manPage(w *bufio.Writer, root *cobra.Command, version string) {
	fmt.Fprintf(w, ".TH DIALTONE 1 \"\" %s\n", roffArg("dialtone "+version))
	fmt.Fprintf(w, ".SH NAME\ndialtone \\- %s\n", roff(root.Short))
	fmt.Fprintf(w, ".SH SYNOPSIS\n")
	for _, c := range tree(root) {
		if c.Runnable() {
			fmt.Fprintf(w, ".B %s\n.br\n", roff(c.UseLine()))
		}
	}
	fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n", roffText(root.Long))
	flags(w, ".SH OPTIONS\n", root.NonInheritedFlags())
	fmt.Fprintf(w, ".SH COMMANDS\n")
	for _, c := range tree(root)[1:] {
		fmt.Fprintf(w, ".SS %s\n", roff(strings.TrimPrefix(c.UseLine(), "dialtone ")))
		text := c.Long
		if text == "" {
			text = c.Short + "."
		}
		fmt.Fprintf(w, "%s\n", roffText(text))
		if c.Example != "" {
			fmt.Fprintf(w, ".PP\n.nf\n%s\n.fi\n", roff(c.Example))
		}
		flags(w, "", c.NonInheritedFlags())
	}
	fmt.Fprintf(w, ".SH EXIT STATUS\n")
	for _, e := range []struct {
		code int
		what string
	}{
		{ExitDone, "Done."},
		{ExitRPCError, "The device answered with an rpc-error of severity error."},
		{ExitUsage, "Wrong usage, or refused before anything was sent."},
		{ExitConnection, "No connection, trust or login."},
		{ExitProtocol, "The peer broke the protocol."},
		{ExitUnknown, "Outcome unknown: the link was lost after a request that may change the device was sent."},
		{ExitInterrupted, "Interrupted; 129, 131 and 143 after SIGHUP, SIGQUIT and SIGTERM."},
	} {
		fmt.Fprintf(w, ".TP\n%d\n%s\n", e.code, roff(e.what))
	}
	fmt.Fprintf(w, `.SH FILES
.TP
$XDG_CONFIG_HOME/dialtone/
config.toml, profiles/NAME.toml, known_hosts, secrets, templates/
.TP
$XDG_STATE_HOME/dialtone/
journal/ (what was asked and answered, secrets taken out), drafts/, crash/
.SH ENVIRONMENT
.TP
DIALTONE_CONFIG, DIALTONE_STATE
Directories to use in place of the two above.
.TP
SSH_AUTH_SOCK
The socket of the ssh\-agent.
.TP
DBUS_SESSION_BUS_ADDRESS
Where the keyring is found; without it keyring:NAME is refused. Not used on macOS and Windows.
`)
}

// tree lists a command and all below it, hidden ones left out.
func tree(c *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{c}
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			list = append(list, tree(s)...)
		}
	}
	return list
}

func flags(w *bufio.Writer, title string, fs *pflag.FlagSet) {
	if !fs.HasAvailableFlags() {
		return
	}
	w.WriteString(title)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name, help := pflag.UnquoteUsage(f)
		short := ""
		if f.Shorthand != "" {
			short = "-" + f.Shorthand + ", "
		}
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(short+"--"+f.Name+" "+name)), roff(help))
	})
}

// roff escapes text for troff.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}

func roffArg(s string) string { return `"` + strings.ReplaceAll(roff(s), `"`, `\(dq`) + `"` }

// roffText makes paragraphs of a help text; indented lines stay as they are.
func roffText(s string) string {
	var b strings.Builder
	for i, p := range strings.Split(strings.TrimSpace(s), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(p, "  ") {
			b.WriteString(".nf\n" + roff(p) + "\n.fi\n")
			continue
		}
		b.WriteString(roff(p) + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}
