package simdev

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	raw := []byte("\n#5\nhello\n##\n")
	for _, c := range []struct {
		name  string
		f     Faults
		check func(t *testing.T, d *Device, p *peer)
	}{
		{"raw", Faults{Raw: map[string][]byte{"get-config": raw}}, func(t *testing.T, _ *Device, p *peer) {
			p.send(getRunning)
			if s := p.read(); s != "hello" {
				t.Errorf("%q", s)
			}
			p.ok("<discard-changes/>")
		}},
		{"wrong id", Faults{WrongID: true}, func(t *testing.T, _ *Device, p *peer) {
			p.send("<discard-changes/>")
			if s := p.read(); !strings.Contains(s, `message-id="1-other"`) {
				t.Error(s)
			}
		}},
		{"no id", Faults{NoID: true}, func(t *testing.T, _ *Device, p *peer) {
			p.send("<discard-changes/>")
			if s := p.read(); strings.Contains(s, "message-id") {
				t.Error(s)
			}
		}},
		{"several errors", Faults{Errors: 3}, func(t *testing.T, d *Device, p *peer) {
			s := p.do(editSystem("candidate", "<location>x</location>"))
			if strings.Count(s, "<rpc-error>") != 3 || strings.Contains(string(d.Config(netconf.Candidate)), "<location>x") {
				t.Error(s)
			}
		}},
		{"warnings", Faults{Warnings: 2}, func(t *testing.T, _ *Device, p *peer) {
			s := p.do("<discard-changes/>")
			if strings.Count(s, "<error-severity>warning") != 2 || !strings.Contains(s, "<ok/>") {
				t.Error(s)
			}
		}},
		{"only some operations", Faults{Errors: 1, Only: []string{"commit"}}, func(t *testing.T, _ *Device, p *peer) {
			p.ok("<discard-changes/>")
			p.fails("<commit/>", "operation-failed")
		}},
		{"small chunks", Faults{ChunkSize: 1}, func(t *testing.T, _ *Device, p *peer) {
			p.has(getRunning, "eth0")
		}},
		{"reply lost after applying", Faults{LoseReply: true, Only: []string{"edit-config"}}, func(t *testing.T, d *Device, p *peer) {
			p.send(editSystem("running", "<location>applied</location>"))
			if s, err := p.readErr(); err == nil {
				t.Errorf("a reply came: %s", s)
			}
			if !strings.Contains(string(d.Config(netconf.Running)), "applied") {
				t.Error("nothing was done")
			}
		}},
		{"cut mid-reply", Faults{CutAfter: 100}, func(t *testing.T, _ *Device, p *peer) {
			p.send(getRunning)
			s, err := p.readErr()
			if err == nil || len(s) > 100 {
				t.Errorf("%d bytes, %v", len(s), err)
			}
		}},
		{"junk before", Faults{Before: []byte("junk")}, func(t *testing.T, _ *Device, p *peer) {
			p.send(getRunning)
			if s, err := p.readErr(); err == nil {
				t.Errorf("junk was taken: %s", s)
			}
		}},
		{"1.0 framing to a 1.1 peer", Faults{Frame10After: true}, func(t *testing.T, _ *Device, p *peer) {
			p.send("<discard-changes/>")
			b := make([]byte, 2)
			if _, err := io.ReadFull(p.conn, b); err != nil || string(b) != "<?" {
				t.Errorf("%q %v", b, err)
			}
		}},
		{"no timeout", Faults{NoTimeout: true}, func(t *testing.T, d *Device, p *peer) {
			p.ok(editSystem("candidate", "<location>tried</location>"))
			p.ok("<commit><confirmed/></commit>")
			d.o.Now = func() time.Time { return time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC) }
			d.Tick()
			if !strings.Contains(string(d.Config(netconf.Running)), "tried") {
				t.Error("rolled back")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, _ := device(Options{Faults: c.f})
			c.check(t, d, connect(t, d))
		})
	}
}

func TestUnclosedCommitReply(t *testing.T) {
	t.Parallel()
	_, _, p := router(t, Options{Faults: Faults{Unclosed: true}})
	p.ok(loadSet("set system host-name x"))
	s := p.do("<commit-configuration/>")
	if _, err := parse(strings.NewReader(s)); err == nil || !strings.Contains(s, "<commit-success/>") {
		t.Errorf("%v: %s", err, s)
	}
	p.has(getRunning, "<host-name>x</host-name>")
}

func TestSilentDeviceDoesWhatItIsTold(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	d.SetFaults(Faults{Silent: true, Only: []string{"edit-config"}})
	p.send(editSystem("candidate", "<location>quiet</location>"))
	p.has(getCandidate, "quiet") // its reply is the first that comes
}

