package simnet

import (
	"io"
	"net"
	"sync"
	"time"
)

// line is the cable of a host: it delays, and it can go silent.
type line struct {
	half time.Duration // of the round trip

	mu   sync.Mutex
	open chan struct{} // closed while bytes pass
}

func newLine(rtt time.Duration) *line {
	l := &line{half: rtt / 2, open: make(chan struct{})}
	close(l.open)
	return l
}

// silence stops or lets go all bytes.
func (l *line) silence(on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		if on {
			l.open = make(chan struct{})
		}
	default:
		if !on {
			close(l.open)
		}
	}
}

// passing returns the channel that is closed when bytes pass.
func (l *line) passing() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// wrap puts a connection on the line.
func (l *line) wrap(c net.Conn) net.Conn {
	h := &held{Conn: c, line: l, closed: make(chan struct{})}
	if l.half == 0 {
		return h
	}
	d := &delayed{Conn: h, in: newQueue(l.half), out: newQueue(l.half), closed: make(chan struct{})}
	d.wg.Go(d.fill)  // ends when reading ends
	d.wg.Go(d.drain) // ends when closed and sent
	return d
}

// held is a connection whose bytes wait while the line is silent.
type held struct {
	net.Conn
	line   *line
	once   sync.Once
	closed chan struct{}
}

func (h *held) wait() error {
	select {
	case <-h.line.passing():
		return nil
	default:
	}
	select {
	case <-h.line.passing():
		return nil
	case <-h.closed:
		return net.ErrClosed
	}
}

func (h *held) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	if werr := h.wait(); werr != nil {
		return 0, werr
	}
	return n, err
}

func (h *held) Write(p []byte) (int, error) {
	if err := h.wait(); err != nil {
		return 0, err
	}
	return h.Conn.Write(p)
}

func (h *held) Close() error {
	h.once.Do(func() { close(h.closed) })
	return h.Conn.Close()
}

// delayed is a connection with a time of flight in both directions.
type delayed struct {
	net.Conn
	in, out *queue
	closed  chan struct{}
	once    sync.Once
	wg      sync.WaitGroup
}

func (d *delayed) fill() {
	for {
		buf := make([]byte, 32<<10)
		n, err := d.Conn.Read(buf)
		if n > 0 {
			d.in.put(buf[:n])
		}
		if err != nil {
			d.in.end(err)
			return
		}
	}
}

func (d *delayed) drain() {
	for {
		p, err := d.out.take(d.closed)
		if err != nil {
			return
		}
		if _, err := d.Conn.Write(p); err != nil {
			d.out.end(err)
			return
		}
	}
}

func (d *delayed) Read(p []byte) (int, error) { return d.in.read(p, d.closed) }

func (d *delayed) Write(p []byte) (int, error) {
	if err := d.out.put(append([]byte(nil), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close cuts what is still in flight.
func (d *delayed) Close() error {
	d.once.Do(func() { close(d.closed) })
	err := d.Conn.Close()
	d.wg.Wait()
	return err
}

// queue holds bytes until they are due. It is not bounded: what is in flight
// is bounded by the windows of SSH.
type queue struct {
	delay time.Duration

	mu    sync.Mutex
	parts []part
	err   error
	more  chan struct{} // has one token when something was added
}

type part struct {
	due  time.Time
	data []byte
}

func newQueue(delay time.Duration) *queue { return &queue{delay: delay, more: make(chan struct{}, 1)} }

func (q *queue) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *queue) put(p []byte) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil {
		return q.err
	}
	q.parts = append(q.parts, part{due: time.Now().Add(q.delay), data: p})
	q.wake()
	return nil
}

func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
	q.wake()
}

// take waits for the next part that is due.
func (q *queue) take(closed <-chan struct{}) ([]byte, error) {
	for {
		q.mu.Lock()
		var wait time.Duration = -1
		if len(q.parts) > 0 {
			if wait = time.Until(q.parts[0].due); wait <= 0 {
				p := q.parts[0].data
				q.parts = q.parts[1:]
				q.mu.Unlock()
				return p, nil
			}
		}
		err := q.err
		q.mu.Unlock()
		if wait < 0 && err != nil {
			return nil, err
		}
		if wait < 0 {
			select {
			case <-q.more:
			case <-closed:
				return nil, io.ErrClosedPipe
			}
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-closed:
			t.Stop()
			return nil, io.ErrClosedPipe
		}
	}
}

// read takes as much of the next part as fits and puts the rest back.
func (q *queue) read(p []byte, closed <-chan struct{}) (int, error) {
	data, err := q.take(closed)
	if err != nil {
		return 0, err
	}
	n := copy(p, data)
	if n < len(data) {
		q.mu.Lock()
		q.parts = append([]part{{data: data[n:]}}, q.parts...)
		q.mu.Unlock()
	}
	return n, nil
}
