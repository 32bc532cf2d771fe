package profile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"

	"dialtone/conn/link"
	"dialtone/conn/sshconf"
	"dialtone/keys"
)

const maxInclude = 5

// ImportSSH reads the hosts of an ssh_config file into profiles, sorted by
// name: one for each Host pattern without wildcards, in the file and in those
// it includes. The errors name what was left out; the profiles are not saved.
//
// Only HostName, Port, User, IdentityFile, ProxyJump and a StrictHostKeyChecking
// of yes are taken over. Port 22 becomes the port of NETCONF, since a shell
// stands behind it. Nothing that lowers security is: no old algorithms, no
// trust on first use.
func ImportSSH(path string) (ps []Profile, errs []error) {
	cfg, matches, err := parseSSH(path)
	if err != nil {
		return nil, []error{err}
	}
	names, errs := aliases(path, cfg, 0)
	errs = append(matches, errs...)
	slices.Sort(names)
	for _, alias := range slices.Compact(names) {
		var p Profile
		var cmd string
		err := sshconf.Guard(func() (err error) {
			p, err = fromSSH(cfg, alias)
			cmd = value(cfg, alias, "ProxyCommand")
			return err
		})
		if err != nil {
			errs = append(errs, sshFault(path, fmt.Sprintf("host %.100q is left out: %v", alias, err)))
			continue
		}
		if cmd != "" && cmd != "none" {
			errs = append(errs, sshFault(path, fmt.Sprintf("host %.100q uses ProxyCommand, which is not taken over; ProxyJump is", alias)))
		}
		ps = append(ps, p)
	}
	return ps, errs
}

func sshFault(path, what string) error {
	return &keys.Fault{Code: "SSH-CONFIG", What: path + ": " + what}
}

// parseSSH reads one file, without its Match blocks, each of which is one of
// the left.
func parseSSH(path string) (cfg *ssh_config.Config, left []error, err error) {
	data, _, err := readFile(path)
	if err != nil {
		return nil, nil, err
	}
	cfg, matches, err := sshconf.Decode(data)
	if err != nil {
		return nil, nil, sshFault(path, quoted(err.Error()))
	}
	for _, n := range matches {
		left = append(left, sshFault(path, fmt.Sprintf("the Match block in line %d is left out, since its conditions hold for a moment and not for a host", n)))
	}
	return cfg, left, nil
}

// aliases lists the host names that stand in a file and in its includes.
func aliases(path string, cfg *ssh_config.Config, depth int) (names []string, errs []error) {
	for _, h := range cfg.Hosts {
		for _, p := range h.Patterns {
			if s := p.String(); s != "" && !strings.ContainsAny(s, "*?!") {
				names = append(names, s)
			}
		}
		for _, n := range h.Nodes {
			inc, ok := n.(*ssh_config.Include)
			if !ok {
				continue
			}
			if depth >= maxInclude {
				errs = append(errs, sshFault(path, "includes are nested too deeply"))
				continue
			}
			for _, file := range included(path, inc) {
				c, left, err := parseSSH(file)
				errs = append(errs, left...)
				if err != nil {
					errs = append(errs, err)
					continue
				}
				more, es := aliases(file, c, depth+1)
				names, errs = append(names, more...), append(errs, es...)
			}
		}
	}
	return names, errs
}

// included lists the files of an Include line, which are relative to ~/.ssh.
func included(path string, inc *ssh_config.Include) []string {
	line := strings.TrimSpace(inc.String())
	if i := strings.IndexByte(line, '#'); i >= 0 {
		line = line[:i]
	}
	words := strings.Fields(strings.Replace(line, "=", " ", 1))
	var files []string
	for _, w := range words[min(1, len(words)):] {
		w = expandHome(strings.Trim(w, `"`))
		if !filepath.IsAbs(w) {
			base := filepath.Dir(path)
			if home, err := os.UserHomeDir(); err == nil {
				base = filepath.Join(home, ".ssh")
			}
			w = filepath.Join(base, w)
		}
		found, _ := filepath.Glob(w) // a bad pattern finds nothing
		files = append(files, found...)
	}
	return files
}

func expandHome(s string) string {
	if rest, ok := strings.CutPrefix(s, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return s
}

func value(cfg *ssh_config.Config, alias, key string) string {
	v, _ := cfg.Get(alias, key)
	return strings.Trim(strings.TrimSpace(v), `"`)
}

// fromSSH makes the profile of one host.
func fromSSH(cfg *ssh_config.Config, alias string) (Profile, error) {
	p := Profile{Target: link.Target{Name: alias, Via: link.SSH, Host: alias}}
	if h := value(cfg, alias, "HostName"); h != "" {
		p.Host = strings.Trim(strings.NewReplacer("%%", "%", "%h", alias).Replace(h), "[]")
	}
	if s := value(cfg, alias, "Port"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 65535 {
			return Profile{}, fmt.Errorf("port %q must be 1 to 65535", s)
		}
		if n != 22 && n != 830 {
			p.Port = n
		}
	}
	p.User = value(cfg, alias, "User")
	files, _ := cfg.GetAll(alias, "IdentityFile")
	for _, f := range files {
		f = strings.Trim(strings.TrimSpace(f), `"`)
		if f == "" || f == "none" {
			continue
		}
		f = strings.NewReplacer("%%", "%", "%d", "~", "%h", p.Host, "%r", p.User, "%n", alias).Replace(f)
		if strings.Contains(f, "%") {
			return Profile{}, fmt.Errorf("IdentityFile %q has tokens that are not known", f)
		}
		if !slices.Contains(p.Identity, f) {
			p.Identity = append(p.Identity, f)
		}
	}
	if j := value(cfg, alias, "ProxyJump"); j != "" && j != "none" {
		for _, hop := range strings.Split(j, ",") {
			p.Jump = append(p.Jump, strings.TrimSpace(hop))
		}
	}
	if value(cfg, alias, "StrictHostKeyChecking") == "yes" {
		p.HostKey = link.Strict
	}
	if bad := Check(p); len(bad) > 0 {
		return Profile{}, fmt.Errorf("%s", describe(bad))
	}
	return p, nil
}
