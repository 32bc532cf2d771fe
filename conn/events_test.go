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

func TestNotificationsOfOneSessionBecomeOneEvent(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	q.notify(2, note(1))
	for i := range 5000 {
		q.notify(1, note(i))
	}
	q.notify(2, note(2))
	var got []string
	for _, ev := range drain(q) {
		got = append(got, fmt.Sprint(ev.Kind, ev.Session, ev.Notification.Name))
	}
	if fmt.Sprint(got) != "[3 22 3 14999]" {
		t.Errorf("got %q", got)
	}
	q.notify(1, note(1))
	if len(drain(q)) != 1 {
		t.Error("a notification after the event was taken is not told")
	}
	if q.bytes != 0 || len(q.notified) != 0 || q.order.Len() != 0 {
		t.Errorf("left over: %d bytes, %d lanes", q.bytes, len(q.notified))
	}
}

func TestFaultsAreBoundedByCountAndBytes(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	raw := make([]byte, 64<<10)
	for s := range 100 {
		for range 5 * maxFaults {
			q.oddity(SessionID(s+10), errors.New("odd"), raw)
		}
	}
	if q.bytes > maxBytes+100*len(raw) { // each session keeps its newest
		t.Errorf("%d bytes wait", q.bytes)
	}
	if n := len(q.faults[10].items) * len(raw); n > maxFaultBytes {
		t.Errorf("%d bytes of one session wait", n)
	}
	for range 10 * maxFaults {
		q.fault(3, errors.New("odd"))
	}
	count := map[SessionID]int{}
	for _, ev := range drain(q) {
		count[ev.Session] += 1 + ev.Dropped
	}
	if count[3] != 10*maxFaults || count[10] != 5*maxFaults || count[109] != 5*maxFaults {
		t.Errorf("faults accounted for: %v", count)
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
