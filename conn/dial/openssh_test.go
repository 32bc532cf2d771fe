package dial

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// program finds one of OpenSSH's programs; without it the test is skipped,
// except where everything must run.
func program(t testing.TB, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	if path := "/usr/sbin/" + name; exists(path) {
		return path
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing", name)
	}
	t.Skipf("%s is missing", name)
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

func run(t testing.TB, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

// agentWithKey starts an ssh-agent that holds one key which exists nowhere
// else, and returns its socket and the public key as a line.
func agentWithKey(t testing.TB, kind string) (socket, public string) {
	t.Helper()
	agent := program(t, "ssh-agent")
	dir, err := os.MkdirTemp("", "da") // socket names are short
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	cmd := exec.Command(agent, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); os.RemoveAll(dir) })
	for start := time.Now(); !exists(socket); {
		if time.Since(start) > time.Minute {
			t.Fatal("ssh-agent does not start")
		}
	}
	file := filepath.Join(dir, "id")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", kind, "-N", "", "-f", file)
	run(t, []string{"SSH_AUTH_SOCK=" + socket}, program(t, "ssh-add"), "-q", file)
	data, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(file)
	os.Remove(file + ".pub")
	return socket, string(data)
}

// sshd starts a real OpenSSH server that lets in one key and echoes as its
// netconf subsystem.
func sshd(t testing.TB, authorized string, lines ...string) (target link.Target, known string) {
	t.Helper()
	server := program(t, "sshd")
	dir := t.TempDir()
	host := filepath.Join(dir, "host")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", host)
	if err := os.WriteFile(filepath.Join(dir, "authorized"), []byte(authorized), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nPermitRootLogin yes\nUsePAM no\nPasswordAuthentication no\nLogLevel ERROR\n%s\n",
		port, host, filepath.Join(dir, "authorized"), strings.Join(lines, "\n"))
	file := filepath.Join(dir, "conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Mkdir("/run/sshd", 0o755) // root's sshd wants it; others do not care
	var log bytes.Buffer
	cmd := exec.Command(server, "-D", "-e", "-f", file)
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd: %s", log.String())
		}
	})
	for start := time.Now(); ; {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			c.Close()
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatalf("sshd does not start: %v", err)
		}
	}
	public, err := os.ReadFile(host + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	known = filepath.Join(dir, "known_hosts")
	entry := fmt.Sprintf("[127.0.0.1]:%d %s", port, strings.Join(strings.Fields(string(public))[:2], " "))
	if err := os.WriteFile(known, []byte(entry+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	return link.Target{Name: "sshd", Host: "127.0.0.1", Port: port, User: me.Username}, known
}

func TestSignsInWithARealAgent(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			socket, public := agentWithKey(t, kind)
			key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(public))
			if err != nil {
				t.Fatal(err)
			}
			want := "publickey (agent, " + ssh.FingerprintSHA256(key) + ")"
			t.Run("simulated", func(t *testing.T) {
				l := lab(t)
				h := add(t, l, simnet.Server{Keys: []ssh.PublicKey{key}})
				d := New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: socket})
				c := reach(t, d, h.Target(), nil)
				echoed(t, c)
				if c.Peer.Auth != want {
					t.Errorf("signed in by %q, want %q", c.Peer.Auth, want)
				}
			})
			t.Run("OpenSSH", func(t *testing.T) {
				target, known := sshd(t, public, "Subsystem netconf /bin/cat")
				d := New(Options{Hosts: keys.NewKnownHosts(known), Home: t.TempDir(), AgentSocket: socket})
				c := reach(t, d, target, nil)
				echoed(t, c)
				if c.Peer.Auth != want || !strings.HasPrefix(c.Peer.ServerVersion, "SSH-2.0-OpenSSH") || c.Peer.HostKeyFrom != known+":1" {
					t.Errorf("peer: %+v", c.Peer)
				}
			})
		})
	}
}

func TestOpenSSHRefusals(t *testing.T) {
	t.Parallel()
	socket, public := agentWithKey(t, "ed25519")
	t.Run("no subsystem", func(t *testing.T) {
		// OpenSSH takes any command, and the shell then has none of that name.
		target, known := sshd(t, public)
		d := New(Options{Hosts: keys.NewKnownHosts(known), Home: t.TempDir(), AgentSocket: socket})
		c := reach(t, d, target, nil)
		_, _ = c.Write([]byte("hello"))
		_, err := c.Read(make([]byte, 1))
		if code(err) != "NC-SUBSYS" || !strings.Contains(err.Error(), "127") {
			t.Errorf("%v", err)
		}
		if code(c.Err()) != "NC-SUBSYS" {
			t.Errorf("link: %v", c.Err())
		}
	})
	t.Run("key not let in", func(t *testing.T) {
		_, other := agentWithKey(t, "ed25519")
		target, known := sshd(t, other)
		d := New(Options{Hosts: keys.NewKnownHosts(known), Home: t.TempDir(), AgentSocket: socket})
		_, err := d.Dial(within(t, time.Minute), target, nil, nil)
		if code(err) != "AUTH-FAIL" || !strings.Contains(err.Error(), "publickey") {
			t.Errorf("%v", err)
		}
	})
}

func knownFile(path string) keys.HostKeys { return keys.NewKnownHosts(path) }
