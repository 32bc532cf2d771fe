package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"sync"
	"time"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/keys/cert"
)

// HTTPS is the kind of listener for Junos outbound HTTPS.
const HTTPS = "https"

// secure is the part of the desk for outbound HTTPS. Its devices stay in the
// inbox: each can be opened as often as wanted.
type secure struct {
	f      *Front
	ctx    context.Context // ends with close
	cancel context.CancelFunc
	wg     sync.WaitGroup // of opens under way

	mu     sync.Mutex
	server *outbound.Server // nil before the first listener
	certs  *cert.Reloader
	stale  bool                       // a person wants to listen with a certificate that devices refuse
	seen   map[outbound.CallerID]bool // devices whose coming was told
	counts map[string]*Counts         // by the address asked for
	read   time.Time                  // of the profiles
	byID   map[string]profile.Profile
	byAddr map[string]profile.Profile // of the basic form
	once   map[string]link.Target     // by device-id: accepted in this run, not saved
}

// secureBit marks the ids of callers by outbound HTTPS.
const secureBit CallerID = 1 << 63

func newSecure(f *Front) *secure {
	x := &secure{f: f, seen: map[outbound.CallerID]bool{}, counts: map[string]*Counts{}, once: map[string]link.Target{}}
	x.ctx, x.cancel = context.WithCancel(context.Background())
	return x
}

// start makes the server when there is none yet; it needs a certificate that
// devices take.
func (x *secure) start() (*outbound.Server, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	o := x.f.o
	if x.ctx.Err() != nil {
		return nil, errors.New("the desk is closed")
	}
	if x.certs == nil {
		x.certs = o.Certificates
	}
	if x.certs == nil && o.CertFile == "" {
		return nil, &keys.Fault{Code: "TLS-NONE", What: "there is no certificate to show to devices", Do: "Make a pair with: dialtone cert HOST"}
	}
	if x.certs == nil {
		r, err := cert.NewReloader(o.CertFile, o.KeyFile, o.Now, x.reloaded)
		if err != nil {
			return nil, err
		}
		x.certs = r
	}
	if p := x.certs.Pair(); p.Expired && !x.stale {
		return nil, &keys.Fault{Code: "TLS-EXPIRED", What: fmt.Sprintf("devices will refuse %s: %s", o.CertFile, firstOf(p.Warnings)), Do: "Make a new pair with: dialtone cert HOST"}
	}
	if x.server == nil {
		x.server = outbound.New(outbound.Options{Certificates: x.certs, Book: x, Now: o.Now, OnEvent: x.event, Crashed: o.Crashed, Budget: o.Budget})
	}
	return x.server, nil
}

func firstOf(ss []string) string {
	if len(ss) == 0 {
		return "it is not valid now"
	}
	return ss[0]
}

// reloaded tells of a certificate that changed while it is in use. It is called
// with the reloader's lock held.
func (x *secure) reloaded(p *cert.Pair, err error) {
	if err != nil {
		x.f.write(Line{Event: "certificate", Text: what(err) + "; the one before stays in use", Err: err})
		return
	}
	x.f.write(Line{Event: "certificate", Text: "a new certificate is in use: " + fmt.Sprint(cert.Names(p.Leaf))})
	x.warn(p)
}

// warn tells what devices may object to in a certificate.
func (x *secure) warn(p *cert.Pair) {
	for _, w := range p.Warnings {
		x.f.write(Line{Event: "certificate", Text: w})
	}
}

func (x *secure) close() {
	x.cancel()
	x.mu.Lock()
	s := x.server
	x.mu.Unlock()
	if s != nil {
		s.Close()
	}
	x.wg.Wait()
}

// running returns the server, nil when none was started.
func (x *secure) running() *outbound.Server {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.server
}

func (x *secure) listen(set Setting, only []netip.Prefix) error {
	s, err := x.start()
	if err != nil {
		return err
	}
	return x.f.begin(set, func() error {
		if err := s.Start(set.Addr, only...); err != nil {
			return err
		}
		x.mu.Lock()
		p := x.certs.Pair()
		x.mu.Unlock()
		x.warn(p)
		return nil
	})
}

func (x *secure) stop(addr string) error {
	if s := x.running(); s == nil || !s.Stop(addr) {
		return &keys.Fault{Code: "LSN-NONE", What: "nothing listens on " + addr}
	}
	x.f.drop(HTTPS, addr)
	return nil
}

