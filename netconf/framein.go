package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

var (
	errStale = errors.New("netconf: message read after NextMessage was called again")
)

// input takes messages out of a stream of bytes.
//
// buf[r:w] has arrived and is not yet taken. next hands out slices of it in
// place, so nothing is copied but the payload of small chunks, which is moved
// together over their headers. The buffer starts small, grows while reads fill
// it and is given back when a message has ended and nothing follows: a session
// that waits costs next to nothing. Its size never depends on what a header
// claims.
type input struct {
	src  io.Reader
	opts FrameOptions

	framing Framing
	hello   bool // no message has ended yet: what comes may be noise
	blanks  bool // an end-of-message frame came last: white space may follow it
	serial  uint64

	busy  bool // more messages are due: keep a large buffer
	buf   []byte
	r, w  int
	base  int64 // offset of buf[0] in the stream
	full  bool  // the last read filled the buffer
	reads int   // of src that gave something
	err   error // final
	inMsg bool  // a message has begun and its end was not seen yet

	chunk, left int64 // chunked: size of the current chunk, and what is missing of it
	got         int64 // payload of this message so far
}

// setFraming takes effect with the next message. It is called between
// messages, after the hello: the buffer the hello needed is given back.
func (in *input) setFraming(f Framing) {
	in.framing = f
	if in.r == in.w {
		in.base += int64(in.r)
		in.buf, in.r, in.w = nil, 0, 0
	}
}

// begin discards what is left of the current message and waits for the next.
func (in *input) begin() error {
	for in.inMsg {
		if _, err := in.next(); err != nil && err != io.EOF {
			return err
		}
	}
	if in.err != nil {
		return in.err
	}
	in.serial++
	in.got, in.chunk, in.left = 0, 0, 0
	if in.r == in.w && len(in.buf) > keptBuf && !in.busy {
		in.base += int64(in.r)
		in.buf, in.r, in.w = nil, 0, 0
	}
	var err error
	if in.framing == Chunked {
		err = in.beginChunked()
	} else {
		err = in.beginMarked()
	}
	if err != nil {
		return in.fail(err)
	}
	in.inMsg = true
	return nil
}

// next returns the next run of payload, never empty, or io.EOF at the end of
// the message. The slice is valid until the next call.
func (in *input) next() ([]byte, error) {
	if in.err != nil {
		return nil, in.err
	}
	if !in.inMsg {
		return nil, io.EOF
	}
	for {
		run, err := in.run()
		if err == io.EOF {
			in.inMsg, in.hello = false, false
			in.blanks = in.framing == EndOfMessage
			return nil, io.EOF
		}
		if err != nil {
			return nil, in.fail(err)
		}
		if in.got += int64(len(run)); in.got > in.opts.MaxMessage {
			over := in.got - in.opts.MaxMessage
			in.got = in.opts.MaxMessage
			in.fail(&Fault{
				Code: "RPC-CAP",
				What: fmt.Sprintf("the message is longer than the limit of %d B", in.opts.MaxMessage),
				Kept: "what came before the limit is kept",
				Do:   "ask for less with a filter",
			})
			run = run[:max(0, int64(len(run))-over)]
			if len(run) == 0 {
				return nil, in.err
			}
		}
		if in.opts.Quirks.StripNUL {
			run = dropNUL(run)
		}
		if len(run) > 0 {
			return run, nil
		}
	}
}

func (in *input) run() ([]byte, error) {
	if in.framing == Chunked {
		return in.chunked()
	}
	return in.marked()
}

// fail makes err final.
func (in *input) fail(err error) error {
	in.err, in.inMsg = err, false
	return err
}

// fill waits for more bytes behind those not yet taken. Inside a message the
// end of the stream is a fault.
func (in *input) fill() error {
	in.room()
	for range 100 {
		n, err := in.src.Read(in.buf[in.w:])
		if n > 0 {
			if in.opts.Recorder != nil {
				in.opts.Recorder.Record(Received, in.buf[in.w:in.w+n])
			}
			in.w += n
			in.reads++
			in.full = in.w == len(in.buf)
			return nil
		}
		if err == nil {
			continue
		}
		return in.ending(err)
	}
	return &Fault{Code: "NET-LOST", What: "the stream returns nothing, again and again", Err: io.ErrNoProgress}
}

