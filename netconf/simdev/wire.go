package simdev

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dialtone/netconf"
)

var errCut = errors.New("the link was cut on purpose")

// wire writes messages to the peer. It frames by itself, apart from the
// client's transport, so that chunk sizes and errors can be had at will.
type wire struct {
	w     io.Writer
	junos bool
	wait  func(time.Duration) error // ends early with the session

	mu      sync.Mutex // held for one whole message
	chunked bool
}

// message writes one message: body produces its text.
func (x *wire) message(f Faults, body func(io.Writer) error) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := &message{x: x, f: f, size: f.ChunkSize, chunked: x.chunked && !f.Frame10After}
	if m.size <= 0 {
		m.size = 4096
	}
	m.out = append(m.out, f.Before...)
	if err := body(m); err != nil {
		return err
	}
	return m.end()
}

// raw writes bytes as they are.
func (x *wire) raw(f Faults, b []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	m := &message{x: x, f: f, out: b}
	return m.flush()
}

// message frames one message. pend holds the chunk that fills up, out what is
// framed and not yet written.
type message struct {
	x       *wire
	f       Faults
	size    int
	chunked bool
	pend    []byte
	out     []byte
	n       int64
}

const wireFlush = 64 << 10

func (m *message) Write(p []byte) (int, error) {
	total := len(p)
	if left := m.f.CutAfter - m.n; m.f.CutAfter > 0 && int64(total) > left {
		p = p[:max(left, 0)]
	}
	m.n += int64(len(p))
	for len(p) > 0 {
		if !m.chunked {
			m.out = append(m.out, p...)
			p = nil
		} else {
			k := min(len(p), m.size-len(m.pend))
			m.pend = append(m.pend, p[:k]...)
			p = p[k:]
			if len(m.pend) == m.size {
				m.chunk()
			}
		}
		if len(m.out) >= wireFlush {
			if err := m.flush(); err != nil {
				return 0, err
			}
		}
	}
	if m.f.CutAfter > 0 && m.n >= m.f.CutAfter {
		m.chunk()
		_ = m.flush() // the link goes down anyway
		return 0, errCut
	}
	return total, nil
}

// chunk closes the chunk under way.
func (m *message) chunk() {
	if m.chunked && len(m.pend) > 0 {
		m.out = fmt.Appendf(m.out, "\n#%d\n", len(m.pend))
		m.out = append(m.out, m.pend...)
		m.pend = m.pend[:0]
	}
}

// end writes what is left with the end mark.
func (m *message) end() error {
	m.chunk()
	switch {
	case m.chunked:
		m.out = append(m.out, "\n##\n"...)
	case m.x.junos:
		m.out = append(m.out, "\n]]>]]>\n"...)
	default:
		m.out = append(m.out, netconf.EndMark...)
	}
	return m.flush()
}

// flush writes out, at the pace of the faults.
func (m *message) flush() error {
	for b := m.out; len(b) > 0; {
		k := len(b)
		if r := m.f.BytesPerSec; r > 0 {
			k = min(k, max(1, r/20))
			if err := m.x.wait(time.Duration(k) * time.Second / time.Duration(r)); err != nil {
				return err
			}
		}
		if _, err := m.x.w.Write(b[:k]); err != nil {
			return err
		}
		b = b[k:]
	}
	m.out = m.out[:0]
	return nil
}

// readOnly keeps the transport from writing: wire does that.
type readOnly struct{ io.ReadWriteCloser }

func (readOnly) Write([]byte) (int, error) { return 0, errors.ErrUnsupported }
