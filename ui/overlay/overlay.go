// Package overlay holds what lies above the screens: dialogs, toasts, the
// palette, help.
package overlay

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// Dialog is a box above the screen that takes all keys. It draws itself, frame
// included, in at most maxW by maxH cells. Help is its text in the help bar.
// Messages that are not keys reach every open dialog, also those below and
// those that wait.
type Dialog interface {
	Update(tea.Msg) (cmd tea.Cmd, done bool)
	View(maxW, maxH int) string
	Help() string
}

// Placed is a dialog that tells its place among the questions that wait.
type Placed interface{ Place(i, of int) }

// Waiter is a dialog that says in a sentence what waits where there is no room to
// draw it. The text is safe.
type Waiter interface{ Waits() string }

// Push asks the root to show a dialog that a key of the person opened.
type Push struct{ Dialog Dialog }

// PushLate asks the root to show a dialog that opens by itself: keys in flight
// are swallowed until 400 ms of quiet.
type PushLate struct{ Dialog Dialog }

// Open returns the command for Push.
func Open(d Dialog) tea.Cmd { return func() tea.Msg { return Push{d} } }

// The grace of a dialog that opened by itself: keys are swallowed until none
// came for quietFor, at most for ceiling.
const (
	quietFor = 400 * time.Millisecond
	ceiling  = 1500 * time.Millisecond
)

// Stack is the dialogs that are open, the last one on top. Late dialogs queue
// behind one another and are never stacked; the first of them lies above those
// that the person opened.
type Stack struct {
	open  []Dialog
	queue []Dialog
	shown time.Time // when the first of the queue came up
	quiet time.Time // keys before this are swallowed
	armed bool      // the grace of the first of the queue is over
}

// Push opens d on top.
func (s *Stack) Push(d Dialog) { s.open = append(s.open, d) }

// PushLate queues d, which opens by itself.
func (s *Stack) PushLate(d Dialog, now time.Time) {
	s.queue = append(s.queue, d)
	if len(s.queue) == 1 {
		s.begin(now)
	}
	s.place()
}

func (s *Stack) begin(now time.Time) {
	s.shown, s.quiet, s.armed = now, now.Add(quietFor), false
}

func (s *Stack) place() {
	for i, d := range s.queue {
		if p, ok := d.(Placed); ok {
			p.Place(i+1, len(s.queue))
		}
	}
}

// Top returns the dialog that takes the keys, nil when there is none.
func (s *Stack) Top() Dialog {
	switch {
	case len(s.queue) > 0:
		return s.queue[0]
	case len(s.open) > 0:
		return s.open[len(s.open)-1]
	}
	return nil
}

// Key gives a key to the top dialog and reports whether there was one. Keys
// within the grace of a late dialog are swallowed.
func (s *Stack) Key(k tea.KeyMsg, now time.Time) (tea.Cmd, bool) {
	top := s.Top()
	if top == nil {
		return nil, false
	}
	late := len(s.queue) > 0
	if late && !s.armed {
		if now.Before(s.quiet) && now.Sub(s.shown) < ceiling {
			s.quiet = now.Add(quietFor)
			return nil, true
		}
		s.armed = true
	}
	cmd, done := top.Update(k)
	switch {
	case done && late:
		s.dropLate(0, now)
	case done:
		s.drop(top)
	}
	return cmd, true
}

// Tell gives a message that is no key to every dialog; those that say done
// are closed.
func (s *Stack) Tell(m tea.Msg, now time.Time) tea.Cmd {
	var cmds []tea.Cmd
	for _, d := range append([]Dialog(nil), s.open...) {
		cmd, done := d.Update(m)
		cmds = append(cmds, cmd)
		if done {
			s.drop(d)
		}
	}
	for i := 0; i < len(s.queue); {
		cmd, done := s.queue[i].Update(m)
		cmds = append(cmds, cmd)
		if done {
			s.dropLate(i, now)
			continue
		}
		i++
	}
	return tea.Batch(cmds...)
}

func (s *Stack) drop(d Dialog) {
	for i := range s.open {
		if s.open[i] == d {
			s.open = append(s.open[:i:i], s.open[i+1:]...)
			return
		}
	}
}

func (s *Stack) dropLate(i int, now time.Time) {
	s.queue = append(s.queue[:i:i], s.queue[i+1:]...)
	if i == 0 && len(s.queue) > 0 {
		s.begin(now)
	}
	s.place()
}

// Layers returns the dialogs from the lowest to the top one; of the queue only
// the first is seen.
func (s *Stack) Layers() []Dialog {
	out := append([]Dialog(nil), s.open...)
	if len(s.queue) > 0 {
		out = append(out, s.queue[0])
	}
	return out
}
