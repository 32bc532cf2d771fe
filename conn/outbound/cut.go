package outbound

import (
	"bytes"
	"fmt"

	"dialtone/keys"
)

// mostCommand is the longest command string: a device's gRPC takes messages of
// at most 4 MiB.
const mostCommand = 4<<20 - 64

// cutText cuts messages into parts of at most most bytes, only where a line feed
// changes nothing: behind an end mark, or behind an end tag or an empty element
// that is followed by another tag.
func cutText(text []byte, most int) ([][]byte, error) {
	if len(text) <= most {
		return [][]byte{text}, nil
	}
	var parts [][]byte
	c := cutter{text: text, mark: -1}
	for start := 0; start < len(text); {
		if len(text)-start <= most {
			return append(parts, text[start:]), nil
		}
		safe := 0
		for {
			at, ok := c.next()
			if !ok || at > start+most {
				c.back(at, ok)
				break
			}
			safe = at
		}
		if safe <= start {
			return nil, &keys.Fault{Code: "GRPC-CUT", What: fmt.Sprintf("%d B without a place between tags where the text can be cut: a device takes at most 4 MiB at once", most),
				Kept: "Nothing was sent", Do: "Send it in smaller parts"}
		}
		parts = append(parts, text[start:safe])
		start = safe
	}
	return parts, nil
}

// cutter finds the places where text can be cut, in order.
type cutter struct {
	text []byte
	pos  int
	kept int // found and given back; 0 for none
	mark int // where the next end mark begins, from pos on
}

// back gives a place back, to be found again.
func (c *cutter) back(at int, ok bool) {
	if ok {
		c.kept = at
	}
}

func (c *cutter) next() (at int, ok bool) {
	if c.kept > 0 {
		at, c.kept = c.kept, 0
		return at, true
	}
	for c.pos < len(c.text) {
		i := bytes.IndexByte(c.text[c.pos:], '<')
		if c.mark < c.pos {
			if m := bytes.Index(c.text[c.pos:], []byte(endMark)); m >= 0 {
				c.mark = c.pos + m
			} else {
				c.mark = len(c.text)
			}
		}
		if c.mark < len(c.text) && (i < 0 || c.mark < c.pos+i) {
			c.pos = c.mark + len(endMark)
			return c.pos, true
		}
		if i < 0 {
			break
		}
		c.pos += i
		closes := c.markup()
		if c.pos >= len(c.text) {
			break
		}
		rest := bytes.TrimLeft(c.text[c.pos:min(len(c.text), c.pos+4096)], " \t\r\n")
		if closes && len(rest) > 0 && rest[0] == '<' && !bytes.HasPrefix(rest, []byte("<![CDATA[")) {
			return c.pos, true
		}
	}
	return 0, false
}

// markup steps over what begins at pos with "<" and reports whether it closes an
// element. What has no end reaches to the end of the text.
func (c *cutter) markup() (closes bool) {
	b := c.text[c.pos:]
	over := func(open, end string) bool {
		if !bytes.HasPrefix(b, []byte(open)) {
			return false
		}
		if i := bytes.Index(b[len(open):], []byte(end)); i >= 0 {
			c.pos += len(open) + i + len(end)
		} else {
			c.pos = len(c.text)
		}
		return true
	}
	if over("<!--", "-->") || over("<![CDATA[", "]]>") || over("<?", "?>") || over("<!", ">") {
		return false
	}
	quote := byte(0)
	for i, x := range b {
		switch {
		case quote != 0:
			if x == quote {
				quote = 0
			}
		case x == '"' || x == '\'':
			quote = x
		case x == '>':
			c.pos += i + 1
			return i > 1 && b[1] == '/' || i > 0 && b[i-1] == '/'
		}
	}
	c.pos = len(c.text)
	return false
}
