//go:build unix

package profile

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOddThingsInPlaceOfAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "dir.toml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo.toml"), 0o600); err != nil {
		t.Skip("no named pipes here:", err)
	}
	if err := os.Symlink("loop.toml", filepath.Join(dir, "loop.toml")); err != nil {
		t.Fatal(err)
	}
	s := Open(dir)
	ps, errs := s.List() // must not hang on the pipe
	if len(ps) != 0 || len(errs) != 3 {
		t.Fatalf("got %v, %v", ps, errs)
	}
	for _, name := range []string{"dir", "fifo", "loop"} {
		if err := s.Put(simple(name)); err == nil {
			t.Errorf("saved over %s", name)
		}
	}
	if err := s.Delete("dir"); err == nil {
		t.Error("deleted a directory")
	}
}
