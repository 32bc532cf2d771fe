package callhome

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Handshake runs SSH as the client on a caller's connection up to the open
// subsystem. verify is called with the host key in the middle of the key
// exchange, before anything of ours but version and key exchange was sent, and
// may take as long as a person does; it says why the key is trusted.
type Handshake func(ctx context.Context, c net.Conn, t link.Target, g Greeting,
	verify func(ssh.PublicKey) (from string, err error), ask link.Asker) (*link.Link, error)

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
	Addr   string
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
	// Handshakes is how many run at once; 4 for each core when 0.
	Handshakes int
	// Wait is how long a caller may wait for a decision: 110 s, just under the
	// grace time of an SSH server.
	Wait time.Duration
	// NoPlain refuses RFC 8071 callers, for a port that only Junos devices use.
	NoPlain bool
	// OnEvent receives everything that happens. It must not block.
	OnEvent func(Event)
	// Guard runs f and reports a panic of it as an error.
	Guard func(where string, f func()) error
}

// Listener takes calls on any number of addresses.
type Listener struct {
	o          Options
	limit      *limiter
	handshakes slots
	quiet      *chorus

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	lastID CallerID
	wait   map[CallerID]*visit
	users  map[netip.Addr]string
	bound  map[string]net.Listener
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
		o.Handshakes = 4 * runtime.GOMAXPROCS(0)
	}
	if o.OnEvent == nil {
		o.OnEvent = func(Event) {}
	}
	if o.Guard == nil {
		o.Guard = func(_ string, f func()) error { f(); return nil }
	}
	l := &Listener{o: o, limit: newLimiter(o.Budget, o.Now, rand.IntN), handshakes: make(slots, o.Handshakes),
		wait: map[CallerID]*visit{}, users: map[netip.Addr]string{}, bound: map[string]net.Listener{}}
	l.quiet = newChorus(o.Now, func(ev Event) { o.OnEvent(ev) })
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

// Start listens on addr ("[::]:4334", "192.0.2.1:4334") until Close. An address
// that is taken or not there is tried again, with a pause that grows to 30 s;
// each change is an event. The error is for addresses that can never work.
func (l *Listener) Start(addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return &keys.Fault{Code: "LSN-ADDR", What: fmt.Sprintf("%q is not an address to listen on: %v", addr, err), Do: "write it as 0.0.0.0:4334 or [::]:4334", Err: err}
	}
	l.wg.Add(1)
	go func() { // ends with Close
		defer l.wg.Done()
		l.guard("listener", func() { l.serve(addr) })
	}()
	return nil
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

// serve keeps one address bound.
func (l *Listener) serve(addr string) {
	pause := time.Second
	for {
		nl, err := (&net.ListenConfig{}).Listen(l.ctx, "tcp", addr)
		if err == nil {
			l.mu.Lock()
			l.bound[addr] = nl
			l.mu.Unlock()
			l.emit(Event{Kind: Listening, Addr: nl.Addr().String()})
			stop := context.AfterFunc(l.ctx, func() { nl.Close() })
			err = l.accept(nl)
			stop()
			nl.Close()
			l.mu.Lock()
			delete(l.bound, addr)
			l.mu.Unlock()
			pause = time.Second
		}
		if l.ctx.Err() != nil {
			l.emit(Event{Kind: Stopped, Addr: addr})
			return
		}
		l.emit(Event{Kind: Down, Addr: addr, Err: listenFault(addr, err)})
		select {
		case <-l.ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 30*time.Second)
	}
}

// accept takes connections until the socket breaks. When descriptors run out it
// waits a little instead of spinning.
func (l *Listener) accept(nl net.Listener) error {
	nap := 5 * time.Millisecond
	for {
		c, err := nl.Accept()
		if err != nil {
			if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) {
				l.quiet.say(Event{Kind: Refused, Err: &keys.Fault{Code: "LSN-FILES", What: "no file descriptor is left for a caller", Do: "raise the limit (ulimit -n)", Err: err}}, "files")
				select {
				case <-l.ctx.Done():
					return err
				case <-time.After(nap):
				}
				nap = min(2*nap, time.Second)
				continue
			}
			return err
		}
		nap = 5 * time.Millisecond
		l.take(c)
	}
}

// take decides in the accept loop whether a connection may stay, and gives it a
// goroutine if so.
func (l *Listener) take(c net.Conn) {
	from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
	release, refusal := l.limit.admit(from.Addr())
	if refusal != "" {
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		c.Close()
		l.quiet.say(Event{Kind: Refused, Caller: Caller{From: from}, Err: &keys.Fault{Code: "LSN-BUSY", What: "caller turned away: " + refusal}}, source(from.Addr()).String()+refusal)
		return
	}
	l.mu.Lock()
	l.lastID++
	v := &visit{l: l, from: from, release: release, decide: make(chan decision, 1)}
	v.caller = Caller{ID: l.lastID, From: from, Since: l.o.Now()}
	l.mu.Unlock()
	l.wg.Add(1)
	go func() { // ends when the caller is admitted, refused or gone, or with Close
		defer l.wg.Done()
		defer release()
		done := false
		defer func() {
			if !done {
				c.Close()
			}
		}()
		l.guard("caller", func() { done = l.visit(v, c) })
	}()
}

// visit runs one caller to its end and reports it. It returns true when the
// connection has a new owner.
func (l *Listener) visit(v *visit, c net.Conn) bool {
	lk, t, err := v.run(l.ctx, c)
	caller := v.snapshot()
	if err == nil {
		gone := l.limit.prove(v.from.Addr())
		if lk.Done != nil {
			context.AfterFunc(doneContext(lk.Done), gone)
		}
		l.emit(Event{Kind: Admitted, Caller: caller, Target: t, Link: lk})
		return true
	}
	var b blamed
	if errors.As(err, &b) {
		l.limit.blame(v.from.Addr(), b.penalty)
	}
	if l.ctx.Err() != nil {
		return false
	}
	var f *keys.Fault
	key := source(v.from.Addr()).String()
	if errors.As(err, &f) {
		key += f.Code
	}
	l.quiet.say(Event{Kind: Refused, Caller: caller, Target: t, Err: err}, key)
	return false
}

// doneContext is a context that ends with a channel. Its goroutine ends with it.
func doneContext(done <-chan struct{}) context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the link
		<-done
		cancel()
	}()
	return ctx
}

func (l *Listener) waiting(v *visit) {
	c := v.snapshot()
	l.mu.Lock()
	l.wait[c.ID] = v
	l.mu.Unlock()
	l.emit(Event{Kind: Waiting, Caller: c})
}

func (l *Listener) decided(v *visit) {
	c := v.snapshot()
	l.mu.Lock()
	delete(l.wait, c.ID)
	l.mu.Unlock()
	l.emit(Event{Kind: Decided, Caller: c})
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
	l.limit.blockSource(a, on)
	if !on {
		return
	}
	for _, c := range l.Callers() {
		if source(c.From.Addr()) == source(a) {
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
	for _, nl := range l.bound {
		out = append(out, nl.Addr())
	}
	return out
}

// Penalised is how many sources are turned away now.
func (l *Listener) Penalised() int { return l.limit.penalised() }

// Close hangs up on all that wait and returns when every goroutine has ended.
// Links that were handed over live on.
func (l *Listener) Close() {
	l.cancel()
	l.wg.Wait()
	l.quiet.flush()
}

const mostUsers = 4096

func (l *Listener) remember(a netip.Addr, user string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.users) >= mostUsers {
		clear(l.users)
	}
	l.users[a] = user
}

func (l *Listener) remembered(a netip.Addr) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.users[a]
}
