package callhome

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// TestOnlySomeNetworksMayCall: others are reset, named and counted.
func TestOnlySomeNetworksMayCall(t *testing.T) {
	t.Parallel()
	only, err := ParseOnly("127.0.5.0/24, 127.0.6.1 2001:db8::/32")
	if err != nil || fmt.Sprint(only) != "[127.0.5.0/24 127.0.6.1/32 2001:db8::/32]" {
		t.Fatalf("%v %v", only, err)
	}
	l, at, events := started(t, Options{}, "127.0.0.1:0", Terms{Only: only})
	for from, in := range map[string]bool{"127.0.5.7": true, "127.0.6.1": true, "127.0.6.2": false, "127.0.4.255": false} {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err := d.Dial("tcp", at)
		reset := errors.Is(err, syscall.ECONNRESET) // before the dialer was done
		if err == nil {
			defer c.Close()
			if in {
				_, _ = c.Write([]byte("GET / HTTP/1.1\r\n"))
			}
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			_, err = c.Read(make([]byte, 1))
			reset = errors.Is(err, syscall.ECONNRESET)
		}
		if !in && !reset {
			t.Errorf("%s: %v, want a reset", from, err)
		}
		ev := <-events
		if want := map[bool]string{true: "LSN-NOTSSH", false: "LSN-OUTSIDE"}[in]; ev.Kind != Refused || codeOf(ev.Err) != want || ev.Caller.From.Addr().String() != from {
			t.Errorf("%s: %v %v, want %s", from, ev.Kind, ev.Err, want)
		}
	}
	if n := l.Counts("127.0.0.1:0"); n != (Counts{Refused: 4}) {
		t.Errorf("%+v", n)
	}
	if n := l.limit.until[Source(netip.MustParseAddr("127.0.6.2"))]; !n.IsZero() {
		t.Error("penalised for its address")
	}
	for _, bad := range []string{"192.0.2.0/33", "router", "fe80::1%eth0", "::ffff:0:0/64", "192.0.2.1:22"} {
		if got, err := ParseOnly(bad); codeOf(err) != "LSN-ONLY" {
			t.Errorf("%q: %v %v", bad, got, err)
		}
	}
	if got, err := ParseOnly(" ,"); err != nil || got != nil {
		t.Errorf("%v %v", got, err)
	}
	if got, err := ParseOnly("::ffff:192.0.2.9/120 10.1.2.3/8"); err != nil || fmt.Sprint(got) != "[192.0.2.0/24 10.0.0.0/8]" {
		t.Errorf("%v %v", got, err)
	}
}

// TestPlainCallHomeMayBeOff has it off on an address for Junos devices alone.
func TestPlainCallHomeMayBeOff(t *testing.T) {
	t.Parallel()
	_, at, events := started(t, Options{}, "127.0.0.1:0", Terms{NoPlain: true})
	d := newDevice(t)
	hung, _, err := d.call(at, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ev := <-events; ev.Kind != Refused || codeOf(ev.Err) != "PRE-NONE" || ev.Count != 1 {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
	<-hung
	if n := d.auths.Load(); n != 0 {
		t.Errorf("%d requests to sign in", n)
	}
	_, hangUp, err := d.call(at, Preamble("r1", "", keys.Secret{}))
	if err != nil {
		t.Fatal(err)
	}
	defer hangUp()
	if ev := <-events; ev.Kind != Waiting {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
}

// TestEachFaultHasItsPenalty is security.md T1: 5 s for garbage, 10 s for a
// timeout, 30 s for a secret, 60 s for a key, and nothing for a lost line.
func TestEachFaultHasItsPenalty(t *testing.T) {
	t.Parallel()
	good, other := newDevice(t), newDevice(t)
	r1 := Entry{Target: link.Target{Name: "r1", Via: link.Junos, DeviceID: "r1", User: "netconf"}, Pins: []string{good.fingerprint()}}
	r2 := r1
	r2.Target.Name, r2.Target.DeviceID, r2.Pins, r2.Secret = "r2", "r2", nil, withSecret("juniper123")
	sec := keys.NewSecret([]byte("juniper123"))
	head := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\n"
	meet := func(_ context.Context, c Caller, _ func()) (bool, error) {
		if c.Claim == "r9" {
			return false, &keys.Fault{Code: "KEY-TWICE"}
		}
		return false, nil
	}
	for _, c := range []struct {
		name, preamble, code string
		d                    *device
		want                 time.Duration
	}{
		{"no SSH", "GET / HTTP/1.1\r\n", "LSN-NOTSSH", good, 5 * time.Second},
		{"bad field", head + "MSG-VER: V1\r\n", "PRE-BAD", good, 5 * time.Second},
		{"bad id", head + "DEVICE-ID: a b\r\n", "PRE-ID", good, 5 * time.Second},
		{"too big", head + strings.Repeat("X: y\r\n", 40), "PRE-BIG", good, 5 * time.Second},
		{"wrong secret", string(Preamble("r2", good.keyText(), keys.NewSecret([]byte("x")))), "PRE-HMAC", good, 30 * time.Second},
		{"no HMAC", string(Preamble("r2", "", keys.Secret{})), "PRE-HMAC", good, 30 * time.Second},
		{"another key than announced", string(Preamble("r2", good.keyText(), sec)), "KEY-MISMATCH", other, 60 * time.Second},
		{"key of another", string(Preamble("r2", good.keyText(), sec)), "KEY-OTHER", good, 60 * time.Second},
		{"changed key", string(Preamble("r1", "", keys.Secret{})), "KEY-CHANGED", other, 60 * time.Second},
		{"second key of an id", string(Preamble("r9", "", keys.Secret{})), "KEY-TWICE", newDevice(t), 60 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1e9, 0)
			l, at, events := started(t, Options{Book: &book{entries: []Entry{r1, r2}}, Now: func() time.Time { return now }, Meet: meet}, "127.0.0.1:0", Terms{})
			hung, _, err := c.d.call(at, []byte(c.preamble))
			if err != nil {
				t.Fatal(err)
			}
			ev := <-events
			if ev.Kind != Refused || codeOf(ev.Err) != c.code {
				t.Errorf("%v %v, want %s", ev.Kind, ev.Err, c.code)
			}
			<-hung
			l.limit.mu.Lock()
			defer l.limit.mu.Unlock()
			if got := l.limit.until[Source(ev.Caller.From.Addr())].Sub(now); got != c.want {
				t.Errorf("penalised for %v, want %v", got, c.want)
			}
		})
	}
	t.Run("hung up", func(t *testing.T) {
		t.Parallel()
		l, at, events := started(t, Options{}, "127.0.0.1:0", Terms{})
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte("MSG-ID"))
		c.Close()
		if ev := <-events; codeOf(ev.Err) != "PRE-EOF" || l.Penalised() != 0 || len(l.limit.until) != 0 {
			t.Errorf("%v, %d penalised", ev.Err, len(l.limit.until))
		}
	})
}

