package editor

import (
	"strings"

	"dialtone/ui/highlight"
)

// Pos is a place in the text: a line and a byte offset in it, both from 0.
type Pos struct{ Line, Off int }

func (p Pos) before(q Pos) bool { return p.Line < q.Line || p.Line == q.Line && p.Off < q.Off }

// line is what stands between two newlines. A carriage return before the
// newline is part of the text, so that the bytes never change by themselves.
type line struct {
	text string
	st   highlight.State // what the line begins in, where the buffer says it is known
}

// buffer is a text as lines in an array with a gap where the last change was:
// the next change is most likely beside it, and then costs no more than itself.
type buffer struct {
	items      []line
	gap, empty int // items[gap:gap+empty] is unused
	size       int // bytes, newlines included

	// States are right up to line valid. The ones behind it, up to known, follow
	// from each other, so that meeting one of them again makes all right.
	valid, known int
}

func newBuffer(text string) *buffer {
	b := &buffer{size: len(text)}
	b.items = make([]line, 0, strings.Count(text, "\n")+64)
	for {
		i := strings.IndexByte(text, '\n')
		if i < 0 {
			b.items = append(b.items, line{text: text})
			break
		}
		b.items = append(b.items, line{text: text[:i]})
		text = text[i+1:]
	}
	b.gap = len(b.items)
	return b
}

func (b *buffer) len() int { return len(b.items) - b.empty }

func (b *buffer) at(i int) *line {
	if i >= b.gap {
		i += b.empty
	}
	return &b.items[i]
}

// text returns line i without its newline.
func (b *buffer) text(i int) string { return b.at(i).text }

// shown returns line i without its line end: what the cursor can stand in.
func (b *buffer) shown(i int) string {
	s := b.text(i)
	if i < b.len()-1 {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}

// last is the end of the text.
func (b *buffer) last() Pos {
	n := b.len() - 1
	return Pos{n, len(b.text(n))}
}

// moveGap puts the gap before line i and makes it hold at least n lines. What
// is in the gap is cleared, so that it keeps no text alive.
func (b *buffer) moveGap(i, n int) {
	if b.empty < n {
		grown := make([]line, b.len(), b.len()+b.len()/8+n+64)
		copy(grown, b.items[:b.gap])
		copy(grown[b.gap:], b.items[b.gap+b.empty:])
		spare := cap(grown) - len(grown)
		grown = grown[:cap(grown)]
		copy(grown[b.gap+spare:], grown[b.gap:b.len()])
		b.items, b.empty = grown, spare
	}
	switch {
	case i < b.gap:
		copy(b.items[i+b.empty:], b.items[i:b.gap])
		clear(b.items[i:min(b.gap, i+b.empty)])
	case i > b.gap:
		copy(b.items[b.gap:], b.items[b.gap+b.empty:i+b.empty])
		clear(b.items[max(i, b.gap+b.empty) : i+b.empty])
	}
	b.gap = i
}

// slice returns the text between two places.
func (b *buffer) slice(from, to Pos) string {
	if from.Line == to.Line {
		return b.text(from.Line)[from.Off:to.Off]
	}
	var s strings.Builder
	s.WriteString(b.text(from.Line)[from.Off:])
	for i := from.Line + 1; i < to.Line; i++ {
		s.WriteByte('\n')
		s.WriteString(b.text(i))
	}
	s.WriteByte('\n')
	s.WriteString(b.text(to.Line)[:to.Off])
	return s.String()
}

// bytes returns the whole text.
func (b *buffer) bytes() []byte {
	out := make([]byte, 0, b.size)
	for i := range b.len() {
		if i > 0 {
			out = append(out, '\n')
		}
		out = append(out, b.text(i)...)
	}
	return out
}

// lines returns all lines as they are now; later changes do not reach them.
func (b *buffer) lines() []line {
	out := make([]line, 0, b.len())
	out = append(out, b.items[:b.gap]...)
	return append(out, b.items[b.gap+b.empty:]...)
}

// replace puts text in place of what stands between two places and returns
// where it ends.
func (b *buffer) replace(from, to Pos, text string) (end Pos) {
	removed := to.Line - from.Line
	for i := from.Line; i <= to.Line; i++ {
		b.size -= len(b.text(i))
	}
	head, tail := b.text(from.Line)[:from.Off], b.text(to.Line)[to.Off:]
	added := strings.Count(text, "\n")
	b.size += len(head) + len(text) - added + len(tail) + added - removed

	first := b.at(from.Line)
	if added == 0 {
		first.text = head + text + tail
		end = Pos{from.Line, from.Off + len(text)}
	} else {
		cut := strings.IndexByte(text, '\n')
		first.text = head + text[:cut]
		text = text[cut+1:]
	}
	if removed > 0 || added > 0 {
		b.moveGap(from.Line+1, added)
		behind := b.gap + b.empty
		clear(b.items[behind : behind+removed])
		b.empty += removed // the gap takes them in
		for i := 1; i <= added; i++ {
			cut := strings.IndexByte(text, '\n')
			s := text
			if cut >= 0 {
				s, text = text[:cut], text[cut+1:]
			} else {
				end = Pos{from.Line + i, len(s)}
				s += tail
			}
			b.items[b.gap] = line{text: s}
			b.gap, b.empty = b.gap+1, b.empty-1
		}
	}
	b.restate(from.Line, from.Line+added, added-removed)
	return end
}

// restate takes note that lines first to last are new and all behind them moved
// by delta.
func (b *buffer) restate(first, last, delta int) {
	if first > b.valid {
		b.known = min(b.known, first)
		return
	}
	known := b.known + delta
	st := b.at(first).st
	for i := first; i < last; i++ {
		st = highlight.Next(b.text(i), st)
		b.at(i + 1).st = st
	}
	b.valid, b.known = last, max(known, last)
	b.settle(highlight.Next(b.text(last), st))
}

// settle is told the state behind line valid.
func (b *buffer) settle(st highlight.State) {
	i := b.valid + 1
	if i >= b.len() {
		b.known = b.valid
		return
	}
	if i <= b.known && b.at(i).st == st {
		b.valid = min(b.known, b.len()-1)
		return
	}
	b.at(i).st = st
	b.valid, b.known = i, max(b.known, i)
}

// state returns what line i begins in.
func (b *buffer) state(i int) highlight.State {
	for b.valid < i {
		b.settle(highlight.Next(b.text(b.valid), b.at(b.valid).st))
	}
	return b.at(i).st
}
