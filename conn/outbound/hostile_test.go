package outbound

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound/basicpb"
	"dialtone/conn/outbound/jetpb"
	"dialtone/conn/outbound/outboundsim"
)

// dial makes a gRPC client that trusts the lab's certificate.
func (l *lab) dial(t testing.TB, more ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(l.roots)
	c, err := grpc.NewClient("passthrough:///"+l.addr, append(more, grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(pool, "")))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// tls dials without gRPC.
func (l *lab) tls(t testing.TB, adjust func(*tls.Config)) (*tls.Conn, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(l.roots)
	conf := &tls.Config{RootCAs: pool, NextProtos: []string{"h2"}, ServerName: "localhost"}
	if adjust != nil {
		adjust(conf)
	}
	c, err := tls.Dial("tcp", l.addr, conf)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func initialize(ctx context.Context, c *grpc.ClientConn, id, secret string) error {
	_, err := jetpb.NewNcgrpcClient(c).NcgrpcInitialize(ctx, &jetpb.InitializeRequest{InstanceId: 1, DeviceId: []byte(id), SecretKey: []byte(secret)})
	return err
}

// hungUp waits until the other side closes.
func hungUp(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(wait))
	if _, err := io.Copy(io.Discard, c); err != nil {
		var ne net.Error
		if errors.As(err, &ne) && ne.Timeout() {
			t.Error("the connection is still open")
		}
	}
}

// roomy has no limits by source, for tests that come from one.
func roomy(o *Options) { o.Budget = callhome.Budget{Total: 4096, Soft: 4096, PerSource: 4096} }

func TestG1ConnectionsThatAreNoGRPC(t *testing.T) {
	t.Parallel()
	send := func(text string) func(*testing.T, *lab) {
		return func(t *testing.T, l *lab) {
			c, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, text)
			hungUp(t, c)
		}
	}
	for _, x := range []struct {
		name, code, part string
		do               func(*testing.T, *lab)
	}{
		{"silence", "TLS-TIMEOUT", "", send("")},
		{"half a hello", "TLS-TIMEOUT", "", send("\x16\x03\x01\x02\x00\x01\x00")},
		{"plain HTTP", "TLS-NOTTLS", "plain HTTP", send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
		{"an SSH client", "TLS-NOTTLS", `SSH`, send("SSH-2.0-OpenSSH_9.2\r\n")},
		{"TLS 1.1", "TLS-VERSION", "device speaks TLS 1.1", func(t *testing.T, l *lab) {
			if _, err := l.tls(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }); err == nil {
				t.Error("TLS 1.1 was taken")
			}
		}},
		{"no ALPN", "TLS-ALPN", "", func(t *testing.T, l *lab) {
			if c, err := l.tls(t, func(c *tls.Config) { c.NextProtos = nil }); err == nil {
				hungUp(t, c)
			}
		}},
		{"another protocol", "TLS-ALPN", "", func(t *testing.T, l *lab) {
			if c, err := l.tls(t, func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }); err == nil {
				hungUp(t, c)
			}
		}},
		{"no trust in us", "TLS-REFUSED", "trusted-cert", func(t *testing.T, l *lab) {
			if _, err := l.tls(t, func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }); err == nil {
				t.Error("trusted")
			}
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(o *Options) { o.Handshake = 500 * time.Millisecond })
			x.do(t, l)
			ev := l.expect(t, Refused, x.code)
			if !strings.Contains(ev.Err.Error(), x.part) {
				t.Errorf("%v does not say %q", ev.Err, x.part)
			}
			if !ev.Caller.From.IsValid() || ev.On == "" {
				t.Errorf("event %+v", ev)
			}
		})
	}
}

// A peer that finishes TLS and says nothing more is closed too.
func TestG1SilenceAfterTLS(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Handshake = 500 * time.Millisecond })
	c, err := l.tls(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	hungUp(t, c)
}

