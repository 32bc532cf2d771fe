package netconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/netconf/xmltext"
)

// Options configure a session; a zero duration takes the value beside it.
type Options struct {
	Quirks       Quirks
	Only10       bool          // never offer base:1.1 (outbound HTTPS)
	HelloTimeout time.Duration // 15 s
	FirstByte    time.Duration // silence before the first byte of a reply: 300 s
	Stall        time.Duration // silence inside a reply: 30 s
	// Slow stands for FirstByte with a commit or a validation, on which a device
	// may work for minutes: 15 min. It is never shorter than the other two. Such a
	// reply that stops half way ends the session after twice the time.
	Slow time.Duration
	// OnFault is told of protocol faults that do not end the session, with the
	// bytes concerned (at most 64 KiB), which belong to the receiver. Called
	// from Open, from the session's goroutine, or while that one is held up by
	// a caller's writer; it must not block.
	OnFault func(f *Fault, raw []byte)
	// OnNotification receives every notification; it must not block.
	OnNotification func(Notification)
	// OnEnd is called once, when the session has ended and Done is closed; it
	// must not block. Not called when Open fails.
	OnEnd func()
}

// Times that hold when Options leave them open.
const (
	firstByteDefault = 300 * time.Second
	stallDefault     = 30 * time.Second
	slowDefault      = 15 * time.Minute
	closeWait        = time.Second            // for the answer to close-session
	gateWait         = 100 * time.Millisecond // for a caller's writer after a cancel
	maxRaw           = 64 << 10               // bytes given to OnFault
)

// Result says how much is known about a request.
type Result uint8

// NotSent: no byte left us. Answered: the reply is complete. Stopped: we
// stopped waiting, or the link broke, for a request that only reads. Unknown:
// the same for a request that may change the device; it may or may not have
// taken effect.
const (
	NotSent Result = iota
	Answered
	Stopped
	Unknown
)

// Outcome is what became of one request.
type Outcome struct {
	MessageID          string
	Result             Result
	OK                 bool        // answered to the end tag, and no rpc-error of severity error
	Errors             []*RPCError // in order, warnings too, at most 100
	ErrorCount         int         // all that came, beyond 100 too
	Bytes              int64       // of the reply
	Flags              []*Fault    // oddities of this reply: missing message-id, broken XML, ...
	Sent, First, Ended time.Time   // last byte sent, first byte received, end of reply
}

// Session is one NETCONF session. Its methods may be called concurrently.
//
// Two goroutines serve it: a reader, from Open to the end of the session, and
// a writer that exists only while requests wait to leave.
type Session struct {
	t       *Transport
	o       Options
	id      uint32
	caps    Caps
	framing Framing
	lastID  atomic.Uint64
	since   time.Time     // start of the session's clock
	stalled atomic.Bool   // the stall timer has closed the transport
	inside  atomic.Bool   // the reader is inside a message
	reply   atomic.Bool   // and that is a reply, as far as is known
	steady  atomic.Bool   // and it answers a slow request
	watch   *time.Timer   // runs checkStall
	watched atomic.Bool   // it will
	heard   atomic.Int64  // session clock when bytes of a message came last; busy while a caller's writer has them
	replied atomic.Int64  // the same for replies only
	nudger  *time.Timer   // made with the first request, guarded by mu
	nudging bool          // the writer is to nudge the device, guarded by mu
	done    chan struct{} // closed when reader and writer have ended

	// Only the reader touches these.
	known int       // what t.reads said when the device was heard last
	at    time.Time // when the bytes at hand came
	now   int64     // at on the session's clock

	mu      sync.Mutex
	queue   []*call          // accepted, in order, not yet begun to be written
	owed    map[string]*call // written or being written, reply not complete; by key
	ownIDs  int              // requests in the queue that bring their own <rpc>
	silence *time.Timer      // runs checkSilence; nil until the first request
	armed   bool             // it will
	writing bool             // the writer runs
	closing bool             // Close was called
	err     error            // why the session ended
	ended   bool
	writer  sync.WaitGroup
}

// busy in Session.heard: the reader waits for a caller, not for the device.
const busy = -1

// Open exchanges hellos over t and starts the session's reader goroutine,
// which ends with the session. It owns t, also when it fails.
func Open(ctx context.Context, t *Transport, o Options) (*Session, error) {
	if o.FirstByte <= 0 {
		o.FirstByte = firstByteDefault
	}
	if o.Stall <= 0 {
		o.Stall = stallDefault
	}
	if o.Slow <= 0 {
		o.Slow = slowDefault
	}
	o.Slow = max(o.Slow, o.FirstByte, o.Stall)
	g, framing, err := exchange(ctx, t, o)
	if err != nil {
		return nil, err
	}
	s := &Session{
		t: t, o: o, id: g.id, caps: g.caps, framing: framing,
		since: time.Now(),
		done:  make(chan struct{}),
		owed:  make(map[string]*call),
	}
	s.watch = time.AfterFunc(s.o.Stall, s.checkStall)
	s.watch.Stop()
	s.reportHello(g)
	go s.read() // ends when the transport fails or is closed
	return s, nil
}

