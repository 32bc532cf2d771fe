//go:build unix

package cli_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/pelletier/go-toml/v2"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

const storePass = "canary-2Wd8-passphrase-of-the-store"

// unlock are the flags that open the store without a terminal.
func (h *home) unlock() []string {
	return []string{"--passphrase-file", h.write(filepath.Join(h.dir, "pass"), storePass+"\n")}
}

// keep makes a store that is cheap to open.
func (h *home) keep(secrets map[string]string) {
	h.t.Helper()
	var out bytes.Buffer
	rcpt, err := age.NewScryptRecipient(storePass)
	if err != nil {
		h.t.Fatal(err)
	}
	rcpt.SetWorkFactor(2)
	w, err := age.Encrypt(&out, rcpt)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := errors.Join(toml.NewEncoder(w).Encode(secrets), w.Close()); err != nil {
		h.t.Fatal(err)
	}
	h.write(h.config("secrets"), out.String())
}

func TestSecretCommands(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pass := h.unlock()
	h.run("", with(pass, "secret", "list")...).want(t, 2, "SEC-NONE", "dialtone secret set")
	r := h.run(password+"\nmore\n", with(pass, "secret", "set", "core-r1")...).want(t, 0, "store:core-r1")
	if r.out != "" || strings.Contains(r.err, password) {
		t.Errorf("printed %q %q", r.out, r.err)
	}
	h.keep(map[string]string{"core-r1": password})
	g := h.run("", with(pass, "secret", "set", "edge-7", "--generate")...).want(t, 0, "Stored")
	if !regexp.MustCompile(`^[a-z2-7]{32}\n$`).MatchString(g.out) {
		t.Errorf("generated %q", g.out)
	}
	data, err := os.ReadFile(h.config("secrets"))
	if err != nil {
		t.Fatal(err)
	}
	h.keep(map[string]string{"core-r1": password, "edge-7": "e"})
	h.run("other\n", with(pass, "secret", "set", "core-r1")...).want(t, 2, "SEC-EXISTS", "--replace")
	h.run("", with(pass, "secret", "set", "empty")...).want(t, 2, "SEC-EMPTY")
	h.run("x\n", with(pass, "secret", "set", "../x")...).want(t, 2, "USAGE")
	h.run("x\n", with(pass, "secret", "set", "a", "value")...).want(t, 2, "USAGE")
	if r := h.run("", with(pass, "secret", "list")...).want(t, 0); r.out != "core-r1\nedge-7\n" {
		t.Errorf("list %q", r.out)
	}
	id, err := age.NewScryptIdentity(storePass)
	if err != nil {
		t.Fatal(err)
	}
	text, err := age.Decrypt(bytes.NewReader(data), id)
	if err != nil {
		t.Fatal(err)
	}
	var plain bytes.Buffer
	if _, err := plain.ReadFrom(text); err != nil || !strings.Contains(plain.String(), password) || !strings.Contains(plain.String(), strings.TrimSpace(g.out)) {
		t.Errorf("age reads %d bytes, %v", plain.Len(), err)
	}
	h.run("second\n", with(pass, "secret", "set", "core-r1", "--replace")...).want(t, 0)
	h.keep(map[string]string{"core-r1": password, "edge-7": "e"})
	h.run("", with(pass, "secret", "rm", "core-r1", "nope")...).want(t, 2, "SEC-NONE")
	h.run("", with(pass, "secret", "rm", "core-r1")...).want(t, 0)
	if r := h.run("", with(pass, "secret", "list")...).want(t, 0); r.out != "edge-7\n" {
		t.Errorf("list %q", r.out)
	}
	h.keep(map[string]string{"edge-7": "e"})
	h.run("", "secret").want(t, 2, "set, list, rm or passwd")
	h.run("", with(pass, "secret", "passwd")...).want(t, 2, "USAGE")
	h.run("", "secret", "list").want(t, 3, "There is no terminal", "SEC-LOCKED")
	wrong := h.write(filepath.Join(h.dir, "wrong"), "not-it-at-all\n")
	h.run("", "secret", "list", "--passphrase-file", wrong).want(t, 3, "SEC-OPEN wrong passphrase or damaged file", "untouched")
	if err := os.Chmod(wrong, 0o644); err != nil {
		t.Fatal(err)
	}
	h.run("", "secret", "list", "--passphrase-file", wrong).want(t, 2, "KEY-PERM", "chmod 600")
	if err := os.Chmod(h.config("secrets"), 0o640); err != nil {
		t.Fatal(err)
	}
	h.run("", with(pass, "secret", "list")...).want(t, 2, "KEY-PERM", "chmod 600")
}

