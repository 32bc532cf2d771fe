package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestBrokenFramingInASession plays the faults of a framing layer as a session
// meets them, in the middle of a reply: the request says how much is known, what came of the reply is with its receiver,
// the session ends with that fault, and another one goes on.
func TestBrokenFramingInASession(t *testing.T) {
	const head = `<rpc-reply message-id="1"><data>`
	begun := fmt.Sprintf("\n#%d\n%s", len(head), head)
	tests := []struct {
		name    string
		framing Framing
		wire    string
		want    string // code and what
		kept    string // what the receiver of the reply has
		after   time.Duration
	}{
		{"4 GiB promised", Chunked, "\n#4294967295\n" + head + strings.Repeat("x", 1024-len(head)),
			"FRM-STALL chunk of 4294967295 B stopped after 1024 B", head + strings.Repeat("x", 1024-len(head)), 30 * time.Second},
		{"zero", Chunked, begun + "\n#0\n", `FRM-SIZE bad chunk size "0" at byte 37`, head, 0},
		{"leading zero", Chunked, begun + "\n#01\n", `FRM-SIZE bad chunk size "01" at byte 37`, head, 0},
		{"plus", Chunked, begun + "\n#+5\n", `FRM-SIZE bad chunk size "+5" at byte 37`, head, 0},
		{"space", Chunked, begun + "\n# 5\n", `FRM-SIZE bad chunk size " 5" at byte 37`, head, 0},
		{"minus", Chunked, begun + "\n#-1\n", `FRM-SIZE bad chunk size "-1" at byte 37`, head, 0},
		{"one too many", Chunked, begun + "\n#4294967296\n", `FRM-SIZE bad chunk size "4294967296" at byte 37`, head, 0},
		{"eleven digits", Chunked, begun + "\n#12345678901\n", `FRM-SIZE bad chunk size "12345678901" at byte 37`, head, 0},
		{"digits without end", Chunked, begun + "\n#1111111111111111111111", `FRM-SIZE bad chunk size "1111111111111111" at byte 37`, head, 0},
		{"no line feed", Chunked, begun + "#5\nabcde", `FRM-SYNC expected "\n#" at byte 37, got "#5\nabcde"`, head, 0},
		{"CRLF", Chunked, begun + "\r\n#5\r\nabcde", `FRM-SYNC expected "\n#" at byte 37, got "\r\n#5\r\nabcde"`, head, 0},
		{"text", Chunked, begun + "\nsyslog\n#2\nab\n##\n", `FRM-SYNC expected "\n#" at byte 37, got "\nsyslog\n#2\nab\n##\n"`, head, 0},
		{"no chunk", Chunked, "\n##\n", "FRM-EMPTY end of chunks without a chunk", "", 0},
		{"end of message", Chunked, head + "</data></rpc-reply>]]>]]>", "FRM-MODE the device agreed to base:1.1 but sent 1.0 framing", "", 0},
		{"chunks", EndOfMessage, begun + "\n##\n", "FRM-MODE the device agreed to base:1.0 but sent 1.1 framing", "", 0},
	}
	for _, tt := range tests {
		for _, effect := range []Effect{Reads, Stages} {
			t.Run(fmt.Sprint(tt.name, " ", effect), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s := connect(t, tt.framing, Options{}, func(d *device) {
						d.next()
						d.raw(tt.wire)
						<-s1(d)
					})
					other := connect(t, tt.framing, Options{}, (*device).serve)
					start := time.Now()
					a := <-do(t.Context(), s, Request{Body: []byte("<x/>"), Effect: effect})
					if a.err == nil || !strings.HasPrefix(strings.ReplaceAll(a.err.Error(), "after hello ", ""), expectedAt(tt.want, tt.framing)) {
						t.Errorf("got  %v\nwant %s", a.err, expectedAt(tt.want, tt.framing))
					}
					if a.out.Result != interrupted(effect) || a.out.OK {
						t.Errorf("%+v", a.out)
					}
					if a.got != tt.kept || a.out.Bytes != int64(len(tt.kept)) {
						t.Errorf("kept %.80q, %d B counted", a.got, a.out.Bytes)
					}
					if took := time.Since(start); took != tt.after {
						t.Errorf("after %v", took)
					}
					<-s.Done()
					if s.Err() != a.err {
						t.Errorf("the session ended with %v", s.Err())
					}
					if b := <-do(t.Context(), other, get("<get/>")); b.err != nil || !b.out.OK {
						t.Errorf("the other session: %+v %v", b.out, b.err)
					}
				})
			})
		}
	}
}

