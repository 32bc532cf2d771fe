package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"dialtone/conn/callhome"
	"dialtone/conn/outbound/basicpb"
	"dialtone/conn/outbound/jetpb"
	"dialtone/keys"
)

// Server takes devices on any number of addresses. Its methods may be called
// concurrently.
type Server struct {
	o     Options
	limit *callhome.Limiter
	quiet *callhome.Chorus[Event]
	grpc  *grpc.Server
	pool  *sync.Pool // of blocks

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	bound    map[string]*binding // by the address asked for
	guests   map[*guest]struct{}
	lastID   CallerID
	ids      map[string]CallerID // by the key of a row
	rows     map[CallerID]*row
	byKey    map[string]*row
	weddings map[string]*wedding // by token
	answers  uint64              // calls that were answered with a wedding
}

// binding is one address that we listen on, or try to.
type binding struct {
	addr string
	only []netip.Prefix  // that may call; none: all
	ctx  context.Context // ends with Stop
	stop context.CancelFunc
	over chan struct{} // closed when the address is free again
	at   net.Addr      // nil while it is down; guarded by Server.mu
}

// New makes a server that listens nowhere yet.
func New(o Options) *Server {
	o.defaults()
	s := &Server{o: o, pool: newPool(), limit: callhome.NewLimiter(o.Budget, o.Now), bound: map[string]*binding{}, guests: map[*guest]struct{}{}, ids: map[string]CallerID{},
		rows: map[CallerID]*row{}, byKey: map[string]*row{}, weddings: map[string]*wedding{}}
	s.quiet = callhome.NewChorus(o.Now, func(ev Event, count int) {
		ev.Count = count
		s.emit(ev)
	})
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.grpc = s.server()
	return s
}

// server is gRPC with the limits of security.md E3.
func (s *Server) server() *grpc.Server {
	conf := &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{"h2"},
		SessionTicketsDisabled: true,
		GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if s.o.GetCertificate == nil {
				return nil, errors.New("there is no certificate")
			}
			return s.o.GetCertificate(h)
		},
	}
	if s.o.ClientCAs != nil {
		conf.ClientAuth, conf.ClientCAs = tls.RequireAndVerifyClientCert, s.o.ClientCAs
	}
	g := grpc.NewServer(
		grpc.ForceServerCodecV2(newCodec()),
		grpc.Creds(&shield{credentials.NewTLS(conf), s}),
		grpc.ConnectionTimeout(s.o.Handshake),
		grpc.MaxConcurrentStreams(16),
		grpc.MaxHeaderListSize(16<<10),
		grpc.MaxRecvMsgSize(s.o.MostReceived),
		grpc.MaxSendMsgSize(16<<20),
		grpc.StaticStreamWindowSize(1<<20),
		grpc.StaticConnWindowSize(4<<20),
		grpc.ReadBufferSize(s.o.ReadBuffer),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: s.o.Ping, Timeout: s.o.PingWait, MaxConnectionIdle: s.o.Idle}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: minPing, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
		grpc.InTapHandle(s.tap),
		grpc.UnaryInterceptor(s.guardUnary),
		grpc.StreamInterceptor(s.guardStream),
		grpc.UnknownServiceHandler(s.unknown),
	)
	jetpb.RegisterNcgrpcServer(g, &enhanced{s: s})
	basicpb.RegisterNetconfRpcApiServer(g, &basic{s: s})
	return g
}

// Start listens on addr ("[::]:443", "192.0.2.1:443") until Stop or Close. An
// address that is taken or not there is tried again, with a pause that grows to
// 30 s; each change is an event. The error is for addresses that can never work
// and for one that is started already. With only, callers of other networks are
// turned away.
func (s *Server) Start(addr string, only ...netip.Prefix) error {
	if err := callhome.CheckAddr(addr, 443); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound[addr] != nil {
		return callhome.Twice(addr)
	}
	if s.ctx.Err() != nil {
		return net.ErrClosed
	}
	b := &binding{addr: addr, only: only, over: make(chan struct{})}
	b.ctx, b.stop = context.WithCancel(s.ctx)
	s.bound[addr] = b
	s.wg.Add(1)
	go func() { // ends with Stop or Close
		defer s.wg.Done()
		defer close(b.over)
		defer b.stop()
		callhome.Keep(b.ctx, addr, func(at net.Addr, err error, tries int) { s.told(b, at, err, tries) }, func(nl net.Listener) error {
			return s.grpc.Serve(&door{callhome.Fence(nl, b.only, func(from netip.AddrPort) {
				s.say(Event{Kind: Refused, On: addr, Caller: Caller{On: addr, From: from}, Err: callhome.Outside()}, callhome.Source(from.Addr()).String()+"outside")
			}), s, b})
		})
		s.emit(Event{Kind: Stopped, On: addr})
	}()
	return nil
}

func (s *Server) told(b *binding, at net.Addr, err error, tries int) {
	s.mu.Lock()
	b.at = at
	s.mu.Unlock()
	if err != nil {
		s.emit(Event{Kind: Down, On: b.addr, Err: err})
		return
	}
	s.emit(Event{Kind: Listening, On: b.addr, Addr: at.String(), Count: tries})
}