// counted are the numbers of one listener.
func (x *secure) counted(addr string) (c Counts) {
	s := x.running()
	if s == nil {
		return c
	}
	x.mu.Lock()
	if n := x.counts[addr]; n != nil {
		c = *n
	}
	x.mu.Unlock()
	for _, d := range s.Callers() {
		if d.On == addr && d.Waiting > 0 {
			c.Waiting++
		}
	}
	c.Penalised = s.Penalised()
	return c
}

func (x *secure) count(addr string, accepted, refused int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := x.counts[addr]
	if n == nil {
		n = &Counts{}
		x.counts[addr] = n
	}
	n.Accepted += accepted
	n.Refused += refused
}

// callers are the rows of the inbox.
func (x *secure) callers() []Caller {
	s := x.running()
	if s == nil {
		return nil
	}
	ds := s.Callers()
	out := make([]Caller, len(ds))
	for i, d := range ds {
		out[i] = Caller{ID: secureBit | CallerID(d.ID), Via: d.Via, From: d.From, Since: d.Since, Claim: d.Claim, Trust: d.Trust, Believed: d.Believed,
			Matches: d.Profile, Parked: true, Sessions: d.Sessions, User: d.Target.User, Note: d.Note}
		if p, ok := x.byAddress(d); ok {
			out[i].Matches = p.Name
			out[i].Note = "it is taken for " + p.Name + " by its address alone: any host with that address would be"
		}
		if d.Waiting == 0 {
			out[i].Note = "has a session and no call waiting now"
		}
	}
	return out
}

// find returns a device and the server that it waits at.
func (x *secure) find(id CallerID) (*outbound.Server, outbound.Caller, error) {
	if s := x.running(); s != nil {
		if d, ok := s.Caller(outbound.CallerID(id &^ secureBit)); ok && id&secureBit != 0 {
			return s, d, nil
		}
	}
	return nil, outbound.Caller{}, gone()
}

// accept opens a session on a device as t. With save, t becomes a profile with
// the device's id.
func (x *secure) accept(id CallerID, as profile.Profile, save bool, change func(*profile.Profile)) error {
	t := as.Target
	_, d, err := x.find(id)
	if err != nil {
		return err
	}
	known := d.Profile != "" && (t.Name == "" || t.Name == d.Profile)
	if known {
		t = d.Target
	} else if p, ok := x.byAddress(d); ok && (t.Name == "" || t.Name == p.Name) {
		known, t = true, p.Target
	}
	t.Via, t.DeviceID = d.Via, d.Claim
	if t.Name == "" {
		t.Name = d.From.String()
		if profile.ValidName(d.Claim) {
			t.Name = d.Claim
		}
	}
	if t.Host == "" {
		t.Host = address(d)
	}
	switch {
	case known && save:
		if err := x.change(&t, change); err != nil {
			return err
		}
	case !known:
		as.Target = t
		if err := x.keep(as, save); err != nil {
			return err
		}
	}
	x.open(d, t)
	return nil
}

// change changes the saved profile of t, and t with it.
func (x *secure) change(t *link.Target, do func(*profile.Profile)) error {
	p, ok := x.named(t.Name)
	if !ok {
		return nil // known until the program ends
	}
	before := p
	if do(&p); reflect.DeepEqual(before, p) {
		return nil
	}
	defer x.reread()
	t.User, t.Password, t.Open = p.User, p.Password, p.Open
	return x.f.o.Profiles.Put(p)
}

// keep makes a profile known: as a profile, or until the program ends.
func (x *secure) keep(as profile.Profile, save bool) error {
	t := as.Target
	if save {
		if _, taken := x.named(t.Name); taken {
			return &keys.Fault{Code: "PRO-TAKEN", What: fmt.Sprintf("there is a profile %s already", t.Name), Kept: "Nothing was changed", Do: "Choose another name, or bind the caller to it"}
		}
		defer x.reread()
		if err := x.f.o.Profiles.Put(as); err != nil {
			return err
		}
		if t.Via == link.HTTPS && t.Secret == "" {
			x.f.write(Line{Event: "profile", Via: t.Via, DeviceID: t.DeviceID, Profile: t.Name, Text: t.Name + " has no secret, so any caller may claim its device-id"})
		}
		return nil
	}
	if t.DeviceID == "" {
		return nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.once) >= mostOnce {
		clear(x.once)
	}
	x.once[t.DeviceID] = t
	x.read = time.Time{}
	return nil
}