// expectedAt moves the byte that a message names behind the hello, which is a
// part of the same stream.
func expectedAt(want string, f Framing) string {
	versions := []string{"1.0"}
	if f == Chunked {
		versions = append(versions, "1.1")
	}
	hello := len(helloOf(versions...)) + len(EndMark)
	before, after, ok := strings.Cut(want, " at byte 37")
	if !ok {
		return want
	}
	return fmt.Sprintf("%s at byte %d%s", before, hello+37, after)
}

// TestEndMarkInData sends end-of-message text in a comment and in CDATA, which
// ends the reply early. The reply is not taken for a good one, and its
// tail is not lost.
func TestEndMarkInData(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ head, tail, inside string }{
		"CDATA":   {`<rpc-reply message-id="1"><data><![CDATA[one`, `two]]></data></rpc-reply>`, "CDATA"},
		"comment": {`<rpc-reply message-id="1"><data><!-- one`, `two --></data></rpc-reply>`, "a comment"},
		"text":    {`<rpc-reply message-id="1"><ok/><data>one`, `two</data></rpc-reply>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tails := make(chan string, 4)
			o := Options{OnFault: func(f *Fault, raw []byte) { tails <- f.Code + " " + string(raw) }}
			s := connect(t, EndOfMessage, o, func(d *device) {
				d.next()
				d.raw(tt.head + EndMark + tt.tail + EndMark)
				d.serve()
			})
			a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
			want := "XML-TRUNC the reply ended without its end tag"
			if tt.inside != "" {
				want = "XML-TRUNC the reply ended inside " + tt.inside + "; the device used end-of-message text in data. what came of the reply is kept"
			}
			if a.err == nil || !strings.HasPrefix(a.err.Error(), want) || a.out.OK || a.out.Result != Unknown || a.got != tt.head {
				t.Errorf("%+v %v %q", a.out, a.err, a.got)
			}
			if got := <-tails; got != "RPC-SHAPE "+tt.tail {
				t.Errorf("the tail: %q", got)
			}
			if b := <-do(t.Context(), s, get("<get/>")); b.err != nil || !b.out.OK {
				t.Errorf("the session is of no use: %+v %v", b.out, b.err)
			}
		})
	}
}

// TestLimitsOfAHelloAreNamed holds what a person reads of a hello that is too
// large, broken or of no known version.
func TestLimitsOfAHelloAreNamed(t *testing.T) {
	t.Parallel()
	base := helloOf("1.0")
	caps := func(n int) string {
		return strings.Replace(base, "</capabilities>", strings.Repeat("<capability>u</capability>", n)+"</capabilities>", 1)
	}
	for _, tt := range []struct{ name, wire, want, report string }{
		{"4 MiB", strings.Replace(base, "<capabilities>", "<capabilities>"+strings.Repeat(" ", 4<<20), 1), "HEL-BIG the hello is larger than 4194304 B", ""},
		{"not yet 4 MiB", strings.Replace(base, "<capabilities>", "<capabilities>"+strings.Repeat(" ", 4<<20-len(base)), 1), "", ""},
		{"20,001 capabilities", caps(20_000), "HEL-BIG the hello has more than 20000 capabilities", ""},
		{"20,000 capabilities", caps(19_999), "", ""},
		{"no session-id", strings.Replace(base, "<session-id>7</session-id>", "", 1), "HEL-SESSION the device's hello has no session-id", ""},
		{"session-id 0", strings.Replace(base, ">7<", ">0<", 1), `HEL-SESSION the device's hello has session-id "0"`, ""},
		{"session-id 2^32", strings.Replace(base, ">7<", ">4294967296<", 1), `HEL-SESSION the device's hello has session-id "4294967296"`, ""},
		{"two session-ids", strings.Replace(base, "<session-id>", "<session-id>6</session-id><session-id>", 1), `HEL-SESSION the device's hello has 2 session-ids, the first two "6" and "7"`, ""},
		{"reply first", replyOf("1", "<ok/>"), `HEL-SESSION the device sent an element "rpc-reply" before its hello`, ""},
		{"unknown version", helloOf("2.0"), `HEL-VERSION the device offers "urn:ietf:params:netconf:base:2.0", we need base:1.0 or 1.1`, ""},
		{"prompt in angle brackets", "\r\n<r1>\r\n<r1>xmlagent\r\n" + base, "", "<r1>\r\n<r1>xmlagent"},
		{"telnet", "\xff\xfb\x01\xff\xfb\x03\r\nr1% " + base, "", "\xff\xfb\x01\xff\xfb\x03\r\nr1%"},
		{"8 KiB of noise", strings.Repeat("motd!\n\x1b[0m", 1000)[:8<<10-1] + "\n" + base, "", "motd!"},
		{"8 KiB of noise and one", strings.Repeat("x", 8<<10+1) + base, "HEL-NOISE no hello in the first", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, reports, _, err := greet(t, tt.wire+EndMark, Options{})
			if tt.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if report := strings.Join(reports, ""); !strings.HasPrefix(report, strings.TrimSpace("HEL-NOISE "+tt.report)) && tt.report != "" || tt.report == "" && report != "" {
					t.Errorf("reported %.60q", report)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\r\n") {
				t.Errorf("foreign bytes in %q", err)
			}
		})
	}
}

