package netconf

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"dialtone/netconf/xmltext"
)

// SyntaxError is a place where text is not well-formed XML, or more than a
// NETCONF message may be. Line and Col count from 1, Col in characters; Off is
// the same place in bytes.
type SyntaxError struct {
	Code      string // "XML-SYNTAX", "XML-DTD", "XML-DEPTH", "XML-LIMIT", "XML-ENC"
	Off       int
	Line, Col int
	What      string // one sentence without its full stop; quotes the text with %q
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Col, e.What)
}

// Limits of one document.
const (
	maxDepth   = 512
	maxAttrs   = 1024
	maxNameLen = 4096
)

// WellFormed checks that body is one XML document as NETCONF allows it: UTF-8,
// one root element, no DOCTYPE, every prefix declared. It returns nil or the
// first fault. It is linear in the size of body.
func WellFormed(body []byte) *SyntaxError {
	p := &checker{b: body, bound: map[string]int{"xml": 1}}
	e := p.document()
	if bad := illegalChar(body, e); bad != nil {
		e = bad
	}
	if e != nil {
		before := body[:e.Off]
		e.Line = 1 + bytes.Count(before, []byte("\n"))
		e.Col = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	}
	return e
}

// illegalChar finds a byte that no XML text may hold, if it comes before e.
func illegalChar(b []byte, e *SyntaxError) *SyntaxError {
	end := len(b)
	if e != nil {
		if e.Code == "XML-ENC" {
			return nil
		}
		end = e.Off
	}
	for i := 0; i < end; {
		c := b[i]
		switch {
		case c < ' ' && !blank(c):
			return &SyntaxError{Code: "XML-SYNTAX", Off: i, What: fmt.Sprintf("the character %q may not occur in XML", string(rune(c)))}
		case c < utf8.RuneSelf:
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return &SyntaxError{Code: "XML-ENC", Off: i, What: fmt.Sprintf("the byte %q is not UTF-8", b[i:i+1])}
		}
		if r == 0xFFFE || r == 0xFFFF {
			return &SyntaxError{Code: "XML-SYNTAX", Off: i, What: fmt.Sprintf("the character %q may not occur in XML", string(r))}
		}
		i += n
	}
	return nil
}

// checker walks over a document once.
type checker struct {
	b     []byte
	off   int
	open  []openElement
	root  bool           // the root element has begun
	bound map[string]int // prefix: how many open elements declare it
}

type openElement struct {
	name     []byte
	off      int
	prefixes []string // declared here
}

func (p *checker) fail(off int, format string, args ...any) *SyntaxError {
	return &SyntaxError{Code: "XML-SYNTAX", Off: off, What: fmt.Sprintf(format, args...)}
}

func (p *checker) document() *SyntaxError {
	if e := p.prolog(); e != nil {
		return e
	}
	for p.off < len(p.b) {
		if e := p.item(); e != nil {
			return e
		}
	}
	if n := len(p.open); n > 0 {
		return p.fail(p.open[n-1].off, "the element %q is never closed", p.open[n-1].name)
	}
	if !p.root {
		return p.fail(len(p.b), "there is no element")
	}
	return nil
}

