package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/user"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

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
		pairs: newPairs(), claims: claims{}, origins: map[conn.SessionID]*origin{},
	}
	f.ssh = callhome.New(callhome.Options{
		Book: f.book, Handshake: over(o.Dialer, o.Wait+time.Minute), Ask: o.Ask, Now: o.Now, Budget: o.Budget, Wait: o.Wait,
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

// Listen starts a listener, on the terms that are remembered of it. An address
// that cannot be bound now is tried again by itself; Listeners says how it stands.
func (f *Front) Listen(kind, addr string) error {
	if kind != SSH && kind != HTTPS {
		return noKind(kind)
	}
	s, err := f.setting(kind, addr)
	if err != nil {
		return err
	}
	return f.ListenAs(s)
}

// ListenAs starts a listener on the terms of s and remembers them. s.Auto is
// not looked at.
func (f *Front) ListenAs(s Setting) error {
	only, err := callhome.ParseOnly(s.Only)
	switch {
	case err != nil:
		return err
	case s.Kind == HTTPS:
		return f.https.listen(s, only)
	case s.Kind != SSH:
		return noKind(s.Kind)
	}
	return f.begin(s, func() error { return f.ssh.StartOn(s.Addr, callhome.Terms{Only: only, NoPlain: s.NoPlain}) })
}

// begin starts a listener and notes it.
func (f *Front) begin(s Setting, start func() error) error {
	f.mu.Lock()
	i := f.listener(s.Kind, s.Addr)
	if i < 0 {
		f.listeners = append(f.listeners, Listener{Kind: s.Kind, Addr: s.Addr, Since: f.o.Now(), Only: s.Only})
	}
	f.mu.Unlock()
	if err := start(); err != nil {
		if i < 0 {
			f.drop(s.Kind, s.Addr)
		}
		return err
	}
	f.touch()
	if err := f.remember(s); err != nil {
		f.write(Line{Event: "listening", Text: what(err), Err: err})
	}
	return nil
}

// Stop ends a listener. Callers that wait and came by it are refused, sessions
// live on.
func (f *Front) Stop(kind, addr string) error {
	if kind == HTTPS {
		return f.https.stop(addr)
	}
	if kind != SSH {
		return noKind(kind)
	}
	if !f.ssh.Stop(addr) {
		return &keys.Fault{Code: "LSN-NONE", What: "nothing listens on " + addr}
	}
	f.drop(kind, addr)
	return nil
}

func noKind(kind string) error {
	return &keys.Fault{Code: "LSN-KIND", What: fmt.Sprintf("there is no listener of the kind %.20q", kind), Do: "Use ssh or https"}
}

// listener finds a listener; f.mu is held.
func (f *Front) listener(kind, addr string) int {
	return slices.IndexFunc(f.listeners, func(l Listener) bool { return l.Kind == kind && l.Addr == addr })
}

func (f *Front) drop(kind, addr string) {
	f.mu.Lock()
	f.listeners = slices.DeleteFunc(f.listeners, func(l Listener) bool { return l.Kind == kind && l.Addr == addr })
	f.mu.Unlock()
	f.touch()
}

// Listeners returns them in the order of their start.
func (f *Front) Listeners() []Listener {
	f.mu.Lock()
	out := slices.Clone(f.listeners)
	f.mu.Unlock()
	for i := range out {
		if out[i].Kind == HTTPS {
			out[i].Counted = f.https.counted(out[i].Addr)
			continue
		}
		c := f.ssh.Counts(out[i].Addr)
		out[i].Counted = Counts{Accepted: c.Accepted, Refused: c.Refused, Waiting: c.Waiting, Penalised: f.ssh.Penalised()}
	}
	return out
}

// Callers returns those on whom nobody has decided, oldest first.
func (f *Front) Callers() []Caller {
	cs := f.ssh.Callers()
	out := make([]Caller, len(cs))
	for i, c := range cs {
		out[i] = show(c)
	}
	if parked := f.https.callers(); len(parked) > 0 {
		out = append(out, parked...)
		slices.SortStableFunc(out, func(a, b Caller) int { return a.Since.Compare(b.Since) })
	}
	return out
}

// waiting finds a caller that waits.
func (f *Front) waiting(id CallerID) (callhome.Caller, error) {
	for _, c := range f.ssh.Callers() {
		if CallerID(c.ID) == id {
			return c, nil
		}
	}
	return callhome.Caller{}, gone()
}

func gone() error {
	return &keys.Fault{Code: "CALL-GONE", What: "the caller waits no longer", Do: "Wait until it calls again"}
}

// Accept lets a caller in as t. What t leaves open is filled from the call: the
// name, the user, the way, the device-id. With save, t becomes a new profile to
// which the caller's key is pinned; without, both are known until the program
// ends. When t's user is not the one of the call, the device must call again,
// and is then let in without another question.
func (f *Front) Accept(id CallerID, t link.Target, save bool) error {
	return f.accept(id, profile.Profile{Target: t}, save, func(p *profile.Profile) {
		p.User, p.Password, p.Open = cmp.Or(t.User, p.User), cmp.Or(t.Password, p.Password), cmp.Or(t.Open, p.Open)
	})
}

// AcceptAs is Accept of p.Target with save, which keeps group, tags and note as
// well. When p is the profile that the caller matches, user, password, open and
// group of it become those of p.
func (f *Front) AcceptAs(id CallerID, p profile.Profile) error {
	return f.accept(id, p, true, func(have *profile.Profile) {
		have.User, have.Password, have.Open, have.Group = p.User, p.Password, p.Open, p.Group
	})
}

// accept lets a caller in as p. change is what becomes of the profile that it
// matches.
func (f *Front) accept(id CallerID, p profile.Profile, save bool, change func(*profile.Profile)) error {
	if id&secureBit != 0 {
		return f.https.accept(id, p, save, change)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	t := p.Target
	t.Via, t.DeviceID = c.Via, c.Claim
	if t.User == "" {
		t.User = c.User
	}
	if t.Name == "" {
		t.Name = nameFor(c)
	}
	if t.Host == "" {
		t.Host = c.From.Addr().Unmap().String()
	}
	if save && c.Key != nil && t.Name == c.Trust.Profile {
		return f.bind(id, t.Name, change)
	}
	p.Target = t
	if c.Key != nil {
		if err := f.book.adopt(p, ssh.FingerprintSHA256(c.Key), save); err != nil {
			return err
		}
	}
	return f.admit(c, t)
}

// Bind makes an existing profile that of a caller: its key becomes the pin, its
// device-id the profile's.
func (f *Front) Bind(id CallerID, name string) error {
	if id&secureBit != 0 {
		return f.https.bind(id, name)
	}
	return f.bind(id, name, func(*profile.Profile) {})
}

func (f *Front) bind(id CallerID, name string, change func(*profile.Profile)) error {
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	if c.Key == nil {
		return &keys.Fault{Code: "CALL-KEYLESS", What: "the caller has shown no key yet", Do: "Accept it; it shows its key next and waits once more"}
	}
	p, old, err := f.book.bind(name, c, change)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("%s bound to %s", keyText(c.Key), p.Name)
	if old != "" {
		text += ", in place of " + old
	}
	f.write(Line{Event: "bound", From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: p.Name, Text: text})
	return f.admit(c, p.Target)
}

func (f *Front) admit(c callhome.Caller, t link.Target) error {
	if c.Key != nil && t.User != "" && t.User != c.User {
		f.book.grant(ssh.FingerprintSHA256(c.Key), f.o.Now().Add(grantTime))
	}
	if !f.ssh.Admit(c.ID, t, f.o.Ask) {
		return gone()
	}
	return nil
}

// Refuse hangs up on a caller and forgets what it claimed to be.
func (f *Front) Refuse(id CallerID) error {
	if id&secureBit != 0 {
		return f.https.refuse(id)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	f.forget(c)
	if !f.ssh.Refuse(c.ID, "refused by a person") {
		return gone()
	}
	return nil
}

// Block hangs up on a caller and refuses its address until the program ends.
func (f *Front) Block(id CallerID) error {
	if id&secureBit != 0 {
		return f.https.block(id)
	}
	c, err := f.waiting(id)
	if err != nil {
		return err
	}
	f.forget(c)
	f.ssh.Block(c.From.Addr(), true)
	f.write(Line{Event: "blocked", From: c.From, Via: c.Via, DeviceID: c.Claim, Text: c.From.Addr().String() + " is blocked until the program ends"})
	return nil
}

func (f *Front) forget(c callhome.Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pairs.forget(c.Claim)
}

// event takes what happens at the listener. It runs in the goroutine to which
// it happened.
func (f *Front) event(ev callhome.Event) {
	c := ev.Caller
	line := Line{Event: string(ev.Kind), From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: c.Trust.Profile, Trust: trustText(c), Err: ev.Err, Count: ev.Count}
	switch ev.Kind {
	case callhome.Listening:
		f.stands(ev.On, ev.Addr, nil)
		line.Text = "listening on " + ev.Addr + " (ssh)" + afterTries(ev.Count)
		line.Count = 0
		if a, err := netip.ParseAddrPort(ev.Addr); err == nil && a.Addr().IsUnspecified() {
			line.Text += ", which every network of this machine reaches"
		}
	case callhome.Down:
		f.stands(ev.On, "", ev.Err)
		line.Text = what(ev.Err)
		line.Count = 0
	case callhome.Stopped:
		f.drop(SSH, ev.On)
		line.Text = "stopped listening on " + ev.On + " (ssh)"
	case callhome.Waiting:
		line.Text = waitText(c)
		if c.Second {
			defer f.succeed(c.Trust.Profile) // the first may have ended just now
		}
	case callhome.Decided:
		f.touch()
		return
	case callhome.Admitted:
		f.admitted(ev)
		return
	case callhome.Refused:
		line.Text = what(ev.Err)
		if errors.Is(ev.Err, callhome.ErrCallAgain) {
			line.Event = string(callhome.Waiting)
		}
	}
	f.write(line)
}

// stands notes how a listener stands.
func (f *Front) stands(addr, bound string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.listener(SSH, addr); i >= 0 {
		f.listeners[i].Bound, f.listeners[i].Err, f.listeners[i].Since = bound, err, f.o.Now()
	}
}

// admitted hands a link to the manager.
func (f *Front) admitted(ev callhome.Event) {
	c, t := ev.Caller, ev.Target
	line := Line{Event: "admitted", From: c.From, Via: c.Via, DeviceID: c.Claim, Profile: t.Name, Trust: trustText(c), Text: "accepted as " + t.Name}
	note, err := f.book.learn(c, t.Name)
	line.Err = err
	if note != "" {
		line.Text += ", " + note
	}
	f.mu.Lock()
	id := f.o.Manager.Adopt(t, ev.Link)
	if id != 0 {
		f.origins[id] = &origin{c.From, c.Via, c.Claim, t.Name, f.o.Now()}
	}
	f.claims.release(c.ID)
	line.Session = id
	if id == 0 {
		line.Event, line.Text = "refused", "the program is being left"
	}
	f.put(line) // before anything that the session itself tells
	f.mu.Unlock()
	f.touch()
}

// meet is the desk's word on a caller whose key has been judged.
func (f *Front) meet(ctx context.Context, c callhome.Caller, idle func()) (second bool, err error) {
	f.mu.Lock()
	err = f.pairs.meet(c)
	f.mu.Unlock()
	if err != nil || c.Trust.Profile == "" {
		return false, err
	}
	if f.claimed(ctx, c, idle) {
		return true, nil
	}
	defer func() {
		if second {
			f.left(c) // on its way to the inbox, not to a session
		}
	}()
	id, ok := f.o.Manager.Living(c.Trust.Profile)
	if !ok {
		return false, nil
	}
	if !c.Trust.Believed {
		return true, nil // nobody unproven may put a session to the test
	}
	idle()
	ctx, cancel := context.WithTimeout(ctx, f.patient)
	defer cancel()
	return f.o.Manager.Probe(ctx, id) == nil, nil
}

// succeed lets a second call in whose profile opens by itself, once the session
// that it was second to has ended.
func (f *Front) succeed(name string) {
	if _, alive := f.o.Manager.Living(name); alive {
		return
	}
	for _, c := range f.ssh.Callers() {
		if c.Second && c.Trust.Believed && c.Trust.Profile == name {
			if t, ok := f.book.auto(name); ok {
				f.ssh.Admit(c.ID, t, f.o.Ask)
			}
			return
		}
	}
}

// left frees what a caller held that was not admitted.
func (f *Front) left(c callhome.Caller) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.claims.release(c.ID)
}
