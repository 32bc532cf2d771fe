package docview

// lines is how many lines the current mode has.
func (v *View) lines() int {
	switch v.mode {
	case Raw:
		return v.doc.Lines()
	case Errors:
		return len(v.errs.lines)
	}
	n := v.folds.Visible()
	if v.noticeLine() >= 0 {
		n++
	}
	return n
}

// noticeLine is the line that says where the XML is broken: it stands before
// the first broken row, or behind the last row. -1 when all is well so far.
func (v *View) noticeLine() int {
	p, broken := v.doc.Problem()
	switch {
	case !broken || v.doc.Size() == 0:
		return -1 // that nothing came is said in other words
	case p.Row >= v.doc.Rows():
		return v.folds.Visible()
	}
	return v.folds.LineOf(p.Row)
}

// at returns the row of a line of the pretty view. notice tells that the line
// is the one about broken XML; row is then the row behind it.
func (v *View) at(line int) (row int, notice bool) {
	n := v.noticeLine()
	switch {
	case n < 0 || line < n:
	case line == n:
		notice = true
	default:
		line--
	}
	visible := v.folds.Visible()
	if visible == 0 {
		return 0, notice
	}
	return v.folds.RowAt(min(max(line, 0), visible-1)), notice
}

// lineOf is the line of the pretty view that shows row or hides it in a fold.
func (v *View) lineOf(row int) int {
	line := v.folds.LineOf(row)
	if n := v.noticeLine(); n >= 0 && line >= n {
		line++
	}
	return line
}

// cursorRow is the row of the document that the cursor is on, in any mode; -1
// when there is none.
func (v *View) cursorRow() int {
	if v.doc.Rows() == 0 {
		return -1
	}
	if v.mode == Raw {
		return v.rawRow()
	}
	row, _ := v.at(v.page[Pretty].cur)
	return row
}

// settle keeps cursor and top inside the lines there are, and the cursor on
// the screen.
func (v *View) settle() {
	p := &v.page[v.mode]
	_, h := v.inner()
	n := v.lines()
	p.cur = min(max(p.cur, 0), max(n-1, 0))
	p.top = min(max(p.top, 0), max(n-1, 0))
	if h > 0 {
		p.top = min(max(p.top, p.cur-h+1), p.cur)
	}
	v.path.follow(v)
}

// move moves the cursor by n lines.
func (v *View) move(n int) {
	v.page[v.mode].cur += n
	v.settle()
}

// scroll moves cursor and screen together by n lines.
func (v *View) scroll(n int) {
	p := &v.page[v.mode]
	_, h := v.inner()
	p.cur += n
	p.top = min(p.top+n, max(v.lines()-h, 0))
	v.settle()
}

// showRow puts the cursor on a row of the pretty view. When the row is off the
// screen it comes to a third of the height, so that there is context.
func (v *View) showRow(row int) {
	v.folds.Reveal(row)
	v.showLine(v.lineOf(row))
}

func (v *View) showLine(line int) {
	p := &v.page[v.mode]
	_, h := v.inner()
	p.cur = line
	if line < p.top || line >= p.top+h {
		p.top = max(line-h/3, 0)
	}
	v.settle()
}

// keep calls f, which changes folds, and puts cursor and top row back where
// they were. f may return another row for the cursor, or -1.
func (v *View) keep(f func(row int) int) {
	if v.doc.Rows() == 0 {
		return
	}
	p := &v.page[Pretty]
	top, _ := v.at(p.top)
	row := v.cursorRow()
	above := p.cur - p.top
	if to := f(row); to >= 0 {
		row = to
	}
	p.cur = v.lineOf(row)
	if p.top = v.lineOf(top); p.cur < p.top {
		p.top = max(p.cur-above, 0)
	}
	_, h := v.inner()
	p.top = min(p.top, max(v.lines()-h, 0)) // what is left fills the screen
	v.settle()
}

// across scrolls to the right by n cells, as far as the longest row on the
// screen goes.
func (v *View) across(n int) {
	v.hoff = min(max(v.hoff+n, 0), max(v.widest()-1, 0))
}

// rowEnd scrolls so that the end of the cursor's row is seen.
func (v *View) rowEnd() {
	w, _ := v.inner()
	v.hoff = max(v.width(v.page[v.mode].cur)-w+1, 0)
}

// widest is the width of the widest line on the screen.
func (v *View) widest() int {
	_, h := v.inner()
	top, n := v.page[v.mode].top, 0
	for i := top; i < min(top+h, v.lines()); i++ {
		n = max(n, v.width(i))
	}
	return n
}

// width estimates the cells of a line from its bytes: never too few.
func (v *View) width(line int) int {
	if line >= v.lines() {
		return 0
	}
	switch v.mode {
	case Raw:
		_, n := v.doc.Line(line)
		return n + 2
	case Errors:
		return v.errs.lines[line].width
	}
	row, notice := v.at(line)
	if notice {
		return 0
	}
	r := v.doc.Row(row)
	return min(r.Len, shownBytes) + 2*min(r.Depth, maxIndent) + 2
}

// pathCache keeps the path of the cursor's row, which a frame may ask for often.
type pathCache struct {
	row  int
	text string
	set  bool
}

// follow brings the path to where the cursor is.
func (c *pathCache) follow(v *View) {
	row := v.cursorRow()
	if c.set && c.row == row {
		return
	}
	*c = pathCache{row: row, set: true}
	if row >= 0 {
		c.text = cleanPath(v.doc.Path(row))
	}
}
