package xmldoc

import "sort"

// Parent returns the row of the element around row i, -1 for the root and for
// broken rows.
func (d *Doc) Parent(i int) int {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return -1
	}
	return d.parentOf(&v, i)
}

// End returns the row of the end tag that belongs to the Open row i, or -1
// while it has not arrived. For other kinds it returns i.
func (d *Doc) End(i int) int {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return i
	}
	return d.endOf(&v, i)
}

// Children counts the child elements of an Open row as far as they have
// arrived, at most max.
func (d *Doc) Children(i, max int) int {
	d.mu.Lock()
	if !d.closed && d.pub.has(i) {
		k := sort.Search(len(d.open), func(k int) bool { return d.open[k].row >= i })
		if k < len(d.open) && d.open[k].row == i {
			defer d.mu.Unlock()
			return min(d.open[k].children, max)
		}
	}
	d.mu.Unlock()
	v := d.enter()
	defer d.leave()
	if !v.has(i) || d.row(&v, i).Kind != Open {
		return 0
	}
	end := d.endOf(&v, i)
	if end >= 0 {
		k := sort.Search(len(v.counts), func(k int) bool { return v.counts[k].end >= end })
		if k < len(v.counts) && v.counts[k].end == end {
			return min(v.counts[k].children, max)
		}
	}
	n := 0
	for range d.children(&v, i) {
		if n >= max {
			break
		}
		n++
	}
	return n
}

// structured is the number of rows that tags lead through: those before the
// broken ones.
func (v *view) structured() int { return min(v.rows, v.brokenRow) }

// endOf finds the end row of row i in v, or -1.
func (d *Doc) endOf(v *view, i int) int {
	r := d.row(v, i)
	if r.Kind != Open {
		return i
	}
	return d.nextAtMost(v, i+1, r.Depth)
}

// openOf finds the Open row of the Close row i.
func (d *Doc) openOf(v *view, i int) int {
	return d.lastBelow(v, i-1, d.row(v, i).Depth+1)
}

func (d *Doc) parentOf(v *view, i int) int {
	r := d.row(v, i)
	if r.Depth == 0 {
		return -1
	}
	return d.lastBelow(v, i-1, r.Depth)
}

// children yields the rows of the child elements of Open row i.
func (d *Doc) children(v *view, i int) func(yield func(row int, r Row) bool) {
	return func(yield func(row int, r Row) bool) {
		depth := d.row(v, i).Depth + 1
		for j, n := i+1, v.structured(); j < n; j++ {
			r := d.row(v, j)
			if r.Depth < depth {
				return
			}
			switch r.Kind {
			case Open:
				if !yield(j, r) {
					return
				}
				if j = d.endOf(v, j); j < 0 {
					return
				}
			case Leaf, Empty:
				if !yield(j, r) {
					return
				}
			}
		}
	}
}

// nextAtMost returns the first row from i on that is not deeper than depth, or
// -1 when there is none yet.
func (d *Doc) nextAtMost(v *view, i, depth int) int {
	n := v.structured()
	if i >= n {
		return -1
	}
	in := func(from int) int {
		b := from / blockRows
		rows := d.block(v, b)
		for j := from % blockRows; j < len(rows) && b*blockRows+j < n; j++ {
			if rows[j].Depth <= depth {
				return b*blockRows + j
			}
		}
		return -1
	}
	if j := in(i); j >= 0 {
		return j
	}
	b := i/blockRows + 1
	for l := 0; ; {
		switch low := v.low[l]; {
		case b < len(low) && int(low[b]) > depth:
			b++
			if b%blockRows == 0 && l+1 < levels && b/blockRows < len(v.low[l+1]) {
				b /= blockRows
				l++
			}
		case l > 0: // in this group, or past the groups that are full
			b *= blockRows
			l--
		case b*blockRows >= n:
			return -1
		default:
			return in(b * blockRows)
		}
	}
}

// lastBelow returns the last row up to i that is less deep than depth, or -1.
func (d *Doc) lastBelow(v *view, i, depth int) int {
	in := func(to int) int {
		b := to / blockRows
		rows := d.block(v, b)
		for j := to % blockRows; j >= 0; j-- {
			if rows[j].Depth < depth {
				return b*blockRows + j
			}
		}
		return -1
	}
	if i < 0 {
		return -1
	}
	if j := in(i); j >= 0 {
		return j
	}
	b := i/blockRows - 1
	for l := 0; b >= 0; {
		switch {
		case int(v.low[l][b]) < depth && l == 0:
			return in(b*blockRows + blockRows - 1)
		case int(v.low[l][b]) < depth:
			b = b*blockRows + blockRows - 1
			l--
		case b%blockRows == 0 && l+1 < levels:
			b = b/blockRows - 1
			l++
		default:
			b--
		}
	}
	return -1
}
