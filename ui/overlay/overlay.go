// Package overlay holds what lies above the screens: dialogs, toasts, the
// palette, help.
package overlay

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// Dialog is a box above the screen that takes all keys. It draws itself, frame
// included, in at most maxW by maxH cells. Help is its text in the help bar.
type Dialog interface {
	Update(tea.Msg) (cmd tea.Cmd, done bool)
	View(maxW, maxH int) string
	Help() string
}

// Push asks the root to show a dialog that a key of the person opened.
type Push struct{ Dialog Dialog }

// PushLate asks the root to show a dialog that opens by itself: keys in flight
// are swallowed until 400 ms of quiet.
type PushLate struct{ Dialog Dialog }

// Open returns the command for Push.
func Open(d Dialog) tea.Cmd { return func() tea.Msg { return Push{d} } }

// Stack is the dialogs that are open, the last one on top. Late dialogs queue
// behind one another and are never stacked.
type Stack struct {
	open  []Dialog
	queue []Dialog
	quiet time.Time
}
