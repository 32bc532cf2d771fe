package xmldiff

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/bits"
	"slices"

	"dialtone/netconf/xmldoc"
)

// comparison walks through two documents side by side. Rows are numbered i in
// a and j in b; a span is the rows from <= i < to.
type comparison struct {
	ctx              context.Context
	a, b             *side
	o                Options
	ta, tb           []byte // the texts
	depth            int    // of b's rows beyond a's
	spaced           bool   // names of children come with the namespaces that they inherit
	res              *Result
	steps            int
	digested, budget int // rows, see digests
	failed           error
}

func newComparison(ctx context.Context, a, b *xmldoc.Doc, o Options) *comparison {
	return &comparison{ctx: ctx, a: &side{doc: a}, b: &side{doc: b}, o: o, res: &Result{}}
}

func (c *comparison) run() (*Result, error) {
	c.a.doc.Lend(func(ta []byte) {
		c.b.doc.Lend(func(tb []byte) {
			c.ta, c.tb = ta, tb
			c.whole()
		})
	})
	for _, err := range []error{c.failed, c.a.err(), c.b.err()} {
		if err != nil {
			return nil, err
		}
	}
	return c.res, nil
}

// whole compares what is inside the envelopes.
func (c *comparison) whole() {
	na, nb := c.a.doc.Rows(), c.b.doc.Rows()
	c.budget = 4*(na+nb) + 1<<14
	ia, ea := c.a.inside(na)
	ib, eb := c.b.inside(nb)
	if ia < ea && ib < eb {
		c.depth = c.b.doc.Row(ib).Depth - c.a.doc.Row(ia).Depth
	}
	c.equal(Range{0, ia}, Range{0, ib})
	c.walk(ia, ea, ib, eb)
	// Behind the envelope there is something when the text is broken.
	ta, tb := c.a.tail(ea, na), c.b.tail(eb, nb)
	c.equal(Range{ea, ta}, Range{eb, tb})
	c.walk(ta, na, tb, nb)
}

// tail is the row behind the end tags of the envelope.
func (s *side) tail(i, n int) int {
	for i < n && (s.doc.Row(i).Kind == xmldoc.Close || s.silent(i)) {
		i++
	}
	return i
}

// inside is the span of rows within the envelope, all of n when there is none.
func (s *side) inside(n int) (from, to int) {
	from, to = s.body(), n
	for from < to && s.envelope(from) {
		if s.doc.Row(from).Kind == xmldoc.Empty {
			return from + 1, from + 1
		}
		to = s.end(from, to)
		from++
		for from < to {
			if k := s.doc.Row(from).Kind; k != xmldoc.Comment && k != xmldoc.PI && !s.verdict(from) {
				break
			}
			from++
		}
	}
	return from, to
}

// end is the row of the end tag that belongs to Open row i, or limit when there
// is none.
func (s *side) end(i, limit int) int {
	if e := s.doc.End(i); e >= 0 && e < limit {
		return e
	}
	return limit
}

// emit appends a segment, to the last one when both are equal and adjoin.
func (c *comparison) emit(k Kind, a, b Range, change int) {
	if a.Len() == 0 && b.Len() == 0 {
		return
	}
	if n := len(c.res.Segments); n > 0 && k == Equal {
		last := &c.res.Segments[n-1]
		if last.Kind == Equal && last.A.To == a.From && last.B.To == b.From && (last.A.Len() == last.B.Len()) == (a.Len() == b.Len()) {
			last.A.To, last.B.To = a.To, b.To
			return
		}
	}
	c.res.Segments = append(c.res.Segments, Segment{k, a, b, change})
}

func (c *comparison) equal(a, b Range) { c.emit(Equal, a, b, -1) }

// change notes a difference and its segment.
func (c *comparison) change(k Kind, a, b Range, note string) {
	path := ""
	switch k {
	case Removed:
		c.res.Removed++
		path = c.a.path(a.From)
	case Added:
		c.res.Added++
		path = c.b.path(b.From)
	default:
		c.res.Changed++
		path = c.b.path(b.From)
	}
	c.res.Changes = append(c.res.Changes, Change{Path: path, Kind: k, A: a, B: b, Note: note})
	c.emit(k, a, b, len(c.res.Changes)-1)
}