// bind gives a device's id to an existing profile and opens a session.
func (x *secure) bind(id CallerID, name string) error {
	_, d, err := x.find(id)
	if err != nil {
		return err
	}
	p, ok := x.named(name)
	switch {
	case !ok:
		return &keys.Fault{Code: "PRO-NONE", What: fmt.Sprintf("there is no profile %q", name), Err: profile.ErrNone}
	case p.Via != d.Via:
		return &keys.Fault{Code: "PRO-WAY", What: fmt.Sprintf("the profile %s is for a device reached by %s", p.Name, p.Via), Kept: "Nothing was changed", Do: "Accept the caller with a profile of its own"}
	case d.Via == link.HTTPSBasic && p.Host != "" && p.Host != address(d):
		return &keys.Fault{Code: "PRO-ID", What: fmt.Sprintf("the profile %s is that of the address %s, the caller has %s", p.Name, p.Host, address(d)),
			Kept: "Nothing was changed", Do: "Change host in the profile first, if that is right"}
	case d.Claim != "" && p.DeviceID != "" && p.DeviceID != d.Claim:
		return &keys.Fault{Code: "PRO-ID", What: fmt.Sprintf("the profile %s is that of device-id %q, the caller claims to be %q", p.Name, p.DeviceID, d.Claim),
			Kept: "Nothing was changed", Do: "Change device_id in the profile first, if that is right"}
	}
	if d.Via == link.HTTPSBasic && p.Host == "" {
		p.Host = address(d)
		if err := x.f.o.Profiles.Put(p); err != nil {
			return err
		}
		x.reread()
		x.f.write(Line{Event: "bound", From: d.From, Via: d.Via, Profile: p.Name, Text: fmt.Sprintf("%s bound to %s: the device proves nothing, any host with that address is taken for it", p.Host, p.Name)})
	}
	if d.Claim != "" && p.DeviceID == "" {
		p.DeviceID = d.Claim
		if err := x.f.o.Profiles.Put(p); err != nil {
			return err
		}
		x.reread()
		x.f.write(Line{Event: "bound", From: d.From, Via: d.Via, DeviceID: d.Claim, Profile: p.Name, Text: fmt.Sprintf("device-id %q bound to %s", d.Claim, p.Name)})
	}
	x.open(d, p.Target)
	return nil
}

func (x *secure) named(name string) (profile.Profile, bool) {
	ps, _ := x.f.o.Profiles.List()
	i := slices.IndexFunc(ps, func(p profile.Profile) bool { return p.Name == name })
	if i < 0 {
		return profile.Profile{}, false
	}
	return ps[i], true
}

func (x *secure) refuse(id CallerID) error {
	s, d, err := x.find(id)
	if err != nil {
		return err
	}
	if !s.Refuse(d.ID) {
		return gone()
	}
	x.count(d.On, 0, 1)
	x.f.write(x.line("refused", d, "refused by a person; it will call again"))
	return nil
}

func (x *secure) block(id CallerID) error {
	s, d, err := x.find(id)
	if err != nil {
		return err
	}
	s.Block(d.From.Addr(), true)
	x.f.write(x.line("blocked", d, d.From.Addr().String()+" is blocked until the program ends"))
	return nil
}

func (x *secure) line(event string, d outbound.Caller, text string) Line {
	return Line{Event: event, From: d.From, Via: d.Via, DeviceID: d.Claim, Profile: d.Profile, Trust: d.Trust, Text: text}
}

// open asks a device for a session, in the background, and hands it to the
// manager.
func (x *secure) open(d outbound.Caller, t link.Target) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.server
	if x.ctx.Err() != nil || s == nil {
		return
	}
	x.wg.Add(1)
	go func() { // ends when the session has come, or has not within its time
		defer x.wg.Done()
		if err := x.f.guard("open", func() { x.opened(s, d, t) }); err != nil {
			x.f.write(Line{Event: "refused", Text: what(err), Err: err})
		}
	}()
}

func (x *secure) opened(s *outbound.Server, d outbound.Caller, t link.Target) {
	f := x.f
	start := f.o.Now()
	lk, err := s.Open(x.ctx, d.ID)
	line := x.line("admitted", d, "accepted as "+t.Name)
	line.Profile = t.Name
	if err != nil {
		line.Event, line.Text, line.Err = "refused", what(err), err
		x.count(d.On, 0, 1)
		f.write(line)
		return
	}
	f.mu.Lock()
	id := f.o.Manager.Adopt(t, lk)
	if id != 0 {
		f.origins[id] = &origin{d.From, d.Via, d.Claim, t.Name, start}
	}
	line.Session = id
	if id == 0 {
		line.Event, line.Text = "refused", "the program is being left"
	}
	f.put(line) // before anything that the session itself tells
	f.mu.Unlock()
	if id != 0 {
		x.count(d.On, 1, 0)
	}
	f.touch()
}

