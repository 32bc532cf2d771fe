// Package shell is the screen of a command shell on a device that came by
// outbound HTTPS: a command line below, what came above.
//
// shell.go is the session with its command line; output.go what came, scrolled,
// searched and drawn; actions.go what can be done; save.go the file.
package shell

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
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

// Reopener is a Session that can open another one on the same device.
type Reopener interface{ Again() tea.Cmd }

const (
	mostKept = 200                   // commands of the history
	mostRead = 128 << 10             // bytes that one message brings
	spacing  = 33 * time.Millisecond // between two of them, so that a flood leaves room for keys
)

// Screen is one shell. It belongs to the goroutine of the interface.
type Screen struct {
	d    *screen.Deps
	name string // of the device
	sess Session

	output
	typed   prompt.Line
	draft   string // what was typed before the history was looked at
	history []string
	back    int // place in history, len(history) for the new line
	typing  bool
	search  prompt.Line
	seeking bool // the search line is open
	killed  bool // the person has interrupted
	ended   bool

	focused bool
	w, h    int
}

// New returns the screen of a shell that has just been opened on the device
// name, and owns the shell.
func New(d *screen.Deps, name string, s Session) *Screen {
	return &Screen{d: d, name: name, sess: s, output: output{follow: true}, typing: true}
}

// Init begins to read.
func (s *Screen) Init() tea.Cmd { return s.read }

type outputMsg struct {
	to  *Screen
	b   []byte
	err error
}

type moreMsg struct{ to *Screen }

type ranMsg struct {
	to  *Screen
	err error
}

// read waits for the next piece of output.
func (s *Screen) read() tea.Msg {
	b := make([]byte, mostRead)
	n, err := s.sess.Read(b)
	return outputMsg{s, b[:n], err}
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case outputMsg:
		if m.to == s {
			return s.came(m)
		}
	case moreMsg:
		if m.to == s {
			return s.read
		}
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

// came takes a piece of output, and the end.
func (s *Screen) came(m outputMsg) tea.Cmd {
	s.take(m.b)
	if m.err == nil {
		return s.d.After(spacing, func(time.Time) tea.Msg { return moreMsg{s} })
	}
	s.flush()
	s.ended, s.typing = true, false
	again := ""
	if s.again() != nil {
		again = "; s opens another"
	}
	switch {
	case s.killed:
		s.say("interrupted: the device has ended the shell" + again)
	case errors.Is(m.err, io.EOF):
		s.say("the shell has ended" + again)
	default:
		s.say("the shell was lost: " + m.err.Error())
	}
	return nil
}

// again is the command that opens another shell on the device, nil when there is
// no way.
func (s *Screen) again() tea.Cmd {
	if r, ok := s.sess.(Reopener); ok {
		return r.Again()
	}
	return nil
}

// key takes text for the command line or the search line.
func (s *Screen) key(k tea.KeyMsg) tea.Cmd {
	switch {
	case s.seeking:
		s.seek(k)
		return nil
	case !s.typing:
		return nil
	case k.Paste:
		return s.paste(k)
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

// paste takes one line. Several would become one command that nobody wrote.
func (s *Screen) paste(k tea.KeyMsg) tea.Cmd {
	text := strings.TrimRight(string(k.Runes), "\r\n")
	if strings.ContainsAny(text, "\r\n") {
		n := len(strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' }))
		return msg.Say(msg.Warn, fmt.Sprintf("%d lines were pasted, and a command is one line; nothing was taken", n))
	}
	k.Runes = []rune(text)
	s.typed.Update(k)
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
	s.back, s.draft = len(s.history), ""
	s.flush()
	s.add(line{text: safe.Line(cmd), kind: command})
	if note := trap(cmd); note != "" {
		s.say(note)
	}
	sess := s.sess
	return func() tea.Msg { return ranMsg{s, sess.Run(cmd)} }
}

// trap says what a command does not do here that it does in a terminal, "" when
// there is nothing to say. The device runs each by itself, with no terminal.
func trap(cmd string) string {
	word, rest, _ := strings.Cut(cmd, " ")
	switch word {
	case "cd", "pushd", "popd", "setenv", "unsetenv", "set", "unset", "alias", "umask", "source":
		if strings.Contains(rest, ";") || strings.Contains(rest, "&&") {
			return ""
		}
		return word + " holds for this line only; join what needs it: " + word + " \u2026; ls"
	case "cli":
		if !strings.Contains(" "+rest, " -c") {
			return `cli waits for input that cannot come; use cli -c "show version"`
		}
	case "vi", "vim", "less", "more", "top", "su", "ssh", "telnet", "passwd", "csh", "sh", "bash":
		if rest == "" || word != "sh" && word != "csh" && word != "bash" {
			return word + " may want a terminal, and there is none; ctrl+c ends the shell"
		}
	}
	return ""
}

func (s *Screen) recall(step int) {
	to := s.back + step
	if to < 0 || to > len(s.history) {
		return
	}
	if s.back == len(s.history) {
		s.draft = s.typed.Value()
	}
	s.back = to
	if to == len(s.history) {
		s.typed.Set(s.draft)
		return
	}
	s.typed.Set(s.history[to])
}

// interrupt empties the command line when something is typed there, as in any
// shell. Else it stops what runs, and with it the shell: the device knows no
// gentler way.
func (s *Screen) interrupt() tea.Cmd {
	if s.typing && s.typed.Len() > 0 {
		s.typed.Set("")
		s.back, s.draft = len(s.history), ""
		return nil
	}
	if s.killed {
		return nil
	}
	s.killed = true
	s.say("interrupting; the device ends the whole shell for it")
	sess := s.sess
	return func() tea.Msg { return ranMsg{s, sess.Interrupt()} }
}

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	s.fit(max(h-3, 1))
}

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd { s.focused = on; return nil }

// Title implements pane.Pane.
func (s *Screen) Title() string { return s.name + " csh" }

// Capturing implements pane.Pane: keys are text while a line is open.
func (s *Screen) Capturing() bool { return s.typing || s.seeking }

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
	sep := " \u2502 "
	if s.d.Theme.ASCII {
		sep = " | "
	}
	text := fmt.Sprintf("csh %s%s%d lines", state, sep, len(s.out)+s.dropped)
	if s.dropped > 0 {
		text += fmt.Sprintf(", the last %d kept", len(s.out))
	}
	if !s.ended {
		text += sep + "each line runs in a shell of its own"
	}
	return text
}
