package xmldoc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Limits of one row, in bytes. They make every decision of the scanner depend
// on a bounded piece of the text that follows.
const (
	maxRow   = 64 << 10 // longer text is cut into several rows
	maxTag   = 1 << 20  // one start tag with its attributes
	maxName  = 4096
	maxAttrs = 1024
	longLine = 4096 // a Broken line longer than this is cut at the next '<'
)

// mode is what the scanner is inside of at the end of a row.
type mode uint8

const (
	inContent mode = iota
	inText         // between two lines of one text
	inComment
	inCDATA
	inPI
	inBroken
)

// status is what next found.
type status uint8

const (
	found     status = iota // a row
	wantSpace               // only white space is left: wait for anything else
	wantMark                // wait for one of scanner.await, or for the text to reach scanner.force
	wantAny                 // wait for any byte
	ended                   // the text is complete and has no more rows
	malformed               // scanner.fault tells what, at scanner.at
)

// fault says why next gave up. The texts are in problem.go.
type fault uint8

const (
	noFault fault = iota
	faultTrunc
	faultDTD
	faultMarkup
	faultTag
	faultName
	faultAttrs
	faultTagLen
	faultOutside
	faultExtraEnd
	faultEndTag
	faultDepth
	faultMismatch
	faultRoots
	faultEncoding
	faultEmpty
)

// scanner finds the rows of a text one after the other. The same code indexes
// what arrives and finds rows again from a checkpoint: pos, depth and mode are
// all there is to know at the end of a row.
//
// The rules, each decided by at most maxRow (a tag: maxTag) bytes:
//
//   - An element without child elements, comments and the like whose text, white
//     space at its ends left aside, has no line end is one Leaf row. <a/> is
//     Empty. Every other element is an Open and a Close row.
//   - Text that is no leaf is a Text row per line. The indentation of lines is
//     kept, several blank lines become one, blank ones at the ends none.
//   - Comments, CDATA sections and processing instructions are rows per line in
//     the same way.
//   - White space between tags is no row.
//   - A line longer than maxRow is cut.
type scanner struct {
	text  []byte
	cut   int  // from this offset on rows are Broken
	final bool // nothing will be appended to text

	pos   int // end of the last row
	depth int // of the next element
	mode  mode

	lead int // where the next row begins, when it is behind pos: known already

	row Row // the row found last; Off, Len and so on are valid after found

	// of the tag found last
	name     int // length of its name
	tagEnd   int // offset behind the start tag
	prefixed bool
	attrs    bool
	noValue  bool // an attribute without a quoted value

	// of the last other status
	await [2]byte
	force int
	fault fault
	at    int
}

// next finds the next row. With any status but found, pos, depth and mode are
// as before.
func (s *scanner) next() status {
	t, q := s.text, s.pos
	if q < s.lead {
		q = s.lead
	} else if q >= len(t) || class[t[q]]&clsSpace != 0 {
		q = skipSpace(t, q)
	}
	if q == len(t) {
		if s.final {
			return ended
		}
		return wantSpace
	}
	if s.mode > inContent || q >= s.cut {
		if q >= s.cut {
			s.mode, s.depth = inBroken, 0
		}
		if s.mode != inText || t[q] != '<' {
			return s.nextLine(q)
		}
	}
	if t[q] != '<' {
		return s.firstText(q)
	}
	if q+1 == len(t) {
		return s.short(q, wantAny, 0, 0, 0)
	}
	if class[t[q+1]]&clsNotTag != 0 {
		if t[q+1] == '/' {
			return s.endTag(q)
		}
		return s.special(q)
	}
	return s.startTag(q)
}

// short reports that the token at q is not complete.
func (s *scanner) short(q int, st status, a, b byte, force int) status {
	if s.final {
		return s.fail(faultTrunc, q)
	}
	s.await, s.force = [2]byte{a, b}, force
	return st
}

func (s *scanner) fail(f fault, at int) status {
	s.fault, s.at = f, at
	return malformed
}

// emit ends next with a row of text[off:end].
func (s *scanner) emit(k Kind, off, end, pos int, m mode) status {
	s.row = Row{Off: int64(off), Len: end - off, Depth: s.depth, Kind: k}
	s.pos, s.mode = pos, m
	return found
}

