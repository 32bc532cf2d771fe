package docview

import (
	"fmt"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// shownError is how many bytes of one field of an rpc-error are shown; the
// pretty view has all of it.
const shownError = 2 << 10

// errorList is the rpc-errors of a reply as blocks of lines.
type errorList struct {
	errs  []*netconf.RPCError
	total int
	flags []*netconf.Fault
	flaws []xmldoc.Problem
	width int
	lines []errorLine
}

// errorLine is one line of a block.
type errorLine struct {
	block          int // errors first, then flags
	plain, painted string
	width          int
	head           bool
}

// SetErrors gives the view what the outcome of the reply says: its errors, how
// many there were in all, and its oddities, to which it adds the flaws of the
// XML. It is called once, when the document is whole. The view changes to the
// mode Errors when one of the errors is more than a warning.
func (v *View) SetErrors(o netconf.Outcome) {
	v.errs = errorList{errs: o.Errors, total: o.ErrorCount, flags: o.Flags, flaws: v.doc.Flaws()}
	v.errs.layout(v.th, max(v.w-2, 20))
	for _, e := range o.Errors {
		if !e.Warning() {
			v.setMode(Errors)
			return
		}
	}
}

// layout makes the lines for a width.
func (l *errorList) layout(th *style.Theme, width int) {
	l.lines, l.width = nil, width
	for i, e := range l.errs {
		l.block(th, i, e)
	}
	if more := l.total - len(l.errs); more > 0 && len(l.errs) > 0 {
		l.add(th, len(l.errs)-1, style.Dim, fmt.Sprintf("%s more, all of them in the pretty view (v)", Number(int64(more))))
	}
	for i, f := range l.flags {
		block := len(l.errs) + i
		l.head(th, block, style.Warn, "odd", f.Code, "reply")
		for _, s := range []string{f.What, f.Kept, f.Do} {
			l.add(th, block, style.Text, s)
		}
	}
	for i, f := range l.flaws {
		block := len(l.errs) + len(l.flags) + i
		l.head(th, block, style.Warn, "odd", f.Code, "XML")
		l.add(th, block, style.Text, f.What)
	}
}

// Odd is how many oddities of the reply are listed.
func (v *View) Odd() int { return len(v.errs.flags) + len(v.errs.flaws) }

func (l *errorList) block(th *style.Theme, i int, e *netconf.RPCError) {
	word, tok := "ERROR", style.Error
	if e.Warning() {
		word, tok = "warn", style.Warn
	}
	l.head(th, i, tok, word, e.Tag, e.Type)
	l.add(th, i, style.Accent, e.Path)
	l.add(th, i, style.Text, e.Message)
	var parts []string
	for _, p := range [][2]string{
		{"bad-element", e.BadElement}, {"bad-attribute", e.BadAttribute}, {"bad-namespace", e.BadNamespace},
		{"held by session", e.SessionID}, {"error-app-tag", e.AppTag},
	} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+short(p[1]))
		}
	}
	l.add(th, i, style.Dim, strings.Join(parts, "   "))
}

func (l *errorList) head(th *style.Theme, block int, tok style.Token, word, tag, kind string) {
	rest := fmt.Sprintf("  %-18s %s", safe.Line(short(tag)), safe.Line(short(kind)))
	pad := strings.Repeat(" ", max(5-len(word), 0))
	l.lines = append(l.lines, errorLine{
		block: block, head: true,
		plain: "  " + word + pad + rest, painted: "  " + th.Paint(tok, word) + pad + rest,
		width: 7 + style.Width(rest),
	})
}

// add appends a field below the head, wrapped.
func (l *errorList) add(th *style.Theme, block int, tok style.Token, text string) {
	if text == "" {
		return
	}
	const indent = "         "
	for _, s := range style.Wrap(safe.Block(short(text)), max(l.width-len(indent)-1, 10)) {
		l.lines = append(l.lines, errorLine{
			block: block, plain: indent + s, painted: indent + th.Paint(tok, s), width: len(indent) + style.Width(s),
		})
	}
}

// short cuts a field that nobody would read to its end.
func short(s string) string {
	if len(s) <= shownError {
		return s
	}
	return string(wholeRunes([]byte(s[:shownError]))) + " (" + Size(int64(len(s)-shownError)) + " more)"
}

// drawError appends one line of a block; the cursor marks its head.
func (v *View) drawError(dst []byte, line, w int, selected bool) []byte {
	if v.errs.width != max(v.w-2, 20) {
		v.errs.layout(v.th, max(v.w-2, 20))
		if line >= len(v.errs.lines) {
			return v.pad(dst, style.Text, w)
		}
	}
	l := v.errs.lines[line]
	return v.drawPlain(dst, l.plain, l.painted, w, selected)
}

// summary is "2 errors, 1 warning, 1 oddity".
func (l *errorList) summary() string {
	errs, warns := 0, 0
	for _, e := range l.errs {
		if e.Warning() {
			warns++
		} else {
			errs++
		}
	}
	var out []string
	for _, p := range []struct {
		n          int
		one, other string
	}{{errs, "error", "errors"}, {warns, "warning", "warnings"}, {len(l.flags) + len(l.flaws), "oddity", "oddities"}} {
		if p.n > 0 {
			out = append(out, plural(p.n, p.one, p.other))
		}
	}
	if more := l.total - len(l.errs); more > 0 {
		out = append(out, Number(int64(more))+" more")
	}
	return strings.Join(out, ", ")
}

func plural(n int, one, other string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + other
}

// nextError moves to the head of the next block, or the one before.
func (v *View) nextError(back bool) {
	step := 1
	if back {
		step = -1
	}
	for i := v.page[Errors].cur + step; i >= 0 && i < len(v.errs.lines); i += step {
		if v.errs.lines[i].head {
			v.showLine(i)
			return
		}
	}
}

// at returns the error of a line, nil when the line is about something else.
func (l *errorList) at(line int) *netconf.RPCError {
	if line < 0 || line >= len(l.lines) || l.lines[line].block >= len(l.errs) {
		return nil
	}
	return l.errs[l.lines[line].block]
}

func (l *errorList) path(line int) string {
	if e := l.at(line); e != nil {
		return safe.Line(e.Path)
	}
	return ""
}

// text is the message of the block of a line, or all of the block.
func (l *errorList) text(line int, whole bool) string {
	e := l.at(line)
	if e != nil && !whole {
		return e.Message
	}
	if line < 0 || line >= len(l.lines) {
		return ""
	}
	var out []string
	for _, x := range l.lines {
		if x.block == l.lines[line].block {
			out = append(out, strings.TrimSpace(x.plain))
		}
	}
	return strings.Join(out, "\n")
}

// locate goes to the place in the request that the error is about.
func (v *View) locate() tea.Cmd {
	e := v.errs.at(v.page[Errors].cur)
	if e == nil || v.opt.Locate == nil {
		return nil
	}
	return v.opt.Locate(e)
}
