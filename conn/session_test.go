package conn

import (
	"context"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

func TestSessionOpensAndAnswers(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	j := &record{}
	m := NewManager(Options{Dialer: l, Journal: j})
	closing(t, m)
	id := m.Connect(target("r1"))
	d := until(t, m, id, "open", inState(Open))
	if d.NetconfID == 0 || !d.Caps.Has("candidate") || d.Peer.Addr != "r1:830" || d.Opened.IsZero() {
		t.Errorf("device %+v", d)
	}
	if again := m.Connect(target("r1")); again != id {
		t.Errorf("a second Connect made session %d", again)
	}
	x := send(t, m, id, getConfig)
	o, err := ended(t, m, x)
	if err != nil || o.Result != netconf.Answered || !o.OK {
		t.Fatalf("outcome %+v, %v", o, err)
	}
	text, _ := io.ReadAll(x.Doc.Reader())
	if !strings.Contains(string(text), "</rpc-reply>") || int64(len(text)) != o.Bytes {
		t.Errorf("%d bytes: %.100s", len(text), text)
	}
	if got := j.list(); !reflect.DeepEqual(got, []string{"get-config:1"}) {
		t.Errorf("journal %v", got)
	}
	if xs := m.Replies(id); len(xs) != 1 || xs[0] != x {
		t.Errorf("kept %v", xs)
	}
	m.Disconnect(id)
	d = until(t, m, id, "closed", inState(Closed))
	if d.Err != nil || len(d.Lost) != 0 || len(d.Former) != 1 {
		t.Errorf("after closing %+v", d)
	}
	if !strings.Contains(l.tap("r1").text(), "close-session") {
		t.Error("no close-session was sent")
	}
	if _, err := m.Send(id, request(t, getConfig)); !errors.Is(err, ErrNotOpen) {
		t.Errorf("Send after closing: %v", err)
	}
	if n := m.Connect(target("r1")); n == id || n == 0 {
		t.Errorf("Connect after closing gave %d", n)
	}
}

func TestLossSaysWhatIsKnownAndNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, why := range map[string]error{"silent cut": nil, "link dead": &netconf.Fault{Code: "NET-DEAD", What: "no answer to 3 keepalives"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dev := rfc(simdev.Faults{})
			l := newLab(t, map[string]*simdev.Device{"r1": dev})
			j := &record{}
			m := NewManager(Options{Dialer: l, Journal: j})
			closing(t, m)
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			ended(t, m, send(t, m, id, lock))
			ended(t, m, send(t, m, id, edit))
			dev.SetFaults(simdev.Faults{Delay: time.Hour})
			inFlight := send(t, m, id, `<commit/>`)
			waits := send(t, m, id, `<discard-changes/>`)
			waitSent(t, l.tap("r1"), "<commit/>")
			l.cut("r1", why)
			d := until(t, m, id, "lost", inState(Lost))
			if o, err := ended(t, m, inFlight); o.Result != netconf.Unknown || err == nil {
				t.Errorf("in flight: %+v %v", o, err)
			}
			if o, err := ended(t, m, waits); o.Result != netconf.NotSent || err == nil {
				t.Errorf("waiting: %+v %v", o, err)
			}
			if d.Err == nil || why != nil && !errors.Is(d.Err, why) {
				t.Errorf("reason %v", d.Err)
			}
			words := strings.Join(d.Lost, "\n")
			for _, w := range []string{"lock on candidate", "1 uncommitted edit", "answer to commit"} {
				if !strings.Contains(words, w) {
					t.Errorf("%q is not among the losses:\n%s", w, words)
				}
			}
			if len(d.Former) != 1 || d.Former[0].NetconfID == 0 || strings.Join(d.Former[0].Lost, "\n") != words || len(d.Doubts) != 1 || d.Dirty != 0 {
				t.Errorf("device %+v", d)
			}
			dev.SetFaults(simdev.Faults{})
			if err := m.Reconnect(id); err != nil {
				t.Fatal(err)
			}
			d = until(t, m, id, "open again", inState(Open))
			if len(d.Locks) != 0 || len(d.Lost) != 0 || len(d.Doubts) != 0 || len(d.Former) != 1 || len(d.Former[0].Lost) != 3 {
				t.Errorf("after reconnecting %+v", d)
			}
			ended(t, m, send(t, m, id, getConfig))
			if s := l.tap("r1").text(); strings.Contains(s, "commit/>") || strings.Contains(s, "discard") || strings.Contains(s, "<lock") {
				t.Errorf("sent again: %s", s)
			}
			want := []string{"lock:1", "edit-config:1", "commit:3", "discard-changes:0", "get-config:1"}
			if got := j.list(); !reflect.DeepEqual(got, want) {
				t.Errorf("journal %v", got)
			}
		})
	}
}

func TestDisconnectEndsADialAtOnce(t *testing.T) {
	t.Parallel()
	m := NewManager(Options{Dialer: stuck{}})
	closing(t, m)
	id := m.Connect(target("r1"))
	m.Disconnect(id)
	d := until(t, m, id, "closed", inState(Closed))
	if d.Err != nil {
		t.Errorf("error %v", d.Err)
	}
	if !m.Forget(id) || len(m.Devices()) != 0 {
		t.Error("the row stays")
	}
}

