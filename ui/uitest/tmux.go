package uitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Tmux is a real terminal with a program in it. Each has a tmux server of its
// own, with no configuration file, that ends with the test.
type Tmux struct {
	t    testing.TB
	sock string
	dir  string
}

// TmuxOptions configure a terminal; the zero value is 80x24, xterm-like.
type TmuxOptions struct {
	W, H       int
	Env        []string // NAME=value, beside a clean environment
	EscapeTime string   // tmux escape-time in ms; "10" when empty
	Options    []string // further "option value" lines for the tmux server
}

// NeedTmux skips the test when there is no tmux, and fails it where CI promises
// one.
func NeedTmux(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		Missing(t, "tmux")
	}
}

// Missing ends a test that needs a program of others: a failure where CI is
// set, a skip elsewhere.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is missing, and CI promises it", what)
	}
	t.Skipf("%s is not installed", what)
}

// StartTmux runs argv in a new terminal. The shell around it notes the terminal
// settings before and after, and the exit code.
func StartTmux(t testing.TB, o TmuxOptions, argv ...string) *Tmux {
	t.Helper()
	NeedTmux(t)
	if o.W == 0 {
		o.W, o.H = 80, 24
	}
	if o.EscapeTime == "" {
		o.EscapeTime = "10"
	}
	dir, err := os.MkdirTemp("", "dt") // short: the socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	m := &Tmux{t: t, sock: filepath.Join(dir, "s"), dir: dir}
	conf := "set -g escape-time " + o.EscapeTime + "\nset -g status off\nset -g default-terminal tmux-256color\n"
	for _, line := range o.Options {
		conf += "set -g " + line + "\n"
	}
	conf += "set -g remain-on-exit on\n"
	if err := os.WriteFile(filepath.Join(dir, "conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	script := fmt.Sprintf("stty -g > %[1]s/before; stty -a > %[1]s/before-a; %[2]s; code=$?; stty -g > %[1]s/after; stty -a > %[1]s/after-a; echo $code > %[1]s/tmp; mv %[1]s/tmp %[1]s/code; sleep 600",
		dir, quote(argv))
	args := []string{"-f", filepath.Join(dir, "conf"), "new-session", "-d", "-s", "m", "-x", fmt.Sprint(o.W), "-y", fmt.Sprint(o.H), "sh", "-c", script}
	cmd := m.command(args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LANG=C.UTF-8", "TERM=xterm-256color", "SHELL=/bin/sh"}, o.Env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tmux: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		m.command("kill-server").Run()
		os.RemoveAll(dir)
	})
	return m
}

func quote(argv []string) string {
	var b strings.Builder
	for i, a := range argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("'" + strings.ReplaceAll(a, "'", `'\''`) + "'")
	}
	return b.String()
}

func (m *Tmux) command(args ...string) *exec.Cmd {
	return exec.Command("tmux", append([]string{"-S", m.sock}, args...)...)
}

// Run runs a tmux command against this terminal and returns what it prints.
func (m *Tmux) Run(args ...string) string {
	m.t.Helper()
	out, err := m.command(args...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Keys presses keys by their tmux names: "Enter", "C-r", "j", "Escape".
func (m *Tmux) Keys(keys ...string) {
	m.t.Helper()
	m.Run(append([]string{"send-keys", "-t", "m"}, keys...)...)
}

// Type types text as it is.
func (m *Tmux) Type(text string) {
	m.t.Helper()
	m.Run("send-keys", "-t", "m", "-l", "--", text)
}

// Paste pastes text by way of a tmux buffer; bracketed when the program has
// asked for it and bracketed is set. raw keeps line feeds instead of turning
// them into carriage returns.
func (m *Tmux) Paste(text string, bracketed, raw bool) {
	m.t.Helper()
	file := filepath.Join(m.dir, "paste")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
	m.Run("load-buffer", "-b", "p", file)
	args := []string{"paste-buffer", "-b", "p", "-t", "m"}
	if bracketed {
		args = append(args, "-p")
	}
	if raw {
		args = append(args, "-r")
	}
	m.Run(args...)
}

// Resize changes the size of the terminal.
func (m *Tmux) Resize(w, h int) {
	m.t.Helper()
	m.Run("resize-window", "-t", "m", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h))
}

// Screen is what is on the screen now, without colours.
func (m *Tmux) Screen() string {
	m.t.Helper()
	return m.Run("capture-pane", "-p", "-t", "m")
}

// ScreenANSI is the screen with its SGR sequences.
func (m *Tmux) ScreenANSI() string {
	m.t.Helper()
	return m.Run("capture-pane", "-p", "-e", "-t", "m")
}

// Format asks tmux for a format variable of the terminal: "alternate_on",
// "cursor_flag", "pane_title".
func (m *Tmux) Format(name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.Run("display-message", "-p", "-t", "m", "#{"+name+"}"))
}

// Timeout bounds every wait for the screen; generous, because machines are busy.
const Timeout = 30 * time.Second

// Until waits until ok says yes to the screen and returns it.
func (m *Tmux) Until(what string, ok func(screen string) bool) string {
	m.t.Helper()
	deadline := time.Now().Add(Timeout)
	for {
		s := m.Screen()
		if ok(s) {
			return s
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("waited for %s; the screen is:\n%s", what, s)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// See waits until every text is on the screen.
func (m *Tmux) See(texts ...string) string {
	m.t.Helper()
	return m.Until(strings.Join(texts, " and "), func(s string) bool {
		for _, t := range texts {
			if !strings.Contains(s, t) {
				return false
			}
		}
		return true
	})
}

// Gone waits until text is not on the screen any more.
func (m *Tmux) Gone(text string) string {
	m.t.Helper()
	return m.Until(text+" to go", func(s string) bool { return !strings.Contains(s, text) })
}

// Exit waits for the program's end, fails the test when the terminal is not as
// it was before, and returns the exit code.
func (m *Tmux) Exit() int {
	m.t.Helper()
	code := -1
	m.Until("the end of the program", func(string) bool {
		b, err := os.ReadFile(filepath.Join(m.dir, "code"))
		if err != nil {
			return false
		}
		fmt.Sscan(string(b), &code)
		return true
	})
	m.Restored()
	return code
}

// Restored fails the test unless the terminal's settings are what they were
// before the program, the alternate screen is left and the cursor is shown.
func (m *Tmux) Restored() {
	m.t.Helper()
	before, _ := os.ReadFile(filepath.Join(m.dir, "before"))
	after, _ := os.ReadFile(filepath.Join(m.dir, "after"))
	if len(before) == 0 || string(before) != string(after) {
		a, _ := os.ReadFile(filepath.Join(m.dir, "after-a"))
		m.t.Errorf("stty before %q, after %q\n%s", before, after, a)
	}
	if m.Format("alternate_on") != "0" {
		m.t.Error("the alternate screen is still on")
	}
	if m.Format("cursor_flag") != "1" {
		m.t.Error("the cursor is still hidden")
	}
}

// PID is the process that runs in the terminal under the shell; 0 when none.
func (m *Tmux) PID() int {
	m.t.Helper()
	out, _ := exec.Command("pgrep", "-P", m.Format("pane_pid")).Output()
	var pid int
	fmt.Sscan(string(out), &pid)
	return pid
}
