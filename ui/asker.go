package ui

import (
	"context"
	"sync"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/msg"
)

// maxTold is how many notices wait for the screen.
const maxTold = 16

// Asker brings questions of connections to the person. It may be used from any
// goroutine, before the program runs (the question waits), while it runs, and
// after it (ErrDeclined at once).
type Asker struct {
	in   chan *question
	told chan msg.Toast
	done chan struct{}
	once sync.Once
}

// NewAsker returns an asker for one run of the program.
func NewAsker() *Asker {
	return &Asker{in: make(chan *question), told: make(chan msg.Toast, maxTold), done: make(chan struct{})}
}

// Tell shows a notice that needs no answer. It never waits: when more come than
// the screen takes, the newest are left out.
func (a *Asker) Tell(t msg.Toast) {
	select {
	case a.told <- t:
	default:
	}
}

var _ link.Asker = (*Asker)(nil)

// question is one that waits: what is asked, and where the answer goes. The
// channel has room for the one answer, so that the screen never waits.
type question struct {
	ctx   context.Context
	what  any // link.HostKeyQuestion, link.SecretQuestion or link.ChallengeQuestion
	reply chan answer
}

type answer struct {
	value any
	err   error
}

// answer gives the first answer; later ones are dropped.
func (q *question) answer(v any, err error) {
	select {
	case q.reply <- answer{v, err}:
	default:
	}
}

// HostKey implements link.Asker.
func (a *Asker) HostKey(ctx context.Context, q link.HostKeyQuestion) (link.TrustAnswer, error) {
	v, err := a.ask(ctx, q)
	t, _ := v.(link.TrustAnswer)
	return t, err
}

// Secret implements link.Asker. The secret belongs to the caller.
func (a *Asker) Secret(ctx context.Context, q link.SecretQuestion) (keys.Secret, error) {
	v, err := a.ask(ctx, q)
	s, _ := v.(keys.Secret)
	return s, err
}

// Challenge implements link.Asker.
func (a *Asker) Challenge(ctx context.Context, q link.ChallengeQuestion) ([]string, error) {
	v, err := a.ask(ctx, q)
	s, _ := v.([]string)
	return s, err
}

func (a *Asker) ask(ctx context.Context, what any) (any, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // closes the dialog, answered or not
	q := &question{ctx: ctx, what: what, reply: make(chan answer, 1)}
	select {
	case a.in <- q:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-a.done:
		return nil, link.ErrDeclined
	}
	select {
	case r := <-q.reply:
		return r.value, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-a.done:
		return nil, link.ErrDeclined
	}
}

// end declines what waits and all that comes; the program is over.
func (a *Asker) end() { a.once.Do(func() { close(a.done) }) }

// asked is a question that has arrived in the program.
type asked struct{ q *question }

// withdrawn tells that nobody waits for the answer any more.
type withdrawn struct{ q *question }

// told is a notice that has arrived in the program.
type told struct{ toast msg.Toast }

// next waits for one question or notice. It ends with ctx.
func (a *Asker) next(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		select {
		case q := <-a.in:
			return asked{q}
		case t := <-a.told:
			return told{t}
		case <-ctx.Done():
			return nil
		}
	}
}

// gone waits until the one who asked needs no answer any more.
func (q *question) gone(ctx context.Context) tea.Cmd {
	return func() tea.Msg {
		select {
		case <-q.ctx.Done():
			return withdrawn{q}
		case <-ctx.Done():
			return nil
		}
	}
}
