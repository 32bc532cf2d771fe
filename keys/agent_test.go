package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// fakeAgent answers every request on a socket of its own by handle. The
// directory is short, since socket names are.
func fakeAgent(t *testing.T, handle func(c net.Conn, req []byte)) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "da")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { // ends when the listener is closed
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			var head [4]byte
			if _, err := io.ReadFull(c, head[:]); err == nil {
				req := make([]byte, binary.BigEndian.Uint32(head[:]))
				if _, err := io.ReadFull(c, req); err == nil {
					handle(c, req)
				}
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done; os.RemoveAll(dir) })
	return path
}

func agentReply(c net.Conn, b []byte) { _, _ = c.Write(appendString(nil, b)) }

func agentList(keys ...[]byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte{agentListAnswer}, uint32(len(keys)))
	for i, k := range keys {
		out = appendString(appendString(out, k), fmt.Appendf(nil, "key %d", i))
	}
	return out
}

func TestAgentMisbehaviourHasAName(t *testing.T) {
	t.Parallel()
	good := newSigner(t)
	many := make([][]byte, 60)
	for i := range many {
		many[i] = newSigner(t).PublicKey().Marshal()
	}
	short := appendString(appendString(nil, []byte("ssh-ed25519")), []byte("too short"))
	sign := func(answer func(c net.Conn)) func(net.Conn, []byte) {
		return func(c net.Conn, req []byte) {
			if req[0] == agentRequestList {
				agentReply(c, agentList(good.PublicKey().Marshal()))
				return
			}
			answer(c)
		}
	}
	for _, tt := range []struct {
		name   string
		handle func(c net.Conn, req []byte)
		only   string
		keys   int
		code   string // of listing
		sign   string // of signing with the first key
	}{
		{"absent", nil, "", 0, "AGENT-NONE", ""},
		{"refuses to list", func(c net.Conn, _ []byte) { agentReply(c, []byte{agentFailure}) }, "", 0, "AGENT-REFUSED", ""},
		{"closes", func(net.Conn, []byte) {}, "", 0, "AGENT-BAD", ""},
		{"answers nonsense", func(c net.Conn, _ []byte) { agentReply(c, []byte("what?")) }, "", 0, "AGENT-BAD", ""},
		{"answers nothing", func(c net.Conn, _ []byte) { agentReply(c, nil) }, "", 0, "AGENT-BAD", ""},
		{"claims a million keys", func(c net.Conn, _ []byte) { agentReply(c, []byte{agentListAnswer, 0, 16, 0, 0}) }, "", 0, "AGENT-BAD", ""},
		{"claims 17 MiB", func(c net.Conn, _ []byte) { _, _ = c.Write([]byte{1, 16, 0, 0, agentListAnswer}) }, "", 0, "AGENT-BIG", ""},
		{"malformed key", func(c net.Conn, _ []byte) { agentReply(c, agentList(short, good.PublicKey().Marshal())) }, "", 1, "AGENT-BAD", ""},
		{"sixty keys", func(c net.Conn, _ []byte) { agentReply(c, agentList(many...)) }, "", 5, "AGENT-MANY", ""},
		{"sixty keys, one named", func(c net.Conn, _ []byte) { agentReply(c, agentList(many...)) }, "key 41", 1, "", ""},
		{"named and not there", func(c net.Conn, _ []byte) { agentReply(c, agentList(many...)) }, "SHA256:x", 0, "AGENT-KEY", ""},
		{"refuses to sign", sign(func(c net.Conn) { agentReply(c, []byte{agentFailure}) }), "", 1, "", "AGENT-REFUSED"},
		{"says success to signing", sign(func(c net.Conn) { agentReply(c, []byte{6}) }), "", 1, "", "AGENT-BAD"},
		{"signs with rubbish", sign(func(c net.Conn) {
			agentReply(c, appendString([]byte{agentSignResponse}, appendString(appendString(nil, []byte("ssh-ed25519")), []byte("xx"))))
		}), "", 1, "", "AGENT-BAD"},
		{"17 MiB signature", sign(func(c net.Conn) { _, _ = c.Write([]byte{1, 16, 0, 0}) }), "", 1, "", "AGENT-BIG"},
		{"hangs at signing", sign(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }), "", 1, "", "AGENT-TIMEOUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := &Agent{Socket: "/nonexistent/agent", Only: tt.only, SignTime: 100 * time.Millisecond}
			if tt.handle != nil {
				a.Socket = fakeAgent(t, tt.handle)
			}
			list, faults := a.Credentials(context.Background(), nil)
			code := ""
			if len(faults) > 0 {
				code = faults[0].Code
			}
			if len(list) != tt.keys || code != tt.code {
				t.Fatalf("%d keys, %v; want %d and %q", len(list), faults, tt.keys, tt.code)
			}
			if tt.sign == "" {
				return
			}
			if _, err := list[0].Sign(rand.Reader, []byte("data")); faultCode(err) != tt.sign {
				t.Errorf("signing: %v, want %s", err, tt.sign)
			}
		})
	}
}

func TestAgentIsGivenUpWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	a := &Agent{Socket: fakeAgent(t, func(c net.Conn, _ []byte) { cancel(); _, _ = c.Read(make([]byte, 1)) })}
	start := time.Now()
	if _, faults := a.Credentials(ctx, nil); len(faults) != 1 || faults[0].Code != "AGENT-STOPPED" {
		t.Errorf("%v", faults)
	}
	if d := time.Since(start); d > 2*time.Second {
		t.Errorf("took %v", d)
	}
}

// realAgent starts an ssh-agent with a key of each type that exists nowhere
// else, and returns its socket and the public keys.
func realAgent(t *testing.T) (socket string, publics []ssh.PublicKey) {
	t.Helper()
	agent, add, keygen := tool(t, "ssh-agent"), tool(t, "ssh-add"), tool(t, "ssh-keygen")
	dir, err := os.MkdirTemp("", "da")
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "s")
	cmd := exec.Command(agent, "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait(); os.RemoveAll(dir) })
	for start := time.Now(); ; {
		if _, err := os.Stat(socket); err == nil {
			break
		}
		if time.Since(start) > 10*time.Second {
			t.Fatal("ssh-agent does not start")
		}
	}
	for _, kind := range []string{"ed25519", "rsa", "ecdsa"} {
		file := filepath.Join(dir, kind)
		for _, c := range []*exec.Cmd{
			exec.Command(keygen, "-q", "-t", kind, "-N", "", "-C", "the "+kind+" key", "-f", file),
			exec.Command(add, "-q", file),
		} {
			c.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		data, err := os.ReadFile(file + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(data)
		if err != nil {
			t.Fatal(err)
		}
		publics = append(publics, key)
		os.Remove(file)
		os.Remove(file + ".pub")
	}
	return socket, publics
}

func TestRealAgentSigns(t *testing.T) {
	t.Parallel()
	socket, publics := realAgent(t)
	var waited []bool
	a := &Agent{Socket: socket, Waiting: func(_ string, on bool) { waited = append(waited, on) }}
	list, faults := a.Credentials(context.Background(), publics[2:])
	if len(list) != 3 || len(faults) != 0 {
		t.Fatalf("%v, %v", list, faults)
	}
	if !sameKey(list[0].PublicKey(), publics[2]) {
		t.Error("the preferred key is not first")
	}
	for _, c := range list {
		m := c.Signer.(ssh.MultiAlgorithmSigner)
		for _, alg := range m.Algorithms() {
			if alg == ssh.KeyAlgoRSA {
				t.Error("RSA with SHA-1 without being asked for")
			}
			sig, err := m.SignWithAlgorithm(rand.Reader, []byte("data"), alg)
			if err != nil || sig.Format != alg {
				t.Errorf("%s: %v", alg, err)
			}
		}
		if _, err := m.SignWithAlgorithm(rand.Reader, []byte("data"), ssh.KeyAlgoRSA); err == nil {
			t.Error("signed with SHA-1")
		}
	}
	if len(waited) != 8 || !waited[0] || waited[7] {
		t.Errorf("waiting told %v", waited)
	}
	only, faults := (&Agent{Socket: socket, Only: ssh.FingerprintSHA256(publics[1])}).Credentials(context.Background(), nil)
	if len(only) != 1 || len(faults) != 0 || only[0].Comment != "the rsa key" {
		t.Errorf("%v, %v", only, faults)
	}
}

func FuzzAgentList(f *testing.F) {
	f.Add(agentList([]byte("x"), []byte("y")))
	f.Fuzz(func(t *testing.T, b []byte) {
		held, bad, _ := parseAgentList(b)
		if len(held)+bad > len(b)/8 {
			t.Errorf("%d keys out of %d bytes", len(held)+bad, len(b))
		}
	})
}

// keyFile makes a private key with ssh-keygen.
func keyFile(t *testing.T, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	out, err := exec.Command(tool(t, "ssh-keygen"), append([]string{"-q", "-f", path, "-C", "c"}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func TestKeyFilesByTable(t *testing.T) {
	t.Parallel()
	fifo := func(t *testing.T) string {
		path := filepath.Join(t.TempDir(), "fifo")
		if err := exec.Command("mkfifo", path).Run(); err != nil {
			t.Skip("no mkfifo")
		}
		return path
	}
	text := func(mode os.FileMode, data string) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "id")
			if err := os.WriteFile(path, []byte(data), mode); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	key := func(args ...string) func(*testing.T) string {
		return func(t *testing.T) string { return keyFile(t, args...) }
	}
	for _, tt := range []struct {
		name  string
		file  func(t *testing.T) string
		pass  []string // what the person says
		asked int
		code  string // of loading
		sign  string // of signing
	}{
		{"ed25519", key("-t", "ed25519", "-N", ""), nil, 0, "", ""},
		{"rsa", key("-t", "rsa", "-b", "2048", "-N", ""), nil, 0, "", ""},
		{"rsa as PEM", key("-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"), nil, 0, "", ""},
		{"short rsa", key("-t", "rsa", "-b", "1024", "-N", ""), nil, 0, "KEY-WEAK", ""},
		{"locked", key("-t", "ed25519", "-N", "secret", "-a", "1"), []string{"secret"}, 1, "", ""},
		{"locked, second try", key("-t", "ed25519", "-N", "secret", "-a", "1"), []string{"no", "secret"}, 2, "", ""},
		{"locked, never right", key("-t", "ed25519", "-N", "secret", "-a", "1"), []string{"a", "b", "c", "secret"}, 3, "", "KEY-PASS"},
		{"locked and given up", key("-t", "ed25519", "-N", "secret", "-a", "1"), nil, 1, "", "KEY-PASS"},
		{"locked PEM", key("-t", "ecdsa", "-N", "secret", "-m", "PEM"), []string{"secret"}, 1, "", ""},
		{"public file named", func(t *testing.T) string { return keyFile(t, "-t", "ed25519", "-N", "") + ".pub" }, nil, 0, "", ""},
		{"public file alone", func(t *testing.T) string {
			path := keyFile(t, "-t", "ed25519", "-N", "")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			return path + ".pub"
		}, nil, 0, "KEY-FILE", ""},
		{"open to others", text(0o644, "x"), nil, 0, "KEY-PERM", ""},
		{"no key", text(0o600, "x"), nil, 0, "KEY-FILE", ""},
		{"no end", text(0o600, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n"), nil, 0, "KEY-FILE", ""},
		{"16 MiB", text(0o600, strings.Repeat("x", 16<<20)), nil, 0, "KEY-FILE", ""},
		{"FIFO", fifo, nil, 0, "KEY-FILE", ""},
		{"directory", func(t *testing.T) string { return t.TempDir() }, nil, 0, "KEY-FILE", ""},
		{"missing", func(t *testing.T) string { return filepath.Join(t.TempDir(), "id") }, nil, 0, "KEY-FILE", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			f := Files{Ask: func(_ context.Context, _ string, try int) (Secret, error) {
				if asked++; try != asked {
					t.Errorf("try %d at question %d", try, asked)
				}
				if len(tt.pass) < asked {
					return Secret{}, io.EOF
				}
				return NewSecret([]byte(tt.pass[asked-1])), nil
			}}
			path := tt.file(t)
			list, err := f.Load(context.Background(), path)
			if tt.code != "" {
				if faultCode(err) != tt.code || len(list) != 0 {
					t.Fatalf("%v, want %s", err, tt.code)
				}
				if tt.code == "KEY-PERM" && !strings.Contains(err.Error(), "chmod 600 '"+path+"'") {
					t.Errorf("no help in %v", err)
				}
				return
			}
			if err != nil || len(list) != 1 {
				t.Fatal(err)
			}
			m := list[0].Signer.(ssh.MultiAlgorithmSigner)
			sig, err := m.SignWithAlgorithm(rand.Reader, []byte("data"), m.Algorithms()[0])
			if tt.sign != "" {
				if faultCode(err) != tt.sign {
					t.Errorf("signing: %v, want %s", err, tt.sign)
				}
			} else if err != nil || list[0].PublicKey().Verify([]byte("data"), sig) != nil {
				t.Errorf("signing: %v", err)
			}
			if asked != tt.asked {
				t.Errorf("asked %d times, want %d", asked, tt.asked)
			}
		})
	}
}

func TestCertificateBesideAKeyComesFirst(t *testing.T) {
	t.Parallel()
	ca, path := keyFile(t, "-t", "ed25519", "-N", ""), keyFile(t, "-t", "rsa", "-b", "2048", "-N", "")
	if out, err := exec.Command("ssh-keygen", "-q", "-s", ca, "-I", "me", "-n", "admin", path+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list, err := Files{}.Load(context.Background(), path)
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if _, ok := list[0].PublicKey().(*ssh.Certificate); !ok || list[0].Fingerprint() != list[1].Fingerprint() {
		t.Errorf("first is %s", list[0].PublicKey().Type())
	}
	if algs := list[0].Signer.(ssh.MultiAlgorithmSigner).Algorithms(); algs[0] != ssh.KeyAlgoRSASHA512 || len(algs) != 2 {
		t.Errorf("certificate signs with %v", algs)
	}
}

func TestReferences(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, data string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(data), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	r := References{Getenv: func(k string) (string, bool) { return map[string]string{"PW": "from env"}[k], k == "PW" }}
	for _, tt := range []struct{ ref, want, code string }{
		{"env:PW", "from env", ""},
		{"env:OTHER", "", "SEC-ENV"},
		{"file:" + write("a", "first\r\nsecond", 0o600), "first", ""},
		{"file:" + write("b", "x", 0o640), "", "KEY-PERM"},
		{"file:" + write("c", "\nx", 0o600), "", "SEC-EMPTY"},
		{"file:" + dir, "", "KEY-FILE"},
		{"store:r1", "", "SEC-REF"},
		{"keyring:r1", "", "SEC-REF"},
		{"hunter2", "", "SEC-REF"},
		{"pass:hunter2", "", "SEC-REF"},
		{"", "", "SEC-REF"},
	} {
		s, err := r.Get(context.Background(), tt.ref)
		if string(s.Reveal()) != tt.want || err != nil && faultCode(err) != tt.code || err == nil && tt.code != "" {
			t.Errorf("%q: %q, %v", tt.ref, s.Reveal(), err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error repeats what may be a password: %v", err)
		}
	}
	if s := NewSecret([]byte("hush")); bytes.Contains(fmt.Appendf(nil, "%v %+v %s %#v %q %c", s, s, s, s, s, s), []byte("hush")) ||
		strings.Contains(fmt.Sprintf("%x %d", s, s), "68") {
		t.Error("a secret was printed")
	}
}
