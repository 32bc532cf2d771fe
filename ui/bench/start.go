package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/creack/pty"
)

// minimal is the smallest program of the same framework: the floor of a start.
type minimal struct{}

func (minimal) Init() tea.Cmd { return nil }
func (m minimal) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if k, ok := msg.(tea.KeyMsg); ok && k.String() == "q" {
		return m, tea.Quit
	}
	return m, nil
}
func (minimal) View() string { return "Devices" }

func minimalProgram() error {
	_, err := tea.NewProgram(minimal{}, tea.WithAltScreen(), tea.WithFPS(120)).Run()
	return err
}

// buildProgram builds dialtone itself into a scratch directory.
func buildProgram() (bin string, cleanup func(), err error) {
	dir, err := os.MkdirTemp("", "dialtone-bench")
	if err != nil {
		return "", nil, err
	}
	bin = filepath.Join(dir, "dialtone")
	if out, err := exec.Command("go", "build", "-o", bin, "dialtone").CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		return "", nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, func() { os.RemoveAll(dir) }, nil
}

// firstFrame starts a program in a pseudo-terminal and returns the time until
// the word Devices is on the screen. A terminal that answers replies to the
// colour and cursor queries at once, as xterm does; the other one never does.
func firstFrame(answers bool, env []string, argv ...string) (time.Duration, error) {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LANG=C.UTF-8"}, env...)
	start := time.Now()
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 80})
	if err != nil {
		return 0, err
	}
	defer func() {
		tty.Close()
		cmd.Process.Kill()
		cmd.Wait()
	}()
	tty.SetReadDeadline(start.Add(20 * time.Second))
	var seen []byte
	buf := make([]byte, 64<<10)
	asked := 0
	for {
		n, err := tty.Read(buf)
		if err != nil {
			return 0, fmt.Errorf("%s showed no frame: %w; it printed %q", filepath.Base(argv[0]), err, seen)
		}
		seen = append(seen, buf[:n]...)
		if bytes.Contains(seen, []byte("Devices")) {
			return time.Since(start), nil
		}
		if answers {
			asked = answer(tty, seen, asked)
		}
	}
}

// answer replies to the queries in seen after the first done bytes.
func answer(tty *os.File, seen []byte, done int) int {
	fresh := seen[done:]
	if bytes.Contains(fresh, []byte("\x1b]11;?")) {
		tty.WriteString("\x1b]11;rgb:0000/0000/0000\x1b\\")
	}
	if bytes.Contains(fresh, []byte("\x1b]10;?")) {
		tty.WriteString("\x1b]10;rgb:ffff/ffff/ffff\x1b\\")
	}
	if bytes.Contains(fresh, []byte("\x1b[6n")) {
		tty.WriteString("\x1b[1;1R")
	}
	return len(seen)
}

func startRows(rounds int) ([]row, error) {
	bin, cleanup, err := buildProgram()
	if err != nil {
		return nil, err
	}
	defer cleanup()
	home, err := os.MkdirTemp("", "dialtone-home")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(home)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home + "/c", "XDG_STATE_HOME=" + home + "/s", "XDG_CACHE_HOME=" + home + "/k"}
	sock, stop, err := startAgent(home)
	if err != nil {
		return nil, err
	}
	defer stop()
	var rows []row
	for _, c := range []struct {
		name    string
		answers bool
		env     []string
	}{
		{"start to first frame", true, env},
		{"start to first frame, ssh-agent present", true, append(env[:len(env):len(env)], "SSH_AUTH_SOCK="+sock)},
		{"start to first frame, terminal answers no query", false, env},
	} {
		// The minimal program asks the terminal, and waits 5 s for one that does
		// not answer; so it always gets one that does.
		a, b, err := alternate(max(2*rounds, 7),
			func() (time.Duration, error) { return firstFrame(c.answers, c.env, bin) },
			func() (time.Duration, error) { return firstFrame(true, c.env, self, "-role", "minimal") })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		rows = append(rows, ratioRow(c.name, a, b, 1.5))
	}
	return rows, nil
}

// startAgent runs an ssh-agent of the bench's own.
func startAgent(dir string) (sock string, stop func(), err error) {
	sock = filepath.Join(dir, "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", sock)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() { cmd.Process.Kill(); cmd.Wait() }
	for range 200 {
		if _, err := os.Stat(sock); err == nil {
			return sock, stop, nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	return "", nil, fmt.Errorf("ssh-agent made no socket at %s", sock)
}
