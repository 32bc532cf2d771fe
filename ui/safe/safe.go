// Package safe makes foreign text fit to be shown. Whatever a device, a file or
// a stranger wrote passes through here on its way to the screen, and nowhere
// else: banners, prompts, capabilities, errors, replies, names.
//
// Printable characters, the space and (where lines are kept) the newline pass.
// Everything that could move the cursor, change colours, reorder or hide text
// becomes visible: C0 controls as ^[ , DEL as ^?, C1 controls, bidirectional
// and zero-width characters as <U+202E>, bytes that are not UTF-8 as \x9b. At
// most eight combining marks stay on one character.
package safe

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxMarks = 8

// Text makes s safe on one line: newlines and tabs are shown as ^J and ^I too.
func Text(s string) string { return clean(s, false) }

// Block makes s safe and keeps its newlines; tabs become spaces up to the next
// multiple of eight.
func Block(s string) string { return clean(s, true) }

// Line makes one row of a document safe: tabs and line ends become one space,
// which keeps the columns of XML readable.
func Line(s string) string {
	if plain(s) {
		return s
	}
	return clean(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s), false)
}

// plain reports whether s holds nothing but printable ASCII.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func clean(s string, lines bool) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks, col := 0, 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, `\x%02x`, s[i])
			i, marks, col = i+1, 0, col+4
			continue
		}
		i += n
		switch {
		case lines && r == '\n':
			b.WriteByte('\n')
			marks, col = 0, -1
		case lines && r == '\t':
			pad := 8 - col%8
			b.WriteString("        "[:pad])
			marks, col = 0, col+pad-1
		case unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r):
			if marks++; marks <= maxMarks && !hidden(r) {
				b.WriteRune(r)
				continue
			}
			fmt.Fprintf(&b, "<U+%04X>", r)
		default:
			marks = 0
			writeRune(&b, r)
		}
		col++
	}
	return b.String()
}

func writeRune(b *strings.Builder, r rune) {
	switch {
	case r < 0x20:
		b.WriteByte('^')
		b.WriteByte(byte(r) + '@')
	case r == 0x7f:
		b.WriteString("^?")
	case r == ' ' || (unicode.IsPrint(r) && !hidden(r)):
		b.WriteRune(r)
	default:
		fmt.Fprintf(b, "<U+%04X>", r)
	}
}

// hidden reports characters that are printable by Unicode and yet show nothing
// or change what stands beside them.
func hidden(r rune) bool {
	switch {
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x3164, r == 0xFFA0:
		return true
	case r >= 0x180B && r <= 0x180F, r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}

// Writer returns a writer that passes on to w what Block makes of each line.
// It holds an unfinished line back until its newline or Close comes, at most
// 64 KiB of it.
func Writer(w io.Writer) io.WriteCloser { return &writer{w: w} }

type writer struct {
	w    io.Writer
	held []byte
}

func (w *writer) Write(p []byte) (int, error) {
	w.held = append(w.held, p...)
	end := strings.LastIndexByte(string(w.held), '\n') + 1
	if end == 0 && len(w.held) > 64<<10 {
		end = len(w.held)
		for back := 0; back < utf8.UTFMax && !utf8.FullRune(w.held[end-back-1:]); back++ {
			if utf8.RuneStart(w.held[end-back-1]) {
				end -= back + 1
				break
			}
		}
	}
	if end == 0 {
		return len(p), nil
	}
	if _, err := io.WriteString(w.w, Block(string(w.held[:end]))); err != nil {
		return 0, err
	}
	w.held = append(w.held[:0], w.held[end:]...)
	return len(p), nil
}

func (w *writer) Close() error {
	_, err := io.WriteString(w.w, Block(string(w.held)))
	w.held = nil
	return err
}
