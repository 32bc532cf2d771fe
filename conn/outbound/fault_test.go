package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn/outbound/jetpb"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

func TestByteOutsideASCIIOnTheDevice(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	config := []byte("<configuration><system><host-name>r1</host-name><location><building>Caf\u00e9</building></location></system></configuration>")
	l.device(t, outboundsim.Options{Device: simdev.New(simdev.Options{Name: "r1", Dialect: simdev.Junos, Config: config})})
	s, lk := l.open(t)
	if _, err := s.Do(context.Background(), netconf.Request{Name: "get-config", Body: []byte(getConfig)}, io.Discard); err == nil {
		t.Fatal("a reply came")
	}
	<-lk.Done
	err := lk.Err()
	if codeOf(err) != "GRPC-BROKEN" || !strings.Contains(err.Error(), "outside ASCII") {
		t.Errorf("%v", err)
	}
	// The device waits on.
	l.expect(t, Waiting, "")
}

func TestDevicesThatEndBadly(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]outboundsim.Faults{
		"no reply to close-session": {NoticeOnly: true},
		"no notice":                 {NoNotice: true},
		"never ends":                {Stuck: true},
		"pieces of one byte":        {Piece: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, func(o *Options) { o.CloseWait = 200 * time.Millisecond })
			l.device(t, outboundsim.Options{Faults: f})
			s, _ := l.open(t)
			ask(t, s, getConfig)
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			defer cancel()
			_ = s.Close(ctx)
			if ctx.Err() != nil {
				t.Error("close hangs")
			}
			for {
				cs := l.Callers()
				if len(cs) == 1 && cs[0].Sessions == 0 {
					return
				}
				<-l.events
			}
		})
	}
}

