package xmldoc

import "errors"

// Sizes of the arena, in bytes.
const (
	heapLimit  = 256 << 10 // a text up to this size stays on the Go heap
	firstHeap  = 2 << 10
	reserveMin = 64 << 20
	commitMin  = 4 << 20
	commitMax  = 64 << 20
	warmMax    = 4 << 20 // prepared ahead of the writer
	warmPiece  = 1 << 20
)

var errFull = errors.New("the reserved address range is full")

// arena keeps the text of one document as one contiguous slice that only grows.
// A short text lives on the Go heap. Past heapLimit it moves into a reserved
// address range outside the heap, where growing copies nothing.
//
// Slices handed out earlier stay readable while the arena grows: a heap slice
// that was left behind lives as long as somebody holds it, and a range never
// moves.
type arena struct {
	buf  []byte  // len: bytes written; cap: bytes that can be written
	mem  *region // nil while on the heap
	hint int64   // expected size
	// Bytes from spillAt on are kept in a file in spillDir; 0: none are.
	spillAt  int
	spillDir string
	// noRange is set when no range can be had here: then the heap it is.
	noRange bool
	warmed  int // up to here memory was prepared
}

// append copies p behind the text and returns how much of it found room.
func (a *arena) append(p []byte) (int, error) {
	var err error
	if cap(a.buf)-len(a.buf) < len(p) {
		err = a.grow(len(p))
	}
	n := min(len(p), cap(a.buf)-len(a.buf))
	a.buf = append(a.buf, p[:n]...)
	if a.mem != nil {
		a.warmAhead()
	}
	if n < len(p) && err == nil {
		err = errFull
	}
	return n, err
}

// grow makes room for n more bytes, or for as many as can be had.
func (a *arena) grow(n int) error {
	need := len(a.buf) + n
	if a.mem != nil {
		return a.commit(need)
	}
	if need <= heapLimit || a.noRange {
		size := max(firstHeap, 2*cap(a.buf), need)
		if size > heapLimit {
			size = max(need, cap(a.buf)+cap(a.buf)/4)
		}
		a.move(make([]byte, 0, size))
		return nil
	}
	size := reserveUsual
	if a.hint >= int64(size) {
		size = reserveMax
	}
	for ; size >= reserveMin; size /= 2 {
		mem, err := reserve(size)
		if err != nil {
			continue
		}
		a.mem = mem
		old := a.buf
		a.buf = mem.all[:0:0]
		if err = a.commit(need); cap(a.buf) < len(old) || cap(a.buf) == 0 {
			a.mem, a.buf = nil, old
			return errors.Join(err, mem.release())
		}
		a.buf = append(a.buf, old...)
		return err
	}
	a.noRange = true
	return a.grow(n)
}

// warmAhead has memory prepared that the next bytes will need. Getting a page
// from the system can take longer than filling it, by far so in a virtual
// machine; this way it is got while the bytes are still on their way. What is
// prepared and then not needed is at most a quarter of the text.
func (a *arena) warmAhead() {
	have := len(a.buf)
	to := have + min(have/4, warmMax)
	if a.spillAt > 0 {
		to = min(to, a.spillAt)
	}
	if a.warmed = max(a.warmed, have); to-a.warmed < warmPiece {
		return
	}
	if to > cap(a.buf) {
		_ = a.commit(to) // that there is no more room matters when it is needed
		to = min(to, cap(a.buf))
	}
	// From a whole page on: what is before has been written to.
	if from := a.warmed &^ (warmPiece - 1); to > a.warmed && a.mem.warm(a.mem.all, from, to) {
		a.warmed = to
	}
}

func (a *arena) move(to []byte) { a.buf = append(to, a.buf...) }

// commit makes the range writable up to need and some bytes more.
func (a *arena) commit(need int) error {
	for have := cap(a.buf); have < need; have = cap(a.buf) {
		step := min(max(have/8, commitMin), commitMax)
		to := min((max(need, have+step)+commitMin-1)/commitMin*commitMin, len(a.mem.all))
		spill := a.spillAt > 0 && have >= a.spillAt
		if a.spillAt > 0 && !spill {
			to = min(to, a.spillAt)
		}
		if to == have {
			return errFull
		}
		var err error
		if spill {
			err = a.mem.spill(a.spillDir, have, to)
		} else {
			err = a.mem.commit(have, to)
		}
		if err != nil {
			return err
		}
		a.buf = a.mem.all[:len(a.buf):to]
	}
	return nil
}

// release gives the memory back. No slice of the text may be used afterwards.
func (a *arena) release() error {
	mem := a.mem
	a.buf, a.mem = nil, nil
	if mem == nil {
		return nil
	}
	return mem.release()
}
