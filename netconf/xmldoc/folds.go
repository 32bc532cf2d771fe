package xmldoc

import (
	"context"
	"math/bits"
)

// Folds maps the lines that a view shows to rows of a Doc. One per view; not
// safe for concurrent use. Rows that arrive later appear by themselves.
//
// It keeps three bits a row once something is folded: whether the row is shown,
// whether a folded element begins there, and whether one ends there. The last
// two pair like brackets, so that what an unfolded element hides again is found
// without reading the document.
type Folds struct {
	d     *Doc
	n     int      // rows the bits cover; later ones are shown
	shown []uint64 // empty while nothing was ever folded
	start []uint64
	end   []uint64
	sums  []int // shown rows in each full or begun group of groupRows
	total int   // shown rows
	open  []int // folded rows whose end has not arrived, outermost first
}

// groupRows is how many rows one of the sums stands for.
const groupRows = 64 * 64

// NewFolds shows every row.
func NewFolds(d *Doc) *Folds { return &Folds{d: d} }

// UnfoldAll shows every row.
func (f *Folds) UnfoldAll() { *f = Folds{d: f.d} }

// Apply takes over the state of a planned Folds, which must not be used
// afterwards.
func (f *Folds) Apply(p *Folds) { *f = *p }

func get(w []uint64, i int) bool { return w[i/64]>>(i%64)&1 != 0 }
func set(w []uint64, i int)      { w[i/64] |= 1 << (i % 64) }
func unset(w []uint64, i int)    { w[i/64] &^= 1 << (i % 64) }

// sync takes in rows that have arrived, and returns their number.
func (f *Folds) sync() int {
	v := f.d.enter()
	defer f.d.leave()
	if len(f.shown) > 0 && v.rows > f.n {
		f.cover(&v)
	}
	return v.rows
}

// cover extends the bits over all rows of v.
func (f *Folds) cover(v *view) {
	from, to := f.n, v.rows
	words := (to + 63) / 64
	for len(f.shown) < words {
		f.shown = append(f.shown, 0)
		f.start = append(f.start, 0)
		f.end = append(f.end, 0)
	}
	for len(f.sums) < (to+groupRows-1)/groupRows {
		f.sums = append(f.sums, 0)
	}
	f.n = to
	hidden := from - 1 // last new row hidden by an element folded before
	for k := len(f.open) - 1; k >= 0; k-- {
		i := f.open[k]
		last := f.d.endOf(v, i)
		if last >= 0 && last >= from {
			set(f.end, last)
			f.open = f.open[:k]
		} else {
			last = v.structured() - 1
		}
		hidden = max(hidden, last)
	}
	f.show(hidden+1, to-1)
}

// show makes rows from..to visible, hide hides them.
func (f *Folds) show(from, to int) { f.paint(from, to, true) }
func (f *Folds) hide(from, to int) { f.paint(from, to, false) }

func (f *Folds) paint(from, to int, on bool) {
	for from <= to {
		w := from / 64
		last := min(to, w*64+63)
		mask := ^uint64(0) << (from % 64) & (^uint64(0) >> (63 - last%64))
		old := bits.OnesCount64(f.shown[w])
		if on {
			f.shown[w] |= mask
		} else {
			f.shown[w] &^= mask
		}
		change := bits.OnesCount64(f.shown[w]) - old
		f.sums[w/64] += change
		f.total += change
		from = last + 1
	}
}

// Visible is the number of lines.
func (f *Folds) Visible() int {
	n := f.sync()
	if len(f.shown) == 0 {
		return n
	}
	return f.total
}

// RowAt returns the row shown on a line, 0 <= line < Visible().
func (f *Folds) RowAt(line int) int {
	n := f.sync()
	if len(f.shown) == 0 {
		return clamp(line, 0, max(0, n-1))
	}
	line = clamp(line, 0, max(0, f.total-1))
	g := 0
	for ; g < len(f.sums)-1 && line >= f.sums[g]; g++ {
		line -= f.sums[g]
	}
	for w := g * 64; w < len(f.shown); w++ {
		c := bits.OnesCount64(f.shown[w])
		if line < c {
			v := f.shown[w]
			for ; line > 0; line-- {
				v &= v - 1
			}
			return w*64 + bits.TrailingZeros64(v)
		}
		line -= c
	}
	return 0
}

// LineOf returns the line that shows row, or the line of the fold that hides it.
func (f *Folds) LineOf(row int) int {
	n := f.sync()
	row = clamp(row, 0, max(0, n-1))
	if len(f.shown) == 0 {
		return row
	}
	line := 0
	w := row / 64
	for g := range w / 64 {
		line += f.sums[g]
	}
	for k := w / 64 * 64; k < w; k++ {
		line += bits.OnesCount64(f.shown[k])
	}
	line += bits.OnesCount64(f.shown[w] & (^uint64(0) >> (63 - row%64)))
	return max(0, line-1)
}

// Folded reports whether the Open row is folded.
func (f *Folds) Folded(row int) bool {
	n := f.sync()
	return len(f.shown) > 0 && row >= 0 && row < n && get(f.start, row)
}

