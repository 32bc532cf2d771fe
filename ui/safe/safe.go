// Package safe makes foreign text fit to be shown. Whatever a device, a file or
// a stranger wrote passes through here on its way to the screen, and nowhere
// else: banners, prompts, capabilities, errors, replies, names.
//
// Printable characters, the space and (where lines are kept) the newline pass.
// Everything that could move the cursor, change colours, reorder or hide text
// becomes visible: C0 controls as ^[ , DEL as ^?, C1 controls, bidirectional
// and zero-width characters as <U+202E>, bytes that are not UTF-8 as \x9b. At
// most eight characters may join the one before them, none of them wide, and a
// combining mark needs something to stand on: what lies left of a text on the
// screen is not the text's to change.
package safe

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// maxJoined is how many characters may follow the first one of a cluster.
const maxJoined = 8

// Text makes s safe on one line: newlines and tabs are shown as ^J and ^I too.
func Text(s string) string { return clean(s, asSigns) }

// Block makes s safe and keeps its newlines; tabs become spaces up to the next
// multiple of eight.
func Block(s string) string { return clean(s, asLines) }

// Line makes one row of a document safe: tabs and line ends become one space,
// which keeps the columns of XML readable.
func Line(s string) string { return clean(s, asSpaces) }

// blanks says what becomes of tabs and line ends.
type blanks uint8

const (
	asSigns blanks = iota
	asLines
	asSpaces
)

// PlainLen returns the length of the printable ASCII that s begins with. It
// reads several GB a second.
func PlainLen(s string) int {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if !plain8(s[i : i+8]) {
			break
		}
	}
	for i < len(s) && s[i] >= 0x20 && s[i] <= 0x7e {
		i++
	}
	return i
}

// plain8 reports whether eight bytes are printable ASCII, all at once: a byte
// below 0x20 borrows in the subtraction, 0x7f carries in the addition.
func plain8(s string) bool {
	_ = s[7]
	const ones = 0x0101010101010101
	v := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	return (v|(v-0x20*ones)|(v+ones))&(0x80*ones) == 0
}

func clean(s string, how blanks) string {
	if PlainLen(s) == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for col := 0; s != ""; {
		n := PlainLen(s)
		if 0 < n && n < len(s) && s[n] >= utf8.RuneSelf {
			n-- // the last plain character may carry the marks that follow
		}
		b.WriteString(s[:n])
		s, col = s[n:], col+n
		if s == "" {
			break
		}
		if w, ok := blank(&b, s[0], how, col); ok {
			s, col = s[1:], w
			continue
		}
		shown, n, _ := Cell(s)
		b.WriteString(shown)
		s, col = s[n:], col+ansi.StringWidth(shown)
	}
	return b.String()
}

// blank writes a tab or line end the way that how asks for and returns the
// column behind it; false when c is something else.
func blank(b *strings.Builder, c byte, how blanks, col int) (int, bool) {
	switch {
	case how == asLines && c == '\n':
		b.WriteByte('\n')
		return 0, true
	case how == asLines && c == '\t':
		pad := 8 - col%8
		b.WriteString("        "[:pad])
		return col + pad, true
	case how == asSpaces && (c == '\t' || c == '\n' || c == '\r'):
		b.WriteByte(' ')
		return col + 1, true
	}
	return 0, false
}

// Cell returns the first character of s as a person sees one, made safe: a
// letter with its marks, or the sign that stands for something unprintable. n
// is the number of bytes of s that it stands for; replaced reports a sign, so
// that it can be drawn apart from the same letters in the data. Text is the sum
// of all cells. s must not be empty.
func Cell(s string) (shown string, n int, replaced bool) {
	if c := s[0]; c < utf8.RuneSelf {
		switch {
		case c < 0x20:
			return "^" + string(rune(c+'@')), 1, true
		case c == 0x7f:
			return "^?", 1, true
		case len(s) == 1 || s[1] < utf8.RuneSelf:
			return s[:1], 1, false
		}
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		return fmt.Sprintf(`\x%02x`, s[0]), 1, true
	}
	if !shows(r) || joins(r) {
		return fmt.Sprintf("<U+%04X>", r), n, true
	}
	cluster, _ := ansi.FirstGraphemeCluster(head(s), ansi.GraphemeWidth)
	for joined := 0; n < len(cluster) && joined < maxJoined; joined++ {
		r, size := utf8.DecodeRuneInString(cluster[n:])
		if r == utf8.RuneError && size == 1 || !shows(r) {
			break
		}
		n += size
	}
	return s[:n], n, false
}

// head is enough of s to hold the longest cluster that is looked at: a
// character with no end of marks must not make each of its marks cost as much
// as all of them.
func head(s string) string {
	const most = (maxJoined + 2) * utf8.UTFMax
	if len(s) <= most {
		return s
	}
	return s[:most]
}

// joins reports characters that have no place of their own and are drawn onto
// what stands left of them.
func joins(r rune) bool {
	return unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) || ansi.StringWidth(string(r)) == 0
}

// shows reports characters that leave a mark on the screen and change nothing
// else there.
func shows(r rune) bool {
	return r == ' ' || (unicode.IsPrint(r) && !hidden(r) && !merges(r))
}

// merges reports characters that form one cluster with a neighbour and yet
// take room of their own in terminals that count characters. A row of them
// would be longer there than anything here believes, and push the screen apart.
func merges(r rune) bool {
	switch {
	case r < 0x0900:
		return false
	case unicode.Is(unicode.Mc, r): // vowel signs beside their letter
		return true
	case r == 0x0E33, r == 0x0EB3: // sara am and its Lao sister
		return true
	case joinsLetters(r):
		return true
	case r >= 0x1100 && r <= 0x11FF, r >= 0xA960 && r <= 0xA97C, r >= 0xD7B0 && r <= 0xD7FB: // jamo, not yet syllables
		return true
	case r == 0xFF9E, r == 0xFF9F: // half-width voiced marks
		return true
	case r >= 0x1F3FB && r <= 0x1F3FF: // skin tones
		return true
	}
	return prepends(r)
}

// joinsLetters reports the viramas that make one cluster of two letters
// (UAX 29, Indic_Conjunct_Break=Linker).
func joinsLetters(r rune) bool {
	switch r {
	case 0x094D, 0x09CD, 0x0ACD, 0x0B4D, 0x0C4D, 0x0D4D, 0x1039, 0x17D2, 0x1A60, 0x1BAB, 0xAAF6,
		0x10A3F, 0x11133, 0x113D0, 0x1193E, 0x11A47, 0x11A99, 0x11F42:
		return true
	}
	return false
}

// prepends reports the letters that join what follows them (UAX 29, Prepend).
func prepends(r rune) bool {
	switch {
	case r == 0x0D4E, r == 0x111C2, r == 0x111C3, r == 0x113D1, r == 0x1193F, r == 0x11941,
		r >= 0x11A84 && r <= 0x11A89, r == 0x11A3A, r == 0x11D46, r == 0x11F02:
		return true
	}
	return false
}

// hidden reports characters that are printable by Unicode and yet show nothing
// or change what stands beside them.
func hidden(r rune) bool {
	switch {
	case r == 0x034F, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x2800, r == 0x3164, r == 0xFFA0:
		return true
	case r >= 0x180B && r <= 0x180F, r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	}
	return unicode.Is(unicode.Cf, r)
}