// Stop ends listening on an address and hangs up on devices that came by it and
// have no session; sessions live on. It returns when the address is free again,
// and false when it was not started.
func (s *Server) Stop(addr string) bool {
	s.mu.Lock()
	b := s.bound[addr]
	delete(s.bound, addr)
	s.mu.Unlock()
	if b == nil {
		return false
	}
	b.stop()
	<-b.over
	s.hangUp(func(g *guest) bool { return g.on == b && !g.carries() })
	return true
}

// Block refuses a source from now on (or no longer) and hangs up on what came
// from it and has no session.
func (s *Server) Block(a netip.Addr, on bool) {
	s.limit.Block(a, on)
	if on {
		s.hangUp(func(g *guest) bool {
			return callhome.Source(g.from.Addr()) == callhome.Source(a) && !g.carries()
		})
	}
}

// hangUp closes the connections that match.
func (s *Server) hangUp(match func(*guest) bool) {
	s.mu.Lock()
	var gs []*guest
	for g := range s.guests {
		if match(g) {
			gs = append(gs, g)
		}
	}
	s.mu.Unlock()
	for _, g := range gs {
		g.Close()
	}
}

// Addrs returns the addresses that are bound now.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []net.Addr
	for _, b := range s.bound {
		if b.at != nil {
			out = append(out, b.at)
		}
	}
	return out
}

// Callers returns the devices that wait or have sessions, oldest first.
func (s *Server) Callers() []Caller {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Caller, 0, len(s.rows))
	for _, r := range s.rows {
		out = append(out, r.value())
	}
	slices.SortFunc(out, func(a, b Caller) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// Caller returns a device that waits or has sessions; ok is false for one that has
// gone.
func (s *Server) Caller(id CallerID) (c Caller, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.rows[id]
	if !ok {
		return c, false
	}
	return r.value(), true
}

// Penalised is how many sources are turned away now.
func (s *Server) Penalised() int { return s.limit.Penalised() }

// Close ends every session and hangs up on all devices; it returns when every
// goroutine has ended.
func (s *Server) Close() {
	s.cancel()
	s.grpc.Stop()
	s.wg.Wait()
	s.quiet.Close()
}

func (s *Server) emit(ev Event) {
	ev.Time = s.o.Now()
	s.o.OnEvent(ev)
}

// say emits an event unless many like it come.
func (s *Server) say(ev Event, key string) { s.quiet.Say(ev, key) }

// refuse tells of a connection that did what it may not, and blames its source.
// g may be nil.
func (s *Server) refuse(g *guest, f *keys.Fault, blame callhome.Blame) {
	ev := Event{Kind: Refused, Err: f}
	key := f.Code
	if g != nil {
		ev.On, ev.Caller = g.on.addr, Caller{On: g.on.addr, From: g.from}
		key += callhome.Source(g.from.Addr()).String()
		if blame > 0 {
			s.limit.Blame(g.from.Addr(), blame)
		}
	}
	s.say(ev, key)
}

func (s *Server) crashed(where string, v any, stack []byte) {
	s.o.Crashed(where, v, stack)
	s.say(Event{Kind: Warned, Err: &keys.Fault{Code: "CRASH", What: fmt.Sprintf("a fault of this program ended the %s: %q", where, fmt.Sprint(v)),
		Kept: "Other devices are untouched"}}, "crash "+where)
}

// mostCalls is how many calls a connection may make at once; one more each second.
// A device makes three.
const mostCalls = 64

// tap sees each call before anything of it is read. It hangs up on a connection
// that makes calls as fast as it can, to reset them or not.
func (s *Server) tap(ctx context.Context, _ *tap.Info) (context.Context, error) {
	g := guestOf(ctx)
	if g == nil {
		return ctx, errUnauthenticated
	}
	if n := g.calls.Add(1); n > mostCalls && n > mostCalls+int64(s.o.Now().Sub(g.since)/time.Second) {
		s.refuse(g, &keys.Fault{Code: "GRPC-FLOOD", What: fmt.Sprintf("%d calls came over one connection, and a device makes three", n)}, callhome.ForGarbage)
		g.Close()
		return ctx, status.Error(codes.ResourceExhausted, "")
	}
	return ctx, nil
}

// The interceptors keep a panic within its call.

func (s *Server) guardUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, h grpc.UnaryHandler) (reply any, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.crashed("call "+info.FullMethod, v, debug.Stack())
			reply, err = nil, status.Error(codes.Internal, "")
		}
	}()
	return h(ctx, req)
}

func (s *Server) guardStream(srv any, st grpc.ServerStream, info *grpc.StreamServerInfo, h grpc.StreamHandler) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.crashed("stream "+info.FullMethod, v, debug.Stack())
			err = status.Error(codes.Internal, "")
		}
	}()
	return h(srv, st)
}

// unknown refuses methods that are not ours.
func (s *Server) unknown(_ any, st grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(st)
	s.refuse(guestOf(st.Context()), &keys.Fault{Code: "GRPC-METHOD", What: fmt.Sprintf("the caller asks for %.80q, which is not known here", method)}, callhome.ForGarbage)
	return status.Error(codes.Unimplemented, "")
}
