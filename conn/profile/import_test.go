package profile

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"dialtone/conn/link"
)

func write(t *testing.T, path, data string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImportSSH(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "more"), "Host edge\n  HostName edge.example.net\n")
	path := write(t, filepath.Join(dir, "config"), "Include "+filepath.Join(dir, "more")+`
Host core-r1 core-r2
  HostName %h.example.net
  User admin
  Port 22
  ProxyJump bastion, second
  StrictHostKeyChecking yes
  KexAlgorithms +diffie-hellman-group1-sha1
Host lab
  Port 8830
  StrictHostKeyChecking no
  IdentityFile "~/.ssh/lab key"
Host old
  ProxyCommand nc %h %p
Host we/ird
  User x
Host *
  IdentityFile %d/.ssh/id_ed25519
`)
	ps, errs := ImportSSH(path)
	id := []string{"~/.ssh/id_ed25519"}
	core := func(n string) Profile {
		return Profile{Target: link.Target{
			Name: n, Via: link.SSH, Host: n + ".example.net", User: "admin", Jump: []string{"bastion", "second"}, HostKey: link.Strict, Identity: id,
		}}
	}
	want := []Profile{
		core("core-r1"), core("core-r2"),
		{Target: link.Target{Name: "edge", Via: link.SSH, Host: "edge.example.net", Identity: id}},
		{Target: link.Target{Name: "lab", Via: link.SSH, Host: "lab", Port: 8830, Identity: []string{"~/.ssh/lab key", id[0]}}},
		{Target: link.Target{Name: "old", Via: link.SSH, Host: "old", Identity: id}},
	}
	if !reflect.DeepEqual(ps, want) {
		t.Errorf("got  %+v\nwant %+v", ps, want)
	}
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "ProxyCommand") || !strings.Contains(errs[1].Error(), "we/ird") {
		t.Errorf("errors %v", errs)
	}
}

func TestImportSSHOfBadFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, data := range map[string]string{
		"match exec": "Match exec \"true\"\n  User x\n", "junk": "Host\n\x00\x01", "no file": "",
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", ""))
		if name != "no file" {
			write(t, path, data)
		}
		if ps, errs := ImportSSH(path); len(ps) != 0 || (len(errs) == 0 && name != "junk") {
			t.Errorf("%s: %v %v", name, ps, errs)
		}
	}
}

func TestLoadConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, err := LoadConfig(filepath.Join(dir, "none.toml"))
	if err != nil || c.Theme != "" || c.Keys != nil {
		t.Fatalf("missing file: %+v %v", c, err)
	}
	path := write(t, filepath.Join(dir, "config.toml"), `theme = "mono"
mouse = true
read_only = true
[keys]
session.commit = "C"
"reply.fold" = ["space", "z"]
`)
	c, err = LoadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"session.commit": {"C"}, "reply.fold": {"space", "z"}}
	if c.Theme != "mono" || !c.Mouse || !c.ReadOnly || !reflect.DeepEqual(c.Keys, want) {
		t.Errorf("got %+v", c)
	}
	if got := c.Where("reply.fold"); got != path+":6" {
		t.Errorf("Where = %s", got)
	}
	if got := c.Where("session.commit"); got != path+":5" {
		t.Errorf("Where = %s", got)
	}
	for data, want := range map[string]string{
		"theme = 3\n":               ":1:",
		"\ncolour = \"x\"\n":        `:2:1: there is no key "colour"`,
		"[keys]\nsession.x = 3\n":   `:2: the keys of "session.x"`,
		"[keys]\nsession.x = [3]\n": `:2: the keys of "session.x"`,
	} {
		write(t, path, data)
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

func FuzzImportSSH(f *testing.F) {
	f.Add([]byte("Host r1\n HostName %h.net\n Port 830\nMatch all\n User x\n"))
	f.Add([]byte("Host \"a b\" !c\n ProxyJump x,y\n IdentityFile %d/k\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if strings.Contains(strings.ToLower(string(data)), "include") {
			return // reads files of this machine
		}
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		ps, _ := ImportSSH(path)
		for _, p := range ps {
			if bad := Check(p); len(bad) != 0 {
				t.Fatalf("a bad profile passed: %v", bad)
			}
		}
	})
}

func TestImportLeavesOutMatchBlocksOnly(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "config"), `Host first
  HostName 192.0.2.1
match exec "touch /nowhere/x"
  User root
Host second
  HostName 192.0.2.2
Match host second user x
  Port 2222
`)
	ps, errs := ImportSSH(path)
	if len(ps) != 2 || ps[0].Name != "first" || ps[1].Name != "second" || ps[0].User != "" || ps[1].Port != 0 {
		t.Errorf("got %+v", ps)
	}
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), "line 3") || !strings.Contains(errs[1].Error(), "line 7") {
		t.Errorf("errors %v", errs)
	}
}

func TestImportQuotesLongNamesInPart(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "config"), "Host "+strings.Repeat("a", 100_000)+"\n")
	_, errs := ImportSSH(path)
	if len(errs) != 1 || len(errs[0].Error()) > 500 {
		t.Errorf("%d errors, %d bytes", len(errs), len(errs[0].Error()))
	}
}