func TestG2SecretsAndIdentities(t *testing.T) {
	t.Parallel()
	for _, x := range []struct{ name, id, secret, code string }{
		{"wrong secret", "r1", "S3cret", "GRPC-AUTH"},
		{"missing secret", "r1", "", "GRPC-AUTH"},
		{"longer secret", "r1", "s3cret\x00", "GRPC-AUTH"},
		{"no id", "", "s3cret", "GRPC-ID"},
		{"newline", "r1\n@cert-authority *", "s3cret", "GRPC-ID"},
		{"escape", "\x1b[2J", "s3cret", "GRPC-ID"},
		{"not UTF-8", "r\xff", "s3cret", "GRPC-ID"},
		{"300 bytes", strings.Repeat("r", 300), "s3cret", "GRPC-ID"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(o *Options) { o.Hold = 300 * time.Millisecond })
			start := time.Now()
			err := initialize(t.Context(), l.dial(t), x.id, x.secret)
			if st := status.Convert(err); st.Code() != codes.Unauthenticated || st.Message() != "" {
				t.Errorf("answer %v", err)
			}
			if took := time.Since(start); took < 300*time.Millisecond {
				t.Errorf("answered after %v", took)
			}
			ev := l.expect(t, Refused, x.code)
			if strings.Contains(ev.Err.Error(), "3cret") {
				t.Errorf("the secret is in %v", ev.Err)
			}
			if n := len(l.Callers()); n != 0 {
				t.Errorf("%d callers", n)
			}
		})
	}
}

func TestG2WrongSecretIsPenalised(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Secret: "wrong", Sticky: true}) // hammers
	l.expect(t, Refused, "GRPC-AUTH")
	l.expect(t, Refused, "LSN-BUSY")
	if l.Penalised() != 1 {
		t.Errorf("%d penalised", l.Penalised())
	}
}

func TestG2AllWrongSecretsAreHeldAlike(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { roomy(o); o.Hold = time.Second })
	c := l.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() { errs <- initialize(ctx, c, "r1", "wrong") }() // ends with the call
	}
	select {
	case err := <-errs:
		t.Errorf("answered at once: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	cancel() // a caller that hangs up is not waited for
	for range cap(errs) {
		<-errs
	}
}

func TestG2Metadata(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	c := l.dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := initialize(metadata.AppendToOutgoingContext(ctx, "x", strings.Repeat("a", 1<<20)), c, "r1", "s3cret"); err == nil {
		t.Error("1 MiB of metadata was taken")
	}
	// The caller's own client may have refused; a hand-made one does not ask.
	h, fr := l.http2(t)
	h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet", "x", strings.Repeat("a", 100<<10))
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			break
		}
		if _, ok := f.(*http2.RSTStreamFrame); ok {
			break
		}
		if m, ok := f.(*http2.MetaHeadersFrame); ok && m.PseudoValue("status") == "200" && !m.StreamEnded() {
			t.Error("100 KiB of headers were taken")
			break
		}
	}
	// Other devices are served.
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	ask(t, s, getConfig)
}

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

func TestG3Floods(t *testing.T) {
	t.Parallel()
	const status = "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet"
	const n = 10000
	for _, x := range []struct {
		name string
		do   func(*testing.T, *lab, *raw)
	}{
		{"10,000 streams", func(t *testing.T, _ *lab, r *raw) {
			for i := range n {
				if r.request(t, uint32(2*i+1), status) != nil {
					return
				}
			}
		}},
		{"rapid reset", func(t *testing.T, _ *lab, r *raw) {
			for i := range n {
				if r.request(t, uint32(2*i+1), status) != nil || r.fr.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel) != nil {
					return
				}
			}
		}},
		{"continuation", func(t *testing.T, _ *lab, r *raw) {
			r.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte{0x82}})
			for range n {
				if r.fr.WriteContinuation(1, false, make([]byte, 1024)) != nil {
					return
				}
			}
		}},
		{"settings", func(t *testing.T, _ *lab, r *raw) {
			for range n {
				if r.fr.WriteSettings() != nil {
					return
				}
			}
		}},
		{"ping", func(t *testing.T, _ *lab, r *raw) {
			for range n {
				if r.fr.WritePing(false, [8]byte{}) != nil {
					return
				}
			}
			hungUp(t, r.c)
		}},
		{"path without slash", func(t *testing.T, _ *lab, r *raw) { r.request(t, 1, "NcgrpcServerStatusGet") }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			untouched(t, l, func() {
				r, fr := l.http2(t)
				go func() { // ends with the connection
					for {
						if _, err := fr.ReadFrame(); err != nil {
							return
						}
					}
				}()
				x.do(t, l, r)
				r.c.Close()
			})
		})
	}
}

