package atomicfile

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestWriteMakesReplacesAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "deep", "file")
	for _, data := range []string{"one", "", strings.Repeat("x", 1<<16)} {
		if err := Write(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != data {
			t.Fatalf("read back %d bytes, %v; want %d", len(got), err, len(data))
		}
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Fatalf("left behind: %v", entries)
	}
	if runtime.GOOS == "windows" {
		return
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if fi, _ := os.Stat(name); fi.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", name, fi.Mode().Perm(), want)
		}
	}
	if err := Write(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if fi, _ := os.Stat(path); fi.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, want 0644", fi.Mode().Perm())
	}
}

func TestWriteKeepsSymbolicLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil { // dangling at first
		t.Skip("no symbolic links here")
	}
	for range 2 {
		if err := Write(link, []byte("v"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if fi, _ := os.Lstat(link); fi.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}
	if got, _ := os.ReadFile(real); string(got) != "v" {
		t.Errorf("real file holds %q", got)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := Write(loop, nil, 0o600); err == nil {
		t.Error("a loop of links was accepted")
	}
}

func TestWriteRefusesWhatIsNotAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := Write(dir, []byte("v"), 0o600); err == nil {
		t.Error("a directory was overwritten")
	}
	if _, err := os.Stat(os.DevNull); err == nil && runtime.GOOS != "windows" {
		if err := Write(os.DevNull, []byte("v"), 0o600); err == nil {
			t.Error("a device was overwritten")
		}
	}
}

func TestSweepTakesOnlyOldFilesOfOurs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for name, age := range map[string]bool{".a.1" + tempSuffix: true, ".a.2" + tempSuffix: false, "a": true, ".b.tmp": true} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if age {
			if err := os.Chtimes(p, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, err := Sweep(dir, time.Minute)
	if n != 1 || err != nil {
		t.Fatalf("swept %d, %v; want 1", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".a.1"+tempSuffix)); !errors.Is(err, os.ErrNotExist) {
		t.Error("the old temporary file is still there")
	}
}

func TestLockKeepsWritersApart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	unlock, err := Lock(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path, 5*time.Millisecond); !errors.Is(err, ErrLocked) {
		t.Fatalf("second lock: %v, want ErrLocked", err)
	}
	unlock()

	const writers, rounds = 4, 25
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() { // ends after its rounds
			for range rounds {
				unlock, err := Lock(path, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				old, _ := os.ReadFile(path)
				err = Write(path, append(old, '.'), 0o600)
				unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got, _ := os.ReadFile(path); bytes.Count(got, []byte(".")) != writers*rounds {
		t.Errorf("%d of %d additions are there", len(got), writers*rounds)
	}
}
