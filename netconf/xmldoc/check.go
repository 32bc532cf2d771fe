package xmldoc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"dialtone/netconf/xmltext"
)

// maxPrefixes is how many namespace declarations may be in force at once before
// prefixes are no longer checked.
const maxPrefixes = 4096

// checker finds flaws that do not hinder showing the rows: characters that XML
// does not allow, attributes given twice, prefixes without a declaration.
type checker struct {
	latin1   bool
	encoding string // what is said of an encoding that is not understood

	chars, refs int // checked so far, for characters and for references
	illegal     int
	first       int // offset of the first illegal one

	prefixOff, attrOff, valueOff bool // reported, or given up
	bound                        map[string]int
	declared                     []prefix
	names                        [][]byte
}

// prefix is a namespace declaration in force.
type prefix struct {
	level int // of the element that holds it
	name  string
}

// start looks at a byte order mark; false means that more bytes are needed.
func (w *writer) start() bool {
	const mark = "\xef\xbb\xbf"
	t := w.text
	switch {
	case bytes.HasPrefix(t, []byte(mark)):
		w.pos = len(mark)
		return true
	case len(t) < len(mark) && mark[:len(t)] == string(t) && !w.final:
		return false
	case len(t) < 2:
		return w.final || len(t) == 1 && t[0]&0x7f != 0x7e && t[0]&0x7f != 0x7f && t[0] != 0 && t[0] != '<'
	}
	switch string(t[:2]) {
	case "\xfe\xff", "\xff\xfe":
		w.check.encoding = "begins with a byte order mark of UTF-16"
	case "<\x00", "\x00<":
		w.check.encoding = "looks like UTF-16"
	default:
		return true
	}
	w.breakAt(faultEncoding, 0)
	return true
}

// prolog reads the encoding from an XML declaration on the first rows.
func (w *writer) prolog() fault {
	decl := w.text[skipSpace(w.text, w.marks[0].pos()):w.pos]
	if !bytes.HasPrefix(decl, []byte("<?xml")) || len(decl) < 6 || class[decl[5]]&clsSpace == 0 {
		w.declared = true
		return noFault
	}
	if w.mode == inPI {
		return noFault
	}
	w.declared = true
	switch name := encodingOf(decl); strings.ToLower(name) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
	case "iso-8859-1", "iso_8859-1", "iso8859-1", "latin1", "latin-1":
		w.check.latin1 = true
		w.problems.flaw(Problem{Code: "XML-ENC", What: "the text is in ISO-8859-1"})
	default:
		w.check.encoding = fmt.Sprintf("declares %q", excerpt([]byte(name)))
		return faultEncoding
	}
	return noFault
}

// encodingOf returns the value of the encoding pseudo attribute.
func encodingOf(decl []byte) string {
	i := bytes.Index(decl, []byte("encoding"))
	if i < 0 {
		return ""
	}
	rest := bytes.TrimLeft(decl[i+len("encoding"):], " \t\r\n")
	if len(rest) == 0 || rest[0] != '=' {
		return ""
	}
	rest = bytes.TrimLeft(rest[1:], " \t\r\n")
	if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
		return ""
	}
	end := bytes.IndexByte(rest[1:], rest[0])
	if end < 0 {
		return ""
	}
	return string(rest[1 : 1+end])
}

// plainStep is how many bytes plain looks at.
const plainStep = 64

// characters checks what has arrived since the last call.
func (c *checker) characters(t []byte, final bool) {
	c.refs = c.references(t, c.refs, final)
	p := c.chars
	for p < len(t) {
		for p+plainStep <= len(t) && plain(t[p:p+plainStep:p+plainStep]) {
			p += plainStep
		}
		for stop := min(p+plainStep, len(t)); p < stop; {
			b := t[p]
			switch {
			case b < ' ' && b != '\t' && b != '\n' && b != '\r':
				c.count(p)
				p++
			case b < utf8.RuneSelf || c.latin1:
				p++
			default:
				r, n := utf8.DecodeRune(t[p:])
				if n == 1 && !final && !utf8.FullRune(t[p:]) {
					c.chars = p
					return
				}
				if n == 1 || r == 0xfffe || r == 0xffff {
					c.count(p)
				}
				p += n
			}
		}
	}
	c.chars = p
}

// plain reports whether all of 64 bytes are ASCII and none but a line feed is a
// control character.
func plain(b []byte) bool {
	_ = b[plainStep-1]
	bad := oddBytes(binary.LittleEndian.Uint64(b)) | oddBytes(binary.LittleEndian.Uint64(b[8:])) |
		oddBytes(binary.LittleEndian.Uint64(b[16:])) | oddBytes(binary.LittleEndian.Uint64(b[24:])) |
		oddBytes(binary.LittleEndian.Uint64(b[32:])) | oddBytes(binary.LittleEndian.Uint64(b[40:])) |
		oddBytes(binary.LittleEndian.Uint64(b[48:])) | oddBytes(binary.LittleEndian.Uint64(b[56:]))
	return bad&0x8080808080808080 == 0
}

// oddBytes sets bit 7 of each byte that is not plain. Of a byte that is not
// ASCII a carry may reach the next one; that one is then right or wrong, but
// the word is not plain all the same.
func oddBytes(v uint64) uint64 {
	const ones = 0x0101010101010101
	printable := v + 0x60*ones           // bit 7: at least 0x20
	other := (v ^ '\n'*ones) + 0x7f*ones // bit 7: no line feed
	return other&^printable | v
}