func TestG3UnknownMethod(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	err := l.dial(t).Invoke(t.Context(), "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", &jetpb.StatusRequest{}, &jetpb.StatusReply{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("%v", err)
	}
	l.expect(t, Refused, "GRPC-METHOD")
}

func TestG3StreamsOfOneConnection(t *testing.T) {
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

func TestG4LargeMessages(t *testing.T) {
	t.Parallel()
	t.Run("from a stranger", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, nil)
		err := initialize(t.Context(), l.dial(t, grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1<<30))), strings.Repeat("x", 8<<20), "s")
		if err == nil {
			t.Error("8 MiB were taken from a stranger")
		}
		l.expect(t, Refused, "GRPC-BIG")
	})
	t.Run("in a session", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, nil)
		read, st := l.session(t, grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1<<30)))
		st.Send(&jetpb.SessionOutput{Message: []byte("kept")})
		st.Send(&jetpb.SessionOutput{Message: make([]byte, 64<<20)})
		got, err := io.ReadAll(read)
		if string(got) != "kept" || codeOf(err) != "GRPC-SIZE" {
			t.Errorf("%q, %v", got, err)
		}
	})
	t.Run("compressed", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, nil)
		h, fr := l.http2(t)
		h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcInitialize", "grpc-encoding", "gzip")
		h.fr.WriteData(1, true, append([]byte{1, 0, 0, 0, 4}, "bomb"...))
		for {
			f, err := fr.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if m, ok := f.(*http2.MetaHeadersFrame); ok && m.StreamEnded() {
				for _, h := range m.RegularFields() {
					if h.Name == "grpc-status" && h.Value != "12" {
						t.Errorf("grpc-status %s", h.Value)
					}
				}
				return
			}
		}
	})
	t.Run("huge length", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, nil)
		untouched(t, l, func() {
			h, _ := l.http2(t)
			h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcInitialize")
			h.fr.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3})
		})
	})
}

// session opens a session whose device side is in the test's hands.
func (l *lab) session(t testing.TB, more ...grpc.DialOption) (*link.Link, jetpb.Ncgrpc_NcgrpcCommandGetClient) {
	t.Helper()
	c := l.dial(t, more...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var trailer metadata.MD
	done := make(chan error, 1)
	go func() { // ends with the call
		_, err := jetpb.NewNcgrpcClient(c).NcgrpcInitialize(ctx, &jetpb.InitializeRequest{InstanceId: 1, DeviceId: []byte("r2"), SecretKey: []byte("t0psecret")}, grpc.Trailer(&trailer))
		done <- err
	}()
	var id CallerID
	for id == 0 {
		if c := l.expect(t, Waiting, "").Caller; c.Claim == "r2" {
			id = c.ID
		}
	}
	type opened struct {
		lk  *link.Link
		err error
	}
	ch := make(chan opened, 1)
	go func() { // ends when the stream has come
		lk, err := l.Open(ctx, id)
		if err != nil {
			ch <- opened{nil, err}
			return
		}
		ch <- opened{lk, nil}
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	st, err := jetpb.NewNcgrpcClient(c).NcgrpcCommandGet(metadata.NewOutgoingContext(ctx, trailer))
	if err != nil {
		t.Fatal(err)
	}
	o := <-ch
	if o.err != nil {
		t.Fatal(o.err)
	}
	t.Cleanup(func() { o.lk.Close() })
	return o.lk, st
}

func TestG5PanicStaysInItsCall(t *testing.T) {
	t.Parallel()
	crashes := make(chan string, 10)
	l := newLab(t, func(o *Options) {
		o.Crashed = func(where string, _ any, stack []byte) {
			if len(stack) == 0 {
				t.Error("no stack")
			}
			crashes <- where
		}
		o.Book = &panicky{o.Book}
	})
	if err := initialize(t.Context(), l.dial(t), "boom", "x"); status.Code(err) != codes.Internal {
		t.Errorf("%v", err)
	}
	if where := <-crashes; !strings.Contains(where, "NcgrpcInitialize") {
		t.Errorf("crashed in %q", where)
	}
	l.expect(t, Warned, "CRASH")
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	ask(t, s, getConfig)
}

type panicky struct{ Book }

func (p *panicky) ByID(id string) (Entry, bool) {
	if id == "boom" {
		panic("boom")
	}
	return p.Book.ByID(id)
}

func TestG6PeerThatStopsReading(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.WriteStall = 500 * time.Millisecond })
	untouched(t, l, func() {
		rwc, _ := l.session(t) // never reads; its window is 64 KiB
		text := []byte("<rpc>" + strings.Repeat("<a></a>", 300_000) + "</rpc>" + endMark)
		var err error
		for err == nil {
			_, err = rwc.Write(text)
		}
		if codeOf(err) != "NET-STALL" {
			t.Errorf("%v", err)
		}
	})
}

