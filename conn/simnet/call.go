package simnet

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

// CallOptions describe a device that dials. The zero value calls home (RFC 8071)
// and calls again as soon as a call ends.
type CallOptions struct {
	Via      link.Via // CallHome or Junos
	DeviceID string   // junos, calix
	// Vendor is "calix" for a device that calls home with an identity ahead of
	// SSH and goes on when that was acknowledged (protocol.md 3).
	Vendor string
	Secret keys.Secret
	Device simdev.Options
	Server Server // what answers on the connection; the key is never put into Known
	Source string // address to dial from, such as 127.0.0.9; "": the system's choice
	// More are further addresses: they are tried in turn when one does not let
	// the device in.
	More []string
	// Sticky begins with the address that let it in last; without it every round
	// begins with the first (reconnect-strategy of Junos).
	Sticky bool
	Wait   time.Duration // before each new call
	Calls  int           // in all; 0: until Stop
	Faults CallFaults
}

// CallFaults are the ways in which a caller can be odd, or not what it says it
// is. The zero value is neither.
type CallFaults struct {
	WrongHMAC bool
	NoHMAC    bool       // HOST-KEY without HMAC, although there is a secret
	Announce  ssh.Signer // announces this key, and shows its own
	Header    string     // one more line, without its end
	NUL       bool       // behind HOST-KEY
	NoBlank   bool       // after the colons
	Doubled   bool       // colon after DEVICE-ID
	BareLF    bool       // ends lines with LF only
	Blanks    bool       // sends two blank lines at the end
	Upper     bool       // HMAC in upper case
	Raw       []byte     // sent in place of the preamble
	Drip      time.Duration
	// Stall is how many bytes of the preamble are sent before nothing follows; 0:
	// all of it.
	Stall int
}

// Caller is one simulated device that dials.
type Caller struct {
	*Host
	o    CallOptions
	addr []string
	stop context.CancelFunc
	ctx  context.Context
	over chan struct{}

	calls atomic.Int64
	acks  atomic.Int64
}

// Call starts a device that dials addr, until Stop or Close.
func (l *Lab) Call(addr string, o CallOptions) (*Caller, error) {
	h, err := l.host(o.Device, o.Server)
	if err != nil {
		return nil, err
	}
	c := &Caller{Host: h, o: o, addr: append([]string{addr}, o.More...), over: make(chan struct{})}
	c.ctx, c.stop = context.WithCancel(l.ctx)
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	l.wg.Go(func() { // ends with Stop, with Close, or after the last call
		defer close(c.over)
		c.run()
	})
	return c, nil
}

// Stop ends the calls of the device and the connection that it has.
func (c *Caller) Stop() {
	c.stop()
	c.Cut()
	<-c.over
}

// Over is closed when the device calls no more.
func (c *Caller) Over() <-chan struct{} { return c.over }

// Placed counts the connections that were made.
func (c *Caller) Placed() int { return int(c.calls.Load()) }

// Acks counts the acknowledgements of identities.
func (c *Caller) Acks() int { return int(c.acks.Load()) }

// Target is the device as a profile has it, without secret, password and pin.
func (c *Caller) Target() link.Target {
	return link.Target{Name: cmp.Or(c.o.DeviceID, c.name), Via: cmp.Or(c.o.Via, link.CallHome), DeviceID: c.o.DeviceID, User: c.server.User}
}

// run calls, and calls again.
func (c *Caller) run() {
	first := 0
	for n := 0; c.o.Calls == 0 || n < c.o.Calls; n++ {
		for i := range c.addr {
			at := (first + i) % len(c.addr)
			in := c.once(c.addr[at])
			if in && c.o.Sticky {
				first = at
			}
			if in || c.ctx.Err() != nil {
				break
			}
		}
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(c.o.Wait):
		}
	}
}

// once makes one call and stays until it has ended. It returns true when the
// device was let in far enough to have a session.
func (c *Caller) once(addr string) bool {
	d := net.Dialer{Timeout: 10 * time.Second}
	if c.o.Source != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(c.o.Source)}
	}
	raw, err := d.DialContext(c.ctx, "tcp", addr)
	if err != nil {
		return false
	}
	c.calls.Add(1)
	conn := c.line.wrap(raw)
	c.mu.Lock()
	c.conns[conn] = struct{}{}
	c.mu.Unlock()
	stop := context.AfterFunc(c.ctx, func() { conn.Close() })
	defer stop()
	defer func() {
		conn.Close()
		c.mu.Lock()
		delete(c.conns, conn)
		c.mu.Unlock()
	}()
	before := c.auths.Load()
	if err := c.greet(conn); err != nil {
		return false
	}
	c.serve(conn)
	return c.auths.Load() > before
}

var errStalled = errors.New("stalled until the other side hung up")

// greet says the preamble, with its faults.
func (c *Caller) greet(conn net.Conn) error {
	text := c.preamble()
	f := c.o.Faults
	if f.Stall > 0 && f.Stall < len(text) {
		text = text[:f.Stall]
	}
	for len(text) > 0 {
		n := len(text)
		if f.Drip > 0 {
			n = 1
			select {
			case <-time.After(f.Drip):
			case <-c.ctx.Done():
				return c.ctx.Err()
			}
		}
		if _, err := conn.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	if f.Stall > 0 {
		_, _ = conn.Read(make([]byte, 1))
		return errStalled
	}
	if c.o.Vendor == calix {
		return c.awaitAck(conn)
	}
	return nil
}

const (
	calix = "calix"
	ack   = "<ack>ok</ack>"
)

// awaitAck takes what must come before this side begins SSH.
func (c *Caller) awaitAck(conn net.Conn) error {
	got := make([]byte, len(ack))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if string(got) != ack {
		return fmt.Errorf("%q is no acknowledgement", got)
	}
	c.acks.Add(1)
	return nil
}

// preamble is what comes ahead of SSH.
func (c *Caller) preamble() []byte {
	f := c.o.Faults
	switch {
	case f.Raw != nil:
		return f.Raw
	case c.o.Vendor == calix:
		return fmt.Appendf(nil, "<version>1</version><identity><mac>%s</mac><serial-number>71101</serial-number><model-name>E7 System</model-name><source-ip>%s</source-ip></identity>", c.o.DeviceID, "192.0.2.7")
	case c.o.Via != link.Junos:
		return nil
	}
	key := c.HostKey()
	if f.Announce != nil {
		key = f.Announce.PublicKey()
	}
	secret := c.o.Secret
	if f.WrongHMAC {
		secret = keys.NewSecret(append([]byte("not "), secret.Reveal()...))
	}
	text := callhome.Preamble(c.o.DeviceID, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), secret)
	lines := strings.Split(strings.TrimSuffix(string(text), "\r\n"), "\r\n")
	end := "\r\n"
	if f.BareLF {
		end = "\n"
	}
	var out bytes.Buffer
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case name == "HMAC" && f.NoHMAC:
			continue
		case name == "HMAC" && f.Upper:
			value = strings.ToUpper(value)
		case name == "HOST-KEY" && f.NUL:
			value += "\x00"
		case name == "DEVICE-ID" && f.Doubled:
			value = ": " + value
		}
		out.WriteString(name + ":")
		if !f.NoBlank {
			out.WriteString(" ")
		}
		out.WriteString(value + end)
	}
	if f.Header != "" {
		out.WriteString(f.Header + end)
	}
	if f.Blanks {
		out.WriteString(end + end)
	}
	return out.Bytes()
}
