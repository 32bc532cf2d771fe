package netconf

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A device works on a commit or a validation for longer than on a read: these
// have a time-out of their own, and so has what waits behind them.
func TestSlowRequestsHaveATimeOutOfTheirOwn(t *testing.T) {
	for _, name := range []string{"commit", "validate", "commit-configuration", "cancel-commit"} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				late := make(chan bool)
				s := connect(t, Chunked, Options{FirstByte: time.Minute, Slow: 20 * time.Minute}, func(d *device) {
					_, one := d.next()
					_, two := d.next()
					<-late
					d.reply(one, "<late/>")
					d.reply(two, "<ok/>")
					_, three := d.next()
					<-late
					d.reply(three, "<late/>")
					d.serve()
				})
				start := time.Now()
				a := <-do(t.Context(), s, Request{Name: name, Body: []byte("<" + name + "/>"), Effect: Commits})
				if code(a.err) != "RPC-TIMEOUT" || a.out.Result != Unknown || time.Since(start) != 20*time.Minute {
					t.Errorf("%s: %+v %v after %v", name, a.out, a.err, time.Since(start))
				}
				for _, w := range []string{"no reply in 20m0s of silence", "read running", "commit_timeout"} {
					if !strings.Contains(a.err.Error(), w) {
						t.Errorf("%q lacks %q", a.err, w)
					}
				}
				// The session stays open. What is asked now is answered when the device
				// has finished, however long that takes it.
				read := do(t.Context(), s, get("<get/>"))
				time.Sleep(10 * time.Minute)
				late <- true
				if a := <-read; a.err != nil || !a.out.OK {
					t.Errorf("behind it: %+v %v", a.out, a.err)
				}
				start = time.Now()
				if a := <-do(t.Context(), s, get("<get/>")); code(a.err) != "RPC-TIMEOUT" || time.Since(start) != time.Minute {
					t.Errorf("afterwards: %v after %v", a.err, time.Since(start))
				}
				late <- true
			})
		})
	}
}

// Junos begins the answer to a commit before it has finished it.
func TestSilenceInsideASlowReply(t *testing.T) {
	for _, tc := range []struct {
		name  string
		quiet time.Duration
		want  string
	}{
		{"commit-configuration", 10 * time.Minute, ""},
		{"commit-configuration", 16 * time.Minute, "RPC-TIMEOUT no reply in 15m0s of silence"},
		{"get", time.Minute, "30s of silence"},
	} {
		t.Run(tc.name+" "+tc.quiet.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s := connect(t, EndOfMessage, Options{}, func(d *device) {
					_, id := d.next()
					d.raw(`<rpc-reply message-id="` + id + `"><commit-results>`)
					time.Sleep(tc.quiet)
					d.raw("</commit-results><ok/></rpc-reply>]]>]]>")
					d.serve()
				})
				a := <-do(t.Context(), s, Request{Name: tc.name, Body: []byte("<" + tc.name + "/>"), Effect: Commits})
				switch {
				case tc.want == "" && (a.err != nil || !a.out.OK):
					t.Errorf("%s after %v: %+v %v", tc.name, tc.quiet, a.out, a.err)
				case tc.want != "" && (a.out.Result != Unknown || !strings.Contains(a.err.Error(), tc.want)):
					t.Errorf("%s after %v: %+v %v", tc.name, tc.quiet, a.out, a.err)
				}
				synctest.Wait()
				if _, open := <-ended(s); open != (tc.name != "get") {
					t.Errorf("%s after %v: the session is open: %v", tc.name, tc.quiet, open)
				}
			})
		})
	}
}

// A stalled read that follows a slow reply is found out as fast as ever.
func TestStallAfterASlowReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, EndOfMessage, Options{}, func(d *device) {
			_, id := d.next()
			d.raw(`<rpc-reply message-id="` + id + `">`)
			time.Sleep(5 * time.Minute)
			d.raw("<ok/></rpc-reply>]]>]]>")
			_, id = d.next()
			d.raw(`<rpc-reply message-id="` + id + `">`)
			d.next()
		})
		if a := <-do(t.Context(), s, Request{Name: "commit", Body: []byte("<commit/>"), Effect: Commits}); a.err != nil {
			t.Fatal(a.err)
		}
		start := time.Now()
		a := <-do(t.Context(), s, get("<get/>"))
		if took := time.Since(start); code(a.err) != "FRM-STALL" || took > 61*time.Second {
			t.Errorf("%v after %v", a.err, took)
		}
	})
}

// ended yields a value while the session lives.
func ended(s *Session) <-chan bool {
	ch := make(chan bool, 1)
	select {
	case <-s.Done():
		close(ch)
	default:
		ch <- true
	}
	return ch
}

// A device that falls silent under thousands of requests: each is told once, in
// time, and what it costs grows with their number and not with its square.
func TestThousandsOfRequestsInSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const n = 20_000
		s := connect(t, Chunked, Options{FirstByte: time.Minute}, func(d *device) { io.Copy(io.Discard, d.conn) })
		told := make([]int, n)
		done := make(chan error, n)
		for i := range n {
			err := s.Start(t.Context(), get("<get/>"), nil, func(_ Outcome, err error) { told[i]++; done <- err })
			if err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		for range n {
			if err := <-done; code(err) != "RPC-TIMEOUT" {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took != time.Minute {
			t.Errorf("after %v", took)
		}
		for i, times := range told {
			if times != 1 {
				t.Fatalf("request %d is told %d times", i, times)
			}
		}
	})
}
