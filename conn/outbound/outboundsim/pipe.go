package outboundsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
)

// The end notices of a device.
const (
	stopped = "Client is stopping, termination received"
	exited  = "Client is stopping, subprocess not running"
	killed  = "Client is stopping, select call failed"
)

// pipe is the standard input and output of the program on the device. Output
// leaves in pieces; each command arrives with an LF behind it.
type pipe struct {
	f         Faults
	ctx       context.Context
	cancel    context.CancelFunc
	send      func([]byte) error
	closeSend func() error
	shell     bool

	in     *queue
	over   chan struct{} // the program has ended
	ended  chan struct{} // the server has ended the stream
	mu     sync.Mutex
	closed bool
	kill   bool
	broken bool // by a byte outside ASCII
	wg     sync.WaitGroup
}

func newPipe(ctx context.Context, cancel context.CancelFunc, f Faults, send func([]byte) error, closeSend func() error) *pipe {
	return &pipe{f: f, ctx: ctx, cancel: cancel, send: send, closeSend: closeSend, in: newQueue(), over: make(chan struct{}), ended: make(chan struct{})}
}

// run reads commands until the server ends the stream.
func (p *pipe) run(recv func() (cmd string, kill bool, err error)) {
	p.wg.Add(1)
	go func() { // ends with the stream
		defer p.wg.Done()
		defer close(p.ended)
		for {
			cmd, kill, err := recv()
			if err != nil {
				p.in.close()
				return
			}
			switch {
			case p.f.Stuck && (kill || cmd == "<>"):
			case kill:
				p.mu.Lock()
				p.kill = true
				p.mu.Unlock()
				p.Close()
			case cmd == "<>" && !p.shell:
				p.Close()
			case cmd != "":
				p.in.put(cmd + "\n")
			}
		}
	}()
}

// Read gives what was typed.
func (p *pipe) Read(b []byte) (int, error) { return p.in.take(b) }

func ascii(b []byte) bool {
	for _, c := range b {
		if c > 0x7f {
			return false
		}
	}
	return true
}

var errNotASCII = errors.New("'ascii' codec can't decode byte")

// Write sends output in pieces.
func (p *pipe) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 {
		piece := b[:min(len(b), p.f.Piece)]
		if p.f.MidMark {
			if i := bytes.Index(piece, []byte("]]>]]>")); i >= 0 && i+3 < len(piece) {
				piece = piece[:i+3]
			}
		}
		b = b[len(piece):]
		p.mu.Lock()
		closed := p.closed
		p.mu.Unlock()
		if closed {
			return 0, io.ErrClosedPipe
		}
		if !p.f.NonASCII && !ascii(piece) {
			p.mu.Lock()
			p.broken = true
			p.mu.Unlock()
			p.cancel() // the program dies of it
			return 0, errNotASCII
		}
		if err := p.send(bytes.Clone(piece)); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// Close ends the program.
func (p *pipe) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.closed = true
		close(p.over)
	}
	p.in.close()
	return nil
}

// finish says why the session ends and waits for the server to end the stream.
func (p *pipe) finish(err error) error {
	p.mu.Lock()
	kill, broken := p.kill, p.broken
	p.mu.Unlock()
	p.Close()
	word := exited
	switch {
	case broken:
		p.wg.Wait()
		return errNotASCII
	case kill:
		word, err = killed, nil
	case p.ctx.Err() != nil:
		word = stopped
	}
	if p.f.Stuck {
		<-p.ended
		return err
	}
	if p.f.CutNotice {
		_ = p.send([]byte(word[:11]))
		word = word[11:]
	}
	if !p.f.NoNotice {
		_ = p.send([]byte(word))
	}
	_ = p.closeSend()
	p.wg.Wait()
	return err
}

// mostTyped is how much is read ahead of the program on the device. Beyond it the
// server has to wait, as with a real pipe that is full.
const mostTyped = 16 << 20

// queue is the standard input of the program: what comes while it does something
// else waits there, so that a kill behind it is seen.
type queue struct {
	mu     sync.Mutex
	wake   *sync.Cond
	buf    []byte
	closed bool
}

func newQueue() *queue {
	q := &queue{}
	q.wake = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(s string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) > mostTyped && !q.closed {
		q.wake.Wait()
	}
	if !q.closed {
		q.buf = append(q.buf, s...)
		q.wake.Broadcast()
	}
}

// take waits for input. What was typed before the end is still given.
func (q *queue) take(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.buf) == 0 && !q.closed {
		q.wake.Wait()
	}
	if len(q.buf) == 0 {
		return 0, io.EOF
	}
	n := copy(b, q.buf)
	if q.buf = q.buf[n:]; len(q.buf) == 0 {
		q.buf = nil
	}
	q.wake.Broadcast()
	return n, nil
}

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.wake.Broadcast()
}
