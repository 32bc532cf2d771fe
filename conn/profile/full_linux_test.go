package profile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

const smallEnv = "PROFILE_TEST_SMALL"

// TestSmallDiskProcess is no test: it is what the process of the next one runs,
// which may write files of 64 bytes at most.
func TestSmallDiskProcess(t *testing.T) {
	dir := os.Getenv(smallEnv)
	if dir == "" {
		t.Skip("run by another test")
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	s := Open(dir)
	s.List() // or the file would be another program's
	p := full("r1")
	p.User = "later"
	fmt.Printf("said: %v\n", s.Put(p))
}

// TestFullDiskKeepsTheOldProfile meets a real error of the system: the
// save is refused by name, and nothing has changed.
func TestFullDiskKeepsTheOldProfile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "profiles")
	s := Open(dir)
	if err := s.Put(full("r1")); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(os.Args[0], "-test.run=^TestSmallDiskProcess$")
	c.Env = append(os.Environ(), smallEnv+"="+dir)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, part := range []string{"said: FS-FULL", "r1.toml", "What was saved before is untouched", "save again"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("%q is not in %s", part, out)
		}
	}
	ps, errs := Open(dir).List()
	if len(ps) != 1 || len(errs) != 0 || !reflect.DeepEqual(ps[0], full("r1")) {
		t.Errorf("%+v, %v", ps, errs)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}
