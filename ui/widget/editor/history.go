package editor

import "bytes"

// kind says what made a change, and so what it may be joined with.
type kind uint8

const (
	other    kind = iota // a step of its own
	typing               // letters one after the other, up to the next word
	deleting             // backspace or delete, one after the other
	pasting              // keys that arrive as fast as no one types
)

// change is one replacement: what was taken at a place and what was put there.
type change struct {
	at       Pos
	old, new []byte
	end      Pos // of new
	from, to Pos // the cursor before and after
	kind     kind
	step     uint64 // changes of one step are undone together
}

// maxHistory bounds the text that history keeps; the oldest steps go first, but
// the last one always stays.
const maxHistory = 64 << 20

// history is what can be undone and done again.
type history struct {
	done, undone []change
	bytes        int
	step         uint64 // of the last change; 0 before the first
	sealed       bool   // the next change begins a new step
	forgot       bool   // the oldest steps are gone
	open         int    // > 0: changes belong to the step that is under way
}

// add takes note of a change and joins it with the last one when they are one
// act of a person.
func (h *history) add(c change) {
	h.undone = nil
	h.bytes += len(c.old) + len(c.new)
	if h.join(c) {
		return
	}
	if h.open == 0 && !(len(h.done) > 0 && !h.sealed && c.kind == pasting && h.top().kind == pasting) {
		h.step++
	}
	h.sealed = false
	c.step, c.end = h.step, endOf(c.at, c.new)
	h.done = append(h.done, c)
	for h.bytes > maxHistory && h.done[0].step != h.step {
		n := 0
		for first := h.done[0].step; h.done[n].step == first; n++ {
			h.bytes -= len(h.done[n].old) + len(h.done[n].new)
		}
		h.done, h.forgot = h.done[n:], true
	}
}

func (h *history) top() *change { return &h.done[len(h.done)-1] }

// join makes c part of the last change where that gives one piece of text.
func (h *history) join(c change) bool {
	if h.sealed || len(h.done) == 0 || c.kind == other {
		return false
	}
	last := h.top()
	if last.kind != c.kind || (h.open > 0 && last.step != h.step) {
		return false
	}
	switch {
	case c.kind == deleting && len(c.new) == 0 && len(last.new) == 0:
		switch {
		case c.at == last.at: // delete
			last.old = append(last.old, c.old...)
		case endOf(c.at, c.old) == last.at: // backspace
			last.old = append(append([]byte(nil), c.old...), last.old...)
			last.at, last.end = c.at, c.at
		default:
			return false
		}
	case len(c.old) == 0 && c.at == last.end:
		if c.kind == typing && newWord(last.new, c.new) {
			return false
		}
		last.new, last.end = append(last.new, c.new...), endOf(last.end, c.new)
	default:
		return false
	}
	last.to = c.to
	return true
}

// newWord reports whether next begins a word behind a blank, or a line.
func newWord(before, next []byte) bool {
	if len(before) == 0 || len(next) == 0 {
		return false
	}
	blank := func(c byte) bool { return c == ' ' || c == '\n' || c == '\t' }
	return next[0] == '\n' || blank(before[len(before)-1]) && !blank(next[0])
}

// endOf returns where text ends that begins at p.
func endOf(p Pos, text []byte) Pos {
	n := bytes.Count(text, []byte{'\n'})
	if n == 0 {
		return Pos{p.Line, p.Off + len(text)}
	}
	return Pos{p.Line + n, len(text) - 1 - bytes.LastIndexByte(text, '\n')}
}

// undo changes the text back by one step and returns the cursor before it;
// redo does the step again. apply is given each replacement.
func (h *history) undo(apply func(from, to Pos, text string)) (cursor Pos, ok bool) {
	for len(h.done) > 0 {
		c := h.top()
		if ok && c.step != h.undone[len(h.undone)-1].step {
			break
		}
		apply(c.at, c.end, string(c.old))
		cursor, ok = c.from, true
		h.undone = append(h.undone, *c)
		h.done = h.done[:len(h.done)-1]
	}
	h.sealed = true
	return cursor, ok
}

func (h *history) redo(apply func(from, to Pos, text string)) (cursor Pos, ok bool) {
	for len(h.undone) > 0 {
		c := h.undone[len(h.undone)-1]
		if ok && c.step != h.top().step {
			break
		}
		apply(c.at, endOf(c.at, c.old), string(c.new))
		cursor, ok = c.to, true
		h.done = append(h.done, c)
		h.undone = h.undone[:len(h.undone)-1]
	}
	h.sealed = true
	return cursor, ok
}

// mark names the state of the text: equal marks, equal text.
func (h *history) mark() uint64 {
	switch {
	case len(h.done) > 0:
		return h.top().step
	case h.forgot:
		return ^uint64(0)
	}
	return 0
}

// begin makes one step of all changes until the end that belongs to it.
func (h *history) begin() {
	if h.open == 0 {
		h.step++
	}
	h.open++
}

func (h *history) end() { h.open-- }
