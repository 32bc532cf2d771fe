package shell

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/msg"
	"dialtone/ui/safe"
)

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
		b.WriteString(l.shown() + "\n")
	}
	if len(s.part) > 0 {
		b.WriteString(safe.Block(string(s.part)) + "\n")
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
