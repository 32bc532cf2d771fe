// Package inbox shows the devices that have called and on whom nobody has
// decided, with the log of the listeners below. Nothing of a caller is believed
// that its verdict does not say: a name is a claim until then.
//
// inbox.go is the pane.Screen; actions.go what can be done; view.go and log.go
// draw; verdict.go puts verdicts into words; accept.go, bind.go and
// listeners.go are the dialogs.
package inbox

import (
	"cmp"
	"slices"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/widget/table"
)

// Screen implements pane.Screen. It is used from the program's one goroutine
// and reads only what msg.Desk brings.
type Screen struct {
	d    *screen.Deps
	w, h int

	focused bool
	focus   part
	zoomed  bool
	order   order

	desk    msg.Desk
	callers []desk.Caller // as listed
	list    table.List
	log     logState
}

// part is one of the two panes.
type part uint8

const (
	waitingPart part = iota
	logPart
)

// order is how the callers are sorted. The first keeps rows where they are:
// who comes stands at the end.
type order uint8

const (
	byArrival order = iota
	byNewest
	byName
	orders
)

func (o order) String() string { return [orders]string{"by arrival", "newest first", "by name"}[o] }

// New returns the screen on what stands at the desk.
func New(d *screen.Deps, now msg.Desk) *Screen {
	s := &Screen{d: d}
	s.log.follow = true
	s.take(now)
	return s
}

// Update implements pane.Pane.
func (s *Screen) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case msg.Desk:
		s.take(m)
	case tea.MouseMsg:
		s.mouse(m)
	}
	return nil
}

// take shows another state of the desk; the selections stay on what they are.
func (s *Screen) take(now msg.Desk) {
	s.desk = now
	s.sort()
	s.log.take(now.Log)
}

func (s *Screen) sort() {
	at, had := s.selected()
	s.callers = slices.Clone(s.desk.Callers)
	slices.SortStableFunc(s.callers, func(a, b desk.Caller) int {
		first := 0
		switch s.order {
		case byNewest:
			first = b.Since.Compare(a.Since)
		case byName:
			first = cmp.Or(cmp.Compare(a.Claim, b.Claim), cmp.Compare(a.From.String(), b.From.String()))
		default:
			first = cmp.Compare(b2i(a.Parked), b2i(b.Parked))
		}
		return cmp.Or(first, a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	s.list.SetLen(len(s.callers))
	if !had {
		return
	}
	if i := slices.IndexFunc(s.callers, func(c desk.Caller) bool { return c.ID == at.ID }); i >= 0 {
		s.list.Select(i)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// selected is the caller under the cursor.
func (s *Screen) selected() (desk.Caller, bool) {
	i := s.list.At()
	if i < 0 || i >= len(s.callers) {
		return desk.Caller{}, false
	}
	return s.callers[i], true
}

func (s *Screen) mouse(m tea.MouseMsg) {
	f := s.divide()
	at := waitingPart
	if m.Y >= f.list.h && f.log.h > 0 || f.list.h == 0 {
		at = logPart
	}
	l, first := &s.list, 2
	if at == logPart {
		l, first = &s.log.list, f.log.y+1
	}
	switch m.Button {
	case tea.MouseButtonWheelUp:
		l.Run("up")
	case tea.MouseButtonWheelDown:
		l.Run("down")
	case tea.MouseButtonLeft:
		if m.Action != tea.MouseActionPress {
			return
		}
		s.focus = at
		from, to := l.Window()
		if i := from + m.Y - first; i >= from && i < to {
			l.Select(i)
		}
	}
	s.log.moved()
}

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	s.place()
}

func (s *Screen) place() {
	f := s.divide()
	s.list.SetPage(max(f.list.h-3, 1))
	s.log.list.SetPage(max(f.log.h-2, 1))
}

// Focus implements pane.Pane.
func (s *Screen) Focus(on bool) tea.Cmd {
	s.focused = on
	return nil
}

// Title implements pane.Pane.
func (s *Screen) Title() string { return "Inbox" }

// Capturing implements pane.Pane.
func (s *Screen) Capturing() bool { return false }

// Leave implements pane.Screen: closing the list loses nothing, callers go on
// waiting.
func (s *Screen) Leave() string { return "" }

// Zoom implements pane.Zoomer.
func (s *Screen) Zoom(on bool) {
	s.zoomed = on
	s.place()
}

// Count implements pane.Counter.
func (s *Screen) Count(digit int) { s.listOf().Count(digit) }

// Counting implements pane.Counter.
func (s *Screen) Counting() bool { return s.listOf().Counting() }

// listOf is the list of the focused pane.
func (s *Screen) listOf() *table.List {
	if s.focus == logPart {
		return &s.log.list
	}
	return &s.list
}
