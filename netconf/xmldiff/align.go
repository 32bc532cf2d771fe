package xmldiff

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"sort"
	"strings"

	"dialtone/netconf/xmldoc"
)

// maxTable is the most cells of the table for entries without a key.
const maxTable = 1 << 20

// silent reports rows that say nothing.
func (s *side) silent(i int) bool {
	k := s.doc.Row(i).Kind
	return k == xmldoc.Comment || k == xmldoc.PI
}

func (s *side) element(i int) bool {
	switch s.doc.Row(i).Kind {
	case xmldoc.Open, xmldoc.Leaf, xmldoc.Empty:
		return true
	}
	return false
}

// after is the row behind the element at row i.
func (s *side) after(i, limit int) int {
	if s.doc.Row(i).Kind == xmldoc.Open {
		return min(limit, s.end(i, limit)+1)
	}
	return i + 1
}

// run is the row behind the rows of text that begin at i.
func (s *side) run(i, limit int) int {
	for i < limit && !s.element(i) && !s.silent(i) && s.doc.Row(i).Kind != xmldoc.Close {
		i++
	}
	return i
}

// joined is the text of several rows.
func (s *side) joined(from, to int, spaces bool) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from {
			b.WriteByte('\n')
		}
		b.WriteString(s.text(i, spaces))
	}
	return b.String()
}

// key is what names the entry of Open row i, by the rules of xmldoc.Path: the
// first leaf with the name of a key among its first children, or, with any, its
// first child when that is a leaf.
func (s *side) key(i int, any bool) (string, bool) {
	limit := s.doc.Rows()
	first, has := "", false
	n := 0
	for k := i + 1; k < limit && n < xmldoc.KeyChildren; n++ {
		r := s.doc.Row(k)
		if r.Kind == xmldoc.Close {
			break
		}
		if !s.element(k) {
			k, n = k+1, n-1
			if k > i+64 {
				break
			}
			continue
		}
		if r.Kind == xmldoc.Leaf {
			name := local(s.name(k))
			v := s.text(k, false)
			if v != "" && len(v) <= xmldoc.MaxKey {
				if xmldoc.IsKey(name) {
					return name + "\x00" + v, true
				}
				if n == 0 {
					first, has = name+"\x00"+v, true
				}
			}
		}
		k = s.after(k, limit)
	}
	return first, has && any
}

// neighbour reports whether the element before or behind the one at row i has
// the same name.
func (s *side) neighbour(i, limit int) bool {
	name := s.name(i)
	if next := s.after(i, limit); next < limit && s.element(next) && s.name(next) == name {
		return true
	}
	if i == 0 {
		return false
	}
	before, d := s.doc.Row(i-1), s.doc.Row(i).Depth
	return before.Depth == d && before.Kind != xmldoc.Open && s.name(i-1) == name
}

// partners reports whether the elements at i and j are surely the same one.
func (c *comparison) partners(i, ea, j, eb int) bool {
	if !c.sameName(i, j) {
		return false
	}
	ka, kb := c.a.doc.Row(i).Kind, c.b.doc.Row(j).Kind
	many := c.a.neighbour(i, ea) || c.b.neighbour(j, eb)
	if ka == xmldoc.Open && kb == xmldoc.Open {
		va, oka := c.a.key(i, many)
		vb, okb := c.b.key(j, many)
		return oka && okb && va == vb || !oka && !okb && !many
	}
	if !many {
		return true
	}
	return ka != xmldoc.Open && kb != xmldoc.Open && c.a.text(i, false) == c.b.text(j, false)
}

// sameName compares the names of two elements whatever their prefixes.
func (c *comparison) sameName(i, j int) bool {
	x, y := c.a.bytes(i), c.b.bytes(j)
	nx, ny := string(tagName(x)), string(tagName(y))
	declares := bytes.Contains(x[:tagLen(x)], []byte("xmlns")) || bytes.Contains(y[:tagLen(y)], []byte("xmlns"))
	if nx == ny && !declares {
		return true
	}
	return local(nx) == local(ny) && c.a.space(i, prefix(nx)) == c.b.space(j, prefix(ny))
}

// item is one child: an element, or a run of text.
type item struct {
	from, to int
	name     string // with its namespace
	raw      string // as it is written, without prefix
	ident    string
	keyed    bool
	partner  int
}

// items lists the children in a span.
func (c *comparison) items(s *side, from, to int) []item {
	var out []item
	for i := from; i < to && !c.stop(); {
		switch {
		case s.silent(i):
			i++
			continue
		case !s.element(i):
			end := max(i+1, s.run(i, to))
			out = append(out, item{from: i, to: end, ident: "#", name: "#", partner: -1})
			i = end
			continue
		}
		end := s.after(i, to)
		b := s.bytes(i)
		full := string(tagName(b))
		name := local(full)
		if prefix(full) != "" || bytes.Contains(b[:tagLen(b)], []byte("xmlns")) {
			name += "\x00" + s.space(i, prefix(full))
		} else if c.spaced {
			name += "\x00" + s.space(i, "")
		}
		out = append(out, item{from: i, to: end, name: name, raw: local(full), partner: -1})
		i = end
	}
	return out
}

