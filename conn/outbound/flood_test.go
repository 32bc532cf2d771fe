package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dialtone/conn/outbound/jetpb"
	"dialtone/conn/outbound/outboundsim"
)

// raw is a hand-made HTTP/2 client.
type raw struct {
	c  *tls.Conn
	fr *http2.Framer
	hp *hpack.Encoder
	b  *strings.Builder
}

func (l *lab) http2(t testing.TB) (*raw, *http2.Framer) {
	t.Helper()
	c, err := l.tls(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(wait))
	io.WriteString(c, http2.ClientPreface)
	fr := http2.NewFramer(c, bufio.NewReader(c))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.AllowIllegalWrites = true
	if err := fr.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	b := &strings.Builder{}
	return &raw{c, fr, hpack.NewEncoder(b), b}, fr
}

// request sends headers; extra are more pairs.
func (r *raw) request(t testing.TB, id uint32, path string, extra ...string) error {
	t.Helper()
	r.b.Reset()
	pairs := append([]string{":method", "POST", ":scheme", "https", ":path", path, ":authority", "localhost", "content-type", "application/grpc", "te", "trailers"}, extra...)
	for i := 0; i < len(pairs); i += 2 {
		r.hp.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	text := []byte(r.b.String())
	n := min(len(text), 16<<10)
	err := r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: text[:n], EndHeaders: n == len(text)})
	for rest := text[n:]; len(rest) > 0 && err == nil; {
		n := min(len(rest), 16<<10)
		err = r.fr.WriteContinuation(id, n == len(rest), rest[:n])
		rest = rest[n:]
	}
	return err
}

// proves that a session of another device is untouched while f runs.
func untouched(t *testing.T, l *lab, f func()) {
	t.Helper()
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	ask(t, s, getConfig)
	f()
	ask(t, s, getConfig)
}

func TestFloods(t *testing.T) {
	t.Parallel()
	const status = "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet"
	const n = 10000
	for _, x := range []struct {
		name  string
		codes string // that tell of it; "" when gRPC itself hangs up
		do    func(*testing.T, *raw)
	}{
		{"10,000 streams", "GRPC-FLOOD GRPC-BIG", func(t *testing.T, r *raw) {
			for i := range n {
				if r.request(t, uint32(2*i+1), status) != nil {
					return
				}
			}
		}},
		{"rapid reset", "GRPC-FLOOD GRPC-BIG", func(t *testing.T, r *raw) {
			for i := range n {
				if r.request(t, uint32(2*i+1), status) != nil || r.fr.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel) != nil {
					return
				}
			}
		}},
		{"continuation", "", func(t *testing.T, r *raw) {
			r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
			for range n {
				if r.fr.WriteContinuation(1, false, make([]byte, 1024)) != nil {
					return
				}
			}
		}},
		{"settings", "GRPC-BIG", func(t *testing.T, r *raw) {
			for range n {
				if r.fr.WriteSettings() != nil {
					return
				}
			}
		}},
		{"ping", "", func(t *testing.T, r *raw) {
			for range n {
				if r.fr.WritePing(false, [8]byte{}) != nil {
					return
				}
			}
		}},
		{"window updates", "GRPC-BIG", func(t *testing.T, r *raw) {
			for range n {
				if r.fr.WriteWindowUpdate(0, 1) != nil {
					return
				}
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			untouched(t, l, func() {
				r, fr := l.http2(t)
				ended := make(chan error, 1)
				go func() { // ends with the connection
					for {
						if _, err := fr.ReadFrame(); err != nil {
							ended <- err
							return
						}
					}
				}()
				x.do(t, r)
				var ne net.Error
				if err := <-ended; errors.As(err, &ne) && ne.Timeout() {
					t.Error("the connection is still open")
				}
				for x.codes != "" {
					if code := codeOf(l.expect(t, Refused, "").Err); strings.Contains(x.codes, code) {
						break
					}
				}
			})
		})
	}
}

// A device that has proved itself may not flood either; its own sessions end with
// the connection, those of others live on.
func TestFloodFromAKnownDevice(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	untouched(t, l, func() {
		c := l.dial(t)
		parked := make(chan error, 1)
		go func() { parked <- initialize(t.Context(), c, "r2", "t0psecret") }() // ends with the connection
		l.expect(t, Waiting, "")
		for range 2 * mostCalls {
			if _, err := jetpb.NewNcgrpcClient(c).NcgrpcServerStatusGet(t.Context(), &jetpb.StatusRequest{}); err != nil {
				break
			}
		}
		l.expect(t, Refused, "GRPC-FLOOD")
		if err := <-parked; status.Code(err) != codes.Unavailable {
			t.Errorf("the parked call: %v", err)
		}
	})
}

