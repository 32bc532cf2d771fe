package dial

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	config "github.com/kevinburke/ssh_config"

	"dialtone/conn/sshconf"
	"dialtone/keys"
)

// maxSSHConfig is the size up to which an SSH configuration is read.
const maxSSHConfig = 1 << 20

// sshConfig is a person's SSH configuration as far as it is plain data: no
// commands, no variables, no Match.
type sshConfig struct {
	c    *config.Config // nil: there is none
	path string
}

// sshEntry is what it says about one host; zero fields are not set.
type sshEntry struct {
	hostName, user, alias string
	port                  int
	identity              []string
	identitiesOnly        bool
	jumps                 []string
}

// readSSHConfig reads the file; one that does not exist is empty.
func readSSHConfig(path string) (*sshConfig, error) {
	if path == "" {
		return &sshConfig{}, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &sshConfig{}, nil
	}
	if err != nil {
		return nil, &keys.Fault{Code: "CFG-SSH", What: quoted("the SSH configuration cannot be read (%v)", err), Err: err}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSSHConfig+1))
	if err != nil {
		return nil, &keys.Fault{Code: "CFG-SSH", What: quoted("the SSH configuration cannot be read (%v)", err), Err: err}
	}
	if len(data) > maxSSHConfig {
		return nil, &keys.Fault{Code: "CFG-SSH", What: quoted("%s is larger than %d B", path, maxSSHConfig), Do: "Make it smaller"}
	}
	c, _, err := sshconf.Decode(data)
	if err != nil {
		return nil, sshConfigFault(path, err)
	}
	return &sshConfig{c: c, path: path}, nil
}

// sshConfigFault words why a configuration cannot be used.
func sshConfigFault(path string, err error) error {
	f := &keys.Fault{Code: "CFG-SSH", What: quoted("%s is not understood (%.200q)", path, err.Error()), Err: err,
		Do: "Correct it, or write what is needed into the profile"}
	var panicked *sshconf.PanicError
	if errors.As(err, &panicked) {
		f.What = path + " is " + panicked.Error()
	}
	return f
}

// host collects what is said about one name.
func (c *sshConfig) host(name string) (e sshEntry, err error) {
	if c.c == nil {
		return e, nil
	}
	if err = sshconf.Guard(func() error { e = c.collect(name); return nil }); err != nil {
		err = sshConfigFault(c.path, err)
	}
	return e, err
}

func (c *sshConfig) collect(name string) (e sshEntry) {
	get := func(key string) string {
		v, err := c.c.Get(name, key)
		if err != nil || strings.ContainsAny(v, "\r\n\x00") {
			return ""
		}
		return strings.TrimSpace(v)
	}
	e.hostName = strings.ReplaceAll(get("HostName"), "%h", name)
	if strings.Contains(e.hostName, "%") && !strings.Contains(e.hostName, ":") {
		e.hostName = "" // other % forms are not filled in
	}
	e.user, e.alias = get("User"), get("HostKeyAlias")
	if n, err := strconv.ParseUint(get("Port"), 10, 16); err == nil {
		e.port = int(n)
	}
	e.identitiesOnly = strings.EqualFold(get("IdentitiesOnly"), "yes")
	files, err := c.c.GetAll(name, "IdentityFile")
	if err == nil {
		for _, f := range files {
			if f = strings.Trim(f, `"`); f != "" && !strings.EqualFold(f, "none") && !strings.Contains(f, "%") {
				e.identity = append(e.identity, f)
			}
		}
	}
	if j := get("ProxyJump"); j != "" && !strings.EqualFold(j, "none") {
		for name := range strings.SplitSeq(j, ",") {
			e.jumps = append(e.jumps, strings.TrimPrefix(strings.TrimSpace(name), "ssh://"))
		}
	}
	return e
}