func (s *scanner) startTag(q int) status {
	t := s.text
	e, seen := q+1, uint8(0)
	for ; e < len(t) && class[t[e]]&clsEnd == 0; e++ {
		seen |= class[t[e]]
	}
	if e-q-1 > maxName {
		return s.fail(faultName, q)
	}
	if e == len(t) {
		return s.short(q, wantMark, '>', ' ', q+maxName+2)
	}
	s.name, s.prefixed, s.attrs, s.noValue = e-q-1, seen&clsColon != 0, false, false
	empty := false
	if t[e] == '>' {
		s.tagEnd = e + 1
	} else {
		var st status
		if empty, st = s.attributes(q, e); st != found {
			return st
		}
	}
	if empty {
		return s.emit(Empty, q, s.tagEnd, s.tagEnd, inContent)
	}
	end, st := s.leafEnd(q)
	if st != found {
		return st
	}
	if end > 0 {
		return s.emit(Leaf, q, end, end, inContent)
	}
	s.emit(Open, q, s.tagEnd, s.tagEnd, inContent)
	s.depth++
	return found
}

// attributes finds the end of the start tag at q, whose name ends at p.
func (s *scanner) attributes(q, p int) (empty bool, st status) {
	t := s.text
	lim := min(len(t), q+maxTag)
	count := 0
	for {
		for p < lim && class[t[p]]&clsSpace != 0 {
			p++
		}
		if p == lim {
			break
		}
		switch t[p] {
		case '>':
			s.tagEnd = p + 1
			return false, found
		case '/':
			if p+1 == lim {
				return false, s.tagShort(q)
			}
			if t[p+1] != '>' {
				return false, s.fail(faultTag, q)
			}
			s.tagEnd = p + 2
			return true, found
		}
		if class[t[p]]&clsEnd != 0 {
			return false, s.fail(faultTag, q)
		}
		s.attrs = true
		if count++; count > maxAttrs {
			return false, s.fail(faultAttrs, q)
		}
		a := p
		for p < lim && class[t[p]]&clsEnd == 0 {
			p++
		}
		if p-a > maxName {
			return false, s.fail(faultName, q)
		}
		for p < lim && class[t[p]]&clsSpace != 0 {
			p++
		}
		if p == lim {
			break
		}
		if t[p] != '=' {
			s.noValue = true
			continue
		}
		for p++; p < lim && class[t[p]]&clsSpace != 0; p++ {
		}
		if p == lim {
			break
		}
		if quote := t[p]; quote == '"' || quote == '\'' {
			n := bytes.IndexByte(t[p+1:lim], quote)
			value := t[p+1 : lim]
			if n >= 0 {
				value = value[:n]
			}
			if bytes.IndexByte(value, '<') >= 0 {
				return false, s.fail(faultTag, q)
			}
			if n < 0 {
				break
			}
			p += n + 2
			continue
		}
		s.noValue = true
		for p < lim && class[t[p]]&clsSpace == 0 && t[p] != '>' && t[p] != '<' {
			p++
		}
	}
	return false, s.tagShort(q)
}

// tagShort reports that the start tag at q does not end in the text so far.
func (s *scanner) tagShort(q int) status {
	if len(s.text) >= q+maxTag {
		return s.fail(faultTagLen, q)
	}
	return s.short(q, wantMark, '>', '<', q+maxTag)
}

// leafEnd decides whether the element whose start tag was found at q is a leaf:
// it returns the offset behind its end tag, or 0 when it is not.
func (s *scanner) leafEnd(q int) (int, status) {
	t, e := s.text, s.tagEnd
	if e < len(t) && (t[e] == '\n' || t[e] == '<') {
		p := e
		if t[e] == '\n' {
			p = skipSpace(t, e)
		}
		if p+1 < len(t) && t[p] == '<' && t[p+1] != '/' {
			s.lead = p
			return 0, found
		}
	}
	lim := min(len(t), e+maxRow)
	lt, feed := firstTag(t[e:lim])
	if lt < 0 {
		if s.final || lim == e+maxRow {
			return 0, found
		}
		return 0, s.short(q, wantMark, '<', '<', e+maxRow)
	}
	lt += e
	if lt+1 == len(t) {
		if s.final {
			return 0, found
		}
		return 0, wantAny
	}
	if t[lt+1] != '/' {
		return 0, found
	}
	name := t[q+1 : q+1+s.name]
	p := lt + 2 + len(name)
	if p >= len(t) {
		if s.final || !bytes.HasPrefix(name, t[lt+2:]) {
			return 0, found
		}
		return 0, s.short(q, wantMark, '>', '>', p+1)
	}
	if !sameName(t, q+1, lt+2, len(name)) {
		return 0, found
	}
	for spaces := 0; t[p] != '>'; spaces++ {
		if class[t[p]]&clsSpace == 0 || spaces == 64 {
			return 0, found
		}
		if p++; p == len(t) {
			if s.final {
				return 0, found
			}
			return 0, wantAny
		}
	}
	if feed && bytes.IndexByte(bytes.Trim(t[e:lt], " \t\r\n"), '\n') >= 0 {
		return 0, found
	}
	return p + 1, found
}

