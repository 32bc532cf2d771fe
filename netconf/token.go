package netconf

import (
	"bytes"

	"dialtone/netconf/xmltext"
)

// tokenKind says what a token is.
type tokenKind uint8

const (
	tokMore    tokenKind = iota // the text ends inside a construct
	tokStart                    // <a b="c"> or <a/>
	tokEnd                      // </a>
	tokText                     // text up to the next tag
	tokCDATA                    // <![CDATA[...]]>
	tokComment                  // <!-- ... -->
	tokPI                       // <?...?>
	tokDoctype                  // <!DOCTYPE ...>: never looked into
)

// token is a piece of XML. All slices point into the text.
type token struct {
	kind  tokenKind
	empty bool   // <a/>
	name  []byte // qualified name of a tag
	text  []byte // attributes of a start tag, content of the others
}

// tokens cuts XML into pieces. It is for the small known things, hellos and
// rpc-errors, and forgives: it checks neither nesting nor names, so that what a
// broken device says can still be read. It is linear and allocates nothing.
type tokens struct {
	b   []byte
	off int // of the next token
}

// next returns the next token; false at the end of the text. After tokMore,
// off stays where the unfinished construct begins.
func (t *tokens) next() (token, bool) {
	b := t.b[t.off:]
	if len(b) == 0 {
		return token{}, false
	}
	if b[0] != '<' {
		n := bytes.IndexByte(b, '<')
		if n < 0 {
			n = len(b)
		}
		t.off += n
		return token{kind: tokText, text: b[:n]}, true
	}
	if len(b) == 1 {
		return token{}, true
	}
	switch b[1] {
	case '?':
		return t.until(tokPI, "<?", "?>"), true
	case '!':
		switch {
		case hasPrefixOrMore(b, "<!--"):
			return t.until(tokComment, "<!--", "-->"), true
		case hasPrefixOrMore(b, "<![CDATA["):
			return t.until(tokCDATA, "<![CDATA[", "]]>"), true
		default:
			return t.until(tokDoctype, "<!", ">"), true
		}
	case '/':
		tok := t.until(tokEnd, "</", ">")
		tok.name = bytes.TrimRight(tok.text, " \t\r\n")
		return tok, true
	}
	n := tagEnd(b)
	if n < 0 {
		return token{}, true
	}
	t.off += n
	tok := token{kind: tokStart}
	inner := b[1 : n-1]
	if k := len(inner); k > 0 && inner[k-1] == '/' {
		tok.empty = true
		inner = inner[:k-1]
	}
	tok.name = inner
	if i := bytes.IndexAny(inner, " \t\r\n"); i >= 0 {
		tok.name, tok.text = inner[:i], inner[i:]
	}
	return tok, true
}

// until takes a construct that opens at off and closes with end.
func (t *tokens) until(kind tokenKind, open, end string) token {
	b := t.b[t.off:]
	if len(b) < len(open) {
		return token{}
	}
	n := bytes.Index(b[len(open):], []byte(end))
	if n < 0 {
		return token{}
	}
	t.off += len(open) + n + len(end)
	return token{kind: kind, text: b[len(open) : len(open)+n]}
}

// hasPrefixOrMore reports whether b begins with p, or may once more of it is
// there.
func hasPrefixOrMore(b []byte, p string) bool {
	n := min(len(b), len(p))
	return string(b[:n]) == p[:n]
}

// tagEnd is the offset behind the '>' of the start tag at b[0], looking past
// quoted values; -1 when it is not there.
func tagEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '>':
			return i + 1
		case '"', '\'':
			n := bytes.IndexByte(b[i+1:], b[i])
			if n < 0 {
				return -1
			}
			i += 1 + n
		}
	}
	return -1
}

// local is the part of a qualified name after its prefix; prefix the rest.
func local(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

func prefix(name []byte) []byte {
	return name[:max(0, bytes.IndexByte(name, ':'))]
}

// attrs walks over the attributes of a start tag until do returns false. The
// value is as written, without its quotes.
func attrs(b []byte, do func(name, value []byte) bool) {
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return
		}
		name := bytes.TrimRight(b[:eq], " \t\r\n")
		b = bytes.TrimLeft(b[eq+1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 || !do(name, b[1:1+end]) {
			return
		}
		b = b[2+end:]
	}
}

// attr returns an attribute's value as written; false when it is absent.
func attr(text []byte, name string) (value []byte, found bool) {
	attrs(text, func(n, v []byte) bool {
		if string(n) == name {
			value, found = v, true
		}
		return !found
	})
	return value, found
}

// textOf is the text of the element that t has just entered, nested elements
// included, resolved and trimmed; t stands behind its end tag then. limit
// bounds the bytes taken.
func (t *tokens) textOf(limit int) string {
	var out []byte
	for depth := 1; depth > 0; {
		tok, ok := t.next()
		if !ok || tok.kind == tokMore {
			break
		}
		switch tok.kind {
		case tokStart:
			if !tok.empty {
				depth++
			}
		case tokEnd:
			depth--
		case tokText:
			if len(out) < limit {
				out = append(out, xmltext.Resolve(tok.text[:min(len(tok.text), limit)])...)
			}
		case tokCDATA:
			if len(out) < limit {
				out = append(out, tok.text[:min(len(tok.text), limit)]...)
			}
		}
	}
	return string(bytes.TrimSpace(out[:min(len(out), limit)]))
}

// skip moves behind the end tag of the element that t has just entered.
func (t *tokens) skip() {
	for depth := 1; depth > 0; {
		tok, ok := t.next()
		if !ok || tok.kind == tokMore {
			return
		}
		switch {
		case tok.kind == tokStart && !tok.empty:
			depth++
		case tok.kind == tokEnd:
			depth--
		}
	}
}

// root moves behind the root's start tag and returns it. Its kind is tokStart,
// tokMore when the text ends before, or tokText, tokCDATA or tokEnd when
// something that is no XML document comes first. It notes a DOCTYPE.
func (t *tokens) root() (tok token, doctype bool) {
	if bytes.HasPrefix(t.b, []byte("\ufeff")) && t.off == 0 {
		t.off = len("\ufeff")
	}
	for {
		tok, ok := t.next()
		if !ok {
			return token{}, doctype
		}
		switch tok.kind {
		case tokPI, tokComment:
		case tokDoctype:
			doctype = true
		case tokText:
			if len(bytes.TrimSpace(tok.text)) > 0 {
				return tok, doctype
			}
		default:
			return tok, doctype
		}
	}
}
