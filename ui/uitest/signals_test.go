package uitest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// prompt is what the shell of a test shows when it waits.
const prompt = "ready>"

// shell is an interactive shell with job control in a terminal, and programs in
// it as its jobs.
type shell struct {
	*Tmux
	n int
}

func startShell(t *testing.T, env ...string) *shell {
	t.Helper()
	if _, err := exec.LookPath("bash"); err != nil {
		Missing(t, "bash")
	}
	m := StartTmux(t, TmuxOptions{Env: append([]string{"PS1=" + prompt, "HISTFILE="}, env...)}, "bash", "--norc", "--noprofile", "--noediting", "-i")
	m.See(prompt)
	return &shell{Tmux: m}
}

// ready waits until the shell waits for a command.
func (s *shell) ready() {
	s.t.Helper()
	s.Until("the shell to be ready", func(screen string) bool { return strings.HasSuffix(strings.TrimSpace(screen), prompt) })
}

// does runs a command of the shell to its end and returns what it wrote.
func (s *shell) does(command string) string {
	s.t.Helper()
	s.ready()
	s.n++
	file := filepath.Join(s.dir, "out"+strconv.Itoa(s.n))
	s.Type(fmt.Sprintf("{ %s; } > %s.part 2>&1; mv %s.part %s", command, file, file, file))
	s.Keys("Enter")
	var out []byte
	s.Until("the end of "+command, func(string) bool {
		var err error
		out, err = os.ReadFile(file)
		return err == nil
	})
	return string(out)
}

// run starts the program as a job and returns its process.
func (s *shell) run(argv ...string) int {
	s.t.Helper()
	s.n++
	file := filepath.Join(s.dir, "pid"+strconv.Itoa(s.n))
	s.Type(fmt.Sprintf("clear; sh -c 'echo $$ > %s.part; mv %s.part %s; exec \"$@\"' - %s", file, file, file, quote(argv)))
	s.Keys("Enter")
	pid := 0
	s.Until("the program to start", func(string) bool {
		b, err := os.ReadFile(file)
		if err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
		}
		return pid > 0
	})
	return pid
}

// stopped waits until the shell has the terminal, which must be as the shell
// left it, with what the program drew put away.
func (s *shell) stopped(settings string) {
	s.t.Helper()
	s.See("Stopped", prompt)
	s.Until("the terminal to be put away", func(string) bool { return s.Format("alternate_on") == "0" && s.Format("cursor_flag") == "1" })
	if got := s.does("stty -a"); got != settings {
		s.t.Errorf("stty before:\n%s\nand while the program is stopped:\n%s", settings, got)
	}
	if strings.Contains(s.Screen(), "core-r1") {
		s.t.Errorf("the program is still on the screen:\n%s", s.Screen())
	}
}

