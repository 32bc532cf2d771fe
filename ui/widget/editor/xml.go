package editor

import (
	"strings"

	"dialtone/ui/highlight"
)

// reach bounds how much text is read to answer one key.
const reach = 256 << 10

type tagKind uint8

const (
	startTag tagKind = iota
	endTag
	emptyTag
)

// tag is a tag of the text from its < to behind its >.
type tag struct {
	from, to Pos
	name     string
	kind     tagKind
}

// insideTag reports states in which a line goes on with a tag.
func insideTag(st highlight.State) bool {
	return st == highlight.InTag || st == highlight.InDouble || st == highlight.InSingle
}

// blockStart returns the last line at or before l that does not begin within a
// tag.
func (e *Editor) blockStart(l int) int {
	for l > 0 && insideTag(e.buf.state(l)) {
		l--
	}
	return l
}

// tags gives yield the tags that end in lines first to last, in order, until it
// returns false. first must not begin within a tag.
func (e *Editor) tags(first, last int, yield func(tag) bool) {
	var open tag
	var inside bool
	st := e.buf.state(first)
	for l := first; l <= last; l++ {
		s := e.buf.text(l)
		for i := 0; i < len(s); {
			run, end, next := st.Step(s, i)
			if run < len(s) && next == highlight.InTag && s[run] == '<' {
				open = tag{from: Pos{l, run}, name: strings.TrimPrefix(s[run+1:end], "/")}
				if strings.HasPrefix(s[run:], "</") {
					open.kind = endTag
				}
				inside = true
			}
			if inside && st == highlight.InTag && next == highlight.InText {
				open.to, inside = Pos{l, end}, false
				if open.kind == startTag && run > 0 && s[run-1] == '/' {
					open.kind = emptyTag
				}
				if !yield(open) {
					return
				}
			}
			i, st = end, next
		}
	}
}

// tagsOf returns the tags that end in the lines from a block's start to line l.
func (e *Editor) tagsOf(first, l int) []tag {
	var out []tag
	e.tags(first, l, func(t tag) bool { out = append(out, t); return true })
	return out
}

// stateAt returns what surrounds a place.
func (e *Editor) stateAt(p Pos) highlight.State {
	return highlight.Next(e.buf.text(p.Line)[:p.Off], e.buf.state(p.Line))
}

// enclosing returns the start tag of the element that p is in, when it is found
// within reach.
func (e *Editor) enclosing(p Pos) (tag, bool) {
	depth, read := 0, 0
	for last := p.Line; last >= 0 && read < reach; {
		first := e.blockStart(last)
		all := e.tagsOf(first, last)
		for i := len(all) - 1; i >= 0; i-- {
			t := all[i]
			switch {
			case p.before(t.to):
			case t.kind == endTag:
				depth++
			case t.kind == startTag && depth == 0:
				return t, true
			case t.kind == startTag:
				depth--
			}
		}
		for l := first; l <= last; l++ {
			read += len(e.buf.text(l)) + 1
		}
		last = first - 1
	}
	return tag{}, false
}

// closing returns the end tag that closes what is open at p, when it is found
// within n bytes.
func (e *Editor) closing(p Pos, n int) (found tag, ok bool) {
	depth, read := 0, 0
	e.tags(e.blockStart(p.Line), e.buf.len()-1, func(t tag) bool {
		switch {
		case t.from.before(p):
		case t.kind == startTag:
			depth++
		case t.kind == endTag && depth == 0:
			found, ok = t, true
			return false
		case t.kind == endTag:
			depth--
		}
		read += t.to.Off - t.from.Off + 1
		return read < n
	})
	return found, ok
}

// tagAt returns the tag that the character at p belongs to.
func (e *Editor) tagAt(p Pos) (found tag, ok bool) {
	e.tags(e.blockStart(p.Line), min(p.Line+200, e.buf.len()-1), func(t tag) bool {
		if !t.from.before(p) && t.from != p {
			return false
		}
		found, ok = t, p.before(t.to)
		return !ok
	})
	return found, ok
}

// partner returns the tag that belongs to t, looking no further than line first
// upwards and last downwards.
func (e *Editor) partner(t tag, first, last int) (tag, bool) {
	depth := 0
	switch t.kind {
	case startTag:
		var found tag
		ok := false
		e.tags(e.blockStart(t.to.Line), last, func(u tag) bool {
			switch {
			case u.from.before(t.to):
			case u.kind == startTag:
				depth++
			case u.kind == endTag && depth == 0:
				found, ok = u, true
				return false
			case u.kind == endTag:
				depth--
			}
			return true
		})
		return found, ok
	case endTag:
		for to := t.from.Line; to >= first; {
			from := e.blockStart(to)
			all := e.tagsOf(from, to)
			for i := len(all) - 1; i >= 0; i-- {
				u := all[i]
				switch {
				case !u.from.before(t.from):
				case u.kind == endTag:
					depth++
				case u.kind == startTag && depth == 0:
					return u, true
				case u.kind == startTag:
					depth--
				}
			}
			to = from - 1
		}
	}
	return tag{}, false
}

// nameSpan returns where the name of a tag stands.
func (t tag) nameSpan() span {
	from := t.from.Off + 1
	if t.kind == endTag {
		from++
	}
	return span{t.from.Line, from, from + len(t.name)}
}

// findPair notes the names of the tag at the cursor and of its partner, if that
// is on the screen.
func (e *Editor) findPair() {
	e.pair = [2]span{}
	if e.buf.len() == 0 || len(e.buf.text(e.cur.Line)) > reach {
		return
	}
	t, ok := e.tagAt(e.cur)
	if !ok || t.kind == emptyTag {
		return
	}
	u, ok := e.partner(t, e.top, min(e.top+e.textH(), e.buf.len())-1)
	if ok && u.name == t.name {
		e.pair = [2]span{t.nameSpan(), u.nameSpan()}
	}
}

// jumpPair goes to the other tag of the element that the cursor is at or in.
func (e *Editor) jumpPair() {
	t, ok := e.tagAt(e.cur)
	if !ok || t.kind == emptyTag {
		t, ok = e.enclosing(e.cur)
		if ok {
			e.moveTo(t.from)
		}
		return
	}
	if u, ok := e.partner(t, 0, e.buf.len()-1); ok {
		e.moveTo(u.from)
	}
}
