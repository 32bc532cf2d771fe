package netconf

import (
	"context"
	"io"
	"time"
)

// Options configure a session; zero durations take the values of security.md E2.
type Options struct {
	Quirks       Quirks
	Only10       bool          // never offer base:1.1 (outbound HTTPS)
	HelloTimeout time.Duration // 15 s
	FirstByte    time.Duration // silence before the first byte of a reply: 300 s
	Stall        time.Duration // silence inside a reply: 30 s
	// OnFault is told of protocol faults that do not end the session, with the
	// bytes concerned (at most 64 KiB). Called from the session's goroutine.
	OnFault func(f *Fault, raw []byte)
	// OnNotification receives every notification; it must not block.
	OnNotification func(Notification)
}

// Notification is one event message (RFC 5277). Body is the whole message and
// belongs to the receiver.
type Notification struct {
	EventTime time.Time // zero when missing or unreadable
	Received  time.Time
	Name      string // local name of the event element
	Body      []byte
}

// Result says how much is known about a request.
type Result uint8

// NotSent: no byte left us. Answered: the reply is complete. Stopped: we
// stopped waiting, or the link broke, for a request that only reads. Unknown:
// the same for a request that may change the device; it may or may not have
// taken effect.
const (
	NotSent Result = iota
	Answered
	Stopped
	Unknown
)

// Outcome is what became of one request.
type Outcome struct {
	MessageID          string
	Result             Result
	OK                 bool        // answered, and no rpc-error of severity error
	Errors             []*RPCError // in order, warnings too, at most 100
	ErrorCount         int         // all that came, beyond 100 too
	Bytes              int64       // of the reply
	Flags              []*Fault    // oddities of this reply: missing message-id, broken XML, ...
	Sent, First, Ended time.Time   // last byte sent, first byte received, end of reply
}

// RPCError is one <rpc-error> or Junos <xnm:error>, <xnm:warning>, found at any
// depth of a reply. All fields are the device's text, unescaped from XML and
// trimmed, and hostile until made safe for the screen.
type RPCError struct {
	Type, Tag, Severity, AppTag, Path, Message string
	BadElement, BadAttribute, BadNamespace     string
	SessionID                                  string // of lock-denied
	Info                                       string // raw error-info, at most 4 KiB
}

// Warning reports whether the severity is "warning". A missing or unknown
// severity counts as an error.
func (e *RPCError) Warning() bool { return e.Severity == "warning" }

// Session is one NETCONF session. Its methods may be called concurrently.
type Session struct{}

// Open exchanges hellos over t and starts the session's reader goroutine,
// which ends with the session. It owns t, also when it fails.
func Open(ctx context.Context, t Transport, o Options) (*Session, error) {
	panic("netconf: Open is being written")
}

// Do sends req and copies the reply's bytes (the whole <rpc-reply> message)
// to w as they arrive. Requests of concurrent callers are pipelined in the
// order of their calls. Cancelling ctx stops the waiting, not the device: the
// late reply is discarded and the session stays usable. The error is nil when
// a whole reply came, rpc-errors or not; otherwise a *Fault or ctx's error.
func (s *Session) Do(ctx context.Context, req Request, w io.Writer) (Outcome, error) {
	panic("netconf: Do is being written")
}

// ID is the session-id of the device's hello.
func (s *Session) ID() uint32 { panic("being written") }

// Caps are the device's capabilities.
func (s *Session) Caps() Caps { panic("being written") }

// Framing is what both sides agreed on after the hello.
func (s *Session) Framing() Framing { panic("being written") }

// Done is closed when the session has ended; Err then says why.
func (s *Session) Done() <-chan struct{} { panic("being written") }

// Err is nil while the session lives and after an orderly Close.
func (s *Session) Err() error { panic("being written") }

// Close asks with close-session, waits for the answer at most until ctx is
// done or one second, then closes the transport. Safe to call twice.
func (s *Session) Close(ctx context.Context) error { panic("being written") }
