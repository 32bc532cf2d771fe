package xmldoc

import (
	"bytes"
	"unicode/utf8"
)

// modeInfo tells how the lines of each mode are shown and what ends them.
var modeInfo = [...]struct {
	kind Kind
	term string
}{
	inText:    {Text, "<"},
	inComment: {Comment, "-->"},
	inCDATA:   {CDATA, "]]>"},
	inPI:      {PI, "?>"},
	inBroken:  {Broken, ""},
}

// firstText finds the first row of a text whose first byte that is no white
// space is at q.
func (s *scanner) firstText(q int) status {
	if s.depth == 0 {
		return s.fail(faultOutside, q)
	}
	start := q
	if nl := bytes.LastIndexByte(s.text[s.pos:q], '\n'); nl >= 0 {
		start = s.pos + nl + 1
	}
	return s.line(start, q, inText)
}

// nextLine finds the next row of a text, comment and so on, or of the broken
// rest. The next byte that is no white space is at q.
func (s *scanner) nextLine(q int) status {
	start := s.pos
	gap := s.text[s.pos:q]
	if last := bytes.LastIndexByte(gap, '\n'); last >= 0 {
		start += last + 1
		if bytes.IndexByte(gap, '\n') < last {
			return s.emit(modeInfo[s.mode].kind, start-1, start-1, start, s.mode)
		}
	}
	return s.line(start, q, s.mode)
}

// line finds a row that begins at start and ends with its line, with the end
// mark of mode m at or behind from, or at maxRow.
func (s *scanner) line(start, from int, m mode) status {
	t := s.text
	info := &modeInfo[m]
	lim := start + maxRow
	stop := min(len(t), lim)
	// Windows of growing size, so that a far line end is not looked for again
	// and again by rows that end with their mark.
	for a, width := from, 64; a < stop; width *= 2 {
		b := min(stop, a+width)
		nl := bytes.IndexByte(t[a:b], '\n')
		if nl >= 0 {
			b = a + nl
		}
		if end := s.markIn(start, max(from, a-2), b, m); end >= 0 {
			if m == inText || m == inBroken {
				return s.emit(info.kind, start, trimRight(t, start, end), end, lineMode(m))
			}
			return s.emit(info.kind, start, end, end, inContent)
		}
		if nl >= 0 {
			return s.emit(info.kind, start, trimRight(t, start, b), b, m)
		}
		a = b
	}
	if stop == lim {
		cut := cutBefore(t, lim-2)
		return s.emit(info.kind, start, cut, cut, m)
	}
	if s.final {
		return s.emit(info.kind, start, trimRight(t, start, stop), stop, m)
	}
	mark := byte('<')
	if len(info.term) > 1 {
		mark = '>'
	}
	s.await, s.force = [2]byte{'\n', mark}, lim
	return wantMark
}

// lineMode is the mode behind a row that ended at '<'.
func lineMode(m mode) mode {
	if m == inBroken {
		return inBroken
	}
	return inContent
}

// markIn looks in text[from:to] for what ends a row of mode m before its line
// does, and returns the offset at which the row ends, or -1.
func (s *scanner) markIn(start, from, to int, m mode) int {
	switch m {
	case inText:
		if i := bytes.IndexByte(s.text[from:to], '<'); i >= 0 {
			return from + i
		}
	case inBroken:
		if from = max(from, start+longLine); from < to {
			if i := bytes.IndexByte(s.text[from:to], '<'); i >= 0 {
				return from + i
			}
		}
	default:
		term := modeInfo[m].term
		if i := bytes.Index(s.text[from:to], []byte(term)); i >= 0 {
			return from + i + len(term)
		}
	}
	return -1
}

func trimRight(t []byte, start, end int) int {
	for end > start && class[t[end-1]]&clsSpace != 0 {
		end--
	}
	return end
}

// cutBefore returns the start of the character that holds byte p.
func cutBefore(t []byte, p int) int {
	for i := 0; i < utf8.UTFMax-1; i++ {
		if utf8.RuneStart(t[p-i]) {
			return p - i
		}
	}
	return p
}
