package uitest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// simulated is a device of "dialtone simulate" with a profile for it, and the
// directories that one person's runs share.
type simulated struct {
	bin, config, state string
}

var simAddress = regexp.MustCompile(`127\.0\.0\.1:(\d+)`)

func simulate(t *testing.T, dialect string) simulated {
	t.Helper()
	s := simulated{bin: program.Path(t), config: t.TempDir(), state: t.TempDir()}
	cmd := exec.Command(s.bin, "simulate", "--ssh", "127.0.0.1:0", "--dialect", dialect, "--name", "lab-1", "--config", s.config, "--state", s.state)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		cmd.Wait()
	})
	line := ""
	for sc := bufio.NewScanner(out); sc.Scan(); {
		if line = sc.Text(); simAddress.MatchString(line) {
			break
		}
	}
	found := simAddress.FindStringSubmatch(line)
	if found == nil {
		t.Fatalf("the simulated device told no address: %q", line)
	}
	writeProfile(t, s.config, "lab-1", "via = \"ssh\"\nhost = \"127.0.0.1\"\nport = "+found[1]+"\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\n")
	return s
}

func (s simulated) start(t *testing.T, w, h int) *Tmux {
	t.Helper()
	return StartTmux(t, TmuxOptions{W: w, H: h, Env: []string{"XDG_CONFIG_HOME=" + s.config}}, s.bin, "--state", s.state)
}

// holds compares the number of notes of confirmed commits on the disk.
func (s simulated) holds(t *testing.T, want int, when string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.state, "commits", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(files); n != want {
		t.Errorf("%d notes on disk %s, want %d", n, when, want)
	}
}

// edit opens the device, locks and changes the candidate.
func (m *Tmux) edit(dialect, value string) {
	m.t.Helper()
	m.See("lab-1")
	m.Keys("Enter")
	m.See("lab-1 ●", "open 0")
	m.Keys("K")
	m.See("CANDIDATE lab-1", "locked, clean")
	config := `<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>eth1</name><description>` + value + `</description></interface></interfaces>`
	if dialect == "junos" {
		config = `<configuration><system><host-name>` + value + `</host-name></system></configuration>`
	}
	m.write(config)
	m.Keys("C-r")
	m.See("CANDIDATE lab-1", "1 edit")
}

// read answers a dialog that opened by itself as somebody who reads it first:
// such a dialog takes no key until the keyboard has been quiet.
func (m *Tmux) read(key string, ok func(screen string) bool) {
	m.t.Helper()
	m.Until(key+" to be taken", func(s string) bool {
		if ok(s) {
			return true
		}
		time.Sleep(time.Second)
		m.Keys(key)
		m.Run("run-shell", "sleep 0.3")
		return ok(m.Screen())
	})
}

// TestStoryOfACommit: look at the difference, validate, commit with a time
// limit, watch the countdown everywhere, confirm.
func TestStoryOfACommit(t *testing.T) {
	t.Parallel()
	for _, dialect := range []string{"rfc", "junos"} {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := simulate(t, dialect)
			m := s.start(t, 80, 24)
			m.edit(dialect, "moved")
			m.Keys("D")
			m.See("Diff  running → candidate", "change 1 of 1", "moved")
			m.Resize(140, 40)
			m.See("Changes", "━ candidate ━")
			m.Resize(80, 24)
			m.Keys("Escape")
			m.See("Reply")
			m.Gone("says ok") // of the lock
			m.Keys("V")
			m.See("alidate", "says ok")
			m.Keys("C")
			m.See("Commit candidate on lab-1", "[x] confirmed", ">[ Cancel ]")
			m.Keys("r")
			if dialect == "rfc" {
				m.See("<confirm-timeout>600</confirm-timeout>", "600 s")
			} else {
				m.See("<confirm-timeout>10</confirm-timeout>", "Junos counts minutes")
			}
			m.Keys("C")
			m.See("CONFIRMED COMMIT lab-1", "rolls back in 09:", "ROLLBACK 09:", "C confirm")
			s.holds(t, 1, "while the commit waits")
			m.Keys("1")
			m.See("[1 Devices]", "CONFIRMED COMMIT lab-1", "rolls back in 09:", "C confirm")
			m.Resize(44, 8)
			m.See("Terminal is 44 x 8", "lab-1  ROLLBACK in 09:", "C confirm")
			m.Keys("C")
			m.See("C again confirms lab-1")
			m.Keys("j")
			m.Gone("C again")
			m.Resize(80, 24)
			m.See("[1 Devices]", "CONFIRMED COMMIT lab-1")
			m.Keys("C")
			m.See("Confirm the commit on lab-1?", "Sent to lab-1:")
			m.Keys("Enter") // the default is not to
			m.Gone("Confirm the commit on lab-1?")
			m.See("CONFIRMED COMMIT lab-1")
			m.Keys("C")
			m.See("Confirm the commit on lab-1?")
			m.Keys("C")
			m.See("Confirmed: lab-1 keeps the commit")
			m.Gone("CONFIRMED COMMIT")
			s.holds(t, 0, "after the confirmation")
			m.Keys("q")
			m.Keys("q")
			m.quitAnyway("Quit with 1 open session")
		})
	}
}

