package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"dialtone/conn/callhome"
	"dialtone/keys"
)

// door is the listener that gRPC sees: a connection passes only when the
// limiter has room for it, and stays short of bytes until it has proved itself.
type door struct {
	net.Listener
	s  *Server
	on *binding
}

// Accept returns the next connection that may stay.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := callhome.Accept(d.on.ctx, d.Listener, func(err error) {
			d.s.say(Event{Kind: Refused, On: d.on.addr, Err: err}, "files")
		})
		if err != nil {
			return nil, err
		}
		from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		release, refusal := d.s.limit.Admit(from.Addr())
		if refusal != "" {
			callhome.Reset(c)
			d.s.say(Event{Kind: Refused, On: d.on.addr, Caller: Caller{On: d.on.addr, From: from}, Err: callhome.Busy(refusal)},
				callhome.Source(from.Addr()).String()+refusal)
			continue
		}
		g := &guest{Conn: c, s: d.s, on: d.on, from: from, since: d.s.o.Now(), release: release, gone: make(chan struct{})}
		d.s.mu.Lock()
		d.s.guests[g] = struct{}{}
		stopped := d.on.ctx.Err() != nil
		d.s.mu.Unlock()
		if stopped {
			g.Close()
			return nil, net.ErrClosed
		}
		g.busy(0)
		return g, nil
	}
}

// guest is one connection. Its methods may be called concurrently.
type guest struct {
	net.Conn
	s       *Server
	on      *binding
	from    netip.AddrPort
	since   time.Time
	release func()
	once    sync.Once
	gone    chan struct{} // closed when the connection is known to have ended

	polite atomic.Bool  // the other side closed it, it did not break
	got    atomic.Int64 // bytes, until it has proved itself
	calls  atomic.Int64 // that it made
	proven atomic.Bool

	device string // the key of its row, once it has said who it is; guarded by Server.mu

	mu      sync.Mutex
	unprove func()
	live    int         // sessions that it carries
	waiting int         // calls that it has parked
	limit   *time.Timer // while it has neither and has not proved itself
	spoke   bool        // a call of it was answered
	shook   bool        // the handshake of the basic form was right
}

// mostIdleBytes is what a parked connection may send in a second: signs of life.
const mostIdleBytes = 64

var errTooMuch = errors.New("too many bytes from a connection that has not said who it is")

// Read counts until the connection has proved itself, which bounds what a
// stranger can make us hold, whatever it claims the length of a message to be.
func (g *guest) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if !g.proven.Load() {
		got := g.got.Add(int64(n))
		if got > g.s.o.FirstBytes && got > g.s.o.FirstBytes+int64(g.s.o.Now().Sub(g.since)/time.Second)*mostIdleBytes {
			g.s.refuse(g, &keys.Fault{Code: "GRPC-BIG", What: fmt.Sprintf("%d B came before the device said who it is", got)}, callhome.ForGarbage)
			g.Close()
			return n, errTooMuch
		}
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		g.polite.Store(err == io.EOF && !g.left())
		g.leave()
	}
	return n, err
}

// Close ends the connection.
func (g *guest) Close() error {
	g.leave()
	return g.Conn.Close()
}

// leave takes the connection out of every count.
func (g *guest) leave() {
	g.once.Do(func() {
		close(g.gone)
		g.release()
		g.mu.Lock()
		unprove := g.unprove
		g.unprove = nil
		if g.limit != nil {
			g.limit.Stop()
		}
		g.mu.Unlock()
		if unprove != nil {
			unprove()
		}
		g.s.mu.Lock()
		delete(g.s.guests, g)
		g.s.mu.Unlock()
	})
}

// left reports that the connection has ended.
func (g *guest) left() bool {
	select {
	case <-g.gone:
		return true
	default:
		return false
	}
}

// prove notes that a known device is at the other end: it counts no longer as a
// stranger, and clears its source. credit is false for a device that a person let
// in without proof: its source is not cleared.
func (g *guest) prove(credit bool) {
	if g.proven.Swap(true) {
		return
	}
	g.release()
	if !credit {
		return
	}
	unprove := g.s.limit.Prove(g.from.Addr())
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left() {
		unprove()
		return
	}
	g.unprove = unprove
}

// carry counts the sessions of a connection.
func (g *guest) carry(n int) {
	g.mu.Lock()
	g.live += n
	g.mu.Unlock()
	g.busy(0)
}

// busy counts the calls that it has parked. While there is none and no session, a
// connection that has proved nothing has only so long to say what it wants.
func (g *guest) busy(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting += n
	idle := g.waiting == 0 && g.live == 0 && !g.proven.Load() && !g.left()
	switch {
	case idle && g.limit == nil:
		g.limit = time.AfterFunc(g.s.o.FirstCall, g.late)
	case !idle && g.limit != nil:
		g.limit.Stop()
		g.limit = nil
	}
}

