package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"

	"dialtone/conn/profile"
	"dialtone/ui/safe"
)

func (a *app) profileCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "profile",
		Short: "List, show and change saved profiles",
		Long: `Profiles are saved devices: one TOML file each in the directory profiles of the
configuration, so that they can be shared and committed. No secret stands in
them, only where it is found.`,
		RunE: func(c *cobra.Command, args []string) error {
			return usagef(c, "say what to do: list, show, add, edit, rm or import-ssh")
		},
	}
	for _, s := range []*cobra.Command{
		a.profileList(), a.profileShow(), a.profileAdd(), a.profileEdit(), a.profileRemove(), a.profileImport(),
	} {
		s.Args = positional(s.Args)
		c.AddCommand(s)
	}
	return c
}

// store opens the saved profiles.
func (a *app) store() profile.Store { return profile.Open(in(a.dir.config, profile.Dir)) }

// writable is the store for commands that save.
func (a *app) writable() (profile.Store, error) {
	s := a.store()
	if n := profile.Note(s); n != "" {
		return nil, with(ExitUsage, fault("CFG-NONE", strings.TrimSuffix(n, "."), "", "Name a directory with --config"))
	}
	return s, nil
}

// plain writes to standard output, made safe where that is a terminal.
func (a *app) plain(write func(w io.Writer) error) error {
	if !isTerminal(a.env.Stdout) {
		return write(a.env.Stdout)
	}
	w := safe.Writer(a.env.Stdout)
	return errors.Join(write(w), w.Close())
}

func (a *app) profileList() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "list [FILTER...]",
		Short: "List profiles",
		Long: `Lists profiles. The words of the filter must all match: group:core, tag:lab or
#lab, via:ssh, host:, user: and name: parts, any other word a part of any field;
-word must not match.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usagef(c, "--format must be text or json, not %q", format)
			}
			ps, errs := a.store().List()
			var shown []profile.Profile
			for _, p := range ps {
				if profile.Match(p, strings.Join(args, " ")) {
					shown = append(shown, p)
				}
			}
			err := a.plain(func(w io.Writer) error {
				if format == "json" {
					return listJSON(w, shown)
				}
				return listText(w, shown)
			})
			for _, e := range errs {
				a.note("%s", errorLine(e))
			}
			return err
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	return c
}

func listText(w io.Writer, ps []profile.Profile) error {
	if len(ps) == 0 {
		return nil
	}
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tw, "NAME\tVIA\tHOST\tUSER\tGROUP\tTAGS")
	for _, p := range ps {
		host := p.Host
		if p.Port != 0 {
			host = p.Address()
		}
		if host == "" {
			host = p.DeviceID
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.Via, dash(host), dash(p.User), dash(p.Group), dash(strings.Join(p.Tags, ",")))
	}
	return tw.Flush()
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func listJSON(w io.Writer, ps []profile.Profile) error {
	type row struct {
		Name     string   `json:"name"`
		Via      string   `json:"via"`
		Host     string   `json:"host,omitempty"`
		Port     int      `json:"port,omitempty"`
		User     string   `json:"user,omitempty"`
		DeviceID string   `json:"device_id,omitempty"`
		Group    string   `json:"group,omitempty"`
		Tags     []string `json:"tags,omitempty"`
		ReadOnly bool     `json:"read_only,omitempty"`
		Note     string   `json:"note,omitempty"`
	}
	rows := make([]row, 0, len(ps))
	for _, p := range ps {
		rows = append(rows, row{p.Name, string(p.Via), p.Host, p.Port, p.User, p.DeviceID, p.Group, p.Tags, p.ReadOnly, p.Note})
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(rows)
}

func (a *app) profileShow() *cobra.Command {
	return &cobra.Command{
		Use:               "show NAME",
		Short:             "Print a profile",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.completeTarget,
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := find(a.store(), args[0])
			if err != nil {
				return err
			}
			return a.plain(func(w io.Writer) error { return toml.NewEncoder(w).Encode(p) })
		},
	}
}

func (a *app) profileRemove() *cobra.Command {
	return &cobra.Command{
		Use:               "rm NAME...",
		Short:             "Delete profiles",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeProfiles,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := a.writable()
			if err != nil {
				return err
			}
			var errs []error
			for _, name := range args {
				if err := s.Delete(name); err != nil {
					errs = append(errs, err)
				}
			}
			for _, e := range errs[min(1, len(errs)):] {
				a.note("%s", errorLine(e))
			}
			if len(errs) > 0 {
				return with(ExitUsage, errs[0])
			}
			return nil
		},
	}
}

func (a *app) profileImport() *cobra.Command {
	var dry bool
	c := &cobra.Command{
		Use:   "import-ssh [FILE]",
		Short: "Make profiles of the hosts in an ssh_config file",
		Long: `Makes a profile of every host in ~/.ssh/config, or in FILE, that has no wildcard.
Taken over are HostName, Port, User, IdentityFile, ProxyJump and a strict host
key check; nothing that lowers security is. Profiles that exist already stay as
they are. What is new is printed.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			path := in(a.dir.home, ".ssh", "config")
			if len(args) > 0 {
				path = args[0]
			}
			if path == "" {
				return with(ExitUsage, fault("CFG-SSH", "there is no home directory", "", "Name the file"))
			}
			s, err := a.writable()
			if err != nil {
				return err
			}
			return a.importSSH(s, filepath.Clean(path), dry)
		},
	}
	c.Flags().BoolVarP(&dry, "dry-run", "n", false, "only print what would be saved")
	return c
}

func (a *app) importSSH(s profile.Store, path string, dry bool) error {
	ps, errs := profile.ImportSSH(path)
	old, _ := s.List()
	have := make(map[string]bool)
	for _, p := range old {
		have[p.Name] = true
	}
	var fresh []profile.Profile
	kept := 0
	for _, p := range ps {
		if have[p.Name] {
			kept++
			continue
		}
		if !dry {
			if err := s.Put(p); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		fresh = append(fresh, p)
	}
	err := a.plain(func(w io.Writer) error { return listText(w, fresh) })
	for _, e := range errs {
		a.note("%s", errorLine(e))
	}
	verb := "saved"
	if dry {
		verb = "to be saved"
	}
	a.note("%d %s, %d already there, %d left out or warned about.", len(fresh), verb, kept, len(errs))
	if err == nil && len(ps) == 0 && len(errs) > 0 {
		return &exit{code: ExitUsage, silent: true, err: errs[0]}
	}
	return err
}
