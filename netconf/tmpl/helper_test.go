package tmpl_test

import (
	"context"
	"io"
	"net"
	"strconv"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// simulated opens a session with a simulated device over a pipe.
func simulated(t *testing.T, d *simdev.Device) *netconf.Session {
	t.Helper()
	a, b := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = d.Serve(ctx, b, "admin") }() // ends with ctx or the pipe
	t.Cleanup(func() { cancel(); <-done })
	return greeted(t, a)
}

// greeted opens a session over a stream, and ends it with the test.
func greeted(t *testing.T, rwc io.ReadWriteCloser) *netconf.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := netconf.Open(ctx, netconf.NewTransport(rwc, netconf.FrameOptions{}), netconf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rwc.Close(); <-s.Done() })
	return s
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
