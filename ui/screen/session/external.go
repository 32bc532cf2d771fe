package session

import (
	"fmt"
	"os/exec"
	"path/filepath"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/msg"
	"dialtone/ui/widget/editor"
)

// externalMsg is what the person's own editor gave back.
type externalMsg struct {
	id   conn.SessionID
	text []byte
	err  error
}

// SessionID implements msg.For.
func (m externalMsg) SessionID() conn.SessionID { return m.id }

// editOutside gives the RPC to the person's own editor. Whatever fails, the RPC
// stays as it was.
func (s *Screen) editOutside() tea.Cmd {
	id, text, outside := s.id, s.rpc.Text(), s.d.Outside
	return func() tea.Msg {
		cmd, read, cleanup, err := editor.EditorCmd(text, "")
		if err != nil {
			return externalMsg{id: id, err: err}
		}
		return outside(cmd, func(err error) tea.Msg {
			defer cleanup()
			m := externalMsg{id: id}
			if err != nil {
				m.err = editorFailed(cmd, err)
			} else {
				m.text, m.err = read()
			}
			return m
		})()
	}
}

// editorFailed words how the editor ended.
func editorFailed(cmd *exec.Cmd, err error) error {
	return fmt.Errorf("the editor %q ended with %w. The RPC is as it was; what was typed there is gone", filepath.Base(cmd.Path), err)
}

// edited takes what came back, as one step that can be undone.
func (s *Screen) edited(m externalMsg) tea.Cmd {
	switch {
	case m.err != nil:
		return msg.Fail(m.err)
	case string(m.text) == s.text():
		return nil
	case len(m.text) > pasteLimit:
		s.touched()
		return s.rpc.SetText(m.text)
	}
	s.touched()
	return s.rpc.Paste(string(m.text), true)
}
