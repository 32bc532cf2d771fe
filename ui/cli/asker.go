package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/safe"
)

const answerTries = 3

// asker puts questions on the person's terminal, one after the other. Where
// there is none it declines and says what was missing.
type asker struct {
	a      *app
	cancel func() // ends the run when the person presses ctrl+c

	mu     sync.Mutex
	term   Terminal
	failed bool
}

var _ link.Asker = (*asker)(nil)

// open returns the terminal, nil when there is none; q.mu is held. do is what
// helps where there is none.
func (q *asker) open(what, do string) Terminal {
	if q.term == nil && !q.failed {
		t, err := q.a.env.Terminal()
		if err != nil {
			q.failed = true
		} else {
			q.term = t
		}
	}
	if q.term == nil {
		q.a.note("There is no terminal to ask for %s. %s.", what, do)
	}
	return q.term
}

// Close ends the terminal.
func (q *asker) Close() error {
	q.close()
	return nil
}

// close is Close for those who do not look at its error.
func (q *asker) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.term != nil {
		q.term.Close()
		q.term = nil
	}
}

// line asks for one line; q.mu is held.
func (q *asker) line(ctx context.Context, t Terminal, prompt string, echo bool) ([]byte, error) {
	b, err := t.ReadLine(ctx, prompt, echo)
	switch {
	case errors.Is(err, errInterrupted):
		q.cancel()
		return nil, link.ErrDeclined
	case errors.Is(err, io.EOF):
		return nil, link.ErrDeclined
	}
	return b, err
}

// HostKey asks whether an unknown key is trusted. Nothing but yes, once and the
// fingerprint itself is a yes.
func (q *asker) HostKey(ctx context.Context, hq link.HostKeyQuestion) (link.TrustAnswer, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.open("the trust in the host key of "+safe.Text(hq.Host), "Sign in once from a terminal, or use --host-key accept-new")
	if t == nil {
		return link.Refuse, link.ErrDeclined
	}
	print := ssh.FingerprintSHA256(hq.Key)
	saved := "nowhere, for there is no configuration directory"
	if hq.SavedTo != "" {
		saved = "in " + hq.SavedTo
	}
	fmt.Fprintf(t, "The host key of %s (%s) is not known:\n  %s %s\n", safe.Text(hq.Target.Name), safe.Text(hq.Host), safe.Text(hq.Key.Type()), print)
	fmt.Fprintf(t, "yes: trust it and record it %s. once: trust it this time. no: leave.\n", saved)
	for range answerTries {
		b, err := q.line(ctx, t, "yes, once, no or the fingerprint: ", true)
		if err != nil {
			return link.Refuse, err
		}
		switch s := strings.TrimSpace(string(b)); {
		case strings.EqualFold(s, "yes"), s == print:
			return link.TrustAndSave, nil
		case strings.EqualFold(s, "once"):
			return link.TrustOnce, nil
		case strings.EqualFold(s, "no"), s == "":
			return link.Refuse, nil
		}
	}
	return link.Refuse, nil
}

// Secret asks for a password or passphrase, unseen.
func (q *asker) Secret(ctx context.Context, sq link.SecretQuestion) (keys.Secret, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	do := "Use --password-file"
	switch sq.Kind {
	case link.StorePassphrase:
		do = "Use --passphrase-file"
	case link.KeyPassphrase:
		do = "Load the key into the ssh-agent"
	}
	t := q.open("the "+safe.Text(sq.What), do)
	if t == nil {
		return keys.Secret{}, link.ErrDeclined
	}
	if sq.Try > 1 {
		fmt.Fprintln(t, "That was not right.")
	}
	b, err := q.line(ctx, t, capital(safe.Text(sq.What))+": ", false)
	if err != nil {
		return keys.Secret{}, err
	}
	return keys.NewSecret(b), nil
}

// Challenge puts the device's own questions, framed as such.
func (q *asker) Challenge(ctx context.Context, cq link.ChallengeQuestion) ([]string, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := q.open("the answers that "+safe.Text(cq.Target.Name)+" wants", "Sign in from a terminal, or with a key")
	if t == nil {
		return nil, link.ErrDeclined
	}
	fmt.Fprintf(t, "%s asks:\n", safe.Text(cq.Target.Name))
	for _, s := range []string{cq.Name, cq.Instruction} {
		for _, l := range strings.Split(strings.TrimRight(s, "\n"), "\n") {
			if l != "" {
				fmt.Fprintf(t, "  | %s\n", safe.Text(l))
			}
		}
	}
	answers := make([]string, len(cq.Prompts))
	for i, p := range cq.Prompts {
		b, err := q.line(ctx, t, fmt.Sprintf("  | %s ", safe.Text(strings.TrimSpace(p))), i < len(cq.Echo) && cq.Echo[i])
		if err != nil {
			return nil, err
		}
		answers[i] = string(b)
	}
	return answers, nil
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
