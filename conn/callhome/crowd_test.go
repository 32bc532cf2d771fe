package callhome

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/conn/link"
)

func TestUserNamesOfOneAddressTakeTurns(t *testing.T) {
	t.Parallel()
	u, a := newUsers(), netip.MustParseAddr("192.0.2.1")
	if got := u.guess(a); got != "" {
		t.Errorf("%q", got)
	}
	u.put(a, "admin")
	u.put(a, "admin")
	for range 10 {
		if got := u.guess(a); got != "admin" {
			t.Fatalf("%q", got)
		}
	}
	u.put(a, "netconf")
	seen := map[string]bool{}
	for range 200 {
		seen[u.guess(a)] = true
	}
	if !seen["admin"] || !seen["netconf"] {
		t.Errorf("%v", seen)
	}
	for i := range 2 * mostNames {
		u.put(a, fmt.Sprint(i))
	}
	for i := range 2 * mostUsers {
		u.put(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), "x")
	}
	if n := len(u.names); n > mostUsers {
		t.Errorf("%d addresses", n)
	}
}

func TestStrangersFillOnlyTheirPartOfTheInbox(t *testing.T) {
	t.Parallel()
	d := newDevice(t)
	home := Entry{Target: link.Target{Name: "h", Via: link.CallHome, User: "netconf"}, Pins: []string{d.fingerprint()}}
	l, addr, events := started(t, Options{Book: &book{entries: []Entry{home}}, MostWaiting: 4}, "127.0.0.1:0", Terms{})
	call := func(d *device) Event {
		_, hangUp, err := d.call(addr, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(hangUp)
		return <-events
	}
	if ev := call(newDevice(t)); ev.Kind != Waiting {
		t.Fatalf("%v %v", ev.Kind, ev.Err)
	}
	if ev := call(newDevice(t)); ev.Kind != Refused || codeOf(ev.Err) != "LSN-FULL" {
		t.Errorf("a second of the same source: %v %v", ev.Kind, ev.Err)
	}
	if ev := call(d); ev.Kind != Waiting || ev.Caller.Trust.Profile != "h" {
		t.Errorf("a known one: %v %v", ev.Kind, ev.Err)
	}
	if c := l.Counts("127.0.0.1:0"); c != (Counts{Refused: 1, Waiting: 2}) {
		t.Errorf("%+v", c)
	}
}

func TestStopFreesOneAddressAndItsCallers(t *testing.T) {
	t.Parallel()
	d := newDevice(t)
	l, addr, events := started(t, Options{}, "127.0.0.1:0", Terms{})
	l.Start("127.0.0.2:0")
	<-events
	if err := l.Start("127.0.0.1:0"); err == nil {
		t.Error("started twice")
	}
	hung, _, err := d.call(addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if ev := <-events; ev.Kind != Waiting || ev.On != "127.0.0.1:0" {
		t.Fatalf("%+v", ev)
	}
	if !l.Stop("127.0.0.1:0") || l.Stop("127.0.0.1:0") {
		t.Error("stop")
	}
	<-hung
	if n := len(l.Addrs()); n != 1 {
		t.Errorf("%d addresses left", n)
	}
	if n := d.auths.Load(); n != 0 {
		t.Errorf("%d authentication requests", n)
	}
	kinds := map[EventKind]int{}
	for range 3 {
		ev := <-events
		kinds[ev.Kind]++
		if ev.Kind == Refused && codeOf(ev.Err) != "LSN-STOPPED" {
			t.Errorf("%v", ev.Err)
		}
	}
	if kinds[Stopped] != 1 || kinds[Decided] != 1 || kinds[Refused] != 1 {
		t.Errorf("%v", kinds)
	}
}

func TestWhatIsOnlyCountedIsToldWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []int
		l := New(Options{Book: &book{}, OnEvent: func(ev Event) { got = append(got, ev.Count) }})
		for range 5 {
			l.hush(Event{Kind: Refused}, "a")
		}
		time.Sleep(refrain + time.Second)
		synctest.Wait()
		if fmt.Sprint(got) != "[1 4]" {
			t.Errorf("%v", got)
		}
		l.hush(Event{Kind: Refused}, "a") // goes on: its count of the minute is the one line
		l.hush(Event{Kind: Refused}, "a")
		time.Sleep(refrain + time.Second)
		synctest.Wait()
		if fmt.Sprint(got) != "[1 4 2]" {
			t.Errorf("while it goes on: %v", got)
		}
		time.Sleep(refrain) // ended, and begins anew: told at once
		l.hush(Event{Kind: Refused}, "a")
		l.hush(Event{Kind: Refused}, "a")
		l.Close()
		if fmt.Sprint(got) != "[1 4 2 1 1]" {
			t.Errorf("after the end: %v", got)
		}
	})
}

func TestSourcesThatProvedThemselvesComeBackAheadOfStrangers(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	l := NewLimiter(Budget{Total: 8, Soft: 2, PerSource: 1}, func() time.Time { return now })
	l.chance = func(int) int { return 0 }
	good, bad := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	l.Prove(good)()
	for range 3 {
		if _, why := l.Admit(good); why != "" {
			t.Fatal(why)
		}
	}
	if _, why := l.Admit(bad); why != "nearly full" {
		t.Errorf("a stranger: %q", why)
	}
	l.Blame(good, ForGarbage)
	if _, why := l.Admit(good); why == "" {
		t.Error("still ahead after garbage")
	}
}

// Callers that say SSH and then nothing hold a handshake until its time is over.
// Four sources with all that one source may have keep nobody else waiting.
func TestStalledHandshakesKeepNobodyElseWaiting(t *testing.T) {
	t.Parallel()
	const sources, each = 4, 32
	d := newDevice(t)
	var stalled atomic.Int32
	all := make(chan struct{})
	mine := Source(netip.MustParseAddr("127.0.0.1"))
	held := func(ctx context.Context, c net.Conn, t link.Target, g Greeting, verify Verify, ask link.Asker) (*link.Link, error) {
		from := netip.MustParseAddrPort(c.RemoteAddr().String()).Addr()
		if Source(from) == mine {
			return shake(ctx, c, t, g, verify, ask)
		}
		if stalled.Add(1) == sources*each {
			close(all)
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	home := Entry{Target: link.Target{Name: "h", Via: link.CallHome, User: "netconf", Open: "auto"}, Pins: []string{d.fingerprint()}}
	_, addr, next := listen(t, Options{Book: &book{entries: []Entry{home}}, Handshake: held})
	for i := range sources * each {
		from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+i%sources))}}
		c, err := from.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte("SSH-2.0-stall\r\n")); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-all:
	case <-time.After(time.Minute):
		t.Fatalf("%d of %d handshakes run at once", stalled.Load(), sources*each)
	}
	if _, _, err := d.call(addr, nil); err != nil {
		t.Fatal(err)
	}
	if c := next(Admitted).Caller; c.Trust.Profile != "h" {
		t.Errorf("%+v", c.Trust)
	}
}
