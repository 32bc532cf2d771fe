package netconf

import "io"

// Framing is how message ends are marked on the wire (RFC 6242 section 4).
type Framing uint8

// EndOfMessage is "]]>]]>" of base:1.0 and of every hello; Chunked is base:1.1.
const (
	EndOfMessage Framing = iota
	Chunked
)

// Direction says who sent recorded bytes.
type Direction uint8

// Received bytes came from the peer, Sent bytes are ours.
const (
	Received Direction = iota
	Sent
)

// Recorder is given every byte that crosses the transport, framing included.
// The slice is valid during the call only. Received and Sent calls may come
// from two goroutines at once.
type Recorder interface {
	Record(d Direction, p []byte)
}

// FrameOptions configure a transport; the zero value is strict and unrecorded.
type FrameOptions struct {
	Quirks     Quirks
	Recorder   Recorder
	MaxMessage int64 // bytes of one received message; 0 means 4 GiB
}

// Transport carries whole messages over one authenticated byte stream.
// One goroutine may read while another writes.
type Transport interface {
	// NextMessage returns the next message; the reader is valid until the next
	// call, which first discards what was left unread.
	NextMessage() (io.Reader, error)
	// NewMessage starts a message; Close ends the frame and flushes it. Small
	// messages leave in one Write of the stream, header and trailer included.
	NewMessage() (io.WriteCloser, error)
	// SetReadFraming and SetWriteFraming change one direction, from the next
	// message on.
	SetReadFraming(Framing)
	SetWriteFraming(Framing)
	Close() error
}

// NewTransport frames rwc and owns it from then on.
func NewTransport(rwc io.ReadWriteCloser, o FrameOptions) Transport {
	panic("netconf: NewTransport is being written")
}
