package xmldoc

import (
	"bytes"
	"fmt"
	"sort"
)

// lineBlock is the piece of text for which line ends are counted.
const lineBlock = 8 << 10

// lineIndex counts the line ends of the text in pieces.
type lineIndex struct {
	before []int // line ends before each full piece and the one at hand
	total  int
	done   int // bytes counted
}

// add counts what has arrived since the last call.
func (l *lineIndex) add(t []byte) {
	for l.done < len(t) {
		if l.done%lineBlock == 0 {
			l.before = append(l.before, l.total)
		}
		to := min(len(t), (l.done/lineBlock+1)*lineBlock)
		l.total += bytes.Count(t[l.done:to], []byte{'\n'})
		l.done = to
	}
}

// feed returns the offset of line end number n, counted from 0.
func (l *lineIndex) feed(t []byte, n int) int {
	b := sort.SearchInts(l.before, n+1) - 1
	p := b * lineBlock
	for n -= l.before[b]; ; n-- {
		i := bytes.IndexByte(t[p:], '\n')
		if n == 0 || i < 0 {
			return p + i
		}
		p += i + 1
	}
}

// count is the number of lines; what follows the last line end is one.
func (l *lineIndex) count(t []byte) int {
	if n := len(t); n > 0 && t[n-1] != '\n' {
		return l.total + 1
	}
	return l.total
}

// line returns the range of line i without its line end.
func (l *lineIndex) line(t []byte, i int) (from, to int) {
	if i > 0 {
		from = l.feed(t, i-1) + 1
	}
	to = len(t)
	if i < l.total {
		to = l.feed(t, i)
		if to > from && t[to-1] == '\r' {
			to--
		}
	}
	return from, to
}

// Lines is the number of physical lines that have arrived. The last one may
// still grow.
func (d *Doc) Lines() int {
	v := d.enter()
	defer d.leave()
	return v.lines.count(v.text)
}

// Line returns offset and length of physical line i, 0 <= i < Lines(), without
// its line end.
func (d *Doc) Line(i int) (off int64, n int) {
	v := d.enter()
	defer d.leave()
	if i < 0 || i >= v.lines.count(v.text) {
		return int64(len(v.text)), 0
	}
	from, to := v.lines.line(v.text, i)
	return int64(from), to - from
}

// AppendLine appends the first max bytes of physical line i to buf.
func (d *Doc) AppendLine(buf []byte, i, max int) []byte {
	v := d.enter()
	defer d.leave()
	if i < 0 || i >= v.lines.count(v.text) {
		return buf
	}
	from, to := v.lines.line(v.text, i)
	return append(buf, v.text[from:from+clamp(max, 0, to-from)]...)
}

// LineOf returns the physical line that holds byte off.
func (d *Doc) LineOf(off int64) int {
	v := d.enter()
	defer d.leave()
	return v.lineAt(off)
}

func (v *view) lineAt(off int64) int {
	if len(v.text) == 0 {
		return 0
	}
	p := int(clamp(off, 0, int64(len(v.text)-1)))
	b := p / lineBlock
	return v.lines.before[b] + bytes.Count(v.text[b*lineBlock:p], []byte{'\n'})
}

// AppendAt appends n bytes of the text from off on to buf, or as many as there
// are.
func (d *Doc) AppendAt(buf []byte, off int64, n int) []byte {
	v := d.enter()
	defer d.leave()
	from := int(clamp(off, 0, int64(len(v.text))))
	return append(buf, v.text[from:from+clamp(n, 0, len(v.text)-from)]...)
}

// Flaws returns what is wrong with the text but does not keep its rows from
// being shown, at most 17 entries: attributes given twice, undeclared prefixes,
// illegal characters, another encoding. A document with flaws is not
// well-formed, nothing should be edited and sent back from it unseen.
func (d *Doc) Flaws() []Problem {
	v := d.enter()
	defer d.leave()
	list := append([]Problem(nil), v.problems.flaws...)
	if v.illegal > 0 {
		line := v.lineAt(int64(v.firstBad))
		from, _ := v.lines.line(v.text, line)
		noun := "illegal characters, the first"
		if v.illegal == 1 {
			noun = "illegal character"
		}
		list = append(list, Problem{
			Code: "XML-CHAR", Off: int64(v.firstBad), Row: d.rowAt(&v, int64(v.firstBad)),
			What: fmt.Sprintf("%d %s at line %d column %d", v.illegal, noun, line+1, v.firstBad-from+1),
		})
	}
	return list
}

func clamp[T int | int64](n, low, high T) T { return max(low, min(n, high)) }
