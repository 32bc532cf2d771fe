package simdev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"dialtone/netconf"
)

// session is one NETCONF session. serve's goroutine answers requests, pump's
// sends notifications; both end with the stream.
type session struct {
	d     *Device
	rwc   io.ReadWriteCloser
	once  sync.Once
	gone  chan struct{}      // closed with the stream
	in    *netconf.Transport // reads only
	out   *wire
	user  string
	id    uint32
	since time.Time
	junos bool

	// Guarded by d.mu.
	private *private
	open    bool // open-configuration was sent
	dead    bool // killed or gone: it changes nothing any more
	inRPCs  int
	bad     int
	errs    int

	qmu        sync.Mutex // guards all below
	qcond      *sync.Cond
	queue      [][]byte
	subscribed bool
	filter     []*node
	until      time.Time
	dropped    int
	over       bool
}

// private is the copy that open-configuration private made.
type private struct{ base, mine *node }

const maxQueue = 4096

func newSession(d *Device, rwc io.ReadWriteCloser, user string) *session {
	s := &session{d: d, rwc: rwc, user: user, gone: make(chan struct{}), junos: d.junos()}
	s.qcond = sync.NewCond(&s.qmu)
	s.out = &wire{w: rwc, junos: d.junos(), wait: s.wait}
	s.in = netconf.NewTransport(readOnly{rwc}, netconf.FrameOptions{MaxMessage: maxMessage})
	return s
}

// close breaks the stream; safe to call from anywhere, more than once.
func (s *session) close() {
	s.once.Do(func() {
		close(s.gone)
		_ = s.rwc.Close()
	})
}

// wait pauses for d, or until the stream is closed.
func (s *session) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	fired := make(chan struct{})
	stop := s.d.o.AfterFunc(d, func() { close(fired) })
	select {
	case <-fired:
		return nil
	case <-s.gone:
		stop()
		return io.ErrClosedPipe
	}
}

// serve runs the session to its end.
func (s *session) serve(ctx context.Context) error {
	defer s.close()
	defer context.AfterFunc(ctx, s.close)()
	s.d.enter(s)
	defer s.d.leave(s)
	if err := s.hello(); err != nil {
		return s.verdict(ctx, err)
	}
	s.d.started(s)
	var wg sync.WaitGroup
	wg.Add(1)
	go func() { // ends when endQueue is called
		defer wg.Done()
		s.pump()
	}()
	err := s.loop(ctx)
	s.close()
	s.endQueue()
	wg.Wait()
	return s.verdict(ctx, err)
}

var errEnd = errors.New("session ended")

// verdict turns the ways a session ends normally into nil.
func (s *session) verdict(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errEnd), errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe), errors.Is(err, errCut):
		return nil
	}
	select {
	case <-s.gone: // killed
		return nil
	default:
		return err
	}
}

// hello sends ours while it reads the peer's.
func (s *session) hello() error {
	sent := make(chan error, 1)
	f := s.d.Faults()
	go func() { // ends when the hello is written or the stream is closed
		if f.Hello != nil {
			sent <- s.out.raw(Faults{}, f.Hello)
			return
		}
		sent <- s.out.message(Faults{}, s.d.writeHello(s.id, s.user))
	}()
	chunked, err := s.readHello()
	if err != nil {
		s.close()
	}
	if werr := <-sent; err == nil {
		err = werr
	}
	if err == nil && chunked { // not before our own hello is out
		s.in.SetReadFraming(netconf.Chunked)
		s.out.mu.Lock()
		s.out.chunked = true
		s.out.mu.Unlock()
	}
	return err
}

// readHello reads the peer's hello and tells whether both sides speak
// base:1.1.
func (s *session) readHello() (chunked bool, err error) {
	r, err := s.in.NextMessage()
	if err != nil {
		return false, err
	}
	h, err := parse(io.LimitReader(r, 1<<20))
	if err != nil || h.local != "hello" {
		s.d.badHello()
		return false, fmt.Errorf("the peer's first message is no hello: %w", errors.Join(err, errEnd))
	}
	if h.has("session-id") {
		s.d.badHello()
		return false, errors.New("the peer's hello carries a session-id")
	}
	has := func(v string) bool {
		caps := h.child("capabilities")
		return caps != nil && slices.ContainsFunc(caps.kids, func(k *node) bool {
			uri, _, _ := strings.Cut(strings.TrimSpace(k.text), "?")
			return uri == "urn:ietf:params:netconf:base:"+v || uri == "urn:ietf:params:xml:ns:netconf:base:"+v
		})
	}
	switch {
	case has("1.1") && s.d.offers("base:1.1"):
		return true, nil
	case has("1.0") && s.d.offers("base:1.0"):
	case s.junos: // old Junos scripts send no capability at all
	default:
		s.d.badHello()
		return false, errors.New("no base version in common with the peer")
	}
	return false, nil
}

