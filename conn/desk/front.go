package desk

import (
	"fmt"
	"net/netip"
	"os/user"
	"runtime/debug"
	"sync"
	"time"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
)

// SSH is the kind of listener for RFC 8071 and Junos outbound SSH.
const SSH = "ssh"

const (
	logLines  = 1000
	wait      = 110 * time.Second
	grantTime = 10 * time.Minute
)

// Options configure a Front. Manager and Profiles are needed.
type Options struct {
	Manager  *conn.Manager
	Profiles profile.Store
	Dialer   *dial.Dialer // nil: one with the Vault and nothing else
	Vault    keys.Vault   // for the secrets of profiles; nil: env: and file: references only
	Ask      link.Asker   // asked when an admitted device wants a password; nil: nobody
	Now      func() time.Time
	LogLines int // kept, 1,000 when 0
	// User is the name for callers of whom nothing is known, when no profile of
	// a caller has one; "": that of the person who runs the program.
	User string
	// Settings is the file that remembers the listeners; "": none does.
	Settings string
	// CertFile and KeyFile are what devices see over outbound HTTPS; without them
	// that kind of listener is refused.
	CertFile, KeyFile string
	// Certificates, when set, is used instead of the two files.
	Certificates *cert.Reloader
	Budget       callhome.Budget
	Wait         time.Duration // for a decision, 110 s when 0
	// Crashed is told of a panic below; the caller concerned was refused.
	Crashed func(where string, value any, stack []byte)
}

// Front is the Desk of the program. New makes it, Close ends it.
type Front struct {
	o       Options
	book    *book
	ssh     *callhome.Listener
	https   *secure
	patient time.Duration // with an older session or call of the same device
	changed chan struct{}
	watch   func() // ends watching the manager
	states  inflow
	wg      sync.WaitGroup

	mu        sync.Mutex // may be held while the Manager is called, never the other way round
	listeners []Listener
	log       []Line // a ring of o.LogLines
	logged    int    // lines written in all
	pairs     *pairs
	claims    claims
	origins   map[conn.SessionID]*origin
	closed    bool
}

// origin is where an admitted session came from.
type origin struct {
	from     netip.AddrPort
	via      link.Via
	deviceID string
	profile  string
	admitted time.Time
}

var _ Desk = (*Front)(nil)

// New listens nowhere yet.
func New(o Options) *Front {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LogLines <= 0 {
		o.LogLines = logLines
	}
	if o.User == "" {
		if me, err := user.Current(); err == nil {
			o.User = me.Username
		}
	}
	if o.Wait <= 0 {
		o.Wait = wait
	}
	if o.Vault == nil {
		o.Vault = keys.References{}
	}
	if o.Dialer == nil {
		o.Dialer = dial.New(dial.Options{Vault: o.Vault})
	}
	f := &Front{
		o: o, book: newBook(o.Profiles, o.Vault, o.Now, o.User), changed: make(chan struct{}, 1), patient: probeTime,
		pairs: newPairs(o.Now), claims: claims{}, origins: map[conn.SessionID]*origin{},
	}
	f.ssh = callhome.New(callhome.Options{
		Book: f.book, Handshake: over(o.Dialer, o.Wait+time.Minute, f.book.signedIn), Ask: o.Ask, Now: o.Now, Budget: o.Budget, Wait: o.Wait,
		Meet: f.meet, Left: f.left, OnEvent: f.event, Guard: f.guard,
	})
	f.https = newSecure(f)
	f.states.more = make(chan struct{}, 1)
	f.watch = o.Manager.Watch(f.states.put)
	f.wg.Add(1)
	go func() { // ends with Close
		defer f.wg.Done()
		f.scribe()
	}()
	return f
}

// Close stops all listeners, hangs up on callers that are not admitted and
// returns when nothing of the desk runs. Sessions that came by it live on.
func (f *Front) Close() {
	f.mu.Lock()
	again := f.closed
	f.closed = true
	f.mu.Unlock()
	if again {
		return
	}
	f.ssh.Close()
	f.https.close()
	f.watch()
	f.states.end()
	f.wg.Wait()
}

// guard turns a panic below a listener into an error.
func (f *Front) guard(where string, run func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &keys.Fault{Code: "CRASH", What: fmt.Sprintf("a fault of this program ended the %s: %q", where, fmt.Sprint(v)), Kept: "The sessions are untouched"}
			if f.o.Crashed != nil {
				f.o.Crashed(where, v, debug.Stack())
			}
		}
	}()
	run()
	return nil
}

// Changed holds one token whenever anything may have changed.
func (f *Front) Changed() <-chan struct{} { return f.changed }

func (f *Front) touch() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}
