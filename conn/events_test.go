package conn

import (
	"errors"
	"fmt"
	"testing"

	"dialtone/netconf"
)

func newTestQueue() *queue {
	return newQueue(func(id SessionID) (Device, bool) { return Device{ID: id, Dirty: 7}, id != 99 })
}

// drain takes all that waits, without a pump.
func drain(q *queue) (evs []Event) {
	for {
		ev, ok := q.take()
		if !ok {
			return evs
		}
		evs = append(evs, ev)
	}
}

func note(n int) *netconf.Notification {
	return &netconf.Notification{Name: fmt.Sprint(n), Body: make([]byte, 100)}
}

func TestChangesOfOneSessionBecomeOneEvent(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	x := &Exchange{ID: 5, Session: 1}
	for range 1000 {
		q.changed(1)
		q.progress(x)
		q.changed(2)
	}
	q.done(x)
	q.changed(1)
	var got []string
	for _, ev := range drain(q) {
		got = append(got, fmt.Sprint(ev.Kind, ev.Session))
	}
	if fmt.Sprint(got) != "[0 1 0 2 2 1]" { // the end of an exchange takes the place of its progress
		t.Errorf("got %v", got)
	}
	q.changed(1)
	if len(drain(q)) != 1 {
		t.Error("a change after the event was taken is lost")
	}
}

func TestFloodCostsOnlyTheOldestOfItsOwnSession(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	q.notify(2, note(1))
	const flood = maxNotified + 500
	for i := range flood {
		q.notify(1, note(i))
	}
	q.notify(2, note(2))
	q.changed(1)
	evs := drain(q)
	if len(evs) != maxNotified+3 {
		t.Fatalf("%d events", len(evs))
	}
	if evs[0].Session != 2 || evs[0].Dropped != 0 {
		t.Errorf("first %+v", evs[0])
	}
	first := evs[1]
	if first.Session != 1 || first.Dropped != 500 || first.Notification.Name != "500" {
		t.Errorf("first of the flood: %+v %s", first, first.Notification.Name)
	}
	total := 0
	for _, ev := range evs {
		total += ev.Dropped
		if ev.Session == 2 && ev.Dropped != 0 {
			t.Error("the quiet session lost something")
		}
	}
	if total != 500 {
		t.Errorf("%d counted", total)
	}
	if q.bytes != 0 || len(q.notified) != 0 || q.order.Len() != 0 {
		t.Errorf("left over: %d bytes, %d lanes", q.bytes, len(q.notified))
	}
}

func TestLargeNotificationsAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	for range 100 {
		q.notify(1, &netconf.Notification{Body: make([]byte, 1<<20)})
	}
	if q.bytes > maxNotifiedBytes {
		t.Errorf("%d bytes wait", q.bytes)
	}
	for s := range 100 {
		for range 5 {
			q.notify(SessionID(s+10), &netconf.Notification{Body: make([]byte, 1<<20)})
		}
	}
	if q.bytes > maxBytes+100<<20 { // each session keeps its newest
		t.Errorf("%d bytes wait", q.bytes)
	}
	for range 10 * maxFaults {
		q.fault(3, errors.New("odd"))
	}
	n := 0
	for _, ev := range drain(q) {
		if ev.Kind == Faulted {
			n += 1 + ev.Dropped
		}
	}
	if n != 10*maxFaults {
		t.Errorf("%d faults accounted for", n)
	}
}

func TestStoppedQueueTakesNothingIn(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	done := make(chan struct{})
	go func() { // ends with stop
		q.pump()
		close(done)
	}()
	q.changed(99) // a row that is gone
	q.changed(1)
	if ev := <-q.out; ev.Device.ID != 1 || ev.Device.Dirty != 7 {
		t.Errorf("event %+v", ev)
	}
	q.stop()
	<-done
	for range q.out {
	}
	q.notify(1, note(1))
	q.changed(1)
	q.done(&Exchange{})
	if q.order.Len() != 0 {
		t.Error("a stopped queue grows")
	}
	q.stop()
}
