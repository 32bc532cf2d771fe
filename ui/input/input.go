// Package input reads the terminal for the framework, which takes each read for
// whole: a character whose bytes come in two reads is two unknown bytes to it,
// and lost. Text that is pasted without marks comes in many reads.
package input

import (
	"io"
	"os"
	"unicode/utf8"
)

// File is a terminal whose reads never end within a character, and in which a
// number stands for the text of each marked paste; Pasted tells it. It is the
// file in all else, so that the framework can still set it raw and wait for it.
// One goroutine may read.
type File struct {
	*os.File
	whole
	*pastes
}

// New returns f with whole reads. f stays the caller's to close.
func New(f *os.File) *File {
	p := &pastes{from: f}
	return &File{f, whole{from: p}, p}
}

// Read implements io.Reader. The bytes of a character that has not come whole
// stay until the next read; so it may return 0 and no error.
func (f *File) Read(p []byte) (int, error) { return f.whole.Read(p) }

type whole struct {
	from io.Reader
	held [utf8.UTFMax]byte
	n    int
}

func (w *whole) Read(p []byte) (int, error) {
	if len(p) < 2*utf8.UTFMax { // no room to hold anything back
		n := copy(p, w.held[:w.n])
		w.n = copy(w.held[:], w.held[n:w.n])
		if n > 0 {
			return n, nil
		}
		return w.from.Read(p)
	}
	had := copy(p, w.held[:w.n])
	n, err := w.from.Read(p[had:])
	n += had
	w.n = 0
	if err != nil {
		return n, err
	}
	end := complete(p[:n])
	w.n = copy(w.held[:], p[end:n])
	return end, nil
}

// complete returns the length of b without the beginning of a character at its
// end.
func complete(b []byte) int {
	for back := 1; back < utf8.UTFMax && back <= len(b); back++ {
		if i := len(b) - back; utf8.RuneStart(b[i]) {
			if !utf8.FullRune(b[i:]) {
				return i
			}
			break
		}
	}
	return len(b)
}
