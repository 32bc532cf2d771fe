package outboundsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
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

	in     *io.PipeReader
	inw    *io.PipeWriter
	ended  chan struct{} // the server has ended the stream
	mu     sync.Mutex
	closed bool
	kill   bool
	broken bool // by a byte outside ASCII
	wg     sync.WaitGroup
}

func newPipe(ctx context.Context, cancel context.CancelFunc, f Faults, send func([]byte) error, closeSend func() error) *pipe {
	p := &pipe{f: f, ctx: ctx, cancel: cancel, send: send, closeSend: closeSend, ended: make(chan struct{})}
	p.in, p.inw = io.Pipe()
	return p
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
				p.inw.CloseWithError(io.EOF)
				return
			}
			switch {
			case p.f.Stuck && (kill || cmd == "<>"):
			case kill:
				p.mu.Lock()
				p.kill = true
				p.mu.Unlock()
				p.Close()
			case cmd == "<>":
				p.Close()
			case cmd != "":
				_, _ = io.WriteString(p.inw, cmd+"\n")
			}
		}
	}()
}

func (p *pipe) Read(b []byte) (int, error) { return p.in.Read(b) }

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
	p.closed = true
	p.mu.Unlock()
	p.in.Close()
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
		word = killed
	case p.ctx.Err() != nil:
		word = stopped
	}
	if p.f.Stuck {
		<-p.ended
		return err
	}
	if !p.f.NoNotice {
		_ = p.send([]byte(word))
	}
	_ = p.closeSend()
	p.wg.Wait()
	return err
}

// shell is a command shell that knows a few commands. One of them, yes, never
// ends.
func shell(ctx context.Context, p *pipe, host string) error {
	if _, err := io.WriteString(p, "csh session is started"); err != nil {
		return err
	}
	lines := make([]byte, 4096)
	var line []byte
	for {
		n, err := p.Read(lines)
		if err != nil {
			return nil
		}
		for _, c := range lines[:n] {
			if c != '\n' {
				line = append(line, c)
				continue
			}
			end, err := command(ctx, p, host, strings.TrimSpace(string(line)))
			if end || err != nil {
				return err
			}
			line = line[:0]
		}
	}
}

// command runs one; end is true for exit in its forms.
func command(ctx context.Context, w io.Writer, host, cmd string) (end bool, err error) {
	word, rest, _ := strings.Cut(cmd, " ")
	out := ""
	switch {
	case word == "exit" || strings.HasPrefix(word, "exit("):
		return true, nil
	case word == "hostname":
		out = host + "\n"
	case word == "echo":
		out = rest + "\n"
	case word == "uname":
		out = "JUNOS " + host + " 23.4R1.9 JUNOS 23.4R1.9 amd64\n"
	case word == "pwd":
		out = "/var/home/nms\n"
	case cmd == `cli -c "show version"`:
		out = "Hostname: " + host + "\nModel: vmx\nJunos: 23.4R1.9\n"
	case word == "yes":
		for ctx.Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("y\n", 256)); err != nil {
				return false, err
			}
		}
		return false, ctx.Err()
	default:
		out = word + ": Command not found.\n"
	}
	_, err = io.WriteString(w, out)
	return false, err
}
