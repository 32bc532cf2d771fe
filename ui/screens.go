package ui

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/pane"
	"dialtone/ui/screen"
	"dialtone/ui/screen/history"
	"dialtone/ui/screen/profile"
	"dialtone/ui/screen/session"
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
		session: func(d *screen.Deps, id conn.SessionID) pane.Screen { return session.New(d, id) },
		history: func(d *screen.Deps, id conn.SessionID) pane.Screen { return history.New(d, id) },
		profile: profile.Open,
	}
}