// prolog takes a byte order mark and the XML declaration.
func (p *checker) prolog() *SyntaxError {
	switch {
	case bytes.HasPrefix(p.b, []byte("\ufeff")):
		p.off = len("\ufeff")
	case bytes.HasPrefix(p.b, []byte{0xFE, 0xFF}), bytes.HasPrefix(p.b, []byte{0xFF, 0xFE}):
		return &SyntaxError{Code: "XML-ENC", What: "the text is UTF-16, NETCONF needs UTF-8"}
	}
	t := tokens{b: p.b, off: p.off}
	tok, ok := t.next()
	if !ok || tok.kind != tokPI || !isDeclaration(tok.text) {
		return nil
	}
	switch version, found := attr(tok.text[3:], "version"); {
	case !found:
		return &SyntaxError{Code: "XML-SYNTAX", Off: p.off, What: "the XML declaration does not begin with a version"}
	case string(version) != "1.0":
		return &SyntaxError{Code: "XML-SYNTAX", Off: p.off, What: fmt.Sprintf("the version of XML is %.20q, NETCONF uses 1.0", version)}
	}
	if enc, found := attr(tok.text[3:], "encoding"); found &&
		!bytes.EqualFold(enc, []byte("UTF-8")) && !bytes.EqualFold(enc, []byte("US-ASCII")) {
		return &SyntaxError{Code: "XML-ENC", Off: p.off, What: fmt.Sprintf("the encoding is %q, NETCONF needs UTF-8", enc)}
	}
	p.off = t.off
	return nil
}

// isDeclaration recognises the inside of <?xml ...?>.
func isDeclaration(pi []byte) bool {
	return bytes.HasPrefix(pi, []byte("xml")) && len(pi) > 3 && blank(pi[3])
}

// item takes what begins at off.
func (p *checker) item() *SyntaxError {
	b := p.b[p.off:]
	switch {
	case b[0] != '<':
		return p.text()
	case bytes.HasPrefix(b, []byte("</")):
		return p.endTag()
	case bytes.HasPrefix(b, []byte("<!--")):
		return p.comment()
	case bytes.HasPrefix(b, []byte("<![CDATA[")):
		if len(p.open) == 0 {
			return p.fail(p.off, "CDATA outside the root element")
		}
		return p.construct("<![CDATA[", "]]>", "the CDATA section")
	case bytes.HasPrefix(b, []byte("<!DOCTYPE")):
		return &SyntaxError{Code: "XML-DTD", Off: p.off, What: "a DOCTYPE is not allowed in NETCONF"}
	case bytes.HasPrefix(b, []byte("<!")):
		return p.fail(p.off, "%s is neither a comment nor CDATA", quoteHead(b[:min(len(b), 12)]))
	case bytes.HasPrefix(b, []byte("<?")):
		if bytes.HasPrefix(b, []byte("<?xml")) && isDeclaration(b[2:]) {
			return p.fail(p.off, "an XML declaration is allowed at the very beginning only")
		}
		n := nameLen(b[2:])
		if n == 0 {
			return p.fail(p.off, "a processing instruction needs a name")
		}
		if rest := b[2+n:]; len(rest) > 0 && !blank(rest[0]) && !bytes.HasPrefix(rest, []byte("?>")) {
			return p.fail(p.off+2+n, "white space or ?> must follow the name of a processing instruction")
		}
		return p.construct("<?", "?>", "the processing instruction")
	}
	return p.startTag()
}

// construct takes what opens here and must be closed by end.
func (p *checker) construct(open, end, what string) *SyntaxError {
	n := bytes.Index(p.b[p.off+len(open):], []byte(end))
	if n < 0 {
		return p.fail(p.off, "%s is never closed", what)
	}
	p.off += len(open) + n + len(end)
	return nil
}

func (p *checker) comment() *SyntaxError {
	start := p.off
	if e := p.construct("<!--", "-->", "the comment"); e != nil {
		return e
	}
	inner := p.b[start+4 : p.off-3]
	if i := bytes.Index(inner, []byte("--")); i >= 0 {
		return p.fail(start+4+i, `"--" inside a comment`)
	}
	if bytes.HasSuffix(inner, []byte("-")) {
		return p.fail(p.off-4, "a comment may not end with --->")
	}
	return nil
}

func (p *checker) text() *SyntaxError {
	b := p.b[p.off:]
	if i := bytes.IndexByte(b, '<'); i >= 0 {
		b = b[:i]
	}
	if len(p.open) == 0 {
		if trimmed := bytes.TrimLeft(b, " \t\r\n"); len(trimmed) > 0 {
			return p.fail(p.off+len(b)-len(trimmed), "text outside the root element: %s", quoteHead(trimmed))
		}
	}
	if i := bytes.Index(b, []byte("]]>")); i >= 0 {
		return p.fail(p.off+i, `"]]>" in text; write it as ]]&gt;`)
	}
	if e := p.references(b, p.off); e != nil {
		return e
	}
	p.off += len(b)
	return nil
}