func (s *Session) reportHello(g greeting) {
	if len(g.noise) > 0 {
		s.fault(&Fault{Code: "HEL-NOISE", What: fmt.Sprintf("%d B of noise before the hello were skipped, got %s", len(g.noise), quoteHead(g.noise))}, g.noise)
	}
	if g.fixed {
		s.fault(&Fault{Code: "HEL-XML", What: "the hello had line breaks inside tags and was read without them"}, nil)
	}
	if g.broken {
		s.fault(&Fault{Code: "HEL-XML", What: "the hello is not well-formed; what could be read is used"}, nil)
	}
}

// guard turns a panic into an error: a fault of ours must not end the program.
func guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = panicked(v)
		}
	}()
	return f()
}

func panicked(v any) error {
	return &Fault{
		Code: "SES-PANIC",
		What: fmt.Sprintf("an error in this program ended the session: %v", v),
		Do:   "connect again, and report it with the stack trace of the log",
		Err:  fmt.Errorf("panic: %v\n%s", v, debug.Stack()),
	}
}

// fault tells OnFault, with a copy of raw that is bounded.
func (s *Session) fault(f *Fault, raw []byte) {
	if s.o.OnFault != nil {
		s.o.OnFault(f, bytes.Clone(raw[:min(len(raw), maxRaw)]))
	}
}

// clock is the time since Open; it is never 0 and never busy.
func (s *Session) clock() int64 { return s.clockAt(time.Now()) }

func (s *Session) clockAt(t time.Time) int64 { return int64(t.Sub(s.since)) + 1 }

// Do sends req and copies the reply's bytes (the whole <rpc-reply> message)
// to w as they arrive. Requests of concurrent callers are pipelined in the
// order of their calls. Cancelling ctx stops the waiting, not the device: the
// late reply is discarded and the session stays usable. The error is nil when
// a whole reply came, rpc-errors or not; otherwise a *Fault or ctx's error.
//
// A bare operation is wrapped into <rpc>; a whole <rpc> is sent byte for byte
// and its own message-id is used. Body must not be modified after the call,
// cancelled or not: it may still be on its way.
//
// w is called from the session's goroutine, and while it blocks nothing else
// is received: that is the back-pressure. Do still returns within 200 ms of a
// cancel. After Do has returned w is not called again; only a call of w that
// blocked during a cancel may still be running, which the flag RPC-SINK tells.
// When w fails the copying ends, the reply is read to its end all the same,
// and Do returns the outcome with a *Fault that wraps the error of w.
func (s *Session) Do(ctx context.Context, req Request, w io.Writer) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	c, err := s.prepare(req, w)
	if err != nil {
		return Outcome{}, err
	}
	c.answer = &awaited{done: make(chan struct{})}
	if err := s.enqueue(c, false); err != nil {
		return Outcome{MessageID: c.out.MessageID}, err
	}
	return s.wait(ctx, c)
}

