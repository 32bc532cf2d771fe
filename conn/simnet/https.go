package simnet

import (
	"context"

	"dialtone/conn/outbound/outboundsim"
)

// Secure is a device that dials by Junos outbound HTTPS.
type Secure struct {
	device *outboundsim.Device
	cancel context.CancelFunc
	over   chan struct{}
}

// CallSecure starts a device that dials o.Servers again and again. Stop, Retire
// or the lab's Close end it.
func (l *Lab) CallSecure(o outboundsim.Options) (*Secure, error) {
	d, err := outboundsim.New(o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(l.ctx)
	s := &Secure{device: d, cancel: cancel, over: make(chan struct{})}
	l.wg.Go(func() { // ends with Stop, with Close, or after Retire with its sessions
		defer close(s.over)
		defer cancel()
		d.Run(ctx)
	})
	return s, nil
}

// Stop ends the device with its sessions and waits for it.
func (s *Secure) Stop() {
	s.cancel()
	<-s.over
}

// Retire has the device dial no more. Sessions that are open live on. It may be
// called once, and does not wait.
func (s *Secure) Retire() { s.device.Retire() }

// Over is closed when nothing of the device runs any more.
func (s *Secure) Over() <-chan struct{} { return s.over }