// references checks every '&' of b, which begins at off.
func (p *checker) references(b []byte, off int) *SyntaxError {
	for {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			return nil
		}
		b, off = b[i:], off+i
		end := bytes.IndexByte(b[:min(len(b), 64)], ';')
		if end < 0 {
			return p.fail(off, "a bare &; write it as &amp;")
		}
		if _, ok := xmltext.Reference(b[1:end]); !ok {
			return p.fail(off, "unknown entity %q", b[:end+1])
		}
		b, off = b[end+1:], off+end+1
	}
}

func (p *checker) endTag() *SyntaxError {
	start := p.off
	n := nameLen(p.b[start+2:])
	name := p.b[start+2 : start+2+n]
	i := start + 2 + n
	for i < len(p.b) && blank(p.b[i]) {
		i++
	}
	switch {
	case n == 0:
		return p.fail(start, "an end tag needs a name")
	case i == len(p.b) || p.b[i] != '>':
		return p.fail(i, "the end tag of %q is not closed with >", name)
	case len(p.open) == 0:
		return p.fail(start, "the end tag of %q has no start tag", name)
	}
	top := p.open[len(p.open)-1]
	if !bytes.Equal(top.name, name) {
		line := 1 + bytes.Count(p.b[:top.off], []byte("\n"))
		return p.fail(start, "the end tag of %q stands where %q of line %d must be closed", name, top.name, line)
	}
	p.close(top)
	p.open = p.open[:len(p.open)-1]
	p.off = i + 1
	return nil
}

func (p *checker) close(e openElement) {
	for _, s := range e.prefixes {
		p.bound[s]--
	}
}

// startTag takes a start tag with its attributes.
func (p *checker) startTag() *SyntaxError {
	start := p.off
	n := nameLen(p.b[start+1:])
	name := p.b[start+1 : start+1+n]
	switch {
	case n == 0:
		return p.fail(start, "a bare <; write it as &lt;")
	case n > maxNameLen:
		return &SyntaxError{Code: "XML-LIMIT", Off: start, What: fmt.Sprintf("a name is longer than %d B", maxNameLen)}
	case len(p.open) == 0 && p.root:
		return p.fail(start, "a second root element %s", quoteHead(name))
	case len(p.open) >= maxDepth:
		return &SyntaxError{Code: "XML-DEPTH", Off: start, What: fmt.Sprintf("elements are nested deeper than %d", maxDepth)}
	}
	p.root = true
	p.off = start + 1 + n
	e := openElement{name: name, off: start}
	used, empty, fault := p.attributes(&e)
	if fault != nil {
		return fault
	}
	if fault := p.prefixes(e, used); fault != nil {
		return fault
	}
	if empty {
		p.close(e)
	} else {
		p.open = append(p.open, e)
	}
	return nil
}

