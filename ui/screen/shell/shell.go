// Package shell is the screen of a command shell on a device that came by
// outbound HTTPS: a command line below, what came above.
package shell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Session is a command shell on a device. One command may Read while another
// runs something.
type Session interface {
	io.Reader
	Run(cmd string) error
	Interrupt() error
	Close() error
}

const (
	mostLines = 20000 // of output that are kept
	mostLine  = 8192  // bytes of one line; longer ones are cut into several
	mostKept  = 200   // commands of the history
)

// Screen is one shell. It belongs to the goroutine of the interface.
type Screen struct {
	d    *screen.Deps
	name string // of the device
	sess Session

	out     []line
	part    []byte // of a line that has not ended
	dropped int    // lines forgotten at the top
	bytes   int64
	top     int // first line shown; counts only when not following
	follow  bool

	typed   prompt.Line
	history []string
	back    int // place in history, len(history) for the new line
	typing  bool
	ended   bool
	why     error // nil when the device ended the shell in order

	focused bool
	w, h    int
}

// line is one row of the output. Commands are marked, because the device does
// not echo them.
type line struct {
	text    string // safe
	command bool
}

// New returns the screen of a shell that has just been opened on the device
// name, and owns the shell.
func New(d *screen.Deps, name string, s Session) *Screen {
	return &Screen{d: d, name: name, sess: s, follow: true, typing: true}
}

// Init begins to read.
func (s *Screen) Init() tea.Cmd { return s.read }

type outputMsg struct {
	to  *Screen
	b   []byte
	err error
}

type ranMsg struct {
	to  *Screen
	err error
}

// read waits for the next piece of output.
func (s *Screen) read() tea.Msg {
	b := make([]byte, 32<<10)
	n, err := s.sess.Read(b)
	return outputMsg{s, b[:n], err}
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case outputMsg:
		if m.to != s {
			return nil
		}
		return s.output(m)
	case ranMsg:
		if m.to == s && m.err != nil && !s.ended {
			s.say("not sent: " + m.err.Error())
		}
	case savedMsg:
		if m.to == s {
			return m.tell()
		}
	case tea.KeyMsg:
		return s.key(m)
	}
	return nil
}

func (s *Screen) output(m outputMsg) tea.Cmd {
	s.bytes += int64(len(m.b))
	for _, c := range m.b {
		if c == '\n' || len(s.part) >= mostLine {
			s.flush()
			if c == '\n' {
				continue
			}
		}
		if c != '\r' {
			s.part = append(s.part, c)
		}
	}
	if m.err == nil {
		return s.read
	}
	s.flush()
	s.ended = true
	switch {
	case errors.Is(m.err, io.EOF):
		s.say("the shell has ended")
	default:
		s.why = m.err
		s.say("the shell was lost: " + m.err.Error())
	}
	return nil
}

// flush ends the line that is coming in.
func (s *Screen) flush() {
	s.add(line{text: safe.Block(string(s.part))})
	s.part = s.part[:0]
}

func (s *Screen) add(l line) {
	if len(s.out) >= mostLines {
		n := mostLines / 10
		s.out = append(s.out[:0], s.out[n:]...)
		s.dropped += n
		s.top = max(s.top-n, 0)
	}
	s.out = append(s.out, l)
}

// say adds a line of our own.
func (s *Screen) say(text string) { s.add(line{text: "-- " + safe.Line(text) + " --"}) }

// key takes text for the command line.
func (s *Screen) key(k tea.KeyMsg) tea.Cmd {
	if !s.typing {
		return nil
	}
	switch k.String() {
	case "enter":
		return s.run()
	case "up":
		s.recall(-1)
	case "down":
		s.recall(1)
	case "pgup", "pgdown", "ctrl+home", "ctrl+end":
		s.scroll(k.String())
	case "esc", "ctrl+g":
		s.typing = false
	default:
		s.typed.Update(k)
	}
	return nil
}

