package conn

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// ending is a dialer whose links tell, as those of SSH do, that they were
// closed here once they are.
type ending struct{ *lab }

func (c ending) Dial(ctx context.Context, t link.Target, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	l, err := c.lab.Dial(ctx, t, ask, progress)
	if err != nil {
		return nil, err
	}
	e := &closedHere{wiretap: l.ReadWriteCloser.(*wiretap), done: make(chan struct{})}
	l.ReadWriteCloser, l.Done, l.Err = e, e.done, func() error { return net.ErrClosed }
	return l, nil
}

type closedHere struct {
	*wiretap
	once sync.Once
	done chan struct{}
}

func (e *closedHere) Close() error {
	e.once.Do(func() { close(e.done) })
	return e.Conn.Close()
}

// A session that ends because of what the device sent closes its link. That end
// is no reason: the reason is what the device sent.
func TestProtocolFaultsAreToldAndNotTheEndTheyCause(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults simdev.Faults
		want   string
	}{
		"bad hello":   {simdev.Faults{Hello: []byte("Permission denied\n]]>]]>")}, "HEL-NOISE"},
		"no session":  {simdev.Faults{Hello: []byte("<hello><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>]]>]]>")}, "HEL-SESSION"},
		"bad framing": {simdev.Faults{Raw: map[string][]byte{"get-config": []byte("\n#01\n")}}, "FRM-SIZE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, map[string]*simdev.Device{"r1": rfc(tt.faults)})
			m := NewManager(Options{Dialer: ending{l}})
			closing(t, m)
			id := m.Connect(target("r1"))
			d := until(t, m, id, "an end or a session", func(d Device) bool { return d.State == Open || d.State == Lost })
			if d.State == Open {
				send(t, m, id, getConfig)
				d = until(t, m, id, "the end", inState(Lost))
			}
			var f *netconf.Fault
			if !errors.As(d.Err, &f) || f.Code != tt.want {
				t.Errorf("%v, want %s", d.Err, tt.want)
			}
		})
	}
}
