package netconf

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"
)

// heldTape is a stream that says its hello, waits until both requests have left,
// and then says the rest and ends.
type heldTape struct {
	hello, rest []byte
	asked       chan struct{} // closed when both requests were written

	mu   sync.Mutex
	sent bytes.Buffer
}

func (s *heldTape) Read(p []byte) (int, error) {
	if len(s.hello) > 0 {
		n := copy(p, s.hello)
		s.hello = s.hello[n:]
		return n, nil
	}
	<-s.asked
	if len(s.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *heldTape) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := bytes.Count(s.sent.Bytes(), []byte("</rpc>"))
	s.sent.Write(p)
	if after := bytes.Count(s.sent.Bytes(), []byte("</rpc>")); before < 2 && after == 2 {
		close(s.asked)
	}
	return len(p), nil
}

func (*heldTape) Close() error { return nil }

// FuzzSession has a device answer two requests with anything at all. Each ends
// once, with what its receiver got, and nothing is called answered that was not.
func FuzzSession(f *testing.F) {
	for _, chunked := range []bool{false, true} {
		framing := EndOfMessage
		if chunked {
			framing = Chunked
		}
		f.Add([]byte(frame(framing, replyOf("2", "<ok/>"))+frame(framing, "<notification/>")+frame(framing, replyOf("1", "<rpc-error/>"))), chunked)
		f.Add([]byte(frame(framing, "<rpc-reply><data>x</data></rpc-reply>")+frame(framing, replyOf("1", "<a"))), chunked)
		f.Add([]byte(frame(framing, replyOf("1", "<![CDATA[x"))+frame(framing, "y]]></rpc-reply>")), chunked)
	}
	f.Add([]byte("\n#0\n"), true)
	f.Fuzz(func(t *testing.T, wire []byte, chunked bool) {
		versions := []string{"1.0"}
		if chunked {
			versions = append(versions, "1.1")
		}
		s := &heldTape{hello: []byte(helloOf(versions...) + EndMark), rest: wire, asked: make(chan struct{})}
		stray := 0
		n, err := Open(context.Background(), NewTransport(s, FrameOptions{}), Options{OnFault: func(_ *Fault, raw []byte) { stray += len(raw) }})
		if err != nil {
			t.Fatal(err)
		}
		type end struct {
			out   Outcome
			err   error
			times int
			got   bytes.Buffer
		}
		var ends [2]end
		for i := range ends {
			effect := []Effect{Reads, Commits}[i]
			if err := n.Start(context.Background(), Request{Body: []byte("<x/>"), Effect: effect}, &ends[i].got, func(o Outcome, err error) {
				ends[i].out, ends[i].err = o, err
				ends[i].times++
			}); err != nil {
				t.Fatal(err)
			}
		}
		<-n.Done()
		for i := range ends {
			e := &ends[i]
			if e.times != 1 {
				t.Fatalf("request %d ended %d times", i+1, e.times)
			}
			switch e.out.Result {
			case Answered:
				if e.err != nil || e.got.Len() == 0 || !e.out.OK && e.out.ErrorCount == 0 && !bytes.Contains(e.got.Bytes(), []byte("load-error-count")) {
					t.Fatalf("request %d: %+v %v %q", i+1, e.out, e.err, e.got.String())
				}
			case Stopped, Unknown:
				var f *Fault
				if !errors.As(e.err, &f) || e.out.OK || (e.out.Result == Unknown) != (i == 1) {
					t.Fatalf("request %d: %+v %v", i+1, e.out, e.err)
				}
			default:
				t.Fatalf("request %d was sent, and is told as %+v", i+1, e.out)
			}
			if e.out.Bytes != int64(e.got.Len()) {
				t.Fatalf("request %d: %d B counted, %d given", i+1, e.out.Bytes, e.got.Len())
			}
			if e.err != nil && (!utf8.ValidString(e.err.Error()) || strings.ContainsAny(e.err.Error(), "\x1b\x00\r")) {
				t.Fatalf("foreign bytes in %q", e.err)
			}
		}
		if ends[0].got.Len()+ends[1].got.Len() > len(wire) || n.Err() == nil {
			t.Fatalf("%d and %d of %d B, %v", ends[0].got.Len(), ends[1].got.Len(), len(wire), n.Err())
		}
	})
}

// FuzzTrace turns what was recorded back into the bytes.
func FuzzTrace(f *testing.F) {
	f.Add([]byte("\n#6\n<rpc/>\n##\n"), []byte("a\\n\r\t\x00\xc3"))
	f.Add([]byte("# \n> \n< "), []byte("\u202e\u0085\ufeff"))
	f.Fuzz(func(t *testing.T, sent, received []byte) {
		var b strings.Builder
		w := NewTraceWriter(&b, nil)
		w.Record(Sent, sent)
		w.Record(Received, received)
		gotSent, gotReceived := parseTrace(t, b.String())
		if gotSent != string(sent) || gotReceived != string(received) {
			t.Fatalf("%q %q became %q %q in %q", sent, received, gotSent, gotReceived, b.String())
		}
	})
}