func TestG6PeerThatAcknowledgesNoPing(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Ping, o.PingWait = time.Second, time.Second })
	c, err := l.tls(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, http2.ClientPreface)
	http2.NewFramer(c, nil).WriteSettings()
	start := time.Now()
	hungUp(t, c)
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("closed after %v", took)
	}
}

func TestG7KeepaliveWithoutStream(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes as long as two pings")
	}
	l := newLab(t, nil)
	h, fr := l.http2(t)
	for range 2 {
		if err := h.fr.WritePing(false, [8]byte{7}); err != nil {
			t.Fatal(err)
		}
		for acked := false; !acked; {
			f, err := fr.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			switch f := f.(type) {
			case *http2.PingFrame:
				acked = f.IsAck()
			case *http2.GoAwayFrame:
				t.Fatalf("go away: %v", f)
			}
		}
		if !pause(t.Context(), minPing+100*time.Millisecond) {
			return
		}
	}
}

func TestG8EndInMidReply(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, code string
		do         func(*lab, jetpb.Ncgrpc_NcgrpcCommandGetClient)
	}{
		{"half-close", "GRPC-EOF", func(_ *lab, st jetpb.Ncgrpc_NcgrpcCommandGetClient) { st.CloseSend() }},
		{"notice", "GRPC-ENDED", func(_ *lab, st jetpb.Ncgrpc_NcgrpcCommandGetClient) {
			st.Send(&jetpb.SessionOutput{Message: []byte("CLIENT is stopping, Termination received\n")})
		}},
		{"connection lost", "NET-LOST", func(l *lab, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) {
			l.hangUp(func(*guest) bool { return true })
		}},
		{"listener closed", "LSN-STOPPED", func(l *lab, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) { l.Close() }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			rwc, st := l.session(t)
			st.Send(&jetpb.SessionOutput{Message: []byte("<rpc-reply>half")})
			buf := make([]byte, len("<rpc-reply>half"))
			if _, err := io.ReadFull(rwc, buf); err != nil {
				t.Fatal(err)
			}
			x.do(l, st)
			rest, _ := io.ReadAll(rwc)
			if len(rest) > 0 {
				t.Errorf("read %q", rest)
			}
			if err := rwc.Err(); codeOf(err) != x.code {
				t.Errorf("%v, want %s", err, x.code)
			}
		})
	}
}

func TestPeersOfTheBasicFormMustGreetRight(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	r, err := basicpb.NewNetconfRpcApiClient(l.dial(t)).InitialHandShake(t.Context(), &basicpb.AuthRequest{MessageReq: []byte("something")})
	if err != nil || string(r.GetMessageRes()) != basicNo {
		t.Errorf("%q, %v", r.GetMessageRes(), err)
	}
	l.expect(t, Refused, "GRPC-AUTH")
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
