package outbound

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"dialtone/conn/outbound/jetpb"
)

// read lets a session take pieces and then the end of the stream.
func read(t *testing.T, k Kind, pieces ...string) (string, *stream) {
	t.Helper()
	s := New(Options{})
	t.Cleanup(s.Close)
	p := &script{}
	for _, x := range pieces {
		p.pieces = append(p.pieces, []byte(x))
	}
	st := newStream(s, &guest{s: s, gone: make(chan struct{})}, &row{}, k, p)
	done := make(chan struct{})
	go func() { // ends with the pieces
		defer close(done)
		st.pump()
	}()
	got, err := io.ReadAll(st)
	if err != nil {
		t.Errorf("%q: %v", pieces, err)
	}
	<-done
	return string(got), st
}

// The notices are found wherever they are cut, behind a whole message, a broken
// one and none, and nothing of them is output.
func TestEndNoticesCutAnywhere(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "<hello/>\n]]>]]>\n", "<rpc-reply><a>c", "<a/>]]>]]>", "out\n"} {
		for _, n := range notices {
			for _, text := range []string{n.text, strings.ToUpper(n.text[:1]) + n.text[1:], "\n" + n.text + "\r\n"} {
				for _, k := range []Kind{NETCONF, CSH} {
					for i := range len(text) + 1 {
						pieces := []string{before, text[:i], text[i:]}
						if k == CSH {
							pieces = append([]string{"csh session is started"}, pieces...)
						}
						got, st := read(t, k, pieces...)
						if strings.TrimSpace(got) != strings.TrimSpace(before) || codeOf(st.Err()) != "GRPC-ENDED" || !strings.Contains(st.Err().Error(), n.what) {
							t.Fatalf("%q gave %q, %v", pieces, got, st.Err())
						}
					}
				}
				one := strings.Split(before+text, "")
				if got, st := read(t, NETCONF, one...); !strings.HasSuffix(before, "c") && strings.HasSuffix(strings.TrimSpace(before), endMark) &&
					(strings.TrimSpace(got) != strings.TrimSpace(before) || codeOf(st.Err()) != "GRPC-ENDED") {
					t.Fatalf("%q byte by byte gave %q, %v", before+text, got, st.Err())
				}
			}
		}
	}
}

// A notice in one message with what it follows.
func TestEndNoticeBehindAnEndMark(t *testing.T) {
	t.Parallel()
	const text = "<rpc-reply><ok/></rpc-reply>\n]]>]]>\nClient is stopping, subprocess not running"
	for i := range len(text) {
		got, st := read(t, NETCONF, text[:i], text[i:])
		if strings.TrimSpace(got) != "<rpc-reply><ok/></rpc-reply>\n]]>]]>" || codeOf(st.Err()) != "GRPC-ENDED" {
			t.Fatalf("cut at %d: %q, %v", i, got, st.Err())
		}
	}
}

func TestTextLikeANoticeIsOutput(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		k      Kind
		pieces []string
	}{
		{NETCONF, []string{"<a>", "Client is stopping, termination received", "</a>]]>]]>"}},
		{NETCONF, []string{"<a>", "Client is stop", "</a>]]>]]>"}},
		{NETCONF, []string{"<a>", "c", "lient is stopping, x</a>]]>]]>"}},
		{NETCONF, []string{"<a>", "Client is stop"}},
		{CSH, []string{"Client is stopping, termination received", "\nand more"}},
		{CSH, []string{"c", "Client is not"}},
		{CSH, []string{"csh session", "ion is started"}},
		{CSH, []string{"csh ses"}},
		{CSH, []string{"Client is stopping, caf\xe9"}},
		{CSH, []string{strings.Repeat("client is stopping, ", 10)}},
	} {
		if got, _ := read(t, x.k, x.pieces...); got != strings.Join(x.pieces, "") {
			t.Errorf("%q gave %q", x.pieces, got)
		}
	}
}

// slow is a pipe whose pieces come when the test wants.
type slow struct{ pieces chan string }

