package netconf

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var bothFramings = []Framing{EndOfMessage, Chunked}

// bubble runs a test with a fake clock.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

func get(body string) Request { return Request{Name: "get", Body: []byte(body)} }

// answer is what Do returned.
type answer struct {
	out Outcome
	err error
	got string
}

// do calls Do in a goroutine, which ends when Do does.
func do(ctx context.Context, s *Session, r Request) <-chan answer {
	ch := make(chan answer, 1)
	go func() {
		var b bytes.Buffer
		out, err := s.Do(ctx, r, &b)
		ch <- answer{out, err, b.String()}
	}()
	return ch
}

func TestRequestBytes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want, id string }{
		{"bare", "<get/>", `<rpc message-id="1" xmlns="` + BaseNS + `"><get/></rpc>`, "1"},
		{"bare with blanks", "\n<get></get >\n", `<rpc message-id="1" xmlns="` + BaseNS + "\">\n<get></get >\n</rpc>", "1"},
		{"declaration", "<?xml version='1.0'?>\n<get/>", `<?xml version='1.0'?><rpc message-id="1" xmlns="` + BaseNS + "\">\n<get/></rpc>", "1"},
		{"comment first", "<!-- a --><get/>", `<rpc message-id="1" xmlns="` + BaseNS + `"><!-- a --><get/></rpc>`, "1"},
		{"byte order mark", "\ufeff<get/>", "\ufeff" + `<rpc message-id="1" xmlns="` + BaseNS + `"><get/></rpc>`, "1"},
		{"whole", `<rpc message-id="101"><cancel-commit></cancel-commit></rpc>` + "\n", `<rpc message-id="101"><cancel-commit></cancel-commit></rpc>` + "\n", "101"},
		{"whole with declaration", `<?xml version="1.0"?><!-- x --><nc:rpc xmlns:nc="u" message-id='a&amp;"b'><get/></nc:rpc>`, `<?xml version="1.0"?><!-- x --><nc:rpc xmlns:nc="u" message-id='a&amp;"b'><get/></nc:rpc>`, `a&"b`},
		{"whole without id", "<rpc><get/></rpc>", "<rpc><get/></rpc>", ""},
		{"broken on purpose", "<get", `<rpc message-id="1" xmlns="` + BaseNS + `"><get</rpc>`, "1"},
	}
	for _, tt := range tests {
		for _, f := range bothFramings {
			t.Run(fmt.Sprint(tt.name, " ", f), func(t *testing.T) {
				t.Parallel()
				heard := make(chan string, 1)
				s := connect(t, f, Options{}, func(d *device) {
					body, id := d.next()
					heard <- body
					if strings.HasSuffix(body, "<get</rpc>") {
						id = "1"
					}
					if strings.Contains(body, "message-id") {
						d.reply(id, "<ok/>")
					} else {
						d.say("<rpc-reply><ok/></rpc-reply>")
					}
					d.serve()
				})
				a := <-do(t.Context(), s, get(tt.body))
				if got := <-heard; got != tt.want {
					t.Errorf("sent %q", got)
				}
				if a.err != nil || !a.out.OK || a.out.Result != Answered || a.out.MessageID != tt.id || len(a.out.Flags) != 0 {
					t.Errorf("%+v %v", a.out, a.err)
				}
				if a.out.Bytes != int64(len(a.got)) || !strings.HasSuffix(a.got, "<ok/></rpc-reply>") {
					t.Errorf("got %q", a.got)
				}
				if a.out.Sent.IsZero() || a.out.First.IsZero() || a.out.Ended.Before(a.out.First) {
					t.Errorf("times: %+v", a.out)
				}
			})
		}
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	s := connect(t, EndOfMessage, Options{}, func(d *device) { <-s1(d) })
	for body, want := range map[string]string{"": "RPC-SHAPE", " \n": "RPC-SHAPE", "<a>]]>]]></a>": "FRM-MARK"} {
		if a := <-do(t.Context(), s, get(body)); code(a.err) != want || a.out.Result != NotSent {
			t.Errorf("%q: %+v %v", body, a.out, a.err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if a := <-do(ctx, s, get("<get/>")); a.err != context.Canceled || a.out.Result != NotSent {
		t.Errorf("%+v %v", a.out, a.err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	first := do(ctx, s, get(`<rpc message-id="x"><get/></rpc>`))
	for s.waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	if a := <-do(t.Context(), s, get(`<rpc message-id="x"><get/></rpc>`)); code(a.err) != "RPC-ID" || a.out.Result != NotSent {
		t.Errorf("%+v %v", a.out, a.err)
	}
	cancel()
	<-first
}

// A session that waits for its device costs little (performance.md, goal 13).
func TestIdleSessionIsCheap(t *testing.T) {
	const n = 200
	var before, after runtime.MemStats
	pipes := make([]net.Conn, 2*n)
	for i := range n {
		pipes[2*i], pipes[2*i+1] = net.Pipe()
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	sessions := make([]*Session, n)
	for i := range n {
		go func() { // ends with the hello
			io.WriteString(pipes[2*i+1], frame(EndOfMessage, helloOf("1.0", "1.1")))
		}()
		go io.ReadFull(pipes[2*i+1], make([]byte, len(ourHello(Options{}))+len(EndMark))) // the same
		var err error
		if sessions[i], err = Open(t.Context(), NewTransport(pipes[2*i], FrameOptions{}), Options{}); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / n
	t.Logf("%d B of heap for a session", each)
	if each > 6<<10 {
		t.Errorf("%d B of heap for a session", each)
	}
	for i, s := range sessions {
		pipes[2*i].Close()
		pipes[2*i+1].Close()
		<-s.Done()
	}
}

// waiting is the number of requests that the device owes a reply.
func (s *Session) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.owed)
}

// Which reply goes where.
func TestReplyMatching(t *testing.T) {
	anon := "<rpc-reply><data>anon</data></rpc-reply>"
	tests := []struct {
		name    string
		replies []string // sent after both requests "1" and "2" came
		want    string   // what each request got
		faults  string   // OnFault
		flags   string
	}{
		{"in order", []string{replyOf("1", "a"), replyOf("2", "b")}, "a b", "", ""},
		{"swapped", []string{replyOf("2", "b"), replyOf("1", "a")}, "a b", "", ""},
		{"unknown id", []string{replyOf("105", "x"), replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-ID", ""},
		{"repeated id", []string{replyOf("1", "a"), replyOf("1", "x"), replyOf("2", "b")}, "a b", "RPC-ID", ""},
		{"missing id, two wait", []string{anon, replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-ID", ""},
		{"missing id, one waits", []string{replyOf("1", "a"), anon}, "a <data>anon</data>", "", "RPC-ID"},
		{"empty id", []string{replyOf("", "x"), replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-ID", ""},
		{"padded id", []string{replyOf(" 1", "x"), replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-ID", ""},
		{"other root", []string{"<data/>", replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-SHAPE", ""},
		{"no XML", []string{"syntax error", replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-SHAPE", ""},
		{"comment only", []string{"<!-- bye -->", replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-SHAPE", ""},
		{"doctype", []string{"<!DOCTYPE a>" + replyOf("1", "x"), replyOf("1", "a"), replyOf("2", "b")}, "a b", "XML-DTD", ""},
		{"endless head", []string{"<!--" + strings.Repeat("x", largeBuf) + "-->" + replyOf("1", "x"), replyOf("1", "a"), replyOf("2", "b")}, "a b", "RPC-SHAPE", ""},
		{"bare error, one waits", []string{replyOf("1", "a"), "<rpc-error/>"}, "a ", "", "RPC-ID"},
	}
	for _, tt := range tests {
		for _, f := range bothFramings {
			t.Run(fmt.Sprint(tt.name, " ", f), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					var faults []string
					o := Options{OnFault: func(f *Fault, raw []byte) {
						if len(raw) == 0 || len(raw) > maxRaw {
							t.Errorf("%d raw bytes", len(raw))
						}
						faults = append(faults, f.Code)
					}}
					s := connect(t, f, o, func(d *device) {
						d.next()
						d.next()
						for _, r := range tt.replies {
							d.say(r)
						}
						d.serve()
					})
					first := do(t.Context(), s, get("<get/>"))
					synctest.Wait()
					second := do(t.Context(), s, get("<get/>"))
					a, b := <-first, <-second
					inner := func(s string) string {
						s = strings.TrimSuffix(s, "</rpc-reply>")
						return s[strings.IndexByte(s, '>')+1:]
					}
					if got := inner(a.got) + " " + inner(b.got); got != tt.want || a.err != nil || b.err != nil {
						t.Errorf("got %.100q, %v, %v", got, a.err, b.err)
					}
					var flags []string
					for _, f := range append(a.out.Flags, b.out.Flags...) {
						if f.Code == "RPC-ID" {
							flags = append(flags, f.Code)
						}
					}
					if strings.Join(faults, " ") != tt.faults || strings.Join(flags, " ") != tt.flags {
						t.Errorf("faults %q, flags %q", faults, flags)
					}
				})
			})
		}
	}
}

func TestSecondHelloEndsTheSession(t *testing.T) {
	t.Parallel()
	s := connect(t, Chunked, Options{}, func(d *device) {
		d.next()
		d.say(helloOf("1.0", "1.1"))
		d.next()
	})
	a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
	if code(a.err) != "HEL-SESSION" || a.out.Result != Unknown {
		t.Errorf("%+v %v", a.out, a.err)
	}
	if <-s.Done(); code(s.Err()) != "HEL-SESSION" {
		t.Error(s.Err())
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	note := func(n int) string {
		return fmt.Sprintf(`<?xml version="1.0"?><notification xmlns="%s"><eventTime>2024-05-01T00:00:%02dZ</eventTime><x:link-down xmlns:x="u"><n>%d</n></x:link-down></notification>`, NotificationNS, n, n)
	}
	for _, f := range bothFramings {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			got := make(chan Notification, 10)
			var big *Fault
			o := Options{OnNotification: func(n Notification) { got <- n }, OnFault: func(f *Fault, _ []byte) { big = f }}
			s := connect(t, f, o, func(d *device) {
				_, id := d.next()
				d.say(note(1))
				d.say("<notification/>")
				d.say("<notification><eventTime>yesterday</eventTime>")
				d.say("<notification>" + strings.Repeat("x", maxNotification) + "</notification>")
				d.reply(id, "<ok/>")
				d.say(note(2))
				d.serve()
			})
			if a := <-do(t.Context(), s, get("<get/>")); a.err != nil || !a.out.OK || a.got != replyOf("1", "<ok/>") {
				t.Fatalf("%+v %v %q", a.out, a.err, a.got)
			}
			n := <-got
			if n.Name != "link-down" || string(n.Body) != note(1) || n.EventTime.Second() != 1 || n.Received.IsZero() {
				t.Errorf("%+v", n)
			}
			if n := <-got; n.Name != "" || !n.EventTime.IsZero() {
				t.Errorf("%+v", n)
			}
			if n := <-got; !n.EventTime.IsZero() {
				t.Errorf("%+v", n)
			}
			if n := <-got; n.EventTime.Second() != 2 {
				t.Errorf("%+v", n)
			}
			if big == nil || big.Code != "NTF-BIG" {
				t.Errorf("%v", big)
			}
		})
	}
}

// The end of the stream at any byte of three pipelined replies: what was
// answered is reported, and nothing else.
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	for _, f := range bothFramings {
		var wire string
		var ends []int
		for i := range 3 {
			wire += frame(f, replyOf(fmt.Sprint(i+1), fmt.Sprintf("<data>%d</data>", i)))
			ends = append(ends, len(wire))
		}
		for cut := 0; cut <= len(wire); cut++ {
			s := connect(t, f, Options{}, func(d *device) {
				for range 3 {
					d.next()
				}
				d.raw(wire[:cut])
			})
			var wg sync.WaitGroup
			for i := range 3 {
				effect := []Effect{Reads, Stages, Commits}[i]
				wg.Go(func() {
					body := fmt.Sprintf(`<rpc message-id="%d"><x/></rpc>`, i+1)
					out, err := s.Do(t.Context(), Request{Body: []byte(body), Effect: effect}, io.Discard)
					whole := cut >= ends[i]
					want := interrupted(effect)
					if whole {
						want = Answered
					}
					if out.Result != want || (err == nil) != whole || out.OK != whole {
						t.Errorf("%v cut at %d: request %d: %+v %v", f, cut, i+1, out, err)
					}
				})
			}
			wg.Wait()
			<-s.Done()
			between := cut == 0 || cut == ends[0] || cut == ends[1] || cut == ends[2]
			if c := code(s.Err()); between && c != "SES-END" || !between && c != "FRM-CUT" {
				t.Errorf("%v cut at %d: %v", f, cut, s.Err())
			}
		}
	}
}

func TestSilenceBeforeTheReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var faults []string
		late := make(chan bool)
		s := connect(t, Chunked, Options{OnFault: func(f *Fault, _ []byte) { faults = append(faults, f.Code) }}, func(d *device) {
			_, id := d.next()
			<-late
			d.reply(id, "<late/>")
			d.serve()
		})
		start := time.Now()
		a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
		if code(a.err) != "RPC-TIMEOUT" || a.out.Result != Unknown || time.Since(start) != 300*time.Second {
			t.Errorf("%+v %v after %v", a.out, a.err, time.Since(start))
		}
		close(late)
		if a := <-do(t.Context(), s, get("<get/>")); a.err != nil || a.got != replyOf("2", "<ok/>") {
			t.Errorf("the session is of no use: %+v %v", a.out, a.err)
		}
		if len(faults) > 0 {
			t.Errorf("a late reply was reported: %v", faults)
		}
	})
}

// The time-out is on silence: a device that answers others is not silent, and
// a reply that trickles is not either.
func TestSilenceIsNotTotalTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		o := Options{FirstByte: 10 * time.Second, Stall: 10 * time.Second}
		s := connect(t, Chunked, o, func(d *device) {
			_, one := d.next()
			_, two := d.next()
			for _, p := range pieces(frame(Chunked, replyOf(one, "<a/>")), 20) {
				time.Sleep(8 * time.Second)
				d.raw(string(p))
			}
			time.Sleep(9 * time.Second)
			d.reply(two, "<ok/>")
			<-s1(d)
		})
		start := time.Now()
		first := do(t.Context(), s, get("<get/>"))
		synctest.Wait()
		second := do(t.Context(), s, get("<get/>"))
		for _, a := range []<-chan answer{first, second} {
			if a := <-a; a.err != nil || !a.out.OK {
				t.Errorf("%+v %v", a.out, a.err)
			}
		}
		if took := time.Since(start); took < 40*time.Second {
			t.Errorf("took %v only", took)
		}
		s.t.Close()
		<-s.Done()
	})
}

// A chunk that claims 4 GiB and stops.
func TestStall(t *testing.T) {
	tests := []struct {
		name    string
		framing Framing
		wire    string
		what    string
	}{
		{"chunk", Chunked, "\n#4294967295\n<rpc-reply message-id=\"1\">" + strings.Repeat("x", 998), "chunk of 4294967295 B stopped after 1024 B"},
		{"between chunks", Chunked, "\n#4\n<rpc", "header is missing after 4 B"},
		{"end mark", EndOfMessage, `<rpc-reply message-id="1">]]>`, `no end mark "]]>]]>" after 29 B`},
		{"notification", Chunked, "\n#13\n<notification", "header is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := connect(t, tt.framing, Options{}, func(d *device) {
					d.next()
					d.raw(tt.wire)
					d.next()
				})
				start := time.Now()
				a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
				if code(a.err) != "FRM-STALL" || a.out.Result != Unknown || !strings.Contains(a.err.Error(), tt.what) {
					t.Errorf("%+v %v", a.out, a.err)
				}
				if took := time.Since(start); took != 30*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// TestStallIsNoTimeOut has the device stop inside its reply when the time-out
// for the first byte is no longer than the one for a stall: what is told is that
// the message stopped, and not that there was none.
func TestStallIsNoTimeOut(t *testing.T) {
	for _, tt := range []struct {
		name, wire string
		first      time.Duration
	}{
		{"equal, in a chunk", "\n#99\n<rpc-reply message-id=\"1\">", 30 * time.Second},
		{"equal, before the message-id", "\n#99\n<rpc-repl", 30 * time.Second},
		{"shorter", "\n#99\n<rpc-reply message-id=\"1\">", time.Second},
		{"shorter, between chunks", "\n#9\n<rpc-repl", time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := connect(t, Chunked, Options{FirstByte: tt.first}, func(d *device) {
					d.next()
					d.raw(tt.wire)
					d.next()
				})
				start := time.Now()
				a := <-do(t.Context(), s, get("<get/>"))
				if code(a.err) != "FRM-STALL" || a.out.Result != Stopped {
					t.Errorf("%+v %v", a.out, a.err)
				}
				if took := time.Since(start); took != 30*time.Second {
					t.Errorf("after %v", took)
				}
			})
		})
	}
}

// TestDripOfOtherMessagesIsNoReply has the device talk on and on, but not answer.
func TestDripOfOtherMessagesIsNoReply(t *testing.T) {
	for _, start := range []string{"<notification>", "<!DOCTYPE a>", "<other>"} {
		t.Run(start, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := connect(t, EndOfMessage, Options{}, func(d *device) {
					d.next()
					d.raw(start)
					for range 20 {
						time.Sleep(20 * time.Second)
						d.raw("x")
					}
				})
				begun := time.Now()
				a := <-do(t.Context(), s, get("<get/>"))
				if code(a.err) != "RPC-TIMEOUT" || time.Since(begun) > 330*time.Second {
					t.Errorf("%v after %v", a.err, time.Since(begun))
				}
			})
		})
	}
}
