package simdev

import (
	"bytes"
	"io"

	"dialtone/netconf/xmltext"
)

// printer writes trees as XML, indented. The first error stays.
type printer struct {
	w      io.Writer
	indent string
	buf    []byte
	err    error
}

const printerFlush = 32 << 10

func newPrinter(w io.Writer, indent string) *printer {
	return &printer{w: w, indent: indent, buf: make([]byte, 0, printerFlush+4096)}
}

func (p *printer) str(s string)   { p.buf = append(p.buf, s...); p.spill(printerFlush) }
func (p *printer) bytes(b []byte) { p.buf = append(p.buf, b...); p.spill(printerFlush) }

func (p *printer) spill(limit int) {
	if len(p.buf) < limit || len(p.buf) == 0 {
		return
	}
	if p.err == nil {
		_, p.err = p.w.Write(p.buf)
	}
	p.buf = p.buf[:0]
}

// flush hands everything on and returns the first error.
func (p *printer) flush() error { p.spill(0); return p.err }

func (p *printer) line(depth int) {
	p.buf = append(p.buf, '\n')
	for range depth {
		p.buf = append(p.buf, p.indent...)
	}
}

// escape writes s as character data or as an attribute value.
func (p *printer) escape(s string) { p.buf = xmltext.AppendEscaped(p.buf, s) }

// node writes n on lines of its own. outer is the default namespace around it.
func (p *printer) node(n *node, depth int, outer string) {
	if p.err != nil {
		return
	}
	p.line(depth)
	p.open(n, outer)
	space := n.space
	if space == "" {
		space = outer
	}
	switch {
	case len(n.kids) == 0 && n.bulk.empty() && n.text == "" && n.raw == nil:
		p.buf = append(p.buf[:len(p.buf)-1], '/', '>')
		p.spill(printerFlush)
		return
	case n.raw != nil:
		p.bytes(n.raw)
	case len(n.kids) == 0 && n.bulk.empty():
		p.escape(n.text)
	default:
		for _, k := range n.kids {
			p.node(k, depth+1, space)
		}
		n.bulk.print(p, depth+1, space)
		p.line(depth)
	}
	p.buf = append(p.buf, '<', '/')
	p.str(n.local)
	p.str(">")
}

// open writes the start tag.
func (p *printer) open(n *node, outer string) {
	p.buf = append(p.buf, '<')
	p.buf = append(p.buf, n.local...)
	if n.space != "" && n.space != outer {
		p.buf = append(p.buf, ` xmlns="`...)
		p.escape(n.space)
		p.buf = append(p.buf, '"')
	}
	for _, a := range n.attrs {
		if a.space == "xmlns" || (a.space == "" && a.local == "xmlns") {
			continue
		}
		p.buf = append(p.buf, ' ')
		p.buf = append(p.buf, a.local...)
		p.buf = append(p.buf, '=', '"')
		p.escape(a.value)
		p.buf = append(p.buf, '"')
	}
	p.buf = append(p.buf, '>')
}

// render returns the XML of a forest.
func render(kids []*node, indent, outer string) []byte {
	var b bytes.Buffer
	p := newPrinter(&b, indent)
	for _, k := range kids {
		p.node(k, 0, outer)
	}
	_ = p.flush() // a bytes.Buffer takes everything
	return bytes.TrimSpace(b.Bytes())
}
