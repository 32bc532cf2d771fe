package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

var (
	errOpenMessage   = errors.New("netconf: NewMessage before the last message was closed")
	errClosedMessage = errors.New("netconf: message used after Close")
)

// output frames messages and hands each to the stream in one Write: some
// devices misread a frame whose end comes in a Write of its own. Only what is
// larger than sendChunk leaves in several.
type output struct {
	dst     io.Writer
	rec     Recorder
	framing Framing
	held    bool // closed messages gather until release, or until they are many
	open    bool
	nudged  bool  // the line feed of the next chunk header has left already
	err     error // final

	buf   []byte // frames ready to leave, then the one being written
	body  int    // where the payload of the current chunk or message begins in buf
	total int64  // payload of the current message
	tail  [len(EndMark) - 1]byte
	ntail int // last bytes of the message, for an end mark cut by two Writes
}

func (o *output) begin() (io.WriteCloser, error) {
	switch {
	case o.err != nil:
		return nil, o.err
	case o.open:
		return nil, errOpenMessage
	}
	o.open, o.total, o.ntail = true, 0, 0
	o.startBody()
	return &outMessage{o}, nil
}

// startBody leaves place for a chunk header; endBody closes the gap.
func (o *output) startBody() {
	if o.framing == Chunked {
		o.buf = append(o.buf, make([]byte, maxHeader)...)
	}
	o.body = len(o.buf)
}

func (o *output) endBody() {
	if o.framing != Chunked {
		return
	}
	start := o.body - maxHeader
	size := len(o.buf) - o.body
	if size == 0 {
		o.buf = o.buf[:start]
		return
	}
	lead := "\n#"
	if o.nudged {
		lead, o.nudged = "#", false
	}
	h := append(o.buf[:start], lead...)
	h = strconv.AppendInt(h, int64(size), 10)
	h = append(h, '\n')
	n := copy(o.buf[len(h):], o.buf[o.body:])
	o.buf = o.buf[:len(h)+n]
}

// nudge sends a line feed ahead of the next message: with chunks it is the first
// byte of that message's header, once.
func (o *output) nudge() {
	if o.open || o.nudged || len(o.buf) > 0 {
		return
	}
	o.buf = append(o.buf, '\n')
	if o.flush() == nil {
		o.nudged = o.framing == Chunked
	}
}

// flush hands all complete frames to the stream in one Write.
func (o *output) flush() error {
	if o.err != nil || len(o.buf) == 0 {
		return o.err
	}
	if o.rec != nil {
		o.rec.Record(Sent, o.buf)
	}
	n, err := o.dst.Write(o.buf)
	if err == nil && n < len(o.buf) {
		err = io.ErrShortWrite
	}
	if err != nil {
		o.err = &Fault{Code: "NET-LOST", What: fmt.Sprintf("writing to the device: %v", err), Err: err}
	}
	if cap(o.buf) > keptBuf && !o.held {
		o.buf = nil
	}
	o.buf = o.buf[:0]
	return o.err
}

// outMessage is the message being written.
type outMessage struct{ o *output }

// Write adds to the message. It may flush what is complete of a large one.
func (m *outMessage) Write(p []byte) (int, error) {
	o := m.o
	if o == nil {
		return 0, errClosedMessage
	}
	if o.err != nil {
		return 0, o.err
	}
	if o.total < 0 {
		return 0, markFault()
	}
	if o.framing == EndOfMessage {
		if err := o.refuseMark(p); err != nil {
			return 0, err
		}
	}
	done := 0
	for done < len(p) {
		n := min(len(p)-done, sendChunk-(len(o.buf)-o.body))
		o.buf = slices.Grow(o.buf, n+len("\n##\n")+len(EndMark))
		o.buf = append(o.buf, p[done:done+n]...)
		done += n
		o.total += int64(n)
		if len(o.buf)-o.body < sendChunk {
			break
		}
		o.endBody()
		if err := o.flush(); err != nil {
			return done, err
		}
		o.startBody()
	}
	return done, nil
}

// refuseMark refuses payload that would end the message early. Nothing of p is
// taken then; if earlier parts have left already the stream cannot be used any
// more, for the message can neither be ended nor taken back.
func (o *output) refuseMark(p []byte) error {
	seam := append(slices.Clip(o.tail[:o.ntail]), p[:min(len(p), len(EndMark)-1)]...)
	if bytes.Contains(seam, []byte(EndMark)) || bytes.Contains(p, []byte(EndMark)) {
		f := markFault()
		if o.total > int64(len(o.buf)-o.body) {
			o.err = f
		} else {
			o.buf = o.buf[:o.body]
			o.total = -1 // Close sends nothing
		}
		return f
	}
	if len(p) >= len(o.tail) {
		o.ntail = copy(o.tail[:], p[len(p)-len(o.tail):])
		return nil
	}
	all := append(o.tail[:o.ntail:o.ntail], p...)
	o.ntail = copy(o.tail[:], all[max(0, len(all)-len(o.tail)):])
	return nil
}

func markFault() *Fault {
	return &Fault{
		Code: "FRM-MARK",
		What: fmt.Sprintf("the text contains %q, which ends a message in base:1.0 framing", EndMark),
		Kept: "nothing was sent",
		Do:   "write it as ]]&gt;]]&gt; in text",
	}
}

// Close ends the frame and flushes it. A message without payload, or one that
// was refused, is not sent.
func (m *outMessage) Close() error {
	o := m.o
	if o == nil {
		return errClosedMessage
	}
	m.o, o.open = nil, false
	switch {
	case o.err != nil:
		return o.err
	case o.total <= 0:
		o.endBody()
		if o.total < 0 {
			return markFault()
		}
		return &Fault{Code: "FRM-EMPTY", What: "an empty message cannot be sent", Kept: "nothing was sent"}
	}
	o.endBody()
	if o.framing == Chunked {
		o.buf = append(o.buf, "\n##\n"...)
	} else {
		o.buf = append(o.buf, EndMark...)
	}
	if o.held && len(o.buf) < sendChunk {
		return nil
	}
	return o.flush()
}
