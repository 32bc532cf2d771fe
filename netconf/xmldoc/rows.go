package xmldoc

import (
	"io"
	"sort"
)

// cacheSize is how many blocks of decoded rows are kept.
const cacheSize = 16

// block holds decoded rows. It never changes once it is in the cache.
type block struct {
	number int
	rows   []Row
}

// scan returns a scanner that stands before the first row of block b.
func (v *view) scan(b int) scanner {
	s := scanner{text: v.text, cut: v.broken, final: v.final}
	v.marks[b].restore(&s)
	return s
}

// block returns the rows of block b as far as they are published in v.
func (d *Doc) block(v *view, b int) []Row {
	n := min(blockRows, v.rows-b*blockRows)
	slot := &d.blocks[b%cacheSize]
	if c := slot.Load(); c != nil && c.number == b && len(c.rows) >= n {
		return c.rows[:n]
	}
	c := &block{number: b, rows: make([]Row, n)}
	s := v.scan(b)
	for i := range c.rows {
		s.next()
		c.rows[i] = s.row
	}
	slot.Store(c)
	return c.rows
}

func (d *Doc) row(v *view, i int) Row { return d.block(v, i/blockRows)[i%blockRows] }

func (v *view) has(i int) bool { return i >= 0 && i < v.rows }

func (v *view) bytes(r Row) []byte { return v.text[r.Off : r.Off+int64(r.Len)] }

// Row returns row i, 0 <= i < Rows(). The zero Row stands for any other i.
func (d *Doc) Row(i int) Row {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return Row{}
	}
	return d.row(&v, i)
}

// AppendRow appends the first max bytes of row i's text to buf, exactly as they
// came. (Row.Len tells how long it is in whole.)
func (d *Doc) AppendRow(buf []byte, i, max int) []byte {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return buf
	}
	b := v.bytes(d.row(&v, i))
	return append(buf, b[:clamp(max, 0, len(b))]...)
}

// RowAt returns the row that holds byte off of the text; for bytes between two
// rows it is the one before, or row 0.
func (d *Doc) RowAt(off int64) int {
	v := d.enter()
	defer d.leave()
	return d.rowAt(&v, off)
}

func (d *Doc) rowAt(v *view, off int64) int {
	if v.rows == 0 {
		return 0
	}
	blocks := (v.rows + blockRows - 1) / blockRows
	b := sort.Search(blocks, func(b int) bool { return int64(v.marks[b].pos()) > off }) - 1
	if b < 0 {
		return 0
	}
	rows := d.block(v, b)
	i := sort.Search(len(rows), func(i int) bool { return rows[i].Off > off }) - 1
	return max(0, b*blockRows+i)
}

// Subtree reads the text of the element that row i belongs to, exactly: of the
// element itself for its own rows, of the element around it for a row of text
// or a comment. Of an element that has not ended it reads what is there.
func (d *Doc) Subtree(i int) io.Reader {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return &textReader{d: d}
	}
	r := d.row(&v, i)
	switch r.Kind {
	case Text, Comment, PI, CDATA:
		if p := d.parentOf(&v, i); p >= 0 {
			i, r = p, d.row(&v, p)
		}
	case Close:
		i = d.openOf(&v, i)
		r = d.row(&v, i)
	}
	to := r.Off + int64(r.Len)
	if r.Kind == Open {
		to = int64(len(v.text))
		if end := d.endOf(&v, i); end >= 0 {
			e := d.row(&v, end)
			to = e.Off + int64(e.Len)
		}
	}
	return &textReader{d: d, off: r.Off, end: to}
}

// Reader reads the whole text as it is now.
func (d *Doc) Reader() io.Reader {
	return &textReader{d: d, end: d.Size()}
}

// Lend calls f with the whole text as it is now, without a copy. f must not
// change the text, nor keep it after it returns. The text is empty after Close;
// one that is closed meanwhile stays until f returns.
func (d *Doc) Lend(f func(text []byte)) {
	v := d.enter()
	defer d.leave()
	f(v.text)
}

// textReader reads a range of the text. It fails with ErrClosed when the
// document is closed before its end.
type textReader struct {
	d        *Doc
	off, end int64
}

func (r *textReader) Read(p []byte) (int, error) {
	if r.off >= r.end {
		return 0, io.EOF
	}
	v := r.d.enter()
	defer r.d.leave()
	if int64(len(v.text)) < r.end {
		return 0, ErrClosed
	}
	n := copy(p, v.text[r.off:r.end])
	r.off += int64(n)
	return n, nil
}

// WriteTo writes in pieces, without a copy of the text.
func (r *textReader) WriteTo(w io.Writer) (int64, error) {
	const piece = 256 << 10
	looks := 0
	start := r.off
	v := r.d.enter()
	defer r.d.leave()
	for r.off < r.end {
		if int64(len(v.text)) < r.end || r.d.stopped.Load() {
			return r.off - start, ErrClosed
		}
		if looks++; looks%(4*forgetEvery) == 0 {
			v.forget()
		}
		n, err := w.Write(v.text[r.off:min(r.end, r.off+piece)])
		r.off += int64(n)
		if err != nil {
			return r.off - start, err
		}
		if n == 0 {
			return r.off - start, io.ErrShortWrite
		}
	}
	return r.off - start, nil
}