// loop answers requests in their order.
func (s *session) loop(ctx context.Context) error {
	for {
		r, err := s.in.NextMessage()
		if err != nil {
			return err
		}
		rq, err := s.read(r)
		if err != nil {
			return err
		}
		if rq == nil {
			continue
		}
		if err := s.answer(rq); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// request is one <rpc>.
type request struct {
	attrs []attr // of <rpc>, in order, to be sent back
	decls []attr // its namespace declarations
	id    string
	hasID bool
	op    *node // nil when the rpc is empty
	bad   *rpcError
}

// read parses one message. A nil request means that there was nothing in it.
func (s *session) read(r io.Reader) (*request, error) {
	n, err := parse(r)
	s.d.mu.Lock()
	s.inRPCs++
	s.d.counts.inRPCs++
	s.d.mu.Unlock()
	if err != nil {
		var f *netconf.Fault
		if errors.As(err, &f) {
			return nil, err // the framing is broken, not the XML
		}
		e := &rpcError{typ: "rpc", tag: "malformed-message", msg: fmt.Sprintf("the message is not well-formed: %.200q", err.Error())}
		if s.junos || !s.d.offers("base:1.1") {
			e.tag = "operation-failed"
		}
		return &request{bad: e}, nil
	}
	rq := &request{}
	for _, a := range n.attrs {
		switch {
		case a.space == "xmlns" || a.local == "xmlns":
			rq.decls = append(rq.decls, a)
		default:
			rq.attrs = append(rq.attrs, a)
			if a.local == "message-id" && a.space == "" {
				rq.id, rq.hasID = a.value, true
			}
		}
	}
	switch {
	case n.local != "rpc" || (n.space != netconf.BaseNS && !(s.junos && n.space == "")):
		rq.bad = &rpcError{typ: "rpc", tag: "unknown-element", msg: "expected an rpc element", info: []*node{leaf("bad-element", n.local)}}
	case !rq.hasID && !s.junos:
		rq.bad = &rpcError{typ: "rpc", tag: "missing-attribute", msg: "message-id is missing",
			info: []*node{leaf("bad-attribute", "message-id"), leaf("bad-element", "rpc")}}
	case len(n.kids) == 0:
		rq.bad = &rpcError{typ: "rpc", tag: "missing-element", msg: "the rpc holds no operation", info: []*node{leaf("bad-element", "rpc")}}
	default:
		rq.op = n.kids[0]
	}
	return rq, nil
}

// answer does what a request asks and sends the reply.
func (s *session) answer(rq *request) error {
	name := ""
	if rq.op != nil {
		name = rq.op.local
	}
	f := s.d.Faults()
	if len(f.Only) > 0 && !slices.Contains(f.Only, name) {
		f = Faults{ChunkSize: f.ChunkSize, Frame10After: f.Frame10After}
	}
	if err := s.wait(f.Delay); err != nil {
		return err
	}
	if raw, ok := f.Raw[name]; ok {
		return s.out.raw(f, raw)
	}
	a := s.handle(rq, f)
	switch {
	case f.LoseReply && name != "close-session":
		return errCut
	case f.Silent:
		return nil
	}
	err := s.out.message(f, func(w io.Writer) error { return s.write(w, rq, a, f) })
	if err != nil {
		return err
	}
	if a.then != nil {
		return a.then()
	}
	return nil
}

// answer is what a handler gives back.
type answer struct {
	ok   bool
	errs []*rpcError // beside the rest
	kids []*node
	then func() error // after the reply is written
}

func okay() *answer                    { return &answer{ok: true} }
func data(kids ...*node) *answer       { return &answer{kids: kids} }
func refuse(errs ...*rpcError) *answer { return &answer{errs: errs} }

// handle runs the handler under the device's lock.
func (s *session) handle(rq *request, f Faults) *answer {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.d.due()
	var a *answer
	switch {
	case s.dead:
		return &answer{then: func() error { return errEnd }}
	case rq.bad != nil:
		s.bad++
		s.d.counts.badRPCs++
		a = refuse(rq.bad)
	case f.Errors > 0:
		a = &answer{}
		for i := range f.Errors {
			a.errs = append(a.errs, errFailed(fmt.Sprintf("simulated error %d of %d", i+1, f.Errors)))
		}
	default:
		a = s.d.dispatch(s, rq.op, f)
	}
	for i := range f.Warnings {
		a.errs = append(a.errs, &rpcError{typ: "application", tag: "operation-failed", warning: true, msg: fmt.Sprintf("simulated warning %d of %d", i+1, f.Warnings)})
	}
	s.errs += len(a.errs)
	s.d.counts.outErrors += len(a.errs)
	return a
}

// write prints the reply.
func (s *session) write(w io.Writer, rq *request, a *answer, f Faults) error {
	p := newPrinter(w, s.d.indent())
	if !s.junos {
		p.str(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	}
	p.str(`<rpc-reply xmlns="` + netconf.BaseNS + `"`)
	if s.junos {
		p.str(` xmlns:junos="` + s.d.junosNS("junos") + `"`)
	}
	s.echo(p, rq, f)
	p.str(">")
	for _, e := range a.errs {
		p.node(e.node(s.d.o.Dialect), 1, netconf.BaseNS)
	}
	for _, k := range a.kids {
		p.node(k, 1, netconf.BaseNS)
	}
	if a.ok {
		p.node(el("ok"), 1, netconf.BaseNS)
	}
	p.str("\n</rpc-reply>")
	return p.flush()
}

// echo writes back the attributes of the request (RFC 6241 section 4.1).
func (s *session) echo(p *printer, rq *request, f Faults) {
	prefix := map[string]string{}
	for _, a := range rq.decls {
		if a.space == "xmlns" && a.local != "junos" {
			prefix[a.value] = a.local
			p.str(" xmlns:" + a.local + `="`)
			p.escape(a.value)
			p.str(`"`)
		}
	}
	for _, a := range rq.attrs {
		name := a.local
		if a.space != "" {
			if prefix[a.space] == "" {
				continue
			}
			name = prefix[a.space] + ":" + a.local
		}
		value := a.value
		if name == "message-id" {
			if f.NoID {
				continue
			}
			if f.WrongID {
				value += "-other"
			}
		}
		p.str(" " + name + `="`)
		p.escape(value)
		p.str(`"`)
	}
}