// Start queues req like Do, in the order of the calls, and returns without
// waiting. What Do would have returned goes to done, which is called exactly
// once unless Start itself returns an error: then nothing was sent and done is
// not called. It is called from a goroutine of the session, and nothing is
// received until it returns, so it must be quick; it may call Start again, but
// neither Do nor Close. A request costs no goroutine and no timer, so that any
// number of them can be on their way.
func (s *Session) Start(ctx context.Context, req Request, w io.Writer, done func(Outcome, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.prepare(req, w)
	if err != nil {
		return err
	}
	c.notify = done
	if ctx.Done() == nil {
		return s.enqueue(c, false)
	}
	s.mu.Lock() // abandon waits until all is in place
	stop := context.AfterFunc(ctx, func() {
		if err := guard(func() error { s.abandon(c, ctx.Err()); return nil }); err != nil {
			s.blame(err)
		}
	})
	c.notify = func(o Outcome, err error) { stop(); done(o, err) }
	s.mu.Unlock()
	if err = s.enqueue(c, false); err == nil {
		return nil
	}
	stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	c.over = true
	if c.abandoned {
		return nil // ctx was faster, and done is told so
	}
	return err
}

// blame ends the session for an error of ours.
func (s *Session) blame(err error) {
	s.mu.Lock()
	if s.err == nil && !s.ended {
		s.err = err
	}
	s.mu.Unlock()
	s.t.Close() // the reader notices
}

// prepare finds out what goes over the wire.
func (s *Session) prepare(req Request, w io.Writer) (*call, error) {
	if len(bytes.TrimSpace(req.Body)) == 0 {
		return nil, &Fault{Code: "RPC-SHAPE", What: "the request is empty", Kept: "nothing was sent"}
	}
	if s.framing == EndOfMessage && bytes.Contains(req.Body, []byte(EndMark)) {
		return nil, markFault()
	}
	if w == io.Discard {
		w = nil
	}
	c := &call{effect: req.Effect, slow: slow(req.Name), w: w, body: req.Body}
	t := tokens{b: req.Body}
	if root, _ := t.root(); root.kind == tokStart && string(local(root.name)) == "rpc" {
		id, found := attr(root.text, "message-id")
		c.out.MessageID = xmltext.Resolve(id)
		c.whole, c.anonymous = true, !found
	}
	return c, nil
}

// enqueue gives c its message-id and its place in the order. A session that is
// closing takes nothing but its own close-session.
func (s *Session) enqueue(c *call, last bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case c.abandoned:
		return nil // before it was queued
	case s.ended:
		return s.over()
	case s.closing && !last:
		return &Fault{Code: "SES-CLOSED", What: "the session is being closed", Kept: "the request was not sent"}
	case !c.whole:
		for {
			c.out.MessageID = strconv.FormatUint(s.lastID.Add(1), 10)
			if !s.taken(c.out.MessageID) {
				break
			}
		}
		c.key = c.out.MessageID
	case c.anonymous:
		c.key = "\x00" + strconv.FormatUint(s.lastID.Add(1), 10) // no message-id can be this
	default:
		c.key = c.out.MessageID
		if s.taken(c.key) {
			return &Fault{
				Code: "RPC-ID",
				What: fmt.Sprintf("message-id %q is in use by a request that waits for its reply", c.key),
				Kept: "the request was not sent",
				Do:   "give it another message-id, or none and no <rpc>",
			}
		}
	}
	c.queued = s.clock()
	s.expectReply()
	s.queue = append(s.queue, c)
	if c.whole {
		s.ownIDs++
	}
	if s.nudger == nil {
		s.nudger = time.AfterFunc(nudgeAfter, s.wake)
	}
	if !s.writing {
		s.writing = true
		s.writer.Add(1)
		go s.write() // ends when the queue is empty, or with the transport
	}
	return nil
}

// taken reports whether a request with this key waits. The queue is searched
// for ids of whole <rpc>s only, which are rare.
func (s *Session) taken(key string) bool {
	if s.owed[key] != nil {
		return true
	}
	if s.ownIDs == 0 {
		return false
	}
	for _, c := range s.queue {
		if c.whole && c.key == key {
			return true
		}
	}
	return false
}

// over is the error of a request to a session that has ended.
func (s *Session) over() error {
	f := &Fault{Code: "SES-CLOSED", What: "the session has ended", Kept: "the request was not sent", Err: s.err}
	if s.err != nil {
		f.What += ": " + s.err.Error()
	}
	return f
}

// ID is the session-id of the device's hello.
func (s *Session) ID() uint32 { return s.id }

// Caps are the device's capabilities.
func (s *Session) Caps() Caps { return s.caps }

// Framing is what both sides agreed on after the hello.
func (s *Session) Framing() Framing { return s.framing }

// Done is closed when the session has ended; Err then says why.
func (s *Session) Done() <-chan struct{} { return s.done }

// Err is nil while the session lives and after an orderly Close.
func (s *Session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close asks with close-session, waits for the answer at most until ctx is
// done or one second, then closes the transport. Safe to call twice. Requests
// that still wait end as Stopped or Unknown. The error says that the device
// did not answer; the session is closed all the same.
func (s *Session) Close(ctx context.Context) error {
	s.mu.Lock()
	first := !s.closing && !s.ended
	s.closing = true
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	var err error
	if first {
		err = s.farewell(ctx)
	} else {
		select {
		case <-s.done:
		case <-ctx.Done():
		}
	}
	s.t.Close()
	ended := time.NewTimer(closeWait)
	defer ended.Stop()
	select {
	case <-s.done:
	case <-ended.C:
		return &Fault{Code: "SES-CLOSE", What: "the stream does not close"}
	}
	return err
}

func (s *Session) farewell(ctx context.Context) error {
	c, err := s.prepare(Request{Name: "close-session", Body: []byte("<close-session/>")}, io.Discard)
	if err == nil {
		c.answer = &awaited{done: make(chan struct{})}
		err = s.enqueue(c, true)
	}
	if err == nil {
		_, err = s.wait(ctx, c)
	}
	var f *Fault
	if err == nil || errors.As(err, &f) {
		return nil // answered, or the session ended while we asked: both are an end
	}
	return &Fault{Code: "SES-CLOSE", What: "the device did not answer close-session; the connection was cut", Err: err}
}
