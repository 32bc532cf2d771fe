package callhome

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// holdConn is a connection that can be watched while nobody reads it: when a
// caller waits for a decision in the middle of the key exchange, only reading
// tells that the device has hung up. What the watcher reads is given to the
// next reader.
type holdConn struct {
	net.Conn
	mu   sync.Mutex // held by whoever reads
	held []byte
	err  error // that the watcher met
}

const holdMost = 64 << 10

func (c *holdConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.held) > 0 {
		n := copy(p, c.held)
		if c.held = c.held[n:]; len(c.held) == 0 {
			c.held = nil
		}
		return n, nil
	}
	if c.err != nil {
		return 0, c.err
	}
	return c.Conn.Read(p)
}

// watch reads ahead until stop is called; gone is closed when the connection
// ends before. stop returns once the watcher has. Deadlines of the connection
// must not be changed in between; both are cleared afterwards.
func (c *holdConn) watch() (gone <-chan struct{}, stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	c.Conn.SetDeadline(time.Time{})
	go func() { // ends with the connection, or by the deadline that stop sets
		defer close(done)
		c.mu.Lock()
		defer c.mu.Unlock()
		buf := make([]byte, 4<<10)
		for len(c.held) < holdMost {
			n, err := c.Conn.Read(buf)
			c.held = append(c.held, buf[:n]...)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if err != nil {
				c.err = err
				close(ended)
				return
			}
		}
	}()
	var once sync.Once
	return ended, func() {
		once.Do(func() {
			c.Conn.SetReadDeadline(time.Unix(1, 0))
			<-done
			c.Conn.SetReadDeadline(time.Time{})
		})
	}
}
