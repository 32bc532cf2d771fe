package outbound

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound/jetpb"
	"dialtone/keys"
)

// row is one device in the list: its calls that wait and its sessions. Guarded
// by Server.mu.
type row struct {
	caller   Caller
	key      string
	calls    []*call // oldest first
	sessions int
}

func (r *row) value() Caller {
	c := r.caller
	c.Waiting, c.Sessions = len(r.calls), r.sessions
	return c
}

// call is one parked call of the enhanced form, or a stream of the basic form
// that nobody has opened.
type call struct {
	row      *row
	guest    *guest
	instance uint64
	answer   chan answer // of size 1; whoever takes the call out of its row fills it
}

// answer ends a parked call: with a wedding, or with a refusal that is held for
// a while so that a device that tries again at once does not hammer us.
type answer struct {
	w      *wedding
	refuse codes.Code
}

// wedding is a session that is to come: a call was answered with its token, and
// the stream that brings the token gets it.
type wedding struct {
	token  string
	order  uint64 // among all
	kind   Kind
	row    *row
	who    string // the device, as it was when its call was answered
	guest  *guest
	stream chan *stream // of size 1
}

// Kind is what runs on the device at the other end of a session.
type Kind uint8

// NETCONF is `netconf interactive`, CSH a command shell.
const (
	NETCONF Kind = iota
	CSH
)

// The metadata of an answered call. The device echoes all pairs on its stream;
// port and conn_type are what other servers send and a device may look at.
const (
	tokenKey = "session-token"
	portKey  = "port"
	kindKey  = "conn_type"
)

func (k Kind) word() string {
	if k == CSH {
		return "csh"
	}
	return "netconf"
}

// enhanced is the service of 20.3 and later.
type enhanced struct {
	jetpb.UnimplementedNcgrpcServer
	s *Server
}

// NcgrpcServerStatusGet says that we are up.
func (e *enhanced) NcgrpcServerStatusGet(ctx context.Context, _ *jetpb.StatusRequest) (*jetpb.StatusReply, error) {
	if g := guestOf(ctx); g != nil {
		g.speak()
	}
	return &jetpb.StatusReply{Status: jetpb.StatusReply_SUCCESS}, nil
}

// errUnauthenticated has no detail: what was wrong is nobody's business.
var errUnauthenticated = status.Error(codes.Unauthenticated, "")

