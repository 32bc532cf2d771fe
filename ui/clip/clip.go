// Package clip copies text to where the person can paste it, over the first
// way that works here, and says which one that was: there is no way that works
// everywhere, and a terminal does not tell whether it took a text.
package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aymanbagabas/go-osc52/v2"
	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/msg"
)

const (
	// MaxOSC52 is the longest text that is given to a terminal. Many drop
	// longer ones without a word.
	MaxOSC52 = 64 << 10
	// timeout is what each other program gets.
	timeout = 3 * time.Second
)

// Options say what there is to copy with.
type Options struct {
	// Out is the terminal. It must be the very file that the screen is drawn
	// on, so that its writes and ours do not mix. nil: no OSC 52.
	Out io.Writer
	// StateDir takes the file when nothing else works; "" allows none.
	StateDir string
	Now      func() time.Time // names the file

	// Getenv, LookPath and Run are the system's when nil. Run gives in to a
	// program and waits for it.
	Getenv   func(string) string
	LookPath func(string) (string, error)
	Run      func(ctx context.Context, in string, name string, args ...string) error
}

// Clip copies. It may be used by many goroutines.
type Clip struct{ o Options }

// New returns a Clip.
func New(o Options) *Clip {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.LookPath == nil {
		o.LookPath = exec.LookPath
	}
	if o.Run == nil {
		o.Run = run
	}
	return &Clip{o}
}

// Result is how a text was copied.
type Result struct {
	Route string // "tmux", "wl-copy", "terminal (OSC 52)", "file"
	Bytes int
	Path  string // of the file, "" for the others
}

// String is the text of the toast. It claims no more than is known: nobody
// hears back from a terminal.
func (r Result) String() string {
	switch {
	case r.Path != "":
		return fmt.Sprintf("nothing to copy with here: wrote %s to %s", size(r.Bytes), r.Path)
	case r.Route == routeOSC52:
		return fmt.Sprintf("gave %s to the terminal to copy (OSC 52)", size(r.Bytes))
	case r.Route == routeBuffer:
		return fmt.Sprintf("copied %s to the tmux buffer only: this tmux cannot pass it on", size(r.Bytes))
	}
	return fmt.Sprintf("copied %s by %s", size(r.Bytes), r.Route)
}

