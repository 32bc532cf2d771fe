package conn

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"dialtone/netconf/simdev"
	"dialtone/netconf/xmldoc"
)

func TestOnlyTheLastRepliesAreKept(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{}), "r2": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l, KeepReplies: 3})
	closing(t, m)
	a, b := m.Connect(target("r1")), m.Connect(target("r2"))
	until(t, m, a, "open", inState(Open))
	until(t, m, b, "open", inState(Open))
	other := send(t, m, b, getConfig)
	ended(t, m, other)
	var xs []*Exchange
	for range 5 {
		x := send(t, m, a, getConfig)
		ended(t, m, x)
		xs = append(xs, x)
	}
	until(t, m, a, "idle", func(d Device) bool { return d.Waiting == 0 && len(m.Replies(a)) == 3 })
	if got := m.Replies(a); got[0] != xs[2] || got[2] != xs[4] {
		t.Errorf("kept %v", got)
	}
	if got := m.Replies(b); len(got) != 1 {
		t.Errorf("the other session kept %v", got)
	}
	if _, ok := m.Exchange(xs[0].ID); ok {
		t.Error("a forgotten exchange is found")
	}
	text, err := io.ReadAll(xs[0].Doc.Reader()) // somebody still shows it
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), "</rpc-reply>") {
		t.Errorf("the reply shown has gone: %v %.50q", err, text)
	}
	m.Release(xs[4].ID)
	if got := m.Replies(a); len(got) != 2 {
		t.Errorf("after Release %v", got)
	}
	m.Release(xs[4].ID)
	m.Release(0)
}

func TestBytesOfAllRepliesAreBoundedButEachSessionKeepsItsNewest(t *testing.T) {
	t.Parallel()
	l := newLab(t, map[string]*simdev.Device{"r1": rfc(simdev.Faults{}), "r2": rfc(simdev.Faults{})})
	m := NewManager(Options{Dialer: l, KeepBytes: 1})
	closing(t, m)
	a, b := m.Connect(target("r1")), m.Connect(target("r2"))
	until(t, m, a, "open", inState(Open))
	until(t, m, b, "open", inState(Open))
	for range 3 {
		ended(t, m, send(t, m, b, getConfig))
		ended(t, m, send(t, m, a, getConfig))
	}
	until(t, m, a, "settled", func(Device) bool { return len(m.Replies(a)) == 1 && len(m.Replies(b)) == 1 })
}

func TestMemoryOfAForgottenReplyIsGivenBack(t *testing.T) {
	doc := xmldoc.New(xmldoc.Options{})
	closed := make(chan struct{})
	func() {
		x := &Exchange{Doc: doc}
		doc.Write([]byte("<a/>"))
		runtime.AddCleanup(x.Doc, func(c chan struct{}) { close(c) }, closed)
		reclaim(x.Doc)
	}()
	doc = nil
	limit := time.After(patience)
	for {
		runtime.GC()
		select {
		case <-closed:
			return
		case <-limit:
			t.Fatal("nothing refers to the document and it lives on")
		default:
			runtime.Gosched()
		}
	}
}

func TestProgressIsToldAtOnceAndThenNowAndAgain(t *testing.T) {
	t.Parallel()
	q := newTestQueue()
	x := &Exchange{ID: 1, Doc: xmldoc.New(xmldoc.Options{})}
	defer x.Doc.Close()
	p := &progress{x: x, q: q}
	start := time.Now()
	p.Write([]byte("<a>"))
	if len(drain(q)) != 1 {
		t.Fatal("the first bytes are not told at once")
	}
	for range 1000 {
		p.Write([]byte("<b/>"))
	}
	if n := len(drain(q)); n > 1+int(time.Since(start)/progressEvery) {
		t.Errorf("%d events for one burst", n)
	}
	p.Write([]byte("<c/>")) // the last bytes before a pause are told too
	for limit := time.After(patience); len(drain(q)) == 0; {
		select {
		case <-q.wake:
		case <-limit:
			t.Fatal("the end of the burst is never told")
		}
	}
	p.stop()
	p.tick()
	if x.Doc.Size() != 3+4000+4 {
		t.Errorf("%d bytes", x.Doc.Size())
	}
}
