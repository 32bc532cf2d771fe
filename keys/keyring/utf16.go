package keyring

import (
	"encoding/binary"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// fromUTF16 is the text of an entry that a program of Windows wrote: those store
// UTF-16, low byte first. What is UTF-8 without NUL is taken as it is, as this
// program writes it; so is what is neither.
func fromUTF16(s string) string {
	if len(s)%2 != 0 || utf8.ValidString(s) && !strings.Contains(s, "\x00") {
		return s
	}
	b := []byte(s)
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	runes := utf16.Decode(units)
	for _, r := range runes {
		if r == utf8.RuneError {
			return s
		}
	}
	return string(runes)
}