// NcgrpcInitialize judges who calls and parks the call.
func (e *enhanced) NcgrpcInitialize(ctx context.Context, in *jetpb.InitializeRequest) (*jetpb.InitializeReply, error) {
	s, g := e.s, guestOf(ctx)
	if g == nil {
		return nil, errUnauthenticated
	}
	c, blame, f := s.judge(ctx, g, in)
	if f != nil {
		s.refuse(g, f, blame)
		pause(ctx, s.o.Hold)
		return nil, errUnauthenticated
	}
	if f := s.park(c); f != nil {
		s.refuse(g, f, 0)
		pause(ctx, s.o.Hold)
		return nil, status.Error(codes.ResourceExhausted, "")
	}
	g.busy(1)
	defer g.busy(-1)
	select {
	case a := <-c.answer:
		return s.answered(ctx, a)
	case <-ctx.Done():
		s.unpark(c)
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// answered ends a parked call.
func (s *Server) answered(ctx context.Context, a answer) (*jetpb.InitializeReply, error) {
	if a.w == nil {
		pause(ctx, s.o.Hold)
		return nil, status.Error(a.refuse, "")
	}
	err := grpc.SetTrailer(ctx, metadata.Pairs(portKey, "443", kindKey, a.w.kind.word(), tokenKey, a.w.token))
	if err != nil {
		return nil, err
	}
	return &jetpb.InitializeReply{SessionType: jetpb.InitializeReply_SessionType(a.w.kind)}, nil
}

// judge finds out whose call it is. A fault refuses it.
func (s *Server) judge(ctx context.Context, g *guest, in *jetpb.InitializeRequest) (*call, callhome.Blame, *keys.Fault) {
	id := string(in.GetDeviceId())
	if !callhome.GoodID(id) {
		return nil, callhome.ForGarbage, &keys.Fault{Code: "GRPC-ID", What: fmt.Sprintf("the caller gives no usable device-id: %.40q", id)}
	}
	c := &call{guest: g, instance: in.GetInstanceId(), answer: make(chan answer, 1)}
	r := &row{key: "new " + id + " " + g.from.Addr().String(), caller: Caller{On: g.on.addr, Via: link.HTTPS, From: g.from, Claim: id,
		Instance: c.instance, Trust: UnknownDevice, Agent: agent(ctx)}}
	c.row = r
	e, known := s.o.Book.ByID(id)
	if !known || e.Target.Via != link.HTTPS {
		if known {
			r.caller.Note = fmt.Sprintf("the profile %.64q has this device-id for %s", e.Target.Name, e.Target.Via)
		}
		return c, 0, nil
	}
	r.caller.Profile, r.caller.Target = e.Target.Name, e.Target
	if e.Secret == nil {
		r.key, r.caller.Trust = "open "+id+" "+g.from.Addr().String(), SecretUnchecked
		return c, 0, nil
	}
	secret, err := e.Secret(ctx)
	if err != nil {
		return nil, 0, &keys.Fault{Code: "GRPC-SECRET", What: fmt.Sprintf("the secret of %q cannot be read: %v", id, err), Kept: "The device will call again", Err: err}
	}
	want, got := sha256.Sum256(secret.Reveal()), sha256.Sum256(in.GetSecretKey())
	secret.Wipe()
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		what := fmt.Sprintf("device %q failed its secret", id)
		if len(in.GetSecretKey()) == 0 {
			what = fmt.Sprintf("device %q sent no secret, and its profile has one", id)
		}
		return nil, callhome.ForSecret, &keys.Fault{Code: "GRPC-AUTH", What: what, Do: "Compare the secret of the profile with outbound-https on the device"}
	}
	r.key, r.caller.Trust, r.caller.Believed = "id "+id, SecretOK, true
	r.caller.Auto = e.Target.Open == "auto"
	g.prove(true)
	return c, 0, nil
}

// agent is what the other side says it is; at most 128 characters that print.
func agent(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	if v := md.Get("user-agent"); len(v) > 0 {
		return strings.Map(func(r rune) rune {
			if r < 0x20 || r > 0x7e {
				return -1
			}
			return r
		}, v[0][:min(len(v[0]), 128)])
	}
	return ""
}

// park puts a call into the row of its device, which is made if need be. Calls
// of an earlier instance of the device's program are dropped: it has started
// again, and will never hear an answer to them.
func (s *Server) park(c *call) *keys.Fault {
	s.mu.Lock()
	r := s.byKey[c.row.key]
	if r == nil {
		if f := s.roomFor(c.row); f != nil {
			s.mu.Unlock()
			return f
		}
		r = c.row
		r.caller.ID, r.caller.Since = s.idOf(r.key), s.o.Now()
		s.rows[r.caller.ID], s.byKey[r.key] = r, r
	} else {
		fresh := c.row.caller
		fresh.ID, fresh.Since = r.caller.ID, r.caller.Since
		r.caller = fresh
	}
	c.row, c.guest.device = r, r.key
	var old []*call
	r.calls = slices.DeleteFunc(r.calls, func(o *call) bool {
		if o.instance != c.instance {
			old = append(old, o)
			return true
		}
		return false
	})
	full := len(r.calls) >= s.o.MostCalls
	if !full {
		r.calls = append(r.calls, c)
	}
	v := r.value()
	s.mu.Unlock()
	for _, o := range old {
		o.answer <- answer{refuse: codes.Aborted}
	}
	if full {
		return &keys.Fault{Code: "GRPC-CALLS", What: fmt.Sprintf("device %q has %d calls waiting already", v.Claim, v.Waiting)}
	}
	if len(old) > 0 {
		s.say(Event{Kind: Warned, On: v.On, Caller: v, Err: &keys.Fault{Code: "GRPC-INSTANCE", What: fmt.Sprintf("the program on %q has started again, or two of them call", v.Claim),
			Kept: "Its earlier calls are dropped"}}, "instance "+r.key)
	}
	s.emit(Event{Kind: Waiting, On: v.On, Caller: v})
	return nil
}

// mostIDs is how many devices are remembered after they have gone.
const mostIDs = 4096

// idOf gives a device that comes back the number that it had; s.mu is held.
func (s *Server) idOf(key string) CallerID {
	id, ok := s.ids[key]
	if !ok {
		if len(s.ids) >= mostIDs {
			clear(s.ids)
			for k, r := range s.byKey {
				s.ids[k] = r.caller.ID
			}
		}
		s.lastID++
		id = s.lastID
		s.ids[key] = id
	}
	return id
}

// roomFor reports whether one more stranger may wait; s.mu is held. Known devices
// always may.
func (s *Server) roomFor(r *row) *keys.Fault {
	if r.caller.Believed {
		return nil
	}
	strangers, near := 0, 0
	for _, o := range s.rows {
		if o.caller.Believed || len(o.calls) == 0 {
			continue
		}
		strangers++
		if callhome.Source(o.caller.From.Addr()) == callhome.Source(r.caller.From.Addr()) {
			near++
		}
	}
	if strangers < s.o.MostUnknown && near < max(1, s.o.MostUnknown/4) {
		return nil
	}
	return &keys.Fault{Code: "LSN-FULL", What: fmt.Sprintf("%d devices of which nothing is known wait already", strangers), Do: "Decide on those that wait"}
}

// unpark takes a call out whose device has gone.
func (s *Server) unpark(c *call) {
	s.mu.Lock()
	n := len(c.row.calls)
	c.row.calls = slices.DeleteFunc(c.row.calls, func(o *call) bool { return o == c })
	changed := n != len(c.row.calls)
	s.mu.Unlock()
	if changed {
		s.tell(c.row)
	}
}

// tell forgets a row without calls and sessions, and tells of the change.
func (s *Server) tell(r *row) {
	s.mu.Lock()
	v := r.value()
	kind := Changed
	if v.Waiting == 0 && v.Sessions == 0 {
		if s.rows[v.ID] != r {
			s.mu.Unlock()
			return
		}
		kind = Gone
		delete(s.rows, v.ID)
		delete(s.byKey, r.key)
	}
	s.mu.Unlock()
	s.emit(Event{Kind: kind, On: v.On, Caller: v})
}

// Refuse drops the calls of a device that wait. They end after a while, so that a
// device that tries again at once does not hammer us; its sessions live on. It
// returns false when nothing waits.
func (s *Server) Refuse(id CallerID) bool {
	s.mu.Lock()
	r := s.rows[id]
	var old []*call
	if r != nil {
		old, r.calls = r.calls, nil
	}
	s.mu.Unlock()
	for _, c := range old {
		c.answer <- answer{refuse: codes.PermissionDenied}
	}
	if len(old) > 0 {
		s.tell(r)
	}
	return len(old) > 0
}

// take takes a call that can be opened out of its row and counts the session.
func (s *Server) take(id CallerID, kind Kind) (*call, *wedding, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.rows[id]
	if r == nil || len(r.calls) == 0 {
		what := "the device has gone"
		if r != nil {
			what = fmt.Sprintf("%s has no call waiting now", r.name())
		}
		return nil, nil, &keys.Fault{Code: "GRPC-NOTPARKED", What: what, Do: "Wait until it calls again"}
	}
	if r.caller.Via == link.HTTPSBasic && kind == CSH {
		return nil, nil, &keys.Fault{Code: "GRPC-NOSHELL", What: "this form of outbound HTTPS (release 20.2) has no shell"}
	}
	c := r.calls[0]
	r.calls = slices.Delete(r.calls, 0, 1)
	r.sessions++
	s.answers++
	w := &wedding{token: token(), order: s.answers, kind: kind, row: r, who: r.name(), guest: c.guest, stream: make(chan *stream, 1)}
	s.weddings[w.token] = w
	return c, w, nil
}

// name is the device's; Server.mu is held.
func (r *row) name() string {
	if r.caller.Claim != "" {
		return fmt.Sprintf("%q", r.caller.Claim)
	}
	return r.caller.From.String()
}

func token() string {
	var b [24]byte
	rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// open answers a call and waits for its stream.
func (s *Server) open(ctx context.Context, id CallerID, kind Kind) (*stream, error) {
	c, w, err := s.take(id, kind)
	if err != nil {
		return nil, err
	}
	c.guest.prove(false) // whoever opens it, vouches for it
	c.guest.carry(1)
	c.answer <- answer{w: w}
	limit := time.NewTimer(s.o.Marry)
	defer limit.Stop()
	var f *keys.Fault
	select {
	case st := <-w.stream:
		s.tell(w.row)
		return st, nil
	case <-c.guest.gone:
		f = &keys.Fault{Code: "GRPC-GONE", What: w.who + " hung up before its session came about", Do: "Wait until it calls again"}
	case <-limit.C:
		f = &keys.Fault{Code: "GRPC-NOSTREAM", What: fmt.Sprintf("%s was asked for a session and brought none within %v", w.who, s.o.Marry),
			Do: "Look at /var/log/outbound_https.log on the device"}
	case <-ctx.Done():
		f = &keys.Fault{Code: "GRPC-STOPPED", What: "the wait for the session of " + w.who + " was given up", Err: ctx.Err()}
	}
	s.mu.Lock()
	_, waits := s.weddings[w.token]
	delete(s.weddings, w.token)
	if waits {
		w.row.sessions--
	}
	s.mu.Unlock()
	defer s.tell(w.row)
	if !waits { // the stream came in this very moment
		return <-w.stream, nil
	}
	c.guest.carry(-1)
	return nil, f
}
