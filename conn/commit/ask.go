package commit

import (
	"context"
	"fmt"

	"dialtone/conn"
	"dialtone/netconf"
)

// device returns the manager and an open session's row.
func (c *Control) device(id conn.SessionID) (Sessions, conn.Device, error) {
	c.mu.Lock()
	s := c.sessions
	c.mu.Unlock()
	if s == nil {
		return nil, conn.Device{}, refusal("there are no sessions", "")
	}
	d, ok := s.Device(id)
	switch {
	case !ok:
		return nil, d, refusal("there is no such session", "")
	case d.State != conn.Open:
		return nil, d, refusal(d.Target.Name+" has no open session", "Connect first")
	}
	return s, d, nil
}

// wait returns when x has ended; when ctx is done it stops the waiting for the
// answer, not the device.
func wait(ctx context.Context, s Sessions, x *conn.Exchange) (netconf.Outcome, error) {
	select {
	case <-x.Done():
	case <-ctx.Done():
		s.Stop(x.ID)
		<-x.Done()
	}
	o, _, err := x.Snapshot()
	return o, err
}

// ask sends a request that reads and waits for a good answer.
func (c *Control) ask(ctx context.Context, s Sessions, id conn.SessionID, r netconf.Request) (*conn.Exchange, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x, err := s.Send(id, r)
	if err != nil {
		return nil, err
	}
	o, err := wait(ctx, s, x)
	switch {
	case err != nil:
		return x, err
	case o.Result != netconf.Answered:
		return x, &netconf.Fault{Code: "COMMIT-READ", What: fmt.Sprintf("%s was not answered", r.Name)}
	case !o.OK:
		return x, &netconf.Fault{Code: "COMMIT-READ", What: fmt.Sprintf("the device refused %s: %q", r.Name, firstError(o))}
	}
	return x, nil
}
