// Package callhome takes connections that devices open to us: RFC 8071 call
// home, Junos outbound SSH, and whatever other vendors put ahead of SSH. One
// port takes them all and tells them apart by their first bytes. After its
// greeting every one of them goes on as SSH with the roles as usual: the device
// is the SSH server.
package callhome

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Limits of a greeting, all together (security.md B3 T1).
const (
	maxGreeting = 8 << 10
	maxHeader   = 4 << 10
	maxHeaders  = 32
	greetTime   = 10 * time.Second
	readAhead   = 512 // of a stranger there may be thousands
)

// Greeting is what a device said before SSH. Everything in it is a claim until
// the SSH key exchange has shown the host key.
type Greeting struct {
	Via         link.Via
	Vendor      string        // "junos", "calix"; "" for plain call home
	DeviceID    string        // "" when the device gave none; printable ASCII, at most 128
	HostKey     ssh.PublicKey // nil when none was announced
	HostKeyText string        // exactly what the HMAC covers
	HMAC        string        // as sent; "" when absent
	Unknown     []string      // header lines that we do not know, at most maxHeaders, quoted
	// Ack must be written before SSH begins, once a person or a profile has
	// admitted the device; nil for most.
	Ack []byte
}

// dialect is one vendor's way to begin. Another vendor is one more file with
// one more of these.
type dialect interface {
	// sniff looks at the first bytes of a connection, at least one.
	sniff(first []byte) guess
	// read consumes the greeting from r up to where SSH begins.
	read(r *reader) (Greeting, error)
}

type guess uint8

const (
	no guess = iota
	perhaps
	yes
)

func dialects() []dialect { return []dialect{plain{}, junos{}, calix{}} }

// Greet reads the greeting of a fresh connection and returns a connection that
// goes on with SSH's first byte. It sends nothing. Errors are *keys.Fault with
// the codes PRE-… or LSN-… and never quote more than 64 bytes. The read deadline of c is
// set, and cleared on success.
func Greet(c net.Conn) (Greeting, net.Conn, error) {
	if err := c.SetReadDeadline(time.Now().Add(greetTime)); err != nil {
		return Greeting{}, nil, (&reader{}).explain(err)
	}
	r := &reader{left: maxGreeting}
	r.Reader = bufio.NewReaderSize(c, readAhead)
	d, err := choose(r)
	if err != nil {
		return Greeting{}, nil, r.explain(err)
	}
	g, err := d.read(r)
	if err != nil {
		return Greeting{}, nil, r.explain(err)
	}
	c.SetReadDeadline(time.Time{}) // a broken connection shows in the next read
	held, _ := r.Peek(r.Buffered())
	return g, &replay{Conn: c, held: bytes.Clone(held)}, nil
}

// choose waits for as many bytes as it takes to name the dialect.
func choose(r *reader) (dialect, error) {
	for n := 1; ; n++ {
		first, err := r.Peek(n)
		if err != nil {
			return nil, err
		}
		if r.Buffered() > n { // look at all that is there
			first, _ = r.Peek(min(r.Buffered(), 64))
		}
		open := false
		for _, d := range dialects() {
			switch d.sniff(first) {
			case yes:
				return d, nil
			case perhaps:
				open = true
			}
		}
		if !open {
			return nil, stranger(first)
		}
	}
}

// stranger names a protocol that has no business here by its first bytes.
func stranger(first []byte) error {
	what := "not SSH"
	for _, s := range []struct{ prefix, name string }{
		{"\x16\x03", "TLS"}, {"GET ", "HTTP"}, {"POST ", "HTTP"}, {"HEAD ", "HTTP"}, {"OPTIONS ", "HTTP"}, {"PRI * HTTP/2", "HTTP/2"},
		{"CONNECT ", "HTTP"}, {"\x03\x00", "RDP"}, {"\xff\xfd", "telnet"}, {"\xff\xfb", "telnet"}, {"HELO ", "SMTP"}, {"EHLO ", "SMTP"},
	} {
		if bytes.HasPrefix(first, []byte(s.prefix)) {
			what = s.name
		}
	}
	return &keys.Fault{Code: "LSN-NOTSSH", What: fmt.Sprintf("%s: first bytes %q", what, first[:min(len(first), 64)])}
}

// reader reads lines within the budget of a greeting.
type reader struct {
	*bufio.Reader
	left int
}

var errBig = errors.New("greeting too big")

// line returns the next line without its end. Bare LF ends a line as well.
func (r *reader) line() (string, error) {
	var b []byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		if r.left--; r.left < 0 || len(b) > maxHeader {
			return "", errBig
		}
		if c == '\n' {
			return strings.TrimSuffix(string(b), "\r"), nil
		}
		b = append(b, c)
	}
}

// atSSH reports whether SSH's version line comes next.
func (r *reader) atSSH() (bool, error) {
	for n := 1; n <= 4; n++ {
		p, err := r.Peek(n)
		if err != nil {
			return false, err
		}
		if !strings.HasPrefix("SSH-", string(p)) {
			return false, nil
		}
	}
	return true, nil
}

// explain turns errors of reading into the faults that people read.
func (r *reader) explain(err error) error {
	var f *keys.Fault
	switch {
	case errors.As(err, &f):
		return err
	case errors.Is(err, errBig), errors.Is(err, bufio.ErrBufferFull):
		return &keys.Fault{Code: "PRE-BIG", What: fmt.Sprintf("greeting of more than %d bytes or %d headers, or a header of more than %d bytes", maxGreeting, maxHeaders, maxHeader), Err: err}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &keys.Fault{Code: "PRE-TIMEOUT", What: fmt.Sprintf("no complete greeting in %d s", int(greetTime.Seconds())), Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &keys.Fault{Code: "PRE-EOF", What: "the caller hung up in its greeting", Err: err}
	}
	return &keys.Fault{Code: "PRE-LOST", What: "the connection broke in its greeting", Err: err}
}

// replay is a connection whose first bytes were read already.
type replay struct {
	net.Conn
	held []byte
}

func (c *replay) Read(p []byte) (int, error) {
	if len(c.held) > 0 {
		n := copy(p, c.held)
		if c.held = c.held[n:]; len(c.held) == 0 {
			c.held = nil
		}
		return n, nil
	}
	return c.Conn.Read(p)
}

// plain is RFC 8071: SSH from the first byte on.
type plain struct{}

func (plain) sniff(first []byte) guess { return prefix(first, "SSH-") }

func (plain) read(*reader) (Greeting, error) { return Greeting{Via: link.CallHome}, nil }

// prefix compares without regard to case, as headers are.
func prefix(first []byte, want string) guess {
	n := min(len(first), len(want))
	switch {
	case !strings.EqualFold(string(first[:n]), want[:n]):
		return no
	case n < len(want):
		return perhaps
	}
	return yes
}
