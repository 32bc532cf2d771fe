package ui

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
)

// keyChanged opens the dialog of a changed host key.
func (r *root) keyChanged(d conn.Device) (tea.Cmd, bool) { return nil, false }
