package callhome

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Handshake runs SSH as the client on a caller's connection up to the open
// subsystem. verify is called with the host key in the middle of the key
// exchange, before anything of ours but version and key exchange was sent, and
// may take as long as a person does. It says which device the key belongs to,
// whose credentials are then used, and why the key is trusted. t is the device
// that the greeting claims: it may widen what is negotiated and nothing more.
type Handshake func(ctx context.Context, c net.Conn, t link.Target, g Greeting, verify Verify, ask link.Asker) (*link.Link, error)

// Verify decides about a caller by its host key.
type Verify func(ssh.PublicKey) (t link.Target, from string, err error)

// EventKind says what an Event is about.
type EventKind string

// The kinds, in the words of the listener log and of `dialtone listen`.
const (
	Listening EventKind = "listening" // Addr is bound
	Down      EventKind = "down"      // Addr could not be bound, or broke; it is tried again
	Stopped   EventKind = "stopped"
	Waiting   EventKind = "caller"  // Caller waits for a decision
	Decided   EventKind = "decided" // Caller waits no longer
	Admitted  EventKind = "admitted"
	Refused   EventKind = "refused" // Err says why; Count callers alike since the last such event
)

// Event is one thing that happened at a listener.
type Event struct {
	Kind   EventKind
	Time   time.Time
	On     string // the address as asked for; "" when it concerns none
	Addr   string // as bound, of Listening
	Caller Caller
	Target link.Target
	Link   *link.Link // of Admitted; belongs to the receiver
	Err    error
	Count  int
}

// Options configure a Listener.
type Options struct {
	Book      Book
	Handshake Handshake
	Ask       link.Asker // for callers that open by themselves
	Now       func() time.Time
	Budget    Budget
	// Handshakes is how many run at once, 256 unless it says otherwise. One mostly
	// waits for the network, so this many keep the processor busy without what
	// hundreds at once would cost of memory.
	Handshakes int
	// Wait is how long a caller may wait for a decision: 110 s, just under the
	// grace time of an SSH server.
	Wait time.Duration
	// MostWaiting is how many callers of whom nothing is known may wait at once:
	// 128, of which a quarter from one source.
	MostWaiting int
	// Meet has a word on a caller whose key has been judged, in the middle of the
	// key exchange: it may refuse it, or say that the same device has a session
	// that is alive. idle is called before it waits for anything. May be nil.
	Meet func(ctx context.Context, c Caller, idle func()) (second bool, err error)
	// Left is told of every caller that ends without being admitted, however many
	// alike there are. It must not block. May be nil.
	Left func(Caller)
	// OnEvent receives everything that happens. It must not block.
	OnEvent func(Event)
	// Guard runs f and reports a panic of it as an error.
	Guard func(where string, f func()) error
}

// Listener takes calls on any number of addresses.
type Listener struct {
	o          Options
	limit      *Limiter
	handshakes slots
	quiet      *Chorus[Event]

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	users *users

	mu     sync.Mutex
	lastID CallerID
	wait   map[CallerID]*visit
	bound  map[string]*binding // by the address asked for
}

