//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDevconf(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pass := h.unlock()
	h.keep(map[string]string{"weak": "juniper123", "edge-8": sharedSecret})
	key, _ := h.hostKey("id")
	pub, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	blob := strings.Join(strings.Fields(string(pub))[:2], " ")
	h.run("", "profile", "add", "core-r1", "netconf@192.0.2.1:8830", "--identity", key).want(t, 0)
	h.run("", "profile", "add", "edge-8", "--via", "junos", "--device-id", "edge-8.lab", "-u", "nc", "--secret", "store:edge-8").want(t, 0)
	for name, c := range map[string]struct {
		args []string
		out  []string
		err  []string
	}{
		"ssh":                   {[]string{"ssh", "core-r1"}, []string{"netconf ssh port 8830", "user netconf class super-user", `ssh-ed25519 "` + blob + `"`}, nil},
		"flags alone":           {[]string{"ssh", "-u", "ops", "--port", "22", "--key", key + ".pub"}, []string{"user ops class", blob}, nil},
		"no key":                {[]string{"call-home", "--device-id", "x", "--listener", "192.0.2.9"}, []string{"plain-text-password", "192.0.2.9 port 4334", "cannot vouch"}, []string{"No public key"}},
		"the profile's secret":  {[]string{"junos", "edge-8", "--listener", "192.0.2.9:4334", "--key", key}, []string{`secret "` + sharedSecret + `"`, "device-id edge-8.lab", "user nc "}, []string{"plain text"}},
		"a weak one":            {[]string{"junos", "edge-8", "--listener", "192.0.2.9:4334", "--secret-ref", "store:weak"}, []string{`secret "juniper123"`}, []string{"has 10 characters"}},
		"no address":            {[]string{"junos", "edge-8"}, []string{"ADDRESS-OF-THIS-MACHINE port 4334"}, []string{"--listener"}},
		"https, no certificate": {[]string{"https", "--device-id", "e9", "--listener", "192.0.2.9"}, []string{"CERTIFICATE-ON-ONE-LINE", "SHARED-SECRET"}, []string{"TLS-FILE", "placeholder"}},
		"https-basic":           {[]string{"https-basic", "--listener", "192.0.2.9"}, []string{"could not be verified"}, nil},
	} {
		r := h.run("", with(pass, append([]string{"devconf"}, c.args...)...)...).want(t, 0, c.err...)
		for _, w := range c.out {
			if !strings.Contains(r.out, w) {
				t.Errorf("%s: lacks %q:\n%s", name, w, r.out)
			}
		}
		for _, l := range strings.Split(strings.TrimSpace(r.out), "\n") {
			if !strings.HasPrefix(l, "set ") && !strings.HasPrefix(l, "# ") {
				t.Errorf("%s: odd line %q", name, l)
			}
		}
	}
	for _, c := range []struct {
		args []string
		code int
		word string
	}{
		{[]string{"devconf"}, 2, "USAGE"},
		{[]string{"devconf", "telnet"}, 2, "no way to connect"},
		{[]string{"devconf", "ssh", "nope"}, 2, "PRO-NONE"},
		{[]string{"devconf", "ssh", "--secret-new"}, 2, "no shared secret"},
		{[]string{"devconf", "junos", "--secret-new", "--secret-ref", "env:X"}, 2, "exclude"},
		{[]string{"devconf", "junos", "--secret-new"}, 2, "PROFILE"},
		{[]string{"devconf", "junos", "edge-8", "--secret-ref", "store:none"}, 2, "SEC-NONE"},
		{[]string{"devconf", "junos", "edge-8", "--listener", "192.0.2.1:0"}, 2, "USAGE"},
		{[]string{"devconf", "ssh", "--key", "/nonexistent.pub"}, 2, "KEY-FILE"},
		{[]string{"devconf", "ssh", "--key", "agent"}, 2, "AGENT-NONE"},
	} {
		if r := h.run("", with(pass, c.args...)...).want(t, c.code, c.word); r.out != "" {
			t.Errorf("%q printed %q", c.args, r.out)
		}
	}
}

func TestDevconfMakesASecretOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pass := h.unlock()
	h.keep(map[string]string{"other": "x"})
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7").want(t, 0)
	before, err := os.ReadFile(h.config("secrets"))
	if err != nil {
		t.Fatal(err)
	}
	h.run("", with(pass, "devconf", "junos", "edge-7", "--secret-new", "--listener", "192.0.2.1:0")...).want(t, 2)
	if now, err := os.ReadFile(h.config("secrets")); err != nil || !bytes.Equal(now, before) {
		t.Error("a secret was stored although nothing was printed")
	}
	r := h.run("", with(pass, "devconf", "junos", "edge-7", "--secret-new", "--listener", "192.0.2.1:4334")...).want(t, 0,
		"plain text", "store:edge-7", "profile edit edge-7 --secret store:edge-7")
	m := regexp.MustCompile(`secret "([a-z2-7]{32})"`).FindStringSubmatch(r.out)
	if m == nil {
		t.Fatalf("no secret:\n%s", r.out)
	}
	if strings.Contains(r.err, m[1]) {
		t.Error("the secret is on standard error too")
	}
	h.run("", "profile", "edit", "edge-7", "--secret", "store:edge-7").want(t, 0)
	if again := h.run("", with(pass, "devconf", "junos", "edge-7", "--listener", "192.0.2.1:4334")...).want(t, 0); again.out != r.out {
		t.Errorf("another text:\n%s", again.out)
	}
	h.run("", with(pass, "devconf", "junos", "edge-7", "--secret-new", "--listener", "192.0.2.1:4334")...).want(t, 2, "SEC-EXISTS", "--replace")
	noCanary(t, h.dir, m[1])
}

func TestCert(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	crt, key := h.config("server.crt"), h.config("server.key")
	r := h.run("", "cert", "192.0.2.10", "nms.example.net").want(t, 0)
	for _, w := range []string{crt, key, "nms.example.net, 192.0.2.10", " to 20", "One line     -----BEGIN CERTIFICATE-----M", "set system services outbound-https client dialtone 192.0.2.10 trusted-cert"} {
		if !strings.Contains(r.out, w) {
			t.Errorf("lacks %q:\n%s", w, r.out)
		}
	}
	if !regexp.MustCompile(`SHA-256 +([0-9A-F]{2}:){31}[0-9A-F]{2}\n`).MatchString(r.out) {
		t.Errorf("no fingerprint:\n%s", r.out)
	}
	for path, mode := range map[string]os.FileMode{crt: 0o644, key: 0o600} {
		if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v %v", path, fi.Mode(), err)
		}
	}
	before, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains([]byte(r.out+r.err), bytes.Split(before, []byte("\n"))[1]) {
		t.Error("the key was printed")
	}
	h.run("", "cert", "x.example").want(t, 2, "TLS-EXISTS", "--force", "untouched")
	if now, err := os.ReadFile(key); err != nil || !bytes.Equal(now, before) {
		t.Error("the key was replaced")
	}
	h.run("", "cert", "--check").want(t, 0)
	conf := h.run("", "devconf", "https", "--device-id", "e9", "--listener", "192.0.2.10:443").want(t, 0)
	if !strings.Contains(conf.out, `trusted-cert "-----BEGIN CERTIFICATE-----M`) || strings.Contains(conf.err, "refuse") {
		t.Errorf("%s\n%s", conf.err, conf.out)
	}
	h.run("", "devconf", "https", "--device-id", "e9", "--listener", "192.0.2.11").want(t, 0, "not for 192.0.2.11")
	h.run("", "cert", "x.example", "--force", "--key-type", "rsa-2048").want(t, 0)
	if now, err := os.ReadFile(key); err != nil || bytes.Equal(now, before) {
		t.Error("the key was not replaced")
	}
	out := filepath.Join(h.dir, "pair")
	h.run("", "cert", "2001:db8::1", "--out", out).want(t, 0)
	h.run("", "cert", "--check", filepath.Join(out, "server.crt"), filepath.Join(out, "server.key")).want(t, 0)
	h.run("", "cert", "--check", filepath.Join(out, "server.crt"), key).want(t, 2, "TLS-PAIR")
	h.run("", "cert", "--check", crt).want(t, 2, "USAGE")
	h.run("", "cert", "--check", "--force").want(t, 2, "exclude")
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	h.run("", "cert", "--check").want(t, 2, "chmod")
	h.run("", "cert").want(t, 2, "HOST is missing")
	h.run("", "cert", "bad_host!", "--out", filepath.Join(h.dir, "p2")).want(t, 2, "TLS-NAME")
	h.run("", "cert", "a", "--key-type", "dsa", "--out", filepath.Join(h.dir, "p2")).want(t, 2, "TLS-KEYTYPE")
	if _, err := os.Stat(filepath.Join(h.dir, "p2")); err == nil {
		t.Error("a refused call left files")
	}
}