// TestNoiseIsQuoted keeps a terminal from obeying what came before a hello.
func TestNoiseIsQuoted(t *testing.T) {
	t.Parallel()
	said := make(chan *Fault, 1)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go io.Copy(io.Discard, theirs)                                             // ends with the pipe
	go io.WriteString(theirs, "\x1b]0;owned\x07\u202e"+helloOf("1.0")+EndMark) // the same
	s, err := Open(t.Context(), NewTransport(ours, FrameOptions{}), Options{OnFault: func(f *Fault, _ []byte) { said <- f }})
	if err != nil {
		t.Fatal(err)
	}
	if f := <-said; f.Code != "HEL-NOISE" || strings.ContainsAny(f.Error(), "\x1b\x07\u202e") || !strings.Contains(f.What, `\x1b]0;owned\a\u202e`) {
		t.Errorf("%q", f.Error())
	}
	ours.Close()
	<-s.Done()
}

// TestDoctypeInAReply says that the message is refused at the declaration, whatever it claims to answer, and the request goes on waiting.
func TestDoctypeInAReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		bomb := `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "&x;&x;">]>` + replyOf("1", "<data>&y;</data>")
		var faults []string
		s := connect(t, Chunked, Options{OnFault: func(f *Fault, raw []byte) { faults = append(faults, f.Code+" "+string(raw)) }}, func(d *device) {
			d.next()
			d.say(bomb)
			<-s1(d)
		})
		a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
		if code(a.err) != "RPC-TIMEOUT" || a.out.Result != Unknown || a.got != "" {
			t.Errorf("%+v %v %q", a.out, a.err, a.got)
		}
		s.t.Close()
		<-s.Done()
		if len(faults) != 1 || faults[0] != "XML-DTD "+bomb {
			t.Errorf("%q", faults)
		}
	})
}

