package netconf

import (
	"bytes"
	"fmt"
	"strconv"
)

// scanner looks for errors in a reply that passes by in pieces. It looks at
// tags only, and skips comments, CDATA sections and processing instructions;
// it keeps nothing but an unfinished tag and the error it is in. Nesting is not
// checked, for the replies of some devices are broken there and still hold a
// verdict. A '>' inside an attribute value ends the tag for it, which no name
// it looks for depends on.
type scanner struct {
	until string // closes the construct that we are in: "-->", "]]>" or "?>"
	carry []byte // outside: an unfinished tag, from its '<' on; inside: the last bytes

	errs    []*RPCError
	count   int  // of all errors
	failed  bool // one of them was not a warning
	tags    int  // start tags, exact up to two
	replies int  // <rpc-reply> start tags

	inError []byte // the error element being gathered, at most maxErrorBytes
	errName []byte // its qualified name
	depth   int    // of elements of that name, 0 outside

	counting bool   // inside <load-error-count>
	number   []byte // its text
	loadErrs int    // its value
}

// maxTag bounds what is kept of an unfinished tag. No name that we look for is
// longer; what follows the name matters only for a few.
const maxTag = 4 << 10

// scan takes the next piece.
func (x *scanner) scan(b []byte) {
	for len(x.carry) > 0 && len(b) > 0 {
		if x.until != "" {
			b = x.seam(b)
			continue
		}
		n := bytes.IndexByte(b, '>') + 1
		if n == 0 {
			n = len(b)
		}
		n = min(n, max(1, maxTag-len(x.carry)))
		whole := append(x.carry, b[:n]...)
		x.carry = whole[:0]
		b = b[n:]
		x.run(whole)
	}
	x.run(b)
}

// seam looks for the end of a construct where two pieces meet.
func (x *scanner) seam(b []byte) []byte {
	had := len(x.carry)
	n := min(len(b), len(x.until)-1)
	both := append(x.carry, b[:n]...)
	if i := bytes.Index(both, []byte(x.until)); i >= 0 {
		n = i + len(x.until) - had
		x.until, x.carry = "", x.carry[:0]
		x.gather(b[:n])
		return b[n:]
	}
	if n < len(b) {
		x.carry = x.carry[:0] // the rest of b decides
		return x.inside(b)
	}
	x.gather(b)
	keep := min(len(both), len(x.until)-1)
	x.carry = append(x.carry[:0], both[len(both)-keep:]...)
	return nil
}

// inside skips to the end of the construct that we are in.
func (x *scanner) inside(b []byte) []byte {
	if i := bytes.Index(b, []byte(x.until)); i >= 0 {
		i += len(x.until)
		x.until = ""
		x.gather(b[:i])
		return b[i:]
	}
	x.gather(b)
	x.carry = append(x.carry[:0], b[len(b)-min(len(b), len(x.until)-1):]...)
	return nil
}

