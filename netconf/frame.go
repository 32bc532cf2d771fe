package netconf

import (
	"io"
	"sync"
)

// Framing is how message ends are marked on the wire (RFC 6242 section 4).
type Framing uint8

// EndOfMessage is "]]>]]>" of base:1.0 and of every hello; Chunked is base:1.1.
const (
	EndOfMessage Framing = iota
	Chunked
)

// String is the name that people know: the version of the base capability.
func (f Framing) String() string {
	if f == Chunked {
		return "base:1.1"
	}
	return "base:1.0"
}

// Direction says who sent recorded bytes.
type Direction uint8

// Received bytes came from the peer, Sent bytes are ours.
const (
	Received Direction = iota
	Sent
)

// Recorder is given every byte that crosses the transport, framing included.
// The slice is valid during the call only. Received and Sent calls may come
// from two goroutines at once. Sent bytes are recorded just before they are
// handed to the stream, so that a record never shows an answer before its
// question.
type Recorder interface {
	Record(d Direction, p []byte)
}

// FrameOptions configure a transport; the zero value is strict and unrecorded.
type FrameOptions struct {
	Quirks     Quirks
	Recorder   Recorder
	MaxMessage int64 // bytes of one received message; 0 means 4 GiB
}

// EndMark ends a message of base:1.0 wherever it stands (RFC 6242 section 4.3).
const EndMark = "]]>]]>"

// Sizes of the two framings and of the buffers.
const (
	maxChunk   = 4294967295             // largest chunk-size of RFC 6242 section 4.2
	sendChunk  = 1 << 20                // largest chunk that we send: some peers refuse above 4 MiB
	maxHeader  = len("\n#4294967295\n") // longest legal chunk header
	idleBuf    = 128                    // input buffer of a session that has nothing to read
	smallBuf   = 512                    // requests up to this leave in one piece with their <rpc>
	keptBuf    = 4 << 10                // largest buffer that is kept between messages
	largeBuf   = 256 << 10              // largest input buffer
	capDefault = 4 << 30                // MaxMessage when 0
)

// Transport carries whole messages over one authenticated byte stream.
// One goroutine may read while another writes.
//
// Its two halves share nothing but the stream: in is touched by the reading
// goroutine only, out by the writing one only.
type Transport struct {
	rwc      io.ReadWriteCloser
	in       input
	out      output
	closing  sync.Once
	closeErr error
}

// NewTransport frames rwc and owns it from then on. Both directions start with
// EndOfMessage, as every hello does.
func NewTransport(rwc io.ReadWriteCloser, o FrameOptions) *Transport {
	if o.MaxMessage <= 0 {
		o.MaxMessage = capDefault
	}
	return &Transport{
		rwc: rwc,
		in:  input{src: rwc, opts: o, hello: true},
		out: output{dst: rwc, rec: o.Recorder},
	}
}

// NextMessage returns the next message; the reader is valid until the next
// call, which first discards what was left unread. It waits for the first
// bytes of the message, and returns io.EOF when the stream ends between
// messages. Any other error is a *Fault, and final.
func (t *Transport) NextMessage() (io.Reader, error) {
	if err := t.in.begin(); err != nil {
		return nil, err
	}
	return &message{in: &t.in, serial: t.in.serial}, nil
}

// NewMessage starts a message; Close ends the frame and flushes it. Small
// messages leave in one Write of the stream, header and trailer included.
func (t *Transport) NewMessage() (io.WriteCloser, error) { return t.out.begin() }

// SetReadFraming changes how messages are received, from the next one on.
func (t *Transport) SetReadFraming(f Framing) { t.in.setFraming(f) }

// SetWriteFraming changes how messages are sent, from the next one on.
func (t *Transport) SetWriteFraming(f Framing) { t.out.framing = f }

// Close closes the stream, which ends a waiting read or write.
func (t *Transport) Close() error {
	t.closing.Do(func() { t.closeErr = t.rwc.Close() })
	return t.closeErr
}

// The rest is for the session, which alone knows when a silence is too long,
// when more requests follow, and when more replies are due. position, reads and
// expect belong to the reading goroutine, the others to the writing one.

// position describes how far the message being received has come.
func (t *Transport) position() string { return t.in.position() }

// reads counts the reads of the stream that gave something.
func (t *Transport) reads() int { return t.in.reads }

// expect says whether messages are due, so that the buffer is kept for them.
func (t *Transport) expect(more bool) { t.in.busy = more }

// hold lets messages gather; release sends them; rest gives back the buffer
// that this needed.
func (t *Transport) hold()          { t.out.held = true }
func (t *Transport) release() error { return t.out.flush() }
func (t *Transport) rest()          { t.out.held, t.out.buf = false, nil }

// nudge sends a line feed between two messages.
func (t *Transport) nudge() { t.out.nudge() }

// message reads one received message. It copies nothing on its own account:
// WriteTo hands over slices of the input buffer.
type message struct {
	in     *input
	serial uint64 // of the message in the stream; a later one makes this reader stale
	rest   []byte // of the run that Read has begun
}

// Read returns the next bytes of the message, io.EOF at its end.
func (m *message) Read(p []byte) (int, error) {
	if m.serial != m.in.serial {
		return 0, errStale
	}
	if len(p) == 0 {
		return 0, nil
	}
	for len(m.rest) == 0 {
		run, err := m.in.next()
		if err != nil {
			return 0, err
		}
		m.rest = run
	}
	n := copy(p, m.rest)
	m.rest = m.rest[n:]
	return n, nil
}

// WriteTo passes the message on as it arrives. Each slice is valid during that
// Write only.
func (m *message) WriteTo(w io.Writer) (int64, error) {
	if m.serial != m.in.serial {
		return 0, errStale
	}
	var total int64
	run := m.rest
	m.rest = nil
	for {
		if len(run) > 0 {
			n, err := w.Write(run)
			total += int64(n)
			if err == nil && n < len(run) {
				err = io.ErrShortWrite
			}
			if err != nil {
				m.rest = run[n:]
				return total, err
			}
		}
		var err error
		if run, err = m.in.next(); err == io.EOF {
			return total, nil
		} else if err != nil {
			return total, err
		}
	}
}
