package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/term"
)

// Terminal is where a person can be asked, whatever the standard streams are.
type Terminal interface {
	io.WriteCloser
	// ReadLine shows a prompt and returns a line without its end. Without echo
	// nothing typed is shown, from before the prompt on. ctrl+c is
	// errInterrupted, ctrl+d on an empty line io.EOF.
	ReadLine(ctx context.Context, prompt string, echo bool) ([]byte, error)
}

const maxLine = 4096

var errInterrupted = errors.New("interrupted")

// isTerminal reports whether v is a file that is a terminal.
func isTerminal(v any) bool {
	f, ok := isFile(v)
	if !ok {
		return false
	}
	is := false
	_ = control(f, func(fd uintptr) error { is = term.IsTerminal(fd); return nil }) // a closed file is none
	return is
}

// control runs fn on the descriptor without making the file block.
func control(f *os.File, fn func(fd uintptr) error) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var ferr error
	if err := rc.Control(func(fd uintptr) { ferr = fn(fd) }); err != nil {
		return err
	}
	return ferr
}

// tty is the controlling terminal.
type tty struct{ in, out *os.File }

// openTerminal opens the controlling terminal.
func openTerminal() (Terminal, error) {
	if runtime.GOOS == "windows" {
		in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
		if err != nil {
			in.Close()
			return nil, err
		}
		return &tty{in, out}, nil
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return &tty{f, f}, nil
}

// Write writes to the terminal.
func (t *tty) Write(p []byte) (int, error) { return t.out.Write(p) }

// Close closes the terminal's files.
func (t *tty) Close() error {
	if t.in != t.out {
		defer t.out.Close()
	}
	return t.in.Close()
}

// ReadLine reads in raw mode, so that the state of the terminal is known and
// can be put back however the reading ends.
func (t *tty) ReadLine(ctx context.Context, prompt string, echo bool) (line []byte, err error) {
	var old *term.State
	if err := control(t.in, func(fd uintptr) (err error) { old, err = term.MakeRaw(fd); return err }); err != nil {
		return nil, err
	}
	defer func() {
		rerr := control(t.in, func(fd uintptr) error { return term.Restore(fd, old) })
		fmt.Fprintln(t.out)
		err = errors.Join(err, rerr)
	}()
	if _, err := io.WriteString(t.out, prompt); err != nil {
		return nil, err
	}
	type result struct {
		line []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // ends with the line, or with the deadline that is set below
		line, err := readRaw(t.in, t.out, echo)
		done <- result{line, err}
	}()
	select {
	case r := <-done:
		return r.line, r.err
	case <-ctx.Done():
		_ = t.in.SetReadDeadline(time.Unix(1, 0)) // where that is not possible the program ends anyway
		return nil, ctx.Err()
	}
}

// readRaw is the little line editor of a terminal in raw mode.
func readRaw(in io.Reader, out io.Writer, echo bool) ([]byte, error) {
	var line []byte
	show := func(s string) {
		if echo {
			io.WriteString(out, s)
		}
	}
	var b [1]byte
	for {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return nil, err
		}
		switch c := b[0]; {
		case c == '\r' || c == '\n':
			return line, nil
		case c == 3:
			return nil, errInterrupted
		case c == 4:
			if len(line) == 0 {
				return nil, io.EOF
			}
		case c == 8 || c == 127:
			if len(line) > 0 {
				_, n := utf8.DecodeLastRune(line)
				line = line[:len(line)-n]
				show("\b \b")
			}
		case c == 21: // ctrl+u
			for n := utf8.RuneCount(line); n > 0; n-- {
				show("\b \b")
			}
			line = line[:0]
		case c == 27 || c < 32:
		case len(line) < maxLine:
			line = append(line, c)
			show(string(b[:]))
		}
	}
}
