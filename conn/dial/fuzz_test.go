package dial

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// greetingTape plays the first bytes of a peer in pieces.
type greetingTape struct {
	net.Conn
	rest []byte
	n    int
}

func (g *greetingTape) Read(p []byte) (int, error) {
	if len(g.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), g.n)], g.rest)
	g.rest = g.rest[n:]
	return n, nil
}

func (*greetingTape) Close() error                     { return nil }
func (*greetingTape) SetReadDeadline(time.Time) error  { return nil }
func (*greetingTape) SetWriteDeadline(time.Time) error { return nil }
func (*greetingTape) SetDeadline(time.Time) error      { return nil }

// FuzzGreeting reads what a peer says first, whole and in pieces: the verdict is
// the same, bounded, and fit to be shown.
func FuzzGreeting(f *testing.F) {
	for _, s := range []string{"SSH-2.0-x\r\n", "SSH-1.99-x\n", "SSH-1.5-x\n", "HTTP/1.1 400\r\n", "motd\r\nSSH-2.0-OpenSSH", "\x16\x03\x01", "\xff\xfb\x01", "220 mail\x1b[2J"} {
		f.Add([]byte(s), 3)
	}
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		read := func(n int) (*wire, error) {
			w := newWire(&greetingTape{rest: bytes.Clone(text), n: n}, "192.0.2.1:830", func() {})
			w.early.Store(true)
			buf := make([]byte, 512)
			for {
				if _, err := w.Read(buf); err != nil {
					return w, err
				}
			}
		}
		whole, err1 := read(1 << 20)
		bits, err2 := read(1 + max(0, n)%64)
		if whole.greeted.Load() != bits.greeted.Load() {
			t.Fatalf("whole: %v, in pieces: %v", err1, err2)
		}
		for _, w := range []*wire{whole, bits} {
			if len(w.head) > versionMax+1024 {
				t.Fatalf("%d B are kept", len(w.head))
			}
			msg := w.notSSH().Error()
			if cause := w.why(); cause != nil {
				msg += cause.Error()
			}
			if !utf8.ValidString(msg) || strings.ContainsAny(msg, "\x1b\r\n\x00") || len(msg) > 2000 {
				t.Fatalf("%q", msg)
			}
			greetingBegun(w.head)
		}
	})
}
