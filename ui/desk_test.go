package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/ui/msg"
	"dialtone/ui/uitest"
)

// atDesk is the program of lab with a desk below it.
func atDesk(t *testing.T, change func(*Deps)) (*program, *uitest.Desk) {
	t.Helper()
	front := uitest.NewDesk()
	p := lab(t, func(d *Deps) {
		d.Desk = front
		if change != nil {
			change(d)
		}
	})
	return p, front
}

// stand puts callers and listeners at the desk and lets the program see them.
func (p *program) stand(front *uitest.Desk, cs []desk.Caller, ls []desk.Listener, log ...desk.Line) {
	front.Set(cs, ls, log)
	p.Send(msg.ReadDesk(front))
}

func callers(now time.Time, names ...string) []desk.Caller {
	var out []desk.Caller
	for i, n := range names {
		out = append(out, desk.Caller{ID: desk.CallerID(i + 1), Via: link.Junos, Claim: n, Trust: "HMAC ok, key NEW", User: "netconf",
			From:  netip.MustParseAddrPort(fmt.Sprintf("203.0.113.%d:40411", i+1)),
			Since: now.Add(-31 * time.Second), Until: now.Add(79 * time.Second), Key: "RSA 2048 SHA256:b7T1kHs0o3xq1T3yQ0bJmV2n8YpWcE5uRzL4dGfZq9E"})
	}
	return out
}

func onPort(now time.Time) []desk.Listener {
	return []desk.Listener{{Kind: "ssh", Addr: "[::]:4334", Bound: "[::]:4334", Since: now}}
}

// calledScenes is the scenes with devices that call.
func calledScenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	with := func(keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p, front := atDesk(t, change)
			p.stand(front, callers(p.Now(), "r8.lab", "r9.lab"), onPort(p.Now()))
			p.root.toasts = p.root.toasts.Silent()
			p.Press(keys...)
			return p
		}
	}
	return map[string]func(t *testing.T) *program{
		"calls-devices": with(),
		"calls-inbox":   with("0"),
		"calls-accept":  with("0", "enter"),
		"calls-listen":  with("L"),
		"calls-quit":    with("q"),
		"calls-first": func(t *testing.T) *program {
			return start(t, nil, func(d *Deps) {
				d.Desk = uitest.NewDesk()
				if change != nil {
					change(d)
				}
			})
		},
	}
}

func TestScreensWithCallers(t *testing.T) {
	t.Parallel()
	for name, scene := range calledScenes(nil) {
		p := scene(t)
		for _, at := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
			p.Resize(at[0], at[1])
			uitest.Golden(t, name+"-"+size(at[0], at[1]), uitest.Plain(p.View()))
		}
		for w := 40; w <= 200; w += 7 {
			for h := 8; h <= 60; h += 5 {
				p.Resize(w, h)
				uitest.ExactSize(t, p.View(), w, h)
			}
		}
	}
}

func TestTheDeskIsReadWhenItChanges(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	p.mustShow(t, "not listening")
	for i := range 3 { // re-armed every time
		front.Set(callers(p.Now(), slices.Repeat([]string{"r9.lab"}, i+1)...), onPort(p.Now()), nil)
		want := fmt.Sprintf(":4334 ● %d waiting", i+1)
		p.Await(want, func() bool { return p.Shows(want) })
	}
}

func TestListenersInTheFirstRow(t *testing.T) {
	t.Parallel()
	down := desk.Listener{Kind: "ssh", Addr: "[::]:4334", Err: errors.New("taken")}
	for want, ls := range map[string][]desk.Listener{
		"not listening": nil, "call-home :4334 ●": {{Addr: "x", Bound: "127.0.0.1:4334"}}, "call-home :4334 ▲ down": {down},
		"call-home :443 :4334 ▲": {{Bound: "[::]:443"}, down}, "call-home :x^[ ▲ down": {{Addr: "x\x1b"}},
	} {
		p, front := atDesk(t, nil)
		p.stand(front, nil, ls)
		if first, _, _ := strings.Cut(uitest.Plain(p.View()), "\n"); !strings.HasSuffix(strings.TrimRight(first, " "), want) {
			t.Errorf("%q, want %q", first, want)
		}
	}
	p := lab(t, nil)
	p.mustNotShow(t, "listening")
	p.Press("0")
	p.mustShow(t, "takes no calls")
}

