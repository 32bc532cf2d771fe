package conform_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/conform"
	"dialtone/netconf/conform/realdev"
	"dialtone/netconf/simdev"
)

// session opens NETCONF over a stream.
func session(t *testing.T, rwc io.ReadWriteCloser, o netconf.Options) *netconf.Session {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, err := netconf.Open(ctx, netconf.NewTransport(rwc, netconf.FrameOptions{}), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// simulated opens sessions with a simulated device over pipes.
func simulated(d *simdev.Device, force10 bool) conform.Opener {
	return func(t *testing.T, on func(netconf.Notification)) *netconf.Session {
		a, b := net.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { // ends with the pipe or the test
			defer close(done)
			if err := d.Serve(ctx, b, "admin"); err != nil && ctx.Err() == nil {
				t.Errorf("serve: %v", err)
			}
		}()
		t.Cleanup(func() { cancel(); <-done })
		return session(t, a, netconf.Options{OnNotification: on, Quirks: netconf.Quirks{Force10: force10}})
	}
}

func TestSimulatedDevice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		o       simdev.Options
		force10 bool
		model   conform.Model
	}{
		{"rfc", simdev.Options{}, false, conform.Lab(simdev.LabNS)},
		{"rfc with startup", simdev.Options{Startup: true}, false, conform.Lab(simdev.LabNS)},
		{"rfc in base 1.0", simdev.Options{Without: []string{"base:1.1"}}, false, conform.Lab(simdev.LabNS)},
		{"rfc, client forced to base 1.0", simdev.Options{}, true, conform.Lab(simdev.LabNS)},
		{"rfc in small chunks", simdev.Options{Faults: simdev.Faults{ChunkSize: 7}}, false, conform.Lab(simdev.LabNS)},
		{"rfc without candidate", simdev.Options{Without: []string{"candidate", "confirmed-commit"}}, false, conform.Lab(simdev.LabNS)},
		{"rfc with a large configuration", simdev.Options{Bulk: 1 << 20}, false, conform.Lab(simdev.LabNS)},
		{"junos", simdev.Options{Dialect: simdev.Junos}, false, conform.Junos()},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conform.Run(t, simulated(simdev.New(c.o), c.force10), conform.Options{Model: c.model, Only10: c.force10})
		})
	}
}

func TestServerOfOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    realdev.Options
		ssh  bool
	}{
		{"candidate over ssh", realdev.Options{}, true},
		{"running", realdev.Options{Target: "running"}, false},
		{"base 1.0 over ssh", realdev.Options{Only10: true}, true},
		{"startup", realdev.Options{Startup: true}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := realdev.Start(t, c.o)
			open := func(t *testing.T, on func(netconf.Notification)) *netconf.Session {
				t.Helper()
				var rwc io.ReadWriteCloser
				if c.ssh {
					rwc = s.SSH(t)
				} else {
					rwc = s.Pipe(t)
				}
				return settled(t, session(t, rwc, netconf.Options{OnNotification: on}))
			}
			conform.Run(t, open, conform.Options{Model: conform.Lab(realdev.LabNS)})
		})
	}
}

// settled asks until the server answers. When netconfd reads a request together
// with our hello, it leaves it lying until more bytes come.
func settled(t *testing.T, s *netconf.Session) *netconf.Session {
	t.Helper()
	const nothing = `<get><filter type="subtree"><nothing xmlns="urn:dialtone:nothing"/></filter></get>`
	var err error
	for range 100 {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		_, err = s.Do(ctx, netconf.Request{Name: "get", Body: []byte(nothing)}, io.Discard)
		cancel()
		if err == nil {
			return s
		}
	}
	t.Fatalf("the server does not answer: %v", err)
	return nil
}
