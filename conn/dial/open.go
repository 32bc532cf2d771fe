package dial

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

const (
	earlyMax  = 64 << 10 // bytes written before the subsystem is confirmed that can be written again
	stderrMax = 4 << 10  // kept for messages
	untaken   = 64 << 10 // bytes received and not read as data that may be standard error
)

// way is one form of asking for NETCONF on a channel.
type way struct{ request, name string }

// waysOf lists them in order: the subsystem, its old name on NX-OS, and the
// command that Junos runs for it (protocol.md section 1.1).
func waysOf(t link.Target) []way {
	junos := way{"exec", "xml-mode netconf need-trailer"}
	for _, q := range t.Quirks {
		if q == "exec" {
			return []way{junos}
		}
		if name, ok := strings.CutPrefix(q, "subsystem="); ok {
			return []way{{"subsystem", name}}
		}
	}
	return []way{{"subsystem", "netconf"}, {"subsystem", "xmlagent"}, junos}
}

func (w way) String() string { return w.request + " " + w.name }

// stream is the channel on which NETCONF runs, as a link hands it out. One
// goroutine may read while another writes.
//
// Writing begins before the device has confirmed the subsystem, which saves a
// round trip. What is written until then is kept, and written again on the
// next channel if the device refuses: a refused channel has started nothing,
// so nothing acts twice.
type stream struct {
	tn    *tunnel
	ready chan struct{} // closed when the device has confirmed or refused all ways
	fault error         // set before ready is closed

	decided atomic.Bool // ready is closed and fault is nil
	got     atomic.Bool // a byte came

	mu    sync.Mutex  // held for writing until decided
	ch    ssh.Channel // fixed once decided
	early []byte
	held  bool // early is kept only, and written by decide

	drained atomic.Bool // a goroutine reads standard error
	errMu   sync.Mutex
	stderr  []byte
	noise   int64
}

// openStream opens a channel, asks for NETCONF on it and returns without
// waiting for the answer.
func (tn *tunnel) openStream(ctx context.Context, t link.Target) (*stream, error) {
	defer tn.release()
	stop := context.AfterFunc(ctx, func() { tn.w.end(ctx.Err()) })
	defer stop()
	tn.w.begin(subsystemTime)
	ch, reqs, err := tn.conn.OpenChannel("session", nil)
	if err != nil {
		return nil, tn.openFault(ctx, err)
	}
	tn.w.finish()
	tn.first = reqs
	s := &stream{tn: tn, ready: make(chan struct{}), ch: ch}
	sent := tn.w.watchWrite()
	tn.wg.Add(1)
	go s.settle(t) // ends when the device has answered, or with the connection
	select {
	case <-sent:
	case <-s.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s, nil
}

// openFault words a refused or failed channel.
func (tn *tunnel) openFault(ctx context.Context, err error) error {
	var refused *ssh.OpenChannelError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case tn.w.why() != nil:
		return tn.w.why()
	case errors.As(err, &refused):
		return &keys.Fault{Code: "SSH-CHANNEL", What: quoted("%s refused a session: %.200q", tn.w.addr, refused.Message), Err: err,
			Do: "Too many sessions there, or this user may not open any"}
	}
	return &keys.Fault{Code: "NET-CLOSED", What: quoted("%s closed the connection after signing in (%.200q)", tn.w.addr, err.Error()), Err: err}
}

// settle goes through the ways until the device takes one.
func (s *stream) settle(t link.Target) {
	defer s.tn.wg.Done()
	limit := time.AfterFunc(subsystemTime, func() {
		s.tn.w.end(&keys.Fault{Code: "NC-SUBSYS", What: quoted("%s did not answer the request for NETCONF in %d s", s.tn.w.addr, int(subsystemTime.Seconds()))})
	})
	err := s.choose(waysOf(t))
	limit.Stop()
	if err != nil {
		s.fault = err
		s.tn.w.end(err)
		close(s.ready)
		return
	}
	close(s.ready)
	s.tn.settled()
	s.tn.w.onUntaken(s.overflow)
}

// choose tries each way on a channel of its own; with a nil error s.ch is it.
func (s *stream) choose(ways []way) error {
	var refused []string
	for i, w := range ways {
		if i > 0 {
			if err := s.another(); err != nil {
				return err
			}
		}
		ok, err := s.ch.SendRequest(w.request, true, ssh.Marshal(struct{ Name string }{w.name}))
		if err != nil {
			return s.refusal(append(refused, w.String()), err)
		}
		if ok {
			return s.decide(i > 0)
		}
		refused = append(refused, w.String())
	}
	return s.refusal(refused, nil)
}

// another replaces the channel that was refused. From then on what is written
// is only kept until the next one is confirmed.
func (s *stream) another() error {
	s.tn.watch(nil)
	_ = s.ch.Close() // a write that waits there ends
	ch, reqs, err := s.tn.conn.OpenChannel("session", nil)
	if err != nil {
		return s.tn.openFault(context.Background(), err)
	}
	s.tn.watch(reqs)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ch, s.held = ch, true
	return nil
}

// decide fixes the channel, after writing again what went to a refused one.
func (s *stream) decide(again bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if again && len(s.early) > 0 {
		if _, err := s.ch.Write(s.early); err != nil {
			return s.refusal([]string{"the last way"}, err)
		}
	}
	s.early = nil
	s.decided.Store(true)
	return nil
}

