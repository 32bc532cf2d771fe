// Package pane states what a part of the screen is to the parts around it.
package pane

import (
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
)

// Pane is a rectangle with a state of its own. Update changes the receiver, so
// parents need no type assertions. Only messages reach Update: keys that belong
// to an action arrive as Run, keys of a capturing pane as tea.KeyMsg.
type Pane interface {
	Update(tea.Msg) tea.Cmd
	View() string // exactly the size last given to Resize, lines joined by \n
	Resize(w, h int)
	Focus(on bool) tea.Cmd
	Title() string
	Actions() []action.Action // what can be done here now; order is priority
	Run(action.ID) tea.Cmd
	Capturing() bool // keys are text: the root keeps only ctrl+… and esc rules
}

// Screen is a pane that fills the body and has a tab.
type Screen interface {
	Pane
	// Leave says what would be lost by closing it now; "" for nothing.
	Leave() (warning string)
	// Status is the text of the last but one row.
	Status() string
}

// Zoomer is a screen whose focused pane can fill the whole body.
type Zoomer interface{ Zoom(on bool) }

// Paster is a pane that takes a bracketed paste, as a tea.KeyMsg with Paste
// set, although it is not capturing keys.
type Paster interface{ WantsPaste() bool }

// Counter is a pane that takes counts (5j). The root gives it each digit that
// does not name another tab, and every digit while Counting.
type Counter interface {
	Count(digit int)
	Counting() bool
}
