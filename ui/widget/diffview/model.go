package diffview

import (
	"sort"
	"strings"

	"dialtone/netconf/xmldiff"
)

// around is how many equal rows stay around a change.
const around = 2

// kind is what a block of lines is.
type kind uint8

const (
	foldBlock  kind = iota // one line in place of equal rows
	equalBlock             // equal rows
	diffBlock              // rows of one change
)

// block is a run of lines of one kind. There are as many as there are
// segments, not as there are rows, so that large documents stay cheap.
type block struct {
	kind   kind
	seg    int
	a, b   xmldiff.Range
	change int // diffBlock: the change; foldBlock: the one that follows, -1 for none
	first  int // number of its first line
}

// line is one line of the screen. Rows are -1 where a side has none.
type line struct {
	kind   kind
	a, b   int
	block  int
	change int
}

// layout is the lines of a comparison in one mode, with what is folded.
type layout struct {
	blocks []block
	starts []int // block of each change
	total  int
}

// lay makes the layout. open tells the equal segments that are unfolded.
func lay(r *xmldiff.Result, side bool, open func(seg int) bool) layout {
	var l layout
	if r == nil {
		return l
	}
	l.starts = make([]int, len(r.Changes))
	for i := range l.starts {
		l.starts[i] = -1
	}
	for i, s := range r.Segments {
		if s.Kind != xmldiff.Equal {
			if s.Change >= 0 && s.Change < len(l.starts) && l.starts[s.Change] < 0 {
				l.starts[s.Change] = len(l.blocks)
			}
			l.add(block{kind: diffBlock, seg: i, a: s.A, b: s.B, change: s.Change}, side)
			continue
		}
		l.equal(r, i, side, open(i))
	}
	return l
}

// equal adds an equal segment, folded unless it is short or opened.
func (l *layout) equal(r *xmldiff.Result, i int, side, open bool) {
	s := r.Segments[i]
	before, after := around, around
	if i == 0 {
		before = 0
	}
	next := -1
	if i+1 < len(r.Segments) {
		next = r.Segments[i+1].Change
	} else {
		after = 0
	}
	n := s.B.Len()
	if open || n <= before+after+1 || s.A.Len() != n {
		l.add(block{kind: equalBlock, seg: i, a: s.A, b: s.B, change: -1}, side)
		return
	}
	cut := func(r xmldiff.Range, from, to int) xmldiff.Range {
		return xmldiff.Range{From: r.From + from, To: r.From + to}
	}
	if before > 0 {
		l.add(block{kind: equalBlock, seg: i, a: cut(s.A, 0, before), b: cut(s.B, 0, before), change: -1}, side)
	}
	l.add(block{kind: foldBlock, seg: i, a: cut(s.A, before, n-after), b: cut(s.B, before, n-after), change: next}, side)
	if after > 0 {
		l.add(block{kind: equalBlock, seg: i, a: cut(s.A, n-after, n), b: cut(s.B, n-after, n), change: -1}, side)
	}
}

func (l *layout) add(b block, side bool) {
	b.first = l.total
	l.total += b.lines(side)
	l.blocks = append(l.blocks, b)
}

func (b block) lines(side bool) int {
	switch {
	case b.kind == foldBlock:
		return 1
	case side:
		return max(b.a.Len(), b.b.Len())
	case b.kind == equalBlock:
		return b.b.Len()
	}
	return b.a.Len() + b.b.Len()
}

// at is line i, 0 <= i < total.
func (l *layout) at(i int, side bool) line {
	n := sort.Search(len(l.blocks), func(k int) bool { return l.blocks[k].first > i }) - 1
	b := l.blocks[n]
	i -= b.first
	out := line{kind: b.kind, a: -1, b: -1, block: n, change: b.change}
	row := func(r xmldiff.Range) int {
		if i >= 0 && i < r.Len() {
			return r.From + i
		}
		return -1
	}
	switch {
	case b.kind == foldBlock:
	case side || b.kind == equalBlock:
		out.a, out.b = row(b.a), row(b.b)
	case i < b.a.Len():
		out.a = row(b.a)
	default:
		i -= b.a.Len()
		out.b = row(b.b)
	}
	return out
}

// first is the first line of a change, 0 when it has none.
func (l *layout) first(change int) int {
	if change < 0 || change >= len(l.starts) || l.starts[change] < 0 {
		return 0
	}
	return l.blocks[l.starts[change]].first
}

// changeAt is the change that a line belongs to, or the last one above it; -1
// before the first.
func (l *layout) changeAt(i int) int {
	return sort.Search(len(l.starts), func(c int) bool { return l.first(c) > i }) - 1
}

// rows is how many rows were added and removed.
func rows(r *xmldiff.Result) (added, removed int) {
	if r == nil {
		return 0, 0
	}
	for _, s := range r.Segments {
		if s.Kind != xmldiff.Equal {
			added += s.B.Len()
			removed += s.A.Len()
		}
	}
	return added, removed
}

// parts splits a path at its slashes, but not at those inside a key.
func parts(path string) []string {
	var out []string
	depth, from := 0, 0
	var quote byte
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case depth > 0 && (c == '"' || c == '\''):
			quote = c
		case c == '[':
			depth++
		case c == ']' && depth > 0:
			depth--
		case c == '/' && depth == 0:
			if i > from {
				out = append(out, path[from:i])
			}
			from = i + 1
		}
	}
	if from < len(path) {
		out = append(out, path[from:])
	}
	return out
}

// name is a change in a few words: the entry with its key, the leaf with what
// is around it.
func name(c xmldiff.Change) string {
	ps := parts(c.Path)
	n := 2
	if max(c.A.Len(), c.B.Len()) > 1 {
		n = 1
	}
	ps = ps[max(len(ps)-n, 0):]
	for i, p := range ps {
		open := strings.IndexByte(p, '[')
		if eq := strings.IndexByte(p, '='); open > 0 && eq > open && strings.Count(p, "[") == 1 {
			ps[i] = p[:open+1] + p[eq+1:]
		}
	}
	return strings.Join(ps, "/")
}

// heading is the path that stands above a change: of the element itself when it
// has rows of its own, else of the one around it.
func heading(c xmldiff.Change) string {
	ps := parts(c.Path)
	if max(c.A.Len(), c.B.Len()) <= 1 && len(ps) > 1 {
		ps = ps[:len(ps)-1]
	}
	return "/" + strings.Join(ps, "/")
}
