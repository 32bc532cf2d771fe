// Package conn gives sessions a life: it dials, opens NETCONF, keeps every
// session and goroutine below the interface, and tells what happens as events.
package conn

import (
	"container/list"
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

	Stage   link.Stage // of the dial, "" when none is under way
	Doubts  []Doubt    // requests whose outcome is unknown, newest last
	Former  []Former   // the sessions that this row had before, newest last
	Pending *Pending   // confirmed commit that waits; nil: none is known of
	Redial  time.Time  // when it is dialled again by itself; zero: it is not
	Redials int        // dials made by themselves since the session was open
}

// Doubt is a request that may or may not have taken effect. It goes when a
// later answer settles it: the same operation on the same datastore, or a
// commit or discard for an edit.
type Doubt struct {
	Exchange ExchangeID
	Name     string // of the operation
	Target   string // datastore, "" when none
	Sent     time.Time
}

// Pending is a confirmed commit whose confirmation has not been sent, or not
// been answered. It is a value that never changes.
type Pending struct {
	Exchange ExchangeID
	Sent     time.Time
	// Deadline is when the device rolls back, counted from Sent and so never
	// too late.
	Deadline  time.Time
	PersistID string // "": without a token
	Native    bool   // Junos's own operation, which does not end with the session
	Unsure    bool   // the answer to it, or to its confirmation, is not known
}

// Tied reports a commit that the device must roll back when the session that
// sent it ends (RFC 6241 section 8.4.1).
func (p *Pending) Tied() bool { return p.PersistID == "" && !p.Native }

// Former is an earlier session of the same row. A device that still holds a
// lock for its NetconfID holds it for us.
type Former struct {
	NetconfID uint32
	Ended     time.Time
	Lost      []string // what was lost with it, in words; nil when we ended it
}

// Exchange is one request with its reply, complete or still arriving. The
// pointer stays valid; Snapshot is the only way to the changing parts.
//
// Whoever can reach the Exchange or its Doc may read the text: the manager
// forgets old replies (see Release), and their memory is given back only when
// nothing refers to the Doc any more.
type Exchange struct {
	ID      ExchangeID
	Session SessionID
	Device  string // target name
	Request netconf.Request
	Started time.Time
	Doc     *xmldoc.Doc // grows while the reply arrives

	ctx    context.Context // ends with Stop
	cancel context.CancelFunc
	ended  chan struct{} // see Done
	state  exchangeState // guarded by its own lock
	place  *list.Element // in Manager.kept; this and size are guarded by Manager.mu
	size   int64
}

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	DeviceChanged    EventKind = iota // Device is the new value
	ExchangeProgress                  // Exchange.Doc has grown; at most every 33 ms
	ExchangeDone                      // Exchange is complete or given up
	Notified                          // one or more came: Notification is the newest, Manager.Notes has the rest
	Faulted                           // Err: something odd that did not end the session; Device is set
)

// Event is something that happened below the interface.
type Event struct {
	Kind         EventKind
	Session      SessionID
	Device       Device
	Exchange     *Exchange
	Notification *netconf.Notification
	Err          error
	Raw          []byte // what Err is about, at most 64 KiB; not to be changed
	Dropped      int    // faults of the same session dropped before this one
}

// Options configure a Manager.
type Options struct {
	Dialer link.Dialer
	Ask    link.Asker
	Now    func() time.Time
	// ReadOnly makes every target read-only.
	ReadOnly bool
	// Redial dials a lost session again by itself, with back-off, when nothing
	// was at stake: it had been open, held no lock, had no uncommitted edit and
	// no request under way. Nothing is ever sent again.
	Redial bool
	// KeepReplies is how many replies of one session are kept (20 when 0),
	// KeepBytes how many bytes of all sessions together (512 MiB when 0). The
	// newest reply of a session is always kept.
	KeepReplies int
	KeepBytes   int64
	// Doc is how the documents of replies are made.
	Doc xmldoc.Options
	// Recorder, when set, is asked for a recorder for each new session (--trace).
	Recorder func(t link.Target) netconf.Recorder
	// Journal, when set, receives every finished exchange.
	Journal Journal
	// Watch, when set, sees every request before it is sent and when it has
	// ended.
	Watch Watcher
	// Crashed is told of a panic in a goroutine below the interface, after it
	// became that session's error.
	Crashed func(where string, value any, stack []byte)
}

// Journal keeps what was asked and answered. Append may be called from several
// goroutines at once.
type Journal interface {
	Append(x *Exchange, o netconf.Outcome, err error)
}

// Watcher sees the requests of all sessions pass. Its methods are called from
// the goroutine of the requests of one session, several at once for several
// sessions, and may call methods of the manager that do not wait.
type Watcher interface {
	// Before is called when it is x's turn and nothing of it has been sent. An
	// error keeps it from being sent: it ends as NotSent with that error.
	Before(x *Exchange, d Device) error
	// After is called when x has ended, before its event, with the row as the
	// outcome has left it. It is called for those that Before refused, too.
	After(x *Exchange, o netconf.Outcome, err error, d Device)
}