func (c *checker) count(off int) {
	if c.illegal == 0 || off < c.first {
		c.first = off
	}
	c.illegal++
}

// references looks for numeric references to illegal characters from p on, and
// returns how far it came.
func (c *checker) references(t []byte, p int, final bool) int {
	for {
		i := bytes.IndexByte(t[p:], '&')
		if i < 0 {
			return len(t)
		}
		p += i
		const longest = 12
		part := t[p:min(len(t), p+longest)]
		end := bytes.IndexByte(part, ';')
		if end < 0 && len(part) < longest && !final {
			return p
		}
		if end > 2 && part[1] == '#' {
			if _, ok := xmltext.Reference(part[1:end]); !ok {
				c.count(p)
			}
		}
		p++
	}
}

// checkTag looks at the names in the start tag of r, which was found last.
func (w *writer) checkTag(r *Row) {
	c := &w.check
	level := len(w.stack)
	c.names = c.names[:0]
	if w.attrs {
		tag := w.text[int(r.Off)+1+w.name : w.tagEnd]
		for p := 0; ; {
			name, value, next := attribute(tag, p)
			if name == nil {
				break
			}
			p = next
			c.names = append(c.names, name)
			if len(name) > 6 && string(name[:6]) == "xmlns:" && len(value) > 0 {
				c.declare(level, name[6:])
			}
		}
		if w.noValue && !c.valueOff {
			c.valueOff = true
			w.flaw("an attribute of %q has no quoted value", w.tagName())
		}
		if len(c.names) > 1 && !c.attrOff {
			if name := c.twice(); name != nil {
				c.attrOff = true
				w.flaw("the attribute %q is given twice", name)
			}
		}
	}
	if !c.prefixOff {
		if w.prefixed {
			c.names = append(c.names, w.tagName())
		}
		for _, name := range c.names {
			if !c.isBound(name) {
				c.prefixOff = true
				w.flaw("the prefix of %q is not declared", name)
				break
			}
		}
	}
	if r.Kind != Open {
		c.leave(level)
	}
}

// flaw notes something about a name in the tag found last.
func (w *writer) flaw(what string, name []byte) {
	w.problems.flaw(Problem{
		Code: "XML-FORM", Off: w.row.Off, Row: w.rows, What: fmt.Sprintf(what, excerpt(name)),
	})
}

// twice returns a name that was collected more than once, or nil.
func (c *checker) twice() []byte {
	if len(c.names) <= 8 {
		for i, a := range c.names {
			for _, b := range c.names[:i] {
				if bytes.Equal(a, b) {
					return a
				}
			}
		}
		return nil
	}
	known := make(map[string]struct{}, len(c.names))
	for _, a := range c.names {
		if _, ok := known[string(a)]; ok {
			return a
		}
		known[string(a)] = struct{}{}
	}
	return nil
}

// fewPrefixes is the number of declarations up to which they are looked through
// one by one; more are found in a map.
const fewPrefixes = 8

func (c *checker) declare(level int, name []byte) {
	if len(c.declared) >= maxPrefixes {
		c.prefixOff = true
	}
	if c.prefixOff {
		return
	}
	if c.bound == nil {
		c.bound = make(map[string]int)
	}
	p := string(name)
	c.bound[p]++
	c.declared = append(c.declared, prefix{level, p})
}

// leave forgets the declarations of the element at level.
func (c *checker) leave(level int) {
	for n := len(c.declared); n > 0 && c.declared[n-1].level >= level; n-- {
		p := c.declared[n-1].name
		if c.bound[p]--; c.bound[p] == 0 {
			delete(c.bound, p)
		}
		c.declared = c.declared[:n-1]
	}
}

func (c *checker) isBound(name []byte) bool {
	i := bytes.IndexByte(name, ':')
	if i < 0 {
		return true
	}
	if string(name[:i]) == "xml" || string(name[:i]) == "xmlns" {
		return true
	}
	if len(c.declared) > fewPrefixes {
		return c.bound[string(name[:i])] > 0
	}
	for k := range c.declared {
		if c.declared[k].name == string(name[:i]) {
			return true
		}
	}
	return false
}

// attribute returns name and raw value of the attribute at or behind p in the
// rest of a start tag behind its name, and the offset behind it. The name is nil
// when there is none.
func attribute(tag []byte, p int) (name, value []byte, next int) {
	p = skipSpace(tag, p)
	a := p
	for p < len(tag) && class[tag[p]]&clsEnd == 0 {
		p++
	}
	if p == a {
		return nil, nil, p
	}
	name = tag[a:p]
	q := skipSpace(tag, p)
	if q == len(tag) || tag[q] != '=' {
		return name, nil, p
	}
	if q = skipSpace(tag, q+1); q < len(tag) && (tag[q] == '"' || tag[q] == '\'') {
		if end := bytes.IndexByte(tag[q+1:], tag[q]); end >= 0 {
			return name, tag[q+1 : q+1+end], q + end + 2
		}
		return nil, nil, len(tag)
	}
	for q < len(tag) && class[tag[q]]&clsSpace == 0 && tag[q] != '>' && tag[q] != '<' {
		q++
	}
	return name, nil, q
}
