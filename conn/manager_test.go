package conn

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

func TestRequestsGoOutInTheOrderOfTheCallsAndAreTracked(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j})
	closing(t, m)
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	var xs []*Exchange
	for _, body := range []string{lock, edit, edit, getConfig} {
		xs = append(xs, send(t, m, id, body))
	}
	if d, _ := m.Device(id); d.Waiting == 0 {
		t.Error("nothing seems to wait")
	}
	for _, x := range xs {
		if o, err := ended(t, m, x); err != nil || !o.OK {
			t.Fatalf("%s: %+v %v", x.Request.Name, o.Errors, err)
		}
	}
	d, _ := m.Device(id)
	if !reflect.DeepEqual(d.Locks, []netconf.Datastore{netconf.Candidate}) || d.Dirty != 2 || d.Waiting != 0 {
		t.Errorf("device %+v", d)
	}
	if got := j.list(); !reflect.DeepEqual(got, []string{"lock:1", "edit-config:1", "edit-config:1", "get-config:1"}) {
		t.Errorf("order %v", got)
	}
	ended(t, m, send(t, m, id, `<commit/>`))
	ended(t, m, send(t, m, id, unlock))
	if d, _ = m.Device(id); d.Dirty != 0 || len(d.Locks) != 0 {
		t.Errorf("after commit and unlock %+v", d)
	}
	o, _ := ended(t, m, send(t, m, id, unlock))
	if o.OK || o.ErrorCount == 0 {
		t.Errorf("an unlock without lock was fine: %+v", o)
	}
}

func TestReadOnlyTargetRefusesWhateverTheCallerSays(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	ro := target("r1")
	ro.ReadOnly = true
	id := m.Connect(ro)
	until(t, m, id, "open", inState(Open))
	for _, body := range []string{lock, edit, `<commit/>`, `<reboot xmlns="urn:x"/>`} {
		if _, err := m.Send(id, request(t, body)); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s: %v", body, err)
		}
		liar := netconf.Request{Name: "get", Body: []byte(body), Effect: netconf.Reads}
		if _, err := m.Send(id, liar); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%s as a read: %v", body, err)
		}
	}
	if o, err := ended(t, m, send(t, m, id, getConfig)); err != nil || !o.OK {
		t.Errorf("a read: %+v %v", o, err)
	}
	if s := l.tap("r1").text(); strings.Contains(s, "edit-config>") || strings.Contains(s, "<commit") {
		t.Error("something was sent")
	}
}

func TestStopLeavesTheSessionUsable(t *testing.T) {
	t.Parallel()
	dev := rfc(simdev.Faults{})
	l := newLab(t, map[string]*simdev.Device{"r1": dev})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	dev.SetFaults(simdev.Faults{Delay: 50 * time.Millisecond})
	read, write, queued := send(t, m, id, getConfig), send(t, m, id, edit), send(t, m, id, edit)
	waitSent(t, l.tap("r1"), "get-config")
	m.Stop(queued.ID)
	if o, err := ended(t, m, queued); o.Result != netconf.NotSent || !errors.Is(err, context.Canceled) {
		t.Errorf("queued: %+v %v", o, err)
	}
	m.Stop(read.ID)
	if o, err := ended(t, m, read); o.Result != netconf.Stopped || !strings.Contains(err.Error(), "RPC-STOPPED") {
		t.Errorf("read: %+v %v", o, err)
	}
	waitSent(t, l.tap("r1"), "edit-config")
	m.Stop(write.ID)
	if o, _ := ended(t, m, write); o.Result != netconf.Unknown {
		t.Errorf("write: %+v", o)
	}
	d, _ := m.Device(id)
	if len(d.Doubts) != 1 || d.Dirty != 1 {
		t.Errorf("device %+v", d)
	}
	o, err := ended(t, m, send(t, m, id, `<discard-changes/>`))
	if err != nil || !o.OK {
		t.Errorf("after stopping: %+v %v", o, err)
	}
	if d, _ = m.Device(id); len(d.Doubts) != 0 || d.Dirty != 0 {
		t.Errorf("after discarding %+v", d)
	}
	if strings.Count(l.tap("r1").text(), "<edit-config>") != 1 {
		t.Error("the request taken back was sent")
	}
}

func TestCloseReturnsDirtySessionsAndLeavesNothing(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{}), "r2": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	a, b := m.Connect(target("r1")), m.Connect(target("r2"))
	until(t, m, a, "open", inState(Open))
	until(t, m, b, "open", inState(Open))
	ended(t, m, send(t, m, a, edit))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dirty := m.Close(ctx)
	if len(dirty) != 1 || dirty[0].ID != a || dirty[0].Dirty != 1 {
		t.Errorf("dirty %+v", dirty)
	}
	for _, h := range []string{"r1", "r2"} {
		if !strings.Contains(l.tap(h).text(), "close-session") {
			t.Errorf("%s was not told", h)
		}
	}
	if id := m.Connect(target("r1")); id != 0 {
		t.Errorf("Connect after Close gave %d", id)
	}
	if m.Close(ctx) != nil {
		t.Error("a second Close found something")
	}
	for range m.Events() { // must be closed
	}
	if m.running != 0 {
		t.Errorf("%d goroutines left", m.running)
	}
}

func TestCloseByForceEndsADeviceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	dev := rfc(simdev.Faults{})
	l := newLab(t, map[string]*simdev.Device{"r1": dev})
	m := NewManager(Options{Dialer: l})
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	dev.SetFaults(simdev.Faults{Delay: time.Hour})
	x := send(t, m, id, edit)
	waitSent(t, l.tap("r1"), "edit-config")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	start := time.Now()
	m.Close(ctx)
	if took := time.Since(start); took > forceGrace {
		t.Errorf("took %v", took)
	}
	if o, done, _ := x.Snapshot(); !done || o.Result != netconf.Unknown {
		t.Errorf("in flight: %+v %v", o, done)
	}
}

func TestPanicInOneSessionIsItsErrorOnly(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	var mu sync.Mutex
	var where []string
	m := NewManager(Options{Dialer: l, Crashed: func(w string, v any, stack []byte) {
		mu.Lock()
		defer mu.Unlock()
		where = append(where, fmt.Sprint(w, v, len(stack) > 0))
	}})
	closing(t, m)
	good := m.Connect(target("r1"))
	until(t, m, good, "open", inState(Open))
	l.mu.Lock()
	l.fail = func(int) error { panic("boom") }
	l.mu.Unlock()
	bad := m.Connect(target("r2"))
	d := until(t, m, bad, "lost", inState(Lost))
	if !strings.Contains(d.Err.Error(), "CRASH") || !strings.Contains(d.Err.Error(), "boom") {
		t.Errorf("error %v", d.Err)
	}
	if o, err := ended(t, m, send(t, m, good, getConfig)); err != nil || !o.OK {
		t.Errorf("the other session: %+v %v", o, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m.Close(ctx)
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(where, []string{"sessionboomtrue"}) {
		t.Errorf("crashes %v", where)
	}
}

func TestManyIdleSessionsAreCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("dials 300 sessions")
	}
	const n = 300
	l := newLab(t, map[string]*simdev.Device{"r": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l})
	closing(t, m)
	ids := make([]SessionID, n)
	for i := range ids {
		tg := target("r")
		tg.Name = fmt.Sprint("r", i)
		ids[i] = m.Connect(tg)
	}
	for _, id := range ids {
		until(t, m, id, "open", inState(Open))
	}
	m.mu.Lock()
	running := m.running
	m.mu.Unlock()
	if running != n+1 { // one a session and the pump of the events
		t.Errorf("%d goroutines for %d sessions", running, n)
	}
}

func TestOneBadDeviceCostsTheOthersNothing(t *testing.T) {
	t.Parallel()
	const good, each = 12, 15
	devs := map[string]*simdev.Device{
		"flood": rfc(simdev.Faults{}), "cut": rfc(simdev.Faults{CutAfter: 100}), "stuck": rfc(simdev.Faults{Delay: time.Hour}),
	}
	for i := range good {
		devs[fmt.Sprint("r", i)] = rfc(simdev.Faults{})
	}
	l := newLab(t, devs)
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j, Redial: true})
	closing(t, m)
	ids := make(map[string]SessionID)
	for name := range devs {
		ids[name] = m.Connect(target(name))
	}
	for _, id := range ids {
		until(t, m, id, "open", func(d Device) bool { return d.State == Open || len(d.Former) > 0 })
	}
	ended(t, m, send(t, m, ids["flood"], `<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"/>`))
	over := make(chan struct{})
	defer func() { <-over }()
	stop := make(chan struct{})
	defer close(stop)
	go func() { // ends with stop
		defer close(over)
		for {
			select {
			case <-stop:
				return
			default:
				devs["flood"].Notify([]byte(`<event xmlns="urn:x">` + strings.Repeat("x", 2000) + `</event>`))
			}
		}
	}()
	stuckX, err := m.Send(ids["stuck"], request(t, edit))
	if err != nil {
		t.Fatal(err)
	}
	cutX, err := m.Send(ids["cut"], request(t, getConfig))
	if err != nil {
		t.Fatal(err)
	}
	var xs []*Exchange
	for range each {
		for i := range good {
			xs = append(xs, send(t, m, ids[fmt.Sprint("r", i)], getConfig))
		}
	}
	for _, x := range xs {
		if o, err := ended(t, m, x); err != nil || !o.OK {
			t.Fatalf("%s: %+v %v", x.Device, o, err)
		}
	}
	if o, _ := ended(t, m, cutX); o.Result != netconf.Stopped {
		t.Errorf("cut: %+v", o)
	}
	if _, done, _ := stuckX.Snapshot(); done {
		t.Error("the stuck request has ended")
	}
	if got := len(j.list()); got != good*each+2 { // the subscription and the one that was cut
		t.Errorf("%d entries in the journal", got)
	}
}