func kill(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// TestStopAndGoOn stops the program in the ways there are and has it go on. The
// shell must find its terminal as it was, and the program draw itself anew.
func TestStopAndGoOn(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for name, stop := range map[string]func(s *shell, pid int){
		"ctrl+z":     func(s *shell, _ int) { s.Keys("C-z") },
		"kill -TSTP": func(s *shell, pid int) { kill(s.t, pid, syscall.SIGTSTP) },
		"kill -TSTP, much": func(s *shell, pid int) {
			for range 20 {
				kill(s.t, pid, syscall.SIGTSTP)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startShell(t)
			settings := s.does("stty -a")
			pid := s.run(bin, "demo")
			s.See("core-r1", "? help")
			for range 2 {
				stop(s, pid)
				s.stopped(settings)
				s.Type("clear; fg")
				s.Keys("Enter")
				s.See("core-r1", "? help")
				s.Until("the alternate screen", func(string) bool { return s.Format("alternate_on") == "1" })
				s.Keys("?")
				s.See("Keys: Devices")
				s.Keys("Escape")
				s.Gone("Keys: Devices")
			}
			s.Keys("q")
			s.ready()
			if got := s.does("stty -a"); got != settings {
				t.Errorf("stty before:\n%s\nand after:\n%s", settings, got)
			}
			s.Type("exit 0")
			s.Keys("Enter")
			if code := s.Exit(); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

// TestStopThatCannotBeCaught stops the program with SIGSTOP. It cannot put the
// terminal away, but takes it back and draws itself anew when it goes on.
func TestStopThatCannotBeCaught(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	s := startShell(t)
	pid := s.run(bin, "demo")
	s.See("core-r1", "? help")
	kill(t, pid, syscall.SIGSTOP)
	s.See("Stopped")
	s.Type("clear; fg")
	s.Keys("Enter")
	s.See("core-r1", "? help")
	s.Keys("?")
	s.See("Keys: Devices")
	s.Keys("Escape")
	s.Gone("Keys: Devices")
	s.Keys("q")
	s.ready()
	s.Type("exit 0")
	s.Keys("Enter")
	s.Exit()
}

// TestStoppedProgramCanBeEnded ends a job that is stopped, and one that goes on
// in the background.
func TestStoppedProgramCanBeEnded(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	for _, bg := range []bool{false, true} {
		t.Run(fmt.Sprintf("background %v", bg), func(t *testing.T) {
			t.Parallel()
			s := startShell(t)
			settings := s.does("stty -a")
			s.run(bin, "demo")
			s.See("core-r1", "? help")
			s.Keys("C-z")
			s.See("Stopped", prompt)
			if bg {
				s.Type("clear; bg")
				s.Keys("Enter")
				s.Until("it to stop again, for there is nothing to do for it there", func(string) bool { return strings.Contains(s.does("jobs"), "Stopped") })
			}
			// The shell takes the job for a stopped one (147) until it hears of it.
			end := "kill %1; c=147; while [ $c = 147 ]; do wait %1 2>/dev/null; c=$?; done; echo ended with $c"
			if out := s.does(end); !strings.Contains(out, "ended with 143") {
				t.Errorf("the shell says %q", out)
			}
			s.Until("the job to end", func(string) bool { return !strings.Contains(s.does("jobs"), "demo") })
			if got := s.does("stty -a"); got != settings {
				t.Errorf("stty before:\n%s\nand after:\n%s", settings, got)
			}
		})
	}
}

// TestStopWithAnEditor stops while the person's own editor has the terminal:
// both stop, and both go on.
func TestStopWithAnEditor(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	dir := t.TempDir()
	editor := filepath.Join(dir, "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\necho the editor is here\nread line\necho '<get/>' > \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := startShell(t, "EDITOR="+editor)
	settings := s.does("stty -a")
	s.run(bin, "demo")
	s.See("core-r1", "? help")
	s.Keys("Enter")
	s.See("open 0")
	s.Keys("E")
	s.See("the editor is here")
	s.Keys("C-z")
	s.See("Stopped", prompt)
	if got := s.does("stty -a"); got != settings {
		t.Errorf("stty before:\n%s\nand while the editor is stopped:\n%s", settings, got)
	}
	s.Type("clear; fg")
	s.Keys("Enter")
	s.See("exec")
	s.Keys("Enter")
	s.See("<get/>", "RPC  get")
	s.Keys("C-z")
	s.stopped(settings)
}

// TestStopLocksTheSecrets asks for the passphrase once, not again for the next
// session, and again after the program was stopped.
func TestStopLocksTheSecrets(t *testing.T) {
	t.Parallel()
	bin := program.Path(t)
	lab := simnet.New()
	t.Cleanup(lab.Close)
	h, err := lab.Add(simdev.Options{}, simnet.Server{Password: "s3cret-word"})
	if err != nil {
		t.Fatal(err)
	}
	config, state := t.TempDir(), t.TempDir()
	at := h.Target()
	writeProfile(t, config, "lab-1", fmt.Sprintf("via = \"ssh\"\nhost = %q\nport = %d\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\nkeepalive = \"1s\"\npassword = \"store:lab\"\n", at.Host, at.Port))
	pass := filepath.Join(state, "pass")
	if err := os.WriteFile(pass, []byte("a long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set := exec.Command(bin, "--config", filepath.Join(config, "dialtone"), "--passphrase-file", pass, "secret", "set", "lab")
	set.Stdin = strings.NewReader("s3cret-word\n")
	if out, err := set.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := startShell(t, "XDG_CONFIG_HOME="+config)
	pid := s.run(bin, "--state", state, "lab-1")
	unlock := func() {
		t.Helper()
		s.See("passphrase of the secret store")
		time.Sleep(700 * time.Millisecond) // keys of the first moment are swallowed
		s.Type("a long passphrase")
		s.Keys("Enter")
		s.See("open 0", "lab-1 ●")
	}
	again := func() {
		t.Helper()
		s.Keys("1")
		s.See("1 of 1")
		s.Keys("x")
		s.Gone("●")
		s.Keys("Enter")
	}
	unlock()
	again()
	s.See("open 0", "lab-1 ●")

	kill(t, pid, syscall.SIGTSTP)
	s.See("Stopped", prompt)
	time.Sleep(5 * time.Second) // longer than three keepalives: nobody was asked, so nothing is dead
	s.Type("clear; fg")
	s.Keys("Enter")
	s.See("lab-1 ●", "open 0")
	s.Keys("t")
	s.See("type to filter")
	s.Type("get-config running")
	s.Keys("Enter")
	s.See("<get-config>")
	s.Keys("C-r")
	s.See("Reply 1", "  ok ━")
	again()
	unlock()
}
