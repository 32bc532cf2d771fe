// Package screen states what every screen gets from the program: the backend
// below the interface, the stores, the clock, the theme.
package screen

import (
	"os/exec"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/commit"
	"dialtone/conn/desk"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/ui/action"
	"dialtone/ui/clip"
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

	// Desk takes in the devices that call; nil when the program has none.
	Desk desk.Desk
	// Commits does what is done about the changes of the devices, and knows the
	// confirmed commits that wait; those of former runs too. Without one the
	// root brings one that keeps nothing on disk.
	Commits *commit.Control
	// HostKeys forgets a changed host key; nil when nothing can be forgotten.
	HostKeys keys.HostKeys
	// StartDemo makes a simulated device ready and says how to reach it; nil
	// when the program has none at hand. It may take a while and so runs in a
	// command.
	StartDemo func() (link.Target, error)
	// Clip copies to where the person can paste; nil makes do with the programs
	// and the file that need no terminal.
	Clip *clip.Clip
	// Exec gives the terminal to a program of others until it ends; nil means
	// tea.ExecProcess. The root sets it, so that both stop together when the
	// person suspends them.
	Exec func(c *exec.Cmd, done func(error) tea.Msg) tea.Cmd
	// Post is where Tell puts messages; the root sets it.
	Post func(tea.Msg)
	// Tick makes the timers; nil means tea.Tick. Tests bring a fake clock.
	Tick func(d time.Duration, f func(time.Time) tea.Msg) tea.Cmd
}

// Tell gives m to the root before the next key is handled, so that what a person
// types right after opening something goes to what was opened. It is for Update
// and Run only; the command that it returns is nil where a root listens.
func (d *Deps) Tell(m tea.Msg) tea.Cmd {
	if d.Post == nil {
		return func() tea.Msg { return m }
	}
	d.Post(m)
	return nil
}

// Outside returns a command that gives the terminal to c, and then done's
// message.
func (d *Deps) Outside(c *exec.Cmd, done func(error) tea.Msg) tea.Cmd {
	if d.Exec != nil {
		return d.Exec(c, done)
	}
	return tea.ExecProcess(c, done)
}

// Copy returns a command that copies safe text and says how. what names the
// text, "path".
func (d *Deps) Copy(what, text string) tea.Cmd {
	c := d.Clip
	if c == nil {
		c = clip.New(clip.Options{StateDir: d.StateDir, Now: d.Now})
	}
	return c.Copy(what, text)
}

// After returns a command that gives f's message when d has passed on the
// clock of the program.
func (d *Deps) After(wait time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
	if d.Tick != nil {
		return d.Tick(wait, f)
	}
	return tea.Tick(wait, f)
}
