package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"dialtone/conn/link"
	"dialtone/keys"
)

// pipe is one gRPC stream in either form.
type pipe interface {
	recv(b []byte) ([]byte, error) // appends the next message to b
	send(cmd []byte) error         // one command; the device adds an LF
	kill() error                   // ends the program on the device
	Context() context.Context
}

// stream is a session as a byte stream. One goroutine may read while another
// writes; Close may come from anywhere.
//
// Two goroutines serve it: the handler, which gRPC starts and which owns the
// stream on the wire, and pump. Both end with the stream.
type stream struct {
	s     *Server
	guest *guest
	row   *row
	kind  Kind
	pipe  pipe

	wmu   sync.Mutex // held by whoever sends
	wbuf  []byte     // a message whose end mark has not come
	asked bool       // close-session was sent

	mu       sync.Mutex
	wake     *sync.Cond  // buf, closed or why have changed
	buf      blocks      // received and not read yet
	got      int64       // bytes received
	sieve    sieve       // finds the end notice
	patience *time.Timer // for what the sieve holds; nil when it holds nothing
	owes     bool        // output is due: a command was sent, or a message has not ended
	why      error       // the stream on the wire has ended; io.EOF when the device said so
	told     *keys.Fault // the end notice
	fault    *keys.Fault // why, in words; nil when we ended it
	closed   bool        // by us
	doneOnce sync.Once
	done     chan struct{} // closed when nothing more can be read
	quit     chan struct{} // closed by Close
	cut      chan struct{} // closed when the handler must return at once
	cutOnce  sync.Once
	pumped   chan struct{} // closed when pump has ended
}

// mostHeld is how much is received ahead of the reader; then the device has to
// wait.
const mostHeld = 1 << 20

func newStream(s *Server, g *guest, r *row, k Kind, p pipe) *stream {
	st := &stream{s: s, guest: g, row: r, kind: k, pipe: p, done: make(chan struct{}), quit: make(chan struct{}), cut: make(chan struct{}), pumped: make(chan struct{})}
	st.sieve.shell = k == CSH
	st.buf.pool = s.pool
	st.wake = sync.NewCond(&st.mu)
	return st
}

// serve is the handler. It returns, and so ends the stream, when all that the
// device sent has been received, or Close was called and the device was given
// time.
func (st *stream) serve() error {
	go func() { // ends with the stream, at the latest when serve returns
		defer close(st.pumped)
		defer st.recovered("stream")
		st.pump()
	}()
	select {
	case <-st.pumped:
	case <-st.cut:
	case <-st.s.ctx.Done():
	case <-st.quit:
		st.goodbye()
	}
	st.end(context.Canceled)
	st.guest.carry(-1)
	st.s.mu.Lock()
	st.row.sessions--
	st.s.mu.Unlock()
	st.s.tell(st.row)
	return st.answer()
}

// answer is the status with which the stream ends for the device.
func (st *stream) answer() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case status.Code(st.why) == codes.ResourceExhausted:
		return status.Error(codes.ResourceExhausted, "")
	case st.fault != nil && st.fault.Code == "CRASH":
		return status.Error(codes.Internal, "")
	}
	return nil
}

// recovered turns a panic into the end of the session.
func (st *stream) recovered(where string) {
	if v := recover(); v != nil {
		st.s.crashed(where, v, debug.Stack())
		st.end(&keys.Fault{Code: "CRASH", What: fmt.Sprintf("a fault of this program ended the session: %q", fmt.Sprint(v)), Kept: "The other sessions are untouched"})
		st.cutOff()
	}
}

// goodbye gives the device time to end the session, first by itself when it was
// asked to, then by force.
func (st *stream) goodbye() {
	st.wmu.Lock()
	asked := st.asked
	st.wmu.Unlock()
	if asked && st.within(st.s.o.CloseWait) {
		return
	}
	go func() { // ends when the stream takes the command, or has ended
		defer st.recovered("end of a session")
		st.wmu.Lock()
		defer st.wmu.Unlock()
		_ = st.pipe.kill()
	}()
	st.within(st.s.o.CloseWait)
}

// within waits for the device to end the stream.
func (st *stream) within(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-st.pumped:
		return true
	case <-st.cut:
		return true
	case <-t.C:
		return false
	}
}

