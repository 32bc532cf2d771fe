package ui

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/clip"
	"dialtone/ui/uitest"
)

// forgetful records which keys were forgotten.
type forgetful struct {
	keys.HostKeys
	hosts []string
	err   error
}

func (f *forgetful) Forget(host string) error {
	f.hosts = append(f.hosts, host)
	return f.err
}

// changedKey makes core-r2 a device that showed another key.
func changedKey(p *program) conn.Event {
	e := &dial.HostKeyError{Fault: &keys.Fault{Code: "KEY-CHANGED", What: "the host key of 192.0.2.2:830 is not the one saved"},
		Verdict: keys.Changed, Host: "192.0.2.2:830", Offered: hostKey(4), Known: []keys.Known{{File: "~/.ssh/known_hosts", Line: 31, Key: hostKey(3)}}}
	return p.backend.Set(conn.Device{Target: target("core-r2", "192.0.2.2", link.SSH), State: conn.Lost, Since: p.Now(), Err: e})
}

// askFrom puts a question as a connection does, from its own goroutine, and
// returns where the answer will be.
func askFrom[T any](p *program, ask func(ctx context.Context) (T, error)) (cancel context.CancelFunc, got chan T, failed chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	got, failed = make(chan T, 1), make(chan error, 1)
	go func() { // ends with the answer
		v, err := ask(ctx)
		if err != nil {
			failed <- err
			return
		}
		got <- v
	}()
	n := len(p.root.stack.Layers())
	p.Await("the dialog", func() bool { return len(p.root.stack.Layers()) > n })
	return cancel, got, failed
}

func (p *program) hostKeyQuestion() (context.CancelFunc, chan link.TrustAnswer, chan error) {
	return askFrom(p, func(ctx context.Context) (link.TrustAnswer, error) {
		return p.asker.HostKey(ctx, link.HostKeyQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Host: "[192.0.2.12]:830", Key: hostKey(1)})
	})
}

func TestAnswersToAnUnknownHostKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]link.TrustAnswer{"t": link.TrustAndSave, "o": link.TrustOnce, "n": link.Refuse, "enter": link.Refuse, "esc": link.Refuse, "ctrl+g": link.Refuse} {
		p := lab(t, nil)
		_, got, failed := p.hostKeyQuestion()
		p.Advance(time.Second)
		p.Press(key)
		select {
		case a := <-got:
			if a != want {
				t.Errorf("%s answers %v, want %v", key, a, want)
			}
		case err := <-failed:
			t.Errorf("%s: %v", key, err)
		case <-time.After(10 * time.Second):
			t.Fatalf("%s answers nothing", key)
		}
		if p.root.stack.Top() != nil {
			t.Errorf("the dialog is still open after %s", key)
		}
	}
}

func TestKeysInFlightAnswerNoQuestion(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := p.hostKeyQuestion()
	for range 6 { // typing on without a pause, for 1.2 s
		p.Press("t", "enter", "o")
		p.Advance(200 * time.Millisecond)
	}
	select {
	case a := <-got:
		t.Fatalf("answered %v", a)
	default:
	}
	p.Advance(400 * time.Millisecond)
	p.Press("o")
	if a := <-got; a != link.TrustOnce {
		t.Errorf("answered %v", a)
	}
}

func TestGraceEndsAtItsCeiling(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := p.hostKeyQuestion()
	for range 7 {
		p.Press("z")
		p.Advance(220 * time.Millisecond)
	}
	p.Press("n")
	if a := <-got; a != link.Refuse {
		t.Errorf("answered %v", a)
	}
}

func TestQuestionsQueue(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := p.hostKeyQuestion()
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() { // ends with cancel
		_, err := p.asker.Secret(ctx, link.SecretQuestion{Target: target("pe-13", "192.0.2.13", link.SSH), What: "password"})
		failed <- err
	}()
	p.Await("the second question", func() bool { return p.Shows("1 of 2 questions") })
	p.mustShow(t, "Unknown host key: pe-12")
	cancel()
	p.Await("one question", func() bool { return !p.Shows("of 2 questions") })
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the withdrawn question: %v", err)
	}
	p.Advance(time.Second)
	p.Press("t")
	<-got
}

func TestPasswordIsNeverShown(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := askFrom(p, func(ctx context.Context) (keys.Secret, error) {
		return p.asker.Secret(ctx, link.SecretQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), What: "password of admin@pe-12", Try: 1})
	})
	p.Advance(time.Second)
	p.Press("enter")
	p.Paste(secretWord[:8] + "\r\n" + secretWord[8:])
	if strings.Contains(p.View(), secretWord[:4]) {
		t.Error("the password is on the screen")
	}
	p.mustShow(t, strings.Repeat("*", len(secretWord)), "Sign in: pe-12")
	p.Press("enter")
	if s := <-got; string(s.Reveal()) != secretWord {
		t.Errorf("got %q", s.Reveal())
	}
}

