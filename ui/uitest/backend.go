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
	last    conn.SessionID
	calls   []string
	stopped []conn.ExchangeID
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
	i := slices.IndexFunc(b.devices, func(o conn.Device) bool { return o.ID == d.ID })
	if i < 0 {
		b.devices = append(b.devices, d)
	} else {
		b.devices[i] = d
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
	for _, d := range b.devices {
		if d.ID == id {
			return d, true
		}
	}
	return conn.Device{}, false
}

// Devices implements screen.Backend.
func (b *Backend) Devices() []conn.Device {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.devices)
}

// Events implements screen.Backend.
func (b *Backend) Events() <-chan conn.Event { return b.Out }

// Open makes Events a channel with room for n.
func (b *Backend) Open(n int) { b.Out = make(chan conn.Event, n) }