func TestSecretsAtTheTerminal(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	c := h.onTerminal(password+"\n", "secret", "set", "core-r1")
	c.answer("New passphrase of the secret store: ", "short\r")
	c.answer("That was not right.", "")
	c.answer("New passphrase of the secret store: ", storePass+"\r")
	c.answer("New passphrase of the secret store, once more: ", storePass+"\r")
	if n := c.exit(); n != 0 {
		t.Fatalf("exit code %d: %s", n, c.text())
	}
	c = h.onTerminal("", "secret", "list")
	c.answer("Passphrase of the secret store: ", "wrong\r")
	c.answer("That was not right.", "") // after two seconds
	c.answer("Passphrase of the secret store: ", storePass+"\r")
	if n := c.exit(); n != 0 || c.out.String() != "core-r1\n" {
		t.Fatalf("exit code %d: %s %s", n, c.text(), c.out.String())
	}
	if strings.Contains(c.text(), storePass) || strings.Contains(c.text(), "wrong\r") {
		t.Errorf("the terminal shows it: %q", c.text())
	}
	c = h.onTerminal("", "secret", "passwd")
	c.answer("Passphrase of the secret store: ", storePass+"\r")
	c.answer("New passphrase of the secret store: ", storePass+"-2\r")
	c.answer("New passphrase of the secret store, once more: ", storePass+"-2\r")
	if n := c.exit(); n != 0 || !strings.Contains(c.text(), "The passphrase was changed.") {
		t.Fatalf("exit code %d: %s", n, c.text())
	}
	h.run("", with(h.unlock(), "secret", "list")...).want(t, 3, "SEC-OPEN")
	c = h.onTerminal("", "secret", "list")
	c.answer("Passphrase of the secret store: ", "\x03")
	if n := c.exit(); n != 130 {
		t.Errorf("ctrl+c: exit code %d: %s", n, c.text())
	}
}

// TestNoSecretIsAnywhere goes through a whole day with secrets in the store and
// then looks into every file and all that was printed.
func TestNoSecretIsAnywhere(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pass := h.unlock()
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	pw := h.write(filepath.Join(h.dir, "pw"), password+"\n")
	get := h.write(filepath.Join(h.dir, "get.xml"), get)
	host := device(t, simdev.Options{}, simnet.Server{Password: password})

	var said strings.Builder
	run := func(code int, stdin string, args ...string) result {
		r := h.run(stdin, args...).want(t, code)
		said.WriteString(r.out + r.err)
		return r
	}
	h.keep(map[string]string{"core-r1": password, "bad": "wrong"})
	run(0, sharedSecret+"\n", with(pass, "secret", "set", "edge-7")...)
	h.keep(map[string]string{"core-r1": password, "bad": "wrong", "edge-7": sharedSecret})
	run(0, "", "profile", "add", "core-r1", "admin@"+host.Addr(), "--password", "store:core-r1", "--no-agent", "--host-key", "accept-new")
	run(0, "", "profile", "add", "core-bad", "admin@"+host.Addr(), "--password", "store:bad", "--no-agent", "--host-key", "accept-new")
	run(0, "", "profile", "add", "core-none", "admin@"+host.Addr(), "--password", "store:none", "--no-agent", "--host-key", "accept-new")
	run(0, "", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent",
		"--secret", "store:edge-7", "--password", "store:core-r1", "--pin", print)
	run(2, "", "profile", "edit", "edge-7", "--secret", "keyring")
	log, trace := filepath.Join(h.dir, "log"), filepath.Join(h.dir, "trace")
	if r := run(0, "", with(pass, "rpc", "core-r1", get, "--log", log, "--trace", trace)...); !strings.Contains(r.out, "<rpc-reply") {
		t.Errorf("reply %q", r.out)
	}
	run(3, "", with(pass, "rpc", "core-bad", get, "--log", log)...)
	run(3, "", with(pass, "rpc", "core-none", get)...)
	run(3, "", "rpc", "core-r1", get)
	run(0, "", with(pass, "secret", "list")...)
	run(0, "", with(pass, "profile", "show", "edge-7")...)
	run(2, "", with(pass, "devconf", "junos", "edge-7", "--listener", "192.0.2.1:0")...)

	l := h.serve(with(pass, "listen", "--ssh", "127.0.0.1:0", "--rpc", get, "--count", "1", "--log", log+"2", "--trace", trace+"2")...)
	addr := l.await("listening").Addr
	if limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", l.cmd.Process.Pid)); err == nil && !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		t.Errorf("a crash would leave the secrets in a core file:\n%s", limits)
	}
	s := h.serve("simulate", "--dial", addr, "--via", "junos", "--device-id", "edge-7", "--secret-file", secret, "--host-key", key, "--password-file", pw)
	if e := l.await("reply"); e.OK == nil || !*e.OK || e.Profile != "edge-7" {
		t.Errorf("%+v", e)
	}
	l.end(0)
	s.signal(os.Interrupt)
	s.end(130)
	said.WriteString(l.text() + l.err.String() + s.text() + s.err.String())

	for _, w := range []string{password, sharedSecret, storePass} {
		if strings.Contains(said.String(), w) {
			t.Errorf("%q was printed", w)
		}
		noCanary(t, h.dir, w, secret, pw, filepath.Join(h.dir, "pass"))
	}
	conf := h.run("", with(pass, "devconf", "junos", "edge-7", "--listener", "192.0.2.1:4334")...).want(t, 0, "plain text")
	if !strings.Contains(conf.out, sharedSecret) || strings.Contains(conf.err, sharedSecret) {
		t.Error("the configuration is the one place where the secret belongs")
	}
}