// TestInboxIsNumberNought: it stands behind the sessions, and their numbers stay.
func TestInboxIsNumberNought(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	p.stand(front, callers(p.Now(), "r9.lab"), onPort(p.Now()))
	p.Press("0")
	p.mustShow(t, "[0 Inbox 1]")
	p.Send(msg.OpenSession{ID: 1})
	p.mustShow(t, "[2 core-r1", "0 Inbox 1")
	p.Press("0")
	p.mustShow(t, "[0 Inbox 1]")
	p.Press("3", "j") // the inbox has no other number: that was a count
	p.mustShow(t, "[0 Inbox 1]")
	p.Press("2")
	p.mustShow(t, "[2 core-r1")
	p.Press("]")
	p.mustShow(t, "[0 Inbox 1]")
	p.Press("q")
	p.mustNotShow(t, "0 Inbox")
	if len(front.Calls()) != 0 {
		t.Errorf("closing the inbox did %q", front.Calls())
	}
	p.Press("0", "j", "1")
	p.mustShow(t, "[1 Devices]")
}

func TestOneToastForABurst(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	kept := func() int { return len(p.root.toasts.Kept()) }
	before := kept()
	p.stand(front, callers(p.Now(), "r1"), nil)
	p.mustShow(t, "r1 waits in the inbox")
	p.Advance(time.Second)
	p.stand(front, callers(p.Now(), "r1", "r2"), nil)
	p.stand(front, callers(p.Now(), "r1", "r2", "r3"), nil)
	if n := kept() - before; n != 1 {
		t.Errorf("%d toasts for a burst", n)
	}
	p.Advance(4 * time.Second)
	p.stand(front, callers(p.Now(), "r1", "r2", "r3", "r4", "r5"), nil)
	p.mustShow(t, "2 devices wait in the inbox")
	p.Advance(4 * time.Second)
	p.Press("0")
	n := kept()
	p.stand(front, callers(p.Now(), "r1", "r2", "r3", "r4", "r5", "r6"), nil)
	if kept() != n {
		t.Error("a toast although the inbox is looked at")
	}
	if p.root.stack.Top() != nil {
		t.Error("a caller opened a dialog")
	}
}

// TestAcceptedDeviceIsShown: the tab of a device that the person let in opens
// when its session is there, and one that comes back has the same tab.
func TestAcceptedDeviceIsShown(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	p.stand(front, callers(p.Now(), "r9.lab"), onPort(p.Now()))
	p.Press("0", "enter", "a")
	if got := front.Calls(); !slices.Equal(got, []string{"accept 1 as r9.lab, save true"}) {
		t.Fatalf("did %q", got)
	}
	p.mustShow(t, "[0 Inbox")
	d := conn.Device{Target: target("r9.lab", "", link.Junos), State: conn.Greeting}
	e := p.backend.Set(d)
	p.Send(events(e))
	p.mustShow(t, "r9.lab ◐]")
	tabs := len(p.root.tabs)
	d.ID, d.State, d.Opened = e.Session, conn.Open, p.Now()
	p.Send(events(p.backend.Set(d)))
	p.Press("1")
	d.State, d.Err = conn.Lost, errors.New("gone")
	p.Send(events(p.backend.Set(d)))
	d.State, d.Err = conn.Open, nil
	p.Send(events(p.backend.Set(d)))
	p.mustShow(t, "r9.lab called again and is back", "[1 Devices]")
	if len(p.root.tabs) != tabs {
		t.Errorf("%d tabs, had %d", len(p.root.tabs), tabs)
	}
}