// The store is none of a device: nobody signs in with its passphrase.
func TestPassphraseOfTheStoreIsNoSignIn(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := askFrom(p, func(ctx context.Context) (keys.Secret, error) {
		return p.asker.Secret(ctx, link.SecretQuestion{Kind: link.StorePassphrase, What: "passphrase of the secret store", Try: 1})
	})
	p.mustShow(t, "━ Secret store ━", "passphrase of the secret store", "enter  go on")
	if p.Shows("ign in") {
		t.Errorf("it asks to sign in:\n%s", p.View())
	}
	p.Advance(time.Second)
	p.Type(secretWord)
	p.Press("enter")
	if s := <-got; string(s.Reveal()) != secretWord {
		t.Errorf("got %q", s.Reveal())
	}
}

func TestChallengeAnswers(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	_, got, _ := askFrom(p, func(ctx context.Context) ([]string, error) {
		return p.asker.Challenge(ctx, link.ChallengeQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Name: "(admin@other-host)",
			Prompts: []string{"Token: ", "Again: "}, Echo: []bool{true, false}})
	})
	p.Advance(time.Second)
	p.Type("ab")
	p.Press("enter")
	p.Type("cd")
	p.mustShow(t, "pe-12   192.0.2.12:830 asks:", "| (admin@other-host)", "[ ab", "[ **")
	p.Press("enter")
	if a := <-got; len(a) != 2 || a[0] != "ab" || a[1] != "cd" {
		t.Errorf("got %q", a)
	}
}

func TestAskerAfterTheEndDeclines(t *testing.T) {
	t.Parallel()
	a := NewAsker()
	waiting := make(chan error, 1)
	go func() { // ends with end
		_, err := a.HostKey(context.Background(), link.HostKeyQuestion{})
		waiting <- err
	}()
	a.end()
	if err := <-waiting; !errors.Is(err, link.ErrDeclined) {
		t.Errorf("a question that waited: %v", err)
	}
	if _, err := a.Secret(context.Background(), link.SecretQuestion{}); !errors.Is(err, link.ErrDeclined) {
		t.Errorf("a question after the end: %v", err)
	}
}

func TestChangedHostKeyIsForgottenOnlyByName(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	f := &forgetful{}
	p.root.d.HostKeys = f
	p.Send(events(changedKey(p)))
	p.mustShow(t, "HOST KEY CHANGED: core-r2", "~/.ssh/known_hosts:31", `There is no "accept anyway"`)
	p.Advance(time.Second)
	p.Press("t", "o", "y")
	p.Press("F")
	p.Type("192.0.2")
	p.Press("enter")
	if len(f.hosts) != 0 {
		t.Fatalf("forgot %v", f.hosts)
	}
	p.mustShow(t, "not the same yet")
	p.Type(".2")
	p.Press("enter")
	if len(f.hosts) != 1 || f.hosts[0] != "192.0.2.2:830" {
		t.Errorf("forgot %v", f.hosts)
	}
	p.mustShow(t, "Forgot the key of 192.0.2.2 port 830")
	uitest.ExactSize(t, p.View(), 80, 24)
}

func TestChangedHostKeyWithoutAStoreOffersNothing(t *testing.T) {
	t.Parallel()
	p := lab(t, nil)
	p.Send(events(changedKey(p)))
	p.Advance(time.Second)
	p.Press("F")
	p.mustNotShow(t, "forget")
}

func TestFingerprintCanBeCopiedAndAnswersNothing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	none := func(string) (string, error) { return "", errors.New("not here") }
	p := lab(t, func(d *Deps) {
		d.Clip = clip.New(clip.Options{Out: &out, Getenv: func(k string) string { return map[string]string{"TERM": "xterm"}[k] }, LookPath: none, Now: d.Now})
	})
	_, got, _ := p.hostKeyQuestion()
	p.Advance(time.Second)
	p.mustShow(t, "y copy")
	p.Press("y")
	want := base64.StdEncoding.EncodeToString([]byte(fingerprint(hostKey(1))))
	if !strings.Contains(out.String(), want) {
		t.Errorf("copied %q", out.String())
	}
	if p.root.stack.Top() == nil {
		t.Fatal("the dialog closed")
	}
	p.Press("n")
	if a := <-got; a != link.Refuse {
		t.Errorf("answered %v", a)
	}
}
