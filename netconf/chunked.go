package netconf

import (
	"bytes"
	"fmt"
	"io"
)

// joinBelow is the chunk size below which neighbours are moved together, so
// that the layers above are called once for many. Larger ones are handed over
// where they lie.
const joinBelow = 32 << 10

// header is the outcome of reading a chunk header (RFC 6242 section 4.2).
type header struct {
	n    int   // bytes of it; 0 when it is not whole yet
	size int64 // of the chunk; 0 for the end of chunks
	code string
	bad  string // the offending text, for FRM-SIZE
}

// parseHeader reads "\n#" chunk-size "\n" or "\n##\n" at the start of b.
// Lenient accepts CR beside LF, and any number of both, none too, before "#".
func parseHeader(b []byte, lenient bool) header {
	i := 0
	if lenient {
		for i < len(b) && i < maxBlanks && (b[i] == '\n' || b[i] == '\r') {
			i++
		}
	} else if len(b) > 0 {
		if b[0] != '\n' {
			return header{code: "FRM-SYNC"}
		}
		i = 1
	}
	if i >= len(b) {
		return header{}
	}
	if b[i] != '#' {
		return header{code: "FRM-SYNC"}
	}
	i++
	start := i
	var size int64
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case c == '\n' && i > start:
			return header{n: i + 1, size: size}
		case c == '\r' && lenient && i > start:
			if i+1 < len(b) && b[i+1] != '\n' {
				return badSize(b, start)
			}
		case c == '#' && i == start:
			return parseEnd(b, i+1, lenient)
		case c < '0' || c > '9' || c == '0' && i == start || i-start == 10:
			return badSize(b, start)
		default:
			if size = size*10 + int64(c-'0'); size > maxChunk {
				return badSize(b, start)
			}
		}
	}
	return header{}
}

// parseEnd reads the line end of "\n##\n".
func parseEnd(b []byte, i int, lenient bool) header {
	if lenient && i < len(b) && b[i] == '\r' {
		i++
	}
	switch {
	case i >= len(b):
		return header{}
	case b[i] != '\n':
		return header{code: "FRM-SYNC"}
	}
	return header{n: i + 1}
}

func badSize(b []byte, start int) header {
	text := b[start:]
	if i := bytes.IndexByte(text, '\n'); i >= 0 {
		text = text[:i]
	}
	return header{code: "FRM-SIZE", bad: string(text[:min(len(text), 16)])}
}

// maxBlanks bounds the white space accepted where a header is due.
const maxBlanks = 64

// beginChunked waits for the first chunk header of a message. A stray LF
// before it is accepted, and any white space right after an end-of-message
// frame, where it belongs to that frame.
func (in *input) beginChunked() error {
	for {
		b := in.buf[in.r:in.w]
		i := 0
		for i < len(b) && i < maxBlanks && in.between(b[i]) {
			i++
		}
		if i < len(b) {
			if b[i] == '<' || b[i] == ']' {
				in.r += i
				return in.mismatch()
			}
			if i > 0 && b[i-1] == '\n' {
				i-- // the LF of the header itself
			}
			in.r += i
			break
		}
		if err := in.fill(); err != nil {
			return err
		}
	}
	end, err := in.header()
	if err != nil {
		return err
	}
	if end {
		return &Fault{
			Code: "FRM-EMPTY",
			What: fmt.Sprintf("end of chunks without a chunk before byte %d", in.offset()),
			Do:   "report the bytes to the maker of the device",
		}
	}
	return nil
}

// between reports whether c may precede the first header of a message.
func (in *input) between(c byte) bool {
	return c == '\n' || in.blanks && blank(c) ||
		c == '\r' && in.opts.Quirks.LenientChunks ||
		c == 0 && in.opts.Quirks.StripNUL
}

// header takes the next chunk header and reports whether it ends the message.
func (in *input) header() (end bool, err error) {
	for {
		h := parseHeader(in.buf[in.r:in.w], in.opts.Quirks.LenientChunks)
		switch {
		case h.code != "":
			return false, in.badHeader(h)
		case h.n > 0:
			in.r += h.n
			in.chunk, in.left = h.size, h.size
			return h.size == 0, nil
		}
		if err := in.fill(); err != nil {
			return false, err
		}
	}
}

func (in *input) badHeader(h header) error {
	f := &Fault{Code: h.code, Kept: in.kept(), Do: "connect again; if it happens again, try the quirk lenient-chunks or force-1.0"}
	if h.code == "FRM-SIZE" {
		f.What = fmt.Sprintf("bad chunk size %q at byte %d", h.bad, in.offset())
	} else {
		f.What = fmt.Sprintf("expected %q at byte %d, got %s", "\n#", in.offset(), in.quote())
	}
	return f
}

// chunked returns the next payload that has arrived: of one chunk, or of
// several small ones moved together.
func (in *input) chunked() ([]byte, error) {
	if in.left == 0 {
		if end, err := in.header(); err != nil {
			return nil, err
		} else if end {
			return nil, io.EOF
		}
	}
	if in.r == in.w {
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
	start := in.r
	end := in.take(start)
	for in.left == 0 && end-start < largeBuf/2 {
		if b := in.buf[in.r:in.w]; len(b) > 4 && b[0] == '\n' && b[1] == '#' && '1' <= b[2] && b[2] <= '9' && b[3] == '\n' {
			// The commonest header of a device that sends drop by drop.
			in.r += 4
			in.chunk = int64(b[2] - '0')
			in.left = in.chunk
			end = in.take(end)
			continue
		}
		h := parseHeader(in.buf[in.r:in.w], in.opts.Quirks.LenientChunks)
		if h.n == 0 || h.size == 0 || h.size >= joinBelow || in.r+h.n == in.w {
			break // the next call takes it, or waits, or reports it
		}
		in.r += h.n
		in.chunk, in.left = h.size, h.size
		end = in.take(end)
	}
	return in.buf[start:end], nil
}

// take moves what has arrived of the current chunk to buf[to:] and returns
// where it ends.
func (in *input) take(to int) int {
	n := int(min(in.left, int64(in.w-in.r)))
	if n == 1 {
		in.buf[to] = in.buf[in.r]
	} else if to != in.r {
		copy(in.buf[to:], in.buf[in.r:in.r+n])
	}
	in.r += n
	in.left -= int64(n)
	return to + n
}