// run sends what was typed. It does not wait for output: nothing tells where
// the output of a command ends.
func (s *Screen) run() tea.Cmd {
	cmd := strings.TrimSpace(s.typed.Value())
	s.typed.Set("")
	s.follow = true
	if cmd == "" || s.ended {
		return nil
	}
	if len(s.history) == 0 || s.history[len(s.history)-1] != cmd {
		s.history = append(s.history, cmd)
		if len(s.history) > mostKept {
			s.history = s.history[1:]
		}
	}
	s.back = len(s.history)
	s.add(line{text: safe.Line(cmd), command: true})
	if word, _, _ := strings.Cut(cmd, " "); word == "cd" || word == "setenv" || word == "set" || word == "alias" {
		s.say(word + " holds for this one command only: the device runs each in a shell of its own")
	}
	sess := s.sess
	return func() tea.Msg { return ranMsg{s, sess.Run(cmd)} }
}

func (s *Screen) recall(step int) {
	to := s.back + step
	if to < 0 || to > len(s.history) {
		return
	}
	s.back = to
	if to == len(s.history) {
		s.typed.Set("")
		return
	}
	s.typed.Set(s.history[to])
}

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) { s.w, s.h = w, h }

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd { s.focused = on; return nil }

// Title implements pane.Pane.
func (s *Screen) Title() string { return s.name + " csh" }

// Capturing implements pane.Pane: keys are text while the command line is open.
func (s *Screen) Capturing() bool { return s.typing }

// Leave implements pane.Screen.
func (s *Screen) Leave() string {
	if s.ended {
		return ""
	}
	return "Closing it ends the shell on " + s.name + " and what runs there."
}

// Close ends the shell.
func (s *Screen) Close() { s.sess.Close() }

// Status implements pane.Screen.
func (s *Screen) Status() string {
	state := "open"
	if s.ended {
		state = "ended"
	}
	text := fmt.Sprintf("csh %s │ %d lines", state, len(s.out)+s.dropped)
	if s.dropped > 0 {
		text += fmt.Sprintf(", the first %d forgotten", s.dropped)
	}
	return text + " │ each command runs in a shell of its own"
}

// Actions implements pane.Pane.
func (s *Screen) Actions() []action.Action {
	const section = "SHELL"
	off := ""
	if s.ended {
		off = "the shell has ended"
	}
	common := []action.Action{
		{ID: "shell.interrupt", Title: "Interrupt: ends the whole shell, the device knows no gentler way", Short: "interrupt", Keys: []string{"ctrl+c"}, Hint: 20, Off: off, Section: section},
	}
	if s.typing {
		return append([]action.Action{
			{ID: "shell.run", Title: "Run the command", Short: "run", Keys: []string{"enter"}, Hint: 10, Off: off, Section: section},
			{ID: "shell.leave", Title: "Leave the command line, to scroll and save", Short: "scroll", Keys: []string{"esc"}, Hint: 30, Section: section},
			{ID: "shell.up", Title: "Page up", Keys: []string{"pgup"}, Section: section},
			{ID: "shell.down", Title: "Page down", Keys: []string{"pgdown"}, Section: section},
		}, common...)
	}
	return append([]action.Action{
		{ID: "shell.type", Title: "Type a command", Short: "type", Keys: []string{"i", "enter"}, Hint: 10, Off: off, Section: section},
		{ID: "shell.save", Title: "Save the output", Short: "save", Keys: []string{"w"}, Hint: 40, Section: section},
		{ID: "shell.copy", Title: "Copy what is shown", Short: "copy", Keys: []string{"y"}, Hint: 50, Section: section},
		{ID: "shell.follow", Title: "Follow the output", Keys: []string{"G", "end", "f"}, Hint: 60, Short: "follow", Section: section},
		{ID: "shell.first", Title: "First line", Keys: []string{"g", "home"}, Section: section},
		{ID: "shell.line-up", Title: "Up", Keys: []string{"k", "up"}, Section: section},
		{ID: "shell.line-down", Title: "Down", Keys: []string{"j", "down"}, Section: section},
		{ID: "shell.up", Title: "Page up", Keys: []string{"pgup", "ctrl+u"}, Section: section},
		{ID: "shell.down", Title: "Page down", Keys: []string{"pgdown", "ctrl+d"}, Section: section},
	}, common...)
}

