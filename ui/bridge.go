package ui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/ui/msg"
)

// Limits of the way of events to the screen: a flood below costs at most
// thirty messages, and so thirty frames, a second.
const (
	drainMost = 256
	drainFor  = 16 * time.Millisecond
	spacing   = 33 * time.Millisecond
)

// arrived is one batch of events; the bridge is armed again after it.
type arrived struct{ events msg.Events }

// bridge brings events from below into the program. Its next runs as one
// command at a time.
type bridge struct {
	ctx   context.Context
	in    <-chan conn.Event
	timer func(time.Duration) <-chan time.Time
	pause <-chan time.Time // runs while the next batch may not be sent yet
}

func newBridge(ctx context.Context, in <-chan conn.Event) *bridge {
	return &bridge{ctx: ctx, in: in, timer: time.After}
}

// next waits for an event, takes what else comes within 16 ms, and returns it
// as one message, at the earliest 33 ms after the one before. It returns nil
// when ctx is done or the events have ended.
func (b *bridge) next() tea.Msg {
	if b.in == nil {
		return nil
	}
	var batch msg.Events
	select {
	case e, ok := <-b.in:
		if !ok {
			return nil
		}
		batch = append(batch, e)
	case <-b.ctx.Done():
		return nil
	}
	full := b.timer(drainFor)
	for len(batch) < drainMost {
		select {
		case e, ok := <-b.in:
			if !ok {
				return arrived{batch}
			}
			batch = append(batch, e)
			continue
		case <-b.ctx.Done():
			return nil
		case <-full:
		}
		break
	}
	if b.pause != nil {
		select {
		case <-b.pause:
		case <-b.ctx.Done():
			return nil
		}
	}
	b.pause = b.timer(spacing)
	return arrived{batch}
}

var _ tea.Cmd = (*bridge)(nil).next
