package safe

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// maxHeld bounds what a writer keeps of a line that has not ended.
const maxHeld = 64 << 10

// Writer returns a writer that passes on to w what Block makes of each line.
// It holds an unfinished line back until its newline or Close comes, at most
// 64 KiB of it; a longer one is passed on in parts that never cut a character
// in two. Close does not close w. A writer is not for concurrent use.
func Writer(w io.Writer) io.WriteCloser { return &writer{w: w} }

type writer struct {
	w    io.Writer
	held []byte
}

func (w *writer) Write(p []byte) (int, error) {
	done := 0
	for done < len(p) {
		part := p[done:min(len(p), done+maxHeld)]
		end := bytes.LastIndexByte(part, '\n') + 1
		if end > 0 {
			end += len(w.held)
		}
		w.held = append(w.held, part...)
		done += len(part)
		if end == 0 && len(w.held) >= maxHeld {
			end = whole(w.held)
		}
		if err := w.flush(end); err != nil {
			return done, err
		}
	}
	return done, nil
}

func (w *writer) flush(end int) error {
	if end == 0 {
		return nil
	}
	_, err := io.WriteString(w.w, Block(string(w.held[:end])))
	w.held = append(w.held[:0], w.held[end:]...)
	return err
}

// whole returns the length of b without a character that is cut off at its end.
func whole(b []byte) int {
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

// Close passes on what is held.
func (w *writer) Close() error { return w.flush(len(w.held)) }
