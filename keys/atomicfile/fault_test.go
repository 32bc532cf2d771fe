package atomicfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestFailureAtEachStep has each step of a write fail: the old file is whole,
// nothing is left beside it, and no failure is called a success.
func TestFailureAtEachStep(t *testing.T) {
	t.Parallel()
	var steps []string
	if err := (disk{before: func(step string) error { steps = append(steps, step); return nil }}).write(filepath.Join(t.TempDir(), "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if want := []string{"mkdir", "create", "write", "sync", "close", "rename", "sync directory"}; !slices.Equal(steps, want) {
		t.Fatalf("steps %q, want %q", steps, want)
	}
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO, syscall.EROFS, syscall.EDQUOT, syscall.EFBIG} {
		for _, at := range steps {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if err := Write(path, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			err := disk{before: func(step string) error {
				if step == at {
					return cause
				}
				return nil
			}}.write(path, []byte("new and longer"), 0o600)
			if !errors.Is(err, cause) {
				t.Errorf("%v at %s: %v", cause, at, err)
			}
			want := "old"
			if at == "sync directory" {
				want = "new and longer" // it is there, and may not survive
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("%v at %s: the file holds %q, %v", cause, at, got, err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) != 1 {
				t.Errorf("%v at %s: left behind %v", cause, at, entries)
			}
		}
	}
}

// TestLockNamesItsHolder tells a person which program to look for.
func TestLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil { // of a version that wrote nothing
		t.Fatal(err)
	}
	unlock, err := Lock(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	_, err = Lock(path, 0)
	var locked *LockedError
	if !errors.As(err, &locked) || !errors.Is(err, ErrLocked) || locked.PID != os.Getpid() || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("%v (%+v)", err, locked)
	}
	if err := os.WriteFile(path+".lock", []byte("rubbish!!!"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err = Lock(path, 0); !errors.As(err, &locked) || locked.PID != 0 || strings.Contains(err.Error(), "pid") {
		t.Errorf("%v (%+v)", err, locked)
	}
}

// TestLockSweepsBehindKilledWriters takes old temporary files of its own path,
// and those only.
func TestLockSweepsBehindKilledWriters(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-2 * time.Minute)
	for name, gone := range map[string]bool{
		".f.1" + tempSuffix: true, ".f.2" + tempSuffix: false, ".g.1" + tempSuffix: false, "f": false,
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if gone || name == ".g.1"+tempSuffix || name == "f" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	unlock, err := Lock(filepath.Join(dir, "f"), 0)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	var left []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".f.2" + tempSuffix, ".g.1" + tempSuffix, "f", "f.lock"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}
