// Package desk takes in the devices that call: it owns the listeners, keeps the
// inbox of callers on whom nobody has decided, knows which profile belongs to
// which identity, and hands admitted devices to the manager of sessions.
package desk

import (
	"net/netip"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
)

// Saver is a Desk that lets a caller in and keeps the whole profile in one step.
type Saver interface {
	// AcceptAs is Accept of p.Target with save, which keeps the rest of p too.
	AcceptAs(id CallerID, p profile.Profile) error
}

// CallerID names a caller of any kind for the life of the program.
type CallerID uint64

// Caller is one row of the inbox: a value. Claim and Note are the device's own
// words.
type Caller struct {
	ID       CallerID
	Via      link.Via
	From     netip.AddrPort
	Since    time.Time
	Until    time.Time // when we or the device will hang up; zero when parked for good
	Claim    string    // device-id; "" when it gave none
	Trust    string    // "HMAC ok, key known", "key NEW", "secret ok", "no identity"
	Believed bool      // the identity is proved as far as its profile asks
	Key      string    // "ED25519 SHA256:…"; "" when the way has none
	Matches  string    // profile that it belongs to; "" for none
	Parked   bool      // outbound HTTPS: waits for as many sessions as wanted
	Sessions int       // open sessions of a parked device
	Second   bool      // the same device has a session that is alive (a second claim)
	User     string    // user name that the sign-in will use
	Note     string    // vendor, unknown headers
}

// Listener is one address that we listen on, or try to.
type Listener struct {
	Kind    string // "ssh" (call home and Junos outbound SSH) or "https" (outbound HTTPS)
	Addr    string // as asked for: "[::]:4334"
	Bound   string // as bound; "" while it is down
	Err     error  // why it is down
	Since   time.Time
	Counted Counts
	Only    string // the networks that may call; "": all may
	NoPlain bool   // RFC 8071 callers are refused
}

// Counts are what became of callers.
type Counts struct{ Accepted, Refused, Waiting, Penalised int }

// Line is one line of the listener log.
type Line struct {
	Time     time.Time
	Event    string // listening, caller, bound, blocked, refused, admitted, open, lost, closed, stopped, down
	From     netip.AddrPort
	Via      link.Via
	DeviceID string
	Profile  string
	Trust    string // verdict on the caller, as in Caller.Trust; "" when there is none yet
	Text     string // what happened, one sentence; may quote the device
	Err      error
	Count    int // callers alike since the last such line; 0 and 1 mean one
	Session  conn.SessionID
}

// Desk is what the interface and the command line use. None of the methods
// waits for the network.
type Desk interface {
	// Listen starts a listener of kind "ssh" or "https"; Stop ends it.
	Listen(kind, addr string) error
	Stop(kind, addr string) error
	Listeners() []Listener
	Callers() []Caller
	// Log returns the last n lines, oldest first.
	Log(n int) []Line
	// Accept lets a caller in as target. save keeps the target as a profile
	// with the caller's key or device-id bound to it.
	Accept(id CallerID, t link.Target, save bool) error
	// Bind gives a caller's identity to an existing profile and lets it in.
	Bind(id CallerID, profile string) error
	Refuse(id CallerID) error
	// Block refuses the caller's address from now on.
	Block(id CallerID) error
	// Changed holds one token whenever anything above may have changed.
	Changed() <-chan struct{}
}
