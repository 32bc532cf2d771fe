package netconf

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestASilentDeviceIsNudgedOnceAndLegally plays a device that reads the first
// request together with our hello and leaves it lying until one more byte comes.
func TestASilentDeviceIsNudgedOnceAndLegally(t *testing.T) {
	t.Parallel()
	for _, chunks := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			var got []byte
			ended := make(chan struct{})
			go func() { // ends with the pipe
				defer close(ended)
				base := ""
				if chunks {
					base = "<capability>urn:ietf:params:netconf:base:1.1</capability>"
				}
				fmt.Fprintf(theirs, `<hello xmlns="%s"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability>%s</capabilities><session-id>4</session-id></hello>]]>]]>`, BaseNS, base)
				buf := make([]byte, 4096)
				answered := 0
				for {
					n, err := theirs.Read(buf)
					if err != nil {
						return
					}
					got = append(got, buf[:n]...)
					asked := bytes.Count(got, []byte("<get/>"))
					lying := answered == 0 && !bytes.Equal(buf[:n], []byte("\n"))
					for !lying && answered < asked {
						answered++
						reply := fmt.Sprintf(`<rpc-reply xmlns="%s" message-id="%d"><ok/></rpc-reply>`, BaseNS, answered)
						if chunks {
							fmt.Fprintf(theirs, "\n#%d\n%s\n##\n", len(reply), reply)
						} else {
							io.WriteString(theirs, reply+"]]>]]>")
						}
					}
				}
			}()
			s, err := Open(t.Context(), NewTransport(ours, FrameOptions{}), Options{})
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			for range 3 {
				if o, err := s.Do(context.Background(), Request{Name: "get", Body: []byte("<get/>")}, io.Discard); err != nil || !o.OK {
					t.Errorf("chunks %t: %+v, %v", chunks, o, err)
				}
			}
			if took := time.Since(start); took != nudgeAfter {
				t.Errorf("chunks %t: answered after %v", chunks, took)
			}
			ours.Close()
			theirs.Close()
			<-ended
			<-s.Done()
			checkNudged(t, string(got), chunks)
		})
	}
}

// checkNudged reads what was sent as a strict peer would.
func checkNudged(t *testing.T, sent string, chunks bool) {
	t.Helper()
	_, after, _ := strings.Cut(sent, "]]>]]>")
	if n := strings.Count(sent, "<get/>"); n != 3 {
		t.Errorf("chunks %t: %d requests were sent", chunks, n)
	}
	if !chunks {
		for _, m := range strings.Split(strings.TrimSuffix(after, "]]>]]>"), "]]>]]>") {
			if !strings.HasPrefix(strings.TrimLeft(m, "\n"), "<rpc ") {
				t.Errorf("a message begins %.20q", m)
			}
		}
		return
	}
	tr := NewTransport(struct {
		io.Reader
		io.WriteCloser
	}{strings.NewReader(after), nil}, FrameOptions{})
	tr.SetReadFraming(Chunked)
	for i := range 3 {
		r, err := tr.NextMessage()
		if err != nil {
			t.Fatalf("message %d of %q: %v", i, after, err)
		}
		if b, err := io.ReadAll(r); err != nil || !bytes.HasPrefix(b, []byte("<rpc ")) {
			t.Errorf("message %d: %.20q, %v", i, b, err)
		}
	}
}
