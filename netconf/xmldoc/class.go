package xmldoc

import (
	"encoding/binary"
	"math/bits"
)

// Classes of bytes.
const (
	clsSpace  = 1 << iota // XML white space
	clsEnd                // ends a name
	clsNotTag             // does not start a name
	clsColon
)

// class is a table: the scanner spends most of its time on it.
var class = [256]uint8{
	':':  clsColon,
	'\t': clsSpace | clsEnd | clsNotTag,
	'\n': clsSpace | clsEnd | clsNotTag,
	'\r': clsSpace | clsEnd | clsNotTag,
	' ':  clsSpace | clsEnd | clsNotTag,
	0x00: clsEnd | clsNotTag, 0x01: clsEnd | clsNotTag,
	0x02: clsEnd | clsNotTag, 0x03: clsEnd | clsNotTag,
	0x04: clsEnd | clsNotTag, 0x05: clsEnd | clsNotTag,
	0x06: clsEnd | clsNotTag, 0x07: clsEnd | clsNotTag,
	0x08: clsEnd | clsNotTag, 0x0b: clsEnd | clsNotTag,
	0x0c: clsEnd | clsNotTag, 0x0e: clsEnd | clsNotTag,
	0x0f: clsEnd | clsNotTag, 0x10: clsEnd | clsNotTag,
	0x11: clsEnd | clsNotTag, 0x12: clsEnd | clsNotTag,
	0x13: clsEnd | clsNotTag, 0x14: clsEnd | clsNotTag,
	0x15: clsEnd | clsNotTag, 0x16: clsEnd | clsNotTag,
	0x17: clsEnd | clsNotTag, 0x18: clsEnd | clsNotTag,
	0x19: clsEnd | clsNotTag, 0x1a: clsEnd | clsNotTag,
	0x1b: clsEnd | clsNotTag, 0x1c: clsEnd | clsNotTag,
	0x1d: clsEnd | clsNotTag, 0x1e: clsEnd | clsNotTag,
	0x1f: clsEnd | clsNotTag, 0x7f: clsEnd | clsNotTag,
	'-': clsNotTag, '.': clsNotTag, '0': clsNotTag, '1': clsNotTag,
	'2': clsNotTag, '3': clsNotTag, '4': clsNotTag, '5': clsNotTag,
	'6': clsNotTag, '7': clsNotTag, '8': clsNotTag, '9': clsNotTag,
	'!': clsEnd | clsNotTag, '"': clsEnd | clsNotTag,
	'#': clsEnd | clsNotTag, '$': clsEnd | clsNotTag,
	'%': clsEnd | clsNotTag, '&': clsEnd | clsNotTag,
	'\'': clsEnd | clsNotTag, '(': clsEnd | clsNotTag,
	')': clsEnd | clsNotTag, '*': clsEnd | clsNotTag,
	'+': clsEnd | clsNotTag, ',': clsEnd | clsNotTag,
	'/': clsEnd | clsNotTag, ';': clsEnd | clsNotTag,
	'<': clsEnd | clsNotTag, '=': clsEnd | clsNotTag,
	'>': clsEnd | clsNotTag, '?': clsEnd | clsNotTag,
	'@': clsEnd | clsNotTag, '[': clsEnd | clsNotTag,
	'\\': clsEnd | clsNotTag, ']': clsEnd | clsNotTag,
	'^': clsEnd | clsNotTag, '`': clsEnd | clsNotTag,
	'{': clsEnd | clsNotTag, '|': clsEnd | clsNotTag,
	'}': clsEnd | clsNotTag, '~': clsEnd | clsNotTag,
}

// skipSpace returns the offset of the first byte from p on that is no white
// space, or len(t). Most of it is a line feed and up to 32 spaces, whose number
// nobody can foresee: it is found without a branch.
func skipSpace(t []byte, p int) int {
	for p+34 <= len(t) {
		if t[p] == '\n' {
			p++
		}
		b := t[p : p+32 : p+32]
		n0, n1 := spaces(b), spaces(b[8:])
		n2, n3 := spaces(b[16:]), spaces(b[24:])
		// Each of them is 8 when the next counts.
		p += n0 + n1&-(n0>>3) + (n2+n3&-(n2>>3))&-((n0+n1)>>4)
		if class[t[p]]&clsSpace == 0 {
			return p
		}
		p++
	}
	for p < len(t) && class[t[p]]&clsSpace != 0 {
		p++
	}
	return p
}

// spaces is the number of spaces that the first 8 bytes of b begin with.
func spaces(b []byte) int {
	return bits.TrailingZeros64(binary.LittleEndian.Uint64(b)^0x2020202020202020) >> 3
}