// pump receives until the stream ends. It stops receiving while the reader is
// far behind.
func (st *stream) pump() {
	var b []byte
	for {
		var err error
		if b, err = st.pipe.recv(b[:0]); err != nil {
			st.end(err)
			return
		}
		if !st.take(b) {
			return
		}
		if cap(b) > mostKept {
			b = nil
		}
	}
}

const (
	mostKept   = 4 << 10         // of memory that a session which is quiet holds on to
	noticeWait = 2 * time.Second // for the end of a stream that an end notice seems to tell of
)

// take takes a message and reports whether more may come.
func (st *stream) take(b []byte) bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.got += int64(len(b))
	before, out, sure := st.sieve.sift(b)
	st.keep(before)
	st.keep(out)
	if len(before)+len(out) > 0 {
		st.owes = st.sieve.mid
	}
	if sure {
		st.ended(io.EOF)
		return false
	}
	if st.patience != nil {
		st.patience.Stop()
		st.patience = nil
	}
	if len(st.sieve.held) > 0 {
		st.patience = time.AfterFunc(noticeWait, st.decide)
	}
	for st.buf.held > mostHeld && !st.closed && st.why == nil {
		st.wake.Wait()
	}
	return true
}

// keep adds output to what waits for Read; st.mu is held.
func (st *stream) keep(out []byte) {
	if len(out) == 0 || st.closed {
		return
	}
	if st.buf.write(out); st.buf.held == len(out) {
		st.wake.Broadcast()
	}
}

// decide ends the wait for the rest of what may be an end notice. A shell may
// print the same words; what NETCONF is to say next is not in plain text.
func (st *stream) decide() {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case st.why != nil || st.patience == nil || len(st.sieve.held) == 0:
	case st.kind == CSH && st.sieve.begun:
		st.keep(st.sieve.flush())
	case noticeSoFar(st.sieve.held) == isNotice:
		st.ended(io.EOF)
	}
}

// end notes once that nothing more comes over the wire.
func (st *stream) end(err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ended(err)
}

// ended is end; st.mu is held.
func (st *stream) ended(err error) {
	if st.why == nil {
		st.told = told(st.sieve.held)
		if st.told == nil {
			st.keep(st.sieve.flush())
		}
		st.why = err
		if !st.closed {
			st.fault = st.verdict()
		}
	}
	st.wake.Broadcast()
}

// Read gives output of the session, cut anywhere.
func (st *stream) Read(p []byte) (int, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	waited := false
	for st.buf.held == 0 && st.why == nil && !st.closed {
		st.wake.Wait()
		waited = true
	}
	if waited && st.buf.held > 0 { // more is often right behind: one read for many pieces
		st.mu.Unlock()
		runtime.Gosched()
		st.mu.Lock()
	}
	switch {
	case st.closed:
		return 0, net.ErrClosed
	case st.buf.held == 0:
		st.doneOnce.Do(func() { close(st.done) })
		if st.fault != nil && st.told == nil && !errors.Is(st.why, io.EOF) {
			return 0, st.fault
		}
		return 0, io.EOF
	}
	full := st.buf.held > mostHeld
	n := st.buf.read(p)
	if full && st.buf.held <= mostHeld {
		st.wake.Broadcast()
	}
	return n, nil
}

// Err says why nothing more can be read; nil while something may come, and when
// we ended the session.
func (st *stream) Err() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.fault == nil {
		return nil
	}
	return st.fault
}

// verdict puts the end of the stream into words; st.mu is held.
func (st *stream) verdict() *keys.Fault {
	var f *keys.Fault
	kept := fmt.Sprintf("%d B of the session were received", st.got)
	switch {
	case st.told != nil:
		return st.told
	case errors.As(st.why, &f):
		return f
	case errors.Is(st.why, io.EOF):
		return &keys.Fault{Code: "GRPC-EOF", What: "the device ended the session without a word", Kept: kept, Do: "Open another one: the device waits for it"}
	case st.s.ctx.Err() != nil:
		return &keys.Fault{Code: "LSN-STOPPED", What: "the listener was stopped", Kept: kept}
	case status.Code(st.why) == codes.ResourceExhausted:
		return &keys.Fault{Code: "GRPC-SIZE", What: fmt.Sprintf("the device sent a message of more than %d B", st.s.o.MostReceived), Kept: kept, Err: st.why}
	case st.guest.left() && !st.guest.polite.Load():
		return &keys.Fault{Code: "NET-LOST", What: "the connection to the device broke", Kept: kept, Do: "Wait until the device calls again", Err: st.why}
	case st.guest.left() || status.Code(st.why) == codes.Canceled:
		f := &keys.Fault{Code: "GRPC-BROKEN", What: "the device broke the session off without an end notice", Kept: kept, Do: "Wait until the device calls again"}
		if st.owes {
			f.What += fmt.Sprintf(". Its program does so when its output holds a byte outside ASCII; the last output was %s", tail(st.sieve.last))
			f.Do = "Ask for less, and look on the device for text beyond ASCII (descriptions, banners) behind that place"
		}
		return f
	}
	return &keys.Fault{Code: "GRPC-FAILED", What: fmt.Sprintf("the session broke: %.200q", st.why.Error()), Kept: kept, Err: st.why}
}