// late hangs up on a connection that wants nothing.
func (g *guest) late() {
	g.mu.Lock()
	over, spoke := g.limit != nil && !g.proven.Load(), g.spoke
	g.mu.Unlock()
	if !over || g.left() {
		return
	}
	if !spoke { // a device that asks how we are and keeps the connection is odd, not bad
		g.s.refuse(g, &keys.Fault{Code: "GRPC-SILENT", What: fmt.Sprintf("the caller connected and asked for nothing within %v", g.s.o.FirstCall)}, callhome.ForTimeout)
	}
	g.Close()
}

// speak notes that a call of it was answered.
func (g *guest) speak() {
	g.mu.Lock()
	g.spoke = true
	g.mu.Unlock()
}

func (g *guest) carries() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.live > 0
}

// shield is TLS with the errors of its handshake in words. It gives the handlers
// the connection that a call came by.
type shield struct {
	credentials.TransportCredentials
	s *Server
}

// introduced is what a handler finds out about the connection of its call.
type introduced struct {
	credentials.TLSInfo
	guest *guest
}

// guestOf returns the connection that a call came by; nil when it came by none
// of ours.
func guestOf(ctx context.Context) *guest {
	if p, ok := peer.FromContext(ctx); ok {
		if in, ok := p.AuthInfo.(introduced); ok {
			return in.guest
		}
	}
	return nil
}

// ServerHandshake runs TLS on a connection that came through the door.
func (sh *shield) ServerHandshake(c net.Conn) (out net.Conn, info credentials.AuthInfo, err error) {
	g, ok := c.(*guest)
	if !ok {
		return nil, nil, errors.New("a connection that did not come through the door")
	}
	defer func() {
		if v := recover(); v != nil {
			sh.s.crashed("TLS handshake", v, debug.Stack())
			out, info, err = nil, nil, errors.New("a fault of this program")
		}
	}()
	out, info, err = sh.TransportCredentials.ServerHandshake(c)
	if err != nil {
		f, blame := tlsFault(err)
		if sh.s.ctx.Err() == nil && g.on.ctx.Err() == nil {
			sh.s.refuse(g, f, blame)
		}
		return nil, nil, err
	}
	ti, ok := info.(credentials.TLSInfo)
	if !ok {
		out.Close()
		return nil, nil, fmt.Errorf("unexpected %T", info)
	}
	return out, introduced{ti, g}, nil
}

// Clone is part of the interface.
func (sh *shield) Clone() credentials.TransportCredentials {
	return &shield{sh.TransportCredentials.Clone(), sh.s}
}

// tlsFault says why a handshake did not come about, and how much its source is
// to blame. A device that does not trust our certificate is not to blame at all.
func tlsFault(err error) (*keys.Fault, callhome.Blame) {
	f := &keys.Fault{Code: "TLS-HANDSHAKE", What: fmt.Sprintf("TLS with the caller failed: %.200q", err.Error()), Err: err}
	var rec tls.RecordHeaderError
	var remote *net.OpError
	text := err.Error()
	switch {
	case errors.As(err, &rec):
		f.Code, f.What = "TLS-NOTTLS", fmt.Sprintf("the caller does not speak TLS: its first bytes are %q", rec.RecordHeader[:])
		if word := string(rec.RecordHeader[:4]); word == "GET " || word == "POST" || word == "HEAD" || word == "PRI " {
			f.What = "the caller speaks plain HTTP, not TLS"
		}
		return f, callhome.ForGarbage
	case errors.Is(err, os.ErrDeadlineExceeded):
		f.Code, f.What = "TLS-TIMEOUT", "the caller did not finish TLS in time"
		return f, callhome.ForTimeout
	case errors.As(err, &remote) && remote.Op == "remote error": // an alert
		f.Code, f.What = "TLS-REFUSED", fmt.Sprintf("the caller refuses our certificate or TLS: %.80q", remote.Err.Error())
		f.Do = "Compare trusted-cert on the device with the certificate shown by dialtone, and the address the device dials with the names in it"
		return f, 0
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed), strings.Contains(text, "connection reset"):
		f.Code, f.What = "TLS-EOF", "the caller hung up before TLS was done"
		return f, callhome.ForGarbage
	case strings.Contains(text, "unsupported versions"):
		f.Code, f.What = "TLS-VERSION", fmt.Sprintf("device speaks %s, and at least TLS 1.2 is needed", offered(text))
		return f, callhome.ForGarbage
	case strings.Contains(text, "application protocol"), strings.Contains(text, "ALPN"):
		f.Code, f.What = "TLS-ALPN", "the caller does not ask for HTTP/2 (ALPN h2)"
		return f, callhome.ForGarbage
	}
	return f, callhome.ForGarbage
}

// offered turns the list of version numbers in Go's error into words.
func offered(text string) string {
	for _, v := range []struct{ code, name string }{{"302", "TLS 1.1"}, {"301", "TLS 1.0"}, {"300", "SSL 3.0"}} {
		if strings.Contains(text, v.code) {
			return v.name
		}
	}
	return "an unknown version of TLS"
}