func TestOwnHello(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Faults: Faults{Hello: []byte("<hello/>]]>]]>")}})
	a, b := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- d.Serve(context.Background(), b, "admin") }()
	buf := make([]byte, 14)
	if _, err := io.ReadFull(a, buf); err != nil || string(buf) != "<hello/>]]>]]>" {
		t.Errorf("%q %v", buf, err)
	}
	_ = a.Close()
	<-done
}

func TestDelayAndPaceFollowTheClock(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]Faults{"delay": {Delay: 2 * time.Second}, "pace": {BytesPerSec: 1000}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, c := device(Options{Faults: f})
			p := connect(t, d)
			p.send(getRunning)
			got := make(chan string, 1)
			go func() { s, _ := p.readErr(); got <- s }() // ends with the reply
			for {
				select {
				case s := <-got:
					want := f.Delay
					if f.BytesPerSec > 0 {
						want = time.Duration(len(s)) * time.Second / time.Duration(f.BytesPerSec)
					}
					if n := c.Now().Sub(newClock().Now()); n < want || n > 2*want || !strings.Contains(s, "eth0") {
						t.Errorf("after %v, want %v: %s", n, want, s)
					}
					return
				default:
					c.mu.Lock()
					waiting := len(c.timers) > 0
					c.mu.Unlock()
					if waiting {
						c.advance(10 * time.Millisecond)
					}
				}
			}
		})
	}
}

func TestBadPeers(t *testing.T) {
	t.Parallel()
	for name, hello := range map[string]string{
		"no hello":        `<rpc/>]]>]]>`,
		"session-id":      `<hello xmlns="` + netconf.BaseNS + `"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>1</session-id></hello>]]>]]>`,
		"no version":      `<hello xmlns="` + netconf.BaseNS + `"><capabilities/></hello>]]>]]>`,
		"broken XML":      `<hello>]]>]]>`,
		"doctype":         `<!DOCTYPE hello><hello/>]]>]]>`,
		"nothing":         ``,
		"other protocol":  "GET / HTTP/1.1\r\n\r\n]]>]]>",
		"unknown version": `<hello xmlns="` + netconf.BaseNS + `"><capabilities><capability>urn:ietf:params:netconf:base:2.0</capability></capabilities></hello>]]>]]>`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := device(Options{})
			a, b := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- d.Serve(context.Background(), b, "admin") }()
			go func() { _, _ = io.Copy(io.Discard, a) }() // ends with the pipe
			_, _ = io.WriteString(a, hello)
			if hello == "" {
				_ = a.Close()
			}
			<-done // the device gives up by itself
			_ = a.Close()
			if len(d.Sessions()) != 0 {
				t.Error("the session is still listed")
			}
		})
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	for text, tag := range map[string]string{
		`<rpc message-id="1" xmlns="` + netconf.BaseNS + `"><get>`:                                      "malformed-message",
		`<rpc xmlns="` + netconf.BaseNS + `"><get/></rpc>`:                                              "missing-attribute",
		`<rpc message-id="1"><get/></rpc>`:                                                              "unknown-element",
		`<rpc message-id="1" xmlns="` + netconf.BaseNS + `"/>`:                                          "missing-element",
		`<!DOCTYPE x><rpc message-id="1" xmlns="` + netconf.BaseNS + `"/>`:                              "malformed-message",
		strings.Repeat("<a>", 300) + strings.Repeat("</a>", 300):                                        "malformed-message",
		`<rpc message-id="1" message-id="2" xmlns="` + netconf.BaseNS + `"><get/></rpc>`:                "malformed-message",
		`<rpc message-id="1" xmlns="` + netconf.BaseNS + `"><x:foo xmlns:x="urn:other"/></rpc>`:         "operation-not-supported",
		`<rpc message-id="1" xmlns="` + netconf.BaseNS + `"><edit-config><target/></edit-config></rpc>`: "missing-element",
	} {
		sent := make(chan struct{})
		go func() { // ends when the device has read the message, or with the pipe
			defer close(sent)
			p.write(text) // what is answered before its end was read must not wait for us
		}()
		if s := p.read(); !strings.Contains(s, "<error-tag>"+tag+"<") {
			t.Errorf("%.80s: %s", text, s)
		}
		<-sent
	}
	p.ok("<discard-changes/>") // the session lives
}

func TestReplyAttributesComeBack(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{})
	p := connect(t, d)
	p.write(`<rpc message-id="a&quot;&lt;" xmlns="` + netconf.BaseNS + `" xmlns:ex="urn:ex" ex:user="fred" plain="1"><discard-changes/></rpc>`)
	s := p.read()
	for _, w := range []string{`message-id="a&quot;&lt;"`, `xmlns:ex="urn:ex"`, `ex:user="fred"`, `plain="1"`} {
		if !strings.Contains(s, w) {
			t.Errorf("lacks %s: %s", w, s)
		}
	}
}

