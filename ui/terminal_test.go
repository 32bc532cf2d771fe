//go:build unix

package ui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/pane"
	"dialtone/ui/screen"
	"dialtone/ui/term"
	"dialtone/ui/uitest"
)

// childMode, in the environment, makes the test binary the program itself.
const childMode = "DIALTONE_UI_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

// bomb is a session screen that goes off where its mode says.
type bomb struct {
	probe
	mode  string
	armed bool
}

func (b *bomb) Update(m tea.Msg) tea.Cmd {
	if _, key := m.(tea.KeyMsg); !key {
		return nil
	}
	b.armed = true
	switch b.mode {
	case "update":
		panic("update " + secretWord)
	case "command":
		return tea.Batch(nil, func() tea.Msg { panic(errors.New("command " + secretWord)) })
	case "sequence":
		return tea.Sequence(func() tea.Msg { return nil }, func() tea.Msg { panic("sequence " + secretWord) })
	}
	return nil
}

func (b *bomb) View() string {
	if b.armed && b.mode == "view" {
		var rows []string
		return rows[len(secretWord)]
	}
	return b.probe.View()
}

func (b *bomb) Capturing() bool { return true }

func child(mode string) int {
	t := link.Target{Name: "core-r1", Host: "192.0.2.1"}
	b := &uitest.Backend{}
	info := term.Look(os.Getenv)
	theme, _ := info.Theme("", false)
	d := Deps{Deps: screen.Deps{Backend: b, Profiles: profile.Memory(), Theme: theme, StateDir: os.Getenv("DIALTONE_UI_STATE")}}
	if mode != "plain" {
		d.Target = &t
	}
	err := run(context.Background(), d, func(r *root) {
		r.makers.session = func(d *screen.Deps, id conn.SessionID) pane.Screen {
			return &bomb{probe: probe{d: d, id: id}, mode: mode}
		}
	})
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	var code interface{ ExitCode() int }
	if errors.As(err, &code) {
		return code.ExitCode()
	}
	return 99
}

// terminal is the program on a pseudo-terminal that answers no question.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	tty    *os.File
	slave  *os.File
	before *unix.Termios
	stderr bytes.Buffer
	state  string

	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{}
}

func launch(t *testing.T, mode string, env ...string) *terminal {
	t.Helper()
	ptmx, tty, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	x := &terminal{t: t, tty: ptmx, slave: tty, state: t.TempDir(), more: make(chan struct{}, 1)}
	if err := pty.Setsize(ptmx, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	x.before = x.modes()
	x.cmd = exec.Command(os.Args[0])
	x.cmd.Env = append(append(os.Environ(), "TERM=xterm-256color", "LANG=C.UTF-8", "TMUX=", childMode+"="+mode, "DIALTONE_UI_STATE="+x.state), env...)
	x.cmd.Stdin, x.cmd.Stdout, x.cmd.Stderr = tty, tty, &x.stderr
	x.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// Ends when the terminal is closed.
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := ptmx.Read(buf)
			x.mu.Lock()
			x.out.Write(buf[:n])
			x.mu.Unlock()
			select {
			case x.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { x.cmd.Process.Kill(); tty.Close(); ptmx.Close() })
	return x
}

func (x *terminal) modes() *unix.Termios {
	m, err := unix.IoctlGetTermios(int(x.slave.Fd()), ioctlGetTermios)
	if err != nil {
		x.t.Fatal(err)
	}
	return m
}

func (x *terminal) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

func (x *terminal) await(s string) {
	x.t.Helper()
	limit := time.NewTimer(20 * time.Second)
	defer limit.Stop()
	for !strings.Contains(x.output(), s) {
		select {
		case <-x.more:
		case <-limit.C:
			x.t.Fatalf("%q did not come:\n%q", s, x.output())
		}
	}
}

func (x *terminal) press(s string) {
	x.t.Helper()
	if _, err := x.tty.WriteString(s); err != nil {
		x.t.Fatal(err)
	}
}

// ends waits for the exit and checks that the terminal is as it was.
func (x *terminal) ends(code int) {
	x.t.Helper()
	done := make(chan error, 1)
	go func() { done <- x.cmd.Wait() }() // ends with the process, which the clean-up kills
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		x.t.Fatalf("still running\n%q", x.output())
	}
	if got := x.cmd.ProcessState.ExitCode(); got != code {
		x.t.Errorf("exit code %d, want %d; standard error %q", got, code, x.stderr.String())
	}
	after := x.modes()
	if after.Lflag != x.before.Lflag || after.Iflag != x.before.Iflag || after.Oflag != x.before.Oflag {
		x.t.Errorf("terminal modes changed: %+v, were %+v", after, x.before)
	}
	for _, s := range []string{"\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"} {
		x.await(s)
	}
}

func TestStartAsksTheTerminalNothing(t *testing.T) {
	t.Parallel()
	x := launch(t, "plain")
	begin := time.Now()
	x.await("Devices")
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("the first frame took %s", took)
	}
	for _, q := range []string{"\x1b]11;?", "\x1b]10;?", "\x1b[6n", "\x1b[c"} {
		if strings.Contains(x.output(), q) {
			t.Errorf("asked the terminal %q", q)
		}
	}
	if strings.Contains(x.output(), "\x1b[?1002h") || !strings.Contains(x.output(), "\x1b[?2004h") {
		t.Error("the mouse must be off and bracketed paste on")
	}
	x.press("q")
	x.ends(0)
}

func TestCrashRestoresTheTerminal(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"update", "view", "command", "sequence"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			x := launch(t, mode)
			x.await("core-r1")
			x.press("x")
			x.ends(2)
			line := strings.TrimSpace(x.stderr.String())
			if strings.Count(line, "\n") != 0 || !strings.Contains(line, "crash") {
				t.Errorf("standard error %q", line)
			}
			files, _ := filepath.Glob(filepath.Join(x.state, "crash", "crash-*.txt"))
			if len(files) != 1 {
				t.Fatalf("crash files %v; %q", files, line)
			}
			info, err := os.Stat(files[0])
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("crash file %v, %v", info.Mode(), err)
			}
			b, err := os.ReadFile(files[0])
			if err != nil || strings.Contains(string(b)+line, secretWord) || !strings.Contains(string(b), "bomb") {
				t.Errorf("%v, crash file:\n%s", err, b)
			}
		})
	}
}

func TestSignalsEndInOrder(t *testing.T) {
	t.Parallel()
	for sig, code := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			x := launch(t, "none")
			x.await("core-r1")
			if err := x.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			x.ends(code)
		})
	}
}

func TestDumbTerminalGetsNoColours(t *testing.T) {
	t.Parallel()
	x := launch(t, "plain", "TERM=dumb", "LANG=C")
	x.await("Devices")
	x.press("q")
	x.ends(0)
	out := x.output()
	for _, s := range []string{"\x1b[1m", "\x1b[7m", "\x1b[36m", "\u2501"} {
		if strings.Contains(out, s) {
			t.Errorf("drew %q", s)
		}
	}
}
