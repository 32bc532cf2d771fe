package desk

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"

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
	fresh  freshness
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
