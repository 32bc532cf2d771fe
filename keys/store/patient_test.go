package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"dialtone/keys"
)

func TestPatientGoesOnAskingForTheNextOne(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	c := newClock()
	p := &person{answers: []string{right}}
	s := cheap(path, p, c)
	asked, gate := make(chan struct{}, 1), make(chan struct{})
	s.o.Ask = func(ctx context.Context, q Question) (keys.Secret, error) {
		asked <- struct{}{}
		<-gate
		return p.ask(ctx, q)
	}
	v := s.Patient()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := v.Get(ctx, "store:r1"); first <- err }() // ends with ctx
	<-asked
	cancel()
	if err := <-first; code(err) != "SEC-LOCKED" || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	second := make(chan error, 1)
	go func() { // ends with the answer
		got, err := v.Get(t.Context(), "store:r1")
		if err == nil && string(got.Reveal()) != "one" {
			err = errors.New("another secret")
		}
		second <- err
	}()
	close(gate)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if p.count() != 1 {
		t.Errorf("asked %d times", p.count())
	}
}

func TestPatientLeavesAPersonWhoDeclinedInPeace(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	c := newClock()
	p := &person{}
	v := cheap(path, p, c).Patient()
	for range 3 {
		if _, err := v.Get(t.Context(), "store:r1"); code(err) != "SEC-LOCKED" {
			t.Errorf("%v", err)
		}
	}
	if p.count() != 1 {
		t.Errorf("asked %d times", p.count())
	}
	c.pass(refused + time.Second)
	p.mu.Lock()
	p.answers = []string{right}
	p.mu.Unlock()
	if _, err := v.Get(t.Context(), "store:r1"); err != nil {
		t.Error(err)
	}
}
