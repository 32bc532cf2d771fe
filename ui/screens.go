package ui

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/pane"
	"dialtone/ui/screen"
	"dialtone/ui/screen/profile"
)

// makers makes the screens that are not there from the start; tests bring
// their own.
type makers struct {
	session func(*screen.Deps, conn.SessionID) pane.Screen
	history func(*screen.Deps, conn.SessionID) pane.Screen
	profile func(*screen.Deps, string, *link.Target) tea.Cmd
}

func screens() makers {
	return makers{
		session: newSession,
		history: newHistory,
		profile: profile.Open,
	}
}