// run goes from tag to tag. An unfinished one stays in carry.
func (x *scanner) run(b []byte) {
	left := len(b)
	for len(b) > 0 {
		if x.until != "" {
			b = x.inside(b)
			continue
		}
		var n int
		if x.depth > 0 || x.counting || x.tags < 2 {
			if n = bytes.IndexByte(b, '<'); n < 0 {
				n = len(b)
			}
			x.text(b[:n])
		} else {
			n, left = plain(b, left)
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
		if n = x.tag(b); n == 0 {
			x.carry = append(x.carry[:0], b...)
			return
		}
		x.gather(b[:n])
		b = b[n:]
	}
}

// plain is the length of a beginning of b in which nothing can matter outside of
// errors: text, end tags, and start tags whose name does not end like one of
// those that startTag knows. Nearly all of a reply is that, so this is where a
// large reply spends its time. Most windows are shown to hold nothing at memory
// speed; of the others a beginning is walked through, which doubles while that
// does not help. A window ends with a '>', and so with every tag that begins in it.
//
// left is what plain returned when it was called for more of the same b: so many
// bytes are behind the window at hand, which is to be walked through to its end.
func plain(b []byte, left int) (n, still int) {
	const window, nearby = 8 << 10, 512
	i, near := 0, nearby
	for i < len(b) {
		part := b[i:]
		if left < len(part) {
			part = part[:len(part)-left]
		} else if part = part[:bytes.LastIndexByte(part[:min(len(part), window)], '>')+1]; len(part) == 0 {
			break
		} else if n = quiet(part); n > 0 {
			i, near = i+n, nearby
			continue
		} else if n = bytes.LastIndexByte(part[:min(len(part), near)], '>') + 1; n > 0 {
			part = part[:n]
			near *= 2
		}
		left = len(b) - i - len(part)
		if n = walk(part); n < len(part) {
			return i + n, left
		}
		i += n
		left = len(b)
	}
	return i + walk(b[i:]), 0
}

// quiet is the length of a beginning of b, whole tags and the text before them,
// that certainly holds no comment, CDATA section or processing instruction, and
// no tag that startTag would act on. Each of those has a byte that is rare elsewhere. Where
// such bytes are not rare, nothing is claimed.
func quiet(b []byte) int {
	chances := 64
	for _, c := range [...]byte{'!', '?', '-', ':', 'j'} {
		for i := 0; ; i++ {
			n := bytes.IndexByte(b[i:], c)
			if n < 0 {
				break
			}
			i += n
			if chances--; chances == 0 {
				return 0
			}
			if marks(b, i) && acts(b, i) {
				b = b[:bytes.LastIndexByte(b[:i], '>')+1]
				break
			}
		}
	}
	return len(b)
}

// marks reports whether the byte at i may belong to something that quiet must
// not pass over.
func marks(b []byte, i int) bool {
	if i == 0 {
		return false
	}
	before, from := b[i-1], b[i:]
	switch b[i] {
	case '!', '?':
		return before == '<'
	case '-': // rpc-error, rpc-reply, load-error-count
		return (before == 'c' || before == 'd') && (bytes.HasPrefix(from, []byte("-error")) || bytes.HasPrefix(from, []byte("-reply")))
	case ':': // xnm:error, xnm:warning
		return before == 'm'
	default: // what isJunosError looks for
		return bytes.HasPrefix(from, []byte("juniper.net/xnm/"))
	}
}

// acts reports whether startTag may act on the tag that the mark at i lies in,
// as far as that is easy to tell: not on end tags, as of every rpc-reply, nor for
// a namespace of Junos in an element that is no error.
func acts(b []byte, i int) bool {
	tag := b[bytes.LastIndexByte(b[:i], '>')+1 : i]
	at := bytes.IndexByte(tag, '<')
	if at < 0 || bytes.IndexByte(tag[at+1:], '<') >= 0 {
		return true
	}
	tag = tag[at+1:]
	switch {
	case len(tag) > 0 && tag[0] == '/':
		return false
	case b[i] != 'j':
		return true
	}
	end := 0
	for end < len(tag) && tag[end] > ' ' && tag[end] != '/' {
		end++
	}
	return end == 0 || end == len(tag) || tag[end-1] == 'r' || tag[end-1] == 'g' // error, warning
}

// walk is plain, from tag to tag.
func walk(b []byte) int {
	i := 0
	for {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			return len(b)
		}
		i += n
		if i+1 >= len(b) || b[i+1] == '!' || b[i+1] == '?' {
			return i
		}
		if b[i+1] == '/' {
			i += 2
			continue
		}
		j := i + 1
		for j < len(b) && b[j] > ' ' && b[j] != '>' && b[j] != '/' {
			j++
		}
		if j == len(b) {
			return i
		}
		switch b[j-1] {
		case 'r', 'g', 't', 'y':
			if c := b[j-2]; c == 'o' || c == 'n' || c == 'l' { // error, warning, count, reply
				return i
			}
		}
		i = j
	}
}

func (x *scanner) text(b []byte) {
	x.gather(b)
	if x.counting && len(x.number) < 16 {
		x.number = append(x.number, b[:min(len(b), 16)]...)
	}
}

// gather keeps b when it is part of an error.
func (x *scanner) gather(b []byte) {
	if x.depth > 0 && len(x.inError) < maxErrorBytes {
		x.inError = append(x.inError, b[:min(len(b), maxErrorBytes-len(x.inError))]...)
	}
}

