package xmldiff

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"dialtone/netconf/xmldoc"
	"dialtone/netconf/xmltext"
)

// side is one of the two documents.
type side struct {
	doc *xmldoc.Doc
	buf []byte
}

// body is the row of the first element.
func (s *side) body() int {
	n := s.doc.Rows()
	for i := range n {
		switch s.doc.Row(i).Kind {
		case xmldoc.Comment, xmldoc.PI:
		default:
			return i
		}
	}
	return n
}

// err is that of a document which was closed meanwhile.
func (s *side) err() error {
	if done, err := s.doc.Finished(); done && err == xmldoc.ErrClosed {
		return err
	}
	return nil
}

// envelope reports whether row i is the rpc-reply or the data in it; Junos has
// rollback-information in its place.
func (s *side) envelope(i int) bool {
	r := s.doc.Row(i)
	switch {
	case r.Kind != xmldoc.Open && r.Kind != xmldoc.Empty:
		return false
	case r.Depth == 0:
		switch local(s.name(i)) {
		case "rpc-reply", "data", "config", "rollback-information":
			return true
		}
	case r.Depth == 1:
		p := s.doc.Parent(i)
		switch local(s.name(i)) {
		case "data", "rollback-information":
			return p >= 0 && local(s.name(p)) == "rpc-reply"
		}
	}
	return false
}

// path is the location of row i without any envelope.
func (s *side) path(i int) string {
	p := s.doc.Path(i)
	if rest, ok := strings.CutPrefix(p, "/rollback-information/"); ok {
		return "/" + rest
	}
	return p
}

// verdict reports the ok that stands in rollback-information and means nothing.
func (s *side) verdict(i int) bool {
	r := s.doc.Row(i)
	if r.Depth > 2 || r.Kind != xmldoc.Empty && r.Kind != xmldoc.Leaf || local(s.name(i)) != "ok" {
		return false
	}
	p := s.doc.Parent(i)
	return p >= 0 && local(s.name(p)) == "rollback-information" && s.envelope(p)
}

// bytes is the text of row i, valid until the next call.
func (s *side) bytes(i int) []byte {
	s.buf = s.doc.AppendRow(s.buf[:0], i, 1<<30)
	return s.buf
}

// name is the name in the tag of row i as it is written.
func (s *side) name(i int) string {
	b := s.bytes(i)
	return string(tagName(b))
}

// tagName is the name in the tag that b begins with.
func tagName(b []byte) []byte {
	if len(b) == 0 || b[0] != '<' {
		return nil
	}
	b = b[1:]
	if len(b) > 0 && b[0] == '/' {
		b = b[1:]
	}
	for i, c := range b {
		if c <= ' ' || c == '>' || c == '/' {
			return b[:i]
		}
	}
	return b
}

func local(name string) string { return name[strings.IndexByte(name, ':')+1:] }

func prefix(name string) string {
	p, _, ok := strings.Cut(name, ":")
	if !ok {
		return ""
	}
	return p
}

// attribute is one of a start tag, its value resolved.
type attribute struct{ name, value string }

// attributes reads the start tag that b begins with. It is lenient: what has no
// quoted value has none.
func attributes(b []byte) []attribute {
	var out []attribute
	b = b[min(len(b), 1+len(tagName(b))):]
	for {
		b = bytes.TrimLeft(b, " \t\r\n")
		n := bytes.IndexAny(b, "=/> \t\r\n")
		if n <= 0 {
			return out
		}
		name := string(b[:n])
		b = bytes.TrimLeft(b[n:], " \t\r\n")
		if len(b) < 2 || b[0] != '=' {
			continue
		}
		b = bytes.TrimLeft(b[1:], " \t\r\n")
		if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
			return out
		}
		end := bytes.IndexByte(b[1:], b[0])
		if end < 0 {
			return out
		}
		out = append(out, attribute{name, xmltext.Resolve(b[1 : 1+end])})
		b = b[2+end:]
	}
}

// space is the namespace that a prefix means at row i, whose own tag may say
// it.
func (s *side) space(i int, prefix string) string {
	switch prefix {
	case "xml":
		return "http://www.w3.org/XML/1998/namespace"
	case "xmlns":
		return "http://www.w3.org/2000/xmlns/"
	}
	want := "xmlns"
	if prefix != "" {
		want += ":" + prefix
	}
	for ; i >= 0; i = s.doc.Parent(i) {
		b := s.bytes(i)
		if !bytes.Contains(b, []byte(want)) {
			continue
		}
		for _, a := range attributes(b) {
			if a.name == want {
				return a.value
			}
		}
	}
	return ""
}

// idle reports attributes that say nothing of the configuration.
func idle(name, space string) bool {
	if name == "xmlns" || strings.HasPrefix(name, "xmlns:") {
		return true
	}
	if !strings.Contains(space, "juniper.net/") && !(space == "" && strings.HasPrefix(name, "junos:")) {
		return false
	}
	n := local(name)
	return strings.HasPrefix(n, "changed") || strings.HasPrefix(n, "commit-") || n == "style" || n == "format"
}

// attrs are the attributes of row i that count, sorted, each as space, name and
// value.
func (s *side) attrs(i int) []string {
	b := s.bytes(i)
	if len(tagName(b))+2 >= len(b) || b[len(tagName(b))+1] == '>' {
		return nil
	}
	var out []string
	for _, a := range attributes(slices.Clone(b)) {
		space := ""
		if p := prefix(a.name); p != "" && p != "xmlns" {
			space = s.space(i, p)
		}
		if !idle(a.name, space) {
			if space != "" {
				a.name = local(a.name)
			}
			out = append(out, "{"+space+"}"+a.name+"="+strconv.Quote(a.value))
		}
	}
	slices.Sort(out)
	return out
}

// head says what the tag of row i says, whatever its spelling.
func (s *side) head(i int) []byte {
	name := s.name(i)
	out := []byte(local(name))
	for _, a := range s.attrs(i) {
		out = append(append(out, 0), a...)
	}
	return out
}

// text is what a Leaf holds, or a row of text, resolved; without white space at
// its ends unless that counts.
func (s *side) text(i int, spaces bool) string {
	b := s.bytes(i)
	switch s.doc.Row(i).Kind {
	case xmldoc.Empty:
		return ""
	case xmldoc.Leaf:
		b = inside(b)
	case xmldoc.CDATA:
		b = bytes.TrimSuffix(bytes.TrimPrefix(b, []byte("<![CDATA[")), []byte("]]>"))
		return trimmed(string(s.decode(b)), spaces)
	case xmldoc.Broken:
		return string(s.decode(b))
	}
	return trimmed(xmltext.Resolve(s.decode(b)), spaces)
}

func trimmed(s string, spaces bool) string {
	if spaces {
		return s
	}
	return strings.Trim(s, " \t\r\n")
}

// decode turns Latin-1 into UTF-8.
func (s *side) decode(b []byte) []byte {
	if !s.doc.Latin1() {
		return b
	}
	return xmltext.FromLatin1(b)
}

// tagLen is the length of the tag that b begins with.
func tagLen(b []byte) int {
	quote := byte(0)
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(b)
}

// inside is what stands between the tags of a leaf.
func inside(b []byte) []byte {
	from := tagLen(b)
	to := bytes.LastIndexByte(b, '<')
	if to < from {
		return nil
	}
	return b[from:to]
}