// identify gives each child what it is known by.
func (c *comparison) identify(s *side, list []item, many map[string]bool) {
	for k := range list {
		it := &list[k]
		if it.name == "#" {
			continue
		}
		it.ident = it.name
		if s.doc.Row(it.from).Kind == xmldoc.Open {
			if v, ok := s.key(it.from, many[it.name]); ok {
				it.ident, it.keyed = it.name+"\x01"+v, true
			}
		} else if many[it.name] {
			if v := s.text(it.from, false); len(v) <= 1<<16 {
				it.ident, it.keyed = it.name+"\x02"+v, true
			}
		}
	}
}

// align compares the children in two spans where they do not simply follow each
// other, and passes them all.
func (c *comparison) align(i, ea, j, eb int) {
	as, bs := c.items(c.a, i, ea), c.items(c.b, j, eb)
	if !c.spaced && (mixed(as) != mixed(bs) || mixed(as)) {
		c.spaced = true // names are compared with the namespaces that they inherit
		as, bs = c.items(c.a, i, ea), c.items(c.b, j, eb)
		c.spaced = false
	}
	many := make(map[string]bool)
	for _, p := range []struct {
		s      *side
		list   []item
		from   int
		before int
	}{{c.a, as, i, ea}, {c.b, bs, j, eb}} {
		count := make(map[string]int)
		for _, it := range p.list {
			if count[it.name]++; count[it.name] > 1 {
				many[it.name] = true
			}
		}
		if len(p.list) > 0 && p.list[0].name != "#" && p.s.neighbour(p.list[0].from, p.before) {
			many[p.list[0].name] = true
		}
	}
	c.identify(c.a, as, many)
	c.identify(c.b, bs, many)
	c.match(as, bs)
	c.replay(as, bs, Range{i, ea}, Range{j, eb})
}

// mixed reports children whose names have a namespace of their own.
func mixed(list []item) bool {
	for _, it := range list {
		if strings.IndexByte(it.name, 0) >= 0 {
			return true
		}
	}
	return false
}

// match finds partners among children of the same identity. Where several have
// the same, those with equal content come first.
func (c *comparison) match(as, bs []item) {
	groups := make(map[string][]int, len(bs))
	for k := range bs {
		groups[bs[k].ident] = append(groups[bs[k].ident], k)
	}
	mine := make(map[string][]int, len(as))
	var order []string
	for k := range as {
		id := as[k].ident
		if mine[id] == nil {
			order = append(order, id)
		}
		mine[id] = append(mine[id], k)
	}
	for _, id := range order {
		ga, gb := mine[id], groups[id]
		if len(ga) == 1 && len(gb) == 1 {
			as[ga[0]].partner, bs[gb[0]].partner = gb[0], ga[0]
			continue
		}
		if len(gb) > 0 && !c.stop() {
			c.several(as, bs, ga, gb)
		}
	}
}

// several pairs children that cannot be told apart by a key: equal ones first,
// in their order when they have no key, then the rest one after the other.
func (c *comparison) several(as, bs []item, ga, gb []int) {
	da, db := c.digests(c.a, as, ga), c.digests(c.b, bs, gb)
	join := func(x, y int) { as[ga[x]].partner, bs[gb[y]].partner = gb[y], ga[x] }
	if as[ga[0]].keyed || len(ga)*len(gb) > maxTable {
		left := make(map[[sha256.Size]byte][]int)
		for y, d := range db {
			left[d] = append(left[d], y)
		}
		last := -1
		for x, d := range da {
			for len(left[d]) > 0 && !as[ga[0]].keyed && left[d][0] < last {
				left[d] = left[d][1:] // it would cross another pair
			}
			if len(left[d]) > 0 {
				last = left[d][0]
				join(x, last)
				left[d] = left[d][1:]
			}
		}
	} else {
		for _, p := range longest(da, db) {
			join(p[0], p[1])
		}
	}
	c.rest(as, bs, ga, gb, join)
}

// rest pairs what is left over between two pairs, in order.
func (c *comparison) rest(as, bs []item, ga, gb []int, join func(x, y int)) {
	if as[ga[0]].keyed {
		y := 0
		for x := range ga {
			if as[ga[x]].partner >= 0 {
				continue
			}
			for y < len(gb) && bs[gb[y]].partner >= 0 {
				y++
			}
			if y < len(gb) {
				join(x, y)
			}
		}
		return
	}
	index := make(map[int]int, len(gb)) // of bs to y
	for y, k := range gb {
		index[k] = y
	}
	y := 0
	for x := range ga {
		if p := as[ga[x]].partner; p >= 0 {
			y = index[p] + 1
			continue
		}
		if y < len(gb) && bs[gb[y]].partner < 0 {
			join(x, y)
			y++
		}
	}
}

