package uitest

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// host starts a simulated device with a profile in a new config directory.
func host(t *testing.T, s simnet.Server, more string) (h *simnet.Host, config string) {
	t.Helper()
	lab := simnet.New()
	t.Cleanup(lab.Close)
	h, err := lab.Add(simdev.Options{}, s)
	if err != nil {
		t.Fatal(err)
	}
	config = t.TempDir()
	at := h.Target()
	writeProfile(t, config, "lab-1", fmt.Sprintf("via = \"ssh\"\nhost = %q\nport = %d\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\n%s", at.Host, at.Port, more))
	return h, config
}

// eventually waits until ok; for what tells no event.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(Timeout); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("waited for %s", what)
		}
	}
}

// TestSignalsRestoreTheTerminal ends the program by signals, once and in storms,
// with a session open. The settings of stty are compared.
func TestSignalsRestoreTheTerminal(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for name, tc := range map[string]struct {
		signals []syscall.Signal
		code    int
	}{
		"TERM":       {[]syscall.Signal{syscall.SIGTERM}, 143},
		"HUP":        {[]syscall.Signal{syscall.SIGHUP}, 129},
		"QUIT":       {[]syscall.Signal{syscall.SIGQUIT}, 131},
		"INT":        {[]syscall.Signal{syscall.SIGINT}, 130},
		"CONT, PIPE": {[]syscall.Signal{syscall.SIGCONT, syscall.SIGPIPE, syscall.SIGWINCH, syscall.SIGTERM}, 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, config := host(t, simnet.Server{}, "")
			state := t.TempDir()
			m := StartTmux(t, TmuxOptions{Env: []string{"XDG_CONFIG_HOME=" + config}}, bin, "--state", state, "lab-1")
			m.See("open 0", "lab-1 ●")
			m.readRunning()
			pid := m.PID()
			for _, sig := range tc.signals {
				kill(t, pid, sig)
				if sig != tc.signals[len(tc.signals)-1] {
					m.See("Reply 1", "? help") // it goes on
				}
			}
			if code := m.Exit(); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			eventually(t, "the session to be closed", func() bool { return h.Connections() == 0 })
			journals, _ := filepath.Glob(filepath.Join(state, "journal", "*.jsonl"))
			if len(journals) != 1 {
				t.Fatalf("journals %v", journals)
			}
			data, err := os.ReadFile(journals[0])
			if err != nil || !strings.Contains(string(data), `"op":"get-config"`) || !strings.HasSuffix(string(data), "\n") {
				t.Errorf("%v, journal %q", err, data)
			}
			for _, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
				if !json.Valid([]byte(line)) {
					t.Errorf("journal line %q", line)
				}
			}
		})
	}
}

// TestSecondSignalEndsAtOnce asks twice while a device is too silent to close
// its session.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	h, config := host(t, simnet.Server{}, "")
	m := StartTmux(t, TmuxOptions{Env: []string{"XDG_CONFIG_HOME=" + config}}, bin, "--state", t.TempDir(), "lab-1")
	m.See("open 0", "lab-1 ●")
	h.Silence(true)
	pid := m.PID()
	kill(t, pid, syscall.SIGTERM)
	m.Until("the screen to be put away", func(string) bool { return m.Format("alternate_on") == "0" && m.Format("cursor_flag") == "1" })
	_ = syscall.Kill(pid, syscall.SIGTERM) // it may have ended by itself
	m.exits(143)
}

// TestInterruptStorm sends many at once: the terminal is restored, or the program
// ended at once, but nothing hangs.
func TestInterruptStorm(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	m := StartTmux(t, TmuxOptions{}, bin, "demo")
	m.See("core-r1", "? help")
	pid := m.PID()
	kill(t, pid, syscall.SIGINT)
	m.Until("the screen to be put away", func(string) bool { return m.Format("alternate_on") == "0" && m.Format("cursor_flag") == "1" })
	for range 50 {
		_ = syscall.Kill(pid, syscall.SIGINT)
	}
	m.exits(130)
}

// TestClosedWindowEndsInOrder takes the terminal away, as closing a window does.
func TestClosedWindowEndsInOrder(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	h, config := host(t, simnet.Server{}, "")
	m := StartTmux(t, TmuxOptions{Env: []string{"XDG_CONFIG_HOME=" + config}}, bin, "--state", t.TempDir(), "lab-1")
	m.See("open 0", "lab-1 ●")
	pid := m.PID()
	m.Run("kill-server")
	eventually(t, "the end of the program", func() bool { return syscall.Kill(pid, 0) != nil })
	eventually(t, "the session to be closed", func() bool { return h.Connections() == 0 })
}

