package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"

	"dialtone/keys"
	"dialtone/keys/atomicfile"
)

// edit changes what is in the file, under its lock, from what it is now.
func (s *Store) edit(change func(content) error) error {
	s.mu.Lock()
	pass := bytes.Clone(s.pass)
	s.mu.Unlock()
	defer clear(pass)
	if pass == nil {
		return &keys.Fault{Code: "SEC-LOCKED", What: "the secret store was locked meanwhile", Kept: "Nothing was changed", Do: "Try again"}
	}
	return s.save(pass, change)
}

// save reads the file again, changes it and writes it for pass.
func (s *Store) save(pass []byte, change func(content) error) error {
	unlock, err := atomicfile.Lock(s.o.Path, lockWait)
	if err != nil {
		return s.saveFault(err)
	}
	defer unlock()
	data, sum, err := read(s.o.Path)
	if err != nil {
		return err
	}
	s.mu.Lock()
	c, known := s.values.copy(), s.pass != nil && s.sum == sum
	old := bytes.Clone(s.pass)
	s.mu.Unlock()
	defer clear(old)
	if !known {
		c.wipe()
		if c, err = s.derive(data, old); err != nil {
			s.Lock()
			return &keys.Fault{Code: "SEC-CHANGED", What: "another program has changed the secret store or its passphrase", Kept: "Nothing was changed", Do: "Try again", Err: err}
		}
	}
	if err := change(c); err != nil {
		c.wipe()
		return err
	}
	return s.write(c, pass)
}

// create writes the first content, unless another program was faster.
func (s *Store) create(c content, pass []byte) error {
	unlock, err := atomicfile.Lock(s.o.Path, lockWait)
	if err != nil {
		return s.saveFault(err)
	}
	defer unlock()
	if _, _, err := read(s.o.Path); !errors.Is(err, fs.ErrNotExist) {
		return &keys.Fault{Code: "SEC-CHANGED", What: "another program has made the secret store meanwhile", Kept: "It is untouched", Do: "Try again", Err: err}
	}
	return s.write(c, pass)
}

// write seals and replaces the file; c becomes the store's. The lock is held.
func (s *Store) write(c content, pass []byte) error {
	data, err := seal(c, pass, s.o.factor)
	if s.o.factor >= workFactor {
		debug.FreeOSMemory()
	}
	if err == nil {
		err = atomicfile.Write(s.o.Path, data, 0o600)
	}
	if err != nil {
		c.wipe()
		return s.saveFault(err)
	}
	s.keep(c, pass, sha256.Sum256(data))
	return nil
}

func (s *Store) saveFault(err error) error {
	var f *keys.Fault
	if errors.As(err, &f) {
		return err
	}
	return &keys.Fault{Code: "SEC-SAVE", What: fmt.Sprintf("%s could not be written (%v)", s.o.Path, keys.Cause(err)),
		Kept: "The file is whole, with its old content", Do: "Make room, or make it writable", Err: err}
}