// A path without a slash, and what else no gRPC would send.
func TestRequestsThatAreNoGRPC(t *testing.T) {
	t.Parallel()
	const path = "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet"
	for _, x := range []struct {
		name, path string
		extra      []string
		http, grpc string // the answer; "" for a reset
	}{
		{"no slash", "NcgrpcServerStatusGet", nil, "200", "12"},
		{"empty path", "", nil, "200", "12"},
		{"another service", "/x.Y/Z", nil, "200", "12"},
		{"another method", "/jnx.jet.netconf.Ncgrpc/Reboot", nil, "200", "12"},
		{"headers of 20 KiB", path, []string{"x", strings.Repeat("a", 20<<10)}, "", ""},
		{"compressed in a way that is not known", path, []string{"grpc-encoding", "bomb"}, "200", "12"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			h, fr := l.http2(t)
			h.request(t, 1, x.path, x.extra...)
			h.fr.WriteData(1, true, []byte{map[bool]byte{true: 1}[len(x.extra) > 0 && x.http != ""], 0, 0, 0, 0})
			http, grpc := answerOf(fr)
			if http != x.http || grpc != x.grpc {
				t.Errorf("answer %q %q, want %q %q", http, grpc, x.http, x.grpc)
			}
		})
	}
}

// answerOf reads until a request is answered: by a status of HTTP and one of gRPC,
// or with a reset, or with the end of the connection, for which both are empty.
func answerOf(fr *http2.Framer) (http, grpc string) {
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return "", ""
		}
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			return "", ""
		case *http2.MetaHeadersFrame:
			if v := f.PseudoValue("status"); v != "" {
				http = v
			}
			for _, h := range f.RegularFields() {
				if h.Name == "grpc-status" {
					return http, h.Value
				}
			}
			if f.StreamEnded() {
				return http, ""
			}
		}
	}
}

// Headers up to 16 KiB are read.
func TestHeadersThatAreLongEnough(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	h, fr := l.http2(t)
	h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet", "x", strings.Repeat("a", 15<<10))
	h.fr.WriteData(1, true, []byte{0, 0, 0, 0, 0})
	if http, grpc := answerOf(fr); http != "200" || grpc != "0" {
		t.Errorf("answer %q %q", http, grpc)
	}
}

func TestUnknownMethod(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	err := l.dial(t).Invoke(t.Context(), "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &jetpb.StatusRequest{}, &jetpb.StatusReply{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
	l.expect(t, Refused, "GRPC-METHOD")
}

func TestStreamsOfOneConnection(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { roomy(o); o.MostCalls = 100 })
	c := l.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 20)
	for range cap(errs) {
		go func() { errs <- initialize(ctx, c, "r1", "s3cret") }() // ends with ctx
	}
	for range 16 {
		l.expect(t, Waiting, "")
	}
	select {
	case ev := <-l.events:
		t.Errorf("more than 16 streams: %+v", ev)
	case <-time.After(200 * time.Millisecond):
	}
	cancel()
	for range cap(errs) {
		<-errs
	}
}

func TestCallsOfOneDeviceAreBounded(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	c := l.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	errs := make(chan error, 5)
	for range cap(errs) {
		go func() { errs <- initialize(ctx, c, "r1", "s3cret") }() // ends with ctx
	}
	if err := <-errs; status.Code(err) != codes.ResourceExhausted {
		t.Errorf("%v", err)
	}
	l.expect(t, Refused, "GRPC-CALLS")
	if c := l.Callers(); len(c) != 1 || c[0].Waiting != 4 {
		t.Errorf("%+v", c)
	}
}

// A flood from one source is turned away at the door while a session works on.
func TestFloodIsTurnedAway(t *testing.T) {
	l := newLab(t, nil)
	untouched(t, l, func() {
		before := runtime.NumGoroutine()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 99)}, Timeout: wait}
		for range 2000 {
			c, err := d.Dial("tcp", l.addr)
			if err != nil {
				continue
			}
			t.Cleanup(func() { c.Close() })
		}
		if n := runtime.NumGoroutine() - before; n > 4*32+50 {
			t.Errorf("%d goroutines more", n)
		}
		l.mu.Lock()
		n := len(l.guests)
		l.mu.Unlock()
		if n > 32+8 {
			t.Errorf("%d connections are held", n)
		}
	})
	l.expect(t, Refused, "LSN-BUSY")
}

// Sockets that drip TLS are all let go when its time is over; one that waits for
// its place in a session is not disturbed.
func TestDrippingSocketsAreLetGo(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Handshake = 2 * time.Second })
	untouched(t, l, func() {
		ended := make(chan error, 100)
		for i := range cap(ended) {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 8, 0, byte(i+1))}, Timeout: wait}
			c, err := d.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			c.SetReadDeadline(time.Now().Add(wait))
			go func() { // ends with the connection, or the test
				c.Write([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"))
				for pause(t.Context(), 100*time.Millisecond) {
					if _, err := c.Write([]byte{0}); err != nil {
						return
					}
				}
			}()
			go func() { // ends with the connection
				_, err := io.Copy(io.Discard, c)
				ended <- err
			}()
		}
		for range cap(ended) {
			var ne net.Error
			if err := <-ended; errors.As(err, &ne) && ne.Timeout() {
				t.Error("a socket is still open")
			}
		}
	})
	l.expect(t, Refused, "TLS-TIMEOUT")
}
