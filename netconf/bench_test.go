package netconf

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// junosText is about n bytes of configuration as Junos prints it, 33 B a line.
func junosText(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "    <interface>\n        <name>ge-0/0/%d</name>\n        <description>to core %d</description>\n        <mtu>9192</mtu>\n        <unit>\n            <name>0</name>\n            <family>\n                <inet>\n                    <mtu>1500</mtu>\n                </inet>\n            </family>\n        </unit>\n    </interface>\n", i%48, i)
	}
	return b.String()
}

// loop is a stream that plays the same bytes n times, as a socket would.
type loop struct {
	text []byte
	off  int
	n    int
}

func (l *loop) Read(p []byte) (int, error) {
	if l.n == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.text[l.off:])
	if l.off += n; l.off == len(l.text) {
		l.off = 0
		l.n--
	}
	return n, nil
}
func (l *loop) Write(p []byte) (int, error) { return len(p), nil }
func (l *loop) Close() error                { return nil }

func BenchmarkDeframe(b *testing.B) {
	text := strings.TrimSpace(junosText(4 << 20))
	run := func(name string, f Framing, wire string) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			tr := NewTransport(&loop{text: []byte(wire), n: b.N}, FrameOptions{})
			tr.SetReadFraming(f)
			for b.Loop() {
				m, err := tr.NextMessage()
				if err == io.EOF {
					tr = NewTransport(&loop{text: []byte(wire), n: 100}, FrameOptions{})
					tr.SetReadFraming(f)
					continue
				}
				if n, err := io.Copy(discard{}, m); err != nil || int(n) != len(text) {
					b.Fatal(n, err)
				}
			}
		})
	}
	b.Run("discard", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		buf := make([]byte, largeBuf)
		for b.Loop() {
			l := &loop{text: []byte(text), n: 1}
			for {
				if _, err := l.Read(buf); err != nil {
					break
				}
			}
		}
	})
	for _, n := range []int{1, 256, 4096, 65536} {
		run(fmt.Sprint("chunks of ", n), Chunked, chunks(text, n))
	}
	run("end of message", EndOfMessage, text+EndMark)
}

// discard is io.Discard without its ReadFrom.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkReplyScan(b *testing.B) {
	for name, text := range map[string]string{
		"junos":    junosText(4 << 20),
		"one line": strings.NewReplacer("\n", "", "  ", "").Replace(junosText(4 << 20)),
		"dense":    strings.Repeat("<a/>", 1<<20),
		"errors":   strings.Repeat("<name>input-error</name><error>0</error>", 100_000),
		"text":     strings.Repeat("the quick brown fox\n", 200_000),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				x := &scanner{}
				for p := []byte(text); len(p) > 0; {
					n := min(len(p), 32<<10)
					x.scan(p[:n])
					p = p[n:]
				}
			}
		})
	}
}

// answerer is a device on a socket that answers each request with 1 KB.
func answerer(b *testing.B) net.Conn {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() { // ends when the client hangs up
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		tr := NewTransport(c, FrameOptions{})
		w, _ := tr.NewMessage()
		io.WriteString(w, helloOf("1.0", "1.1"))
		w.Close()
		m, err := tr.NextMessage()
		if err != nil {
			return
		}
		io.Copy(io.Discard, m)
		tr.SetReadFraming(Chunked)
		tr.SetWriteFraming(Chunked)
		inner := []byte(`" xmlns="` + BaseNS + `"><data>` + junosText(900) + `</data></rpc-reply>`)
		var body bytes.Buffer
		for {
			m, err := tr.NextMessage()
			if err != nil {
				return
			}
			body.Reset()
			io.Copy(&body, m)
			id, _ := attr(body.Bytes(), "message-id")
			if len(id) == 0 {
				_, after, _ := bytes.Cut(body.Bytes(), []byte(`message-id="`))
				id, _, _ = bytes.Cut(after, []byte(`"`))
			}
			if tr.in.r < tr.in.w {
				tr.hold()
			}
			w, _ := tr.NewMessage()
			io.WriteString(w, `<rpc-reply message-id="`)
			w.Write(id)
			w.Write(inner)
			w.Close()
			if tr.in.r == tr.in.w && tr.release() != nil {
				return
			}
		}
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// rawLoop is the yardstick: the bare framing over the same socket.
func rawLoop(b *testing.B) *Transport {
	tr := NewTransport(answerer(b), FrameOptions{})
	w, _ := tr.NewMessage()
	w.Write(ourHello(Options{}))
	w.Close()
	m, err := tr.NextMessage()
	if err != nil {
		b.Fatal(err)
	}
	io.Copy(discard{}, m)
	tr.SetReadFraming(Chunked)
	tr.SetWriteFraming(Chunked)
	return tr
}

// rawAsk writes one request in one Write of the socket.
func rawAsk(tr *Transport, id int) {
	text := `<rpc message-id="` + strconv.Itoa(id) + `" xmlns="` + BaseNS + `"><get-config/></rpc>`
	io.WriteString(tr.rwc, "\n#"+strconv.Itoa(len(text))+"\n"+text+"\n##\n")
}

// BenchmarkPipelined and BenchmarkSequential send 1,000 requests.
func BenchmarkPipelined(b *testing.B) {
	const n = 1000
	b.Run("raw", func(b *testing.B) {
		tr := rawLoop(b)
		defer tr.Close()
		for b.Loop() {
			go func() { // ends when all are written
				for i := range n {
					rawAsk(tr, i)
				}
			}()
			for range n {
				m, err := tr.NextMessage()
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(discard{}, m)
			}
		}
	})
	b.Run("session", func(b *testing.B) {
		s, err := Open(b.Context(), NewTransport(answerer(b), FrameOptions{}), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close(b.Context())
		req := Request{Body: []byte("<get-config/>")}
		for b.Loop() {
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if out, err := s.Do(b.Context(), req, discard{}); err != nil || !out.OK {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		}
	})
}

func BenchmarkSequential(b *testing.B) {
	const n = 1000
	b.Run("raw", func(b *testing.B) {
		tr := rawLoop(b)
		defer tr.Close()
		for b.Loop() {
			for i := range n {
				rawAsk(tr, i)
				m, err := tr.NextMessage()
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(discard{}, m)
			}
		}
	})
	b.Run("session", func(b *testing.B) {
		s, err := Open(b.Context(), NewTransport(answerer(b), FrameOptions{}), Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close(b.Context())
		req := Request{Body: []byte("<get-config/>")}
		for b.Loop() {
			for range n {
				if out, err := s.Do(b.Context(), req, discard{}); err != nil || !out.OK {
					b.Fatal(err)
				}
			}
		}
	})
}
