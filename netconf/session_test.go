package netconf

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
)

const deviceHello = `<hello xmlns="` + BaseNS + `"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities><session-id>7</session-id></hello>`

func TestSmoke(t *testing.T) {
	for _, ver := range []Framing{EndOfMessage, Chunked} {
		a, b := net.Pipe()
		go func() {
			tr := NewTransport(b, FrameOptions{})
			said := make(chan bool)
			go func() {
				w, _ := tr.NewMessage()
				io.WriteString(w, deviceHello)
				w.Close()
				close(said)
			}()
			m, _ := tr.NextMessage()
			io.Copy(io.Discard, m)
			<-said
			tr.SetReadFraming(ver)
			tr.SetWriteFraming(ver)
			for {
				m, err := tr.NextMessage()
				if err != nil {
					return
				}
				body, _ := io.ReadAll(m)
				tk := tokens{b: body}
				root, _ := tk.root()
				id, _ := attr(root.text, "message-id")
				w, _ := tr.NewMessage()
				fmt.Fprintf(w, `<rpc-reply message-id="%s" xmlns="%s"><data>%s</data><rpc-error><error-severity>warning</error-severity><error-message>x &lt; y</error-message></rpc-error></rpc-reply>`, id, BaseNS, strings.Repeat("<a>b</a>", 10000))
				w.Close()
			}
		}()
		s, err := Open(context.Background(), NewTransport(a, FrameOptions{}), Options{Only10: ver == EndOfMessage})
		if err != nil {
			t.Fatal(err)
		}
		if s.Framing() != ver || s.ID() != 7 {
			t.Fatal(s.Framing(), s.ID())
		}
		var buf bytes.Buffer
		out, err := s.Do(context.Background(), Request{Body: []byte("<get/>")}, &buf)
		if err != nil || !out.OK || out.ErrorCount != 1 || out.Errors[0].Message != "x < y" || out.Bytes != int64(buf.Len()) || buf.Len() < 80000 {
			t.Fatalf("%+v %v %d", out, err, buf.Len())
		}
		if err := s.Close(context.Background()); err != nil || s.Err() != nil {
			t.Fatal(err, s.Err())
		}
	}
	_ = bufio.NewReader
}