// stuck dials until it is told to stop.
type stuck struct{}

func (stuck) Dial(ctx context.Context, _ link.Target, _ link.Asker, _ func(link.Stage)) (*link.Link, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestRedialOnlyWhenNothingWasAtStake(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before []string
		again  bool
	}{
		"idle":    {nil, true},
		"read":    {[]string{getConfig}, true},
		"lock":    {[]string{lock}, false},
		"edit":    {[]string{edit}, false},
		"settled": {[]string{lock, edit, `<commit/>`, unlock}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
			m := NewManager(Options{Dialer: l, Redial: true})
			closing(t, m)
			waits := make(chan time.Duration, 10)
			m.after = func(d time.Duration) <-chan time.Time {
				waits <- d
				now := make(chan time.Time, 1)
				now <- time.Time{}
				return now
			}
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			for _, b := range tc.before {
				ended(t, m, send(t, m, id, b))
			}
			l.mu.Lock()
			l.fail = func(n int) error {
				if n < 4 {
					return &netconf.Fault{Code: "NET-DIAL", What: "no route"}
				}
				return nil
			}
			l.mu.Unlock()
			l.cut("r1", nil)
			if !tc.again {
				until(t, m, id, "lost", inState(Lost))
				if len(waits) != 0 || l.dials != 1 {
					t.Errorf("dialled again")
				}
				return
			}
			until(t, m, id, "open again", func(d Device) bool { return d.State == Open && len(d.Former) == 1 })
			if a, b, c := <-waits, <-waits, <-waits; a != time.Second || b != 2*time.Second || c != 4*time.Second {
				t.Errorf("pauses %v %v %v", a, b, c)
			}
		})
	}
}

func TestRedialStopsAtALoginThatFails(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l, Redial: true})
	closing(t, m)
	m.after = func(time.Duration) <-chan time.Time {
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	id := m.Connect(target("r1"))
	until(t, m, id, "open", inState(Open))
	refused := &netconf.Fault{Code: "AUTH-FAIL", What: "password refused"}
	l.mu.Lock()
	l.fail = func(int) error { return refused }
	l.mu.Unlock()
	l.cut("r1", nil)
	until(t, m, id, "given up", func(d Device) bool { return d.State == Lost && errors.Is(d.Err, refused) && d.Redial.IsZero() })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dials != 2 {
		t.Errorf("%d dials", l.dials)
	}
}

func TestAdoptedSessionCannotBeDialled(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
	lk, err := l.Dial(context.Background(), target("r1"), nil, func(link.Stage) {})
	if err != nil {
		t.Fatal(err)
	}
	m := NewManager(Options{})
	closing(t, m)
	id := m.Adopt(target("r1"), lk)
	until(t, m, id, "open", inState(Open))
	ended(t, m, send(t, m, id, `<close-session/>`))
	d := until(t, m, id, "closed", inState(Closed))
	if d.Err != nil {
		t.Errorf("after a close-session of the person: %v", d.Err)
	}
	if err := m.Reconnect(id); !errors.Is(err, ErrInbound) {
		t.Errorf("Reconnect: %v", err)
	}
	inbound := target("r1")
	inbound.Via = link.CallHome
	if d := until(t, m, m.Connect(inbound), "refused", inState(Lost)); !errors.Is(d.Err, ErrInbound) {
		t.Errorf("Connect: %v", d.Err)
	}
}

func TestConfirmedCommitAfterALoss(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		commit string
		stays  bool
		words  string
	}{
		"without persist": {`<commit><confirmed/></commit>`, false, "rolls it back"},
		"with persist":    {`<commit><confirmed/><persist>tok1</persist></commit>`, true, "persist-id"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{})})
			m := NewManager(Options{Dialer: l})
			closing(t, m)
			id := m.Connect(target("r1"))
			until(t, m, id, "open", inState(Open))
			ended(t, m, send(t, m, id, edit))
			if o, err := ended(t, m, send(t, m, id, tc.commit)); err != nil || !o.OK {
				t.Fatalf("%+v %v", o.Errors, err)
			}
			if d, _ := m.Device(id); d.Pending == nil || d.Dirty != 0 {
				t.Fatalf("before the loss %+v", d)
			}
			l.cut("r1", nil)
			d := until(t, m, id, "lost", inState(Lost))
			if (d.Pending != nil) != tc.stays || !strings.Contains(strings.Join(d.Lost, "\n"), tc.words) {
				t.Errorf("after it %+v", d)
			}
			if err := m.Reconnect(id); err != nil {
				t.Fatal(err)
			}
			if d = until(t, m, id, "open again", inState(Open)); (d.Pending != nil) != tc.stays {
				t.Errorf("after reconnecting %+v", d)
			}
			if !tc.stays {
				return
			}
			o, err := ended(t, m, send(t, m, id, `<commit><persist-id>tok1</persist-id></commit>`))
			if err != nil || !o.OK {
				t.Errorf("confirmation: %+v %v", o.Errors, err)
			}
			if d, _ = m.Device(id); d.Pending != nil {
				t.Errorf("after the confirmation %+v", d.Pending)
			}
		})
	}
}