// Toggle folds or unfolds the element of row (its parent's when row opens
// nothing) and returns the row to put the cursor on.
func (f *Folds) Toggle(row int) int {
	i := f.element(row)
	if i < 0 {
		return row
	}
	if f.Folded(i) {
		f.Unfold(i)
		return i
	}
	return f.Fold(i)
}

// element returns the Open row of the element that row folds, or -1.
func (f *Folds) element(row int) int {
	v := f.d.enter()
	defer f.d.leave()
	if !v.has(row) {
		return -1
	}
	switch f.d.row(&v, row).Kind {
	case Open:
		return row
	case Close:
		return f.d.openOf(&v, row)
	}
	return f.d.parentOf(&v, row)
}

// Fold hides what is in the element of row, and returns its Open row. When row
// is in no element it returns row.
func (f *Folds) Fold(row int) int {
	i := f.element(row)
	if i < 0 {
		return row
	}
	v := f.d.enter()
	defer f.d.leave()
	if v.rows > f.n {
		f.cover(&v)
	}
	if get(f.start, i) {
		return i
	}
	set(f.start, i)
	last := f.d.endOf(&v, i)
	if last >= 0 {
		set(f.end, last)
	} else {
		last = v.structured() - 1
		k := len(f.open)
		for k > 0 && f.open[k-1] > i {
			k--
		}
		f.open = append(f.open, 0)
		copy(f.open[k+1:], f.open[k:])
		f.open[k] = i
	}
	f.hide(i+1, last)
	return i
}

// Unfold shows the children of an Open row. Elements folded within stay so.
func (f *Folds) Unfold(row int) {
	if !f.Folded(row) {
		return
	}
	v := f.d.enter()
	defer f.d.leave()
	if v.rows > f.n {
		f.cover(&v)
	}
	unset(f.start, row)
	last := v.structured() - 1
	for k, i := range f.open {
		if i == row {
			f.open = append(f.open[:k], f.open[k+1:]...)
			if get(f.shown, row) {
				f.reveal(row+1, last)
			}
			return
		}
	}
	last = f.d.endOf(&v, row)
	unset(f.end, last)
	if get(f.shown, row) {
		f.reveal(row+1, last)
	}
}

// reveal shows rows from..to except what is in folded elements between them.
func (f *Folds) reveal(from, to int) {
	depth, first := 0, from // of folded elements around; first row of a shown run
	for w := from / 64; w <= to/64; w++ {
		marks := f.start[w] | f.end[w]
		if w == from/64 {
			marks &= ^uint64(0) << (from % 64)
		}
		for ; marks != 0; marks &= marks - 1 {
			i := w*64 + bits.TrailingZeros64(marks)
			if i > to {
				break
			}
			if get(f.start, i) {
				if depth++; depth == 1 {
					f.show(first, i)
				}
			} else if depth--; depth == 0 {
				first = i + 1
			}
		}
	}
	if depth == 0 {
		f.show(first, to)
	}
}

// Reveal unfolds whatever hides row.
func (f *Folds) Reveal(row int) {
	n := f.sync()
	if len(f.shown) == 0 || row < 0 || row >= n || get(f.shown, row) {
		return
	}
	var around []int
	for i := f.d.Parent(row); i >= 0; i = f.d.Parent(i) {
		around = append(around, i)
	}
	for k := len(around) - 1; k >= 0; k-- {
		f.Unfold(around[k])
	}
	if i := f.element(row); i >= 0 && i != row && !get(f.shown, row) {
		f.Unfold(i)
	}
}

// Plan computes what folding every element at depth >= level would do; it may
// take long on a large document, and runs outside the view's goroutine. Apply
// then makes it so.
func (f *Folds) Plan(ctx context.Context, level int) (*Folds, error) {
	v := f.d.enter()
	defer f.d.leave()
	p := NewFolds(f.d)
	n := v.rows
	if n == 0 {
		return p, ctx.Err()
	}
	p.n = n
	words := (n + 63) / 64
	p.shown, p.start, p.end = make([]uint64, words), make([]uint64, words), make([]uint64, words)
	p.sums = make([]int, (n+groupRows-1)/groupRows)
	var open []int // by depth
	s := v.scan(0)
	for i := range n {
		if i%groupRows == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if f.d.stopped.Load() {
				return nil, ErrClosed
			}
			if i%(forgetEvery*groupRows) == 0 {
				v.forget()
			}
		}
		s.next()
		r := s.row
		shown := r.Depth <= level || r.Kind == Broken
		switch r.Kind {
		case Open:
			if r.Depth >= level {
				set(p.start, i)
			}
			open = append(open, i)
		case Close:
			open = open[:len(open)-1]
			if r.Depth >= level {
				set(p.end, i)
				shown = false
			}
		}
		if shown {
			set(p.shown, i)
		}
	}
	for w, b := range p.shown {
		c := bits.OnesCount64(b)
		p.sums[w/64] += c
		p.total += c
	}
	for depth, i := range open {
		if depth >= level {
			p.open = append(p.open, i)
		}
	}
	return p, nil
}
