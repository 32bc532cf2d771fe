package store

import (
	"context"
	"sync"
	"time"

	"dialtone/keys"
)

const (
	patience = 5 * time.Minute // for a person to answer
	refused  = 5 * time.Minute // before a person who declined is asked again
)

// Patient returns a Vault of the store for those who cannot wait for a person: a
// device that calls hangs up long before somebody has typed a passphrase. What
// is asked for one of them goes on being asked when its context has ended, and
// the answer serves the next. After a person has declined nobody is asked for
// five minutes. Its question ends with an answer, or after five minutes.
func (s *Store) Patient() keys.Vault { return &patient{s: s} }

type patient struct {
	s *Store

	mu     sync.Mutex
	asking chan struct{} // closed when the answer is there; nil: nobody is asked
	err    error         // of the last answer
	until  time.Time     // err holds until then
}

// Get is that of the store.
func (p *patient) Get(ctx context.Context, ref string) (keys.Secret, error) {
	if p.s.Unlocked() {
		return p.s.Get(ctx, ref)
	}
	done, err := p.begin()
	if err != nil {
		return keys.Secret{}, err
	}
	select {
	case <-done:
	case <-ctx.Done():
		return keys.Secret{}, &keys.Fault{Code: "SEC-LOCKED", What: "the secret store waits for its passphrase", Kept: "The file is untouched", Err: ctx.Err()}
	}
	p.mu.Lock()
	err = p.err
	p.mu.Unlock()
	if err != nil {
		return keys.Secret{}, err
	}
	return p.s.Get(ctx, ref)
}

// begin starts the question, unless it is under way or was declined just now.
func (p *patient) begin() (done chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asking != nil {
		return p.asking, nil
	}
	if p.err != nil && p.s.o.Now().Before(p.until) {
		return nil, p.err
	}
	done = make(chan struct{})
	p.asking = done
	go func() { // ends with the answer, or after patience
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := p.s.Names(ctx)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.err, p.until, p.asking = err, p.s.o.Now().Add(refused), nil
		close(done)
	}()
	return done, nil
}
