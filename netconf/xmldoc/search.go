package xmldoc

import (
	"bytes"
	"context"
)

// Query is what to search for. Matches do not span rows.
type Query struct {
	Text string
	// IgnoreCase takes ASCII letters of both cases as the same.
	IgnoreCase bool
}

// searchPiece is how much text is searched between two looks at the context.
const searchPiece = 1 << 20

// Search returns the first matching row after from (before it when back is
// set), -1 <= from <= Rows(). It wraps nowhere and ends with ctx. Bytes are
// compared as they stand in the text, references to characters too.
func (d *Doc) Search(ctx context.Context, q Query, from int, back bool) (row int, ok bool, err error) {
	v := d.enter()
	defer d.leave()
	if v.err == ErrClosed {
		return 0, false, ErrClosed
	}
	if q.Text == "" || v.rows == 0 {
		return 0, false, ctx.Err()
	}
	f := search{ctx: ctx, d: d, v: &v, find: v.matcher(q), size: len(q.Text)}
	if back {
		return f.backward(min(from, v.rows))
	}
	return f.forward(max(from, -1))
}

// matcher returns a function like bytes.Index for q.
func (v *view) matcher(q Query) func([]byte) int {
	text := []byte(q.Text)
	if v.latin1 {
		text = encodeLatin1(q.Text)
	}
	if q.IgnoreCase {
		m := newFoldMatcher(text)
		return m.index
	}
	return func(b []byte) int { return bytes.Index(b, text) }
}

// encodeLatin1 is the inverse of decode; what Latin-1 lacks stays UTF-8 and is
// not found.
func encodeLatin1(s string) []byte {
	var out []byte
	for _, r := range s {
		if r < 0x100 {
			out = append(out, byte(r))
		} else {
			out = append(out, string(r)...)
		}
	}
	return out
}

type search struct {
	ctx   context.Context
	d     *Doc
	v     *view
	find  func([]byte) int
	size  int
	looks int
}

// forgetEvery is how many pieces are searched between two calls of forget.
const forgetEvery = 64

func (f *search) stop() error {
	if f.looks++; f.looks%forgetEvery == 0 {
		f.v.forget()
	}
	if f.d.stopped.Load() {
		return ErrClosed
	}
	return f.ctx.Err()
}

// blockAt returns the number of the block that holds byte off.
func (f *search) blockAt(off int) int { return f.d.rowAt(f.v, int64(off)) / blockRows }

// start is the offset at which the text of block b begins.
func (f *search) start(b int) int {
	if b*blockRows >= f.v.rows {
		last := f.d.row(f.v, f.v.rows-1)
		return int(last.Off) + last.Len
	}
	return f.v.marks[b].pos()
}

func (f *search) forward(from int) (int, bool, error) {
	v := f.v
	if from >= v.rows-1 {
		return 0, false, f.ctx.Err()
	}
	end := f.start((v.rows + blockRows - 1) / blockRows)
	b := (from + 1) / blockRows
	for p := f.start(b); p < end; {
		if err := f.stop(); err != nil {
			return 0, false, err
		}
		stop := min(end, p+searchPiece)
		i := f.find(v.text[p:min(end, stop+f.size-1)])
		if i < 0 {
			p = stop
			continue
		}
		b = f.blockAt(p + i)
		for k, r := range f.d.block(v, b) {
			if b*blockRows+k > from && f.find(v.bytes(r)) >= 0 {
				return b*blockRows + k, true, nil
			}
		}
		p = max(p+i+1, f.start(b+1))
	}
	return 0, false, f.ctx.Err()
}

func (f *search) backward(from int) (int, bool, error) {
	v := f.v
	if from <= 0 {
		return 0, false, f.ctx.Err()
	}
	const group = 32 // blocks searched at once
	for high := (from - 1) / blockRows; high >= 0; high -= group {
		if err := f.stop(); err != nil {
			return 0, false, err
		}
		low := max(0, high-group+1)
		if f.find(v.text[f.start(low):f.start(high+1)]) < 0 {
			continue
		}
		for b := high; b >= low; b-- {
			if f.find(v.text[f.start(b):f.start(b+1)]) < 0 {
				continue
			}
			rows := f.d.block(v, b)
			for k := len(rows) - 1; k >= 0; k-- {
				if b*blockRows+k < from && f.find(v.bytes(rows[k])) >= 0 {
					return b*blockRows + k, true, nil
				}
			}
		}
	}
	return 0, false, f.ctx.Err()
}

// foldMatcher finds a text in either case of its ASCII letters.
type foldMatcher struct {
	lower        []byte
	anchor       int // index in lower of the byte that is looked for
	small, large byte
}

func newFoldMatcher(text []byte) *foldMatcher {
	m := &foldMatcher{lower: bytes.Clone(text)}
	for i, c := range m.lower {
		m.lower[i] = lowerByte(c)
	}
	for i, c := range m.lower {
		if rarity(c) > rarity(m.lower[m.anchor]) {
			m.anchor = i
		}
	}
	m.small = m.lower[m.anchor]
	m.large = m.small
	if m.small >= 'a' && m.small <= 'z' {
		m.large -= 'a' - 'A'
	}
	return m
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// rarity orders bytes by how seldom they stand in XML of routers.
func rarity(c byte) int {
	const common = " et/nasi<>ro-cldmp0fu1g2.hvyb=\"\n34_5678w9xk:zjq"
	if i := bytes.IndexByte([]byte(common), c); i >= 0 {
		return i
	}
	return len(common)
}

func (m *foldMatcher) index(b []byte) int {
	last := len(b) - len(m.lower)
	if last < 0 {
		return -1
	}
	// Positions of the anchor in each case, found ahead.
	area := b[m.anchor : m.anchor+last+1]
	small := indexFrom(area, m.small, 0)
	large := len(area)
	if m.large != m.small {
		large = indexFrom(area, m.large, 0)
	}
	for {
		p := min(small, large)
		if p == len(area) {
			return -1
		}
		if m.matches(b[p : p+len(m.lower)]) {
			return p
		}
		if p == small {
			small = indexFrom(area, m.small, p+1)
		} else {
			large = indexFrom(area, m.large, p+1)
		}
	}
}

// indexFrom is the position of c in b at or behind p, len(b) when there is none.
func indexFrom(b []byte, c byte, p int) int {
	if i := bytes.IndexByte(b[p:], c); i >= 0 {
		return p + i
	}
	return len(b)
}

func (m *foldMatcher) matches(b []byte) bool {
	for i, c := range m.lower {
		if lowerByte(b[i]) != c {
			return false
		}
	}
	return true
}