// Run implements pane.Pane.
func (s *Screen) Run(id action.ID) tea.Cmd {
	switch id {
	case "shell.run":
		return s.run()
	case "shell.type":
		s.typing = true
	case "shell.leave":
		s.typing = false
	case "shell.interrupt":
		sess := s.sess
		s.say("interrupted; open another shell to go on")
		return func() tea.Msg { return ranMsg{s, sess.Interrupt()} }
	case "shell.save":
		return s.save()
	case "shell.copy":
		var b strings.Builder
		for _, l := range s.shown() {
			b.WriteString(l.text + "\n")
		}
		return s.d.Copy("the output shown", b.String())
	case "shell.follow":
		s.follow = true
	case "shell.first":
		s.scroll("ctrl+home")
	case "shell.line-up":
		s.move(-1)
	case "shell.line-down":
		s.move(1)
	case "shell.up":
		s.scroll("pgup")
	case "shell.down":
		s.scroll("pgdown")
	}
	return nil
}

func (s *Screen) rows() int { return max(s.h-3, 1) }

func (s *Screen) scroll(key string) {
	switch key {
	case "pgup":
		s.move(-s.rows())
	case "pgdown":
		s.move(s.rows())
	case "ctrl+home":
		s.follow, s.top = false, 0
	case "ctrl+end":
		s.follow = true
	}
}

func (s *Screen) move(by int) {
	last := max(len(s.out)-s.rows(), 0)
	if s.follow {
		s.top = last
	}
	s.top = min(max(s.top+by, 0), last)
	s.follow = s.top == last
}

// shown is the lines on the screen. A line that has not ended yet is among them.
func (s *Screen) shown() []line {
	all := s.out
	if len(s.part) > 0 {
		all = append(all[:len(all):len(all)], line{text: safe.Block(string(s.part))})
	}
	from := s.top
	if s.follow {
		from = max(len(all)-s.rows(), 0)
	}
	return all[from:min(from+s.rows(), len(all))]
}

// View implements pane.Pane.
func (s *Screen) View() string {
	th := s.d.Theme
	body := make([]string, 0, s.h)
	for _, l := range s.shown() {
		if l.command {
			body = append(body, th.Paint(style.Accent, "% "+l.text))
			continue
		}
		body = append(body, l.text)
	}
	if len(s.shown()) == 0 {
		body = append(body, "", "  Type a command and press enter. There is no prompt and no echo; each command", "  runs in a shell of its own, so cd does not hold for the next.")
	}
	for len(body) < s.rows() {
		body = append(body, "")
	}
	prefix := "% "
	switch {
	case s.ended:
		body = append(body, th.Paint(style.Dim, "the shell has ended; q closes the tab"))
	case s.typing:
		body = append(body, prefix+s.typed.View(th, max(s.w-4, 1), s.focused))
	default:
		body = append(body, th.Paint(style.Dim, prefix+"i types a command"))
	}
	right := "following"
	if !s.follow {
		right = fmt.Sprintf("line %d of %d", s.dropped+s.top+1, s.dropped+len(s.out))
	}
	return strings.Join(th.Box(s.w, s.h, "Shell  "+safe.Text(s.name), right, s.focused, body), "\n")
}

type savedMsg struct {
	to   *Screen
	file string
	size int
	err  error
}

func (m savedMsg) tell() tea.Cmd {
	if m.err != nil {
		return msg.Fail(fmt.Errorf("not saved: %w", m.err))
	}
	return msg.Say(msg.Good, fmt.Sprintf("saved %d bytes to %s", m.size, m.file))
}

// save writes the output to a new file in the working directory.
func (s *Screen) save() tea.Cmd {
	var b strings.Builder
	for _, l := range s.out {
		if l.command {
			b.WriteString("% ")
		}
		b.WriteString(l.text + "\n")
	}
	stamp := s.d.Now().Format("20060102-150405")
	name := filepath.Join(s.d.WorkDir, fileName(s.name)+"-csh-"+stamp+".txt")
	return func() tea.Msg {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return savedMsg{s, name, 0, err}
		}
		n, err := f.WriteString(b.String())
		return savedMsg{s, name, n, errors.Join(err, f.Close())}
	}
}

// fileName keeps what is harmless in a file name.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
			return r
		}
		return '_'
	}, strings.TrimLeft(s, "."))
}
