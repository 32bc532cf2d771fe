//go:build linux

// Package ringtest starts a keyring that others wrote: gnome-keyring-daemon on a
// session bus of its own, in a temporary directory. Tests use it to see that
// entries are those that other programs read and write.
package ringtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// The programs that are run. Debian has them in the packages dbus-daemon (which
// dbus brings), gnome-keyring and libsecret-tools.
const (
	busDaemon  = "/usr/bin/dbus-daemon"
	ringDaemon = "/usr/bin/gnome-keyring-daemon"
	secretTool = "/usr/bin/secret-tool"
)

const patience = 30 * time.Second

const (
	secrets  = "org.freedesktop.secrets"
	login    = dbus.ObjectPath("/org/freedesktop/secrets/collection/login")
	prompter = "org.gnome.keyring.SystemPrompter"
)

// busConfig lets everything on the bus and starts no program by itself.
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Bus is a session bus. Everything on it ends with the test.
type Bus struct {
	Address string   // for DBUS_SESSION_BUS_ADDRESS
	Env     []string // of a program that is to find the bus, with a home of its own

	t    testing.TB
	dir  string
	conn *dbus.Conn
}

// NewBus starts a bus on which no keyring is. Where the programs are missing the
// test is skipped, or fails when CI is set.
func NewBus(t testing.TB) *Bus {
	t.Helper()
	for _, p := range []string{busDaemon, ringDaemon, secretTool} {
		if _, err := os.Stat(p); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	dir, err := os.MkdirTemp("", "dk") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	b := &Bus{t: t, dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "XDG_RUNTIME_DIR=" + dir, "GSETTINGS_BACKEND=memory"}}
	config := filepath.Join(dir, "bus.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, busConfig, filepath.Join(dir, "bus")), 0o600); err != nil {
		t.Fatal(err)
	}
	c := b.command(busDaemon, "--config-file="+config, "--nofork", "--nopidfile", "--print-address=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	b.start(c)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the bus does not start: %v", err)
	}
	b.Address = strings.TrimSpace(line)
	b.Env = append(b.Env, "DBUS_SESSION_BUS_ADDRESS="+b.Address)
	b.conn = b.connect()
	return b
}

// Start starts a bus with an unlocked keyring on it.
func Start(t testing.TB) *Bus {
	t.Helper()
	b := NewBus(t)
	if err := b.conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, secrets)); err != nil {
		t.Fatal(err)
	}
	seen := make(chan *dbus.Signal, 8)
	b.conn.Signal(seen)
	c := b.command(ringDaemon, "--unlock", "--components=secrets", "--foreground", "--control-directory="+filepath.Join(b.dir, "control"))
	c.Stdin = strings.NewReader("password of the keyring")
	ended := b.start(c)
	limit := time.After(patience)
	for {
		select {
		case s := <-seen:
			if s != nil && s.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(s.Body) == 3 && s.Body[2] != "" {
				return b
			}
		case <-ended:
			t.Fatal("gnome-keyring-daemon ended")
		case <-limit:
			t.Fatal("gnome-keyring-daemon does not come to the bus")
		}
	}
}

// Lock locks the keyring, as a desktop does when its person asks for it.
func (b *Bus) Lock() {
	b.t.Helper()
	var locked []dbus.ObjectPath
	var prompt dbus.ObjectPath
	err := b.conn.Object(secrets, "/org/freedesktop/secrets").Call("org.freedesktop.Secret.Service.Lock", 0, []dbus.ObjectPath{login}).Store(&locked, &prompt)
	if err != nil || len(locked) != 1 {
		b.t.Fatalf("locking: %v, %v", locked, err)
	}
}

// silent is a prompter that shows nothing and never answers.
type silent struct{ end <-chan struct{} }

// BeginPrompting waits for the end of the test.
func (s silent) BeginPrompting(dbus.ObjectPath) *dbus.Error {
	<-s.end
	return nil
}

// Prompter puts a program on the bus that takes the keyring's wish to ask for a
// password and does nothing with it, like one whose person is away.
func (b *Bus) Prompter() {
	b.t.Helper()
	end := make(chan struct{})
	b.t.Cleanup(func() { close(end) })
	conn := b.connect()
	if err := conn.Export(silent{end}, "/org/gnome/keyring/Prompter", "org.gnome.keyring.internal.Prompter"); err != nil {
		b.t.Fatal(err)
	}
	if r, err := conn.RequestName(prompter, 0); err != nil || r != dbus.RequestNameReplyPrimaryOwner {
		b.t.Fatalf("%v, %v", r, err)
	}
}

// Store writes an entry of the service dialtone with secret-tool.
func (b *Bus) Store(name, secret string) {
	b.t.Helper()
	c := b.command(secretTool, "store", "--label=written by secret-tool", "service", "dialtone", "username", name)
	c.Stdin = strings.NewReader(secret)
	if out, err := c.CombinedOutput(); err != nil {
		b.t.Fatalf("secret-tool store: %v: %s", err, out)
	}
}

// Look returns what secret-tool finds; ok is false when it finds nothing.
func (b *Bus) Look(name string) (secret string, ok bool) {
	b.t.Helper()
	c := b.command(secretTool, "lookup", "service", "dialtone", "username", name)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if e := (&exec.ExitError{}); errors.As(err, &e) && e.ExitCode() == 1 && stderr.Len() == 0 {
		return "", false
	}
	if err != nil {
		b.t.Fatalf("secret-tool lookup: %v: %s", err, stderr.String())
	}
	return string(out), true
}

func (b *Bus) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Env, c.Dir = b.Env, b.dir
	return c
}

// start runs a program until the test ends.
func (b *Bus) start(c *exec.Cmd) (ended <-chan struct{}) {
	b.t.Helper()
	if err := c.Start(); err != nil {
		b.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends with the program, which the cleanup ends
		_ = c.Wait()
		close(done)
	}()
	b.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-done
	})
	return done
}

func (b *Bus) connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.Address)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	return conn
}
