package outbound

import (
	"context"

	"google.golang.org/grpc/metadata"

	"dialtone/conn/callhome"
	"dialtone/conn/outbound/jetpb"
	"dialtone/keys"
)

// wed finds the session that a stream is for: by its token, which is good once, or,
// when it brings none, the first that was asked for over its connection.
func (s *Server) wed(ctx context.Context, g *guest, make func(*wedding) *stream) *stream {
	md, _ := metadata.FromIncomingContext(ctx)
	tokens := md.Get(tokenKey)
	s.mu.Lock()
	defer s.mu.Unlock()
	var w *wedding
	switch len(tokens) {
	case 0:
		for _, o := range s.weddings {
			if o.guest == g && (w == nil || o.order < w.order) {
				w = o
			}
		}
	case 1:
		w = s.weddings[tokens[0]]
	}
	if w == nil || !g.mayBring(w) {
		return nil
	}
	delete(s.weddings, w.token)
	if w.guest != g {
		w.guest.carry(-1)
		g.carry(1)
	}
	st := make(w)
	w.stream <- st
	return st
}

// mayBring reports whether a connection may bring the stream of a session: that of
// the answered call, or another one from there that is not a different device's.
func (g *guest) mayBring(w *wedding) bool {
	return g == w.guest || callhome.Source(g.from.Addr()) == callhome.Source(w.guest.from.Addr()) && (g.device == "" || g.device == w.row.key)
}

// NcgrpcCommandGet is a session.
func (e *enhanced) NcgrpcCommandGet(gs jetpb.Ncgrpc_NcgrpcCommandGetServer) error {
	s, g := e.s, guestOf(gs.Context())
	if g == nil {
		return errUnauthenticated
	}
	st := s.wed(gs.Context(), g, func(w *wedding) *stream {
		g.prove(false)
		return newStream(s, g, w.row, w.kind, enhancedPipe{gs, w.kind})
	})
	if st == nil {
		s.refuse(g, &keys.Fault{Code: "GRPC-TOKEN", What: "a stream came that nobody asked for", Kept: "It was refused"}, callhome.ForGarbage)
		return errUnauthenticated
	}
	return st.serve()
}

// enhancedPipe is the enhanced form's way to carry pieces and commands.
type enhancedPipe struct {
	jetpb.Ncgrpc_NcgrpcCommandGetServer
	kind Kind
}

func (p enhancedPipe) recv(b []byte) ([]byte, error) {
	m := piece{text: b, field: 1}
	err := p.RecvMsg(&m)
	return m.text, err
}

func (p enhancedPipe) send(cmd []byte) error {
	if p.kind == CSH {
		return p.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_CshCommand{CshCommand: cmd}})
	}
	return p.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_NetconfCommand{NetconfCommand: cmd}})
}

// killSignal is what other servers send; any value but 0 acts alike.
const killSignal = 2

func (p enhancedPipe) kill() error {
	if p.kind == CSH {
		return p.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_CshCommand{CshCommand: []byte("exit")}, KillSignal: killSignal})
	}
	return p.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_NetconfCommand{NetconfCommand: []byte("<>")}, KillSignal: killSignal})
}