// TestOddBytesPassUnchanged says that for the session what is not legal in XML is
// still the reply.
func TestOddBytesPassUnchanged(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]string{
		"NUL, ESC and BS":     replyOf("1", "<data>a\x00b\x1b[2J\x08c&#8;</data>"),
		"broken UTF-8":        replyOf("1", "<data>\xff\xc3\x28</data>"),
		"Latin-1":             `<?xml version="1.0" encoding="ISO-8859-1"?>` + replyOf("1", "<data>K\xf6ln</data>"),
		"byte order mark":     "\ufeff" + replyOf("1", "<ok/>"),
		"duplicate attribute": strings.Replace(replyOf("1", "<ok/>"), " xmlns", ` a="1" a="2" xmlns`, 1),
		"unbound prefix":      replyOf("1", "<x:y z:w='1'/>"),
	} {
		for _, f := range bothFramings {
			t.Run(fmt.Sprint(name, " ", f), func(t *testing.T) {
				t.Parallel()
				s := connect(t, f, Options{}, func(d *device) {
					d.next()
					d.say(reply)
					d.serve()
				})
				if a := <-do(t.Context(), s, get("<get/>")); a.err != nil || !a.out.OK || a.got != reply {
					t.Errorf("%+v %v %q", a.out, a.err, a.got)
				}
			})
		}
	}
}

// TestOtherEncodings says that a message in UTF-16 is named as one, and its bytes
// are kept.
func TestOtherEncodings(t *testing.T) {
	t.Parallel()
	wide := func(order [2]int, mark, text string) string {
		out := []byte(mark)
		for i := range len(text) {
			var unit [2]byte
			unit[order[0]] = text[i]
			out = append(out, unit[:]...)
		}
		return string(out)
	}
	little, big := [2]int{0, 1}, [2]int{1, 0}
	reply := replyOf("1", "<ok/>")
	for name, wire := range map[string]string{
		"little with mark": wide(little, "\xff\xfe", reply),
		"big with mark":    wide(big, "\xfe\xff", reply),
		"little":           wide(little, "", reply),
		"big":              wide(big, "", reply),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := make(chan string, 1)
			s := connect(t, Chunked, Options{OnFault: func(f *Fault, raw []byte) { said <- f.Code + " " + string(raw) }}, func(d *device) {
				_, id := d.next()
				d.say(wire)
				d.reply(id, "<ok/>")
				d.serve()
			})
			a := <-do(t.Context(), s, get("<get/>"))
			if a.err != nil || !a.out.OK || a.got != reply {
				t.Errorf("%+v %v %q", a.out, a.err, a.got)
			}
			if got := <-said; got != "XML-ENC "+wire {
				t.Errorf("%q", got)
			}
		})
	}
}

// TestMessageOfNothing sends a message of nothing but white space.
func TestMessageOfNothing(t *testing.T) {
	t.Parallel()
	for f, wire := range map[Framing]string{EndOfMessage: "\n" + EndMark, Chunked: "\n#2\n \n\n##\n"} {
		said := make(chan string, 1)
		s := connect(t, f, Options{OnFault: func(f *Fault, _ []byte) { said <- f.Code }}, func(d *device) {
			_, id := d.next()
			d.raw(wire)
			d.reply(id, "<ok/>")
			d.serve()
		})
		if a := <-do(t.Context(), s, get("<get/>")); a.err != nil || !a.out.OK || a.got != replyOf("1", "<ok/>") {
			t.Errorf("%v: %+v %v %q", f, a.out, a.err, a.got)
		}
		if got := <-said; got != "RPC-SHAPE" {
			t.Errorf("%v: %s", f, got)
		}
	}
}

