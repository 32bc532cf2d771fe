// Package commit is what a person does to make a change of a router safely: see
// what would change, validate, commit with a time limit, watch the countdown,
// confirm or roll back. It sits above conn.Manager and beside the interface.
//
// Three rules hold everywhere:
//
//   - nothing is sent but what a Plan showed before, and nothing twice;
//   - a confirmed commit is on disk before it leaves (commits/ in the state
//     directory), and stays there until it is known to be over;
//   - what is not known is said to be unknown. Verify looks, and says in words
//     what it saw.
//
// Wiring: c := New(o); conn.Options.Watch = c; m := conn.NewManager(...);
// c.Bind(m). Every session's confirmed commits are noted then, whoever sends
// them: a Plan, a template, or XML that a person typed.
package commit

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

// Sessions is what is needed of conn.Manager.
type Sessions interface {
	Device(conn.SessionID) (conn.Device, bool)
	Send(conn.SessionID, netconf.Request) (*conn.Exchange, error)
	Stop(conn.ExchangeID)
}

// Options configure a Control.
type Options struct {
	// Dir holds a file for each confirmed commit that is not known to be over;
	// "" keeps them in memory only. It is made when needed.
	Dir string
	// Clock is System() when nil.
	Clock Clock
	// Token makes persist tokens; nil: 128 random bits.
	Token func() string
}

// Control knows the commits under way of all sessions. Its methods may be
// called concurrently. Those that take a context send requests and wait for the
// answers; the others return at once.
type Control struct {
	o        Options
	changed  chan conn.SessionID
	revision atomic.Uint64 // see Revision

	mu       sync.Mutex
	sessions Sessions
	pending  []*Pending // of this program and of its former runs
	seen     map[conn.SessionID]*seen
}

// seen is what was learned of a session.
type seen struct {
	netconfID uint32 // the session it is true of
	differs   Truth
	looked    time.Time
	locks     []Lock
	unknown   string
	rtt       time.Duration
	before    fingerprint // of a commit that is about to be sent
	committed fingerprint // of the one that was sent last
}

var _ conn.Watcher = (*Control)(nil)

// New reads what former runs left in o.Dir. The errors are of files that could
// not be read; they stay where they are, and the Control works without them.
func New(o Options) (*Control, []error) {
	if o.Clock == nil {
		o.Clock = System()
	}
	if o.Token == nil {
		o.Token = token
	}
	c := &Control{o: o, changed: make(chan conn.SessionID, 64), seen: make(map[conn.SessionID]*seen)}
	var errs []error
	c.pending, errs = Load(o.Dir)
	return c, errs
}

// Bind gives the manager whose sessions are meant. It comes before all else.
func (c *Control) Bind(s Sessions) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions = s
}

// Changed tells of sessions whose State may have changed by something that is
// no change of the row (conn.DeviceChanged comes for those); 0 stands for all.
// Nobody has to listen: State is always true.
func (c *Control) Changed() <-chan conn.SessionID { return c.changed }

func (c *Control) tell(id conn.SessionID) {
	select {
	case c.changed <- id:
	default: // whoever listens is behind and will look anyway
	}
}

// Pendings returns copies of all confirmed commits that are not known to be
// over, those of former runs too, the most urgent first.
func (c *Control) Pendings() []Pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]Pending, len(c.pending))
	for i, p := range c.pending {
		out[i] = *p
	}
	slices.SortStableFunc(out, func(a, b Pending) int { return a.Deadline.Compare(b.Deadline) })
	return out
}

// Dismiss forgets a confirmed commit because the person says so.
func (c *Control) Dismiss(key string) error {
	c.mu.Lock()
	i := slices.IndexFunc(c.pending, func(p *Pending) bool { return p.Key == key })
	if i < 0 {
		c.mu.Unlock()
		return nil
	}
	p := c.pending[i]
	err := c.drop(p)
	c.mu.Unlock()
	c.tell(0)
	return err
}

// Now is the time that countdowns are made with.
func (c *Control) Now() time.Time { return c.o.Clock.Now() }

// Left is how long it is until the device rolls p back, counted from when p was
// sent and so never too long; negative when that is over. The second result
// says that the clock of this computer was set in between.
func (c *Control) Left(p Pending) (time.Duration, bool) {
	return p.deadline().until(at(c.o.Clock))
}

// Truth is what is known of a yes-or-no question.
type Truth uint8

// Unknown is the zero value.
const (
	Unknown Truth = iota
	No
	Yes
)

// Lock is a lock on a datastore.
type Lock struct {
	Store   netconf.Datastore
	Session uint32    // NETCONF session-id of the holder, 0 when it is not told
	User    string    // of the holder; "" when it is not known. Device text
	From    string    // its address. Device text
	Since   time.Time // zero when it is not known
	Ours    bool      // held by this session
	Former  time.Time // held by an earlier session of ours that ended then; zero: by another
}

// State is what is known of one session's changes, a value for the screen.
type State struct {
	Session conn.SessionID
	Device  string
	Open    bool
	Mode    Mode

	Differs Truth // candidate from running, as of Looked or by what was sent since
	Looked  time.Time
	Edits   int    // sent since the last commit or discard
	Locks   []Lock // ours, and others' as far as they were seen

	Pending *Pending // of this device, nil when none is known
	Left    time.Duration
	Waits   bool   // Pending counts down and can be confirmed from here
	Note    string // on Pending, in words: "Rolls back in 08:41." and what else to know

	stranger bool // Pending was sent to a device with another host key

	// Unknown says in words that the outcome of something sent is not known, ""
	// otherwise. Verify settles it.
	Unknown string

	why [kinds]string
}

// Why says why an order cannot be given now, "" when it can.
func (s State) Why(k Kind) string {
	if int(k) >= len(s.why) {
		return "there is no such order"
	}
	return s.why[k]
}

// Mode is the way in which a device takes changes.
type Mode uint8

// The ways. Junos devices are changed by their own operations: the standard
// confirmed commit is known to end with the session there, and the native one
// says what it did.
const (
	ReadsOnly Mode = iota // no datastore can be changed
	Writable              // edits to running take effect at once
	Candidate             // RFC 6241 section 8.3
	Junos
)

// ModeOf tells the way from the capabilities.
func ModeOf(caps netconf.Caps) Mode {
	switch {
	case caps.Junos():
		return Junos
	case caps.Has("candidate"):
		return Candidate
	case caps.Has("writable-running"):
		return Writable
	}
	return ReadsOnly
}

// Source is a configuration that can be read and compared.
type Source struct {
	Store    netconf.Datastore // Running, Candidate, Startup
	Rollback int               // with Store "": Junos's numbered one, 0 the newest
	Before   bool              // running as it was read before the commit that waits
}
