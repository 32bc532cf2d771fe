package xmldoc_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
)

// serveOne plays a base:1.1 device that answers the first request with body.
func serveOne(c net.Conn, body func(w io.Writer)) {
	io.WriteString(c, `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>`+
		`<capability>urn:ietf:params:netconf:base:1.1</capability></capabilities><session-id>1</session-id></hello>]]>]]>`)
	buf, got := make([]byte, 4096), []byte(nil)
	for !bytes.Contains(got, []byte("<get/>")) {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		got = append(got, buf[:n]...)
	}
	body(c)
	io.Copy(io.Discard, c)
}

func fetch(t *testing.T, body func(w io.Writer)) (*xmldoc.Doc, netconf.Outcome, time.Duration) {
	t.Helper()
	ours, theirs := net.Pipe()
	go serveOne(theirs, body) // ends with the pipe
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	s, err := netconf.Open(t.Context(), netconf.NewTransport(ours, netconf.FrameOptions{}), netconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := xmldoc.New(xmldoc.Options{})
	t.Cleanup(func() { doc.Close() })
	start := time.Now()
	o, err := s.Do(context.Background(), netconf.Request{Name: "get", Body: []byte("<get/>")}, doc)
	doc.Finish(err)
	if err != nil {
		t.Fatal(err)
	}
	return doc, o, time.Since(start)
}

// TestReplyInChunksOfOneByte takes a reply drop by drop.
func TestReplyInChunksOfOneByte(t *testing.T) {
	size := 64 << 20
	if testing.Short() {
		size = 1 << 20
	}
	const head, tail = `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><data>`, "</data></rpc-reply>"
	line := []byte("<name>ge-0/0/0</name>\n")
	doc, o, took := fetch(t, func(w io.Writer) {
		var out []byte
		drip := func(p []byte) {
			for _, b := range p {
				out = append(out, '\n', '#', '1', '\n', b)
			}
			if len(out) > 256<<10 {
				w.Write(out)
				out = out[:0]
			}
		}
		drip([]byte(head))
		for n := 0; n < size; n += len(line) {
			drip(line)
		}
		drip([]byte(tail))
		w.Write(append(out, "\n##\n"...))
	})
	if !o.OK || o.Bytes < int64(size) || doc.Rows() < size/len(line) {
		t.Errorf("%+v, %d rows", o, doc.Rows())
	}
	t.Logf("%.0f MB/s", float64(o.Bytes)/1e6/took.Seconds())
}

// TestOneTextOf256MiB takes one text node without a line end.
func TestOneTextOf256MiB(t *testing.T) {
	size := 256 << 20
	if testing.Short() {
		size = 4 << 20
	}
	piece := bytes.Repeat([]byte("x"), 1<<20)
	doc, o, took := fetch(t, func(w io.Writer) {
		head := []byte(`<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><data>`)
		tail := []byte("</data></rpc-reply>")
		for _, p := range [][]byte{head} {
			io.WriteString(w, "\n#"+strconv.Itoa(len(p))+"\n")
			w.Write(p)
		}
		for n := 0; n < size; n += len(piece) {
			io.WriteString(w, "\n#"+strconv.Itoa(len(piece))+"\n")
			w.Write(piece)
		}
		io.WriteString(w, "\n#"+strconv.Itoa(len(tail))+"\n")
		w.Write(tail)
		io.WriteString(w, "\n##\n")
	})
	if !o.OK || o.Bytes < int64(size) {
		t.Errorf("%+v", o)
	}
	if p, broken := doc.Problem(); broken {
		t.Errorf("%s: %s", p.Code, p.What)
	}
	if b := doc.AppendRow(nil, doc.Rows()/2, 100); len(b) == 0 || len(b) > 100 {
		t.Errorf("a row shows %d bytes", len(b))
	}
	t.Logf("%d rows, %.0f MB/s", doc.Rows(), float64(o.Bytes)/1e6/took.Seconds())
}
