package shell

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
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
	if !strings.Contains(uitest.Plain(s.View()), "cd holds for this line only") {
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

// TestInterruptEndsTheShell: with something typed it only empties the line, as
// in any shell; then it interrupts, once.
func TestInterruptEndsTheShell(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	s.Update(uitest.Key("x"))
	if cmd := s.Run("shell.interrupt"); cmd != nil || s.typed.Len() > 0 || f.killed {
		t.Errorf("interrupted %t with %q typed", f.killed, s.typed.Value())
	}
	s.Update(s.Run("shell.interrupt")())
	if !f.killed || s.Leave() == "" {
		t.Errorf("interrupted %t, leaving warns %q", f.killed, s.Leave())
	}
	if s.Run("shell.interrupt") != nil {
		t.Error("interrupted twice")
	}
	close(f.out)
	s.Update(s.read())
	if view := uitest.Plain(s.View()); !strings.Contains(view, "interrupted: the device has ended the shell") || s.Capturing() || s.Leave() != "" {
		t.Errorf("keys are text %t, leaving warns %q\n%s", s.Capturing(), s.Leave(), view)
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
	if len(s.out) > mostLines || s.dropped == 0 || !strings.Contains(s.Status(), "the last 19000 kept") {
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

func TestTrapsAreToldWhereTheyAre(t *testing.T) {
	t.Parallel()
	for cmd, want := range map[string]string{
		"cd /var": "holds for this line only", "setenv A b": "holds for this line only", "cd /var; ls": "", "cd /var && ls": "", "ls /var": "",
		"cli": `use cli -c "show version"`, `cli -c "show version"`: "", "top": "may want a terminal", "vi x": "may want a terminal", "sh x.sh": "", "sh": "may want a terminal",
		"": "", "echo cd /var": "",
	} {
		if got := trap(cmd); (got == "") != (want == "") || !strings.Contains(got, want) || len(got) > 72 {
			t.Errorf("%q: %q, want %q", cmd, got, want)
		}
	}
}

func TestPasteIsOneLineOrNothing(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	paste := func(text string) tea.Msg {
		if cmd := s.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(text), Paste: true}); cmd != nil {
			return cmd()
		}
		return nil
	}
	if m, ok := paste("reboot\rls\r").(msg.Toast); !ok || !strings.Contains(m.Text, "2 lines") || s.typed.Len() > 0 {
		t.Errorf("%+v, typed %q", m, s.typed.Value())
	}
	if paste("uname -a\n") != nil || s.typed.Value() != "uname -a" || len(f.ran) != 0 {
		t.Errorf("typed %q, ran %q", s.typed.Value(), f.ran)
	}
}

func TestHistoryKeepsWhatWasBeingTyped(t *testing.T) {
	t.Parallel()
	s, _ := shell(t)
	typeLine(s, "first")
	typeLine(s, "first")
	typeLine(s, "second")
	for _, r := range "draft" {
		s.Update(uitest.Key(string(r)))
	}
	var got []string
	for _, k := range []string{"up", "up", "up", "down", "down", "down"} {
		s.Update(uitest.Key(k))
		got = append(got, s.typed.Value())
	}
	if strings.Join(got, " ") != "second first first second draft draft" {
		t.Errorf("%q", got)
	}
}

func TestSearchGoesRound(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	feed(s, f, strings.Repeat("nothing\n", 50)+"The First Needle\n"+strings.Repeat("nothing\n", 50)+"second needle\n")
	s.Run("shell.leave")
	s.Run("shell.first")
	s.Run("shell.search")
	if !s.Capturing() || s.Actions() != nil {
		t.Error("keys are no text in the search line")
	}
	for _, r := range "needle" {
		s.Update(uitest.Key(string(r)))
	}
	s.Update(uitest.Key("enter"))
	at := []int{s.hit}
	for _, id := range []action.ID{"shell.next", "shell.next", "shell.previous"} {
		s.Run(id)
		at = append(at, s.hit)
		if !strings.Contains(strings.ToLower(uitest.Plain(s.View())), "needle") {
			t.Errorf("the match is not on the screen:\n%s", uitest.Plain(s.View()))
		}
	}
	if at[0] != 50 || at[1] != 101 || at[2] != 50 || at[3] != 101 {
		t.Errorf("matches in lines %v", at)
	}
	s.Run("shell.search")
	s.Update(uitest.Key("z"))
	s.Update(uitest.Key("z"))
	s.Update(uitest.Key("enter"))
	if !strings.Contains(uitest.Plain(s.View()), "not found") {
		t.Errorf("%s", uitest.Plain(s.View()))
	}
}

func TestLongLinesAreReached(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	feed(s, f, strings.Repeat("a", 100)+"END\n")
	s.Run("shell.leave")
	if strings.Contains(uitest.Plain(s.View()), "END") {
		t.Fatal(uitest.Plain(s.View()))
	}
	s.Run("shell.right")
	s.Run("shell.right")
	if v := uitest.Plain(s.View()); !strings.Contains(v, "aEND") || !strings.Contains(v, "column 41") {
		t.Error(v)
	}
	s.Run("shell.type")
	if s.left != 0 {
		t.Errorf("typing at column %d", s.left+1)
	}
}

// TestFloodLeavesRoomForKeys: between two messages of a flood there is a pause.
func TestFloodLeavesRoomForKeys(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	var waits []time.Duration
	s.d.Tick = func(d time.Duration, make func(time.Time) tea.Msg) tea.Cmd {
		waits = append(waits, d)
		return func() tea.Msg { return make(time.Time{}) }
	}
	f.out <- "y\n"
	next := s.Update(s.read())
	f.out <- "z\n"
	again := s.Update(next())
	if len(waits) != 1 || waits[0] != spacing || again == nil {
		t.Fatalf("waited %v", waits)
	}
	s.Update(again())
	if len(s.out) != 2 {
		t.Errorf("%d lines", len(s.out))
	}
}

func TestNoKeyHasTwoActions(t *testing.T) {
	t.Parallel()
	s, f := shell(t)
	for range 3 {
		if c := action.Clashes(s.Actions()); len(c) > 0 {
			t.Error(c)
		}
		for _, a := range s.Actions() {
			if a.ID == "shell.again" && a.Off == "" {
				t.Error("another shell is offered by a session that cannot")
			}
		}
		if s.typing {
			s.Run("shell.leave")
			continue
		}
		if !s.ended {
			close(f.out)
			s.Update(s.read())
		}
	}
}
