package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"dialtone/keys"
)

// Asked says which passphrase a Question is for.
type Asked uint8

// Open wants the passphrase of the store, New one that a store is to get, Again
// the same once more.
const (
	Open Asked = iota
	New
	Again
)

// Question asks a person for a passphrase.
type Question struct {
	Asked Asked
	Path  string
	Try   int // from 1
}

// String is the question in words, without a question mark.
func (q Question) String() string {
	switch q.Asked {
	case New:
		return "new passphrase of the secret store"
	case Again:
		return "new passphrase of the secret store, once more"
	}
	return "passphrase of the secret store"
}

// ask puts a question, and notes when there is no answer to be had.
func (s *Store) ask(ctx context.Context, q Question) (keys.Secret, error) {
	if s.o.Ask == nil {
		return keys.Secret{}, &keys.Fault{Code: "SEC-LOCKED", What: "the secret store is locked and nobody is there to give its passphrase (" + s.o.Path + ")"}
	}
	v, err := s.o.Ask(ctx, q)
	if err == nil {
		return v, nil
	}
	if ctx.Err() != nil {
		return keys.Secret{}, err
	}
	if f := (*keys.Fault)(nil); !errors.As(err, &f) {
		err = &keys.Fault{Code: "SEC-LOCKED", What: "the secret store stays locked: no " + q.String(), Kept: "The file is untouched", Err: err}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.declined++
	s.refusal = err
	return keys.Secret{}, err
}

// newPassphrase asks for one twice.
func (s *Store) newPassphrase(ctx context.Context) ([]byte, error) {
	for try := 1; ; try++ {
		one, err := s.ask(ctx, Question{Asked: New, Path: s.o.Path, Try: try})
		if err != nil {
			return nil, err
		}
		if n := utf8.RuneCount(one.Reveal()); n < minPass {
			one.Wipe()
			if try >= s.o.Tries {
				return nil, &keys.Fault{Code: "SEC-WEAK", What: fmt.Sprintf("the passphrase has %d characters", n), Kept: "Nothing was changed", Do: fmt.Sprintf("Use at least %d", minPass)}
			}
			continue
		}
		two, err := s.ask(ctx, Question{Asked: Again, Path: s.o.Path, Try: try})
		if err != nil {
			one.Wipe()
			return nil, err
		}
		same := bytes.Equal(one.Reveal(), two.Reveal())
		two.Wipe()
		if same {
			return one.Reveal(), nil
		}
		one.Wipe()
		if try >= s.o.Tries {
			return nil, &keys.Fault{Code: "SEC-TWICE", What: "the two passphrases are not the same", Kept: "Nothing was changed"}
		}
	}
}