// attributes takes all up to the '>' of e's start tag, and returns where the
// names of its attributes begin.
func (p *checker) attributes(e *openElement) (names []int, empty bool, fault *SyntaxError) {
	seen := map[string]bool{}
	for {
		before := p.off
		for p.off < len(p.b) && blank(p.b[p.off]) {
			p.off++
		}
		rest := p.b[p.off:]
		switch {
		case len(rest) == 0:
			return nil, false, p.fail(e.off, "the start tag of %s is not closed with >", quoteHead(e.name))
		case rest[0] == '>':
			p.off++
			return names, false, nil
		case bytes.HasPrefix(rest, []byte("/>")):
			p.off += 2
			return names, true, nil
		case p.off == before:
			return nil, false, p.fail(p.off, "unexpected %s in the start tag of %s", quoteHead(rest[:min(len(rest), 8)]), quoteHead(e.name))
		}
		at := p.off
		name, value, fault := p.attribute()
		if fault != nil {
			return nil, false, fault
		}
		if seen[string(name)] {
			return nil, false, p.fail(at, "the attribute %s occurs twice", quoteHead(name))
		}
		seen[string(name)] = true
		names = append(names, at)
		if len(names) > maxAttrs {
			return nil, false, &SyntaxError{Code: "XML-LIMIT", Off: at, What: fmt.Sprintf("an element has more than %d attributes", maxAttrs)}
		}
		if pre, ok := bytes.CutPrefix(name, []byte("xmlns:")); ok {
			if len(value) == 0 {
				return nil, false, p.fail(at, "the prefix %s is bound to nothing", quoteHead(pre))
			}
			p.bound[string(pre)]++
			e.prefixes = append(e.prefixes, string(pre))
		}
	}
}

// attribute takes one name="value".
func (p *checker) attribute() (name, value []byte, fault *SyntaxError) {
	at := p.off
	n := nameLen(p.b[at:])
	name = p.b[at : at+n]
	if n == 0 || n > maxNameLen {
		rest := p.b[at:]
		return nil, nil, p.fail(at, "an attribute name is expected, got %s", quoteHead(rest[:min(len(rest), 8)]))
	}
	i := at + n
	for i < len(p.b) && blank(p.b[i]) {
		i++
	}
	if i == len(p.b) || p.b[i] != '=' {
		return nil, nil, p.fail(at, "the attribute %s has no value", quoteHead(name))
	}
	for i++; i < len(p.b) && blank(p.b[i]); i++ {
	}
	if i == len(p.b) || p.b[i] != '"' && p.b[i] != '\'' {
		return nil, nil, p.fail(i, "the value of %s needs quotation marks", quoteHead(name))
	}
	end := bytes.IndexByte(p.b[i+1:], p.b[i])
	if end < 0 {
		return nil, nil, p.fail(i, "the value of %s is never closed", quoteHead(name))
	}
	value = p.b[i+1 : i+1+end]
	if lt := bytes.IndexByte(value, '<'); lt >= 0 {
		return nil, nil, p.fail(i+1+lt, "< in the value of %s; write it as &lt;", quoteHead(name))
	}
	if e := p.references(value, i+1); e != nil {
		return nil, nil, e
	}
	p.off = i + 1 + end + 1
	return name, value, nil
}

// prefixes checks that the prefixes of an element and its attributes are bound.
func (p *checker) prefixes(e openElement, attrs []int) *SyntaxError {
	check := func(name []byte, off int) *SyntaxError {
		i := bytes.IndexByte(name, ':')
		switch {
		case i < 0 || bytes.HasPrefix(name, []byte("xmlns:")):
			return nil
		case i == 0 || i == len(name)-1 || bytes.IndexByte(name[i+1:], ':') >= 0:
			return p.fail(off, "the name %s has a colon in a wrong place", quoteHead(name))
		case p.bound[string(name[:i])] == 0:
			return p.fail(off, "the prefix %s is not declared", quoteHead(name[:i]))
		}
		return nil
	}
	if fault := check(e.name, e.off); fault != nil {
		return fault
	}
	for _, at := range attrs {
		if fault := check(p.b[at:at+nameLen(p.b[at:])], at); fault != nil {
			return fault
		}
	}
	return nil
}

// nameLen is the length of the XML name that begins b, 0 when there is none.
func nameLen(b []byte) int {
	for i := 0; i < len(b); {
		c := b[i]
		if c < utf8.RuneSelf {
			letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c == ':'
			if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '-' || c == '.')) {
				return i
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError || !unicode.IsLetter(r) && (i == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Lm) && r != 0xB7) {
			return i
		}
		i += n
	}
	return len(b)
}