// TestStoryOfConfirmingFromTheCard: the countdown runs in a terminal too small
// for anything else, and C twice confirms there.
func TestStoryOfConfirmingFromTheCard(t *testing.T) {
	t.Parallel()
	s := simulate(t, "rfc")
	m := s.start(t, 80, 24)
	m.edit("rfc", "moved")
	m.commitConfirmed()
	m.Resize(44, 8)
	m.See("lab-1  ROLLBACK in 09:")
	m.Keys("C")
	m.See("C again confirms lab-1")
	m.Keys("C")
	m.See("Confirmed: lab-1 keeps")
	m.Gone("ROLLBACK")
	s.holds(t, 0, "after the confirmation")
}

// TestStoryOfQuittingWithACommit: leaving asks, and can confirm first.
func TestStoryOfQuittingWithACommit(t *testing.T) {
	t.Parallel()
	s := simulate(t, "rfc")
	m := s.start(t, 80, 24)
	m.edit("rfc", "moved")
	m.commitConfirmed()
	m.Keys("C-c")
	m.See("Quit with 1 open session?", "confirmed commit", "C  confirm commit on lab-1, then quit", "Q  quit anyway", "> esc  stay")
	m.Keys("Escape")
	m.Gone("quit anyway")
	m.Keys("C-c")
	m.See("then quit")
	m.Keys("C")
	m.exits(0)
	s.holds(t, 0, "after the confirmation")
}

// TestStoryOfAKillInTheCountdown: the program is killed while a commit that
// survives its session waits. The next start lists it first, looks what became
// of it, and confirms it only when the person says so.
func TestStoryOfAKillInTheCountdown(t *testing.T) {
	t.Parallel()
	s := simulate(t, "rfc")
	m := s.start(t, 80, 24)
	m.edit("rfc", "moved")
	m.Keys("K") // asks, for the edits would be lost
	m.See("Release the lock on lab-1?")
	m.Keys("Escape")
	m.Gone("Release the lock")
	m.Keys("C")
	m.See("survive a lost session")
	m.Keys("Tab", "Tab", "Tab", "Space")
	m.See("[x] survive a lost session")
	m.Keys("Tab", "Tab", "Tab", "Tab")
	m.See(">[ Cancel ]")
	m.Keys("C")
	m.See("rolls back in 09:")
	pid := m.PID()
	if pid == 0 {
		t.Fatal("the program is not found")
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.holds(t, 1, "after the kill")

	m = s.start(t, 80, 24)
	m.See("Confirmed commits that are not settled", "lab-1", "rolls back in 0", "connect and verify")
	m.read("Escape", func(s string) bool { return !strings.Contains(s, "not settled") })
	screen := m.See("[1 Devices]", "lab-1", "rolls back in 0", "C see")
	if !strings.Contains(screen, "CONFIRMED COMMIT lab-1") {
		t.Errorf("the bar does not name it:\n%s", screen)
	}
	m.Keys("C")
	m.See("Confirmed commits that are not settled")
	m.Keys("Enter")
	m.See("Verified: lab-1", "Still applied", "C  confirm it")
	s.holds(t, 1, "after looking")
	m.read("C", func(s string) bool { return strings.Contains(s, "Confirm the commit on lab-1?") })
	m.See("<persist-id>")
	m.Keys("C")
	m.See("Confirmed: lab-1 keeps the commit")
	m.Gone("CONFIRMED COMMIT")
	s.holds(t, 0, "after the confirmation")
}
