//go:build unix

package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/creack/pty"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// shown is the program with its screen on a pseudo terminal.
type shown struct {
	*console
	slave *os.File
	cmd   *exec.Cmd
}

func (h *home) show(args ...string) *shown {
	h.t.Helper()
	h.env = append(h.env, "TERM=xterm-256color", "LANG=C.UTF-8")
	c := h.command(args...)
	master, slave, err := pty.Open()
	if err != nil {
		h.t.Skip("no pseudo terminals here:", err)
	}
	if err := pty.Setsize(master, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		h.t.Fatal(err)
	}
	con := &console{t: h.t, pty: master, wait: c.Wait, more: make(chan struct{}, 1)}
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		h.t.Fatal(err)
	}
	con.watch()
	h.t.Cleanup(func() { slave.Close() })
	return &shown{console: con, slave: slave, cmd: c}
}

// cooked reports whether the terminal is as it was before the program.
func (s *shown) cooked(t *testing.T, before *term.State) {
	t.Helper()
	after, err := term.GetState(s.slave.Fd())
	if err != nil {
		t.Fatal(err)
	}
	if *after != *before {
		t.Errorf("the terminal was left in another state: %+v, was %+v", after, before)
	}
	text := s.text()
	for on, off := range map[string]string{"\x1b[?1049h": "\x1b[?1049l", "\x1b[?25l": "\x1b[?25h", "\x1b[?2004h": "\x1b[?2004l"} {
		if strings.LastIndex(text, off) < strings.LastIndex(text, on) {
			t.Errorf("%q was not undone", on)
		}
	}
}

func TestSignalsEndTheScreenInOrder(t *testing.T) {
	t.Parallel()
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			master, slave, err := pty.Open()
			if err != nil {
				t.Skip("no pseudo terminals here:", err)
			}
			before, err := term.GetState(slave.Fd())
			if err != nil {
				t.Fatal(err)
			}
			master.Close()
			slave.Close()
			s := h.show("demo")
			s.answer("core-r1", "")
			if err := s.cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := s.exit(); got != want {
				t.Errorf("exit code %d, want %d", got, want)
			}
			s.answer("\x1b[?1049l", "")
			s.cooked(t, before)
			var left []string
			_ = filepath.WalkDir(h.dir, func(path string, d os.DirEntry, err error) error {
				if err == nil && !d.IsDir() {
					left = append(left, path)
				}
				return nil
			})
			if len(left) > 0 {
				t.Errorf("the demo wrote %v", left)
			}
		})
	}
}

func TestTargetIsDialledAtOnce(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	s := h.show(with(h.signIn(), "admin@"+d.Addr())...)
	for limit := time.Now().Add(patience); d.Connections() == 0; time.Sleep(5 * time.Millisecond) { // the device tells no event
		if time.Now().After(limit) {
			t.Fatalf("nothing dials\n%s", s.text())
		}
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := s.exit(); got != 143 {
		t.Errorf("exit code %d", got)
	}
}

func TestUnknownThemeAndBadConfigAreToldBeforeTheScreen(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.show("demo", "--theme", "nope")
	if got := s.exit(); got != 2 {
		t.Errorf("exit code %d", got)
	}
	s.answer("THEME", "")
	h.write(h.config("config.toml"), "\nthem = 1\n")
	s = h.show()
	if got := s.exit(); got != 2 {
		t.Errorf("exit code %d", got)
	}
	s.answer("config.toml:2:1", "")
}
