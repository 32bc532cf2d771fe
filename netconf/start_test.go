package netconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// started sends requests by Start and returns what becomes of them.
func started(ctx context.Context, t *testing.T, s *Session, bodies ...string) <-chan answer {
	t.Helper()
	got := make(chan answer, 2*len(bodies)) // room to see one that comes twice
	for _, body := range bodies {
		err := s.Start(ctx, get(body), io.Discard, func(o Outcome, err error) { got <- answer{out: o, err: err} })
		if err != nil {
			t.Fatalf("Start: %v", err)
		}
	}
	return got
}

func none(t *testing.T, got <-chan answer) {
	t.Helper()
	synctest.Wait()
	select {
	case a := <-got:
		t.Errorf("an outcome too many: %+v %v", a.out, a.err)
	default:
	}
}

func TestStartAnswersInOrder(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var seen []string
		s := connect(t, Chunked, Options{}, func(d *device) {
			for {
				body, id := d.next()
				if body == "" {
					return
				}
				seen = append(seen, id)
				d.reply(id, "<ok/>")
			}
		})
		var bodies []string
		for i := range 500 {
			bodies = append(bodies, fmt.Sprintf("<get><n>%s%d</n></get>", strings.Repeat("x", i), i))
		}
		got := started(t.Context(), t, s, bodies...)
		for i := range bodies {
			a := <-got
			if a.err != nil || !a.out.OK || a.out.MessageID != fmt.Sprint(i+1) {
				t.Fatalf("%d: %+v %v", i, a.out, a.err)
			}
			if a.out.Sent.IsZero() || a.out.First.Before(a.out.Sent) || a.out.Ended.Before(a.out.First) {
				t.Fatalf("%d: times %+v", i, a.out)
			}
		}
		none(t, got)
		for i, id := range seen {
			if id != fmt.Sprint(i+1) {
				t.Fatalf("request %d was sent as number %d", i+1, i)
			}
		}
	})
}

// A request may be sent from within the answer to another.
func TestStartFromDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, Chunked, Options{}, (*device).serve)
		end := make(chan error, 1)
		left := 20
		var done func(Outcome, error)
		done = func(o Outcome, err error) {
			if left--; err != nil || left == 0 {
				end <- err
				return
			}
			if err := s.Start(t.Context(), get("<get/>"), nil, done); err != nil {
				end <- err
			}
		}
		if err := s.Start(t.Context(), get("<get/>"), nil, done); err != nil {
			t.Fatal(err)
		}
		if err := <-end; err != nil || left != 0 {
			t.Fatalf("%d left: %v", left, err)
		}
	})
}

func TestStartGivesUp(t *testing.T) {
	silent := func(d *device) {
		for {
			if body, _ := d.next(); body == "" {
				return
			}
		}
	}
	t.Run("cancelled", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := connect(t, Chunked, Options{}, silent)
			ctx, cancel := context.WithCancel(t.Context())
			got := started(ctx, t, s, "<get/>", "<get/>")
			synctest.Wait()
			cancel()
			for range 2 {
				if a := <-got; a.err != context.Canceled || a.out.Result != Stopped || a.out.Sent.IsZero() {
					t.Errorf("%+v %v", a.out, a.err)
				}
			}
			s.t.Close()
			<-s.Done()
			none(t, got)
			if err := s.Start(ctx, get("<get/>"), nil, nil); err != context.Canceled {
				t.Errorf("Start after a cancel: %v", err)
			}
		})
	})
	t.Run("silence", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := connect(t, Chunked, Options{FirstByte: time.Minute}, silent)
			begun := time.Now()
			first := started(t.Context(), t, s, "<get/>")
			time.Sleep(20 * time.Second)
			second := started(t.Context(), t, s, "<get/>")
			for i, got := range []<-chan answer{first, second} {
				a := <-got
				var f *Fault
				if !errors.As(a.err, &f) || f.Code != "RPC-TIMEOUT" || a.out.Result != Stopped {
					t.Errorf("%+v %v", a.out, a.err)
				}
				if waited, want := time.Since(begun), time.Minute+time.Duration(i)*20*time.Second; waited < want || waited > want+time.Second {
					t.Errorf("request %d was given up after %v", i, waited)
				}
			}
			third := started(t.Context(), t, s, "<get/>") // the timer rested and runs again
			if a := <-third; a.out.Result != Stopped {
				t.Errorf("%+v %v", a.out, a.err)
			}
			none(t, first)
		})
	})
	t.Run("the link breaks", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			s := connect(t, Chunked, Options{}, func(d *device) { d.next() })
			got := make(chan answer, 2)
			edit := Request{Body: []byte("<edit-config/>"), Effect: Stages}
			if err := s.Start(t.Context(), edit, nil, func(o Outcome, err error) { got <- answer{out: o, err: err} }); err != nil {
				t.Fatal(err)
			}
			if a := <-got; a.err == nil || a.out.Result != Unknown {
				t.Errorf("%+v %v", a.out, a.err)
			}
			<-s.Done()
			none(t, got)
			if err := s.Start(t.Context(), edit, nil, func(Outcome, error) { t.Error("done was called") }); err == nil {
				t.Error("Start on a session that has ended")
			}
		})
	})
}

// A panic in done ends the session, and not the program; who else waits is told.
func TestStartPanics(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := connect(t, Chunked, Options{}, (*device).serve)
		if err := s.Start(t.Context(), get("<get/>"), nil, func(Outcome, error) { panic("ours") }); err != nil {
			t.Fatal(err)
		}
		<-s.Done()
		var f *Fault
		if err := s.Err(); !errors.As(err, &f) || f.Code != "SES-PANIC" {
			t.Errorf("%v", err)
		}
	})
}