func TestBulk(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{RFC, Junos} {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			const size = 2 << 20
			d, _ := device(Options{Dialect: dialect, Bulk: size})
			p := connect(t, d)
			all := p.do(getRunning)
			if n := len(all); n < size*95/100 || n > size*105/100 {
				t.Errorf("%d bytes, want about %d", n, size)
			}
			if all != p.do(getRunning) && !strings.Contains(all, `message-id="1"`) {
				t.Error("not the same twice")
			}
			well(t, all)
			const first, last = "xe-10/0/0", "xe-10/0/1"
			open := `<interfaces xmlns="` + InterfacesNS + `">`
			edit := func(op, name, more string) string {
				x := open + `<interface xmlns:nc="` + netconf.BaseNS + `"` + op + `><name>` + name + `</name>` + more + `</interface></interfaces>`
				if dialect == Junos {
					x = "<configuration>" + x + "</configuration>"
				}
				return `<edit-config><target><candidate/></target><config>` + x + `</config></edit-config>`
			}
			get := func(f string) string {
				f = open + f + "</interfaces>"
				if dialect == Junos {
					f = "<configuration>" + f + "</configuration>"
				}
				return `<get-config><source><candidate/></source><filter type="subtree">` + f + `</filter></get-config>`
			}
			one := p.has(get("<interface><name>"+first+"</name></interface>"), first)
			if strings.Contains(one, last) || len(one) > 2000 {
				t.Error(one)
			}
			p.ok(edit("", first, "<description>edited</description>"))
			if s := p.has(get("<interface><name>"+first+"</name></interface>"), "edited", "<mtu>1500"); strings.Count(s, first) != 1 {
				t.Error(s)
			}
			p.fails(edit(` nc:operation="create"`, last, ""), "data-exists")
			p.ok(edit(` nc:operation="delete"`, last, ""))
			p.lacks(get("<interface><name>"+last+"</name></interface>"), last)
			p.fails(edit(` nc:operation="delete"`, last, ""), "data-missing")
			p.has(get("<interface><name>xe-10/0/2</name><mtu/></interface>"), "xe-10/0/2")
			names := p.do(get("<interface><name/></interface>"))
			if strings.Count(names, "<name>") < 1000 || strings.Contains(names, "customer 0") {
				t.Errorf("names: %.2000s", names)
			}
			p.lacks(getRunning, "edited")
			p.ok("<commit/>")
			p.has(getRunning, "edited")
			if dialect == Junos {
				p.has(`<get-interface-information><interface-name>xe-10/0/3</interface-name></get-interface-information>`, "xe-10/0/3.0")
				p.has(`<get-rollback-information><rollback>1</rollback><compare>0</compare></get-rollback-information>`, "+  description edited;", "[edit interfaces]\n-   xe-10/0/1 {")
				p.has(`<command format="text">show interfaces terse</command>`, "xe-10/0/5.0")
			} else {
				p.has(`<get-config><source><running/></source><filter type="xpath" xmlns:i="`+InterfacesNS+`" select="/i:interfaces/i:interface[i:name='xe-10/0/7']/i:ipv4"/></get-config>`, "xe-10/0/7", "<ip>10.")
			}
		})
	}
}

// The fast way of printing invented entries gives what the trees would.
func TestBulkPrintsLikeTrees(t *testing.T) {
	t.Parallel()
	for _, dialect := range []Dialect{RFC, Junos} {
		src := newSource(dialect, "urn:x", 1<<18)
		parent := &node{local: "interfaces", space: "urn:x"}
		for i := range src.n {
			parent.add(src.entry(i))
			if j, ok := src.index(src.name(i)); !ok || j != i {
				t.Fatalf("entry %d is found as %d", i, j)
			}
		}
		want := string(render([]*node{parent}, "  ", ""))
		got := string(render([]*node{{local: "interfaces", space: "urn:x", bulk: &bulk{src: src}}}, "  ", ""))
		if got != want {
			t.Errorf("%s: %.600s\nwant %.600s", dialect, got, want)
		}
		for _, no := range []string{"xe-9/0/0", "xe-10/0/48", "xe-010/0/0", "xe-10/8/0", "ge-0/0/0", "xe-10/0", "xe-99999999/0/0"} {
			if _, ok := src.index(no); ok {
				t.Errorf("%s is found", no)
			}
		}
	}
}

