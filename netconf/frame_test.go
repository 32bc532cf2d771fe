package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

// readAs reads wire in pieces, after an end-of-message hello when one is due.
func readAs(framing Framing, q Quirks, reads [][]byte) ([]string, error) {
	tr := NewTransport(&tape{reads: reads}, FrameOptions{Quirks: q})
	if framing == Chunked {
		tr.SetReadFraming(Chunked)
	}
	return readAll(tr)
}

func TestReadMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<interface><name>ge-0/0/0</name></interface>\n", 3000)
	tests := []struct {
		name    string
		framing Framing
		quirks  Quirks
		wire    string
		want    []string
	}{
		{"two chunks", Chunked, Quirks{}, "\n#4\n<rpc\n#2\n/>\n##\n", []string{"<rpc/>"}},
		{"marks in data", Chunked, Quirks{}, chunks("a\n##\nb]]>]]>c\n#3\n", 40), []string{"a\n##\nb]]>]]>c\n#3\n"}},
		{"rune over two chunks", Chunked, Quirks{}, "\n#1\n\xc3\n#1\n\xa4\n##\n", []string{"ä"}},
		{"three messages at once", Chunked, Quirks{}, chunks("one", 1) + chunks("two", 2) + chunks("three", 9), []string{"one", "two", "three"}},
		{"stray LF before first header", Chunked, Quirks{}, "\n\n\n#2\nab\n##\n\n\n#1\nc\n##\n", []string{"ab", "c"}},
		{"lenient CR", Chunked, Quirks{LenientChunks: true}, "\r\n#2\r\nab\r\n#1\r\nc\r\n##\r\n\r\n#1\nd\n##\n", []string{"abc", "d"}},
		{"lenient without LF", Chunked, Quirks{LenientChunks: true}, "#2\nab#1\nc##\n#1\nd##\n", []string{"abc", "d"}},
		{"NUL stripped", Chunked, Quirks{StripNUL: true}, "\x00\n#3\na\x00b\n##\n\x00\x00\n#1\nc\n##\n", []string{"ab", "c"}},
		{"largest sizes", Chunked, Quirks{}, chunks(long, 70000), []string{long}},
		{"one-byte chunks", Chunked, Quirks{}, chunks(long[:5000], 1), []string{long[:5000]}},

		{"marks", EndOfMessage, Quirks{}, "<a/>]]>]]><b/>]]>]]>", []string{"<a/>", "<b/>"}},
		{"junos white space", EndOfMessage, Quirks{}, "<a/>\n]]>]]>\n<b/>\n]]>]]>\n", []string{"<a/>\n", "<b/>\n"}},
		{"near marks", EndOfMessage, Quirks{}, "a]]]>]]>b]]>]]]>]]>]]>]]>", []string{"a]", "b]]>]", ""}},
		{"empty message", EndOfMessage, Quirks{}, "]]>]]>a]]>]]>", []string{"", "a"}},
		{"NUL stripped", EndOfMessage, Quirks{StripNUL: true}, "\x00<a\x00/>]]>]]>\x00\x00<b/>]]>]]>\x00", []string{"<a/>", "<b/>"}},
		{"mark in CDATA ends early", EndOfMessage, Quirks{}, "<a><![CDATA[x]]>]]></a>]]>]]>", []string{"<a><![CDATA[x", "</a>"}},
		{"long", EndOfMessage, Quirks{}, long + "]]>]]>", []string{long}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.name, " ", tt.framing), func(t *testing.T) {
			t.Parallel()
			check := func(what string, reads [][]byte) {
				got, err := readAs(tt.framing, tt.quirks, reads)
				if err != io.EOF || fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Fatalf("%s: got %.200q, %v", what, got, err)
				}
			}
			check("whole", pieces(tt.wire, 1<<30))
			check("byte by byte", pieces(tt.wire, 1))
			for cut := 0; cut <= len(tt.wire) && cut < 600; cut++ {
				check(fmt.Sprint("cut at ", cut), [][]byte{[]byte(tt.wire[:cut]), []byte(tt.wire[cut:])})
			}
		})
	}
}

