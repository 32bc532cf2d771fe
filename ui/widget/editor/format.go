package editor

import (
	"bytes"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/highlight"
	"dialtone/ui/msg"
)

type formatDone struct {
	e      *Editor
	serial uint64
	text   string
	why    string
}

// format indents the text, at once when it is short, in a command otherwise.
func (e *Editor) format() tea.Cmd {
	serial, text := e.serial, e.buf.bytes()
	if len(text) <= 64<<10 {
		out, why := Format(string(text))
		return e.formatted(formatDone{e, serial, out, why})
	}
	return func() tea.Msg {
		out, why := Format(string(text))
		return e.wrap(formatDone{e, serial, out, why})
	}
}

// formatted takes the result, unless the text was changed meanwhile.
func (e *Editor) formatted(m formatDone) tea.Cmd {
	switch {
	case m.serial != e.serial:
		return msg.Say(msg.Info, "Not formatted: the text was changed meanwhile")
	case m.why != "":
		return msg.Say(msg.Warn, "Not formatted: "+m.why+". The text is as it was")
	}
	old := e.buf.slice(Pos{}, e.buf.last())
	if m.text == old {
		return nil
	}
	ink := inkBefore(e.buf.slice(Pos{}, e.cur))
	// Only what differs is replaced, so that undo holds no more than that.
	from, to := differ(old, m.text)
	e.hist.sealed = true
	e.replace(posOf(old, from), posOf(old, len(old)-to), m.text[from:len(m.text)-to], other)
	e.moveTo(e.whole(posOf(m.text, afterInk(m.text, ink))))
	return e.settle()
}

// differ returns how many bytes two texts share at the front and at the back.
func differ(a, b string) (front, back int) {
	for front < len(a) && front < len(b) && a[front] == b[front] {
		front++
	}
	for back < len(a)-front && back < len(b)-front && a[len(a)-1-back] == b[len(b)-1-back] {
		back++
	}
	return front, back
}

func posOf(s string, off int) Pos {
	head := s[:off]
	return Pos{strings.Count(head, "\n"), off - 1 - strings.LastIndexByte(head, '\n')}
}

func inked(c byte) bool { return c != ' ' && c != '\t' && c != '\n' && c != '\r' }

// inkBefore counts the bytes of s that are not blank; afterInk finds the place
// behind as many of them.
func inkBefore(s string) int {
	n := 0
	for i := range len(s) {
		if inked(s[i]) {
			n++
		}
	}
	return n
}

func afterInk(s string, n int) int {
	for i := range len(s) {
		if n == 0 {
			return i
		}
		if inked(s[i]) {
			n--
		}
	}
	return len(s)
}

// node is a piece of XML as it was written.
type node struct {
	raw  string // a tag, a comment, text; empty for what has kids
	kind nodeKind
	kids []int // elements only
	end  string
}

type nodeKind uint8

const (
	blankNode   nodeKind = iota // text of nothing but blanks
	textNode                    // text, CDATA
	markNode                    // comments, processing instructions, declarations
	elementNode                 // raw is the start tag, end the end tag
)

// Format indents text by two spaces for each element, and returns why it
// cannot when it is not well balanced. It only changes blanks between tags, and
// none where they may mean something: elements that hold text are left exactly
// as they are, with all that is in them, and so is what is in an element with
// xml:space="preserve" or has no elements in it.
func Format(text string) (out, why string) {
	nodes, roots, why := parse(text)
	if why != "" {
		return "", why
	}
	eol := "\n"
	if i := strings.IndexByte(text, '\n'); i > 0 && text[i-1] == '\r' {
		eol = "\r\n"
	}
	p := printer{nodes: nodes, eol: eol}
	p.b.Grow(len(text) + len(text)/4)
	for _, n := range roots {
		if nodes[n].kind == textNode {
			return "", "there is text outside of all elements"
		}
	}
	p.list(roots, 0, true)
	if strings.HasSuffix(text, "\n") && p.b.Len() > 0 {
		p.b.WriteString(eol)
	}
	return p.b.String(), ""
}

type printer struct {
	nodes []node
	eol   string
	b     bytes.Buffer
}

