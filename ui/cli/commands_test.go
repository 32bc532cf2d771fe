//go:build unix

package cli_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestInterfaceNeedsATerminal(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, args := range [][]string{nil, {"core-r1"}, {"demo"}} {
		h.run("", args...).want(t, 2, "TTY-NONE", "dialtone rpc")
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if r := newHome(t).run("", "version").want(t, 0); !regexp.MustCompile(`^dialtone \S+ go1\.\S+ \w+/\w+\n$`).MatchString(r.out) {
		t.Errorf("got %q", r.out)
	}
}

func TestProfileCommands(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run("", "profile", "add", "core-r1", "admin@192.0.2.1:8830", "--group", "core", "--tag", "mx,lab", "--password", "env:NC_PASS").want(t, 0)
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7").want(t, 0)
	h.run("", "profile", "add", "core-r1", "192.0.2.9").want(t, 2, "PRO-EXISTS")
	h.run("", "profile", "add", "bad", "192.0.2.9", "--password", "hunter2").want(t, 2, "password must be")
	h.run("", "profile", "add", "../x", "192.0.2.9").want(t, 2, "name must not")
	h.run("", "profile", "add", "x").want(t, 2, "host is missing")
	r := h.run("", "profile", "list").want(t, 0)
	if lines := strings.Split(strings.TrimSpace(r.out), "\n"); len(lines) != 3 || !strings.Contains(lines[1], "192.0.2.1:8830") || !strings.Contains(lines[1], "mx,lab") {
		t.Errorf("list:\n%s", r.out)
	}
	if r := h.run("", "profile", "list", "#mx", "group:core").want(t, 0); strings.Contains(r.out, "edge-7") || !strings.Contains(r.out, "core-r1") {
		t.Errorf("filtered:\n%s", r.out)
	}
	var rows []map[string]any
	if err := json.Unmarshal([]byte(h.run("", "profile", "list", "--format", "json").want(t, 0).out), &rows); err != nil || len(rows) != 2 {
		t.Errorf("json %v %v", rows, err)
	}
	h.run("", "profile", "edit", "core-r1", "--user", "ops", "--read-only", "--timeout", "90s").want(t, 0)
	show := h.run("", "profile", "show", "core-r1").want(t, 0).out
	for _, w := range []string{"user = 'ops'", "read_only = true", "timeout = '1m30s'", "port = 8830"} {
		if !strings.Contains(show, w) {
			t.Errorf("show lacks %s:\n%s", w, show)
		}
	}
	h.run("", "profile", "show", "nope").want(t, 2, "PRO-NONE")
	h.write(h.config("profiles", "broken.toml"), "via = \"ssh\"\nhos = \"x\"\n")
	h.run("", "profile", "list").want(t, 0, "broken.toml:2:1")
	h.run("", "profile", "show", "broken").want(t, 2, "broken.toml:2:1")
	h.run("", "profile", "rm", "edge-7", "nope").want(t, 2, "PRO-NONE")
	h.run("", "profile", "rm", "broken", "core-r1").want(t, 0)
	if r := h.run("", "profile", "list").want(t, 0); r.out != "" {
		t.Errorf("left: %s", r.out)
	}
	h.run("", "profile").want(t, 2, "list, show, add")
}

func TestProfileEditInAnEditor(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	script := func(name, body string) string {
		path := h.write(filepath.Join(h.dir, name), "#!/bin/sh\n"+body+"\n")
		if err := os.Chmod(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	h.run("", "profile", "add", "r1", "192.0.2.1").want(t, 0)
	h.run("", "profile", "edit", "r1").want(t, 2, "EDITOR")
	env := h.env
	h.env = append(env, "EDITOR="+script("good", `printf 'group = "core"\n' >> "$1"`))
	h.run("", "profile", "edit", "r1").want(t, 0)
	if show := h.run("", "profile", "show", "r1"); !strings.Contains(show.out, "group = 'core'") {
		t.Errorf("after editing:\n%s", show.out)
	}
	h.env = append(env, "EDITOR="+script("same", "true"))
	h.run("", "profile", "edit", "r1").want(t, 0, "Nothing was changed")
	h.env = append(env, "TMPDIR="+h.dir, "EDITOR="+script("bad", `printf 'port = 99999\n' >> "$1"`))
	r := h.run("", "profile", "edit", "r1").want(t, 2, "port must be 1 to 65535", "your text is in")
	m := regexp.MustCompile(`text is in (\S+?)\.?\n`).FindStringSubmatch(r.err)
	if m == nil {
		t.Fatalf("no file named: %s", r.err)
	}
	if data, err := os.ReadFile(m[1]); err != nil || !strings.Contains(string(data), "99999") {
		t.Errorf("the text is lost: %v", err)
	}
	h.env = append(env, "TMPDIR="+h.dir, "EDITOR="+script("fails", "exit 3"))
	h.run("", "profile", "edit", "r1").want(t, 2, "exit status 3", "untouched")
}

func TestProfileImport(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run("", "profile", "import-ssh").want(t, 2, "config")
	h.write(filepath.Join(h.dir, ".ssh", "config"), "Host r1 r2\n User ops\nHost *\n IdentityFile ~/.ssh/k\n")
	h.run("", "profile", "add", "r2", "192.0.2.2").want(t, 0)
	h.run("", "profile", "import-ssh", "--dry-run").want(t, 0, "1 to be saved, 1 already there")
	if r := h.run("", "profile", "list"); strings.Contains(r.out, "r1") {
		t.Error("a dry run saved")
	}
	h.run("", "profile", "import-ssh").want(t, 0, "1 saved, 1 already there")
	if r := h.run("", "profile", "show", "r2"); strings.Contains(r.out, "ops") {
		t.Error("a profile that was there changed")
	}
}

func TestCompletions(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		r := h.run("", "completion", shell).want(t, 0)
		if !strings.Contains(r.out, "dialtone") || len(r.out) < 1000 {
			t.Errorf("%s: %d bytes", shell, len(r.out))
		}
		path, err := exec.LookPath(shell)
		if err != nil || shell == "powershell" {
			continue
		}
		c := exec.Command(path, "-n")
		c.Stdin = strings.NewReader(r.out)
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", shell, err, out)
		}
	}
	h.run("", "completion", "tcsh").want(t, 2, "USAGE")
	h.run("", "completion").want(t, 2, "USAGE")
	h.run("", "profile", "add", "core-r1", "192.0.2.1").want(t, 0)
	for _, args := range [][]string{{"rpc", ""}, {""}, {"--profile", ""}, {"profile", "show", ""}} {
		if r := h.run("", with([]string{"__complete"}, args...)...); !strings.Contains(r.out, "core-r1\t192.0.2.1") {
			t.Errorf("%v: %s", args, r.out)
		}
	}
	if r := h.run("", "__complete", "rpc", "x", "--template", "get-config"); !strings.Contains(r.out, "get-config-running") {
		t.Errorf("templates: %s", r.out)
	}
}

func TestManPageNamesEverything(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	page := h.run("", "man").want(t, 0).out
	flat := strings.ReplaceAll(page, `\-`, "-")
	for _, w := range []string{
		".TH DIALTONE 1", "dialtone rpc TARGET", "profile import-ssh", "--password-file", "--host-key", "--state", ".SH EXIT STATUS", "SSH_AUTH_SOCK",
		"-u, --user", "-J, --jump", "--template", "dialtone demo", "dialtone completion", "dialtone version",
	} {
		if !strings.Contains(flat, w) {
			t.Errorf("the page lacks %q", w)
		}
	}
	known := regexp.MustCompile(`^\.(TH|SH|SS|TP|PP|B|br|nf|fi)( |$)`)
	for i, l := range strings.Split(page, "\n") {
		if strings.HasPrefix(l, ".") && !known.MatchString(l) || strings.HasPrefix(l, "'") {
			t.Errorf("line %d is no request: %s", i+1, l)
		}
	}
	help := h.run("", "rpc", "--help").want(t, 0).out
	for _, w := range []string{"Exit codes", "--trace", "--format"} {
		if !strings.Contains(help, w) {
			t.Errorf("help lacks %q", w)
		}
	}
}
