package shell

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// fake is a shell whose output the test hands out piece by piece.
type fake struct {
	out    chan string
	ran    []string
	killed bool
	closed bool
	last   error
}

func (f *fake) Read(p []byte) (int, error) {
	s, ok := <-f.out
	if !ok {
		return 0, f.last
	}
	return copy(p, s), nil
}

func (f *fake) Run(cmd string) error { f.ran = append(f.ran, cmd); return nil }
func (f *fake) Interrupt() error     { f.killed = true; return nil }
func (f *fake) Close() error         { f.closed = true; return nil }

func shell(t *testing.T) (*Screen, *fake) {
	t.Helper()
	th, _ := style.New("default", false, false)
	d := uitest.NewDriver(t)
	f := &fake{out: make(chan string, 64), last: io.EOF}
	s := New(&screen.Deps{Theme: th, Now: d.Now, WorkDir: t.TempDir()}, "r1.lab", f)
	s.Resize(80, 12)
	s.Focus(true)
	return s, f
}

// feed gives the screen one piece of output, as its command would.
func feed(s *Screen, f *fake, piece string) {
	f.out <- piece
	s.Update(s.read())
}

func typeLine(s *Screen, text string) {
	for _, r := range text {
		s.Update(uitest.Key(string(r)))
	}
	if cmd := s.Update(uitest.Key("enter")); cmd != nil {
		s.Update(cmd())
	}
}

func TestCommandsRunAndOutputFollows(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	typeLine(s, "uname -a")
	feed(s, f, "csh session is started\nJunos 2")
	feed(s, f, "3.4R1\r\nwaiting")
	view := uitest.Plain(s.View())
	for _, want := range []string{"% uname -a", "csh session is started", "Junos 23.4R1", "waiting", "following"} {
		if !strings.Contains(view, want) {
			t.Errorf("no %q in\n%s", want, view)
		}
	}
	if len(f.ran) != 1 || f.ran[0] != "uname -a" {
		t.Errorf("ran %q", f.ran)
	}
	typeLine(s, "cd /var")
	if !strings.Contains(uitest.Plain(s.View()), "cd holds for this one command only") {
		t.Errorf("nothing about cd:\n%s", uitest.Plain(s.View()))
	}
	s.Update(uitest.Key("up"))
	s.Update(uitest.Key("up"))
	if s.typed.Value() != "uname -a" {
		t.Errorf("history gave %q", s.typed.Value())
	}
}

func TestEndsAreToldAndNothingRunsAfter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{{io.EOF, "the shell has ended"}, {errors.New("stream \x1b[2J broke"), "was lost: stream ^[[2J broke"}} {
		s, f := shell(t)
		f.last = c.err
		close(f.out)
		s.Update(s.read())
		if !strings.Contains(uitest.Plain(s.View()), c.want) {
			t.Errorf("no %q in\n%s", c.want, uitest.Plain(s.View()))
		}
		typeLine(s, "reboot")
		if len(f.ran) != 0 || s.Leave() != "" {
			t.Errorf("ran %q after the end; leaving warns %q", f.ran, s.Leave())
		}
	}
}

func TestInterruptEndsTheShell(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	s.Update(s.Run("shell.interrupt")())
	if !f.killed || s.Leave() == "" {
		t.Errorf("interrupted %t, leaving warns %q", f.killed, s.Leave())
	}
	s.Close()
	if !f.closed {
		t.Error("the shell is still open")
	}
}

func TestMuchOutputIsBoundedAndScrolls(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	for range 3 {
		feed(s, f, strings.Repeat("x\n", 15000))
	}
	if len(s.out) > mostLines || s.dropped == 0 || !strings.Contains(s.Status(), "forgotten") {
		t.Errorf("%d lines, %d dropped, %q", len(s.out), s.dropped, s.Status())
	}
	feed(s, f, strings.Repeat("y", 3*mostLine)+"\n")
	s.Run("shell.leave")
	s.Run("shell.first")
	if s.follow || s.top != 0 {
		t.Errorf("following %t at %d", s.follow, s.top)
	}
	s.Run("shell.follow")
	if !s.follow {
		t.Error("not following")
	}
}

func TestOutputIsSavedOnceAndSafe(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	typeLine(s, "ls")
	feed(s, f, "a\x1b]0;title\x07b\n")
	m := s.save()().(savedMsg)
	b, err := os.ReadFile(m.file)
	if err != nil || !strings.Contains(string(b), "% ls\na^[]0;title^Gb\n") || filepath.Base(m.file) != "r1.lab-csh-20311121-140231.txt" {
		t.Errorf("%s: %q, %v", m.file, b, err)
	}
	if again := s.save()().(savedMsg); again.err == nil {
		t.Error("the file was overwritten")
	}
}

func TestEverySizeIsExactAndNothingHostilePasses(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	s.name = "r\x1b[31m\u202e1"
	feed(s, f, "\x1b[2J\x1b]52;c;AAAA\x07\u009b31m \u202e tab\there \xff\xfe "+strings.Repeat("wide 字", 60)+"\n")
	typeLine(s, "echo \x07")
	for w := 40; w <= 200; w += 7 {
		for h := 5; h <= 60; h += 5 {
			for _, typing := range []bool{true, false} {
				s.typing = typing
				s.Resize(w, h)
				uitest.ExactSize(t, s.View(), w, h)
				uitest.OnlySGR(t, s.View())
			}
		}
	}
	s.Resize(80, 24)
	uitest.Golden(t, "shell-80x24", uitest.Plain(s.View()))
}
