//go:build unix

package atomicfile

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const writerEnv = "ATOMICFILE_TEST_WRITER"

// TestWriterProcess is no test: it is what the processes of the next one run.
// Each turn adds one to the number in the file and then says it.
func TestWriterProcess(t *testing.T) {
	path := os.Getenv(writerEnv)
	if path == "" {
		t.Skip("run by another test")
	}
	for {
		unlock, err := Lock(path, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		n, err := numberIn(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(path, content(n+1), 0o600); err != nil {
			t.Fatal(err)
		}
		unlock()
		if _, err := fmt.Println(n + 1); err != nil {
			return // the reader is gone
		}
	}
}

// content is a number and enough of it that a part would show.
func content(n int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%d\n", n), 5000) + "end\n")
}

// numberIn reads a file that content made; anything else is an error.
func numberIn(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(data), "\n")
	n, err := strconv.Atoi(first)
	if err != nil || string(data) != string(content(n)) {
		return 0, fmt.Errorf("%d bytes that begin %.20q are no content", len(data), data)
	}
	return n, nil
}

// TestKilledWriters kills one of two writers at any moment, again and again:
// the file is always whole, never behind what was acknowledged, and the lock is
// free again.
func TestKilledWriters(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := Write(path, content(0), 0o600); err != nil {
		t.Fatal(err)
	}
	for range rounds {
		var writers [2]*exec.Cmd
		var says [2]*bufio.Reader
		for i := range writers {
			c := exec.Command(os.Args[0], "-test.run=^TestWriterProcess$")
			c.Env = append(os.Environ(), writerEnv+"="+path)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			writers[i], says[i] = c, bufio.NewReader(out)
		}
		acknowledged := 0
		hear := func(r *bufio.Reader) error {
			line, err := r.ReadString('\n')
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(strings.TrimSpace(line))
			acknowledged = max(acknowledged, n)
			return err
		}
		for range 1 + rand.IntN(5) {
			if err := hear(says[0]); err != nil {
				t.Fatalf("the first writer: %v", err)
			}
		}
		_ = writers[0].Process.Signal(syscall.SIGKILL)
		for hear(says[0]) == nil { // what it had said before it died
		}
		for range 3 { // the other goes on
			if err := hear(says[1]); err != nil {
				t.Fatalf("the second writer: %v", err)
			}
		}
		_ = writers[1].Process.Signal(syscall.SIGKILL)
		for hear(says[1]) == nil {
		}
		for i := range writers {
			_, _ = io.Copy(io.Discard, says[i])
			_ = writers[i].Wait()
		}
		n, err := numberIn(path)
		if err != nil || n < acknowledged {
			t.Fatalf("the file holds %d, %v; %d was acknowledged", n, err, acknowledged)
		}
		unlock, err := Lock(path, 10*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Sweep(dir, 0); err != nil {
			t.Error(err)
		}
		unlock()
		if entries, _ := os.ReadDir(dir); len(entries) != 2 { // the file and its lock
			t.Fatalf("left behind: %v", entries)
		}
	}
}