// stop reports that the walk is to end.
func (c *comparison) stop() bool {
	if c.steps++; c.steps%1024 == 0 && c.failed == nil {
		c.failed = c.ctx.Err()
	}
	return c.failed != nil
}

// frame is an element of both documents that is open: the rows of its end tags.
type frame struct{ ea, eb int }

// walk compares the spans i..ea and j..eb, which are the content of one element
// in both documents.
func (c *comparison) walk(i, ea, j, eb int) {
	open := []frame{{ea, eb}}
	for !c.stop() {
		f := open[len(open)-1]
		if i == f.ea && j == f.eb {
			if open = open[:len(open)-1]; len(open) == 0 {
				return
			}
			i, j = c.closing(i, open[len(open)-1].ea, j, open[len(open)-1].eb)
			continue
		}
		if i < f.ea && j < f.eb {
			if n, more := c.stretch(open, i, j); n > 0 {
				c.equal(Range{i, i + n}, Range{j, j + n})
				i, j, open = i+n, j+n, more
				continue
			}
		}
		var pushed bool
		if i, j, pushed = c.step(i, f.ea, j, f.eb); pushed {
			open = append(open, frame{c.a.end(i-1, f.ea), c.b.end(j-1, f.eb)})
		}
	}
}

// closing passes the end tags of an element, which an unfinished document may
// lack.
func (c *comparison) closing(i, ea, j, eb int) (int, int) {
	a, b := i, j
	if i < ea {
		a++
	}
	if j < eb {
		b++
	}
	c.equal(Range{i, a}, Range{j, b})
	return a, b
}

// stretch returns how many rows from i and j on are equal and belong together,
// and the elements that are open behind them. It ends before an element whose
// tag is equal but which is another entry.
func (c *comparison) stretch(open []frame, i, j int) (int, []frame) {
	f := open[len(open)-1]
	n := c.skip(i, f.ea, j, f.eb)
	to := i + n
	if n == 0 || to >= f.ea {
		return n, open
	}
	p := 0
	if c.a.doc.Row(to).Kind == xmldoc.Close { // it is in the element that it closes
		p = c.opening(to)
	} else {
		p = c.a.doc.Parent(to)
	}
	var rows []int
	for ; p >= i; p = c.a.doc.Parent(p) {
		rows = append(rows, p)
	}
	for k := len(rows) - 1; k >= 0; k-- {
		p, q := rows[k], rows[k]+j-i
		if !c.partners(p, f.ea, q, f.eb) {
			return p - i, open
		}
		f = frame{c.a.end(p, f.ea), c.b.end(q, f.eb)}
		open = append(open, f)
	}
	return n, open
}

// opening is the row of the start tag of the element that row i of a closes.
func (c *comparison) opening(i int) int {
	// The row before is the start tag, a child or the end of one.
	p := i - 1
	d := c.a.doc.Row(i).Depth
	for p >= 0 && c.a.doc.Row(p).Depth > d {
		p = c.a.doc.Parent(p)
	}
	return p
}

// skip returns how many rows from i and j on are equal to the byte.
func (c *comparison) skip(i, ea, j, eb int) int {
	ra, rb := c.a.doc.Row(i), c.b.doc.Row(j)
	if ra.Kind != rb.Kind || ra.Len != rb.Len {
		return 0
	}
	if ra.Depth+c.depth != rb.Depth {
		return 0
	}
	offA, offB := int(ra.Off), int(rb.Off)
	if !bytes.Equal(c.ta[offA:offA+ra.Len], c.tb[offB:offB+rb.Len]) {
		return 0
	}
	limA, limB := c.offset(c.a, c.ta, ea), c.offset(c.b, c.tb, eb)
	n := common(c.ta[offA:limA], c.tb[offB:limB])
	toA, toB := ea, eb
	if offA+n < limA {
		toA = c.a.doc.RowAt(int64(offA + n))
	}
	if offB+n < limB {
		toB = c.b.doc.RowAt(int64(offB + n))
	}
	rows := min(toA-i, toB-j)
	if rows <= 0 {
		return 0
	}
	la, lb := c.a.doc.Row(i+rows-1), c.b.doc.Row(j+rows-1)
	if la.Kind != lb.Kind || la.Len != lb.Len || la.Off-ra.Off != lb.Off-rb.Off || la.Depth+c.depth != lb.Depth {
		return 0
	}
	return rows
}

