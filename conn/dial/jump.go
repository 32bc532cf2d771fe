package dial

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/keys"
)

// through opens a TCP connection from the far end of the tunnel. The returned
// connection owns the tunnel.
func (tn *tunnel) through(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { tn.w.end(ctx.Err()) })
	defer stop()
	tn.w.begin(tcpTime)
	ch, reqs, err := tn.conn.OpenChannel("direct-tcpip", ssh.Marshal(struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}{host, uint32(n), "127.0.0.1", 0}))
	if err != nil {
		var refused *ssh.OpenChannelError
		if errors.As(err, &refused) && ctx.Err() == nil {
			return nil, &keys.Fault{Code: "NET-JUMP", What: quoted("%s did not reach %s (%s: %.200q)", tn.w.addr, address, refused.Reason, refused.Message),
				Do: "Check the address from there, and that it allows forwarding", Err: err}
		}
		return nil, tn.openFault(ctx, err)
	}
	tn.w.finish()
	tn.first = reqs
	tn.final.Store(true)
	tn.release()
	return &forwarded{Channel: ch, tn: tn, to: address}, nil
}

// forwarded is a channel as a network connection. It has deadlines by way of a
// timer that ends the whole tunnel, since the tunnel carries nothing else.
type forwarded struct {
	ssh.Channel
	tn *tunnel
	to string

	mu    sync.Mutex
	timer *time.Timer
}

// Read counts what comes and gives the tunnel's reason when it ended.
func (f *forwarded) Read(p []byte) (int, error) {
	n, err := f.Channel.Read(p)
	f.tn.payload.Add(int64(n))
	if n > 0 {
		return n, nil
	}
	if cause := f.tn.w.why(); err != nil && cause != nil {
		err = cause
	}
	return n, err
}

// Close ends the tunnel and waits for what runs below it.
func (f *forwarded) Close() error {
	f.stopTimer()
	f.tn.close()
	return nil
}

func (f *forwarded) stopTimer() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}

// SetDeadline ends the tunnel at t; the zero time takes that back.
func (f *forwarded) SetDeadline(t time.Time) error {
	f.stopTimer()
	if t.IsZero() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.timer = time.AfterFunc(time.Until(t), func() { f.tn.w.end(os.ErrDeadlineExceeded) })
	return nil
}

// SetReadDeadline is SetDeadline.
func (f *forwarded) SetReadDeadline(t time.Time) error { return f.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (f *forwarded) SetWriteDeadline(t time.Time) error { return f.SetDeadline(t) }

// LocalAddr is our end of the tunnel.
func (f *forwarded) LocalAddr() net.Addr { return f.tn.conn.LocalAddr() }

// RemoteAddr is the address that the far end connected to.
func (f *forwarded) RemoteAddr() net.Addr { return farAddr(f.to) }

// farAddr is an address that only the jump host can resolve.
type farAddr string

func (farAddr) Network() string  { return "tcp" }
func (a farAddr) String() string { return string(a) }