// ending words the end of the stream.
func (in *input) ending(err error) error {
	switch {
	case err != io.EOF:
		return &Fault{
			Code: "NET-LOST",
			What: fmt.Sprintf("the connection was lost at byte %d: %v", in.base+int64(in.w), err),
			Kept: in.kept(),
			Err:  err,
		}
	case !in.inMsg && in.r == in.w:
		return io.EOF
	}
	return &Fault{
		Code: "FRM-CUT",
		What: "the stream ended inside a message: " + in.position(),
		Kept: in.kept(),
		Err:  io.ErrUnexpectedEOF,
	}
}

// room makes place behind buf[r:w], in a larger buffer when the last read
// filled the present one. What is kept is at most the beginning of a header or
// of an end mark.
func (in *input) room() {
	size := len(in.buf)
	switch {
	case size == 0:
		size = idleBuf
	case in.full:
		size = min(4*size, largeBuf)
	}
	in.full = false
	in.base += int64(in.r)
	if size > len(in.buf) {
		grown := make([]byte, size)
		in.w = copy(grown, in.buf[in.r:in.w])
		in.buf = grown
	} else {
		in.w = copy(in.buf, in.buf[in.r:in.w])
	}
	in.r = 0
}

// offset is the place in the stream of the next byte to take, for messages.
func (in *input) offset() int64 { return in.base + int64(in.r) }

func (in *input) kept() string {
	if in.got == 0 {
		return ""
	}
	return fmt.Sprintf("%d B of the message are kept", in.got)
}

// position describes how far the current message has come.
func (in *input) position() string {
	switch {
	case in.framing == Chunked && in.left > 0:
		return fmt.Sprintf("chunk of %d B stopped after %d B", in.chunk, in.chunk-in.left)
	case in.framing == Chunked:
		return fmt.Sprintf("the next chunk header is missing after %d B", in.got)
	default:
		return fmt.Sprintf("no end mark %q after %d B", EndMark, in.got+int64(in.w-in.r))
	}
}

// quote shows the bytes that are next, as a person can read them.
func (in *input) quote() string { return quoteHead(in.buf[in.r:in.w]) }

func quoteHead(b []byte) string {
	if len(b) > 32 {
		return fmt.Sprintf("%q…", b[:32])
	}
	return fmt.Sprintf("%q", b)
}

// mismatch is the fault of a peer that agreed to one framing and uses the other.
func (in *input) mismatch() error {
	f := &Fault{
		Code: "FRM-MODE",
		What: fmt.Sprintf("the device agreed to base:1.1 but sent 1.0 framing at byte %d, got %s", in.offset(), in.quote()),
		Do:   "connect again with the quirk force-1.0",
	}
	if in.framing == EndOfMessage {
		f.What = fmt.Sprintf("the device agreed to base:1.0 but sent 1.1 framing at byte %d, got %s", in.offset(), in.quote())
		f.Do = "look at the capabilities in both hellos; the device does not keep to them"
	}
	return f
}

// beginMarked waits for the first byte of a message that ends with EndMark.
// White space between messages belongs to none.
func (in *input) beginMarked() error {
	for {
		for in.r < in.w && (blank(in.buf[in.r]) || in.opts.Quirks.StripNUL && in.buf[in.r] == 0) {
			in.r++
		}
		switch {
		case in.w-in.r >= 2 || in.w > in.r && in.buf[in.r] != '#':
			b := in.buf[in.r:in.w]
			if !in.hello && len(b) >= 2 && b[0] == '#' && '1' <= b[1] && b[1] <= '9' {
				return in.mismatch()
			}
			return nil
		}
		if err := in.fill(); err != nil {
			return err
		}
	}
}

// marked returns what is certainly payload: all up to the end mark, or up to a
// tail that may be the beginning of one.
func (in *input) marked() ([]byte, error) {
	for {
		b := in.buf[in.r:in.w]
		if i := bytes.Index(b, []byte(EndMark)); i > 0 {
			in.r += i
			return b[:i], nil
		} else if i == 0 {
			in.r += len(EndMark)
			return nil, io.EOF
		}
		if n := len(b) - markTail(b); n > 0 {
			in.r += n
			return b[:n], nil
		}
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
}

// markTail is the length of the longest beginning of EndMark that b ends with.
func markTail(b []byte) int {
	for n := min(len(b), len(EndMark)-1); n > 0; n-- {
		if string(b[len(b)-n:]) == EndMark[:n] {
			return n
		}
	}
	return 0
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// dropNUL removes NUL bytes in place.
func dropNUL(b []byte) []byte {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return b
	}
	n := i
	for _, c := range b[i:] {
		if c != 0 {
			b[n] = c
			n++
		}
	}
	return b[:n]
}
