package xmldoc

// What stride takes, in bytes. strideLeft must be left of the text, so that it
// need not ask each time whether there is more.
const (
	strideName  = 64
	strideValue = 128
	strideLeft  = 512
)

// stride indexes rows as run does, but only those that make up nearly all of a
// large reply: short tags without attributes and prefixes, and short values. It
// stops in front of everything else, and near the end of what has arrived. What
// it leaves run finds: it may decline any row, but must not find another one.
func (w *writer) stride() {
	if w.mode != inContent || w.cut != never || !w.declared {
		return
	}
	t, last := w.text, len(w.text)-strideLeft
	for n := len(w.stack); n >= 2 && n < w.max; n = len(w.stack) {
		q := max(w.pos, w.lead)
		if q >= last {
			return
		}
		if class[t[q]]&clsSpace != 0 {
			q = skipSpace(t, q)
			if w.lead = q; q >= last {
				return
			}
		}
		if t[q] != '<' {
			return
		}
		top := &w.stack[n-1]
		if t[q+1] == '/' {
			end := q + 2 + top.nameLen
			if top.nameLen > strideName || t[end] != '>' || !sameName(t, top.name, q+2, top.nameLen) {
				return
			}
			w.pop()
			w.step(end+1, n-1, n-1)
			continue
		}
		e := q + 1
		if class[t[e]]&clsNotTag != 0 {
			return
		}
		for class[t[e]]&(clsEnd|clsColon) == 0 && e < q+strideName {
			e++
		}
		name := e - q - 1
		switch {
		case t[e] == '>':
			e++
		case t[e] == '/' && t[e+1] == '>':
			top.children++
			w.step(e+2, n, n)
			continue
		default:
			return
		}
		next := e
		if t[e] == '\n' {
			if next = skipSpace(t, e); next >= last {
				return
			}
		}
		if t[next] == '<' && t[next+1] != '/' {
			top.children++
			w.stack = append(w.stack, openElement{name: q + 1, nameLen: name, row: w.rows})
			w.step(e, n, n+1)
			w.lead = next
			continue
		}
		lt, feed := firstTag(t[e : e+strideValue])
		if lt < 0 || feed {
			return
		}
		lt += e
		end := lt + 2 + name
		if t[lt+1] != '/' || t[end] != '>' || !sameName(t, q+1, lt+2, name) {
			return
		}
		top.children++
		w.step(end+1, n, n)
	}
}

// step takes a row at depth own into the index. It ends at pos, and the next one
// is at depth.
func (w *writer) step(pos, own, depth int) {
	w.pos, w.depth = pos, depth
	w.low0 = min(w.low0, own)
	if w.rows++; w.rows%blockRows == 0 {
		w.endBlock()
		w.marks = append(w.marks, packState(pos, depth, inContent))
	}
}