// TestPendingStayPendingUntilTheirTime says that a reply that matches nothing shortens nobody's wait and lengthens it by no more than
// any other sign of life.
func TestPendingStayPendingUntilTheirTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var faults []string
		o := Options{OnFault: func(f *Fault, raw []byte) { faults = append(faults, f.Error()) }, FirstByte: 100 * time.Second}
		s := connect(t, Chunked, o, func(d *device) {
			d.next()
			d.next()
			time.Sleep(10 * time.Second)
			d.reply("105", "<ok/>")
			<-s1(d)
		})
		start := time.Now()
		one, two := do(t.Context(), s, get("<a/>")), do(t.Context(), s, Request{Body: []byte("<b/>"), Effect: Stages})
		a, b := <-one, <-two
		if code(a.err) != "RPC-TIMEOUT" || a.out.Result != Stopped || code(b.err) != "RPC-TIMEOUT" || b.out.Result != Unknown || a.got+b.got != "" {
			t.Errorf("%+v %v, %+v %v", a.out, a.err, b.out, b.err)
		}
		if took := time.Since(start); took != 110*time.Second {
			t.Errorf("after %v", took)
		}
		s.t.Close()
		<-s.Done()
		if len(faults) != 1 || !strings.HasPrefix(faults[0], `RPC-ID reply "105" matches no request`) {
			t.Errorf("%q", faults)
		}
	})
}

// TestManyErrorsInASession follows 10,000 errors from the wire to the outcome.
func TestManyErrorsInASession(t *testing.T) {
	t.Parallel()
	var reply strings.Builder
	reply.WriteString(`<rpc-reply message-id="1">`)
	for i := range 10_000 {
		fmt.Fprintf(&reply, "<rpc-error><error-tag>t%d</error-tag><error-severity>fatal</error-severity><error-message><p>one <b>%d</b></p></error-message></rpc-error>", i, i)
	}
	fmt.Fprintf(&reply, "<rpc-error><error-message>%s</error-message></rpc-error></rpc-reply>", strings.Repeat("m", 5<<20))
	s := connect(t, Chunked, Options{}, func(d *device) {
		d.next()
		d.say(reply.String())
		d.serve()
	})
	a := <-do(t.Context(), s, get("<get/>"))
	if a.err != nil || a.out.OK || a.out.Result != Answered || a.out.ErrorCount != 10_001 || len(a.out.Errors) != 100 || a.got != reply.String() {
		t.Fatalf("%d errors, %d kept, %v", a.out.ErrorCount, len(a.out.Errors), a.err)
	}
	if e := a.out.Errors[99]; e.Tag != "t99" || e.Severity != "fatal" || e.Warning() || e.Message != "one 99" {
		t.Errorf("%+v", e)
	}
}

