//go:build unix

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/cli"
	"dialtone/ui/uitest"
)

// childState, in the environment, makes the test binary the program itself, with
// a dialer that panics.
const childState = "DIALTONE_APP_STATE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childState); dir != "" {
		os.Exit(child(dir))
	}
	os.Exit(m.Run())
}

// bomb panics in the goroutine of a session.
type bomb struct{}

func (bomb) Dial(context.Context, link.Target, link.Asker, func(link.Stage)) (*link.Link, error) {
	panic("hunter-2222")
}

func child(dir string) int {
	t := link.Target{Name: "core-r1", Host: "192.0.2.1", Via: link.SSH}
	j := journal.Memory()
	err := Run(context.Background(), cli.InterfaceDeps{
		Manager:   conn.Options{Now: time.Now, Journal: j, Dialer: bomb{}},
		OnWaiting: func(func(link.Target, string, bool)) {},
		Profiles:  profile.Memory(), Journal: j, Target: &t, StateDir: dir, WorkDir: dir,
		Log: slog.New(slog.DiscardHandler), Input: os.Stdin, Output: os.Stdout,
	})
	var code interface{ ExitCode() int }
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return code.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 99
}

// TestPanicInAGoroutineEndsOnlyItsSession lets the goroutine of a session panic.
// The program lives on, tells of it, and leaves the terminal as it was.
func TestPanicInAGoroutineEndsOnlyItsSession(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m := uitest.StartTmux(t, uitest.TmuxOptions{Env: []string{childState + "=" + dir}}, os.Args[0])
	m.See("core-r1 ▲", "lost")
	m.Keys("1")
	m.See("[1 Devices]", "core-r1")
	m.Keys("?")
	m.See("Keys: Devices")
	m.Keys("Escape")
	m.Gone("Keys: Devices")
	m.Keys("q")
	if code := m.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "crash", "crash-*.txt"))
	if len(files) != 1 {
		t.Fatalf("crash files %v", files)
	}
	b, err := os.ReadFile(files[0])
	info, serr := os.Stat(files[0])
	if err != nil || serr != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(err, serr, info.Mode())
	}
	if strings.Contains(string(b), "hunter-2222") || !strings.Contains(string(b), "bomb") {
		t.Errorf("crash file:\n%s", b)
	}
}
