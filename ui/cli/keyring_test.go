//go:build linux

package cli_test

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dialtone/conn/simnet"
	"dialtone/keys/keyring/ringtest"
	"dialtone/netconf/simdev"
)

// onBus is a person with a session bus.
func onBus(t *testing.T, address string) *home {
	t.Helper()
	h := newHome(t)
	h.env = append(h.env, "DBUS_SESSION_BUS_ADDRESS="+address)
	return h
}

func TestKeyringCommands(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	h := onBus(t, b.Address)
	has := func(name, want string) {
		t.Helper()
		if got, ok := b.Look(name); got != want || ok != (want != "") {
			t.Errorf("%s is %q in the keyring, want %q", name, got, want)
		}
	}
	r := h.run(password+"\nmore\n", "secret", "set", "--keyring", "core-r1").want(t, 0, "Stored. Profiles refer to it as keyring:core-r1.")
	if r.out != "" || strings.Contains(r.err, password) {
		t.Errorf("printed %q %q", r.out, r.err)
	}
	has("core-r1", password)
	h.run("other\n", "secret", "set", "--keyring", "core-r1").want(t, 2,
		`SEC-EXISTS the keyring has an entry "core-r1" already. It is untouched. Give --replace to put a new one in its place`)
	has("core-r1", password)
	h.run("other\n", "secret", "set", "--keyring", "--replace", "core-r1").want(t, 0)
	has("core-r1", "other")
	g := h.run("", "secret", "set", "edge-7", "--generate", "--keyring").want(t, 0, "keyring:edge-7")
	if !regexp.MustCompile(`^[a-z2-7]{32}\n$`).MatchString(g.out) {
		t.Errorf("generated %q", g.out)
	}
	has("edge-7", strings.TrimSpace(g.out))
	h.run("", "secret", "set", "--keyring", "empty").want(t, 2, "SEC-EMPTY")
	h.run("x\n", "secret", "set", "--keyring", "../x").want(t, 2, "USAGE")
	h.run("x\n", "secret", "set", "--keyring", "a", "value").want(t, 2, "USAGE")
	h.run("x\n", with(h.unlock(), "secret", "set", "--keyring", "a")...).want(t, 2, "USAGE", "--passphrase-file")
	h.run("", "secret", "rm", "--keyring", "core-r1", "nope").want(t, 2, `KEYRING-MISSING the keyring has no entry "nope" of dialtone. Nothing was deleted`)
	has("core-r1", "other")
	h.run("", "secret", "rm", "--keyring", "core-r1", "edge-7").want(t, 0)
	has("core-r1", "")
	has("edge-7", "")
	if _, err := os.Stat(h.config("secrets")); err == nil {
		t.Error("the store was made")
	}
	c := h.onTerminalWith(nil, "secret", "set", "--keyring", "core-r2")
	c.answer("Value of core-r2: ", password+"\r")
	c.answer("Value of core-r2, once more: ", password+"\r")
	if n := c.exit(); n != 0 || strings.Contains(c.text(), password) {
		t.Errorf("exit code %d: %s", n, c.text())
	}
	has("core-r2", password)
	c = h.onTerminalWith(nil, "secret", "set", "--keyring", "core-r3")
	c.answer("Value of core-r3: ", "\x03")
	if n := c.exit(); n != 130 {
		t.Errorf("ctrl+c: exit code %d: %s", n, c.text())
	}
	b.Lock()
	h.run("x\n", "secret", "set", "--keyring", "core-r4").want(t, 3, "KEYRING-LOCKED", "Nothing was stored")
}