func TestConfigOfOnesOwn(t *testing.T) {
	t.Parallel()
	d, _ := device(Options{Config: []byte(`<top xmlns="urn:own"><list><name>a</name><v>1</v></list></top>`)})
	p := connect(t, d)
	p.has(getRunning, `<top xmlns="urn:own">`)
	p.ok(`<edit-config><target><candidate/></target><config><top xmlns="urn:own"><list><name>b</name></list><list><name>a</name><v>2</v></list></top></config></edit-config>`)
	if s := p.has(getCandidate, "<name>b", "<v>2"); strings.Count(s, "<name>a<") != 1 {
		t.Error(s)
	}
	bad := New(Options{Config: []byte("<broken>")})
	a, b := net.Pipe()
	if err := bad.Serve(context.Background(), b, "x"); err == nil {
		t.Error("a broken configuration was served")
	}
	_ = a.Close()
}

func BenchmarkBulkReply(b *testing.B) {
	d := New(Options{Bulk: 60 << 20})
	b.ReportAllocs()
	for b.Loop() {
		p := newPrinter(io.Discard, "  ")
		for _, k := range d.running.kids {
			p.node(k, 1, "")
		}
		if err := p.flush(); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(60 << 20)
}

// BenchmarkBulkSession reads 60 MB through both framers.
func BenchmarkBulkSession(b *testing.B) {
	d := New(Options{Bulk: 60 << 20})
	near, far := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Serve(ctx, far, "admin") }() // ends with ctx
	defer func() { cancel(); <-done }()
	s, err := netconf.Open(ctx, netconf.NewTransport(near, netconf.FrameOptions{}), netconf.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(60 << 20)
	for b.Loop() {
		out, err := s.Do(ctx, netconf.Request{Name: "get-config", Body: []byte(getRunning)}, io.Discard)
		if err != nil || out.Bytes < 60<<20 {
			b.Fatalf("%d bytes, %v", out.Bytes, err)
		}
	}
}

// BenchmarkLargeLoad edits ten thousand interfaces in one request.
func BenchmarkLargeLoad(b *testing.B) {
	var x strings.Builder
	for i := range 10000 {
		fmt.Fprintf(&x, "set interfaces ge-1/%d/%d description x\n", i/100, i%100)
	}
	for b.Loop() {
		d := New(Options{Dialect: Junos})
		edit, e := parseSet(x.String(), d.model)
		if e != nil {
			b.Fatal(e)
		}
		if a := d.loadEdit(&session{d: d}, edit, "merge"); len(a.errs) > 0 || len(d.candidate.child("interfaces").kids) < 10000 {
			b.Fatal("not loaded")
		}
	}
}

// pipeOf reads given bytes and drops what is written.
type pipeOf struct{ r *bytes.Reader }

func (p pipeOf) Read(b []byte) (int, error)  { return p.r.Read(b) }
func (p pipeOf) Write(b []byte) (int, error) { return len(b), nil }
func (p pipeOf) Close() error                { return nil }

func FuzzServe(f *testing.F) {
	hello := func(v string) string {
		return `<hello xmlns="` + netconf.BaseNS + `"><capabilities><capability>urn:ietf:params:netconf:base:` + v + `</capability></capabilities></hello>]]>]]>`
	}
	rpc := func(op string) string { return `<rpc message-id="1" xmlns="` + netconf.BaseNS + `">` + op + `</rpc>` }
	chunk := func(s string) string { return fmt.Sprintf("\n#%d\n%s\n##\n", len(s), s) }
	f.Add([]byte(hello("1.1")+chunk(rpc(editSystem("candidate", `<user nc:operation="delete"><name>x</name></user>`)))+chunk(rpc("<commit/>"))), false)
	f.Add([]byte(hello("1.1")+chunk(rpc(`<get-config><source><running/></source><filter type="xpath" xmlns:a="b" select="//a:c[a:d='e']|/f"/></get-config>`))), false)
	for _, op := range []string{loadSet("set system login user a class b\ndelete interfaces"), loadText("replace", "a { b [ c d ]; replace: e; } /* */ # x"),
		loadJSON(`{"configuration":{"system":{"@":{"operation":"delete"},"name-server":[{"name":"::1"}]}}}`), "<command>show configuration | display set</command>", compareNow} {
		f.Add([]byte(hello("1.0")+rpc(op)+"]]>]]>"+rpc("<commit-configuration/>")+"]]>]]>"), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, junos bool) {
		o := Options{}
		if junos {
			o.Dialect = Junos
		}
		d, _ := device(o)
		// Whatever the error is: it must end, and leave nothing behind.
		_ = d.Serve(context.Background(), pipeOf{bytes.NewReader(in)}, "fuzz")
		if len(d.Sessions()) != 0 || len(d.locks) != 0 {
			t.Errorf("left behind: sessions %v, locks %v", d.Sessions(), d.locks)
		}
		for _, ds := range []netconf.Datastore{netconf.Running, netconf.Candidate} {
			if _, err := parseForest(bytes.NewReader(d.Config(ds))); err != nil {
				t.Errorf("%s is no XML any more: %v", ds, err)
			}
		}
	})
}
