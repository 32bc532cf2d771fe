package xmldoc

import (
	"bytes"
	"math"
)

// blockRows is the distance of checkpoints in rows.
const blockRows = 64

// levels is how many times blockRows rows, blocks and so on are taken together
// in index.low.
const levels = 5

// bigElement is the least number of children for which they are counted in
// advance.
const bigElement = 64

// index is what is known of the rows besides the text. All slices only grow, so
// that a copy of the struct stays valid while the writer goes on.
type index struct {
	rows int
	// marks holds the state of the scanner before each blockRows-th row.
	marks []checkpoint
	// low[0] holds the lowest depth of each full block, low[1] that of each
	// full group of blocks and so on. End and Parent skip with it.
	low [levels][]uint16
	// counts are the numbers of children of elements with many of them, in the
	// order of their end rows.
	counts []childCount

	broken    int // offset of the first Broken row, and its number
	brokenRow int
}

type childCount struct{ end, children int }

// checkpoint packs offset (48 bits), depth (12) and mode (4).
type checkpoint uint64

const maxDepthLimit = 1<<12 - 1

// never is the offset of what does not come.
const never = math.MaxInt

func packState(pos, depth int, m mode) checkpoint {
	return checkpoint(uint64(pos)<<16 | uint64(depth)<<4 | uint64(m))
}

func (c checkpoint) pos() int { return int(c >> 16) }

func (c checkpoint) restore(s *scanner) {
	s.pos, s.depth, s.mode = c.pos(), int(c>>4&maxDepthLimit), mode(c&15)
}

// openElement is an element whose end tag has not arrived.
type openElement struct {
	name, nameLen int // where its name is
	row, children int
}

// writer indexes the text as it arrives.
type writer struct {
	scanner
	index
	max   int // depth
	stack []openElement
	deep  int // lowest depth in the full blocks since the stack was published
	low0  int // lowest depth in the block at hand

	wait  status // of the last row tried
	seen  int    // bytes that were looked at while waiting
	hit   bool   // what was waited for has come
	tries int    // of the row at hand
	tried int    // its length at the last try

	rooted   bool // an element at depth 0 was seen
	envelope bool // it is an rpc-reply
	shape    shape
	declared bool // the XML declaration was read, or there is none

	check    checker
	lines    lineIndex
	problems problems
}

// ready reports whether trying the row at hand again can have another outcome
// than before.
func (w *writer) ready() bool {
	fresh := w.text[w.seen:]
	w.seen = len(w.text)
	switch {
	case w.final:
		return true
	case w.wait == found || w.wait == wantAny:
		w.hit = w.hit || len(fresh) > 0
	case w.wait == wantSpace:
		w.hit = w.hit || skipSpace(fresh, 0) < len(fresh)
	default:
		w.hit = w.hit || len(w.text) >= w.force ||
			bytes.IndexByte(fresh, w.await[0]) >= 0 || bytes.IndexByte(fresh, w.await[1]) >= 0
	}
	if !w.hit {
		return false
	}
	// A token made to look complete over and over is tried ever more rarely, so
	// that all tries together stay linear.
	if size := len(w.text) - w.pos; w.tries > 16 && size < w.tried+w.tried/8 &&
		(w.wait != wantMark || len(w.text) < w.force) {
		return false
	}
	w.hit = false
	return true
}

// run indexes all rows that are certain.
func (w *writer) run() {
	if !w.ready() {
		return
	}
	if w.rows == 0 && w.pos == 0 && w.broken == never && !w.start() {
		w.wait = wantAny
		return
	}
	for {
		if w.rows%blockRows == 0 && len(w.marks) == w.rows/blockRows {
			w.marks = append(w.marks, packState(w.pos, w.depth, w.mode))
		}
		w.stride()
		pos, depth, m := w.pos, w.depth, w.mode
		st := w.next()
		if st == found {
			if f := w.add(); f != noFault {
				off := int(w.row.Off)
				w.pos, w.depth, w.mode, w.lead = pos, depth, m, 0
				w.breakAt(f, off)
			} else if !w.declared && w.cut == never && w.prolog() == faultEncoding {
				w.breakAt(faultEncoding, w.pos)
			}
			w.tries, w.tried = 0, 0
			continue
		}
		if st == malformed {
			w.breakAt(w.fault, w.at)
			continue
		}
		w.wait, w.tried = st, len(w.text)-w.pos
		w.tries++
		return
	}
}

// breakAt makes all rows from off on Broken ones.
func (w *writer) breakAt(f fault, off int) {
	w.cut, w.broken, w.brokenRow = off, off, w.rows
	w.problems.add(w.describe(f, off))
}

// add takes the row found last into the index, or tells why it cannot be one.
func (w *writer) add() fault {
	r := &w.row
	switch r.Kind {
	case Open, Leaf, Empty:
		n := len(w.stack)
		if n < 2 || r.Depth >= w.max {
			if f := w.allowed(n); f != noFault {
				return f
			}
		}
		if n > 0 {
			w.stack[n-1].children++
		}
		if w.attrs || w.prefixed {
			w.checkTag(r)
		}
		if r.Kind == Open {
			w.stack = append(w.stack, openElement{name: int(r.Off) + 1, nameLen: w.name, row: w.rows})
		}
	case Close:
		if !w.closes(r) {
			return faultMismatch
		}
	}
	w.low0 = min(w.low0, r.Depth)
	w.rows++
	if w.rows%blockRows == 0 {
		w.endBlock()
	}
	return noFault
}

// allowed reports what speaks against an element in n others.
func (w *writer) allowed(n int) fault {
	switch {
	case n >= w.max:
		return faultDepth
	case n == 0 && w.rooted:
		return faultRoots
	case n == 0:
		w.rooted = true
		w.envelope = localName(w.tagName()) == "rpc-reply"
	case n == 1 && w.envelope:
		w.shape.add(localName(w.tagName()))
	}
	return noFault
}

// closes takes the innermost element off the stack when the end tag r is its.
func (w *writer) closes(r *Row) bool {
	n := len(w.stack) - 1
	top := &w.stack[n]
	off := int(r.Off) + 2
	if top.nameLen != w.name || !sameName(w.text, top.name, off, w.name) {
		return false
	}
	w.pop()
	return true
}

// pop takes the innermost element, which ends with the row at hand, off the stack.
func (w *writer) pop() {
	n := len(w.stack) - 1
	if children := w.stack[n].children; children >= bigElement {
		w.counts = append(w.counts, childCount{end: w.rows, children: children})
	}
	w.stack = w.stack[:n]
	if len(w.check.declared) > 0 {
		w.check.leave(n)
	}
}

// tagName is the name in the start tag found last.
func (w *writer) tagName() []byte {
	return w.text[int(w.row.Off)+1 : int(w.row.Off)+1+w.name]
}

// endBlock takes a full block into the levels of low.
func (w *writer) endBlock() {
	low := uint16(w.low0)
	w.deep = min(w.deep, w.low0)
	w.low0 = maxDepthLimit
	for l := range w.index.low {
		w.index.low[l] = append(w.index.low[l], low)
		n := len(w.index.low[l])
		if n%blockRows != 0 {
			return
		}
		for _, v := range w.index.low[l][n-blockRows:] {
			low = min(low, v)
		}
	}
}
