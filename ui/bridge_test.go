package ui

import (
	"context"
	"runtime"
	"testing"
	"time"

	"dialtone/conn"
)

// handTimer gives out timers that a test fires.
type handTimer struct{ made chan chan time.Time }

func (h *handTimer) after(time.Duration) <-chan time.Time {
	c := make(chan time.Time, 1)
	h.made <- c
	return c
}

func TestBridgeBatchesAndSpaces(t *testing.T) {
	t.Parallel()
	in := make(chan conn.Event, 1000)
	for i := range 600 {
		in <- conn.Event{Session: conn.SessionID(i + 1)}
	}
	h := &handTimer{made: make(chan chan time.Time, 10)}
	b := newBridge(t.Context(), in)
	b.timer = h.after
	first := b.next().(arrived) // full before its 16 ms are over
	if len(first.events) != drainMost || first.events[0].Session != 1 {
		t.Fatalf("first batch has %d events", len(first.events))
	}
	<-h.made
	pause := <-h.made
	got := make(chan arrived)
	go func() { got <- b.next().(arrived) }() // ends when taken below
	<-h.made
	select {
	case <-got:
		t.Fatal("a second batch came before the pause was over")
	case pause <- time.Time{}:
	}
	second := <-got
	if len(second.events) != drainMost || second.events[0].Session != drainMost+1 {
		t.Errorf("second batch has %d events", len(second.events))
	}
	(<-h.made) <- time.Time{} // pause of the second
	go func() { got <- b.next().(arrived) }()
	full := <-h.made
	for len(in) > 0 { // the rest is drained before its 16 ms are over
		runtime.Gosched()
	}
	full <- time.Time{}
	if third := <-got; len(third.events) != 600-2*drainMost {
		t.Errorf("third batch has %d events", len(third.events))
	}
}

func TestBridgeEnds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	b := newBridge(ctx, make(chan conn.Event))
	cancel()
	if m := b.next(); m != nil {
		t.Errorf("after cancel: %v", m)
	}
	in := make(chan conn.Event, 1)
	in <- conn.Event{Session: 1}
	close(in)
	b = newBridge(t.Context(), in)
	if m, ok := b.next().(arrived); !ok || len(m.events) != 1 {
		t.Errorf("the last events are lost: %v", m)
	}
	if m := b.next(); m != nil {
		t.Errorf("after the end of events: %v", m)
	}
}

func TestEventsReachTheScreenThroughTheBridge(t *testing.T) {
	t.Parallel()
	p := start(t, nil, func(d *Deps) { d.Backend.(interface{ Open(int) }).Open(8) })
	p.backend.Out <- p.backend.Set(conn.Device{Target: target("r1", "192.0.2.1", ""), State: conn.Dialing, Since: p.Now()})
	p.Await("the device", func() bool { return p.Shows("r1") && p.Shows("dialling") })
	p.backend.Out <- p.backend.Set(conn.Device{ID: 1, Target: target("r1", "192.0.2.1", ""), State: conn.Open, Since: p.Now()})
	p.Await("the next state", func() bool { return p.Shows("open") })
}