// tail quotes the end of some output.
func tail(b []byte) string {
	if len(b) > 60 {
		return fmt.Sprintf("…%q", b[len(b)-60:])
	}
	return fmt.Sprintf("%q", b)
}

// endMark ends a message of base:1.0, the only framing that this way can carry.
const endMark = "]]>]]>"

// Write takes framed messages and sends each as one command string, to which the
// device adds an LF. What comes without its end mark is kept until that follows.
// A message too long for one string is cut between tags; one that cannot be cut
// is refused with nothing sent.
func (st *stream) Write(p []byte) (int, error) {
	st.wmu.Lock()
	defer st.wmu.Unlock()
	text := p
	if len(st.wbuf) > 0 || !endsMarked(p) {
		st.wbuf = append(st.wbuf, p...)
		if !endsMarked(st.wbuf) {
			return len(p), nil
		}
		text, st.wbuf = st.wbuf, nil
	}
	if !utf8.Valid(text) {
		return 0, &keys.Fault{Code: "GRPC-UTF8", What: "the text is not UTF-8, and this way can carry nothing else", Kept: "Nothing was sent"}
	}
	parts, err := cutText(text, mostCommand)
	if err != nil {
		return 0, err
	}
	st.asked = st.asked || len(text) < 4<<10 && strings.Contains(string(text), "close-session")
	for _, part := range parts {
		if err := st.send(part); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func endsMarked(b []byte) bool {
	return len(b) >= len(endMark) && string(b[len(b)-len(endMark):]) == endMark
}

// send hands one command to gRPC, and gives the session up when the device does
// not take it; wmu is held.
func (st *stream) send(cmd []byte) error {
	select {
	case <-st.quit:
		return net.ErrClosed
	default:
	}
	stalled := time.AfterFunc(st.s.o.WriteStall, func() {
		st.end(&keys.Fault{Code: "NET-STALL", What: fmt.Sprintf("the device took nothing of what was sent for %v", st.s.o.WriteStall),
			Kept: "Whether it arrived is not known", Do: "Wait until the device calls again"})
		st.cutOff()
	})
	st.mu.Lock()
	st.owes = true
	st.mu.Unlock()
	err := st.pipe.send(cmd)
	stalled.Stop()
	if err == nil {
		return nil
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.fault != nil {
		return st.fault
	}
	return &keys.Fault{Code: "NET-LOST", What: fmt.Sprintf("sending to the device failed: %.200q", err.Error()), Err: err}
}

// cutOff makes the handler return.
func (st *stream) cutOff() { st.cutOnce.Do(func() { close(st.cut) }) }

// Close ends the session. It returns at once; the device is told in the
// background, and by force when it does not end by itself.
func (st *stream) Close() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.closed {
		return nil
	}
	st.closed = true
	st.buf.drop()
	close(st.quit)
	st.doneOnce.Do(func() { close(st.done) })
	st.wake.Broadcast()
	return nil
}

// Open opens a NETCONF session on a device that waits. It returns when the
// device has brought the session's stream, or says why it has not.
func (s *Server) Open(ctx context.Context, id CallerID) (*link.Link, error) {
	st, err := s.open(ctx, id, NETCONF)
	if err != nil {
		return nil, err
	}
	return &link.Link{ReadWriteCloser: st, Peer: st.peer(), Done: st.done, Err: st.Err}, nil
}

// peer says who is at the other end.
func (st *stream) peer() link.Peer {
	st.s.mu.Lock()
	c := st.row.caller
	st.s.mu.Unlock()
	return link.Peer{Via: c.Via, Addr: st.guest.from.String(), Auth: c.Trust, ServerVersion: c.Agent}
}
