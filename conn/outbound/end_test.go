package outbound

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"

	"dialtone/conn/outbound/jetpb"
)

// held is a device's connection in the hands of a test.
type held struct {
	tcp   *net.TCPConn
	c     *grpc.ClientConn
	reset context.CancelFunc // of the stream
}

// option makes gRPC dial so that tcp is known.
func (h *held) option() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err == nil {
			h.tcp = c.(*net.TCPConn)
		}
		return c, err
	})
}

func TestEndInMidReply(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name, code string
		do         func(*lab, *held, jetpb.Ncgrpc_NcgrpcCommandGetClient)
	}{
		{"half-close", "GRPC-EOF", func(_ *lab, _ *held, st jetpb.Ncgrpc_NcgrpcCommandGetClient) { st.CloseSend() }},
		{"RST of the stream", "GRPC-BROKEN", func(_ *lab, h *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) { h.reset() }},
		{"RST of TCP", "NET-LOST", func(_ *lab, h *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) {
			h.tcp.SetLinger(0)
			h.tcp.Close()
		}},
		{"FIN of TCP", "GRPC-BROKEN NET-LOST", func(_ *lab, h *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) { h.tcp.Close() }},
		{"GOAWAY", "GRPC-BROKEN NET-LOST", func(_ *lab, h *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) { h.c.Close() }},
		{"notice", "GRPC-ENDED", func(_ *lab, _ *held, st jetpb.Ncgrpc_NcgrpcCommandGetClient) {
			st.Send(&jetpb.SessionOutput{Message: []byte("CLIENT is stopping, Termination received\n")})
		}},
		{"connection lost", "NET-LOST", func(l *lab, _ *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) {
			l.hangUp(func(*guest) bool { return true })
		}},
		{"listener closed", "LSN-STOPPED", func(l *lab, _ *held, _ jetpb.Ncgrpc_NcgrpcCommandGetClient) { l.Close() }},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, nil)
			h := &held{}
			rwc, st := l.session(t, h.option())
			h.c, h.reset = l.last.c, l.last.cancel
			st.Send(&jetpb.SessionOutput{Message: []byte("<rpc-reply>half")})
			buf := make([]byte, len("<rpc-reply>half"))
			if _, err := io.ReadFull(rwc, buf); err != nil {
				t.Fatal(err)
			}
			x.do(l, h, st)
			rest, _ := io.ReadAll(rwc)
			if len(rest) > 0 {
				t.Errorf("read %q", rest)
			}
			if err := rwc.Err(); !strings.Contains(x.code, codeOf(err)) || err == nil {
				t.Errorf("%v, want %s", err, x.code)
			}
		})
	}
}
