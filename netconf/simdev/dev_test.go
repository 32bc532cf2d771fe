package simdev

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/netconf"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []*alarm
}

type alarm struct {
	at time.Time
	f  func()
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) AfterFunc(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{c.now.Add(d), f}
	c.timers = append(c.timers, a)
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		for i, t := range c.timers {
			if t == a {
				c.timers = append(c.timers[:i:i], c.timers[i+1:]...)
				return true
			}
		}
		return false
	}
}

// advance moves the clock and runs what is due.
func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due, rest []*alarm
	for _, t := range c.timers {
		if t.at.After(c.now) {
			rest = append(rest, t)
		} else {
			due = append(due, t)
		}
	}
	c.timers = rest
	c.mu.Unlock()
	for _, t := range due {
		t.f()
	}
}

// peer is a client that knows only framing.
type peer struct {
	t       *testing.T
	conn    net.Conn
	tr      *netconf.Transport
	hello   string
	id      string
	n       int
	done    chan error
	noted   []string // notifications met on the way to a reply
	chunked bool
}

// connect opens a session on a pipe. The hello is sent in a goroutine, since a
// pipe holds nothing.
func connect(t *testing.T, d *Device, only10 ...bool) *peer {
	t.Helper()
	a, b := net.Pipe()
	p := &peer{t: t, conn: a, tr: netconf.NewTransport(a, netconf.FrameOptions{}), done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { p.done <- d.Serve(ctx, b, "admin") }()
	t.Cleanup(func() { cancel(); _ = a.Close(); <-p.done })
	caps := `<capability>urn:ietf:params:netconf:base:1.0</capability>`
	if len(only10) == 0 {
		caps += `<capability>urn:ietf:params:netconf:base:1.1</capability>`
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.write(`<hello xmlns="` + netconf.BaseNS + `"><capabilities>` + caps + `</capabilities></hello>`)
	}()
	p.hello = p.read()
	<-sent
	p.id = between(p.hello, "<session-id>", "</session-id>")
	if p.id == "" {
		t.Fatalf("hello without session-id: %s", p.hello)
	}
	if len(only10) == 0 && strings.Contains(p.hello, "netconf:base:1.1<") {
		p.tr.SetReadFraming(netconf.Chunked)
		p.tr.SetWriteFraming(netconf.Chunked)
		p.chunked = true
	}
	return p
}

func between(s, a, b string) string {
	_, s, ok := strings.Cut(s, a)
	if !ok {
		return ""
	}
	s, _, _ = strings.Cut(s, b)
	return s
}

func (p *peer) write(s string) {
	p.t.Helper()
	w, err := p.tr.NewMessage()
	if err == nil {
		_, err = io.WriteString(w, s)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		p.t.Logf("write: %v", err)
	}
}

func (p *peer) readErr() (string, error) {
	r, err := p.tr.NextMessage()
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(r)
	return string(b), err
}

func (p *peer) read() string {
	p.t.Helper()
	s, err := p.readErr()
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return s
}

func (p *peer) send(op string) {
	p.n++
	p.write(fmt.Sprintf(`<rpc message-id="%d" xmlns="%s">%s</rpc>`, p.n, netconf.BaseNS, op))
}

// do sends an operation and returns the reply.
func (p *peer) do(op string) string {
	p.t.Helper()
	p.send(op)
	return p.reply()
}

func (p *peer) reply() string {
	p.t.Helper()
	for {
		s := p.read()
		if strings.Contains(s, "<notification ") {
			p.noted = append(p.noted, s)
			continue
		}
		if !strings.Contains(s, `message-id="`+strconv.Itoa(p.n)+`"`) {
			p.t.Fatalf("reply %d has another message-id: %s", p.n, s)
		}
		return s
	}
}

func (p *peer) ok(op string) {
	p.t.Helper()
	if s := p.do(op); !strings.Contains(s, "<ok/>") || strings.Contains(s, "<error-severity>error<") {
		p.t.Fatalf("%s\nanswered %s", op, s)
	}
}

// fails checks that op is refused with that error-tag.
func (p *peer) fails(op, tag string) string {
	p.t.Helper()
	s := p.do(op)
	if !strings.Contains(s, "<error-tag>"+tag+"</error-tag>") || strings.Contains(s, "<ok/>") {
		p.t.Fatalf("%s\nshould be refused with %s, answered %s", op, tag, s)
	}
	return s
}

func (p *peer) has(op string, want ...string) string {
	p.t.Helper()
	s := p.do(op)
	for _, w := range want {
		if !strings.Contains(s, w) {
			p.t.Fatalf("%s\nlacks %q in %s", op, w, s)
		}
	}
	return s
}

func (p *peer) lacks(op string, not ...string) string {
	p.t.Helper()
	s := p.do(op)
	for _, w := range not {
		if strings.Contains(s, w) {
			p.t.Fatalf("%s\nhas %q in %s", op, w, s)
		}
	}
	return s
}

// hang ends the session as a broken link does and waits for the device.
func (p *peer) hang() {
	p.t.Helper()
	_ = p.conn.Close()
	p.done <- <-p.done
}

func device(o Options) (*Device, *clock) {
	c := newClock()
	o.Now, o.AfterFunc = c.Now, c.AfterFunc
	return New(o), c
}

// well checks that text is well-formed XML.
func well(t *testing.T, text string) *node {
	t.Helper()
	n, err := parse(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return n
}

const (
	getRunning   = `<get-config><source><running/></source></get-config>`
	getCandidate = `<get-config><source><candidate/></source></get-config>`
)

func editSystem(target, inner string) string {
	return `<edit-config><target><` + target + `/></target><config><system xmlns="` + LabNS + `" xmlns:nc="` + netconf.BaseNS + `">` + inner + `</system></config></edit-config>`
}
