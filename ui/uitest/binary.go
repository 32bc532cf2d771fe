package uitest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Binary builds the program once for a test binary and returns its path.
type Binary struct {
	once sync.Once
	path string
	err  error
	out  []byte
	// Race builds it with the race detector.
	Race bool
}

// Path returns the program, built on the first call.
func (b *Binary) Path(t testing.TB) string {
	t.Helper()
	b.once.Do(func() {
		dir, err := os.MkdirTemp("", "dialtone-bin")
		if err != nil {
			b.err = err
			return
		}
		b.path = filepath.Join(dir, "dialtone")
		args := []string{"build", "-o", b.path}
		if b.Race {
			args = append(args, "-race")
		}
		cmd := exec.Command("go", append(args, "dialtone")...)
		cmd.Dir = Root(t)
		b.out, b.err = cmd.CombinedOutput()
	})
	if b.err != nil {
		t.Fatalf("building the program: %v\n%s", b.err, b.out)
	}
	return b.path
}

// Remove deletes what Path built; for TestMain.
func (b *Binary) Remove() {
	if b.path != "" {
		os.RemoveAll(filepath.Dir(b.path))
	}
}

// Root is the top of the source tree.
func Root(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}
