package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/netconf/simdev"
	"dialtone/ui/msg"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// pipes dials a simulated device in the same process and can cut the link.
type pipes struct {
	dev *simdev.Device
	cut chan io.Closer

	mu   sync.Mutex
	sent bytes.Buffer // of all sessions
}

// text is all that was sent.
func (p *pipes) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.String()
}

// tap keeps what is written.
type tap struct {
	net.Conn
	p *pipes
}

func (t tap) Write(b []byte) (int, error) {
	t.p.mu.Lock()
	t.p.sent.Write(b)
	t.p.mu.Unlock()
	return t.Conn.Write(b)
}

func (p *pipes) Dial(_ context.Context, _ link.Target, _ link.Asker, progress func(link.Stage)) (*link.Link, error) {
	here, there := net.Pipe()
	progress(link.Authenticating)
	go func() { // ends when the link is cut or closed
		_ = p.dev.Serve(context.Background(), there, "admin")
	}()
	p.cut <- here
	return &link.Link{ReadWriteCloser: tap{here, p}, Peer: link.Peer{Via: link.SSH}}, nil
}

// TestStoryOfASession goes the whole way on a real manager and a simulated
// device: open, lock, edit, fail, read, lose the link, connect again.
func TestStoryOfASession(t *testing.T) {
	t.Parallel()
	p := &pipes{dev: simdev.New(simdev.Options{Name: "core-r1", Dialect: simdev.RFC}), cut: make(chan io.Closer, 2)}
	j := journal.Memory()
	m := conn.NewManager(conn.Options{Dialer: p, Journal: j})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		m.Close(ctx)
	})
	th, _ := style.New("default", false, true)
	d := &desk{t: t, Driver: uitest.NewDriver(t)}
	events := m.Events()
	id := m.Connect(link.Target{Name: "core-r1"})
	d.scr = New(&screen.Deps{Backend: m, Journal: j, Templates: templates(), Theme: th, Now: time.Now, Tick: d.Tick, WorkDir: t.TempDir()}, id)
	d.Drive(d)
	d.scr.Resize(100, 30)
	d.Do(tea.Batch(d.scr.Init(), d.scr.Focus(true)))

	until := func(what string, ok func() bool) {
		t.Helper()
		limit := time.After(20 * time.Second)
		for !ok() {
			select {
			case e := <-events:
				d.Send(msg.Events{e})
			case <-limit:
				t.Fatalf("waited for %s\n%s", what, d.View())
			}
		}
	}
	idle := func() bool { return d.scr.inFlight() == nil }
	shows := func(s string) func() bool { return func() bool { return d.Shows(s) && idle() } }
	send := func(body string) {
		t.Helper()
		d.Do(d.scr.setFocus(rpcPart))
		d.write(body)
		d.Press("ctrl+r")
		if d.scr.inFlight() == nil {
			t.Fatalf("not sent: %q\n%s", d.toasts, d.View())
		}
	}

	until("the session", func() bool { return d.scr.dev.State == conn.Open })
	send("<lock><target><candidate/></target></lock>")
	until("the lock", shows("candidate locked, clean"))
	send(`<edit-config><target><candidate/></target><config><nosuch xmlns="urn:x"/></config></edit-config>`)
	until("the refusal", shows("FAILED: 1 error"))
	until("the mark in the RPC", shows("! 1 "))
	send("<get-config><source><running/></source></get-config>")
	until("the reply", shows("Reply 3"))
	if r := d.scr.reply(); !r.outcome.OK || !strings.HasSuffix(uitest.Plain(strings.Split(d.scr.View(), "\n")[d.scr.frame().reply.y]), " ok ━┓") {
		t.Errorf("not ok:\n%s", d.View())
	}
	d.Press("/")
	d.Type("mtu")
	d.Press("enter")
	if st := d.scr.Status(); !strings.Contains(st, "/mtu") {
		t.Errorf("search stands at %q", st)
	}
	d.Press(",")
	if !d.Shows("unknown-namespace") {
		t.Errorf("the reply before is not shown:\n%s", d.View())
	}

	(<-p.cut).Close()
	until("the loss", func() bool { return d.scr.dev.State == conn.Lost })
	if !d.Shows("lost") || !d.Shows("candidate") || !d.Shows("connect again") {
		t.Errorf("the loss is not explained:\n%s", d.View())
	}
	before := len(d.scr.replies.list)
	d.Press("R")
	until("the session again", func() bool { return d.scr.dev.State == conn.Open })
	if n := len(d.scr.replies.list); n != before {
		t.Errorf("%d exchanges after the loss, %d before: something was sent by itself", n, before)
	}
	if es := j.Recent("", 10); len(es) != 3 {
		t.Errorf("%d journal entries", len(es))
	}
	if _, err := m.Send(id, d.scr.check.req); errors.Is(err, conn.ErrNotOpen) {
		t.Errorf("the session does not work again: %v", err)
	}
}
