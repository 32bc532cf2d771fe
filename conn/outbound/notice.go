package outbound

import (
	"bytes"
	"fmt"
	"strings"

	"dialtone/keys"
)

// The end notices of a device are messages of their own and no output
// (protocol.md 5.3).
var notices = []struct{ text, what string }{
	{"client is stopping, termination received", "its outbound HTTPS program was stopped"},
	{"client is stopping, subprocess not running", "its NETCONF process has ended"},
	{"client is stopping, select call failed", "its NETCONF process was killed"},
}

const (
	noticeStart = "client is stopping,"
	mostNotice  = 96
)

// sieve parts the end notice of a session from its output, wherever the messages
// are cut. What may be a notice is held until the end of the stream, or what
// follows, tells; between two NETCONF messages a notice is sure at once, as no
// output can stand there.
type sieve struct {
	shell bool
	begun bool   // of a shell: its first message has been taken off
	held  []byte // may be a notice, or the start of one
	last  []byte // the end of the output, at most mostLast bytes
	mid   bool   // the last NETCONF message has not ended
}

const mostLast = 64

// sift takes a message and returns what of it is output, in two parts, valid until
// the next call. sure is true when an end notice has come.
func (s *sieve) sift(b []byte) (before, out []byte, sure bool) {
	if s.shell && !s.begun {
		if b = s.begin(b); !s.begun {
			return nil, nil, false
		}
	}
	if len(b) == 0 {
		return nil, nil, false
	}
	if len(s.held) > 0 {
		if len(s.held)+len(b) <= mostNotice && noticeSoFar(append(s.held, b...)) != isOutput {
			s.held = append(s.held, b...)
			return nil, nil, s.sure()
		}
		before = s.flush()
	}
	at := s.begins(b)
	out = b[:at]
	s.note(out)
	s.held = append(s.held, b[at:]...)
	return before, out, s.sure()
}

// sure reports that what is held is a notice and can be nothing else.
func (s *sieve) sure() bool {
	return len(s.held) > 0 && !s.shell && !s.mid && noticeSoFar(s.held) == isNotice
}

// begin takes the first message of a shell off, which says that it has begun, and
// returns what came behind it.
func (s *sieve) begin(b []byte) []byte {
	s.held = append(s.held, b...)
	n := min(len(s.held), len(shellStarted))
	same := strings.EqualFold(string(s.held[:n]), shellStarted[:n])
	if same && n < len(shellStarted) {
		return nil
	}
	b, s.held, s.begun = s.held, nil, true
	if same {
		b = bytes.TrimLeft(b[n:], "\r\n")
	}
	return b
}

// begins returns where in b a notice may begin; len(b) for nowhere: at its start,
// or behind the end mark of a NETCONF message.
func (s *sieve) begins(b []byte) int {
	if noticeSoFar(b) != isOutput {
		return 0
	}
	if s.shell {
		return len(b)
	}
	from := max(0, len(b)-mostNotice)
	at := from + bytes.LastIndexByte(b[from:], '>') + 1
	if at <= from || at == len(b) || noticeSoFar(b[at:]) == isOutput {
		return len(b)
	}
	if at >= len(endMark) && endsMarked(b[:at]) || at < len(endMark) && endsMarked(append(bytes.Clone(s.last), b[:at]...)) {
		return at
	}
	return len(b)
}

// note remembers the end of the output.
func (s *sieve) note(out []byte) {
	if len(out) == 0 {
		return
	}
	if len(out) >= mostLast {
		s.last = append(s.last[:0], out[len(out)-mostLast:]...)
	} else {
		s.last = append(s.last, out...)
		if over := len(s.last) - mostLast; over > 0 {
			s.last = append(s.last[:0], s.last[over:]...)
		}
	}
	if text := bytes.TrimRight(s.last, "\r\n\t "); len(text) > 0 {
		s.mid = !endsMarked(text)
	}
}

// flush gives up waiting: what is held is output.
func (s *sieve) flush() []byte {
	out := s.held
	s.held = nil
	s.note(out)
	return out
}

// What a text may be.
const (
	isOutput = iota
	isStart  // of a notice, perhaps
	isNotice // if nothing but the end follows
)

// noticeSoFar judges a text by its beginning.
func noticeSoFar(b []byte) int {
	b = bytes.TrimLeft(b, "\r\n\t ")
	if len(b) == 0 || b[0]|0x20 != 'c' || len(b) > mostNotice {
		return isOutput
	}
	n := min(len(b), len(noticeStart))
	if !strings.EqualFold(string(b[:n]), noticeStart[:n]) {
		return isOutput
	}
	b = bytes.TrimRight(b, "\r\n\t ")
	for _, c := range b { // one line of plain text
		if c > 0x7e || c < 0x20 || c == '<' || c == '>' {
			return isOutput
		}
	}
	text := strings.ToLower(string(b))
	for _, n := range notices {
		if text == n.text {
			return isNotice
		}
	}
	return isStart
}

// told returns what a held text says now that the stream has ended; nil when it
// is output.
func told(b []byte) *keys.Fault {
	s := strings.ToLower(strings.TrimSpace(string(b)))
	if noticeSoFar(b) == isOutput || len(s) <= len(noticeStart) {
		return nil
	}
	what := fmt.Sprintf("it said %q", s)
	for _, n := range notices {
		if s == n.text {
			what = n.what
		}
	}
	return &keys.Fault{Code: "GRPC-ENDED", What: "the device ended the session: " + what, Do: "Open another one: the device waits for it"}
}