// digests are those of some children. The work of all calls together is bounded
// by the size of the documents; beyond it no child is like any other, and they
// are paired in order.
func (c *comparison) digests(s *side, list []item, group []int) [][sha256.Size]byte {
	out := make([][sha256.Size]byte, len(group))
	for n, k := range group {
		if c.digested += list[k].to - list[k].from; c.digested > c.budget || c.stop() {
			binary.LittleEndian.PutUint64(out[n][:], uint64(list[k].from))
			if s == c.a {
				out[n][31] = 1
			}
			continue
		}
		st := digester{}
		st.push(nil, false)
		s.digest(&st, list[k].from, list[k].to)
		out[n], _ = st.open[0].sums()
	}
	return out
}

// longest is the longest common subsequence as pairs.
func longest(a, b [][sha256.Size]byte) [][2]int {
	w := len(b) + 1
	table := make([]int32, (len(a)+1)*w)
	for x := len(a) - 1; x >= 0; x-- {
		for y := len(b) - 1; y >= 0; y-- {
			if a[x] == b[y] {
				table[x*w+y] = table[(x+1)*w+y+1] + 1
			} else {
				table[x*w+y] = max(table[(x+1)*w+y], table[x*w+y+1])
			}
		}
	}
	var out [][2]int
	for x, y := 0, 0; x < len(a) && y < len(b); {
		switch {
		case a[x] == b[y]:
			out = append(out, [2]int{x, y})
			x, y = x+1, y+1
		case table[(x+1)*w+y] >= table[x*w+y+1]:
			x++
		default:
			y++
		}
	}
	return out
}

// replay passes the children in the order of b, each with its partner; those
// that a alone has come where they were.
func (c *comparison) replay(as, bs []item, ra, rb Range) {
	stays := anchors(bs)
	at, atRow := 0, ra.From // of a: what has been passed in order
	bRow := rb.From
	gap := func(a, b int) { // rows between children, which say nothing
		c.equal(Range{atRow, a}, Range{bRow, b})
		atRow, bRow = a, b
	}
	upTo := func(k int) { // children of a before the k-th that have no partner
		for ; at < k; at++ {
			it := as[at]
			if it.partner < 0 {
				gap(it.from, bRow)
				c.change(Removed, Range{it.from, it.to}, Range{bRow, bRow}, "")
				atRow = it.to
			} else {
				gap(it.from, bRow)
				atRow = it.to // it moved, and is passed with its partner
			}
		}
	}
	next := make([]int, len(bs)) // child of a at the next pair in order
	for y, k := len(bs)-1, len(as); y >= 0; y-- {
		if stays[y] {
			k = bs[y].partner
		}
		next[y] = k
	}
	for y, it := range bs {
		if c.stop() {
			return
		}
		switch {
		case it.partner < 0:
			upTo(next[y])
			gap(atRow, it.from)
			c.change(Added, Range{atRow, atRow}, Range{it.from, it.to}, "")
		case stays[y]:
			upTo(it.partner)
			gap(as[it.partner].from, it.from)
			c.both(as[it.partner], it)
			at, atRow = it.partner+1, as[it.partner].to
		default:
			gap(atRow, it.from)
			from := as[it.partner]
			c.both(from, it)
			if it.keyed {
				c.res.Moves = append(c.res.Moves, Change{Path: c.b.path(it.from), Kind: Moved, A: Range{from.from, from.to}, B: Range{it.from, it.to}})
			}
		}
		bRow = it.to
	}
	upTo(len(as))
	gap(ra.To, rb.To)
}

// both compares two children that are partners.
func (c *comparison) both(a, b item) {
	if a.name == "#" {
		if c.a.joined(a.from, a.to, c.o.Spaces) != c.b.joined(b.from, b.to, c.o.Spaces) {
			c.change(Changed, Range{a.from, a.to}, Range{b.from, b.to}, "")
			return
		}
		c.equal(Range{a.from, a.to}, Range{b.from, b.to})
		return
	}
	if c.skip(a.from, a.to, b.from, b.to) == a.to-a.from && a.to-a.from == b.to-b.from {
		c.equal(Range{a.from, a.to}, Range{b.from, b.to})
		return
	}
	c.pair(a.from, a.to, b.from, b.to)
}

// anchors are the children of b whose partners stand in the same order: the
// longest such row of them.
func anchors(bs []item) []bool {
	stays := make([]bool, len(bs))
	var tails []int // index into bs of the last of a row of each length
	prev := make([]int, len(bs))
	for y, it := range bs {
		if it.partner < 0 {
			continue
		}
		n := sort.Search(len(tails), func(n int) bool { return bs[tails[n]].partner >= it.partner })
		prev[y] = -1
		if n > 0 {
			prev[y] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, y)
		} else {
			tails[n] = y
		}
	}
	if len(tails) > 0 {
		for y := tails[len(tails)-1]; y >= 0; y = prev[y] {
			stays[y] = true
		}
	}
	return stays
}