// A fault has the same code however the bytes arrive, and what came before it
// is delivered.
func TestReadFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		framing Framing
		wire    string
		code    string
		what    string // part of the message
		kept    string // payload before it
	}{
		{"zero", Chunked, "\n#0\n", "FRM-SIZE", `"0" at byte 0`, ""},
		{"leading zero", Chunked, "\n#01\nx", "FRM-SIZE", `"01`, ""},
		{"plus", Chunked, "\n#+5\n", "FRM-SIZE", `"+5`, ""},
		{"space", Chunked, "\n# 5\n", "FRM-SIZE", `" 5`, ""},
		{"space after", Chunked, "\n#4 \n", "FRM-SIZE", `"4 `, ""},
		{"minus", Chunked, "\n#-1\n", "FRM-SIZE", `"-1`, ""},
		{"too large", Chunked, "\n#4294967296\n", "FRM-SIZE", `"4294967296`, ""},
		{"eleven digits", Chunked, "\n#42949672950\n", "FRM-SIZE", `"4294967295`, ""},
		{"digits without end", Chunked, "\n#" + strings.Repeat("1", 100), "FRM-SIZE", "1111", ""},
		{"hex", Chunked, "\n#0x10\n", "FRM-SIZE", "0x10", ""},
		{"no size", Chunked, "\n#\n", "FRM-SIZE", `""`, ""},
		{"CR", Chunked, "\n#4\r\nabcd", "FRM-SIZE", `"4\r`, ""},
		{"second size", Chunked, "\n#1\na\n#0\n", "FRM-SIZE", "at byte 5", "a"},
		{"no LF first", Chunked, "#4\nabcd", "FRM-SYNC", `at byte 0, got "#4\n`, ""},
		{"CRLF between", Chunked, "\n#1\na\r\n#1\nb\n##\n", "FRM-SYNC", `at byte 5, got "\r\n#`, "a"},
		{"text between", Chunked, "\n#1\naxyz\n#1\nb\n##\n", "FRM-SYNC", `got "xyz`, "a"},
		{"marker instead of header", Chunked, "\n#1\na]]>]]>", "FRM-SYNC", `got "]]>]]>`, "a"},
		{"bad end", Chunked, "\n#1\na\n##x", "FRM-SYNC", `at byte 5`, "a"},
		{"no chunk", Chunked, "\n##\n", "FRM-EMPTY", "without a chunk", ""},
		{"1.0 framing", Chunked, "<rpc-reply/>]]>]]>", "FRM-MODE", "sent 1.0 framing at byte 0", ""},
		{"1.0 framing later", Chunked, "\n#1\na\n##\n\n<b/>]]>]]>", "FRM-MODE", "1.0 framing", "a"},
		{"marker alone", Chunked, "]]>]]>", "FRM-MODE", "1.0 framing", ""},
		{"1.1 framing", EndOfMessage, "<hello/>]]>]]>\n#4\n<b/>\n##\n", "FRM-MODE", "agreed to base:1.0 but sent 1.1", "<hello/>"},
		{"cut in header", Chunked, "\n#12", "FRM-CUT", "header", ""},
		{"cut in chunk", Chunked, "\n#4294967295\nabc", "FRM-CUT", "chunk of 4294967295 B stopped after 3 B", "abc"},
		{"cut in message", EndOfMessage, "abc]]>]]", "FRM-CUT", "after 8 B", "abc"},
		{"blanks without end", Chunked, "\n#1\na\n##\n" + strings.Repeat("\n", 100), "FRM-SYNC", "expected", "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{1 << 30, 1, 2, 3, 7} {
				got, err := readAs(tt.framing, Quirks{}, pieces(tt.wire, n))
				// With small reads the fault comes sooner and quotes less.
				if code(err) != tt.code || n > 100 && !strings.Contains(err.Error(), tt.what) {
					t.Errorf("reads of %d: %v", n, err)
				}
				if kept := strings.Join(got, ""); !strings.HasPrefix(kept, tt.kept) || tt.code != "FRM-CUT" && kept != tt.kept {
					t.Errorf("reads of %d: kept %q", n, kept)
				}
			}
		})
	}
}