// TestKeyringOpensDevices dials with a password of the keyring, and proves a
// device that calls by a shared secret of the keyring.
func TestKeyringOpensDevices(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	b.Store("core-r1", password)
	b.Store("edge-7", sharedSecret)
	h := onBus(t, b.Address)
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	pw := h.write(filepath.Join(h.dir, "pw"), password+"\n")
	get := h.write(filepath.Join(h.dir, "get.xml"), get)
	host := device(t, simdev.Options{}, simnet.Server{Password: password})

	h.run("", "profile", "add", "core-r1", "admin@"+host.Addr(), "--password", "keyring:core-r1", "--no-agent", "--host-key", "accept-new").want(t, 0)
	h.run("", "profile", "add", "core-none", "admin@"+host.Addr(), "--password", "keyring:none", "--no-agent", "--host-key", "accept-new").want(t, 0)
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent",
		"--secret", "keyring:edge-7", "--password", "keyring:core-r1", "--pin", print).want(t, 0)
	if r := h.run("", "rpc", "core-r1", get).want(t, 0); !strings.Contains(r.out, "<rpc-reply") {
		t.Errorf("reply %q", r.out)
	}
	h.run("", "rpc", "core-none", get).want(t, 3, `KEYRING-MISSING the keyring has no entry "none" of dialtone`)
	conf := h.run("", "devconf", "junos", "edge-7", "--listener", "192.0.2.1:4334").want(t, 0)
	if !strings.Contains(conf.out, sharedSecret) {
		t.Error("the configuration lacks the secret")
	}

	l := h.serve("listen", "--ssh", "127.0.0.1:0", "--rpc", get, "--count", "1")
	addr := l.await("listening").Addr
	s := h.serve("simulate", "--dial", addr, "--via", "junos", "--device-id", "edge-7", "--secret-file", secret, "--host-key", key, "--password-file", pw)
	if e := l.await("reply"); e.OK == nil || !*e.OK || e.Profile != "edge-7" {
		t.Errorf("%+v", e)
	}
	l.end(0)
	s.signal(os.Interrupt)
	s.end(130)
	noCanary(t, h.dir, password, secret, pw)
	noCanary(t, h.dir, sharedSecret, secret, pw)

	b.Lock()
	h.run("", "rpc", "core-r1", get).want(t, 3, "KEYRING-LOCKED the keyring is locked and was not unlocked")
}

// TestKeyringThatIsNotThere has no bus, and one that takes connections and says
// nothing.
func TestKeyringThatIsNotThere(t *testing.T) {
	t.Parallel()
	host := device(t, simdev.Options{}, simnet.Server{Password: password})
	add := func(h *home) {
		h.run("", "profile", "add", "core-r1", "admin@"+host.Addr(), "--password", "keyring:core-r1", "--no-agent", "--host-key", "accept-new").want(t, 0)
	}
	none := "KEYRING-NONE there is no keyring here: DBUS_SESSION_BUS_ADDRESS is not set."
	h := newHome(t)
	add(h)
	h.run(get, "rpc", "core-r1").want(t, 3, strings.TrimSuffix(none, "."), ". Start in a desktop session, or use store:NAME")
	h.run("x\n", "secret", "set", "--keyring", "a").want(t, 3, none+" Nothing was stored.")
	h.run("", "secret", "rm", "--keyring", "a").want(t, 3, none+" Nothing was deleted.")

	dir, err := os.MkdirTemp("", "dk") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "bus"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // the kernel takes connections for it
	h = onBus(t, "unix:path="+filepath.Join(dir, "bus"))
	add(h)
	h.run("", "version").want(t, 0)
	h.run("", "profile", "list").want(t, 0)
	h.run(get, with(h.signIn(), "rpc", host.Addr())...).want(t, 0)
	if first := firstCaller(t, l); first != "ours" {
		t.Errorf("a program that needs no keyring says %q to the bus", first)
	}
	late := "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked."
	h.run(get, "rpc", "core-r1").want(t, 3, strings.TrimSuffix(late, "."), ". Unlock it and try again, or use store:NAME")
	h.run("x\n", "secret", "set", "--keyring", "a").want(t, 3, late+" Nothing was stored.")
}

// firstCaller is what the first connection that waits says; when there is none
// it is "ours".
func firstCaller(t *testing.T, l net.Listener) string {
	t.Helper()
	ours, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	if _, err := ours.Write([]byte("ours")); err != nil {
		t.Fatal(err)
	}
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	said := make([]byte, 4)
	n, _ := io.ReadFull(c, said) // less is said, or an end
	return string(said[:n])
}