// TestReplyBeyondTheCap sends more than FrameOptions.MaxMessage.
func TestReplyBeyondTheCap(t *testing.T) {
	t.Parallel()
	for _, f := range bothFramings {
		ours, theirs := net.Pipe()
		reply := replyOf("1", strings.Repeat("<a/>", 5000))
		done := make(chan struct{})
		go func() { // ends with the pipe
			defer close(done)
			versions := []string{"1.0"}
			if f == Chunked {
				versions = append(versions, "1.1")
			}
			d := &device{t: t, conn: theirs, tr: NewTransport(theirs, FrameOptions{})}
			go d.raw(frame(EndOfMessage, helloOf(versions...))) // ends when it is read
			d.next()
			d.tr.SetReadFraming(f)
			d.next()
			d.raw(frame(f, reply))
			<-s1(d)
		}()
		s, err := Open(t.Context(), NewTransport(ours, FrameOptions{MaxMessage: 10_000}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		a := <-do(t.Context(), s, get("<get/>"))
		if code(a.err) != "RPC-CAP" || !strings.Contains(a.err.Error(), "10000 B") || a.out.Result != Stopped || a.got != reply[:10_000] {
			t.Errorf("%v: %+v %v, %d B", f, a.out, a.err, len(a.got))
		}
		<-s.Done()
		theirs.Close()
		<-done
	}
}

// TestTenThousandRepliesInOneSegment asks by Start, which is what a program with
// that many requests uses.
func TestTenThousandRepliesInOneSegment(t *testing.T) {
	t.Parallel()
	const n = 10_000
	for _, f := range bothFramings {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			notes := 0
			o := Options{OnNotification: func(Notification) { notes++ }}
			s := connect(t, f, o, func(d *device) {
				var wire bytes.Buffer
				for range n {
					body, id := d.next()
					wire.WriteString(frame(f, replyOf(id, body[strings.Index(body, "<x"):strings.Index(body, "/>")+2])))
					if len(id)%2 == 0 {
						wire.WriteString(frame(f, "<notification/>"))
					}
				}
				d.raw(wire.String())
				d.serve()
			})
			got := make([]bytes.Buffer, n)
			order := make(chan int, n)
			for i := range n {
				err := s.Start(t.Context(), get(fmt.Sprintf("<x%d/>", i)), &got[i], func(out Outcome, err error) {
					if err != nil || !out.OK {
						t.Errorf("request %d: %+v %v", i, out, err)
					}
					order <- i
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			want := 0
			for i := range n {
				if at := <-order; at != i {
					t.Fatalf("answer %d came when %d was due", at, i)
				}
				if !strings.Contains(got[i].String(), fmt.Sprintf("><x%d/><", i)) {
					t.Fatalf("request %d got %q", i, got[i].String())
				}
				if len(fmt.Sprint(i+1))%2 == 0 {
					want++
				}
			}
			if err := s.Close(t.Context()); err != nil || notes != want {
				t.Errorf("%v, %d notifications of %d", err, notes, want)
			}
		})
	}
}

// TestOneByteChunksCostNoMemory weighs a message that comes drop by drop.
func TestOneByteChunksCostNoMemory(t *testing.T) {
	const n = 1 << 20
	run := func(wire string) uint64 {
		tr := NewTransport(&tape{reads: pieces(wire, 32<<10)}, FrameOptions{})
		tr.SetReadFraming(Chunked)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := tr.NextMessage()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.Copy(io.Discard, m); got != n || err != nil {
			t.Fatal(got, err)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	text := strings.Repeat("x", n)
	one, many := run(chunks(text, n)), run(chunks(text, 1))
	if many > one+64<<10 {
		t.Errorf("%d B in one chunk, %d B in chunks of one byte", one, many)
	}
}

// parseTrace turns a trace back into the bytes of each direction.
func parseTrace(t *testing.T, text string) (sent, received string) {
	t.Helper()
	var both [2]strings.Builder
	announced := [2]int{}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		var n int
		var word string
		switch {
		case strings.HasPrefix(line, "# "):
			fields := strings.Fields(line)
			if len(fields) != 5 {
				continue
			}
			if _, err := fmt.Sscan(fields[3], &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if word = fields[2]; word == "sent" {
				announced[0] += n
			} else {
				announced[1] += n
			}
		case strings.HasPrefix(line, "> "):
			both[0].WriteString(unquoteTrace(t, line[2:]))
		case strings.HasPrefix(line, "< "):
			both[1].WriteString(unquoteTrace(t, line[2:]))
		default:
			t.Fatalf("line %q", line)
		}
	}
	for i := range both {
		if both[i].Len() != announced[i] {
			t.Errorf("%d B are announced and %d B are there", announced[i], both[i].Len())
		}
	}
	return both[0].String(), both[1].String()
}

func unquoteTrace(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for len(s) > 0 {
		if s[0] != '\\' {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if len(s) < 2 {
			t.Fatalf("a lone backslash ends %q", s)
		}
		n := 2
		switch s[1] {
		case '\\':
			b.WriteByte('\\')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'x':
			var c byte
			if _, err := fmt.Sscanf(s[:4], `\x%02x`, &c); err != nil {
				t.Fatalf("%q: %v", s[:4], err)
			}
			b.WriteByte(c)
			n = 4
		default:
			t.Fatalf("escape %q", s[:2])
		}
		s = s[n:]
	}
	return b.String()
}

// tapped keeps what crosses a stream, apart from any recorder.
type tapped struct {
	net.Conn
	read, written bytes.Buffer
}

func (c *tapped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Write(p[:n])
	return n, err
}

func (c *tapped) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Write(p[:n])
	return n, err
}

// TestTraceOfASessionIsTheWire runs whole sessions, hello and framing included,
// and turns their traces back into the bytes that crossed.
func TestTraceOfASessionIsTheWire(t *testing.T) {
	t.Parallel()
	for _, f := range bothFramings {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			ours, theirs := net.Pipe()
			done := make(chan struct{})
			go func() { // ends with the session
				defer close(done)
				defer theirs.Close()
				versions := []string{"1.0"}
				if f == Chunked {
					versions = append(versions, "1.1")
				}
				d := &device{t: t, conn: theirs, tr: NewTransport(theirs, FrameOptions{})}
				go d.raw("motd \x1b\\x41\r\n" + frame(EndOfMessage, helloOf(versions...))) // ends when it is read
				d.next()
				d.tr.SetReadFraming(f)
				d.tr.SetWriteFraming(f)
				for {
					body, id := d.next()
					if body == "" {
						return
					}
					d.reply(id, "<data>\\n \\ \t\x00\x80 ä 漢 \u202e \n\n "+strings.Repeat("x", 5000)+"</data>")
				}
			}()
			var text strings.Builder
			tr := NewTraceWriter(&text, nil)
			tap := &tapped{Conn: ours}
			s, err := Open(t.Context(), NewTransport(tap, FrameOptions{Recorder: tr}), Options{})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if a := <-do(t.Context(), s, get("<get>\n\\ ä\t</get>")); a.err != nil {
					t.Fatal(a.err)
				}
			}
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-done
			sent, received := parseTrace(t, text.String())
			if sent != tap.written.String() || received != tap.read.String() || tr.Err() != nil {
				t.Errorf("the trace differs from the wire: %d of %d B sent, %d of %d B received, %v", len(sent), tap.written.Len(), len(received), tap.read.Len(), tr.Err())
			}
			for _, c := range text.String() {
				if c < ' ' && c != '\n' || c == '\u202e' || c >= 0x7f && c < 0xa0 {
					t.Errorf("the trace holds %q", c)
					break
				}
			}
		})
	}
}

// TestOtherErrorsOfTheStream keep their cause.
func TestOtherErrorsOfTheStream(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, Chunked, Options{}, func(d *device) { d.next() })
		a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
		if code(a.err) != "SES-END" || !errors.Is(a.err, io.EOF) || a.out.Result != Unknown {
			t.Errorf("%+v %v", a.out, a.err)
		}
		synctest.Wait()
	})
}

// TestWhatFollowsAReplyIsQuoted shows the text that makes a reply odd.
func TestWhatFollowsAReplyIsQuoted(t *testing.T) {
	t.Parallel()
	for after, want := range map[string]string{
		"<x a='1'/>":     `"<x a='1'/>" follows the end of the reply`,
		"\n junk\x1b[2J": `"\n junk\x1b[2J" follows the end of the reply`,
		"</y>":           `"</y>" follows the end of the reply`,
		" <!-- --><y/>":  `"<y/>" follows the end of the reply`,
	} {
		s := connect(t, Chunked, Options{}, func(d *device) {
			_, id := d.next()
			d.say(replyOf(id, "<ok/>") + after)
			d.serve()
		})
		a := <-do(t.Context(), s, get("<get/>"))
		if a.err != nil || !a.out.OK || codes(a.out.Flags) != "RPC-SHAPE" || a.out.Flags[0].What != want {
			t.Errorf("%q: %v, want %s", after, a.out.Flags, want)
		}
	}
}