// size writes a number of bytes for people.
func size(n int) string {
	switch {
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n >= 1e4:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%d B", n)
}

// Copy returns the command that copies text and shows how. what names the text
// in the toast ("the path"); it may be empty. text must be safe to show.
func (c *Clip) Copy(what, text string) tea.Cmd {
	return func() tea.Msg {
		r, err := c.Put(context.Background(), text)
		if err != nil {
			return msg.Toast{Level: msg.Error, Text: "Not copied: " + err.Error(), Detail: err.Error()}
		}
		level := msg.Good
		if r.Path != "" || r.Route == routeBuffer {
			level = msg.Warn
		}
		s := r.String()
		if what != "" {
			s = what + ": " + s
		}
		return msg.Toast{Level: level, Text: sentence(s)}
	}
}

// sentence begins s with a capital letter.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

const (
	routeOSC52  = "terminal (OSC 52)"
	routeBuffer = "tmux buffer"
)

// errUnfit means that a way is not there, or not for this text.
var errUnfit = errors.New("not here")

// Put copies text by the first way that works, in this order: tmux, when the
// screen is in one, because it keeps OSC 52 to itself in its usual set-up; the
// tool of a display that is at hand, because it answers; OSC 52; the tool of a
// display that is reached over SSH; a file. The error tells why none did.
func (c *Clip) Put(ctx context.Context, text string) (Result, error) {
	if text == "" {
		return Result{}, errors.New("there is nothing to copy")
	}
	local := c.o.Getenv("SSH_CONNECTION") == ""
	ways := []func(context.Context, string) (Result, error){c.tmux, c.osc52, c.native, c.file}
	if local {
		ways[1], ways[2] = ways[2], ways[1]
	}
	var all []error
	for _, way := range ways {
		r, err := way(ctx, text)
		switch {
		case err == nil:
			r.Bytes = len(text)
			return r, nil
		case !errors.Is(err, errUnfit):
			all = append(all, err)
		}
	}
	if len(all) == 0 {
		return Result{}, errors.New("there is no clipboard here that would take it. Save it to a file instead")
	}
	return Result{}, errors.Join(all...)
}

// tmux gives the text to the tmux that the program runs in, which gives it on
// to the terminal.
func (c *Clip) tmux(ctx context.Context, text string) (Result, error) {
	if c.o.Getenv("TMUX") == "" {
		return Result{}, errUnfit
	}
	err := c.run(ctx, text, "tmux", "load-buffer", "-w", "-")
	if err == nil {
		return Result{Route: "tmux"}, nil
	}
	if c.run(ctx, text, "tmux", "load-buffer", "-") == nil { // before 3.2
		return Result{Route: routeBuffer}, nil
	}
	return Result{}, err
}

// native uses the tool of the display.
func (c *Clip) native(ctx context.Context, text string) (Result, error) {
	var failed error = errUnfit
	for _, t := range []struct{ env, name, args string }{
		{"WAYLAND_DISPLAY", "wl-copy", ""},
		{"DISPLAY", "xclip", "-selection clipboard -in"},
		{"DISPLAY", "xsel", "--clipboard --input"},
		{"", "pbcopy", ""},
	} {
		if t.env != "" && c.o.Getenv(t.env) == "" {
			continue
		}
		if _, err := c.o.LookPath(t.name); err != nil {
			continue
		}
		err := c.run(ctx, text, t.name, strings.Fields(t.args)...)
		if err == nil {
			return Result{Route: t.name}, nil
		}
		failed = err
	}
	return Result{}, failed
}

// osc52 gives the text to the terminal in a sequence.
func (c *Clip) osc52(_ context.Context, text string) (Result, error) {
	term := c.o.Getenv("TERM")
	if c.o.Out == nil || len(text) > MaxOSC52 || term == "" || term == "dumb" || term == "linux" || c.o.Getenv("TMUX") != "" {
		return Result{}, errUnfit
	}
	seq := osc52.New(text)
	if c.o.Getenv("STY") != "" {
		seq = seq.Screen()
	}
	// One Write, so that no frame can come in between.
	if _, err := io.WriteString(c.o.Out, seq.String()); err != nil {
		return Result{}, fmt.Errorf("write to the terminal: %w", err)
	}
	return Result{Route: routeOSC52}, nil
}

// file writes the text where only its owner can read it.
func (c *Clip) file(_ context.Context, text string) (Result, error) {
	if c.o.StateDir == "" {
		return Result{}, errUnfit
	}
	dir := filepath.Join(c.o.StateDir, "copied")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Result{}, fmt.Errorf("make a directory for it: %w", err)
	}
	stamp := ""
	if c.o.Now != nil {
		stamp = c.o.Now().Format("20060102-150405-")
	}
	f, err := os.CreateTemp(dir, stamp+"*.txt") // 0600
	if err != nil {
		return Result{}, fmt.Errorf("make a file for it: %w", err)
	}
	_, err = io.WriteString(f, text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return Result{}, fmt.Errorf("write it to a file: %w", err)
	}
	return Result{Route: "file", Path: f.Name()}, nil
}

// run bounds the time of a program and says which one failed.
func (c *Clip) run(ctx context.Context, text, name string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := c.o.Run(ctx, text, name, args...); err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("no answer within %v", timeout)
		}
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// run gives in to a program. Its output goes nowhere: these tools leave a child
// behind that would keep a pipe open for as long as it owns the clipboard.
func run(ctx context.Context, in, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(in)
	cmd.WaitDelay = time.Second
	return cmd.Run()
}