// list writes nodes that stand on lines of their own.
func (p *printer) list(ids []int, depth int, first bool) {
	for _, id := range ids {
		if p.nodes[id].kind == blankNode {
			continue
		}
		if !first {
			p.b.WriteString(p.eol)
		}
		first = false
		for range depth {
			p.b.WriteString("  ")
		}
		p.node(id, depth)
	}
}

func (p *printer) node(id, depth int) {
	n := p.nodes[id]
	p.b.WriteString(n.raw)
	if n.kind != elementNode {
		return
	}
	if p.free(n) {
		p.list(n.kids, depth+1, false)
		p.b.WriteString(p.eol)
		for range depth {
			p.b.WriteString("  ")
		}
	} else {
		for _, k := range n.kids {
			p.verbatim(k)
		}
	}
	p.b.WriteString(n.end)
}

// free reports that the blanks in an element mean nothing: it holds elements
// and no text.
func (p *printer) free(n node) bool {
	if strings.Contains(n.raw, "xml:space") {
		return false
	}
	elements := false
	for _, k := range n.kids {
		switch p.nodes[k].kind {
		case textNode:
			return false
		case elementNode:
			elements = true
		}
	}
	return elements
}

func (p *printer) verbatim(id int) {
	n := p.nodes[id]
	p.b.WriteString(n.raw)
	for _, k := range n.kids {
		p.verbatim(k)
	}
	p.b.WriteString(n.end)
}

// maxDepth bounds the nesting that is formatted.
const maxDepth = 1000

// parse takes text apart without losing a byte of it.
func parse(text string) (nodes []node, roots []int, why string) {
	var open []int
	add := func(n node) {
		nodes = append(nodes, n)
		id := len(nodes) - 1
		if len(open) == 0 {
			roots = append(roots, id)
		} else {
			top := &nodes[open[len(open)-1]]
			top.kids = append(top.kids, id)
		}
	}
	st := highlight.InText
	begin := 0 // of the tag or mark under way
	for i := 0; i < len(text); {
		run, end, next := st.Step(text, i)
		switch {
		case st == highlight.InText:
			if run > i {
				add(textOf(text[i:run]))
			}
			begin = run
		case run < len(text) && text[run] == '<' && next != highlight.InText && st != highlight.InCDATA:
			return nil, nil, at(text, begin) + " a tag is not closed"
		case next == highlight.InText:
			raw := text[begin:end]
			switch {
			case st == highlight.InCDATA:
				add(node{raw: raw, kind: textNode})
			case st != highlight.InTag:
				if st == highlight.InDecl { // NETCONF forbids them
					return nil, nil, at(text, begin) + " a document type is not understood"
				}
				add(node{raw: raw, kind: markNode})
			case strings.HasPrefix(raw, "</"):
				if len(open) == 0 || nameOf(nodes[open[len(open)-1]].raw) != nameOf(raw) {
					return nil, nil, at(text, begin) + " an end tag has no start tag"
				}
				nodes[open[len(open)-1]].end = raw
				open = open[:len(open)-1]
			default:
				add(node{raw: raw, kind: elementNode})
				if !strings.HasSuffix(raw, "/>") {
					open = append(open, len(nodes)-1)
				}
				if len(open) > maxDepth {
					return nil, nil, "elements are nested too deeply"
				}
			}
		}
		i, st = end, next
	}
	switch {
	case st != highlight.InText:
		return nil, nil, at(text, begin) + " something is not closed"
	case len(open) > 0:
		return nil, nil, "the element " + nameOf(nodes[open[len(open)-1]].raw) + " is not closed"
	}
	return nodes, roots, ""
}

func textOf(s string) node {
	for i := range len(s) {
		if inked(s[i]) {
			return node{raw: s, kind: textNode}
		}
	}
	return node{raw: s, kind: blankNode}
}

// nameOf returns the name in a tag.
func nameOf(raw string) string {
	s := strings.TrimPrefix(strings.TrimPrefix(raw, "<"), "/")
	if i := strings.IndexAny(s, " \t\r\n/>"); i >= 0 {
		s = s[:i]
	}
	return s
}

func at(text string, off int) string {
	return "in line " + strconv.Itoa(posOf(text, off).Line+1)
}
