package outbound

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound/basicpb"
	"dialtone/keys"
)

// basic is the service of 20.2. It has no identity: every device says the same
// word, and only its address tells it from others. A stream that comes is a
// session already; it waits unread until somebody opens it.
type basic struct {
	basicpb.UnimplementedNetconfRpcApiServer
	s *Server
}

// The words of the handshake.
const (
	basicHello = "nc_grpc_device"
	basicYes   = "client Auth successful"
	basicNo    = "client Auth failed"
)

// InitialHandShake checks the constant.
func (b *basic) InitialHandShake(ctx context.Context, in *basicpb.AuthRequest) (*basicpb.AuthResponse, error) {
	g := guestOf(ctx)
	if g == nil {
		return nil, errUnauthenticated
	}
	if string(in.GetMessageReq()) != basicHello {
		b.s.refuse(g, &keys.Fault{Code: "GRPC-AUTH", What: fmt.Sprintf("the caller greets with %.40q instead of %q", in.GetMessageReq(), basicHello)}, callhome.ForGarbage)
		pause(ctx, b.s.o.Hold)
		return &basicpb.AuthResponse{MessageRes: []byte(basicNo)}, nil
	}
	g.mu.Lock()
	g.shook, g.spoke = true, true
	g.mu.Unlock()
	return &basicpb.AuthResponse{MessageRes: []byte(basicYes)}, nil
}

// GetExecuteCommand is a session that waits to be opened.
func (b *basic) GetExecuteCommand(gs basicpb.NetconfRpcApi_GetExecuteCommandServer) error {
	s, g := b.s, guestOf(gs.Context())
	if g == nil {
		return errUnauthenticated
	}
	g.mu.Lock()
	shook := g.shook
	g.mu.Unlock()
	note := "release 20.2 has no identity: only the address tells which device this is"
	if !shook {
		note += "; it did not greet on this connection"
	}
	c := &call{guest: g, answer: make(chan answer, 1)}
	c.row = &row{key: "basic " + g.from.String(), caller: Caller{On: g.on.addr, Via: link.HTTPSBasic, From: g.from, Trust: NoIdentity, Agent: agent(gs.Context()), Note: note}}
	if f := s.park(c); f != nil {
		s.refuse(g, f, 0)
		pause(gs.Context(), s.o.Hold)
		return status.Error(codes.ResourceExhausted, "")
	}
	g.busy(1)
	defer g.busy(-1)
	select {
	case a := <-c.answer:
		if a.w == nil {
			pause(gs.Context(), s.o.Hold)
			return status.Error(a.refuse, "")
		}
		st := newStream(s, g, a.w.row, NETCONF, &basicPipe{NetconfRpcApi_GetExecuteCommandServer: gs})
		s.mu.Lock()
		_, waits := s.weddings[a.w.token]
		delete(s.weddings, a.w.token)
		if waits {
			a.w.stream <- st
		}
		s.mu.Unlock()
		if !waits {
			return status.Error(codes.Aborted, "")
		}
		return st.serve()
	case <-gs.Context().Done():
		s.unpark(c)
		return status.FromContextError(gs.Context().Err()).Err()
	}
}

// basicPipe is the basic form's way to carry pieces and commands.
type basicPipe struct {
	basicpb.NetconfRpcApi_GetExecuteCommandServer
}

func (p *basicPipe) recv(b []byte) ([]byte, error) {
	m := piece{text: b, field: 3}
	err := p.RecvMsg(&m)
	return m.text, err
}

func (p *basicPipe) send(cmd []byte) error {
	return p.Send(&basicpb.RPCResponse{RequestId: 1, Command: &basicpb.RPCResponse_NetconfCommand{NetconfCommand: cmd}})
}

// kill sends what is not XML, so that the NETCONF process gives up; this form has
// no signal.
func (p *basicPipe) kill() error { return p.send([]byte("<>")) }