// TestWhatWasLostIsToldOfADeviceThatIsBack: its tab shows a new session before
// anybody can have read what became of the old one. It is told once.
func TestWhatWasLostIsToldOfADeviceThatIsBack(t *testing.T) {
	t.Parallel()
	p, _ := atDesk(t, nil)
	d := conn.Device{Target: target("r9.lab", "", link.Junos), State: conn.Open, Opened: p.Now()}
	e := p.backend.Set(d)
	d.ID = e.Session
	p.Send(events(e))
	told := func() (n int) {
		for _, k := range p.root.toasts.Kept() {
			if strings.Contains(k.Toast.Text, "Lost with session 4711") {
				n++
			}
		}
		return n
	}
	d.Former = []conn.Former{{NetconfID: 4710, Ended: p.Now()}}
	p.Send(events(p.backend.Set(d)))
	if told() != 0 {
		t.Error("told of a session with which nothing was lost")
	}
	d.Former = append(d.Former, conn.Former{NetconfID: 4711, Ended: p.Now().Add(time.Second), Lost: []string{"the lock on candidate (session 4711)", "2 uncommitted edits"}})
	p.Send(events(p.backend.Set(d)))
	p.Send(events(p.backend.Set(d)))
	if told() != 1 {
		t.Errorf("told %d times", told())
	}
	p.mustShow(t, "r9.lab is back. Lost with session 4711: the lock on", "2 uncommitted edits")
}

// TestAcceptedDeviceTakesNoScreenThatIsInUse: it comes late, or while something
// is being typed, and is told of instead.
func TestAcceptedDeviceTakesNoScreenThatIsInUse(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(*program){
		"late":          func(p *program) { p.Advance(time.Minute) },
		"in a dialog":   func(p *program) { p.Press("?") },
		"while filters": func(p *program) { p.Press("1", "/") },
	} {
		p, front := atDesk(t, nil)
		p.stand(front, callers(p.Now(), "r9.lab"), onPort(p.Now()))
		p.Press("0", "enter", "a")
		meanwhile(p)
		at := p.root.at
		d := conn.Device{Target: target("r9.lab", "", link.Junos), State: conn.Greeting}
		e := p.backend.Set(d)
		p.Send(events(e))
		d.ID, d.State = e.Session, conn.Open
		p.Send(events(p.backend.Set(d)))
		if p.root.at != at || len(p.root.calls.awaited) != 0 {
			t.Errorf("%s: at tab %d, was at %d; awaited %v", name, p.root.at, at, p.root.calls.awaited)
		}
		if n := p.root.toasts.Kept(); !strings.Contains(n[len(n)-1].Toast.Text, "r9.lab called and was let in") {
			t.Errorf("%s: told %q", name, n[len(n)-1].Toast.Text)
		}
	}
}

// TestAnotherSessionOfAParkedDevice: a second session has the name of the first
// and a tab of its own.
func TestAnotherSessionOfAParkedDevice(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	one := conn.Device{Target: target("vmx-9", "", link.HTTPS), State: conn.Open}
	e := p.backend.Set(one)
	one.ID = e.Session
	p.Send(events(e), msg.OpenSession{ID: one.ID})
	c := callers(p.Now(), "vmx-9")[0]
	c.Via, c.Parked, c.Matches, c.Trust, c.Key = link.HTTPS, true, "vmx-9", "secret ok", ""
	p.stand(front, []desk.Caller{c}, onPort(p.Now()))
	p.Press("0", "enter", "a")
	one.Dirty = 1
	p.Send(events(p.backend.Set(one)))
	p.mustShow(t, "[0 Inbox")
	p.Send(events(p.backend.Set(conn.Device{Target: one.Target, State: conn.Open})))
	p.mustShow(t, "2 vmx-9 ●", "[3 vmx-9 ●]")
}

// shells is a desk whose devices open no shell.
type shells struct{ *uitest.Desk }

func (s shells) Shell(_ context.Context, id desk.CallerID) (*outbound.Shell, string, error) {
	return nil, "", fmt.Errorf("CALL-GONE caller %d waits no longer", id)
}

func TestShellOfAParkedDevice(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	cs := callers(p.Now(), "r9.lab", "vmx-9")
	cs[1].Via, cs[1].Parked, cs[1].Matches = link.HTTPS, true, "vmx-9"
	p.root.d.Desk = shells{front}
	p.stand(front, cs, nil)
	p.Press("0", "s")
	p.mustShow(t, "Open a command shell (csh) on the device: only")
	p.Press("j", "s")
	p.mustShow(t, "No shell: CALL-GONE caller 2 waits no longer")
	p.Send(msg.ShowShell{Name: "vmx-9", Shell: quietShell{}})
	p.mustShow(t, "[2 vmx-9 csh]", "0 Inbox")
}

