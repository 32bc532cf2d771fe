// Package outbound is the server that Junos devices dial over outbound HTTPS,
// in both forms on one port: the enhanced one of release 20.3 and later, and the
// basic one of 20.2 (protocol.md sections 4 and 5). The device is the gRPC client
// and the NETCONF server.
//
// An enhanced device parks a unary call and waits, for weeks if need be, until
// somebody wants a session; Open answers the call, and the device then brings a
// stream that is married to it by a one-time token. door.go keeps strangers
// short, park.go knows the devices that wait, wed.go gives a stream to whom asked
// for it, stream.go is the session as a byte stream, notice.go finds its end,
// shell.go is the same for a command shell, basic.go the form of 20.2.
package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"time"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/keys/cert"
)

// Entry is what is known of one device: its profile and the secret it shares
// with us.
type Entry = callhome.Entry

// Book is the devices that may call. It is asked for each call, so that a
// changed profile holds from the next one on. Safe for concurrent use.
type Book interface {
	// ByID returns the device of a device-id; ok is false when no profile has it.
	ByID(deviceID string) (e Entry, ok bool)
}

// CallerID names a device that called for the life of the program.
type CallerID uint64

// Caller is one device that waits or has sessions, as a value. Claim is the
// device's own word.
type Caller struct {
	ID       CallerID
	On       string // the listener's address, as asked for
	Via      link.Via
	From     netip.AddrPort
	Since    time.Time
	Claim    string // device-id; "" in the basic form
	Instance uint64 // of the program on the device; 0 in the basic form
	Trust    string // "secret ok", "secret not checked", "unknown device", "no identity"
	Profile  string // that the device-id belongs to; "" for none
	Target   link.Target
	Believed bool // its secret was right
	Auto     bool // its profile lets it open by itself
	Waiting  int  // calls that can be opened now
	Sessions int  // open ones
	Agent    string
	Note     string // what a person should know, one sentence
}

// The verdicts on a caller.
const (
	SecretOK        = "secret ok"
	SecretUnchecked = "secret not checked" // the profile has none
	UnknownDevice   = "unknown device"
	NoIdentity      = "no identity" // the basic form has none
)

// EventKind says what an Event is about, in the words of the listener log.
type EventKind string

// The kinds.
const (
	Listening EventKind = "listening" // Addr is bound
	Down      EventKind = "down"      // On could not be bound, or broke; it is tried again
	Stopped   EventKind = "stopped"
	Waiting   EventKind = "caller"  // Caller is new, or can be opened again
	Changed   EventKind = "changed" // the numbers of Caller have changed
	Gone      EventKind = "gone"    // Caller waits no longer and has no session
	Refused   EventKind = "refused" // Err says why; Count callers alike since the last such event
	Warned    EventKind = "warned"  // Err is odd and did not end anything
)

// Event is one thing that happened at a server.
type Event struct {
	Kind   EventKind
	Time   time.Time
	On     string // the address as asked for; "" when it concerns none
	Addr   string // as bound, of Listening
	Caller Caller
	Err    error
	Count  int
}

// Options configure a Server. Zero values take those of security.md E3.
type Options struct {
	// Certificates are what devices see; GetCertificate is asked when it is nil.
	Certificates   *cert.Reloader
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// ClientCAs, when set, are the authorities of which every device must show a
	// certificate. Junos devices have none.
	ClientCAs *x509.CertPool
	Book      Book
	Now       func() time.Time
	// OnEvent receives everything that happens. It must not block.
	OnEvent func(Event)
	// Crashed is told of a panic in a call; the call ends, the rest lives on.
	Crashed func(where string, value any, stack []byte)

	Budget       callhome.Budget
	MostUnknown  int           // devices that wait without a profile: 128, a quarter of them from one source
	MostCalls    int           // calls that one device may have waiting: 4
	Handshake    time.Duration // for TLS and the HTTP/2 preface: 10 s
	FirstCall    time.Duration // from connecting to a call that waits or a session: 15 s
	Hold         time.Duration // a wrong secret is answered after: 5 s
	Marry        time.Duration // from answering a call to its stream: 15 s
	WriteStall   time.Duration // that one write may take: 45 s
	CloseWait    time.Duration // for the end notice after close-session, then again after a kill: 2 s
	Idle         time.Duration // of a connection without any call: 2 min
	Ping         time.Duration // sign of life is asked after so much silence: 30 s
	PingWait     time.Duration // and must come within: 15 s
	ReadBuffer   int           // of each connection, 8 KiB
	FirstBytes   int64         // that a connection may send before it has proved itself: 256 KiB, and 64 B more each second
	MostReceived int           // bytes of one message: 16 MiB
}

func (o *Options) defaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Crashed == nil {
		o.Crashed = func(string, any, []byte) {}
	}
	if o.Book == nil {
		o.Book = nobody{}
	}
	if o.Certificates != nil {
		o.GetCertificate = o.Certificates.GetCertificate
	}
	or(&o.MostUnknown, 128)
	or(&o.MostCalls, 4)
	or(&o.ReadBuffer, 8<<10)
	or(&o.MostReceived, 16<<20)
	or(&o.FirstBytes, 256<<10)
	or(&o.Handshake, 10*time.Second)
	or(&o.FirstCall, 15*time.Second)
	or(&o.Hold, 5*time.Second)
	or(&o.Marry, 15*time.Second)
	or(&o.WriteStall, 45*time.Second)
	or(&o.CloseWait, 2*time.Second)
	or(&o.Idle, 2*time.Minute)
	or(&o.Ping, 30*time.Second)
	or(&o.PingWait, 15*time.Second)
}

// or gives an option that is not set its default.
func or[T comparable](p *T, v T) { *p = cmp.Or(*p, v) }

// nobody is the book without devices.
type nobody struct{}

func (nobody) ByID(string) (Entry, bool) { return Entry{}, false }

// minPing is how often a device may ask for a sign of life from us.
const minPing = 10 * time.Second

// pause waits for d or for ctx, and reports whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
