package uitest

import (
	"fmt"
	"slices"
	"sync"

	"dialtone/conn/desk"
	"dialtone/conn/link"
)

// Desk is a fake of the desk of callers. Nothing happens in it by itself:
// tests set what stands there. Its methods may be called concurrently.
type Desk struct {
	// Fail, when set, is what every request returns.
	Fail error

	mu        sync.Mutex
	callers   []desk.Caller
	listeners []desk.Listener
	lines     []desk.Line
	calls     []string
	accepted  []link.Target
	changed   chan struct{}
}

// NewDesk returns a desk at which nobody stands.
func NewDesk() *Desk { return &Desk{changed: make(chan struct{}, 1)} }

// Set replaces what stands at the desk and tells of it.
func (d *Desk) Set(cs []desk.Caller, ls []desk.Listener, log []desk.Line) {
	d.mu.Lock()
	d.callers, d.listeners, d.lines = cs, ls, log
	d.mu.Unlock()
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// Calls is what was asked of the desk so far: "refuse 2".
func (d *Desk) Calls() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.calls)
}

// Accepted is the targets that callers were let in as.
func (d *Desk) Accepted() []link.Target {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.accepted)
}

func (d *Desk) note(format string, args ...any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, fmt.Sprintf(format, args...))
	return d.Fail
}

// Listen implements desk.Desk.
func (d *Desk) Listen(kind, addr string) error { return d.note("listen %s %s", kind, addr) }

// Stop implements desk.Desk.
func (d *Desk) Stop(kind, addr string) error { return d.note("stop %s %s", kind, addr) }

// Listeners implements desk.Desk.
func (d *Desk) Listeners() []desk.Listener {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.listeners)
}

// Callers implements desk.Desk.
func (d *Desk) Callers() []desk.Caller {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.callers)
}

// Log implements desk.Desk.
func (d *Desk) Log(n int) []desk.Line {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines[max(len(d.lines)-n, 0):])
}

// Accept implements desk.Desk.
func (d *Desk) Accept(id desk.CallerID, t link.Target, save bool) error {
	d.mu.Lock()
	d.accepted = append(d.accepted, t)
	d.mu.Unlock()
	return d.note("accept %d as %s, save %v", id, t.Name, save)
}

// Bind implements desk.Desk.
func (d *Desk) Bind(id desk.CallerID, profile string) error { return d.note("bind %d %s", id, profile) }

// Refuse implements desk.Desk.
func (d *Desk) Refuse(id desk.CallerID) error { return d.note("refuse %d", id) }

// Block implements desk.Desk.
func (d *Desk) Block(id desk.CallerID) error { return d.note("block %d", id) }

// Changed implements desk.Desk.
func (d *Desk) Changed() <-chan struct{} { return d.changed }

var _ desk.Desk = (*Desk)(nil)
