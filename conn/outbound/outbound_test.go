package outbound

import (
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/keys"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

const getConfig = "<get-config><source><running/></source></get-config>"

func TestSessionOverTheEnhancedForm(t *testing.T) {
	goroutines(t)
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{})
	ev := l.expect(t, Waiting, "")
	c := ev.Caller
	if c.Claim != "r1" || c.Trust != SecretOK || !c.Believed || c.Profile != "r1" || c.Waiting != 1 || c.Instance != 4321 || c.Via != link.HTTPS {
		t.Errorf("caller %+v", c)
	}
	lk := l.openLink(t, c.ID)
	if lk.Peer.Via != link.HTTPS || lk.Peer.Auth != SecretOK || lk.Peer.HostKey != "" || !strings.HasPrefix(lk.Peer.ServerVersion, "simulated-device") {
		t.Errorf("peer %+v", lk.Peer)
	}
	s, err := netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, getConfig); !strings.Contains(got, "<configuration") {
		t.Errorf("reply %.200q", got)
	}
	// Another call is parked by now or soon: a second session at the same time.
	var second *link.Link
	for second == nil {
		ev := l.expect(t, Waiting, "")
		if second, err = l.Open(context.Background(), ev.Caller.ID); err != nil {
			t.Fatal(err)
		}
		if ev.Caller.ID != c.ID {
			t.Errorf("the device has a second row: %d, %d", c.ID, ev.Caller.ID)
		}
	}
	s2, err := netconf.Open(context.Background(), netconf.NewTransport(second, netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.ID() == s2.ID() {
		t.Errorf("one session twice: %d", s.ID())
	}
	if n := l.Callers()[0].Sessions; n != 2 {
		t.Errorf("%d sessions", n)
	}
	for _, x := range []*netconf.Session{s2, s} {
		if err := x.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	for {
		if cs := l.Callers(); len(cs) == 1 && cs[0].Sessions == 0 && cs[0].Waiting == 1 {
			break
		}
		<-l.events
	}
}

func TestSessionOverTheBasicForm(t *testing.T) {
	goroutines(t)
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Basic: true})
	c := l.expect(t, Waiting, "").Caller
	if c.Via != link.HTTPSBasic || c.Trust != NoIdentity || c.Claim != "" || c.Believed || !strings.Contains(c.Note, "only the address") {
		t.Errorf("caller %+v", c)
	}
	if _, err := l.Shell(context.Background(), c.ID); codeOf(err) != "GRPC-NOSHELL" {
		t.Errorf("a shell in the basic form: %v", err)
	}
	lk := l.openLink(t, c.ID)
	s, err := netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, getConfig); !strings.Contains(got, "<configuration") {
		t.Errorf("reply %.200q", got)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	l.expect(t, Gone, "")
}

func TestLargeReplyInSmallPieces(t *testing.T) {
	size := int64(60 << 20)
	if testing.Short() {
		size = 4 << 20
	}
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Device: simdev.New(simdev.Options{Name: "r1", Dialect: simdev.Junos, Bulk: size}), Faults: outboundsim.Faults{MidMark: true}})
	s, _ := l.open(t)
	out := discard(t, s, getConfig)
	if !out.OK || out.Bytes < size-size/10 { // Bulk is about so much
		t.Errorf("%d B, ok %t", out.Bytes, out.OK)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestShell(t *testing.T) {
	goroutines(t)
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{})
	sh, err := l.Shell(context.Background(), l.expect(t, Waiting, "").Caller.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", " ", "a\nb", "a\x00", "\xff"} {
		if sh.Run(bad) == nil {
			t.Errorf("%q was sent", bad)
		}
	}
	if err := sh.Run("echo hello there"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, err := io.ReadFull(sh, buf[:len("hello there\n")])
	if string(buf[:n]) != "hello there\n" || err != nil {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	if err := sh.Run("yes"); err != nil { // never ends
		t.Fatal(err)
	}
	if _, err := io.ReadFull(sh, buf); err != nil {
		t.Fatal(err)
	}
	if err := sh.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, sh); err != nil {
		t.Errorf("after the interrupt: %v", err)
	}
	if codeOf(sh.Err()) != "GRPC-ENDED" || !strings.Contains(sh.Err().Error(), "killed") {
		t.Errorf("%v", sh.Err())
	}
	<-sh.Done()
	sh.Close()
	sh, err = l.Shell(context.Background(), l.expect(t, Waiting, "").Caller.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Run("exit"); err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(sh); len(out) > 0 || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}

func TestStreamIsMarriedByConnectionWhenItBringsNoToken(t *testing.T) {
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Faults: outboundsim.Faults{NoEcho: true}})
	s, _ := l.open(t)
	ask(t, s, getConfig)
}

func TestStreamMayComeOnAnotherConnection(t *testing.T) {
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{Faults: outboundsim.Faults{OtherConn: true}})
	s, _ := l.open(t)
	ask(t, s, getConfig)
}

func TestUnknownTokenIsRefused(t *testing.T) {
	l := newLab(t, func(o *Options) { o.Marry = 300 * time.Millisecond })
	l.device(t, outboundsim.Options{Faults: outboundsim.Faults{Token: "00112233445566778899aabbccddeeff0011223344556677"}})
	id := l.expect(t, Waiting, "").Caller.ID
	if _, err := l.Open(context.Background(), id); codeOf(err) != "GRPC-NOSTREAM" && codeOf(err) != "GRPC-GONE" {
		t.Errorf("opened with a wrong token: %v", err)
	}
	l.expect(t, Refused, "GRPC-TOKEN")
}

// The figures of security.md E3 that tests do not wait for.
func TestDefaults(t *testing.T) {
	t.Parallel()
	var o Options
	o.defaults()
	for name, x := range map[string][2]any{
		"handshake":                {o.Handshake, 10 * time.Second},
		"first call":               {o.FirstCall, 15 * time.Second},
		"a wrong secret is held":   {o.Hold, 5 * time.Second},
		"a token is good":          {o.Marry, 15 * time.Second},
		"a write":                  {o.WriteStall, 45 * time.Second},
		"silence":                  {o.Ping, 30 * time.Second},
		"an answer to a ping":      {o.PingWait, 15 * time.Second},
		"idle":                     {o.Idle, 2 * time.Minute},
		"pings of devices":         {minPing, 10 * time.Second},
		"bytes of a message":       {o.MostReceived, 16 << 20},
		"bytes of a stranger":      {o.FirstBytes, int64(256 << 10)},
		"calls of one device":      {o.MostCalls, 4},
		"devices without profiles": {o.MostUnknown, 128},
	} {
		if x[0] != x[1] {
			t.Errorf("%s: %v, want %v", name, x[0], x[1])
		}
	}
}

func TestWhatIsOnlyCountedIsToldWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var counts []int
		s := New(Options{OnEvent: func(ev Event) { counts = append(counts, ev.Count) }})
		for range 5 {
			s.refuse(nil, &keys.Fault{Code: "GRPC-ID"}, 0)
		}
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if !slices.Equal(counts, []int{1, 4}) {
			t.Errorf("told with the counts %v", counts)
		}
		s.Close()
	})
}
