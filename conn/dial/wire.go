package dial

import (
	"bytes"
	"context"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"dialtone/keys"
)

// versionMax is how much may come before and with the version line of the
// peer (RFC 4253 section 4.2).
const versionMax = 16 << 10

// earlyRead is how much is read at once during the handshake, so that few
// packets can be waiting when it is given up (auth.next).
const earlyRead = 512

// wire is the network connection below SSH. It keeps what the library does
// not tell: when bytes came last, what came instead of an SSH greeting, and
// why the connection was ended. During the handshake it also owns the deadline.
type wire struct {
	net.Conn
	addr string

	last  atomic.Int64 // unix nanoseconds of the last byte received
	bytes atomic.Int64 // received

	greeted atomic.Bool // the version line has been seen
	head    []byte      // what came until then; only the reader touches it before greeted
	early   atomic.Bool // the handshake is not over: reads are kept short
	muted   atomic.Bool // writes go nowhere and succeed

	ahead ahead // only the reader touches it

	written atomic.Pointer[chan struct{}] // closed at the next write

	wake  atomic.Pointer[tunnel]  // is told of what comes, and of the end
	ended atomic.Bool             // nothing comes any more
	mark  atomic.Int64            // look is called when so many bytes have come
	look  func(total int64) int64 // returns the next mark; set before mark is

	mu     sync.Mutex
	dead   context.CancelFunc // called when reading has failed; nil once we are in
	cause  error              // set once: why we ended it
	closed bool
	limit  time.Time     // of the handshake
	left   time.Duration // of the handshake, while a person is asked
	asking int
}

func newWire(c net.Conn, addr string, dead context.CancelFunc) *wire {
	w := &wire{Conn: c, addr: addr, dead: dead}
	w.last.Store(time.Now().UnixNano())
	w.mark.Store(math.MaxInt64)
	return w
}

// onUntaken has look called now, and whenever the number of bytes it returned
// has come. The reader calls it, and at first this goroutine may as well.
func (w *wire) onUntaken(look func(total int64) (next int64)) {
	w.look = look
	w.mark.Store(look(w.bytes.Load()))
	if total := w.bytes.Load(); total >= w.mark.Load() { // came meanwhile
		w.mark.Store(look(total))
	}
}

// Read looks at what comes until the version line is complete.
func (w *wire) Read(p []byte) (int, error) {
	if n := w.ahead.take(p); n > 0 {
		return n, nil // counted when it came
	}
	early := w.early.Load()
	if early {
		p = p[:min(len(p), earlyRead)]
	}
	n, came, err := w.ahead.read(w.Conn, p, early)
	if n > 0 {
		w.last.Store(time.Now().UnixNano())
		if total := w.bytes.Add(int64(came)); total >= w.mark.Load() {
			w.mark.Store(w.look(total))
		}
		if !w.greeted.Load() {
			if f := w.inspect(p[:n]); f != nil {
				w.end(f)
				return 0, f
			}
		}
	}
	if err != nil {
		w.stopSignIn()
		w.ended.Store(true)
		if cause := w.why(); cause != nil {
			err = cause
		}
	}
	if tn := w.wake.Load(); tn != nil {
		tn.attend()
	}
	return n, err
}

// Write reports the reason when the connection was ended here.
func (w *wire) Write(p []byte) (int, error) {
	if w.muted.Load() {
		return len(p), nil
	}
	n, err := w.Conn.Write(p)
	if w.written.Load() != nil {
		if c := w.written.Swap(nil); c != nil {
			close(*c)
		}
	}
	if err != nil {
		if cause := w.why(); cause != nil {
			err = cause
		}
	}
	return n, err
}

// watchWrite returns a channel that is closed when the next write is done.
func (w *wire) watchWrite() <-chan struct{} {
	c := make(chan struct{})
	w.written.Store(&c)
	return c
}

// blame gives a better reason for an end that has been seen already.
func (w *wire) blame(cause error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cause == nil {
		w.cause = cause
	}
}