// tag handles what begins at b[0] == '<' and returns how much of it is done
// with, 0 when more is needed.
func (x *scanner) tag(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '!':
		return x.special(b)
	case '?':
		x.until = "?>"
		return 2
	case '/':
		if x.depth == 0 && !x.counting {
			return 2
		}
		end := bytes.IndexByte(b, '>')
		if end < 0 {
			return unlessLong(b)
		}
		return x.endTag(b[:end+1])
	}
	i := 1
	for i < len(b) && b[i] > ' ' && b[i] != '>' && b[i] != '/' {
		i++
	}
	if i == len(b) {
		return unlessLong(b)
	}
	x.tags++
	switch b[i-1] { // the last letter of each name below
	case 'r', 'g', 't', 'y':
		return x.startTag(b, i)
	}
	return i
}

// unlessLong asks for more of a tag, but gives up one that is too long.
func unlessLong(b []byte) int {
	if len(b) < maxTag {
		return 0
	}
	return len(b)
}

// special handles <!...: comments, CDATA sections, and a DOCTYPE, whose inside
// is looked at like anything else.
func (x *scanner) special(b []byte) int {
	switch {
	case bytes.HasPrefix(b, []byte("<!--")):
		x.until = "-->"
		return 4
	case bytes.HasPrefix(b, []byte("<![CDATA[")):
		x.until = "]]>"
		return 9
	case hasPrefixOrMore(b, "<!--") || hasPrefixOrMore(b, "<![CDATA["):
		return 0
	}
	return 2
}

// startTag looks at a start tag whose name is b[1:end].
func (x *scanner) startTag(b []byte, end int) int {
	name := b[1:end]
	short := string(local(name))
	switch short {
	case "rpc-reply":
		x.replies++
		return end
	case "rpc-error", "error", "warning", "load-error-count":
	default:
		return end
	}
	n := bytes.IndexByte(b, '>') + 1
	if n == 0 {
		if len(b) < maxTag {
			return 0
		}
		n = len(b)
	}
	empty := n >= 2 && b[n-2] == '/'
	switch {
	case x.depth > 0:
		if !empty && bytes.Equal(name, x.errName) {
			x.depth++
		}
	case short == "load-error-count":
		x.counting = !empty
		x.number = x.number[:0]
	case short == "rpc-error" || isJunosError(name, b[end:n]):
		x.inError = x.inError[:0]
		x.errName = append(x.errName[:0], name...)
		x.depth = 1
		if empty {
			x.inError = append(x.inError, b[:n]...)
			x.endError()
		}
	}
	return n // run gathers it when it opened an error or lies in one
}

// isJunosError recognises <xnm:error>, and <error> that says itself to be of
// Junos: the bare name is common in data.
func isJunosError(name, attrs []byte) bool {
	return string(prefix(name)) == "xnm" || bytes.Contains(attrs, []byte("juniper.net/xnm/"))
}

// endTag handles a whole end tag while an error or a count is open.
func (x *scanner) endTag(tag []byte) int {
	name := bytes.TrimRight(tag[2:len(tag)-1], " \t\r\n")
	if x.counting {
		x.counting = false
		if n, err := strconv.Atoi(string(bytes.TrimSpace(x.number))); err == nil {
			x.loadErrs += n
		}
	}
	if x.depth > 0 && bytes.Equal(name, x.errName) {
		if x.depth--; x.depth == 0 {
			x.endError()
		}
	}
	return len(tag)
}

// endError counts the error that was gathered, and keeps it while there are few.
func (x *scanner) endError() {
	x.count++
	e := parseError(x.inError)
	if !e.Warning() {
		x.failed = true
	}
	if len(x.errs) < maxErrors {
		x.errs = append(x.errs, e)
	}
	x.depth, x.inError = 0, x.inError[:0]
	if cap(x.inError) > keptBuf {
		x.inError = nil
	}
}

// finish is called at the end of the reply. It returns what is odd about it.
func (x *scanner) finish() (flags []*Fault) {
	if x.depth > 0 {
		x.endError()
		flags = append(flags, &Fault{Code: "XML-TRUNC", What: "the reply ended inside an rpc-error"})
	}
	switch x.until {
	case "]]>":
		flags = append(flags, &Fault{Code: "XML-TRUNC", What: "the reply ended inside CDATA; the device used end-of-message text in data"})
	case "-->":
		flags = append(flags, &Fault{Code: "XML-TRUNC", What: "the reply ended inside a comment; the device used end-of-message text in data"})
	}
	if x.loadErrs > 0 && x.count == 0 {
		x.failed = true
		flags = append(flags, &Fault{Code: "RPC-SHAPE", What: fmt.Sprintf("the device counts %d load errors and sent none", x.loadErrs)})
	}
	return flags
}
