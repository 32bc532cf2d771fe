package netconf

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// TraceWriter is a Recorder that writes what crosses the wire as text that a
// person can read and a program can turn back into the same bytes:
//
//	# 2026-03-01T14:01:58.123456Z sent 117 B
//	> \n
//	> #105\n
//	> <rpc message-id="1" ...
//
// A line of bytes begins with "> " (sent) or "< " (received). It ends where
// the wire had a line feed, written \n, or where the bytes of this read or
// write end. All that is not printable is escaped as in Go strings, and so is
// the backslash: a trace can be shown in a terminal without harm. Framing is
// included. Nothing is left out, secrets neither.
type TraceWriter struct {
	mu  sync.Mutex
	w   io.Writer
	now func() time.Time
	buf []byte
	err error
}

// NewTraceWriter writes to w, one Write for each record. now is the clock,
// time.Now when nil. The caller closes w after the session has ended.
func NewTraceWriter(w io.Writer, now func() time.Time) *TraceWriter {
	if now == nil {
		now = time.Now
	}
	return &TraceWriter{w: w, now: now}
}

// Err is the first error of the underlying writer; nothing is written after it.
func (t *TraceWriter) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// Note adds a line of the program's own, such as the name of the device.
func (t *TraceWriter) Note(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf[:0], "# "...)
	t.buf = appendTrace(t.buf, []byte(text))
	t.write()
}

// Record implements Recorder.
func (t *TraceWriter) Record(d Direction, p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	word, mark := "received", "< "
	if d == Sent {
		word, mark = "sent", "> "
	}
	t.buf = fmt.Appendf(t.buf[:0], "# %s %s %d B", t.now().UTC().Format("2006-01-02T15:04:05.000000Z"), word, len(p))
	for len(p) > 0 {
		n := 0
		for n < len(p) && p[n] != '\n' {
			n++
		}
		n = min(n+1, len(p))
		t.buf = append(t.buf, '\n')
		t.buf = append(t.buf, mark...)
		t.buf = appendTrace(t.buf, p[:n])
		p = p[n:]
	}
	t.write()
}

func (t *TraceWriter) write() {
	t.buf = append(t.buf, '\n')
	if t.err == nil {
		_, t.err = t.w.Write(t.buf)
	}
	if cap(t.buf) > 1<<20 {
		t.buf = nil
	}
}

// appendTrace escapes p.
func appendTrace(out, p []byte) []byte {
	for len(p) > 0 {
		c := p[0]
		switch {
		case c == '\\':
			out = append(out, `\\`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c >= ' ' && c < 0x7f:
			out = append(out, c)
		case c < utf8.RuneSelf:
			out = fmt.Appendf(out, `\x%02x`, c)
		default:
			r, n := utf8.DecodeRune(p)
			switch {
			case r == utf8.RuneError && n == 1:
				out = fmt.Appendf(out, `\x%02x`, c)
			case !strconv.IsPrint(r):
				for _, b := range p[:n] {
					out = fmt.Appendf(out, `\x%02x`, b)
				}
			default:
				out = append(out, p[:n]...)
			}
			p = p[n:]
			continue
		}
		p = p[1:]
	}
	return out
}
