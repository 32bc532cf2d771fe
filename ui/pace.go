package ui

import (
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// frameGap is the least time between two frames drawn for keys of one burst: one
// frame of the terminal at 120 a second.
const frameGap = 8 * time.Millisecond

// drawNow has the last frame of a burst drawn.
type drawNow struct{}

// pace spares frames that nobody can see. The framework asks for one after each
// message; text pasted into a terminal that does not mark it comes as thousands
// of keys. The first key of a burst is drawn at once, as are messages of any other
// kind; what follows within frameGap waits until that is over.
type pace struct {
	drawn time.Time // when the last frame was
	input time.Time // when the last key or mouse event came
	held  bool      // the next frame is the last one again
	armed bool      // drawNow is on its way
	frame string    // the last one
}

// take looks at a message before its frame and returns how long after it drawNow
// is due, 0 when it is not needed.
func (p *pace) take(m tea.Msg, now time.Time) time.Duration {
	switch m.(type) {
	case tea.KeyMsg, tea.MouseMsg, nextKey:
	default:
		if _, ok := m.(drawNow); ok {
			p.armed = false
		}
		p.held = false
		return 0
	}
	since := now.Sub(p.drawn)
	p.held = since >= 0 && since < frameGap && now.Sub(p.input) < frameGap
	p.input = now
	if !p.held || p.armed {
		return 0
	}
	p.armed = true
	return frameGap - since
}

// view is the frame to show: the last one for a message that was held, else a
// new one.
func (p *pace) view(draw func() string, now func() time.Time) string {
	if p.held {
		p.held = false // whoever asks again wants to see what is
		return p.frame
	}
	p.frame = draw()
	p.drawn = now()
	return p.frame
}
