package profile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"dialtone/keys"
	"dialtone/keys/atomicfile"
)

// MaxSize is the most that a file of ours may have, in bytes.
const MaxSize = 1 << 20

const (
	lockWait  = 2 * time.Second
	staleTemp = time.Minute
	suffix    = ".toml"
)

// Reasons that errors of a store wrap.
var (
	ErrNone     = errors.New("no such profile")
	ErrConflict = errors.New("changed by another program")
)

// files is a directory of profiles. It remembers what it has seen of each file,
// so that a change made by another program is not overwritten.
type files struct {
	dir string

	mu   sync.Mutex
	seen map[string][sha256.Size]byte // by name, of profiles read or written
}

// List reads the directory. A directory that does not exist is empty.
func (s *files) List() ([]Profile, []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fileFault("read", s.dir, err)}
	}
	var errs []error
	if err := s.safeDir(); err != nil {
		errs = append(errs, err)
	}
	var ps []Profile
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		if !ok || strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(s.dir, e.Name())
		data, warning, err := readFile(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p, err := decode(path, name, data)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if warning != nil {
			errs = append(errs, warning)
		}
		s.saw(name, data)
		ps = append(ps, p)
	}
	slices.SortFunc(ps, func(a, b Profile) int { return strings.Compare(a.Name, b.Name) })
	return ps, errs
}

func (s *files) saw(name string, data []byte) {
	if s.seen == nil {
		s.seen = make(map[string][sha256.Size]byte)
	}
	s.seen[name] = sha256.Sum256(data)
}

// Put writes p. When another program changed the file since it was read here,
// both are kept: p is saved as NAME-2 and the error, which wraps ErrConflict,
// says so.
func (s *files) Put(p Profile) error {
	if err := checked(p); err != nil {
		return err
	}
	data, err := encode(p)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	path := filepath.Join(s.dir, p.Name+suffix)
	switch old, _, err := readFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return unreadable(path, err)
	default:
		if _, err := decode(path, p.Name, old); err != nil {
			return unreadable(path, err)
		}
		if sha256.Sum256(old) != s.seen[p.Name] && !bytes.Equal(old, data) {
			return s.putBeside(p)
		}
	}
	if err := atomicfile.Write(path, data, 0o600); err != nil {
		return fileFault("save", path, err)
	}
	s.saw(p.Name, data)
	return nil
}

// putBeside saves p under the next free name; the lock is held.
func (s *files) putBeside(p Profile) error {
	was := p.Name
	for n := 2; n < 1000; n++ {
		p.Name = fmt.Sprintf("%s-%d", was[:min(len(was), 60)], n)
		path := filepath.Join(s.dir, p.Name+suffix)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		data, err := encode(p)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(path, data, 0o600); err != nil {
			return fileFault("save", path, err)
		}
		s.saw(p.Name, data)
		return &keys.Fault{
			Code: "PRO-CONFLICT", What: fmt.Sprintf("profile %s was changed by another program", was),
			Kept: fmt.Sprintf("Both are kept: yours was saved as %s", p.Name), Do: "Compare the two and delete one", Err: ErrConflict,
		}
	}
	return fmt.Errorf("no free name beside %s", was)
}

// Delete removes a profile's file, also one that cannot be read.
func (s *files) Delete(name string) error {
	if !ValidName(name) {
		return missing(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.dir, name+suffix)
	if fi, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return missing(name)
	} else if err == nil && fi.IsDir() {
		return fileFault("delete", path, syscall.EISDIR)
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return missing(name)
		}
		return fileFault("delete", path, err)
	}
	delete(s.seen, name)
	return nil
}

// lock makes the directory, takes its lock, and removes what a killed program
// left in it.
func (s *files) lock() (func(), error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, fileFault("make", s.dir, err)
	}
	if err := s.safeDir(); err != nil {
		return nil, err
	}
	unlock, err := atomicfile.Lock(filepath.Clean(s.dir), lockWait)
	var locked *atomicfile.LockedError
	if errors.As(err, &locked) {
		who := "another dialtone"
		if locked.PID != 0 {
			who += fmt.Sprintf(" (pid %d)", locked.PID)
		}
		return nil, &keys.Fault{
			Code: "FS-LOCKED", What: who + " is saving profiles in " + s.dir,
			Kept: "Nothing was written", Do: "Save again in a moment", Err: err,
		}
	}
	if err != nil {
		return nil, fileFault("lock", s.dir, err)
	}
	_, _ = atomicfile.Sweep(s.dir, staleTemp) // left-overs do no harm
	return unlock, nil
}

// safeDir refuses a directory into which anybody may write.
func (s *files) safeDir() error {
	fi, err := os.Stat(s.dir)
	if err != nil {
		return fileFault("read", s.dir, err)
	}
	if !fi.IsDir() {
		return fileFault("read", s.dir, syscall.ENOTDIR)
	}
	if fi.Mode().Perm()&0o002 != 0 {
		return &keys.Fault{
			Code: "FS-PERM", What: fmt.Sprintf("anybody may write to %s", s.dir),
			Kept: "Profiles are read but not saved", Do: "Run chmod 700 " + s.dir,
		}
	}
	return nil
}

// readFile reads a regular file of at most MaxSize bytes, following links. The
// warning concerns a file that is read all the same.
func readFile(path string) (data []byte, warning, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe in its place must not hold us up
	if err != nil {
		return nil, nil, fileFault("read", path, err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, nil, fileFault("read", path, err)
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, fileFault("read", path, errors.New("not a regular file"))
	}
	if fi.Mode().Perm()&0o002 != 0 {
		warning = &keys.Fault{Code: "FS-PERM", What: "anybody may write to " + path, Kept: "It is used", Do: "Run chmod 600 " + path}
	}
	data, err = io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err != nil {
		return nil, nil, fileFault("read", path, err)
	}
	if len(data) > MaxSize {
		return nil, nil, fileFault("read", path, fmt.Errorf("larger than %d bytes", MaxSize))
	}
	return data, warning, nil
}

func unreadable(path string, err error) error {
	return &keys.Fault{
		Code: "PRO-BAD", What: fmt.Sprintf("%s holds something that cannot be read: %v", path, err),
		Kept: "It was not overwritten", Do: "Correct or delete the file, then save again", Err: err,
	}
}

// fileFault words an error of the file system.
func fileFault(verb, path string, err error) error {
	f := &keys.Fault{Code: "FS-IO", What: fmt.Sprintf("cannot %s %s: %v", verb, path, keys.Cause(err)), Err: err}
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		f.Code, f.Do = "FS-FULL", "Make room and save again"
	case errors.Is(err, syscall.EROFS):
		f.Code = "FS-READONLY"
	case errors.Is(err, fs.ErrPermission):
		f.Code, f.Do = "FS-PERM", "Check who may read and write it"
	case errors.Is(err, fs.ErrNotExist):
		f.Code = "FS-NONE"
	}
	if verb == "save" {
		f.Kept = "What was saved before is untouched; the change is not saved"
	}
	return f
}
