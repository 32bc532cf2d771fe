package xmldoc

import (
	"bytes"

	"dialtone/netconf/xmltext"
)

// Value is the text content of a Leaf row with references resolved; "" for other
// kinds. White space at its ends is left out when it holds a line end, as in
// the terse output of Junos. References that XML does not allow, and all other
// bytes, are as they came.
func (d *Doc) Value(i int) string {
	v := d.enter()
	defer d.leave()
	if !v.has(i) {
		return ""
	}
	return v.value(d.row(&v, i))
}

func (v *view) value(r Row) string {
	if r.Kind != Leaf {
		return ""
	}
	b := v.bytes(r)
	from := tagLen(b)
	to := bytes.LastIndexByte(b, '<')
	b = b[from:to]
	if left := bytes.TrimLeft(b, " \t\r\n"); bytes.IndexByte(b[:len(b)-len(left)], '\n') >= 0 {
		b = left
	}
	if right := bytes.TrimRight(b, " \t\r\n"); bytes.IndexByte(b[len(right):], '\n') >= 0 {
		b = right
	}
	return xmltext.Resolve(v.decode(b))
}

// decode turns Latin-1 into UTF-8.
func (v *view) decode(b []byte) []byte {
	if !v.latin1 {
		return b
	}
	return xmltext.FromLatin1(b)
}

// tagLen is the length of the start tag at the beginning of b.
func tagLen(b []byte) int {
	s := scanner{text: b, cut: never, final: true}
	if s.next() != found {
		return 0
	}
	return s.tagEnd
}

// name returns the name in the start or end tag of r, empty for other kinds.
func (v *view) name(r Row) []byte {
	b := v.bytes(r)
	switch r.Kind {
	case Open, Leaf, Empty:
		b = b[1:]
	case Close:
		b = b[2:]
	default:
		return nil
	}
	for i, c := range b {
		if class[c]&clsEnd != 0 {
			return b[:i]
		}
	}
	return b
}

// localName is a name without its prefix.
func localName(name []byte) string {
	return string(name[bytes.IndexByte(name, ':')+1:])
}
