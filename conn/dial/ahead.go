package dial

import "io"

const (
	aheadSize = 128 << 10 // of one read while much arrives
	aheadLow  = 8 << 10   // a read of less gives the buffer back
)

// ahead reads more at once than the SSH library asks for, which reads four
// kilobytes and the rest of a packet in turn. It does so only while much
// arrives, so that idle links have no buffer.
type ahead struct {
	flood bool
	buf   []byte // nil unless flood
	held  []byte // of buf, not taken yet
}

// take gives what was read before; 0 when there is nothing.
func (a *ahead) take(p []byte) int {
	n := copy(p, a.held)
	a.held = a.held[n:]
	return n
}

// read fills p from r. came is how many bytes r gave, n how many of them are in
// p; the rest waits for take, which must have returned 0. careful reads no more
// than p.
func (a *ahead) read(r io.Reader, p []byte, careful bool) (n, came int, err error) {
	if careful || !a.flood {
		n, err = r.Read(p)
		a.flood = !careful && n == len(p)
		return n, n, err
	}
	if a.buf == nil {
		a.buf = make([]byte, aheadSize)
	}
	came, err = r.Read(a.buf)
	a.held = a.buf[:came]
	n = a.take(p)
	if came < aheadLow {
		a.flood, a.buf = false, nil
	}
	if len(a.held) > 0 {
		err = nil // the next read, behind what is held, meets it again
	}
	return n, came, err
}
