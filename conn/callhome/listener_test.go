package callhome

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// listen starts a listener on loopback and returns its address and its events.
func listen(t *testing.T, o Options) (*Listener, string, func(EventKind) Event) {
	t.Helper()
	events := make(chan Event, 1024)
	o.OnEvent = func(ev Event) { events <- ev }
	if o.Handshake == nil {
		o.Handshake = shake
	}
	if o.Book == nil {
		o.Book = &book{}
	}
	l := New(o)
	t.Cleanup(l.Close)
	next := func(kind EventKind) Event {
		t.Helper()
		limit := time.After(time.Minute)
		for {
			select {
			case ev := <-events:
				if ev.Kind == kind {
					return ev
				}
				if ev.Kind == Refused || ev.Kind == Down {
					t.Fatalf("waited for %q, got %q: %v", kind, ev.Kind, ev.Err)
				}
			case <-limit:
				t.Fatalf("no %q in time", kind)
			}
		}
	}
	if err := l.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	return l, next(Listening).Addr, next
}

func TestUnknownCallersWaitAndSeeNoLogin(t *testing.T) {
	t.Parallel()
	for _, via := range []link.Via{link.CallHome, link.Junos} {
		d := newDevice(t)
		l, addr, next := listen(t, Options{})
		var preamble []byte
		if via == link.Junos {
			preamble = Preamble("r1.lab", "", keys.Secret{})
		}
		hung, hangUp, err := d.call(addr, preamble)
		if err != nil {
			t.Fatal(err)
		}
		c := next(Waiting).Caller
		if c.Via != via || c.Trust.Key != KeyNew || c.Trust.Believed || ssh.FingerprintSHA256(c.Key) != d.fingerprint() {
			t.Errorf("%s: %+v", via, c)
		}
		if n := d.auths.Load(); n != 0 {
			t.Errorf("%s: %d authentication requests before a decision", via, n)
		}
		if !l.Admit(c.ID, link.Target{Name: "r1", User: "netconf"}, nil) {
			t.Errorf("%s: the caller does not wait", via)
		}
		ev := next(Admitted)
		if ev.Target.Name != "r1" || d.user.Load() != "netconf" {
			t.Errorf("%s: admitted as %q, user %v", via, ev.Target.Name, d.user.Load())
		}
		ev.Link.Close()
		hangUp()
		<-hung
	}
}

func TestRefusalsSendNoLogin(t *testing.T) {
	t.Parallel()
	good, other := newDevice(t), newDevice(t)
	pinned := func(e Entry, d *device) Entry { e.Pins = []string{d.fingerprint()}; return e }
	r1 := Entry{Target: link.Target{Name: "r1", Via: link.Junos, DeviceID: "r1", User: "netconf", Open: "auto"}}
	secret := r1
	secret.Secret = withSecret("juniper123")
	r7 := Entry{Target: link.Target{Name: "r7", Via: link.Junos, DeviceID: "r7", User: "netconf"}}
	home := Entry{Target: link.Target{Name: "h", Via: link.CallHome, User: "netconf"}}
	sec := func(s string) keys.Secret { return keys.NewSecret([]byte(s)) }
	for _, c := range []struct {
		name     string
		entries  []Entry
		caller   *device
		preamble []byte
		code     string
	}{
		{"wrong secret", []Entry{secret}, good, Preamble("r1", good.keyText(), sec("other")), "PRE-HMAC"},
		{"no HMAC where a secret is held", []Entry{secret}, good, Preamble("r1", "", keys.Secret{}), "PRE-HMAC"},
		{"no preamble where a secret is held", []Entry{pinned(secret, good)}, good, nil, "PRE-HMAC"},
		{"replayed preamble, another key in SSH", []Entry{secret}, other, Preamble("r1", good.keyText(), sec("juniper123")), "KEY-MISMATCH"},
		{"key of another device", []Entry{pinned(r1, good), r7}, good, Preamble("r7", "", keys.Secret{}), "KEY-OTHER"},
		{"known key, unknown id", []Entry{pinned(r1, good)}, good, Preamble("r9", "", keys.Secret{}), "KEY-OTHER"},
		{"changed key without a secret", []Entry{pinned(r1, good)}, other, Preamble("r1", "", keys.Secret{}), "KEY-CHANGED"},
		{"one key pinned twice", []Entry{pinned(home, good), pinned(home, good)}, good, nil, "KEY-OTHER"},
		{"not SSH", nil, good, []byte("GET / HTTP/1.1\r\n\r\n"), "LSN-NOTSSH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.caller.auths.Load()
			_, addr, events := started(t, Options{Book: &book{entries: c.entries}}, "127.0.0.1:0", Terms{})
			hung, _, err := c.caller.call(addr, c.preamble)
			if err != nil {
				t.Fatal(err)
			}
			ev := <-events
			if ev.Kind != Refused || codeOf(ev.Err) != c.code {
				t.Errorf("%s %v, want %s", ev.Kind, ev.Err, c.code)
			}
			<-hung
			if n := c.caller.auths.Load(); n != before {
				t.Errorf("%d authentication requests reached the device", n-before)
			}
		})
	}
}