// The fault is final: nothing is searched for behind it.
func TestNoResync(t *testing.T) {
	t.Parallel()
	tr := NewTransport(&tape{reads: pieces("\n#0\n\n#1\na\n##\n", 100)}, FrameOptions{})
	tr.SetReadFraming(Chunked)
	for range 3 {
		if _, err := tr.NextMessage(); code(err) != "FRM-SIZE" {
			t.Fatal(err)
		}
	}
}

// Framing changes exactly after the hello, wherever the reads are cut.
func TestFramingChangesAfterHello(t *testing.T) {
	t.Parallel()
	for _, between := range []string{"", "\n", "\r\n", " \n\n"} {
		wire := helloOf("1.0", "1.1") + "]]>]]>" + between + chunks("<rpc-reply/>", 5)
		for cut := 0; cut <= len(wire); cut++ {
			tr := NewTransport(&tape{reads: [][]byte{[]byte(wire[:cut]), []byte(wire[cut:])}}, FrameOptions{})
			m, err := tr.NextMessage()
			if err != nil {
				t.Fatal(err)
			}
			hello, _ := io.ReadAll(m)
			tr.SetReadFraming(Chunked)
			rest, err := readAll(tr)
			if string(hello) != helloOf("1.0", "1.1") || len(rest) != 1 || rest[0] != "<rpc-reply/>" || err != io.EOF {
				t.Fatalf("%q cut at %d: %q %v", between, cut, rest, err)
			}
		}
	}
}

func TestUnreadMessageIsDiscarded(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{EndOfMessage, Chunked} {
		wire := frame(f, strings.Repeat("x", 100000)) + frame(f, "two")
		tr := NewTransport(&tape{reads: pieces(wire, 1000)}, FrameOptions{})
		tr.SetReadFraming(f)
		m, _ := tr.NextMessage()
		small := make([]byte, 10)
		io.ReadFull(m, small)
		next, err := tr.NextMessage()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Read(small); err != errStale {
			t.Errorf("stale read: %v", err)
		}
		if b, err := io.ReadAll(next); err != nil || string(b) != "two" {
			t.Errorf("%v: %q %v", f, b, err)
		}
	}
}

// A header may claim 4 GiB: memory follows what arrives, not what is claimed.
func TestClaimAllocatesNothing(t *testing.T) {
	wire := "\n#4294967295\n" + strings.Repeat("x", 1024)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	tr := NewTransport(&tape{reads: pieces(wire, 1<<20)}, FrameOptions{})
	tr.SetReadFraming(Chunked)
	m, err := tr.NextMessage()
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, m)
	runtime.ReadMemStats(&after)
	if n != 1024 || code(err) != "FRM-CUT" {
		t.Errorf("%d B, %v", n, err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<10 {
		t.Errorf("%d B allocated", used)
	}
}

func TestMessageCap(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{EndOfMessage, Chunked} {
		tr := NewTransport(&tape{reads: pieces(frame(f, strings.Repeat("x", 5000)), 900)}, FrameOptions{MaxMessage: 2000})
		tr.SetReadFraming(f)
		m, _ := tr.NextMessage()
		b, err := io.ReadAll(m)
		if len(b) != 2000 || code(err) != "RPC-CAP" {
			t.Errorf("%v: %d B, %v", f, len(b), err)
		}
		exact := NewTransport(&tape{reads: pieces(frame(f, strings.Repeat("x", 2000)), 900)}, FrameOptions{MaxMessage: 2000})
		exact.SetReadFraming(f)
		if got, err := readAll(exact); len(got) != 1 || len(got[0]) != 2000 || err != io.EOF {
			t.Errorf("%v: a message of the very size was refused: %v", f, err)
		}
	}
}

// A session that waits holds no large buffer.
func TestIdleBufferIsSmall(t *testing.T) {
	t.Parallel()
	src := &tape{reads: pieces(frame(Chunked, strings.Repeat("x", 2<<20)), 1<<30)}
	tr := NewTransport(src, FrameOptions{})
	tr.SetReadFraming(Chunked)
	m, _ := tr.NextMessage()
	if io.Copy(io.Discard, m); len(tr.in.buf) != largeBuf {
		t.Errorf("buffer of a large message: %d", len(tr.in.buf))
	}
	if _, err := tr.NextMessage(); err != io.EOF {
		t.Error(err)
	}
	if len(tr.in.buf) > keptBuf {
		t.Errorf("buffer while waiting: %d", len(tr.in.buf))
	}
}

func TestReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("reset")
	tr := NewTransport(&tape{reads: pieces("\n#9\nabc", 100), end: broken}, FrameOptions{})
	tr.SetReadFraming(Chunked)
	if got, err := readAll(tr); code(err) != "NET-LOST" || !errors.Is(err, broken) || got[0] != "abc" {
		t.Errorf("%q %v", got, err)
	}
	dull := NewTransport(struct {
		io.Reader
		io.Writer
		io.Closer
	}{iotest.ErrReader(nil), io.Discard, io.NopCloser(nil)}, FrameOptions{})
	if _, err := dull.NextMessage(); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("%v", err)
	}
}

