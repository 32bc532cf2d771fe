package term

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"dialtone/keys/atomicfile"
)

// Crash records the first panic of a run. Its methods may be called from any
// goroutine.
type Crash struct {
	dir string
	now func() time.Time

	mu    sync.Mutex
	where string
	value any
	stack []byte
}

// NewCrash keeps its file in stateDir/crash; with an empty stateDir none is
// written.
func NewCrash(stateDir string, now func() time.Time) *Crash {
	c := &Crash{now: now}
	if stateDir != "" {
		c.dir = filepath.Join(stateDir, "crash")
	}
	return c
}

// Caught is deferred: it turns a panic into a record and then calls after.
// Without a panic it does nothing.
func (c *Crash) Caught(where string, after func()) {
	if v := recover(); v != nil {
		c.Record(where, v, debug.Stack())
		after()
	}
}

// Record keeps a panic that was caught elsewhere; only the first counts.
func (c *Crash) Record(where string, value any, stack []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stack == nil {
		c.where, c.value, c.stack = where, value, stack
	}
}

// Happened reports whether there was a panic.
func (c *Crash) Happened() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stack != nil
}

// Crashed is the error of a run that a panic ended. The terminal is restored.
type Crashed struct {
	Where string
	File  string   // "" when it could not be written
	Dirty []string // sessions with uncommitted work
	Err   error    // why there is no file
}

// Error is one line: what happened, where the file is, what was at stake.
func (c *Crashed) Error() string {
	text := "dialtone met a bug of its own (" + c.Where + ")"
	switch {
	case c.File != "":
		text += ". Report it with " + c.File
	case c.Err != nil:
		text += ". The crash file could not be written: " + c.Err.Error()
	}
	if len(c.Dirty) > 0 {
		text += ". At stake: " + strings.Join(c.Dirty, ", ")
	}
	return text
}

// Unwrap returns why there is no file.
func (c *Crashed) Unwrap() error { return c.Err }

// ExitCode is 2.
func (c *Crashed) ExitCode() int { return 2 }

// Save writes the crash file, mode 0600, and returns the error of the run.
// The file holds the kind of the panic and where it happened. Values are left
// out, and so are the arguments of the calls: either may hold what was typed.
func (c *Crash) Save(dirty []string) *Crashed {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &Crashed{Where: c.where, Dirty: dirty}
	if c.dir == "" {
		return out
	}
	var b strings.Builder
	fmt.Fprintf(&b, "time: %s\nin: %s\npanic: %s\ngo: %s %s/%s\n", c.now().Format(time.RFC3339), c.where, Kind(c.value),
		runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, d := range dirty {
		fmt.Fprintf(&b, "at stake: %s\n", d)
	}
	b.WriteString("\n" + Redact(string(c.stack)))
	name := filepath.Join(c.dir, "crash-"+c.now().Format("20060102-150405.000")+".txt")
	err := os.MkdirAll(c.dir, 0o700)
	if err == nil {
		err = atomicfile.Write(name, []byte(b.String()), 0o600)
	}
	if err != nil {
		out.Err = err
		return out
	}
	out.File = name
	return out
}

// Kind describes a panic without the data in it: the text of a runtime error,
// which holds indexes at most, and the type of anything else.
func Kind(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}

// Redact drops from a stack what may hold data: the arguments of the calls and
// the value on lines of the runtime that repeat the panic.
func Redact(stack string) string {
	lines := strings.Split(stack, "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "panic("):
			lines[i] = "panic(...)"
		case strings.HasPrefix(l, "\t"), strings.HasPrefix(l, "goroutine "), strings.HasPrefix(l, "created by "):
		default:
			if at := strings.LastIndexByte(l, '('); at > 0 && strings.HasSuffix(l, ")") {
				lines[i] = l[:at] + "(...)"
			}
		}
	}
	return strings.Join(lines, "\n")
}
