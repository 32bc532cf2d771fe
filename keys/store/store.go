// Package store keeps secrets in one encrypted file: a file of the age format
// for one passphrase, with lines of TOML inside, so that the age program opens
// it too. Nothing in it is cryptography of ours.
//
// What was in the file at an earlier time cannot be told from what is in it now:
// whoever can write the file can put an old one back.
package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"dialtone/keys"
)

const (
	idle     = 15 * time.Minute
	lockWait = 10 * time.Second // another program may be at its key derivation
	tries    = 3
	maxDelay = 8 * time.Second
	minPass  = 8
)

// Options configure a Store. Only Path is needed.
type Options struct {
	Path string
	// Ask gets a passphrase; the store wipes it. nil: nobody is there.
	Ask func(ctx context.Context, q Question) (keys.Secret, error)
	// Tries is how often Ask is asked for one opening, 3 when 0.
	Tries int

	// The clock; nil takes the real one. Wait returns after d or with the error
	// of ctx. AfterFunc is that of package time.
	Now       func() time.Time
	Wait      func(ctx context.Context, d time.Duration) error
	AfterFunc func(d time.Duration, f func()) (stop func() bool)

	factor, most int // of the key derivation; tests make it cheap
}

// Store is the file, opened once on the first need. It locks itself after 15
// minutes without use. Its methods may be called concurrently; while one waits
// for a person the others wait for it or for their contexts.
type Store struct {
	o    Options
	turn chan struct{} // holds one token; whoever has it may change what is below

	mu       sync.Mutex // guards all below against Lock, held briefly
	pass     []byte     // nil: locked
	values   content
	sum      [sha256.Size]byte // of the file that values came from
	used     time.Time         // wall clock
	stop     func() bool
	declined uint64 // how often Ask had no answer
	refusal  error  // the last of those

	wrong int       // tries since the last right one; the turn guards it
	until time.Time // when the next try may be made
}

