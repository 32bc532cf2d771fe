// Package msg holds the messages that cross from one screen to another or to
// the root. Messages of one package only live there.
package msg

import (
	"io"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
)

// Events is one batch from below the interface, at most one a frame.
type Events []conn.Event

// For is a message about one session. The root gives it to that session's
// screen, shown or not.
type For interface{ SessionID() conn.SessionID }

// Level is how grave a toast is.
type Level uint8

// Info vanishes after three seconds, Error stays until a key or ten seconds.
const (
	Info Level = iota
	Good
	Warn
	Error
)

// Toast shows one line bottom right and keeps it in the list of messages. Text
// is made safe by the one who shows it; Detail is the whole error chain.
type Toast struct {
	Level  Level
	Text   string
	Detail string
}

// Say returns a command that shows a toast.
func Say(l Level, text string) tea.Cmd { return func() tea.Msg { return Toast{Level: l, Text: text} } }

// Fail returns a command that shows an error.
func Fail(err error) tea.Cmd {
	return func() tea.Msg { return Toast{Level: Error, Text: err.Error(), Detail: err.Error()} }
}

// OpenSession shows the tab of a session, made when it does not exist.
type OpenSession struct{ ID conn.SessionID }

// Connect dials a target and shows its tab.
type Connect struct{ Target link.Target }

// CloseTab closes the screen that is shown, after asking when something would
// be lost.
type CloseTab struct{}

// ShowDevices shows the device list.
type ShowDevices struct{}

// EditProfile opens the form on a profile; an empty name is a new one. Target,
// when set, fills the form for a name that is not saved yet.
type EditProfile struct {
	Name   string
	Target *link.Target
}

// ProfilesChanged tells that the saved profiles are to be read again.
type ProfilesChanged struct{}

// ShowHistory opens the history of one device, or of all when it is zero.
type ShowHistory struct{ ID conn.SessionID }

// LoadRPC puts a request into a session's editor, unsent.
type LoadRPC struct {
	ID   conn.SessionID
	Body string
}

// SessionID implements For.
func (m LoadRPC) SessionID() conn.SessionID { return m.ID }

// ShowExchange shows an earlier exchange's reply in its session's screen.
type ShowExchange struct {
	ID       conn.SessionID
	Exchange *conn.Exchange
}

// SessionID implements For.
func (m ShowExchange) SessionID() conn.SessionID { return m.ID }

// ShowDiff compares two replies in a session's screen. Nothing is sent.
type ShowDiff struct {
	ID   conn.SessionID
	A, B *conn.Exchange
}

// SessionID implements For.
func (m ShowDiff) SessionID() conn.SessionID { return m.ID }

// RunAction runs an action of a session's screen as its key would there.
type RunAction struct {
	ID     conn.SessionID
	Action string
}

// SessionID implements For.
func (m RunAction) SessionID() conn.SessionID { return m.ID }

// VerifyCommit asks a session's screen to look what became of a commit as soon
// as the session is open. It only reads.
type VerifyCommit struct{ ID conn.SessionID }

// SessionID implements For.
func (m VerifyCommit) SessionID() conn.SessionID { return m.ID }

// ShowShell shows a command shell that was opened on a device, in a tab of its
// own, which owns it from then on.
type ShowShell struct {
	Name  string
	Shell interface {
		io.Reader
		Run(cmd string) error
		Interrupt() error
		Close() error
	}
}
