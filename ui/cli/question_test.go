//go:build unix

package cli_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// console is a program with a controlling terminal for questions; its standard
// streams are elsewhere.
type console struct {
	t    *testing.T
	pty  *os.File
	wait func() error // until it has ended and all it wrote has been read

	at   int // up to here of what was seen is answered
	mu   sync.Mutex
	seen bytes.Buffer
	out  bytes.Buffer
	more chan struct{}
}

func (h *home) onTerminal(stdin string, args ...string) *console {
	h.t.Helper()
	return h.onTerminalWith(strings.NewReader(stdin), args...)
}

// onTerminalWith is onTerminal; nil: standard input is the terminal too.
func (h *home) onTerminalWith(stdin io.Reader, args ...string) *console {
	h.t.Helper()
	c := h.command(args...)
	master, slave, err := pty.Open()
	if err != nil {
		h.t.Skip("no pseudo terminals here:", err)
	}
	con := &console{t: h.t, pty: master, more: make(chan struct{}, 1)}
	if stdin == nil {
		stdin = slave
	}
	c.Stdin, c.Stdout, c.Stderr = stdin, &con.out, slave
	c.ExtraFiles = []*os.File{slave}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 3}
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	slave.Close()
	read := con.watch()
	con.wait = func() error {
		defer func() { <-read }()
		return c.Wait()
	}
	return con
}

// watch keeps what the terminal is sent, until the channel is closed.
func (c *console) watch() <-chan struct{} {
	done := make(chan struct{})
	go func() { // ends when the terminal is closed, or the program and its side are
		defer close(done)
		buf := make([]byte, 4096)
		for {
			n, err := c.pty.Read(buf)
			c.mu.Lock()
			c.seen.Write(buf[:n])
			c.mu.Unlock()
			select {
			case c.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	c.t.Cleanup(func() { c.pty.Close(); <-done })
	return done
}

func (c *console) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen.String()
}

// exit waits for the end and returns its code.
func (c *console) exit() int {
	c.t.Helper()
	return code(c.t, c.wait())
}

// answer waits for a question behind the last one and types.
func (c *console) answer(question, keys string) {
	c.t.Helper()
	limit := time.After(patience)
	for {
		if i := strings.Index(c.text()[c.at:], question); i >= 0 {
			c.at += i + len(question)
			break
		}
		select {
		case <-c.more:
		case <-limit:
			c.t.Fatalf("%q is not asked:\n%s", question, c.text())
		}
	}
	if _, err := io.WriteString(c.pty, keys); err != nil {
		c.t.Fatal(err)
	}
}

func TestQuestionsAreAskedOnTheTerminal(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	h.write(h.config("profiles", "r1.toml"), "via = \"ssh\"\nhost = \"127.0.0.1\"\nport = "+d.Addr()[strings.LastIndexByte(d.Addr(), ':')+1:]+"\nuser = \"admin\"\npassword = \"ask\"\n")
	args := []string{"rpc", "r1"}
	con := h.onTerminal(get, args...)
	con.answer("yes, once, no or the fingerprint: ", "maybe\ryess\x7f\r")
	con.answer("assword of", "wrong\x15"+password+"\r")
	if got := con.exit(); got != 0 || !strings.Contains(con.out.String(), "</rpc-reply>") {
		t.Fatalf("exit code %d\n%s\n%.200s", got, con.text(), con.out.String())
	}
	if strings.Contains(con.text(), password) || strings.Contains(con.text(), "wrong") {
		t.Error("the password was shown")
	}
	if !strings.Contains(con.text(), "SHA256:") {
		t.Error("no fingerprint was shown")
	}
	if data, err := os.ReadFile(h.config("known_hosts")); err != nil || len(data) == 0 {
		t.Errorf("nothing recorded: %v", err)
	}
	noCanary(t, h.dir, password, filepath.Join(h.dir, "pw"))

	con = h.onTerminal(get, args...)
	con.answer("assword of", "\x03")
	if got := con.exit(); got != 130 {
		t.Errorf("after ctrl+c: exit code %d\n%s", got, con.text())
	}
}

func TestAnAddressWithoutProfileAsksForThePassword(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	con := h.onTerminal(get, "rpc", "admin@"+d.Addr(), "--host-key", "accept-new")
	con.answer("assword of", "wrong\r")
	con.answer("That was not right", password+"\r")
	if got := con.exit(); got != 0 || !strings.Contains(con.out.String(), "</rpc-reply>") {
		t.Errorf("exit code %d\n%s\n%.200s", got, con.text(), con.out.String())
	}
	file := h.write(filepath.Join(h.dir, "get.xml"), get)
	h.run("", "rpc", "admin@"+d.Addr(), file).want(t, 3, "no terminal to ask for the password", "--password-file")
}

func TestNoToAHostKeyIsNoConnection(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	for _, keys := range []string{"no\r", "\r", "\x04", "x\ry\rz\r"} {
		con := h.onTerminal(get, "rpc", "admin@"+d.Addr(), "--password-file", h.write(filepath.Join(h.dir, "pw"), password))
		con.answer("yes, once, no", keys)
		if got := con.exit(); got != 3 || con.out.Len() != 0 {
			t.Errorf("%q: exit code %d\n%s", keys, got, con.text())
		}
	}
	if _, err := os.Stat(h.config("known_hosts")); err == nil {
		t.Error("a key was recorded")
	}
	con := h.onTerminal(get, "rpc", "admin@"+d.Addr(), "--password-file", filepath.Join(h.dir, "pw"))
	con.answer("yes, once, no", "once\r")
	if got := con.exit(); got != 0 {
		t.Errorf("once: exit code %d\n%s", got, con.text())
	}
	if _, err := os.Stat(h.config("known_hosts")); err == nil {
		t.Error("a key trusted once was recorded")
	}
}

func TestReplyOnATerminalIsIndentedAndSafe(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	hostile := []byte("<rpc-reply xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"1\"><data><x>\xc2\x9b31mred\xe2\x80\xae</x></data></rpc-reply>")
	framed := append([]byte("\n#"+strconv.Itoa(len(hostile))+"\n"), append(hostile, "\n##\n"...)...)
	d := device(t, simdev.Options{Faults: simdev.Faults{Raw: map[string][]byte{"get-config": framed}}}, simnet.Server{})
	args := with(h.signIn(), "rpc", d.Addr())
	if r := h.run(get, args...); r.out != string(hostile) {
		t.Errorf("not byte for byte: %q %s", r.out, r.err)
	}
	c := h.command(args...)
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	defer master.Close()
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(get), slave, nil
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	shown, _ := io.ReadAll(master) // ends with an error when the program does
	if got := code(t, c.Wait()); got != 0 {
		t.Errorf("exit code %d", got)
	}
	if bytes.Contains(shown, []byte("\xc2\x9b")) || bytes.Contains(shown, []byte("\xe2\x80\xae")) {
		t.Errorf("control characters reach the terminal: %q", shown)
	}
	if !strings.Contains(string(shown), "\n    <x>") || !strings.Contains(string(shown), "<U+202E>") {
		t.Errorf("shown:\n%s", shown)
	}
}