// quietShell says nothing and has ended.
type quietShell struct{}

func (quietShell) Read([]byte) (int, error) { return 0, io.EOF }
func (quietShell) Run(string) error         { return nil }
func (quietShell) Interrupt() error         { return nil }
func (quietShell) Close() error             { return nil }

func TestDeviceThatOpensByItselfIsTold(t *testing.T) {
	t.Parallel()
	p, _ := atDesk(t, nil)
	d := conn.Device{Target: target("edge-8", "", link.CallHome), State: conn.Greeting}
	e := p.backend.Set(d)
	p.Send(events(e))
	d.ID, d.State = e.Session, conn.Open
	p.Send(events(p.backend.Set(d)), events(p.backend.Set(d)))
	p.mustShow(t, "edge-8 called and was let in", "[1 Devices]")
	if n := p.root.toasts.Kept(); n[len(n)-1].Times != 1 {
		t.Errorf("told %d times", n[len(n)-1].Times)
	}
}

func TestFailureAfterAcceptIsTold(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	cs := callers(p.Now(), "r9.lab")
	p.stand(front, cs, nil)
	p.Press("0", "enter", "a")
	old := desk.Line{Time: p.Now().Add(-time.Minute), Event: "refused", From: cs[0].From, Err: errors.New("of another call")}
	p.stand(front, nil, nil, old, desk.Line{Time: p.Now(), Event: "caller", From: cs[0].From, Err: errors.New("must call again")})
	p.mustShow(t, "must call again")
	for _, n := range p.root.toasts.Kept() {
		if strings.Contains(n.Toast.Text, "of another call") {
			t.Error("an older failure was told of")
		}
	}
	p.stand(front, nil, nil, desk.Line{Time: p.Now(), Event: "refused", From: cs[0].From, Err: errors.New("AUTH-FAIL no method left")})
	p.mustShow(t, "r9.lab was let in, and it failed: AUTH-FAIL")
	p.Send(events(p.backend.Set(conn.Device{Target: target("r9.lab", "", link.Junos), State: conn.Greeting})))
	p.mustShow(t, "[0 Inbox")
}

// TestReadOnlyAcceptsCallers: read-only forbids changes to devices, and letting
// one in is none.
func TestReadOnlyAcceptsCallers(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, func(d *Deps) { d.ReadOnly = true })
	p.stand(front, callers(p.Now(), "r9.lab"), nil)
	p.Press("0", "enter", "a")
	if len(front.Calls()) != 1 {
		t.Errorf("did %q", front.Calls())
	}
}

func TestListenersOpenFromDevicesAndInbox(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{{"L"}, {"0", "L"}} {
		p, front := atDesk(t, nil)
		p.Press(keys...)
		p.Press("l")
		if got := front.Calls(); !slices.Equal(got, []string{"listen ssh [::]:4334"}) {
			t.Errorf("%v did %q", keys, got)
		}
		front.Fail = errors.New("LSN-ADDR nothing there")
		p.Press("l")
		p.mustShow(t, "LSN-ADDR nothing there")
		p.Press("esc")
		if p.root.stack.Top() != nil {
			t.Error("esc left the dialog open")
		}
	}
}

func TestEnterOnADeviceThatCalls(t *testing.T) {
	t.Parallel()
	p, front := atDesk(t, nil)
	p.Press("j", "j", "j", "enter")
	p.mustShow(t, "nobody listens; L listens")
	cs := callers(p.Now(), "r8.lab")
	cs[0].Matches = "edge-8"
	p.stand(front, cs, onPort(p.Now()))
	p.Press("enter")
	p.mustShow(t, "[0 Inbox 1]")
}

func TestDeviceConfigIsShown(t *testing.T) {
	t.Parallel()
	p, _ := atDesk(t, nil)
	p.Press("j", "j", "j", "c")
	p.mustShow(t, "To paste on edge-8", "set system services netconf ssh")
	if p.root.stack.Top() == nil {
		t.Error("no dialog")
	}
	p.Press("esc", "e", "shift+tab", "shift+tab", "shift+tab", "enter")
	p.mustShow(t, "To paste on edge-8")
}