// played is a connection with an address of its own.
type played struct {
	net.Conn
	from string
}

func (p played) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(p.from))
}

// TestSlowCallersAreCountedAndNeverShown has them say a byte a second, half
// a preamble, or nothing at all: gone at ten seconds, with a penalty of ten.
func TestSlowCallersAreCountedAndNeverShown(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"drip": strings.Repeat("MSG-ID: DEVICE-CONN-INFO\r\n", 9), "half": "M", "silence": ""} {
		synctest.Test(t, func(t *testing.T) {
			var got []Event
			l := New(Options{Book: &book{}, Handshake: shake, OnEvent: func(ev Event) { got = append(got, ev) }})
			b := &binding{addr: "x", ctx: t.Context()}
			device, ours := net.Pipe()
			start := time.Now()
			l.take(b, played{ours, "192.0.2.7:1"})
			over := make(chan struct{})
			go func() { // ends when the other side hangs up
				defer close(over)
				for i := range len(text) {
					if _, err := device.Write([]byte{text[i]}); err != nil {
						return
					}
					if name == "drip" {
						time.Sleep(time.Second)
					}
				}
			}()
			_, _ = io.Copy(io.Discard, device)
			if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
				t.Errorf("%s: took %v", name, took)
			}
			device.Close()
			<-over
			synctest.Wait()
			if len(got) != 1 || got[0].Kind != Refused || codeOf(got[0].Err) != "PRE-TIMEOUT" || b.refused.Load() != 1 || len(l.Callers()) != 0 {
				t.Errorf("%s: %v, %d refused", name, got, b.refused.Load())
			}
			if p := l.limit.until[Source(netip.MustParseAddr("192.0.2.7"))].Sub(start); p != greetTime+time.Duration(ForTimeout) {
				t.Errorf("%s: penalised until %v after the call", name, p)
			}
			l.Close()
		})
	}
}

// TestWhoWaitedIsToldOfAtOnce: the end of each caller of one address is an event
// of its own, however like the one before it is; those who give no name are
// counted together.
func TestWhoWaitedIsToldOfAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		said := make(chan string, 100)
		l := New(Options{Book: &book{}, MostWaiting: 8, OnEvent: func(ev Event) { said <- fmt.Sprint(ev.Caller.Claim, " ", ev.Count) }})
		got := func() (out []string) {
			for len(said) > 0 {
				out = append(out, <-said)
			}
			slices.Sort(out)
			return out
		}
		say := func(claim string, d *device) {
			ev := Event{Kind: Refused, Caller: Caller{Claim: claim}}
			if d != nil {
				ev.Caller.Key = d.signer.PublicKey()
			}
			l.hush(ev, "192.0.2.1/32CALL-WAITED")
		}
		one, two := newDevice(t), newDevice(t)
		say("r1", one)
		say("r2", two)
		if g := fmt.Sprint(got()); g != "[r1 1 r2 1]" {
			t.Errorf("%s, want both at once", g)
		}
		say("r2", two) // once more within the minute
		for i := range 5 {
			say(fmt.Sprint("r", 3+i), nil) // more than may wait: together
		}
		if g := fmt.Sprint(got()); g != "[r3 1]" {
			t.Error(g)
		}
		time.Sleep(refrain + time.Second)
		synctest.Wait()
		if g := fmt.Sprint(got()); g != "[r2 1 r7 4]" {
			t.Error(g)
		}
		l.Close()
	})
}