// refusal words that no way was taken.
func (s *stream) refusal(refused []string, err error) error {
	if cause := s.tn.w.why(); cause != nil {
		return cause
	}
	f := &keys.Fault{Code: "NC-SUBSYS", Err: err,
		What: quoted("%s refused the netconf subsystem (tried %s)", s.tn.w.addr, strings.Join(refused, ", ")),
		Do:   "Is NETCONF over SSH switched on there (on Junos: set system services netconf ssh)?"}
	if err != nil {
		f.What = quoted("%s closed the session when NETCONF was asked for (%s)", s.tn.w.addr, refused[len(refused)-1])
	}
	return f
}

// overflow looks after total bytes have come whether much of that was not read
// as data, and returns after how many to look again. Standard error shares the
// window of the data, two megabytes, and stops it when nobody reads. As hardly
// any device writes there, a reader is started only once there may be something:
// an idle link has none.
func (s *stream) overflow(total int64) (next int64) {
	if taken := s.tn.payload.Load(); total-taken < untaken {
		return taken + untaken
	}
	s.tn.mu.Lock()
	defer s.tn.mu.Unlock()
	if !s.tn.stopped && !s.drained.Swap(true) {
		s.tn.wg.Add(1)
		go func() { // ends with the channel
			defer s.tn.wg.Done()
			s.drain()
		}()
	}
	return math.MaxInt64
}

// drain reads standard error until the channel ends and keeps the beginning.
func (s *stream) drain() {
	r := s.ch.Stderr()
	var buf [512]byte
	for {
		n, err := r.Read(buf[:])
		s.tn.payload.Add(int64(n))
		s.errMu.Lock()
		s.noise += int64(n)
		if room := stderrMax - len(s.stderr); room > 0 {
			s.stderr = append(s.stderr, buf[:min(n, room)]...)
		}
		s.errMu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read returns the device's bytes. When the device ended the session in order
// the error is io.EOF; otherwise it is a *keys.Fault that says why.
func (s *stream) Read(p []byte) (int, error) {
	if !s.decided.Load() {
		<-s.ready
		if s.fault != nil {
			<-s.tn.ended
			return 0, s.fault
		}
	}
	n, err := s.ch.Read(p)
	if n > 0 {
		s.tn.payload.Add(int64(n))
		if !s.got.Load() {
			s.got.Store(true)
		}
		return n, nil // an error of the window update shows again at the next call
	}
	if err == nil {
		return 0, nil
	}
	return 0, s.ending(err)
}

// ending words the end of the data.
func (s *stream) ending(err error) error {
	var transport error
	select {
	case <-s.tn.ended:
		transport = s.tn.err
	case <-time.After(500 * time.Millisecond): // the device may have ended only its side
	}
	if cause := s.tn.w.why(); cause != nil {
		return cause
	}
	var f *keys.Fault
	orderly := transport == nil || errors.As(transport, &f) && f.Code == "NET-CLOSED"
	if !s.got.Load() && f != nil && (orderly || errors.Is(f.Err, io.EOF)) {
		return s.nothing(err)
	}
	if orderly {
		return io.EOF
	}
	return transport
}

// nothing words a session that ended before its first byte.
func (s *stream) nothing(err error) error {
	f := &keys.Fault{Code: "NC-SUBSYS", Err: err, What: s.tn.w.addr + " accepted the netconf subsystem and closed it at once",
		Do: "Look at the device's log; too many sessions, or NETCONF is not switched on for this user"}
	if st := s.tn.status.Load(); st != nil {
		if st.signal != "" {
			f.What += quoted(" (signal %q)", st.signal)
		} else {
			f.What += quoted(" (status %d)", st.code)
		}
	}
	if !s.drained.Swap(true) {
		s.drain() // the channel has ended, so this does not wait
	}
	s.errMu.Lock()
	defer s.errMu.Unlock()
	if len(s.stderr) > 0 {
		f.What += quoted("; it wrote %.300q", strings.TrimSpace(string(s.stderr[:min(len(s.stderr), 300)])))
	}
	s.tn.w.blame(f)
	return f
}

// Write sends p. Until the device has confirmed the subsystem it also keeps p.
func (s *stream) Write(p []byte) (int, error) {
	if !s.decided.Load() {
		if n, done, err := s.writeEarly(p); done {
			return n, err
		}
	}
	n, err := s.ch.Write(p)
	if err != nil {
		err = s.writeError(err)
	}
	return n, err
}

// writeEarly writes before the answer came; done is false when the answer has
// come and nothing was written.
func (s *stream) writeEarly(p []byte) (n int, done bool, err error) {
	s.mu.Lock()
	if s.decided.Load() {
		s.mu.Unlock()
		return 0, false, nil
	}
	if len(s.early)+len(p) <= earlyMax {
		s.early = append(s.early, p...)
		var werr error
		if !s.held {
			_, werr = s.ch.Write(p)
		}
		s.mu.Unlock()
		if werr == nil {
			return len(p), true, nil
		}
		<-s.ready // the channel was refused: it is written again on the next, or all is lost
		if s.fault != nil {
			return 0, true, s.fault
		}
		return len(p), true, nil
	}
	s.mu.Unlock()
	<-s.ready
	if s.fault != nil {
		return 0, true, s.fault
	}
	return 0, false, nil
}

// writeError gives the reason of the connection's end, when there is one.
func (s *stream) writeError(err error) error {
	if cause := s.tn.w.why(); cause != nil {
		return cause
	}
	select {
	case <-s.tn.ended:
		if s.tn.err != nil {
			return s.tn.err
		}
	default:
	}
	return err
}

// Close ends the connection and waits until nothing of it is left.
func (s *stream) Close() error {
	s.tn.close()
	return nil
}
