package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// bare is the yardstick: x/crypto/ssh with nothing around it.
type bare struct {
	conn    *ssh.Client
	in      io.Reader
	out     io.Writer
	chunked bool
	end     []byte
	buf     []byte
}

func userFor(chunked bool) string {
	if chunked {
		return "one-one"
	}
	return "one-zero"
}

// dialBare returns when the device's hello has been read. It signs in with a
// password.
func dialBare(addr string, chunked bool) (*bare, error) {
	return dialBareWith(addr, chunked, ssh.Password("x"))
}

func dialBareWith(addr string, chunked bool, auth ssh.AuthMethod) (*bare, error) {
	cfg := &ssh.ClientConfig{User: userFor(chunked), Auth: []ssh.AuthMethod{auth}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	cfg.Ciphers = []string{"aes128-gcm@openssh.com"}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	cc, chans, reqs, err := ssh.NewClientConn(c, addr, cfg)
	if err != nil {
		return nil, err
	}
	client := ssh.NewClient(cc, chans, reqs)
	s, err := client.NewSession()
	if err != nil {
		return nil, err
	}
	b := &bare{conn: client, chunked: chunked, end: []byte(eom), buf: make([]byte, 256<<10)}
	if b.in, err = s.StdoutPipe(); err != nil {
		return nil, err
	}
	if b.out, err = s.StdinPipe(); err != nil {
		return nil, err
	}
	if err = s.RequestSubsystem("netconf"); err != nil {
		return nil, err
	}
	extra := ""
	if chunked {
		extra = cap11
	}
	if _, err = fmt.Fprintf(b.out, helloFrame, extra); err != nil {
		return nil, err
	}
	if err = b.until(1); err != nil {
		return nil, err
	}
	if chunked {
		b.end = []byte(eoc)
	}
	return b, nil
}

// until reads n messages, looking at nothing but their ends.
func (b *bare) until(n int) error {
	tail := make([]byte, 0, 8)
	for n > 0 {
		k, err := b.in.Read(b.buf)
		if err != nil {
			return err
		}
		p := b.buf[:k]
		joint := append(tail, p[:min(k, len(b.end)-1)]...)
		n -= bytes.Count(joint, b.end) + bytes.Count(p, b.end)
		if k >= len(b.end)-1 {
			tail = append(tail[:0], p[k-len(b.end)+1:]...)
		} else {
			tail = append(tail[:0], joint[max(0, len(joint)-len(b.end)+1):]...)
		}
	}
	return nil
}

func (b *bare) sequential(n, size int) (time.Duration, error) {
	start := time.Now()
	for i := range n {
		if _, err := b.out.Write(bareFrame(i, size, b.chunked)); err != nil {
			return 0, err
		}
		if err := b.until(1); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

func (b *bare) pipelined(n, size int) (time.Duration, error) {
	start := time.Now()
	failed := make(chan error, 1)
	go func() { // ends when all are written
		var all []byte
		for i := range n {
			all = append(all, bareFrame(i, size, b.chunked)...)
			if len(all) > 16<<10 || i == n-1 {
				if _, err := b.out.Write(all); err != nil {
					failed <- err
					return
				}
				all = all[:0]
			}
		}
		failed <- nil
	}()
	if err := b.until(n); err != nil {
		return 0, err
	}
	return time.Since(start), <-failed
}