// offset is where row i begins, or the end of the text.
func (c *comparison) offset(s *side, text []byte, i int) int {
	if i < s.doc.Rows() {
		return int(s.doc.Row(i).Off)
	}
	return len(text)
}

// common is the length of the common beginning of a and b.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	p := 0
	for size := 1 << 8; p+size <= n; {
		if !bytes.Equal(a[p:p+size], b[p:p+size]) {
			n = p + size
			break
		}
		p += size
		size = min(2*size, 1<<14)
	}
	// The difference is within the last piece: halve it.
	for n-p > 64 {
		half := (n - p) / 2
		if bytes.Equal(a[p:p+half], b[p:p+half]) {
			p += half
		} else {
			n = p + half
		}
	}
	for ; p+8 <= n; p += 8 {
		if x := binary.LittleEndian.Uint64(a[p:]) ^ binary.LittleEndian.Uint64(b[p:]); x != 0 {
			return p + bits.TrailingZeros64(x)/8
		}
	}
	for p < n && a[p] == b[p] {
		p++
	}
	return p
}

// step compares what stands at i and j and passes it. pushed reports that both
// start tags of one element were passed.
func (c *comparison) step(i, ea, j, eb int) (ni, nj int, pushed bool) {
	switch {
	case i == ea || j == eb:
		c.align(i, ea, j, eb)
		return ea, eb, false
	case c.a.silent(i) || c.b.silent(j):
		a, b := i, j
		for a < ea && c.a.silent(a) {
			a++
		}
		for b < eb && c.b.silent(b) {
			b++
		}
		c.equal(Range{i, a}, Range{j, b})
		return a, b, false
	case !c.a.element(i) && !c.b.element(j):
		a, b := c.a.run(i, ea), c.b.run(j, eb)
		if c.a.joined(i, a, c.o.Spaces) != c.b.joined(j, b, c.o.Spaces) {
			c.change(Changed, Range{i, a}, Range{j, b}, "")
		} else {
			c.equal(Range{i, a}, Range{j, b})
		}
		return a, b, false
	case !c.a.element(i) || !c.b.element(j) || !c.partners(i, ea, j, eb):
		c.align(i, ea, j, eb)
		return ea, eb, false
	}
	if c.a.doc.Row(i).Kind == xmldoc.Open && c.b.doc.Row(j).Kind == xmldoc.Open {
		c.tags(i, j)
		return i + 1, j + 1, true
	}
	return c.pair(i, ea, j, eb)
}

// pair compares two elements that are one, whole, and passes them.
func (c *comparison) pair(i, ea, j, eb int) (ni, nj int, pushed bool) {
	ka, kb := c.a.doc.Row(i).Kind, c.b.doc.Row(j).Kind
	if ka == xmldoc.Open && kb == xmldoc.Open {
		c.tags(i, j)
		na, nb := c.a.end(i, ea), c.b.end(j, eb)
		c.walk(i+1, na, j+1, nb)
		ni, nj = c.closing(na, ea, nb, eb)
		return ni, nj, false
	}
	ni, nj = c.a.after(i, ea), c.b.after(j, eb)
	ra, rb := Range{i, ni}, Range{j, nj}
	switch {
	case ka == xmldoc.Open || kb == xmldoc.Open, !c.sameTags(i, j),
		c.a.text(i, c.o.Spaces) != c.b.text(j, c.o.Spaces):
		c.change(Changed, ra, rb, "")
	default:
		c.equal(ra, rb)
	}
	return ni, nj, false
}

// tags compares the start tags of two Open rows.
func (c *comparison) tags(i, j int) {
	if c.sameTags(i, j) {
		c.equal(Range{i, i + 1}, Range{j, j + 1})
		return
	}
	c.change(Changed, Range{i, i + 1}, Range{j, j + 1}, "attributes")
}

// sameTags reports whether two tags of the same name have the same attributes
// that count.
func (c *comparison) sameTags(i, j int) bool {
	x, y := c.a.bytes(i), c.b.bytes(j)
	if bytes.Equal(x[:tagLen(x)], y[:tagLen(y)]) {
		return true
	}
	return slices.Equal(c.a.attrs(i), c.b.attrs(j))
}
