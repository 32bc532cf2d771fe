package dial

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	config "github.com/kevinburke/ssh_config"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

func TestRouteTakesPlainDataFromTheSSHConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config")
	text := `
Match exec "touch ` + filepath.Join(filepath.Dir(file), "ran") + `"
  User nobody
Host r1
  HostName 192.0.2.1
  User me
  Port 2222
  IdentityFile ~/.ssh/r1
  IdentitiesOnly yes
  ProxyJump bastion,root@192.0.2.9:2200
  ProxyCommand touch ` + filepath.Join(filepath.Dir(file), "ran") + `
Host shell
  Port 22
Host alias
  HostKeyAlias the-alias
  HostName fe80::1%eth0
Host *.lab
  HostName %h.example.com
Host odd
  HostName %d%h
Host bastion
  HostName 198.51.100.1
  User jump
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := New(Options{Home: "/home/me", SSHConfig: file, Lookup: func(name string) (link.Target, bool) {
		return link.Target{Name: name, Host: "203.0.113.5", User: "p", Via: map[bool]link.Via{true: link.CallHome, false: link.SSH}[name == "caller"]},
			name == "saved" || name == "caller"
	}})
	for _, tt := range []struct {
		name   string
		target link.Target
		want   string // user@address, records behind
		code   string
	}{
		{"all", link.Target{Host: "r1"}, "jump@198.51.100.1:22 root@192.0.2.9:2200 me@192.0.2.1:2222", ""},
		{"explicit wins", link.Target{Host: "r1", User: "you", Port: 830, Jump: []string{"saved"}}, "p@203.0.113.5:22 you@192.0.2.1:830", ""},
		{"port of the shell", link.Target{Host: "shell", User: "u"}, "u@shell:830", ""},
		{"unknown", link.Target{Host: "r9", User: "u"}, "u@r9:830", ""},
		{"IPv6", link.Target{Host: "2001:db8::1", User: "u"}, "u@[2001:db8::1]:830", ""},
		{"alias", link.Target{Host: "alias", User: "u"}, "u@[fe80::1%eth0]:830", ""},
		{"own name in a pattern", link.Target{Host: "r2.lab", User: "u"}, "u@r2.lab.example.com:830", ""},
		{"what is not filled in", link.Target{Host: "odd", User: "u"}, "u@odd:830", ""},
		{"IPv6 jump", link.Target{Host: "r9", User: "u", Jump: []string{"j@[2001:db8::2]:99"}}, "j@[2001:db8::2]:99 u@r9:830", ""},
		{"jump through a caller", link.Target{Host: "r9", User: "u", Jump: []string{"caller"}}, "", "NET-JUMP"},
		{"bad jump port", link.Target{Host: "r9", User: "u", Jump: []string{"x:99999"}}, "", "NET-JUMP"},
		{"too many", link.Target{Host: "r9", User: "u", Jump: strings.Split("a b c d e f g h i", " ")}, "", "NET-JUMP"},
		{"bad port", link.Target{Host: "r9", User: "u", Port: 70000}, "", "NET-PORT"},
	} {
		route, err := d.route(tt.target)
		var got []string
		for _, h := range route {
			got = append(got, h.target.User+"@"+h.address)
		}
		if strings.Join(got, " ") != tt.want || err != nil && code(err) != tt.code || err == nil && tt.code != "" {
			t.Errorf("%s: %q, %v; want %q %s", tt.name, got, err, tt.want, tt.code)
		}
		if tt.name == "all" {
			last := route[len(route)-1].target
			if !slices.Equal(last.Identity, []string{"~/.ssh/r1"}) || last.UseAgent() {
				t.Errorf("keys: %q, agent %v", last.Identity, last.UseAgent())
			}
		}
		if tt.name == "alias" && route[0].record != "the-alias:22" {
			t.Errorf("recorded as %q", route[0].record)
		}
	}
	if exists(filepath.Join(filepath.Dir(file), "ran")) {
		t.Error("a command of the configuration was run")
	}
}

func TestSSHConfigurationThatIsMissingOrBroken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := New(Options{SSHConfig: filepath.Join(dir, "none")}).route(link.Target{Host: "h", User: "u"}); err != nil {
		t.Errorf("missing: %v", err)
	}
	if _, err := New(Options{SSHConfig: dir}).route(link.Target{Host: "h", User: "u"}); code(err) != "CFG-SSH" {
		t.Errorf("a directory: %v", err)
	}
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, bytes.Repeat([]byte("#\n"), maxSSHConfig/2+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{SSHConfig: large}).route(link.Target{Host: "h", User: "u"}); code(err) != "CFG-SSH" || !strings.Contains(err.Error(), "larger than 1048576 B") {
		t.Errorf("a large file, of which only a part would count: %v", err)
	}
}

func TestKeyFilesSignIn(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, ".ssh", "id_ed25519")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "secret", "-a", "1", "-f", file)
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	target, known := sshd(t, string(public), "Subsystem netconf /bin/cat")
	d := New(Options{Hosts: knownFile(known), Home: home, AgentSocket: "/nonexistent"})
	who := &person{secrets: []string{"wrong", "secret"}, asked: make(chan string, 9)}
	c, err := d.Dial(within(t, time.Minute), target, who, nil) // a default key file
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if !strings.HasPrefix(c.Peer.Auth, "publickey (~/.ssh/id_ed25519, SHA256:") || <-who.asked != "passphrase of ~/.ssh/id_ed25519" {
		t.Errorf("signed in by %q", c.Peer.Auth)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	target.Identity = []string{"~/.ssh/id_ed25519"}
	_, err = d.Dial(within(t, time.Minute), target, who, nil)
	if err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "x"}) // the passphrase is not asked for when the key is not wanted
	who = &person{secrets: []string{"x"}, asked: make(chan string, 9)}
	other := h.Target()
	other.Password = "ask"
	c2, err := New(Options{Hosts: l.Known(), Home: home, AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), other, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	c2.Close()
	if len(who.asked) != 1 {
		t.Errorf("%d questions", len(who.asked))
	}
}

// FuzzSSHConfig reads any file: it is a person's, but other programs write it.
func FuzzSSHConfig(f *testing.F) {
	for _, s := range []string{"Host a\n  Port 22\n", "Host *\nMatch all\nUser x\nHost !a b\nIdentityFile \"x y\"\n", "Include x\nHost =\n", "User\n", "Host a\n\tProxyJump b,c\n#\x00", "Host [\nPort 70000"} {
		f.Add([]byte(s), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		if bytes.Contains(bytes.ToLower(text), []byte("include")) {
			return // would read other files
		}
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := readSSHConfig(file)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "CFG-SSH ") {
				t.Fatal(err)
			}
			return
		}
		if e, err := cfg.host(name); err != nil && !strings.HasPrefix(err.Error(), "CFG-SSH ") || strings.ContainsAny(e.hostName+e.user, "\r\n\x00") {
			t.Fatalf("%+v %v", e, err)
		}
	})
}

func TestPanicOfTheSSHConfigReaderIsAnError(t *testing.T) {
	t.Parallel()
	var f *keys.Fault
	// A reader that breaks while a host is looked up ends that dial, and no more.
	d := New(Options{Home: "/home/me"})
	if _, _, err := d.resolve(link.Target{Host: "r1"}, &sshConfig{c: &config.Config{Hosts: []*config.Host{nil}}, path: "config"}, 830); !errors.As(err, &f) || f.Code != "CFG-SSH" || f.Do == "" || !strings.HasPrefix(f.What, "config is more than its reader can take (") {
		t.Fatalf("%v", err)
	}
}