// tee records the bytes of each direction.
type tee [2]bytes.Buffer

func (r *tee) Record(d Direction, p []byte) { r[d].Write(p) }

func TestRecorderGetsEveryByte(t *testing.T) {
	t.Parallel()
	wire := chunks(strings.Repeat("abc", 1000), 7) + chunks("x", 1)
	var rec tee
	stream := &tape{reads: pieces(wire, 333)}
	tr := NewTransport(stream, FrameOptions{Recorder: &rec})
	tr.SetReadFraming(Chunked)
	tr.SetWriteFraming(Chunked)
	readAll(tr)
	w, _ := tr.NewMessage()
	io.WriteString(w, "<rpc/>")
	w.Close()
	if rec[Received].String() != wire || rec[Sent].String() != stream.sent() {
		t.Error("the record differs from the wire")
	}
}

func TestWriteMessages(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789", 250_000)
	tests := []struct {
		name    string
		framing Framing
		writes  []string
		want    string
		writesN int
	}{
		{"small", EndOfMessage, []string{"<rpc>", "<get/>", "</rpc>"}, "<rpc><get/></rpc>]]>]]>", 1},
		{"small", Chunked, []string{"<rpc>", "<get/>", "</rpc>"}, "\n#17\n<rpc><get/></rpc>\n##\n", 1},
		{"large", Chunked, []string{big}, chunks(big, sendChunk), 3},
		{"exactly one chunk", Chunked, []string{big[:sendChunk]}, chunks(big[:sendChunk], sendChunk), 2},
		{"large", EndOfMessage, []string{big}, big + "]]>]]>", 3},
		{"near mark over writes", EndOfMessage, []string{"]]>]", "]]", ">]]", "x"}, "]]>]]]>]]x]]>]]>", 1},
		{"mark in 1.1", Chunked, []string{"]]>]]>"}, "\n#6\n]]>]]>\n##\n", 1},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.name, " ", tt.framing), func(t *testing.T) {
			t.Parallel()
			stream := &tape{}
			tr := NewTransport(stream, FrameOptions{})
			tr.SetWriteFraming(tt.framing)
			for range 2 { // the second finds clean buffers
				stream.writes = nil
				w, err := tr.NewMessage()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tr.NewMessage(); err != errOpenMessage {
					t.Errorf("two messages at once: %v", err)
				}
				for _, p := range tt.writes {
					if n, err := io.WriteString(w, p); n != len(p) || err != nil {
						t.Fatal(n, err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if got := stream.sent(); got != tt.want {
					t.Errorf("sent %.80q (%d B)", got, len(got))
				}
				if len(stream.writes) != tt.writesN {
					t.Errorf("%d Writes of the stream", len(stream.writes))
				}
				if _, err := w.Write(nil); err != errClosedMessage {
					t.Errorf("write after close: %v", err)
				}
			}
		})
	}
}

// What is written can be read again, whatever the pieces.
func TestWriteThenRead(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("<a>]]>]]</a>\n##\n", 200_000)
	for _, f := range []Framing{EndOfMessage, Chunked} {
		stream := &tape{}
		tr := NewTransport(stream, FrameOptions{})
		tr.SetWriteFraming(f)
		w, _ := tr.NewMessage()
		for _, p := range pieces(body, 70_001) {
			w.Write(p)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got, err := readAs(f, Quirks{}, stream.writes); err != io.EOF || len(got) != 1 || got[0] != body {
			t.Errorf("%v: %d messages, %v", f, len(got), err)
		}
	}
}

// The end mark inside a base:1.0 message is refused wherever Writes cut it, and
// the transport stays usable when nothing of the message had left.
func TestWriteRefusesEndMark(t *testing.T) {
	t.Parallel()
	text := "<a>]]>]]></a>"
	for cut := 0; cut <= len(text); cut++ {
		stream := &tape{}
		tr := NewTransport(stream, FrameOptions{})
		w, _ := tr.NewMessage()
		_, err := io.WriteString(w, text[:cut])
		if err == nil {
			_, err = io.WriteString(w, text[cut:])
		}
		if code(err) != "FRM-MARK" {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if err := w.Close(); code(err) != "FRM-MARK" || len(stream.writes) != 0 {
			t.Fatalf("cut at %d: %v, %q left", cut, err, stream.writes)
		}
		w, _ = tr.NewMessage()
		io.WriteString(w, "<b/>")
		if err := w.Close(); err != nil || stream.sent() != "<b/>]]>]]>" {
			t.Fatalf("the next message: %v, %q", err, stream.sent())
		}
	}
	// Byte by byte, too.
	tr := NewTransport(&tape{}, FrameOptions{})
	w, _ := tr.NewMessage()
	var err error
	for i := 0; i < len(text) && err == nil; i++ {
		_, err = io.WriteString(w, text[i:i+1])
	}
	if code(err) != "FRM-MARK" {
		t.Error(err)
	}
	// When a part has left the stream is of no use any more.
	w.Close()
	w, _ = tr.NewMessage()
	io.WriteString(w, strings.Repeat("x", sendChunk))
	io.WriteString(w, "]]>]]>")
	if err := w.Close(); code(err) != "FRM-MARK" {
		t.Error(err)
	}
	if _, err := tr.NewMessage(); code(err) != "FRM-MARK" {
		t.Error(err)
	}
}

func TestWriteEmptyAndBroken(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{EndOfMessage, Chunked} {
		stream := &tape{}
		tr := NewTransport(stream, FrameOptions{})
		tr.SetWriteFraming(f)
		w, _ := tr.NewMessage()
		if err := w.Close(); code(err) != "FRM-EMPTY" || len(stream.writes) > 0 {
			t.Errorf("%v: %v %q", f, err, stream.writes)
		}
		stream.fail = io.ErrClosedPipe
		w, _ = tr.NewMessage()
		io.WriteString(w, "<a/>")
		if err := w.Close(); code(err) != "NET-LOST" || !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v: %v", f, err)
		}
		if _, err := tr.NewMessage(); code(err) != "NET-LOST" {
			t.Errorf("%v: %v", f, err)
		}
	}
}

func TestHeldMessagesLeaveTogether(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{EndOfMessage, Chunked} {
		stream := &tape{}
		tr := NewTransport(stream, FrameOptions{})
		tr.SetWriteFraming(f)
		tr.hold()
		want := ""
		for i := range 50 {
			text := fmt.Sprintf("<rpc message-id=\"%d\"/>", i)
			want += frame(f, text)
			w, _ := tr.NewMessage()
			io.WriteString(w, text)
			w.Close()
		}
		if err := tr.release(); err != nil || len(stream.writes) != 1 || stream.sent() != want {
			t.Errorf("%v: %v, %d writes", f, err, len(stream.writes))
		}
	}
}