// event takes what happens at the server, in the goroutine to which it happened.
func (x *secure) event(ev outbound.Event) {
	f, d := x.f, ev.Caller
	line := x.line(string(ev.Kind), d, "")
	line.Err, line.Count = ev.Err, ev.Count
	switch ev.Kind {
	case outbound.Listening:
		x.stands(ev.On, ev.Addr, nil)
		line.Text = "listening on " + ev.Addr + " (https)" + afterTries(ev.Count)
		line.Count = 0
	case outbound.Down:
		x.stands(ev.On, "", ev.Err)
		line.Text = what(ev.Err)
	case outbound.Stopped:
		f.drop(HTTPS, ev.On)
		line.Text = "stopped listening on " + ev.On + " (https)"
	case outbound.Waiting:
		x.mu.Lock()
		again := x.seen[d.ID]
		x.seen[d.ID] = true
		x.mu.Unlock()
		f.touch()
		if again {
			return
		}
		line.Text = waitsText(d)
		f.write(line)
		if d.Auto {
			x.open(d, d.Target)
		}
		return
	case outbound.Gone:
		x.mu.Lock()
		delete(x.seen, d.ID)
		x.mu.Unlock()
		f.touch()
		return
	case outbound.Changed:
		f.touch()
		return
	case outbound.Refused, outbound.Warned:
		line.Text = what(ev.Err)
		if ev.Kind == outbound.Refused {
			x.count(ev.On, 0, max(1, ev.Count))
		}
	}
	f.write(line)
}

// waitsText is the log line of a device that waits.
func waitsText(d outbound.Caller) string {
	who := d.Claim
	if who == "" {
		who = "a device without a name"
	}
	if d.Profile != "" {
		return who + ": " + d.Trust + " as " + d.Profile
	}
	return who + ": " + d.Trust
}

// stands notes how a listener stands.
func (x *secure) stands(addr, bound string, err error) {
	f := x.f
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.listener(HTTPS, addr); i >= 0 {
		f.listeners[i].Bound, f.listeners[i].Err, f.listeners[i].Since = bound, err, f.o.Now()
	}
}

var _ outbound.Book = (*secure)(nil)

func (x *secure) reread() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.read = time.Time{}
}

// address is where a device calls from, without the port.
func address(d outbound.Caller) string { return d.From.Addr().Unmap().WithZone("").String() }

// byAddress returns the profile to which the address of a device of the basic
// form is bound. Nothing is proved by it.
func (x *secure) byAddress(d outbound.Caller) (profile.Profile, bool) {
	if d.Via != link.HTTPSBasic {
		return profile.Profile{}, false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh()
	p, ok := x.byAddr[address(d)]
	return p, ok
}

// fresh reads the profiles again when they may have changed; x.mu is held.
func (x *secure) fresh() {
	if time.Since(x.read) >= freshFor { // how long reading takes is not the business of a test's clock
		ps, _ := x.f.o.Profiles.List() // those that cannot be read are shown with the profiles
		x.byID, x.byAddr = map[string]profile.Profile{}, map[string]profile.Profile{}
		for _, p := range ps {
			if _, taken := x.byAddr[p.Host]; p.Via == link.HTTPSBasic && p.Host != "" && !taken {
				x.byAddr[p.Host] = p
			}
			if p.Via == link.HTTPS && p.DeviceID != "" {
				if _, taken := x.byID[p.DeviceID]; !taken {
					x.byID[p.DeviceID] = p
				}
				delete(x.once, p.DeviceID)
			}
		}
		x.read = time.Now()
	}
}

// ByID returns the device of a device-id; a changed profile holds a second
// later.
func (x *secure) ByID(id string) (callhome.Entry, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh()
	p, ok := x.byID[id]
	if !ok {
		t, once := x.once[id]
		if !once {
			return callhome.Entry{}, false
		}
		p = profile.Profile{Target: t}
	}
	e := callhome.Entry{Target: p.Target}
	if ref := p.Secret; ref != "" {
		e.Secret = func(ctx context.Context) (keys.Secret, error) {
			ctx, cancel := context.WithTimeout(ctx, secretTime)
			defer cancel()
			return x.f.o.Vault.Get(ctx, ref)
		}
	}
	return e, true
}