// TestKilledTerminalIsTold kills the program, which leaves the terminal raw, and
// starts it again.
func TestKilledTerminalIsTold(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	_, config := host(t, simnet.Server{}, "")
	script := `saved=$(stty -g); "$0" --state "$1" lab-1; clear; "$0" --state "$1" lab-1 2>"$1/told"; stty "$saved"`
	state := t.TempDir()
	m := StartTmux(t, TmuxOptions{Env: []string{"XDG_CONFIG_HOME=" + config}}, "sh", "-c", script, bin, state)
	m.See("open 0", "lab-1 ●")
	m.Keys("i")
	m.Until("EDIT in the first row", editing)
	m.Type("<get><!-- not sent -->")
	m.Keys("Escape")
	eventually(t, "the draft to be saved", func() bool {
		found := false
		_ = filepath.WalkDir(state, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.Contains(path, "drafts") {
				b, _ := os.ReadFile(path)
				found = found || strings.Contains(string(b), "not sent")
			}
			return nil
		})
		return found
	})
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(m.PID())).Output()
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscan(string(out), &pid)
	kill(t, pid, syscall.SIGKILL)
	m.See("The terminal was left raw", "An RPC to lab-1 was not sent", "not sent -->")
	time.Sleep(700 * time.Millisecond) // keys of the first moment are swallowed
	m.Keys("e")
	m.See("1 <get><!-- not sent -->")
	m.Keys("Escape", "1")
	m.See("[1 Devices]")
	m.Keys("q")
	m.quitAnyway("Quit with")
	if told, _ := os.ReadFile(filepath.Join(state, "told")); !strings.Contains(string(told), "type: reset") {
		t.Errorf("standard error %q", told)
	}
}

// TestNoTerminal starts the interface where there is none.
func TestNoTerminal(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	for name, tc := range map[string]struct {
		env     string
		in, out bool // a terminal
		closed  bool
	}{
		"no terminal at all": {"TERM=xterm", false, false, false},
		"input is none":      {"TERM=xterm", false, true, false},
		"input is closed":    {"TERM=xterm", false, true, true},
		"output is full":     {"TERM=xterm", true, false, false},
		"TERM is dumb":       {"TERM=dumb", true, true, false},
		"TERM is not set":    {"TERM=", true, true, false},
	} {
		for _, command := range []string{"", "demo"} {
			t.Run(name+" "+command, func(t *testing.T) {
				t.Parallel()
				master, slave, err := pty.Open()
				if err != nil {
					t.Skip("no pseudo terminals here:", err)
				}
				defer master.Close()
				defer slave.Close()
				argv := []string{bin}
				if command != "" {
					argv = append(argv, command)
				}
				if tc.closed {
					argv = append([]string{"sh", "-c", `exec "$@" <&-`, "-"}, argv...)
				}
				cmd := exec.Command(argv[0], argv[1:]...)
				cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), tc.env}
				var stderr strings.Builder
				cmd.Stderr = &stderr
				if tc.in {
					cmd.Stdin = slave
				}
				cmd.Stdout = slave
				if !tc.out {
					cmd.Stdout = full
				}
				_ = cmd.Run()
				if got := cmd.ProcessState.ExitCode(); got != 2 {
					t.Errorf("exit code %d", got)
				}
				line := stderr.String()
				if !strings.HasPrefix(line, "TTY-NONE the interface needs a terminal: ") || !strings.Contains(line, "dialtone rpc") || strings.Count(line, "\n") != 1 {
					t.Errorf("standard error %q", line)
				}
			})
		}
	}
}

// TestLocaleCDrawsASCII looks for anything else on the screen.
func TestLocaleCDrawsASCII(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	m := StartTmux(t, TmuxOptions{}, "env", "LANG=C", "LC_ALL=C", bin, "demo")
	m.See("core-r1", "? help")
	m.Keys("Enter")
	m.See("open 0")
	for _, keys := range []string{"", "?"} {
		if keys != "" {
			m.Keys(keys)
			m.See("Keys:")
		}
		for _, r := range m.Screen() {
			if r > 0x7e {
				t.Fatalf("%U is on the screen:\n%s", r, m.Screen())
			}
		}
	}
}

