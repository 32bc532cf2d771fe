package uitest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/netconf"
)

// Backend is a fake of what the interface uses of conn.Manager. Nothing
// happens in it by itself: tests set devices and send the events themselves.
// Its methods may be called concurrently.
type Backend struct {
	Now func() time.Time
	// Out, when set, is what Events returns.
	Out chan conn.Event
	// OnSend answers Send; without it every request is refused.
	OnSend func(id conn.SessionID, r netconf.Request) (*conn.Exchange, error)

	mu      sync.Mutex
	devices []conn.Device
	at      map[conn.SessionID]int // in devices
	last    conn.SessionID
	calls   []string
	stopped []conn.ExchangeID
	notes   map[conn.SessionID]*conn.Notes
	odd     map[conn.SessionID][]conn.Oddity
}

// Calls is what was asked of the backend so far: "connect core-r1",
// "disconnect 2".
func (b *Backend) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// Set adds or replaces a device and returns the event that tells of it. A zero
// ID is given the next one.
func (b *Backend) Set(d conn.Device) conn.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	if d.ID == 0 {
		b.last++
		d.ID = b.last
	}
	b.last = max(b.last, d.ID)
	if i, ok := b.at[d.ID]; ok {
		b.devices[i] = d
	} else {
		if b.at == nil {
			b.at = map[conn.SessionID]int{}
		}
		b.at[d.ID] = len(b.devices)
		b.devices = append(b.devices, d)
	}
	return conn.Event{Kind: conn.DeviceChanged, Session: d.ID, Device: d}
}

// Probe is conn.Manager's; every session is alive.
func (b *Backend) Probe(_ context.Context, id conn.SessionID) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, fmt.Sprintf("probe %d", id))
	return nil
}

// Connect implements screen.Backend: the device is dialing from then on.
func (b *Backend) Connect(t link.Target) conn.SessionID {
	d := conn.Device{Target: t, State: conn.Dialing}
	if b.Now != nil {
		d.Since = b.Now()
	}
	e := b.Set(d)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, "connect "+t.Name)
	return e.Session
}

// Disconnect implements screen.Backend.
func (b *Backend) Disconnect(id conn.SessionID) {
	d, ok := b.Device(id)
	b.mu.Lock()
	b.calls = append(b.calls, "disconnect "+d.Target.Name)
	b.mu.Unlock()
	if ok {
		d.State = conn.Closed
		b.Set(d)
	}
}

// ErrRefused is what Send returns without OnSend.
var ErrRefused = errors.New("refused by the test")

// Send implements screen.Backend.
func (b *Backend) Send(id conn.SessionID, r netconf.Request) (*conn.Exchange, error) {
	b.mu.Lock()
	b.calls = append(b.calls, "send "+r.Name)
	b.mu.Unlock()
	if b.OnSend == nil {
		return nil, ErrRefused
	}
	return b.OnSend(id, r)
}

// Stop implements screen.Backend.
func (b *Backend) Stop(id conn.ExchangeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = append(b.stopped, id)
}

// Stopped is the exchanges that were stopped.
func (b *Backend) Stopped() []conn.ExchangeID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.stopped)
}

// Device implements screen.Backend.
func (b *Backend) Device(id conn.SessionID) (conn.Device, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	i, ok := b.at[id]
	if !ok {
		return conn.Device{}, false
	}
	return b.devices[i], true
}

// Devices implements screen.Backend.
func (b *Backend) Devices() []conn.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.devices)
}

// Notes is conn.Manager's; a test adds to it what came.
func (b *Backend) Notes(id conn.SessionID) *conn.Notes {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.notes[id] == nil {
		if b.notes == nil {
			b.notes = make(map[conn.SessionID]*conn.Notes)
		}
		b.notes[id] = conn.NewNotes()
	}
	return b.notes[id]
}

// Fault notes an oddity of a session and returns the event that tells of it.
func (b *Backend) Fault(id conn.SessionID, o conn.Oddity) conn.Event {
	d, _ := b.Device(id)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.odd == nil {
		b.odd = make(map[conn.SessionID][]conn.Oddity)
	}
	b.odd[id] = append(b.odd[id], o)
	return conn.Event{Kind: conn.Faulted, Session: id, Device: d, Err: o.Err, Raw: o.Raw}
}

// Oddities is conn.Manager's.
func (b *Backend) Oddities(id conn.SessionID) ([]conn.Oddity, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.odd[id]), 0
}

// Events implements screen.Backend.
func (b *Backend) Events() <-chan conn.Event { return b.Out }

// Open makes Events a channel with room for n.
func (b *Backend) Open(n int) { b.Out = make(chan conn.Event, n) }