// broken is a listener whose network goes away.
type broken struct {
	net.Listener
	errs []error
}

func (b *broken) Accept() (net.Conn, error) {
	if len(b.errs) == 0 {
		return b.Listener.Accept()
	}
	err := b.errs[0]
	b.errs = b.errs[1:]
	return nil, err
}

// TestAnAddressThatGoesAwayComesBack: the socket breaks, and is made anew by
// itself.
func TestAnAddressThatGoesAwayComesBack(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	told := make(chan error, 8)
	rounds := 0
	over := make(chan struct{})
	go func() { // ends with ctx
		defer close(over)
		Keep(ctx, "127.0.0.1:0", func(_ net.Addr, err error, _ int) { told <- err }, func(nl net.Listener) error {
			if rounds++; rounds == 1 {
				b := &broken{nl, []error{&net.OpError{Op: "accept", Err: syscall.ENETDOWN}}}
				_, err := Accept(ctx, b, func(error) {})
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
	}()
	if err := <-told; err != nil {
		t.Fatal(err)
	}
	if err := <-told; codeOf(err) != "LSN-DOWN" || !strings.Contains(err.Error(), "tried again by itself") {
		t.Errorf("%v", err)
	}
	if err := <-told; err != nil {
		t.Errorf("not back: %v", err)
	}
	stop()
	<-over
}

// TestWithoutDescriptorsAcceptWaits: no spinning, and it goes on.
func TestWithoutDescriptorsAcceptWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var errs []error
		for range 10 {
			errs = append(errs, &net.OpError{Op: "accept", Err: syscall.EMFILE})
		}
		errs = append(errs, net.ErrClosed)
		start, short := time.Now(), 0
		if _, err := Accept(t.Context(), &broken{nil, errs}, func(error) { short++ }); !errors.Is(err, net.ErrClosed) || short != 10 {
			t.Errorf("%v after %d", err, short)
		}
		// 5, 10, 20, ... 640 ms, then 1 s each.
		if took := time.Since(start); took != 3275*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestWhyAnAddressCannotBeBound(t *testing.T) {
	t.Parallel()
	for err, want := range map[syscall.Errno]string{
		syscall.EADDRINUSE:    "LSN-INUSE 0.0.0.0:1 is held by",
		syscall.EACCES:        "LSN-PRIVILEGE 0.0.0.0:1 needs more privileges",
		syscall.EADDRNOTAVAIL: "LSN-NOADDR 0.0.0.0:1 is not an address of this machine",
		syscall.ENETDOWN:      "LSN-DOWN 0.0.0.0:1: ",
	} {
		got := listenFault("0.0.0.0:1", &net.OpError{Op: "listen", Err: err}).Error()
		if !strings.HasPrefix(got, want) || !strings.Contains(got, "tried again by itself") {
			t.Errorf("%v: %q", err, got)
		}
	}
}

// TestBothFamiliesAndSeveralAddresses: each is a listener of its own, and a
// device of either is met alike.
func TestBothFamiliesAndSeveralAddresses(t *testing.T) {
	t.Parallel()
	l, at, events := started(t, Options{}, "127.0.0.1:0", Terms{})
	addrs := []string{at}
	for _, more := range []string{"127.0.0.3:0", "[::1]:0", "[::]:0"} {
		if err := l.Start(more); err != nil {
			t.Fatal(err)
		}
		ev := <-events
		if ev.Kind != Listening {
			t.Skipf("%s: %v", more, ev.Err) // a machine without IPv6
		}
		addrs = append(addrs, ev.Addr)
	}
	_, port, _ := net.SplitHostPort(addrs[3])
	addrs[3] = "127.0.0.1:" + port // IPv4 at the address of both
	for i, addr := range addrs {
		d := newDevice(t)
		_, hangUp, err := d.call(addr, Preamble(fmt.Sprint("r", i), "", keys.Secret{}))
		if err != nil {
			t.Fatal(err)
		}
		defer hangUp()
		ev := <-events
		if ev.Kind != Waiting || ssh.FingerprintSHA256(ev.Caller.Key) != d.fingerprint() || ev.Caller.From.Addr().Unmap().Is6() != (i == 2) {
			t.Errorf("%s: %v %v from %v", addr, ev.Kind, ev.Err, ev.Caller.From)
		}
	}
	if n := len(l.Addrs()); n != 4 {
		t.Errorf("%d addresses", n)
	}
}