// Make prepares a store; nothing is read yet.
func Make(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	if o.Tries <= 0 {
		o.Tries = tries
	}
	if o.factor == 0 {
		o.factor, o.most = workFactor, maxFactor
	}
	s := &Store{o: o, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

var _ keys.Vault = (*Store)(nil)

// Get returns the secret of a reference "store:NAME"; the caller wipes it. The
// first call opens the store and so may ask. The fault is SEC-NONE, SEC-OPEN,
// SEC-NAME, SEC-FORM, KEY-PERM or KEY-FILE.
func (s *Store) Get(ctx context.Context, ref string) (keys.Secret, error) {
	name := strings.TrimPrefix(ref, "store:")
	if err := keys.CheckSecretName(name); err != nil {
		return keys.Secret{}, err
	}
	done, err := s.begin(ctx)
	if err != nil {
		return keys.Secret{}, err
	}
	defer done()
	c, err := s.opened(ctx)
	if err != nil {
		return keys.Secret{}, err
	}
	defer c.wipe()
	v, ok := c[name]
	if !ok {
		return keys.Secret{}, missing(name)
	}
	return keys.NewSecret(bytes.Clone(v)), nil
}

func missing(name string) error {
	return &keys.Fault{Code: "SEC-NONE", What: fmt.Sprintf("the secret store has no secret %q", name), Do: "Add it with: dialtone secret set " + name}
}

// Names lists the secrets, sorted.
func (s *Store) Names(ctx context.Context) ([]string, error) {
	done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := s.opened(ctx)
	if err != nil {
		return nil, err
	}
	defer c.wipe()
	return c.names(), nil
}

// Set stores a secret under a name. One of that name that is there already is
// replaced only on request; otherwise the fault is SEC-EXISTS. A store that does
// not exist yet is made, with a new passphrase. The value stays the caller's.
func (s *Store) Set(ctx context.Context, name string, value keys.Secret, replace bool) error {
	if err := keys.CheckSecretName(name); err != nil {
		return err
	}
	if err := checkValue(value.Reveal()); err != nil {
		return err
	}
	done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, _, err = read(s.o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := checkDir(filepath.Dir(s.o.Path)); err != nil {
			return err
		}
		pass, err := s.newPassphrase(ctx)
		if err != nil {
			return err
		}
		defer clear(pass)
		c := content{name: bytes.Clone(value.Reveal())}
		return s.create(c, pass)
	case err != nil:
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.edit(func(c content) error {
		if old, ok := c[name]; ok {
			if !replace {
				return &keys.Fault{Code: "SEC-EXISTS", What: fmt.Sprintf("there is a secret %q already", name), Kept: "It is untouched"}
			}
			clear(old)
		}
		c[name] = bytes.Clone(value.Reveal())
		return nil
	})
}

// Remove deletes secrets, all or, when one is missing, none.
func (s *Store) Remove(ctx context.Context, names ...string) error {
	done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := s.ready(ctx); err != nil {
		return err
	}
	return s.edit(func(c content) error {
		for _, n := range names {
			if _, ok := c[n]; !ok {
				return missing(n)
			}
		}
		for _, n := range names {
			clear(c[n])
			delete(c, n)
		}
		return nil
	})
}

// ChangePassphrase asks for the old passphrase, also when the store is open,
// and for a new one twice. Whatever happens, the old or the new one opens the
// file.
func (s *Store) ChangePassphrase(ctx context.Context) error {
	done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	s.Lock()
	if err := s.ready(ctx); err != nil {
		return err
	}
	pass, err := s.newPassphrase(ctx)
	if err != nil {
		return err
	}
	defer clear(pass)
	return s.save(pass, func(content) error { return nil })
}

// Lock forgets the passphrase and the secrets, best effort.
func (s *Store) Lock() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
}

// Unlocked reports whether the next Get needs no passphrase.
func (s *Store) Unlocked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire()
	return s.pass != nil
}

// forget is Lock; s.mu is held.
func (s *Store) forget() {
	clear(s.pass)
	s.values.wipe()
	s.pass, s.values = nil, nil
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// expire locks a store that nobody has used for long. It looks at the wall
// clock, which goes on while the machine sleeps; s.mu is held.
func (s *Store) expire() {
	if s.pass != nil && s.o.Now().Round(0).Sub(s.used) >= idle {
		s.forget()
	}
}

// touch starts the time without use anew; s.mu is held.
func (s *Store) touch() {
	s.used = s.o.Now().Round(0)
	if s.stop != nil {
		s.stop()
	}
	s.stop = s.o.AfterFunc(idle, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.expire()
	})
}

// begin takes the turn. A person who declined while this caller waited has
// declined for it too.
func (s *Store) begin(ctx context.Context) (done func(), err error) {
	s.mu.Lock()
	before := s.declined
	s.mu.Unlock()
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.declined != before {
		s.turn <- struct{}{}
		return nil, s.refusal
	}
	return func() { s.turn <- struct{}{} }, nil
}

// opened returns a copy of what is in the file now, asking for the passphrase
// when it is not known or no longer fits. The caller wipes it and has the turn.
func (s *Store) opened(ctx context.Context) (content, error) {
	data, sum, err := read(s.o.Path)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.expire()
	if s.pass != nil && s.sum == sum {
		defer s.mu.Unlock()
		s.touch()
		return s.values.copy(), nil
	}
	pass := bytes.Clone(s.pass)
	s.mu.Unlock()
	defer clear(pass)
	if pass != nil { // another program has written the file
		if c, err := s.derive(data, pass); err == nil {
			s.keep(c, pass, sum)
			return c.copy(), nil
		}
		s.Lock()
	}
	return s.unlock(ctx, data, sum)
}

// ready opens the store without looking into it.
func (s *Store) ready(ctx context.Context) error {
	c, err := s.opened(ctx)
	c.wipe()
	return err
}

// unlock asks until a passphrase fits, with a delay after each that does not.
func (s *Store) unlock(ctx context.Context, data []byte, sum [sha256.Size]byte) (content, error) {
	for try := 1; ; try++ {
		if d := s.until.Sub(s.o.Now()); d > 0 {
			if err := s.o.Wait(ctx, min(d, maxDelay)); err != nil {
				return nil, err
			}
		}
		given, err := s.ask(ctx, Question{Asked: Open, Path: s.o.Path, Try: try})
		if err != nil {
			return nil, err
		}
		c, err := s.derive(data, given.Reveal())
		if err == nil {
			s.wrong, s.until = 0, time.Time{}
			s.keep(c, given.Reveal(), sum)
			given.Wipe()
			return c.copy(), nil
		}
		given.Wipe()
		if !errors.Is(err, errOpen) {
			return nil, err
		}
		s.wrong++
		s.until = s.o.Now().Add(min(maxDelay, time.Second<<min(s.wrong, 3)))
		if try >= s.o.Tries {
			return nil, s.openFault()
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// derive opens data at its cost, and gives the memory of that back.
func (s *Store) derive(data, pass []byte) (content, error) {
	c, err := open(data, pass, s.o.most)
	if s.o.factor >= workFactor {
		debug.FreeOSMemory()
	}
	return c, err
}

func (s *Store) openFault() error {
	return &keys.Fault{Code: "SEC-OPEN", What: "wrong passphrase or damaged file (" + s.o.Path + ")", Kept: "The file is untouched", Err: errOpen}
}

// keep remembers an open store.
func (s *Store) keep(c content, pass []byte, sum [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget()
	s.pass, s.values, s.sum = bytes.Clone(pass), c, sum
	s.touch()
}