func TestKnownDevicesOpenByThemselves(t *testing.T) {
	t.Parallel()
	d, fresh := newDevice(t), newDevice(t)
	auto := link.Target{Name: "r1", Via: link.Junos, DeviceID: "r1", User: "netconf", Open: "auto"}
	home := link.Target{Name: "h", Via: link.CallHome, User: "netconf", Open: "auto"}
	sec := keys.NewSecret([]byte("juniper123"))
	for _, c := range []struct {
		name     string
		entry    Entry
		caller   *device
		preamble []byte
		want     KeyVerdict
	}{
		{"secret and pinned key", Entry{auto, []string{d.fingerprint()}, withSecret("juniper123")}, d, Preamble("r1", d.keyText(), sec), KeyKnown},
		{"new key vouched for", Entry{auto, []string{d.fingerprint()}, withSecret("juniper123")}, fresh, Preamble("r1", fresh.keyText(), sec), KeyReplaced},
		{"pinned key, no secret", Entry{auto, []string{d.fingerprint()}, nil}, d, Preamble("r1", "", keys.Secret{}), KeyKnown},
		{"call home", Entry{home, []string{d.fingerprint()}, nil}, d, nil, KeyKnown},
	} {
		_, addr, next := listen(t, Options{Book: &book{entries: []Entry{c.entry}}})
		_, hangUp, err := c.caller.call(addr, c.preamble)
		if err != nil {
			t.Fatal(err)
		}
		ev := next(Admitted)
		if ev.Target.Name != c.entry.Target.Name || ev.Caller.Trust.Key != c.want {
			t.Errorf("%s: %q, %v", c.name, ev.Target.Name, ev.Caller.Trust)
		}
		ev.Link.Close()
		hangUp()
	}
}

