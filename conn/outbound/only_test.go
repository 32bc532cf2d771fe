package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"dialtone/conn/outbound/outboundsim"
)

// answered counts the bytes that come back over a connection.
type answered struct {
	net.Conn
	n int
}

func (c *answered) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n += n
	return n, err
}

// TestCallersOutsideTheListAreTurnedAway: an address takes only the networks
// that it was started for. Others are reset before TLS answers them, told of
// once and counted; they cost their source nothing.
func TestCallersOutsideTheListAreTurnedAway(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.Stop("127.0.0.1:0")
	if err := l.Start("127.0.0.1:0", netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("127.0.0.1/32")); err != nil {
		t.Fatal(err)
	}
	l.addr = l.expect(t, Listening, "").Addr
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(l.roots)
	handshake := func(from string) (got int, err error) {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: wait}
		raw, err := d.Dial("tcp", l.addr)
		if err != nil {
			return 0, err // reset before the dialer was done
		}
		defer raw.Close()
		_ = raw.SetDeadline(time.Now().Add(wait))
		c := &answered{Conn: raw}
		err = tls.Client(c, &tls.Config{RootCAs: roots, NextProtos: []string{"h2"}, ServerName: "localhost"}).Handshake()
		return c.n, err
	}
	const calls = 4
	for range calls {
		if got, err := handshake("127.0.0.2"); err == nil || got != 0 {
			t.Errorf("%d B came back to a caller outside, %v", got, err)
		}
	}
	if got, err := handshake("127.0.0.1"); err != nil || got == 0 {
		t.Errorf("%d B came back to a caller inside, %v", got, err)
	}
	l.device(t, outboundsim.Options{})
	told := 0
	for inside := false; !inside; {
		select {
		case ev := <-l.events:
			from := ev.Caller.From.Addr().String()
			switch {
			case ev.Kind == Waiting:
				if inside = true; from != "127.0.0.1" || ev.Caller.Claim != "r1" {
					t.Errorf("%+v is parked", ev.Caller)
				}
			case codeOf(ev.Err) == "LSN-OUTSIDE":
				told++
				if ev.Kind != Refused || ev.On != "127.0.0.1:0" || from != "127.0.0.2" || ev.Count != 1 {
					t.Errorf("%+v", ev)
				}
			case strings.HasPrefix(from, "127.0.0.2"):
				t.Errorf("%v %v", ev.Kind, ev.Err)
			}
		case <-time.After(wait):
			t.Fatal("the device inside is not parked")
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
	if n := l.Penalised(); n != 0 {
		t.Errorf("%d sources are penalised", n)
	}
	l.Close()
	if ev := l.expect(t, Refused, "LSN-OUTSIDE"); ev.Count != calls-1 {
		t.Errorf("%d more were counted, want %d", ev.Count, calls-1)
	}
}
