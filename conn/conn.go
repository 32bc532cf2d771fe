// Package conn gives sessions a life: it dials, opens NETCONF, keeps every
// session and goroutine below the interface, and tells what happens as events.
package conn

import (
	"context"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
)

// SessionID names a session for the life of the program.
type SessionID uint64

// ExchangeID names one request with its reply.
type ExchangeID uint64

// State is where a session stands.
type State uint8

// The states in the order of a life.
const (
	Idle State = iota
	Dialing
	Authenticating
	Greeting
	Open
	Closing
	Closed // by us
	Lost   // not by us: Err says why
)

// Device is one session as a row of the device list: a value, safe to keep.
type Device struct {
	ID        SessionID
	Target    link.Target
	State     State
	Peer      link.Peer
	NetconfID uint32 // session-id of the device's hello
	Framing   netconf.Framing
	Caps      netconf.Caps
	Locks     []netconf.Datastore // held by this session
	Dirty     int                 // edits sent since the last commit or discard
	Err       error
	Lost      []string  // what was lost with the session, in words
	Since     time.Time // of State
	Opened    time.Time
	Waiting   int // requests in flight
}

// Exchange is one request with its reply, complete or still arriving. The
// pointer stays valid; Snapshot is the only way to the changing parts.
type Exchange struct {
	ID      ExchangeID
	Session SessionID
	Device  string // target name
	Request netconf.Request
	Started time.Time
	Doc     *xmldoc.Doc // grows while the reply arrives

	state exchangeState // guarded by its own lock
}

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	DeviceChanged    EventKind = iota // Device is the new value
	ExchangeProgress                  // Exchange.Doc has grown; at most every 33 ms
	ExchangeDone                      // Exchange is complete or given up
	Notified                          // Notification came
	Faulted                           // Err: something odd that did not end the session
)

// Event is something that happened below the interface.
type Event struct {
	Kind         EventKind
	Session      SessionID
	Device       Device
	Exchange     *Exchange
	Notification *netconf.Notification
	Err          error
	Dropped      int // notifications dropped before this event
}

// Options configure a Manager.
type Options struct {
	Dialer link.Dialer
	Ask    link.Asker
	Now    func() time.Time
	// Recorder, when set, is asked for a recorder for each new session (--trace).
	Recorder func(t link.Target) netconf.Recorder
	// Journal, when set, receives every finished exchange.
	Journal Journal
	// Crashed is told of a panic in a goroutine below the interface, after it
	// became that session's error.
	Crashed func(where string, value any, stack []byte)
}

// Journal keeps what was asked and answered.
type Journal interface {
	Append(x *Exchange, o netconf.Outcome, err error)
}

// Manager owns every session and goroutine below the interface. Its methods
// may be called concurrently and never wait for the network, except Close.
type Manager struct{}

// NewManager starts nothing yet.
func NewManager(o Options) *Manager { panic("conn: being written") }

// Connect starts dialling t and returns at once; the rest comes as events. A
// second Connect of a target whose session is Lost or Closed makes a new one.
func (m *Manager) Connect(t link.Target) SessionID { panic("conn: being written") }

// Adopt opens NETCONF on a link that exists already (a device that called).
func (m *Manager) Adopt(t link.Target, l *link.Link) SessionID { panic("conn: being written") }

// Disconnect ends a session or a dial in an orderly way, in the background.
func (m *Manager) Disconnect(id SessionID) { panic("conn: being written") }

// Send starts a request and returns at once with an Exchange whose Doc grows.
// It refuses, with nothing sent, when the session is not open, when the target
// is read-only and r alters, or when the session is being closed.
func (m *Manager) Send(id SessionID, r netconf.Request) (*Exchange, error) {
	panic("conn: being written")
}

// Stop stops waiting for an exchange; the device may still finish it.
func (m *Manager) Stop(id ExchangeID) { panic("conn: being written") }

// Device returns one session's value.
func (m *Manager) Device(id SessionID) (Device, bool) { panic("conn: being written") }

// Devices returns all sessions in the order of their making.
func (m *Manager) Devices() []Device { panic("conn: being written") }

// Events is the one stream of events. Bounded: the oldest notification is
// dropped and counted, state changes are coalesced by session.
func (m *Manager) Events() <-chan Event { panic("conn: being written") }

// Close ends all sessions in an orderly way within ctx, then by force. It
// returns the sessions that had uncommitted work.
func (m *Manager) Close(ctx context.Context) []Device { panic("conn: being written") }
