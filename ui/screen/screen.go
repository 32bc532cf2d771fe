// Package screen states what every screen gets from the program: the backend
// below the interface, the stores, the clock, the theme.
package screen

import (
	"time"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/ui/action"
	"dialtone/ui/style"
)

// Backend is what the interface uses of conn.Manager; tests pass a fake. None
// of the methods waits for the network.
type Backend interface {
	Connect(t link.Target) conn.SessionID
	Disconnect(id conn.SessionID)
	Send(id conn.SessionID, r netconf.Request) (*conn.Exchange, error)
	Stop(id conn.ExchangeID)
	Device(id conn.SessionID) (conn.Device, bool)
	Devices() []conn.Device
	Events() <-chan conn.Event
}

// Deps is what a screen may use. Screens keep it by pointer and change nothing
// in it.
type Deps struct {
	Backend   Backend
	Profiles  profile.Store
	Journal   *journal.Journal
	Templates []tmpl.Template
	Theme     *style.Theme
	Keys      action.Overrides
	Now       func() time.Time
	ReadOnly  bool
	Demo      bool
	ConfigDir string // "" when nothing is saved
	StateDir  string
	WorkDir   string // where saved replies go
}