func TestACallerWhoHangsUpLeavesTheInbox(t *testing.T) {
	t.Parallel()
	d := newDevice(t)
	l, addr, events := started(t, Options{}, "127.0.0.1:0", Terms{})
	_, hangUp, err := d.call(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ev := <-events; ev.Kind != Waiting {
		t.Fatalf("%v %v", ev.Kind, ev.Err)
	}
	hangUp()
	if ev := <-events; ev.Kind != Decided {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
	if ev := <-events; ev.Kind != Refused || codeOf(ev.Err) != "CALL-GONE" {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
	if n := len(l.Callers()); n != 0 {
		t.Errorf("%d callers wait", n)
	}
}

func TestAcceptingForAnotherUserWantsAnotherCall(t *testing.T) {
	t.Parallel()
	d := newDevice(t)
	l, addr, events := started(t, Options{}, "127.0.0.1:0", Terms{})
	for _, want := range []error{ErrCallAgain, nil} {
		_, hangUp, err := d.call(addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := (<-events).Caller
		l.Admit(c.ID, link.Target{Name: "r1", User: "operator"}, nil)
		<-events // decided
		ev := <-events
		if !errors.Is(ev.Err, want) {
			t.Errorf("%v: %v, want %v", ev.Kind, ev.Err, want)
		}
		if want == nil && d.user.Load() != "operator" {
			t.Errorf("signed in as %v", d.user.Load())
		}
		hangUp()
	}
}

func TestListenerSaysWhoHoldsThePort(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan Event, 64)
	l := New(Options{Book: &book{}, OnEvent: func(ev Event) { events <- ev }})
	defer l.Close()
	l.Start(held.Addr().String())
	ev := <-events
	var f *keys.Fault
	if ev.Kind != Down || !errors.As(ev.Err, &f) || f.Code != "LSN-INUSE" || !strings.Contains(f.What, "pid ") {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
	held.Close()
	if ev := <-events; ev.Kind != Listening {
		t.Errorf("%v %v", ev.Kind, ev.Err)
	}
}

func TestLimiterBudgetAndPenalties(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	l := NewLimiter(Budget{Total: 8, Soft: 6, PerSource: 3, Sources: 4}, func() time.Time { return now })
	l.chance = func(n int) int { return n - 1 }
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	var release []func()
	for range 3 {
		r, why := l.Admit(a)
		if why != "" {
			t.Fatal(why)
		}
		release = append(release, r)
	}
	if _, why := l.Admit(a); why != "too many from this source" {
		t.Errorf("fourth: %q", why)
	}
	if _, why := l.Admit(netip.MustParseAddr("::ffff:192.0.2.1")); why != "too many from this source" {
		t.Errorf("the same address in IPv6 clothes: %q", why)
	}
	release[0]()
	release[0]()
	if _, why := l.Admit(a); why != "" {
		t.Errorf("after a release: %q", why)
	}
	l.Blame(b, ForGarbage)
	if _, why := l.Admit(b); why != "" {
		t.Errorf("five seconds do not bite: %q", why)
	}
	l.Blame(b, ForTimeout)
	if _, why := l.Admit(netip.MustParseAddr("2001:db8::2")); why != "penalised" {
		t.Errorf("same /64: %q", why)
	}
	gone := l.Prove(b)
	if _, why := l.Admit(b); why != "" {
		t.Errorf("a proven source: %q", why)
	}
	gone()
	gone()
	for range 100 {
		l.Blame(b, ForKey)
	}
	now = now.Add(longest - bites)
	if _, why := l.Admit(b); why != "penalised" {
		t.Errorf("just before ten minutes: %q", why)
	}
	now = now.Add(time.Second)
	if _, why := l.Admit(b); why != "" {
		t.Errorf("after ten minutes: %q", why)
	}
	for i := range 10 {
		l.Blame(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), ForKey)
	}
	if n := len(l.until); n > 4 {
		t.Errorf("%d sources remembered", n)
	}
}

func TestListenerThatStaysDownSaysSoOnce(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	type word struct {
		bound net.Addr
		err   error
		tries int
	}
	told := make(chan word, 64)
	go Keep(ctx, held.Addr().String(), func(bound net.Addr, err error, n int) { told <- word{bound, err, n} }, func(net.Listener) error { // ends with ctx
		<-ctx.Done()
		return nil
	})
	if w := <-told; w.err == nil || w.bound != nil {
		t.Fatalf("%+v", w)
	}
	time.AfterFunc(2500*time.Millisecond, func() { held.Close() }) // after the second try
	w := <-told
	if w.err != nil || w.bound == nil || w.tries < 2 {
		t.Errorf("the second word is %+v, want that it is back, and after how many tries", w)
	}
}