// mute closes the connection and has writes succeed from then on.
func (w *wire) mute() {
	w.muted.Store(true)
	w.Close()
}

// Close ends the connection without a reason of its own.
func (w *wire) Close() error {
	w.mu.Lock()
	again := w.closed
	w.closed = true
	w.mu.Unlock()
	if again {
		return nil
	}
	w.ended.Store(true)
	if tn := w.wake.Load(); tn != nil {
		tn.attend() // it sees the end
	}
	return w.Conn.Close()
}

// end closes the connection; the first reason given stays.
func (w *wire) end(cause error) {
	w.mu.Lock()
	if w.cause == nil && !w.closed {
		w.cause = cause
	}
	w.mu.Unlock()
	w.Close()
	w.stopSignIn()
}

// stopSignIn has what a person or a vault is being asked for end.
func (w *wire) stopSignIn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead != nil {
		w.dead()
	}
}

// signedIn drops what only the time until then needs.
func (w *wire) signedIn() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = nil
}

// why is the reason given to end, or nil.
func (w *wire) why() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cause
}

// inspect collects the peer's first bytes and judges them.
func (w *wire) inspect(p []byte) *keys.Fault {
	w.head = append(w.head, p...)
	rest := w.head
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if bytes.HasPrefix(line, []byte("SSH-")) {
			if !whole && len(line) < 255 {
				return nil
			}
			if !bytes.HasPrefix(line, []byte("SSH-2.0-")) && !bytes.HasPrefix(line, []byte("SSH-1.99-")) {
				return &keys.Fault{Code: "SSH-V1", What: quoted("%s speaks %.40q, a version of SSH that is not used here", w.addr, bytes.TrimRight(line, "\r")),
					Do: "Have version 2 switched on at the device"}
			}
			w.greeted.Store(true)
			return nil
		}
		if !whole {
			break
		}
		rest = after
	}
	switch {
	case len(w.head) > versionMax:
		return w.notSSH()
	case foreign(w.head):
		w.rest()
		return w.notSSH()
	}
	return nil
}

// rest takes what has come already behind the first bytes, for the message:
// the library asks for single ones.
func (w *wire) rest() {
	var buf [256]byte
	_ = w.Conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	n, _ := w.Conn.Read(buf[:])
	w.head = append(w.head, buf[:n]...)
}

// foreign recognises protocols that never turn into SSH: HTTP, TLS, telnet.
func foreign(b []byte) bool {
	return bytes.HasPrefix(b, []byte("HTTP/")) ||
		len(b) >= 2 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 ||
		b[0] == 0xff
}

// notSSH says what came instead of a greeting.
func (w *wire) notSSH() *keys.Fault {
	line, _, _ := bytes.Cut(w.head, []byte("\n"))
	return &keys.Fault{Code: "SSH-NOTSSH", What: quoted("%s answered %.60q", w.addr, bytes.TrimRight(line[:min(len(line), 60)], "\r")),
		Do: "Is the port right?"}
}

// begin sets the time in which the handshake must be done.
func (w *wire) begin(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = time.Now().Add(d)
	_ = w.Conn.SetDeadline(w.limit)
}

// finish takes the deadline away.
func (w *wire) finish() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.limit = time.Time{}
	_ = w.Conn.SetDeadline(time.Time{})
}

// human stops the clock of the handshake while a person is asked, for at most
// d, and returns what starts it again.
func (w *wire) human(d time.Duration) (back func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limit.IsZero() {
		return func() {}
	}
	if w.asking++; w.asking == 1 {
		w.left = max(time.Until(w.limit), 5*time.Second)
	}
	w.limit = time.Now().Add(d + time.Second)
	_ = w.Conn.SetDeadline(w.limit)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.asking--; w.asking == 0 && !w.limit.IsZero() {
			w.limit = time.Now().Add(w.left)
			_ = w.Conn.SetDeadline(w.limit)
		}
	}
}
