package callhome

import (
	"context"
	"errors"
	"net"
	"syscall"
	"time"
)

// Keep keeps addr bound until ctx ends: serve runs on each listener and returns
// when that one broke. told hears the address that is bound, with how often that
// was tried in vain before, or why it is not bound. Then it is tried again, with
// a pause that grows to 30 s, and told hears only of another reason.
func Keep(ctx context.Context, addr string, told func(bound net.Addr, err error, tries int), serve func(net.Listener) error) {
	const first, most = time.Second, 30 * time.Second
	tries, why := 0, ""
	for pause := first; ; pause = min(2*pause, most) {
		// Options of the socket are for callers that stay, not for each of a flood.
		nl, err := (&net.ListenConfig{KeepAlive: -1}).Listen(ctx, "tcp", addr)
		if err == nil {
			told(nl.Addr(), nil, tries)
			tries, why = 0, ""
			stop := context.AfterFunc(ctx, func() { nl.Close() })
			err = serve(nl)
			stop()
			nl.Close()
			pause = first
		}
		if ctx.Err() != nil {
			return
		}
		tries++
		if err := listenFault(addr, err); err.Error() != why {
			why = err.Error()
			told(nil, err, tries)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// Accept takes the next connection. When descriptors run out it waits a little
// instead of spinning, and tells short of each such wait, with a fault.
func Accept(ctx context.Context, nl net.Listener, short func(error)) (net.Conn, error) {
	for nap := 5 * time.Millisecond; ; nap = min(2*nap, time.Second) {
		c, err := nl.Accept()
		if !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) && !errors.Is(err, syscall.ECONNABORTED) {
			return c, err
		}
		short(noFiles(err))
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(nap):
		}
	}
}

// Reset turns a connection away: it leaves nothing of it behind, not even the
// wait for what is on its way.
func Reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	c.Close()
}