// New makes a listener that listens nowhere yet.
func New(o Options) *Listener {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == 0 {
		o.Wait = 110 * time.Second
	}
	if o.Handshakes == 0 {
		o.Handshakes = 256
	}
	if o.MostWaiting == 0 {
		o.MostWaiting = 128
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Guard == nil {
		o.Guard = func(_ string, f func()) error { f(); return nil }
	}
	l := &Listener{o: o, limit: NewLimiter(o.Budget, o.Now), handshakes: make(slots, o.Handshakes),
		wait: map[CallerID]*visit{}, users: newUsers(), bound: map[string]*binding{}}
	l.quiet = NewChorus(o.Now, func(ev Event, count int) {
		ev.Count = count
		o.OnEvent(ev)
	})
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// slots limits what runs at once.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s slots) give() { <-s }

// Start listens on addr ("[::]:4334", "192.0.2.1:4334") until Stop or Close. An
// address that is taken or not there is tried again, with a pause that grows to
// 30 s; each change is an event. The error is for addresses that can never work
// and for one that is started already.
func (l *Listener) Start(addr string) error { return l.StartOn(addr, Terms{}) }

// StartOn is Start for an address that does not take every caller.
func (l *Listener) StartOn(addr string, t Terms) error {
	if err := CheckAddr(addr, 4334); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.bound[addr] != nil {
		return Twice(addr)
	}
	if l.ctx.Err() != nil {
		return net.ErrClosed
	}
	b := &binding{addr: addr, terms: t, over: make(chan struct{})}
	b.ctx, b.stop = context.WithCancel(l.ctx)
	l.bound[addr] = b
	l.wg.Add(1)
	go func() { // ends with Stop or Close
		defer l.wg.Done()
		defer close(b.over)
		defer b.stop()
		l.guard("listener", func() { l.serve(b) })
	}()
	return nil
}

// Stop ends listening on an address and hangs up on callers that came by it and
// are not admitted yet. Links that were handed over live on. It returns when the
// address is free again, and false when it was not started.
func (l *Listener) Stop(addr string) bool {
	l.mu.Lock()
	b := l.bound[addr]
	delete(l.bound, addr)
	l.mu.Unlock()
	if b == nil {
		return false
	}
	b.stop()
	<-b.over
	return true
}

func (l *Listener) guard(where string, f func()) {
	if err := l.o.Guard(where, f); err != nil {
		l.emit(Event{Kind: Refused, Err: err, Count: 1})
	}
}

func (l *Listener) emit(ev Event) {
	ev.Time = l.o.Now()
	l.o.OnEvent(ev)
}

// waiting puts a caller among those on whom somebody may decide. There is room
// for any number of known devices and for some strangers.
func (l *Listener) waiting(v *visit) error {
	c := v.snapshot()
	l.mu.Lock()
	strangers, near := 0, 0
	for _, o := range l.wait {
		if oc := o.snapshot(); oc.Trust.Profile == "" {
			strangers++
			if Source(oc.From.Addr()) == Source(c.From.Addr()) {
				near++
			}
		}
	}
	full := c.Trust.Profile == "" && (strangers >= l.o.MostWaiting || near >= l.near())
	if !full {
		l.wait[c.ID] = v
	}
	l.mu.Unlock()
	if full {
		return &keys.Fault{Code: "LSN-FULL", What: fmt.Sprintf("%d callers of whom nothing is known wait already", strangers), Do: "Decide on those that wait"}
	}
	v.on.waiting.Add(1)
	l.emit(Event{Kind: Waiting, On: c.On, Caller: c})
	return nil
}

// near is how many strangers of one source may wait at once.
func (l *Listener) near() int { return max(1, l.o.MostWaiting/4) }

func (l *Listener) decided(v *visit) {
	c := v.snapshot()
	l.mu.Lock()
	delete(l.wait, c.ID)
	l.mu.Unlock()
	v.on.waiting.Add(-1)
	l.emit(Event{Kind: Decided, On: c.On, Caller: c})
}

// Admit lets a waiting caller in as target; ask answers what its login asks. The
// rest comes as an event, Admitted or Refused. It returns false when the caller
// waits no longer.
func (l *Listener) Admit(id CallerID, t link.Target, ask link.Asker) bool {
	return l.tell(id, decision{target: t, ask: ask})
}

// Refuse hangs up on a waiting caller.
func (l *Listener) Refuse(id CallerID, reason string) bool {
	return l.tell(id, decision{refuse: &keys.Fault{Code: "CALL-REFUSED", What: reason}})
}

func (l *Listener) tell(id CallerID, d decision) bool {
	l.mu.Lock()
	v := l.wait[id]
	delete(l.wait, id)
	l.mu.Unlock()
	if v == nil {
		return false
	}
	v.decide <- d
	return true
}

// Block refuses a source from now on (or no longer) and hangs up on those of
// its callers that wait.
func (l *Listener) Block(a netip.Addr, on bool) {
	l.limit.Block(a, on)
	if !on {
		return
	}
	for _, c := range l.Callers() {
		if Source(c.From.Addr()) == Source(a) {
			l.Refuse(c.ID, "its address is blocked")
		}
	}
}

// Callers returns those that wait, oldest first.
func (l *Listener) Callers() []Caller {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Caller, 0, len(l.wait))
	for _, v := range l.wait {
		out = append(out, v.snapshot())
	}
	slices.SortFunc(out, func(a, b Caller) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Addrs returns the addresses that are bound now.
func (l *Listener) Addrs() []net.Addr {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []net.Addr
	for _, b := range l.bound {
		if b.at != nil {
			out = append(out, b.at)
		}
	}
	return out
}

// Counts returns what became of the callers of an address that was started.
func (l *Listener) Counts(addr string) Counts {
	l.mu.Lock()
	b := l.bound[addr]
	l.mu.Unlock()
	if b == nil {
		return Counts{}
	}
	return Counts{Accepted: int(b.accepted.Load()), Refused: int(b.refused.Load()), Waiting: int(b.waiting.Load())}
}

// Penalised is how many sources are turned away now.
func (l *Listener) Penalised() int { return l.limit.Penalised() }

// Close hangs up on all that wait and returns when every goroutine has ended.
// Links that were handed over live on.
func (l *Listener) Close() {
	l.cancel()
	l.wg.Wait()
	l.quiet.Close()
}