func (s *slow) Context() context.Context { return context.Background() }
func (s *slow) send([]byte) error        { return nil }
func (s *slow) kill() error              { return nil }
func (s *slow) recv(b []byte) ([]byte, error) {
	p, ok := <-s.pieces
	if !ok {
		return b, io.EOF
	}
	return append(b, p...), nil
}

// A device that says the words and does not end the stream: a shell has printed
// them, NETCONF has ended.
func TestNoticeWithoutTheEnd(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		k     Kind
		piece string
		out   string // "" when the session ends
	}{
		{CSH, "Client is stopping, select call failed", "Client is stopping, select call failed"},
		{CSH, "c", "c"},
		{NETCONF, "Client is stopping, select call failed", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := New(Options{})
			defer s.Close()
			p := &slow{make(chan string)}
			st := newStream(s, &guest{s: s, gone: make(chan struct{})}, &row{}, x.k, p)
			go st.pump() // ends with the pieces
			first := "<a>half"
			p.pieces <- first
			if _, err := io.ReadFull(st, make([]byte, len(first))); err != nil {
				t.Fatal(err)
			}
			p.pieces <- x.piece
			start := time.Now()
			b := make([]byte, 100)
			n, err := st.Read(b)
			if took := time.Since(start); string(b[:n]) != x.out || (err == io.EOF) != (x.out == "") || took != noticeWait {
				t.Errorf("%q: read %q, %v after %v", x.piece, b[:n], err, took)
			}
			if (codeOf(st.Err()) == "GRPC-ENDED") != (x.out == "") {
				t.Errorf("%q: %v", x.piece, st.Err())
			}
			close(p.pieces)
		})
	}
}

// FuzzSieve cuts an output and its notice anywhere: the same must come out.
func FuzzSieve(f *testing.F) {
	f.Add([]byte("<rpc-reply/>"), uint8(0), uint16(3), uint16(20), false)
	f.Add([]byte("x"), uint8(2), uint16(1), uint16(9), true)
	f.Fuzz(func(t *testing.T, out []byte, which uint8, a, b uint16, shell bool) {
		out = append(bytes.Clone(out), "\n]]>]]>\n"...)
		text := append(bytes.Clone(out), notices[int(which)%len(notices)].text...)
		i := int(a) % len(text)
		j := i + int(b)%(len(text)-i)
		if shell { // its notice is a message of its own, or cut
			i, j = len(out), max(j, len(out))
		}
		s := sieve{shell: shell, begun: true}
		var got []byte
		for _, piece := range [][]byte{text[:i], text[i:j], text[j:]} {
			before, now, _ := s.sift(piece)
			got = append(append(got, before...), now...)
		}
		if told(s.held) == nil {
			got = append(got, s.flush()...)
		}
		if string(bytes.TrimSpace(got)) != string(bytes.TrimSpace(out)) {
			t.Errorf("%q cut at %d and %d gave %q", text, i, j, got)
		}
	})
}

// FuzzPiece compares our decoder of pieces with that of protobuf.
func FuzzPiece(f *testing.F) {
	f.Add([]byte("\x0a\x05hello"))
	f.Add([]byte("\x0a\x01a\x0a\x01b\x10\x07"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Add([]byte("\x0b\x0a\x01x\x0c\x0a\x00"))
	f.Add([]byte("\xc9\xf2\xe6\xc2000000000"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var m jetpb.SessionOutput
		wrong := proto.Unmarshal(b, &m)
		p := piece{text: []byte("kept"), field: 1}
		half := mem.BufferSlice{mem.SliceBuffer(b[:len(b)/2]), mem.SliceBuffer(b[len(b)/2:])}
		err := newCodec().Unmarshal(half, &p)
		if (err != nil) != (wrong != nil) {
			t.Fatalf("%x: %v, protobuf says %v", b, err, wrong)
		}
		if err == nil && string(p.text) != "kept"+string(m.GetMessage()) {
			t.Errorf("%x: %q, want %q", b, p.text, m.GetMessage())
		}
	})
}
