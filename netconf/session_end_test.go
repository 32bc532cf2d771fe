package netconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCancel(t *testing.T) {
	bubble(t, func(t *testing.T) {
		half := make(chan bool)
		s := connect(t, Chunked, Options{}, func(d *device) {
			_, id := d.next()
			reply := frame(Chunked, replyOf(id, strings.Repeat("<a/>", 1000)))
			d.raw(reply[:2000])
			half <- true
			<-half
			d.raw(reply[2000:])
			d.serve()
		})
		ctx, cancel := context.WithCancel(t.Context())
		first := do(ctx, s, Request{Body: []byte("<edit-config/>"), Effect: Stages})
		<-half
		synctest.Wait()
		cancel()
		start := time.Now()
		a := <-first
		if a.err != context.Canceled || a.out.Result != Unknown || a.out.OK || a.out.Bytes == 0 || int64(len(a.got)) != a.out.Bytes || a.out.Sent.IsZero() {
			t.Errorf("%+v %v", a.out, a.err)
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		half <- true
		if a := <-do(t.Context(), s, get("<get/>")); a.err != nil || !a.out.OK || a.got != replyOf("2", "<ok/>") {
			t.Errorf("the session is of no use: %+v %v", a.out, a.err)
		}
	})
}

// A request behind one that the device does not read is taken back unsent.
func TestCancelBeforeSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, Chunked, Options{}, func(d *device) { <-t.Context().Done() })
		ctx, cancel := context.WithCancel(t.Context())
		first := do(ctx, s, Request{Body: []byte("<a/>"), Effect: Commits})
		synctest.Wait()
		second := do(ctx, s, Request{Body: []byte("<b/>"), Effect: Commits})
		synctest.Wait()
		start := time.Now()
		cancel()
		if a := <-first; a.err != context.Canceled || a.out.Result != Unknown {
			t.Errorf("%+v %v", a.out, a.err)
		}
		if a := <-second; a.err != context.Canceled || a.out.Result != NotSent {
			t.Errorf("%+v %v", a.out, a.err)
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		s.t.Close()
		<-s.Done()
	})
}

// sink is a writer that a test controls.
type sink func(p []byte) (int, error)

func (f sink) Write(p []byte) (int, error) { return f(p) }

// A writer that blocks holds up the session, which says so; a cancel frees Do.
func TestWriterBlocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var mu sync.Mutex
		var faults []string
		o := Options{OnFault: func(f *Fault, _ []byte) {
			mu.Lock()
			defer mu.Unlock()
			faults = append(faults, f.Code)
		}}
		s := connect(t, Chunked, o, (*device).serve)
		release := make(chan bool)
		var calls int
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan answer, 1)
		go func() { // ends with Do
			out, err := s.Do(ctx, get("<get/>"), sink(func(p []byte) (int, error) {
				calls++
				<-release
				return len(p), nil
			}))
			done <- answer{out: out, err: err}
		}()
		synctest.Wait()
		time.Sleep(61 * time.Second)
		cancel()
		start := time.Now()
		a := <-done
		if a.err != context.Canceled || codes(a.out.Flags) != "RPC-SINK" || a.out.Result != Stopped {
			t.Errorf("%+v %v", a.out, a.err)
		}
		if took := time.Since(start); took > 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		close(release)
		if a := <-do(t.Context(), s, get("<get/>")); a.err != nil {
			t.Error(a.err)
		}
		mu.Lock()
		defer mu.Unlock()
		if calls != 1 || strings.Join(faults, " ") != "RPC-SINK RPC-SINK" {
			t.Errorf("%d calls, faults %v", calls, faults)
		}
	})
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left")
	for _, short := range []bool{false, true} {
		s := connect(t, Chunked, Options{}, func(d *device) {
			_, id := d.next()
			d.raw(chunks(replyOf(id, strings.Repeat("<a/>", 10000)+"<rpc-error><error-message>x</error-message></rpc-error>"), 4096))
			d.serve()
		})
		calls := 0
		out, err := s.Do(t.Context(), get("<get/>"), sink(func(p []byte) (int, error) {
			if calls++; short {
				return len(p) / 2, nil
			}
			return 0, full
		}))
		if code(err) != "RPC-SINK" || !short && !errors.Is(err, full) || calls != 1 {
			t.Errorf("%d calls, %v", calls, err)
		}
		if out.Result != Answered || out.OK || out.ErrorCount != 1 || out.Bytes < 40000 {
			t.Errorf("%+v", out)
		}
		if a := <-do(t.Context(), s, get("<get/>")); a.err != nil {
			t.Error(a.err)
		}
	}
}

