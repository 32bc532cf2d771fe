package input

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"
)

// MaxPaste is how many bytes of one marked paste are kept.
const MaxPaste = 1 << 20

// maxKept bounds the pastes that nobody has asked for yet.
const maxKept = 4

const (
	pasteStart = "\x1b[200~"
	pasteEnd   = "\x1b[201~"
)

// pastes takes the text out of marked pastes and leaves a number in its place.
// The framework looks for the end of a paste from its beginning with every 256
// bytes that come, which takes minutes for 10 MiB.
type pastes struct {
	from io.Reader
	out  []byte // ready, but had no room
	part []byte // the beginning of a mark at the end of a read
	err  error  // comes behind out

	in   bool // within a paste
	text []byte
	lost int64

	mu   sync.Mutex
	last int
	kept map[int]paste
}

type paste struct {
	text string
	lost int64
}

// Read implements io.Reader. It reads at most once, so that it waits for nothing
// when there is something to read.
func (p *pastes) Read(b []byte) (int, error) {
	if len(p.out) > 0 || p.err != nil {
		return p.give(b)
	}
	room := len(b) - 32 // a number is longer than the rest of a mark
	if room < 32 {
		room = len(b)
	}
	n, err := p.from.Read(b[:room])
	full := n == room
	chunk := append(p.part, b[:n]...)
	p.part = nil
	for len(chunk) > 0 {
		if p.in {
			chunk = p.collect(chunk)
			continue
		}
		before, after, found := bytes.Cut(chunk, []byte(pasteStart))
		if !found {
			least := typed // an escape key that was pressed alone is not held back
			if full {
				least = 1
			}
			if err == nil {
				before, p.part = cutPart(before, pasteStart, least)
			}
			p.out = append(p.out, before...)
			break
		}
		p.out = append(p.out, before...)
		p.in, p.text, p.lost, chunk = true, nil, 0, after
	}
	if err != nil {
		p.out = append(p.out, p.part...)
		p.part = nil
	}
	p.err = err
	return p.give(b)
}

// give hands out what is ready, and then the error.
func (p *pastes) give(b []byte) (int, error) {
	n := copy(b, p.out)
	p.out = append(p.out[:0], p.out[n:]...)
	if len(p.out) > 0 || p.err == nil {
		return n, nil
	}
	err := p.err
	p.err = nil
	return n, err
}

// typed is how much of a mark no key sends by itself.
const typed = 3

// cutPart takes the beginning of a mark off the end of b, if it is least long.
func cutPart(b []byte, mark string, least int) (whole, part []byte) {
	for n := min(len(mark)-1, len(b)); n >= least; n-- {
		if bytes.HasSuffix(b, []byte(mark[:n])) {
			return b[:len(b)-n], append([]byte(nil), b[len(b)-n:]...)
		}
	}
	return b, nil
}

// collect keeps what belongs to the paste and returns what comes after it.
func (p *pastes) collect(b []byte) (rest []byte) {
	text, rest, ended := bytes.Cut(b, []byte(pasteEnd))
	if !ended {
		text, p.part = cutPart(b, pasteEnd, 1)
		rest = nil
	}
	n := min(len(text), MaxPaste-len(p.text))
	p.text = append(p.text, text[:n]...)
	p.lost += int64(len(text) - n)
	if ended {
		p.in = false
		p.out = append(p.out, pasteStart+strconv.Itoa(p.keep())+pasteEnd...)
		p.text = nil
	}
	return rest
}

// keep puts the paste where Pasted finds it and returns its number.
func (p *pastes) keep() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kept == nil {
		p.kept = map[int]paste{}
	}
	p.last++
	p.kept[p.last] = paste{strings.ToValidUTF8(string(p.text), ""), p.lost}
	delete(p.kept, p.last-maxKept)
	return p.last
}

// Pasted returns the text that a key of the framework stands for, which is a
// paste, and how many bytes behind it were left out. ok is false when it was
// asked for before, or when too many came since. It may be called from any
// goroutine.
func (p *pastes) Pasted(key []rune) (text string, lost int64, ok bool) {
	n, err := strconv.Atoi(string(key))
	if err != nil {
		return "", 0, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	v, ok := p.kept[n]
	delete(p.kept, n)
	return v.text, v.lost, ok
}
