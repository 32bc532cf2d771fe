package netconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/netconf/xmltext"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) {
	code := m.Run()
	deadline := time.Now().Add(3 * time.Second)
	for runtime.NumGoroutine() > 2 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > 2 && code == 0 {
		buf := make([]byte, 1<<20)
		fmt.Fprintf(os.Stderr, "%d goroutines left:\n%s\n", n, buf[:runtime.Stack(buf, true)])
		code = 1
	}
	os.Exit(code)
}

// tape is a stream that plays reads in given pieces and keeps what is written.
type tape struct {
	reads  [][]byte
	end    error // after the last piece; io.EOF when nil
	mu     sync.Mutex
	writes [][]byte
	fail   error // of every Write
	closed bool
}

func (s *tape) Read(p []byte) (int, error) {
	for len(s.reads) > 0 && len(s.reads[0]) == 0 {
		s.reads = s.reads[1:]
	}
	if len(s.reads) == 0 {
		if s.end != nil {
			return 0, s.end
		}
		return 0, io.EOF
	}
	n := copy(p, s.reads[0])
	s.reads[0] = s.reads[0][n:]
	return n, nil
}

func (s *tape) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return 0, s.fail
	}
	s.writes = append(s.writes, bytes.Clone(p))
	return len(p), nil
}

func (s *tape) Close() error { s.closed = true; return nil }

func (s *tape) sent() string { return string(bytes.Join(s.writes, nil)) }

// pieces cuts text into reads of n bytes.
func pieces(text string, n int) (out [][]byte) {
	for len(text) > n {
		out = append(out, []byte(text[:n]))
		text = text[n:]
	}
	return append(out, []byte(text))
}

// code is the code of a fault, "" for nil and the text of any other error.
func code(err error) string {
	var f *Fault
	switch {
	case err == nil:
		return ""
	case errors.As(err, &f):
		return f.Code
	}
	return err.Error()
}

func codes(faults []*Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, f.Code)
	}
	return strings.Join(out, " ")
}

// frame puts text into the given framing, in one chunk.
func frame(f Framing, text string) string {
	if f == Chunked {
		return fmt.Sprintf("\n#%d\n%s\n##\n", len(text), text)
	}
	return text + "]]>]]>"
}

// chunks puts text into chunks of n bytes.
func chunks(text string, n int) string {
	var b strings.Builder
	for _, p := range pieces(text, n) {
		fmt.Fprintf(&b, "\n#%d\n%s", len(p), p)
	}
	b.WriteString("\n##\n")
	return b.String()
}

// readAll returns all messages of a transport and the error that ends them.
func readAll(t *Transport) (messages []string, err error) {
	for {
		m, err := t.NextMessage()
		if err != nil {
			return messages, err
		}
		b, err := io.ReadAll(m)
		if err != nil {
			return append(messages, string(b)), err
		}
		messages = append(messages, string(b))
	}
}

// helloOf is a device's hello that offers the versions.
func helloOf(versions ...string) string {
	var b strings.Builder
	b.WriteString(`<hello xmlns="` + BaseNS + `"><capabilities>`)
	for _, v := range versions {
		b.WriteString("<capability>urn:ietf:params:netconf:base:" + v + "</capability>")
	}
	b.WriteString("</capabilities><session-id>7</session-id></hello>")
	return b.String()
}

// device is the far end of a pipe, played by a test.
type device struct {
	t    testing.TB
	conn net.Conn
	tr   *Transport
}

// connect opens a session with a device that offers the versions. The device's
// framing follows them; script plays it from then on, and the pipe is closed
// when it returns.
func connect(t testing.TB, framing Framing, o Options, script func(d *device)) *Session {
	t.Helper()
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() { // ends with the script, which a closed pipe ends
		defer close(done)
		defer theirs.Close()
		d := &device{t: t, conn: theirs, tr: NewTransport(theirs, FrameOptions{})}
		versions := []string{"1.0"}
		if framing == Chunked {
			versions = append(versions, "1.1")
		}
		read := make(chan struct{})
		go func() { // ends when our hello is read or the pipe is closed
			defer close(read)
			if m, err := d.tr.NextMessage(); err == nil {
				io.Copy(io.Discard, m)
			}
		}()
		d.raw(frame(EndOfMessage, helloOf(versions...)))
		<-read
		d.tr.SetReadFraming(framing)
		d.tr.SetWriteFraming(framing)
		script(d)
	}()
	s, err := Open(t.Context(), NewTransport(ours, FrameOptions{}), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		ours.Close()
		<-s.Done()
		<-done
	})
	return s
}

// raw writes bytes as they are.
func (d *device) raw(text string) { io.WriteString(d.conn, text) }

// next reads a request and returns it with its message-id, "" at the end.
func (d *device) next() (body, id string) {
	m, err := d.tr.NextMessage()
	if err != nil {
		return "", ""
	}
	b, _ := io.ReadAll(m)
	t := tokens{b: b}
	root, _ := t.root()
	v, _ := attr(root.text, "message-id")
	return string(b), xmltext.Resolve(v)
}

// say sends a message in the session's framing.
func (d *device) say(text string) {
	w, err := d.tr.NewMessage()
	if err == nil {
		io.WriteString(w, text)
		w.Close()
	}
}

// reply answers with the children of <rpc-reply>.
func (d *device) reply(id, inner string) { d.say(replyOf(id, inner)) }

func replyOf(id, inner string) string {
	return `<rpc-reply message-id="` + xmltext.Escape(id) + `" xmlns="` + BaseNS + `">` + inner + `</rpc-reply>`
}

// serve answers every request with ok until the pipe is closed.
func (d *device) serve() {
	for {
		body, id := d.next()
		if body == "" {
			return
		}
		d.reply(id, "<ok/>")
		if strings.Contains(body, "<close-session/>") {
			return
		}
	}
}