func TestPanicsEndTheSessionOnly(t *testing.T) {
	t.Parallel()
	s := connect(t, Chunked, Options{}, (*device).serve)
	_, err := s.Do(t.Context(), get("<get/>"), sink(func([]byte) (int, error) { panic("bug") }))
	if code(err) != "SES-PANIC" || !strings.Contains(err.Error(), "bug") {
		t.Error(err)
	}
	<-s.Done()
	other := connect(t, Chunked, Options{OnNotification: func(Notification) { panic("bug") }}, func(d *device) {
		d.say("<notification/>")
		d.serve()
	})
	if <-other.Done(); code(other.Err()) != "SES-PANIC" {
		t.Error(other.Err())
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	for _, f := range bothFramings {
		s := connect(t, f, Options{}, (*device).serve)
		for range 2 {
			if err := s.Close(t.Context()); err != nil || s.Err() != nil {
				t.Error(err, s.Err())
			}
		}
		<-s.Done()
		if a := <-do(t.Context(), s, get("<get/>")); code(a.err) != "SES-CLOSED" || a.out.Result != NotSent {
			t.Errorf("%+v %v", a.out, a.err)
		}
	}
}

func TestCloseIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, Chunked, Options{}, func(d *device) {
			d.next()
			<-s1(d)
		})
		pending := do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
		synctest.Wait()
		start := time.Now()
		if err := s.Close(t.Context()); code(err) != "SES-CLOSE" || time.Since(start) > 1100*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		if a := <-pending; code(a.err) != "SES-CLOSED" || a.out.Result != Unknown {
			t.Errorf("%+v %v", a.out, a.err)
		}
		if s.Err() != nil {
			t.Error(s.Err())
		}
	})
}

// s1 is closed when our side has hung up.
func s1(d *device) <-chan struct{} {
	gone := make(chan struct{})
	go func() { // ends with the pipe
		defer close(gone)
		for {
			if body, _ := d.next(); body == "" {
				return
			}
		}
	}()
	return gone
}

// A stream that fails to write ends the session with that error.
func TestWriteFailure(t *testing.T) {
	t.Parallel()
	s := connect(t, Chunked, Options{}, func(d *device) {})
	a := <-do(t.Context(), s, Request{Body: []byte("<commit/>"), Effect: Commits})
	if a.err == nil || a.out.Result == Answered || a.out.OK {
		t.Errorf("%+v %v", a.out, a.err)
	}
	<-s.Done()
	if s.Err() == nil {
		t.Error("no reason")
	}
}

// Thousands of pipelined replies in one write, notifications between.
func TestPipelinedInOneSegment(t *testing.T) {
	t.Parallel()
	const n = 3000
	for _, f := range bothFramings {
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			var notes int
			s := connect(t, f, Options{OnNotification: func(Notification) { notes++ }}, func(d *device) {
				var wire strings.Builder
				for range n {
					body, id := d.next()
					wire.WriteString(frame(f, replyOf(id, "<data>"+body[strings.Index(body, "<x>"):strings.Index(body, "</x>")]+"</x></data>")))
					wire.WriteString(frame(f, "<notification/>"))
				}
				d.raw(wire.String())
				d.serve()
			})
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() {
					var b bytes.Buffer
					text := fmt.Sprintf("<x>%d</x>", i)
					out, err := s.Do(t.Context(), get(text), &b)
					if err != nil || !out.OK || !strings.Contains(b.String(), text) {
						t.Errorf("request %d: %+v %v %q", i, out, err, b.String())
					}
				})
			}
			wg.Wait()
			if err := s.Close(t.Context()); err != nil || notes != n {
				t.Errorf("%v, %d notifications", err, notes)
			}
		})
	}
}

// The order on the wire is the order of the calls.
func TestOrderOfCalls(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var order []string
		start := make(chan bool)
		s := connect(t, Chunked, Options{}, func(d *device) {
			<-start
			for range 20 {
				body, id := d.next()
				order = append(order, body[strings.Index(body, "<x"):strings.Index(body, "/>")])
				d.reply(id, "<ok/>")
			}
			d.serve()
		})
		var want []string
		var answers []<-chan answer
		for i := range 20 {
			name := fmt.Sprint("<x", i)
			want = append(want, name)
			answers = append(answers, do(t.Context(), s, get(name+"/>")))
			synctest.Wait()
		}
		close(start)
		for _, a := range answers {
			if a := <-a; a.err != nil {
				t.Error(a.err)
			}
		}
		if fmt.Sprint(order) != fmt.Sprint(want) {
			t.Errorf("got %v", order)
		}
	})
}