func TestSessionThatIsCutIsKilled(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	rwc, st := l.session(t)
	rwc.Close()
	m, err := st.Recv()
	if err != nil || string(m.GetNetconfCommand()) != "<>" || m.GetKillSignal() != 2 {
		t.Fatalf("%v, %v", m, err)
	}
	st.Send(&jetpb.SessionOutput{Message: []byte("Client is stopping, select call failed")})
	if _, err := st.Recv(); err != io.EOF {
		t.Errorf("the stream ends with %v", err)
	}
	if _, err := rwc.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if _, err := rwc.Write([]byte("<rpc/>" + endMark)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// The order of 5.4.6: close-session, its reply, the notice, and only then the
// end of the stream.
func TestCloseInTheOrderOfARealDevice(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	rwc, st := l.session(t)
	io.WriteString(rwc, "<rpc><close-session/></rpc>"+endMark)
	if m, err := st.Recv(); err != nil || !strings.Contains(string(m.GetNetconfCommand()), "close-session") {
		t.Fatalf("%v, %v", m, err)
	}
	st.Send(&jetpb.SessionOutput{Message: []byte("<ok/>")})
	io.ReadFull(rwc, make([]byte, 5))
	rwc.Close()
	ended := make(chan error, 1)
	go func() { // ends with the stream
		m, err := st.Recv()
		if err == nil {
			err = fmt.Errorf("got %v", m)
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		t.Fatalf("ended before the notice: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	st.Send(&jetpb.SessionOutput{Message: []byte("Client is stopping, subprocess not running")})
	st.CloseSend()
	if err := <-ended; err != io.EOF {
		t.Errorf("%v", err)
	}
}

func TestDeviceVanishesWhileParked(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	c := l.dial(t)
	go initialize(ctx, c, "r1", "s3cret") // ends with ctx
	id := l.expect(t, Waiting, "").Caller.ID
	cancel()
	l.expect(t, Gone, "")
	if len(l.Callers()) != 0 {
		t.Errorf("%+v", l.Callers())
	}
	if _, err := l.Open(t.Context(), id); codeOf(err) != "GRPC-NOTPARKED" {
		t.Errorf("%v", err)
	}
	go initialize(t.Context(), c, "r1", "s3cret") // ends with the test
	if again := l.expect(t, Waiting, "").Caller.ID; again != id {
		t.Errorf("comes back as %d, was %d", again, id)
	}
	c.Close()
	l.expect(t, Gone, "")
}

func TestDeviceVanishesWhenItIsOpened(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	c := l.dial(t)
	done := make(chan error, 1)
	go func() { // ends with the call
		done <- initialize(t.Context(), c, "r1", "s3cret")
	}()
	id := l.expect(t, Waiting, "").Caller.ID
	opened := make(chan error, 1)
	go func() { // ends when the device has gone
		_, err := l.Open(t.Context(), id)
		opened <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c.Close()
	if err := <-opened; codeOf(err) != "GRPC-GONE" {
		t.Errorf("%v", err)
	}
	if cs := l.Callers(); len(cs) != 0 {
		t.Errorf("%+v", cs)
	}
}

func TestNewInstanceDropsTheCallsOfTheOld(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	first := l.dial(t)
	done := make(chan error, 1)
	go func() { done <- initialize(t.Context(), first, "r1", "s3cret") }() // ends when it is dropped
	l.expect(t, Waiting, "")
	l.device(t, outboundsim.Options{Instance: 99})
	if err := <-done; err == nil {
		t.Error("the old call was answered")
	}
	c := l.expect(t, Waiting, "").Caller
	if c.Instance != 99 || c.Waiting != 1 {
		t.Errorf("%+v", c)
	}
	lk := l.openLink(t, c.ID)
	lk.Close()
}

func TestStrangersWaitAndAreBounded(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { roomy(o); o.MostUnknown = 12 })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := l.dial(t)
	errs := make(chan error, 4)
	for i := range cap(errs) {
		go func() { errs <- initialize(ctx, c, fmt.Sprintf("new%d", i), "whatever") }() // ends with ctx
	}
	if err := <-errs; err == nil {
		t.Error("a fourth stranger of one source was answered")
	}
	l.expect(t, Refused, "LSN-FULL")
	cs := l.Callers()
	if len(cs) != 3 || cs[0].Trust != UnknownDevice || cs[0].Believed || cs[0].Auto {
		t.Fatalf("%+v", cs)
	}
	// A known device is not kept out.
	l.device(t, outboundsim.Options{})
	for l.expect(t, Waiting, "").Caller.Claim != "r1" {
	}
	if !l.Refuse(cs[0].ID) || l.Refuse(cs[0].ID) {
		t.Error("refused never or twice")
	}
	if err := <-errs; err == nil {
		t.Error("answered")
	}
	l.Block(cs[1].From.Addr(), true)
	for range 2 {
		<-errs
	}
}

func TestSecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.book.mu.Lock()
	e := l.book.m["r1"]
	e.Secret = func(context.Context) (keys.Secret, error) { return keys.Secret{}, errors.New("store is locked") }
	l.book.m["r1"] = e
	l.book.mu.Unlock()
	if err := initialize(t.Context(), l.dial(t), "r1", "s3cret"); err == nil {
		t.Error("let in")
	}
	l.expect(t, Refused, "GRPC-SECRET")
	if l.Penalised() != 0 {
		t.Error("the device is blamed for our locked store")
	}
}

func TestCertificateIsReloaded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	put := func(hosts ...string) []byte {
		c, k, err := cert.Make(hosts, cert.P256, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if os.WriteFile(certFile, c, 0o600) != nil || os.WriteFile(keyFile, k, 0o600) != nil {
			t.Fatal("cannot write")
		}
		return c
	}
	roots := put("localhost", "127.0.0.1")
	now := time.Now()
	r, err := cert.NewReloader(certFile, keyFile, func() time.Time { now = now.Add(time.Minute); return now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, func(o *Options) { o.Certificates = r })
	l.roots = roots
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	ask(t, s, getConfig)
	l.roots = put("localhost", "127.0.0.1", "new.example")
	c, err := l.tls(t, func(c *tls.Config) { c.ServerName = "new.example" })
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	ask(t, s, getConfig) // sessions live on
	if os.WriteFile(keyFile, []byte("junk\n"), 0o600) != nil {
		t.Fatal("cannot write")
	}
	if c, err = l.tls(t, nil); err != nil {
		t.Fatalf("half a pair took the server down: %v", err)
	}
	c.Close()
}

func TestAddressInUseIsTriedAgain(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := held.Addr().String()
	if err := l.Start(addr); err != nil {
		t.Fatal(err)
	}
	l.expect(t, Down, "LSN-INUSE")
	if codeOf(l.Start(addr)) != "LSN-TWICE" || codeOf(l.Start("nonsense")) != "LSN-ADDR" {
		t.Error("started twice, or at no address")
	}
	held.Close()
	l.expect(t, Listening, "")
	l.device(t, outboundsim.Options{Servers: []string{addr}})
	c := l.expect(t, Waiting, "").Caller
	if c.On != addr {
		t.Errorf("on %q", c.On)
	}
	if !l.Stop(addr) || l.Stop(addr) {
		t.Error("stopped never or twice")
	}
	l.expect(t, Gone, "")
}

func TestStickyAndInOrder(t *testing.T) {
	t.Parallel()
	a, b := newLab(t, nil), newLab(t, nil)
	b.roots = append(a.roots, b.roots...)
	b.device(t, outboundsim.Options{Servers: []string{a.addr, b.addr}, Sticky: true, WaitTime: 50 * time.Millisecond})
	a.expect(t, Waiting, "")
	a.Close()
	b.expect(t, Waiting, "")
	b.hangUp(func(*guest) bool { return true })
	b.expect(t, Waiting, "")
}

func TestLongRequestsAreCutBetweenTags(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	l.device(t, outboundsim.Options{})
	s, _ := l.open(t)
	var b strings.Builder
	b.WriteString("<edit-config><target><candidate/></target><config><configuration><interfaces>")
	words := strings.Repeat("and more words ", 300)
	for i := range 1000 {
		fmt.Fprintf(&b, "<interface><name>ge-0/0/%d</name><description>&lt;/a> number %d, %s</description></interface>", i, i, words)
	}
	b.WriteString("</interfaces></configuration></config></edit-config>")
	if b.Len() < mostCommand+1000 {
		t.Fatalf("only %d B", b.Len())
	}
	ask(t, s, b.String())
	if got := ask(t, s, "<get-config><source><candidate/></source></get-config>"); !strings.Contains(got, "number 999, and") {
		t.Error("the last interface is missing")
	}
}

func TestCutText(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		text string
		most int
		want string // parts joined by |
	}{
		{"<a/>]]>]]>", 100, "<a/>]]>]]>"},
		{"<a><b>12</b><c/><d></d></a>]]>]]>", 16, "<a><b>12</b><c/>|<d></d>|</a>]]>]]>"},
		{"<a><b>1</b> text <c/></a>]]>]]>", 12, ""},
		{"<a><!--</x><y>--><b/><c/></a>]]>]]>", 21, "<a><!--</x><y>--><b/>|<c/></a>]]>]]>"},
		{"<a x='/><'><b/><c/></a>]]>]]>", 15, "<a x='/><'><b/>|<c/></a>]]>]]>"},
		{"<a><b/><![CDATA[</c><d>]]></a>]]>]]>", 12, ""},
		{"<a/>]]>]]><b/>]]>]]>", 12, "<a/>]]>]]>|<b/>]]>]]>"},
		{"<a>" + strings.Repeat("x", 50) + "</a>]]>]]>", 20, ""},
	} {
		parts, err := cutText([]byte(x.text), x.most)
		if got := string(bytes.Join(parts, []byte("|"))); got != x.want || (err != nil) != (x.want == "") {
			t.Errorf("%q at %d: %q, %v; want %q", x.text, x.most, got, err, x.want)
		}
	}
}

func TestWriteRefusesWhatCannotBeCarried(t *testing.T) {
	t.Parallel()
	l := newLab(t, nil)
	rwc, st := l.session(t)
	if _, err := io.WriteString(rwc, "<rpc>\xff</rpc>"+endMark); codeOf(err) != "GRPC-UTF8" {
		t.Errorf("%v", err)
	}
	if _, err := io.WriteString(rwc, "<rpc>"+strings.Repeat("x", mostCommand)+"</rpc>"+endMark); codeOf(err) != "GRPC-CUT" {
		t.Errorf("%v", err)
	}
	io.WriteString(rwc, "<rpc>]]>")
	io.WriteString(rwc, "]]>")
	if m, err := st.Recv(); err != nil || string(m.GetNetconfCommand()) != "<rpc>"+endMark {
		t.Errorf("%q, %v", m.GetNetconfCommand(), err)
	}
}

// script is a pipe that gives what a fuzzer made up.
type script struct{ pieces [][]byte }

func (s *script) Context() context.Context { return context.Background() }
func (s *script) send([]byte) error        { return nil }
func (s *script) kill() error              { return nil }
func (s *script) recv(b []byte) ([]byte, error) {
	if len(s.pieces) == 0 {
		return b, io.EOF
	}
	b = append(b, s.pieces[0]...)
	s.pieces = s.pieces[1:]
	return b, nil
}

// FuzzStream gives a session whatever pieces. Nothing of the output is lost, and
// what is left out is an end notice at the end, or the first message of a shell.
func FuzzStream(f *testing.F) {
	f.Add([]byte("<hello/>]]>]]>\x00Client is stopping, subprocess not running\x00more"), uint8(0), 7)
	f.Add([]byte("csh session is started\x00out\x00CLIENT IS STOPPING, x<>"), uint8(1), 1)
	f.Add([]byte("csh ses\x00sion is started\x00c\x00Client is stopping, select call failed"), uint8(1), 1)
	f.Add([]byte("<a>c\x00Client is stop\x00ping, select call failed"), uint8(0), 100)
	f.Add([]byte("<a/>]]>\x00]]>\nClient is stop\x00ping, termination received\n"), uint8(0), 100)
	f.Fuzz(func(t *testing.T, text []byte, kind uint8, size int) {
		s := New(Options{})
		defer s.Close()
		g := &guest{s: s, gone: make(chan struct{})}
		pieces := bytes.Split(text, []byte{0})
		all := bytes.ReplaceAll(text, []byte{0}, nil)
		st := newStream(s, g, &row{}, Kind(kind%2), &script{pieces: pieces})
		go st.pump() // ends with the pieces
		got, err := io.ReadAll(&sizedReader{st, max(1, min(size, 4096))})
		if err != nil {
			t.Fatal(err)
		}
		want := all
		if kind%2 == 1 && len(all) >= len(shellStarted) && strings.EqualFold(string(all[:len(shellStarted)]), shellStarted) {
			want = all[len(shellStarted):]
			if !bytes.HasPrefix(want, got) { // with it a line end
				want = bytes.TrimLeft(want, "\r\n")
			}
		}
		rest, ok := bytes.CutPrefix(want, got)
		if !ok {
			t.Fatalf("got %q of %q", got, want)
		}
		if rest = bytes.TrimLeft(rest, "\r\n\t "); len(rest) > 0 && !strings.HasPrefix(strings.ToLower(string(rest)), noticeStart) {
			t.Errorf("lost %q of %q", rest, want)
		}
		if len(rest) > 0 != (codeOf(st.Err()) == "GRPC-ENDED") || len(st.Err().Error()) > 1000 {
			t.Errorf("left out %q, %v", rest, st.Err())
		}
	})
}

type sizedReader struct {
	r io.Reader
	n int
}

func (s *sizedReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func FuzzCutText(f *testing.F) {
	f.Add([]byte("<a><b>1</b><c/></a>]]>]]>"), 8)
	f.Fuzz(func(t *testing.T, text []byte, most int) {
		most = max(1, min(most, 1<<16))
		parts, err := cutText(text, most)
		if err != nil {
			return
		}
		if !bytes.Equal(bytes.Join(parts, nil), text) {
			t.Errorf("%q became %q", text, parts)
		}
		for _, p := range parts {
			if len(p) > most {
				t.Errorf("%d B in one part of at most %d", len(p), most)
			}
		}
	})
}