// TestResizing changes the size of a real terminal a hundred times with a reply
// on the screen, in the editor and in a dialog. What was there is there again.
func TestResizing(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	m := StartTmux(t, TmuxOptions{}, bin, "demo")
	m.See("core-r1", "? help")
	m.Keys("Enter")
	m.See("open 0")
	m.readRunning()
	rnd := rand.New(rand.NewPCG(7, 7))
	for _, place := range []struct{ keys, see string }{{"G", "</rpc-reply>"}, {"?", "Keys:"}, {"Escape", "</rpc-reply>"}, {":", "commands."}} {
		m.Keys(place.keys)
		m.See(place.see)
		for range 12 {
			m.Resize(1+rnd.IntN(300), 1+rnd.IntN(90))
		}
		m.Resize(1, 1)
		m.Resize(44, 8)
		m.See("Terminal is 44 x 8; 60 x 15 is needed.")
		m.Resize(80, 24)
		m.See(place.see)
		m.Until("the first row", func(s string) bool { return strings.HasPrefix(s, " dialtone ") })
		if rows := strings.Split(strings.TrimRight(m.Screen(), "\n"), "\n"); len(rows) != 24 {
			t.Errorf("%d rows after %s:\n%s", len(rows), place.keys, m.Screen())
		}
	}
}

// TestHugePaste pastes 10 MiB with marks: nothing of it comes in, and the person
// is told.
func TestHugePaste(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	m := StartTmux(t, TmuxOptions{}, bin, "demo")
	m.See("core-r1", "? help")
	m.Keys("Enter")
	m.See("open 0")
	m.Keys("i")
	m.Until("EDIT in the first row", editing)
	m.Paste("<small/>", true, false)
	m.See("1 <small/>")
	m.Paste(strings.Repeat("<name>ge-0/0/0</name>\n", 10<<20/22+1), true, false)
	m.See("Paste left out: 10.0 MiB, and 1 MiB is the most.", "1 <small/>")
	m.Type("<!--after-->")
	m.See("1 <small/><!--after-->")
}

// relay passes connections on to addr and counts the bytes that go there.
func relay(t *testing.T, addr string) (at string, sent *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	sent = &atomic.Int64{}
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				return
			}
			go func() { io.Copy(c, d); c.Close() }()                                // ends with the device's side
			go func() { io.Copy(io.MultiWriter(d, counter{sent}), c); d.Close() }() // ends with the program's side
		}
	}()
	return l.Addr().String(), sent
}

// counter counts what is written.
type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) { c.n.Add(int64(len(b))); return len(b), nil }

// TestSlowTerminal lets nobody read what the program draws. The session goes on:
// its device, which takes a silent client for dead, is still there.
func TestSlowTerminal(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	h, config := host(t, simnet.Server{}, "")
	addr, sent := relay(t, h.Addr())
	_, port, _ := net.SplitHostPort(addr)
	writeProfile(t, config, "lab-1", "via = \"ssh\"\nhost = \"127.0.0.1\"\nport = "+port+"\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\nkeepalive = \"1s\"\n")
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no pseudo terminals here:", err)
	}
	defer master.Close()
	if err := pty.Setsize(master, &pty.Winsize{Rows: 60, Cols: 200}); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "--state", t.TempDir(), "lab-1")
	cmd.Env = []string{"HOME=" + t.TempDir(), "XDG_CONFIG_HOME=" + config, "TERM=xterm-256color", "LANG=C.UTF-8"}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { cmd.Process.Kill() })
	eventually(t, "the session", func() bool { return h.Connections() == 1 })
	for range 300 { // each of them draws; the terminal is full after some
		if _, err := master.WriteString("?\x07"); err != nil {
			t.Fatal(err)
		}
	}
	before := sent.Load()
	for range 3 { // the program sends keepalives, and nothing else
		eventually(t, "a keepalive", func() bool { return sent.Load() > before })
		before = sent.Load()
	}
	if h.Connections() != 1 {
		t.Fatal("the session was lost")
	}
	seen := make(chan struct{})
	var tail []byte
	go func() { // ends when the terminal is closed
		defer close(seen)
		buf := make([]byte, 64<<10)
		for {
			n, err := master.Read(buf)
			tail = append(tail, buf[:n]...)
			if err != nil {
				return
			}
		}
	}()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 143 {
		t.Errorf("exit code %d", code)
	}
	<-seen
	if !strings.Contains(string(tail), "\x1b[?1049l") || !strings.Contains(string(tail), "\x1b[?25h") {
		t.Error("the terminal was not restored")
	}
}
