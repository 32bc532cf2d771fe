package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
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

func TestConnectionsThatAreNoGRPC(t *testing.T) {
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
func TestSilenceAfterTLS(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Handshake = 500 * time.Millisecond })
	c, err := l.tls(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	hungUp(t, c)
}

// The same trouble of one source is told once, another one besides.
func TestNoGRPCIsToldOnceForEachSource(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Handshake = 500 * time.Millisecond })
	for range 2 { // two of them do not bring a penalty yet
		if _, err := l.tls(t, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS11, tls.VersionTLS11 }); err == nil {
			t.Error("TLS 1.1 was taken")
		}
	}
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\n\r\n")
	hungUp(t, c)
	told := map[string]int{}
	for told["TLS-NOTTLS"] == 0 {
		told[codeOf(l.expect(t, Refused, "").Err)]++
	}
	if told["TLS-VERSION"] != 1 {
		t.Errorf("told %v", told)
	}
	l.Close() // tells what was held back
	for ev := (Event{}); ev.Kind != Stopped && codeOf(ev.Err) != "TLS-VERSION"; {
		ev = l.expect(t, Refused, "")
		if codeOf(ev.Err) == "TLS-VERSION" && ev.Count != 1 {
			t.Errorf("%d more, want 1", ev.Count)
		}
	}
}

// A connection has so long to say what it wants, however it drips.
func TestConnectionThatWantsNothing(t *testing.T) {
	t.Parallel()
	quick := func(o *Options) { o.FirstCall = 700 * time.Millisecond }
	for name, drip := range map[string]func(*raw) error{
		"silence":  func(*raw) error { return nil },
		"settings": func(r *raw) error { return r.fr.WriteSettings() },
		"a request": func(r *raw) error {
			return r.fr.WriteData(1, false, []byte{0})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, quick)
			r, fr := l.http2(t)
			r.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcInitialize")
			ended := make(chan error, 1)
			go func() { // ends with the connection
				for {
					if _, err := fr.ReadFrame(); err != nil {
						ended <- err
						return
					}
				}
			}()
			for tick := time.NewTicker(50 * time.Millisecond); ; {
				select {
				case err := <-ended:
					var ne net.Error
					if errors.As(err, &ne) && ne.Timeout() {
						t.Error("the connection is still open")
					}
					l.expect(t, Refused, "GRPC-SILENT")
					return
				case <-tick.C:
					_ = drip(r)
				}
			}
		})
	}
	t.Run("a status and no more", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, quick)
		h, fr := l.http2(t)
		h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcServerStatusGet")
		h.fr.WriteData(1, true, []byte{0, 0, 0, 0, 0})
		if _, grpc := answerOf(fr); grpc != "0" {
			t.Errorf("answer %q", grpc)
		}
		hungUp(t, h.c)
		if l.Penalised() > 0 || len(l.events) > 0 {
			t.Error("it is blamed")
		}
	})
	t.Run("strangers that wait", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, quick)
		c := l.dial(t)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- initialize(ctx, c, "new", "x") }() // ends with ctx
		l.expect(t, Waiting, "")
		pause(ctx, 1500*time.Millisecond)
		if len(l.Callers()) != 1 {
			t.Error("it was cut off")
		}
		cancel() // from now on it wants nothing
		<-ended
		l.expect(t, Gone, "")
		l.expect(t, Refused, "GRPC-SILENT")
	})
}

func TestSecretsAndIdentities(t *testing.T) {
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

func TestWrongSecretIsPenalised(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Secret: "wrong", Sticky: true}) // hammers
	l.expect(t, Refused, "GRPC-AUTH")
	l.expect(t, Refused, "LSN-BUSY")
	if l.Penalised() != 1 {
		t.Errorf("%d penalised", l.Penalised())
	}
}

func TestAllWrongSecretsAreHeldAlike(t *testing.T) {
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

func TestMetadataOfCalls(t *testing.T) {
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
	if http, grpc := answerOf(fr); grpc != "" {
		t.Errorf("100 KiB of headers were answered: %q %q", http, grpc)
	}
	// Other devices are served.
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	ask(t, s, getConfig)
}

func TestLargeMessages(t *testing.T) {
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
		if _, err := st.Recv(); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("the device is told %v", err)
		}
	})
	t.Run("huge length", func(t *testing.T) {
		t.Parallel()
		l := newLab(t, nil)
		untouched(t, l, func() {
			for _, method := range []string{"/jnx.jet.netconf.Ncgrpc/NcgrpcInitialize", "/management.NetconfRpcApi/InitialHandShake"} {
				for _, length := range []string{"\xff\xff\xff\xff", "\x80\x00\x00\x00", "\x01\x00\x00\x01"} {
					h, fr := l.http2(t)
					h.request(t, 1, method)
					h.fr.WriteData(1, false, []byte("\x00"+length+"abc"))
					if http, grpc := answerOf(fr); http != "200" || grpc != "8" {
						t.Errorf("%s, length %x: answer %q %q", method, length, http, grpc)
					}
				}
			}
		})
	})
	t.Run("compressed", func(t *testing.T) { // of no use to any device, so nothing is ever unpacked
		t.Parallel()
		l := newLab(t, nil)
		h, fr := l.http2(t)
		h.request(t, 1, "/jnx.jet.netconf.Ncgrpc/NcgrpcInitialize", "grpc-encoding", "gzip")
		h.fr.WriteData(1, true, append([]byte{1, 0, 0, 0, 4}, "bomb"...))
		if http, grpc := answerOf(fr); http != "200" || grpc != "12" {
			t.Errorf("answer %q %q", http, grpc)
		}
	})
}

// session opens a session whose device side is in the test's hands.
func (l *lab) session(t testing.TB, more ...grpc.DialOption) (*link.Link, jetpb.Ncgrpc_NcgrpcCommandGetClient) {
	t.Helper()
	c := l.dial(t, more...)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	l.last.c, l.last.cancel = c, cancel
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

func TestPanicStaysInItsCall(t *testing.T) {
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

func TestPeerThatStopsReading(t *testing.T) {
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
		if _, err := rwc.Read(make([]byte, 1)); codeOf(err) != "NET-STALL" || codeOf(rwc.Err()) != "NET-STALL" {
			t.Errorf("the session: %v", err)
		}
	})
}

func TestPeerThatAcknowledgesNoPing(t *testing.T) {
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

func TestKeepaliveWithoutStream(t *testing.T) {
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

func TestPeersOfTheBasicFormMustGreetRight(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	r, err := basicpb.NewNetconfRpcApiClient(l.dial(t)).InitialHandShake(t.Context(), &basicpb.AuthRequest{MessageReq: []byte("something")})
	if err != nil || string(r.GetMessageRes()) != basicNo {
		t.Errorf("%q, %v", r.GetMessageRes(), err)
	}
	l.expect(t, Refused, "GRPC-AUTH")
}
