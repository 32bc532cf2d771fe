package outbound

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"dialtone/conn/link"
	"dialtone/conn/outbound/jetpb"
)

// pending is a device in the test's hands whose call was answered: its session is
// waited for.
type pending struct {
	c      *grpc.ClientConn
	pairs  metadata.MD
	opened chan error
	link   *link.Link // when opened gave nil
}

// answered parks a device on a connection of its own and has a session opened.
func (l *lab) answered(t *testing.T, id, secret string, more ...grpc.DialOption) *pending {
	t.Helper()
	p := &pending{c: l.dial(t, more...), opened: make(chan error, 1)}
	ended := make(chan error, 1)
	go func() { // ends with the call
		_, err := jetpb.NewNcgrpcClient(p.c).NcgrpcInitialize(t.Context(), &jetpb.InitializeRequest{InstanceId: 1, DeviceId: []byte(id), SecretKey: []byte(secret)}, grpc.Trailer(&p.pairs))
		ended <- err
	}()
	var caller CallerID
	for caller == 0 {
		if c := l.expect(t, Waiting, "").Caller; c.Claim == id {
			caller = c.ID
		}
	}
	go func() { // ends when the stream has come, or its time is over
		lk, err := l.Open(t.Context(), caller)
		p.link = lk
		p.opened <- err
	}()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	return p
}

// bring opens a stream with pairs.
func bring(t *testing.T, c *grpc.ClientConn, pairs metadata.MD) jetpb.Ncgrpc_NcgrpcCommandGetClient {
	t.Helper()
	ctx, cancel := context.WithTimeout(metadata.NewOutgoingContext(t.Context(), pairs), wait)
	t.Cleanup(cancel)
	st, err := jetpb.NewNcgrpcClient(c).NcgrpcCommandGet(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// refused brings a stream that must get the answer of one that nobody asked for.
func refused(t *testing.T, c *grpc.ClientConn, pairs metadata.MD) {
	t.Helper()
	_, err := bring(t, c, pairs).Recv()
	if st := status.Convert(err); st.Code() != codes.Unauthenticated || st.Message() != "" {
		t.Errorf("with %q: answered %v", pairs.Get(tokenKey), err)
	}
}

// married brings the stream of a session, which must be taken.
func (p *pending) married(t *testing.T) jetpb.Ncgrpc_NcgrpcCommandGetClient {
	t.Helper()
	st := bring(t, p.c, p.pairs)
	if err := <-p.opened; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.link.Close() })
	return st
}

// from dials from another address of this machine.
func from(ip string) grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		return (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}).DialContext(ctx, "tcp", addr)
	})
}

func TestTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, roomy)
	p := l.answered(t, "r1", "s3cret")
	st := p.married(t)
	refused(t, p.c, p.pairs)
	l.expect(t, Refused, "GRPC-TOKEN")
	refused(t, l.dial(t), p.pairs)
	if err := st.Send(&jetpb.SessionOutput{Message: []byte("still here")}); err != nil {
		t.Error(err)
	}
	b := make([]byte, len("still here"))
	if _, err := io.ReadFull(p.link, b); err != nil || string(b) != "still here" {
		t.Errorf("the session: %q, %v", b, err)
	}
}

func TestTokenThatIsWrong(t *testing.T) {
	t.Parallel()
	l := newLab(t, roomy)
	p := l.answered(t, "r1", "s3cret")
	right := p.pairs.Get(tokenKey)[0]
	for _, wrong := range [][]string{{""}, {right[:len(right)-1]}, {right + "0"}, {"x" + right[1:]}, {right, right}, {right, "x"}} {
		refused(t, p.c, metadata.MD{tokenKey: wrong})
		refused(t, l.dial(t), metadata.MD{tokenKey: wrong})
	}
	refused(t, l.dial(t), nil) // none, on a connection of which nothing is wanted
	l.expect(t, Refused, "GRPC-TOKEN")
	p.married(t)
}

// The token of one device is worth nothing to another, and is still good for its
// own afterwards.
func TestTokenOfAnotherDevice(t *testing.T) {
	t.Parallel()
	l := newLab(t, roomy)
	one, two := l.answered(t, "r1", "s3cret"), l.answered(t, "r2", "t0psecret")
	refused(t, two.c, one.pairs)
	l.expect(t, Refused, "GRPC-TOKEN")
	refused(t, l.dial(t, from("127.0.0.77")), one.pairs)
	one.married(t)
	two.married(t)
}

func TestTokenThatHasExpired(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { roomy(o); o.Marry = 100 * time.Millisecond })
	p := l.answered(t, "r1", "s3cret")
	if err := <-p.opened; codeOf(err) != "GRPC-NOSTREAM" {
		t.Errorf("%v", err)
	}
	refused(t, p.c, p.pairs)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.weddings) > 0 {
		t.Errorf("%d are waited for", len(l.weddings))
	}
}

func TestTokensAreAllDifferent(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		s := token()
		if seen[s] || len(s) != 48 {
			t.Fatalf("token %q", s)
		}
		seen[s] = true
	}
}

// TestStreamsWithoutATokenComeInTheOrderOfTheCalls: a session of NETCONF must
// never get the stream of a shell that was asked for in the same moment.
func TestStreamsWithoutATokenComeInTheOrderOfTheCalls(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	t.Cleanup(s.Close)
	g, other := &guest{s: s}, &guest{s: s}
	row := &row{key: "id r1", caller: Caller{ID: 1}}
	s.rows[1] = row
	for i := range 16 {
		row.calls = append(row.calls, &call{row: row, guest: []*guest{g, other}[i%2]})
		if _, _, err := s.take(1, Kind(i/2%2)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 8 {
		var got *wedding
		s.wed(t.Context(), g, func(w *wedding) *stream { got = w; return nil })
		if got == nil || got.guest != g || got.kind != Kind(i%2) || got.order != uint64(2*i+1) {
			t.Fatalf("stream %d is married to %+v", i, got)
		}
	}
	if st := s.wed(t.Context(), g, func(*wedding) *stream { return &stream{} }); st != nil {
		t.Error("a stream that nobody asked for was taken")
	}
}