// firstTag returns the offset of the first '<' in b, or -1, and whether there is
// a line feed before it. Most values are short: three words are looked at here.
func firstTag(b []byte) (lt int, feed bool) {
	const (
		ones = 0x0101010101010101
		high = 0x80 * ones
	)
	p := 0
	for ; p+8 <= min(len(b), 24); p += 8 {
		v := binary.LittleEndian.Uint64(b[p:])
		// The lowest bit set in these tells the first such byte exactly.
		x, y := v^'<'*ones, v^'\n'*ones
		tags := (x - ones) &^ x & high
		feeds := (y - ones) &^ y & high
		if tags != 0 {
			return p + bits.TrailingZeros64(tags)/8, feed || feeds&(tags&-tags-1) != 0
		}
		feed = feed || feeds != 0
	}
	lt = bytes.IndexByte(b[p:], '<')
	if lt < 0 {
		return -1, feed
	}
	return p + lt, feed || bytes.IndexByte(b[p:p+lt], '\n') >= 0
}

// sameName reports whether n bytes at a and at b are the same.
func sameName(t []byte, a, b, n int) bool {
	if n <= 8 && n > 0 && max(a, b)+8 <= len(t) {
		x := binary.LittleEndian.Uint64(t[a:]) ^ binary.LittleEndian.Uint64(t[b:])
		return x<<(64-8*n) == 0
	}
	return string(t[a:a+n]) == string(t[b:b+n])
}

func (s *scanner) endTag(q int) status {
	t := s.text
	e := q + 2
	for e < len(t) && class[t[e]]&clsEnd == 0 {
		e++
	}
	if e-q-2 > maxName {
		return s.fail(faultName, q)
	}
	s.name = e - q - 2
	p := e
	if p == len(t) || t[p] != '>' {
		p = skipSpace(t[:min(len(t), e+maxName)], e)
	}
	if p == len(t) {
		return s.short(q, wantMark, '>', '<', q+2+2*maxName)
	}
	if p == e+maxName || t[p] != '>' || s.name == 0 {
		return s.fail(faultEndTag, q)
	}
	if s.depth == 0 {
		return s.fail(faultExtraEnd, q)
	}
	s.depth--
	return s.emit(Close, q, p+1, p+1, inContent)
}

// special finds what begins with "<!" or "<?", or is no markup at all.
func (s *scanner) special(q int) status {
	rest := s.text[q:]
	switch {
	case rest[1] == '?':
		return s.line(q, q+2, inPI)
	case rest[1] != '!':
		return s.fail(faultMarkup, q)
	case len(rest) > 2 && (rest[2]|0x20 >= 'a' && rest[2]|0x20 <= 'z'):
		return s.fail(faultDTD, q)
	}
	for _, o := range [...]struct {
		mark string
		mode mode
	}{{"<!--", inComment}, {"<![CDATA[", inCDATA}} {
		if len(rest) >= len(o.mark) && string(rest[:len(o.mark)]) == o.mark {
			if o.mode == inCDATA && s.depth == 0 {
				return s.fail(faultOutside, q)
			}
			return s.line(q, q+len(o.mark), o.mode)
		}
		if len(rest) < len(o.mark) && o.mark[:len(rest)] == string(rest) {
			return s.short(q, wantAny, 0, 0, 0)
		}
	}
	return s.fail(faultMarkup, q)
}
