// Package atomicfile writes small files so that a reader, or the next start
// after a crash, finds either the old content or the new one and nothing else.
// It also holds the lock that keeps two programs from writing at once.
package atomicfile

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tempSuffix marks our unfinished files, so that Sweep can tell them apart.
const tempSuffix = ".dialtone-tmp"

// maxLinks bounds how many symbolic links are followed for one name.
const maxLinks = 40

// ErrLocked is returned by Lock when somebody else kept the lock all the time.
var ErrLocked = errors.New("locked by another program")

// Write replaces the content of path by data: a temporary file in the same
// directory is written, synced, given perm, renamed over path, and the
// directory is synced. A symbolic link is followed, so the link stays a link.
// Missing directories are made with 0700. When Write returns an error before
// the rename, path has its old content; it never has part of the new one.
// Anything at path that is not a regular file is refused.
func Write(path string, data []byte, perm os.FileMode) error {
	return disk{}.write(path, data, perm)
}

// disk does the steps of Write. before is told of each of them by name and can
// have it fail, as a full or broken disk does; nil lets all pass.
type disk struct {
	before func(step string) error
}

func (d disk) step(name string) error {
	if d.before == nil {
		return nil
	}
	return d.before(name)
}

func (d disk) write(path string, data []byte, perm os.FileMode) error {
	target, err := resolve(path)
	if err != nil {
		return err
	}
	switch fi, err := os.Lstat(target); {
	case err == nil && !fi.Mode().IsRegular():
		return &fs.PathError{Op: "write", Path: target, Err: errors.New("not a regular file")}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := filepath.Dir(target)
	if err := cmp.Or(d.step("mkdir"), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	temp, err := d.writeTemp(dir, filepath.Base(target), data, perm)
	if err != nil {
		return err
	}
	if err = d.step("rename"); err == nil {
		err = os.Rename(temp, target)
	}
	if err != nil {
		os.Remove(temp)
		return err
	}
	return cmp.Or(d.step("sync directory"), syncDir(dir))
}

// writeTemp makes a synced temporary file with data; on error nothing is left.
func (d disk) writeTemp(dir, base string, data []byte, perm os.FileMode) (name string, err error) {
	if err := d.step("create"); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "."+base+".*"+tempSuffix) // 0600 and O_EXCL
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return "", err
	}
	if err = d.step("write"); err != nil {
		return "", err
	}
	if perm.Perm() != 0o600 {
		if err = f.Chmod(perm.Perm()); err != nil {
			return "", err
		}
	}
	if err = cmp.Or(d.step("sync"), f.Sync()); err != nil {
		return "", err
	}
	if err = cmp.Or(d.step("close"), f.Close()); err != nil {
		return "", err
	}
	return f.Name(), nil
}

// resolve follows symbolic links by name, also when the last one points to a
// file that does not exist yet.
func resolve(path string) (string, error) {
	path = filepath.Clean(path)
	for range maxLinks {
		fi, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && fi.Mode()&fs.ModeSymlink == 0 {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		to, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many symbolic links")}
}

// Sweep removes what a killed program left unfinished in dir: our temporary
// files that nobody has touched for age. It returns how many went.
func Sweep(dir string, age time.Duration) (removed int, err error) {
	return sweep(dir, ".", age)
}

// stale is the age from which a temporary file has no writer any more.
const stale = time.Minute

// sweep is Sweep for the files whose names begin with prefix.
func sweep(dir, prefix string, age time.Duration) (removed int, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !strings.HasSuffix(e.Name(), tempSuffix) || !e.Type().IsRegular() {
			continue
		}
		fi, ierr := e.Info()
		if ierr != nil || time.Since(fi.ModTime()) < age {
			continue
		}
		if rerr := os.Remove(filepath.Join(dir, e.Name())); rerr != nil {
			err = errors.Join(err, rerr)
			continue
		}
		removed++
	}
	return removed, err
}

// LockedError says who has a lock. It wraps ErrLocked.
type LockedError struct {
	Path string // of the lock file
	PID  int    // of the program that has it; 0 when that cannot be told
}

// Error names the program, as far as it is known.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("lock %s: %v", e.Path, ErrLocked)
	}
	return fmt.Sprintf("lock %s: %v (pid %d)", e.Path, ErrLocked, e.PID)
}

// Unwrap returns ErrLocked.
func (e *LockedError) Unwrap() error { return ErrLocked }

// Lock takes the lock that guards writing of path, waiting at most wait for
// whoever has it: another program or another goroutine of this one. The lock
// is on path+".lock", since a rename gives path itself a new inode each time;
// that file stays, with the number of the process that had it last. The system
// releases the lock when the program dies. After wait the error is a
// *LockedError. Whoever gets the lock removes what killed writers of path left.
func Lock(path string, wait time.Duration) (unlock func(), err error) {
	name := path + ".lock"
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(wait)
	pause := time.Millisecond
	for {
		ok, err := tryLock(f)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if ok {
			sign(f)
			_, _ = sweep(filepath.Dir(path), "."+filepath.Base(path)+".", stale) // left-overs do no harm
			return func() { unlockFile(f); f.Close() }, nil
		}
		left := time.Until(deadline)
		if left <= 0 {
			holder := signature(f)
			f.Close()
			return nil, &LockedError{Path: name, PID: holder}
		}
		time.Sleep(min(pause, left))
		pause = min(2*pause, 20*time.Millisecond)
	}
}

// pidDigits is the length of what sign writes, which never changes: so the file
// need not be cut, and nobody reads half of a number.
const pidDigits = 10

// sign writes who has the lock into its file. On a full disk the lock holds all
// the same.
func sign(f *os.File) {
	_, _ = f.WriteAt(fmt.Appendf(nil, "%*d\n", pidDigits, os.Getpid()), 0)
}

// signature is what sign wrote, 0 when that cannot be read.
func signature(f *os.File) int {
	var b [pidDigits]byte
	if _, err := f.ReadAt(b[:], 0); err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:])))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
