// Package outboundsim plays the device side of Junos outbound HTTPS, in both
// forms, over a simulated device. Tests, the demo and people's own trials use
// it. It can be wrong in the ways in which devices are.
package outboundsim

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"dialtone/conn/outbound/basicpb"
	"dialtone/conn/outbound/jetpb"
	"dialtone/netconf/simdev"
)

// Options configure a Device.
type Options struct {
	Servers    []string // host:port, tried in this order
	Roots      []byte   // PEM of trusted-cert, in lines or in one as a configuration has it
	ServerName string   // to verify instead of the host of the server; may be empty
	Basic      bool     // the form of 20.2
	DeviceID   string
	Secret     string
	Instance   uint64        // "process id"; 4321 when 0
	Sticky     bool          // reconnect-strategy: try the same server again at once
	WaitTime   time.Duration // of in-order, and when no server is up: 30 s
	Device     *simdev.Device
	User       string // that the session runs as; "" takes nms
	Faults     Faults
	// Log, when set, is told what happens. It must not block.
	Log func(text string)
}

// Faults are the ways in which a device can misbehave; the zero value behaves.
type Faults struct {
	Piece      int    // longest message, 1024
	MidMark    bool   // every end mark arrives in two messages
	NonASCII   bool   // do not break off at a byte outside ASCII, as a program that decodes otherwise
	NoticeOnly bool   // answer close-session with the end notice alone
	NoNotice   bool   // end without a notice
	CutNotice  bool   // the end notice comes in two messages
	Stuck      bool   // never end a session by itself
	NoEcho     bool   // do not echo the metadata of the answered call
	Token      string // send this token instead of the one given
	NoStream   bool   // answer nothing to an opened call
	OtherConn  bool   // bring the stream on a connection of its own
	Hello      string // of the basic form, instead of the constant
}

// Device dials its servers until its context ends. Its methods may be called
// concurrently.
type Device struct {
	o     Options
	trust *x509.CertPool
	wg    sync.WaitGroup

	mu       sync.Mutex
	instance uint64
	retired  bool
	again    chan struct{} // closed by Restart, which makes a new one
}

// New makes a device that has dialled nobody yet.
func New(o Options) (*Device, error) {
	if o.Instance == 0 {
		o.Instance = 4321
	}
	if o.WaitTime == 0 {
		o.WaitTime = 30 * time.Second
	}
	if o.User == "" {
		o.User = "nms"
	}
	if o.Log == nil {
		o.Log = func(string) {}
	}
	if o.Faults.Piece <= 0 {
		o.Faults.Piece = 1024
	}
	if o.Device == nil {
		o.Device = simdev.New(simdev.Options{Name: o.DeviceID, Dialect: simdev.Junos})
	}
	if len(o.Servers) == 0 {
		return nil, errors.New("no server to dial")
	}
	trust, err := anchors(o.Roots)
	if err != nil {
		return nil, err
	}
	return &Device{o: o, trust: trust, instance: o.Instance, again: make(chan struct{})}, nil
}

// Restart acts as if the program on the device had died without a word and been
// started again: it dials anew, with the next instance id. The call that was
// parked stays open until the server drops it, and nobody would answer to it.
// Sessions live on. The basic form knows no instances and takes no notice.
func (d *Device) Restart() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.instance++
	close(d.again)
	d.again = make(chan struct{})
}

// Retire has the device dial no more: Run ends once the sessions that are open
// have ended, and the server has dropped the call that was parked.
func (d *Device) Retire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.retired = true
	close(d.again)
	d.again = make(chan struct{})
}

func (d *Device) over(ctx context.Context) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.retired || ctx.Err() != nil
}

var (
	errDown  = errors.New("no server is up")
	errAgain = errors.New("the program starts again")
)

// Run dials and serves sessions until ctx ends, and waits for what it started.
func (d *Device) Run(ctx context.Context) {
	defer d.wg.Wait()
	for next := 0; !d.over(ctx); {
		at, err := d.find(ctx, next)
		if err == nil {
			d.o.Log("up: " + d.o.Servers[at])
			err = d.stay(ctx, d.o.Servers[at])
		}
		if d.over(ctx) {
			return
		}
		d.o.Log("down: " + err.Error())
		next = 0
		if errors.Is(err, errAgain) || d.o.Sticky && !errors.Is(err, errDown) {
			next = at
			continue // at once, as the real program does
		}
		rest(ctx, d.o.WaitTime)
	}
}

// find probes the servers from one on, each over a connection of its own.
func (d *Device) find(ctx context.Context, from int) (int, error) {
	why := errDown
	for i := range d.o.Servers {
		at := (from + i) % len(d.o.Servers)
		c, err := d.dial(d.o.Servers[at])
		if err != nil {
			return at, err
		}
		if d.o.Basic {
			c.Close()
			return at, nil
		}
		err = d.probe(ctx, c)
		c.Close()
		if err == nil {
			return at, nil
		}
		why = fmt.Errorf("%w: %s: %w", errDown, d.o.Servers[at], err)
	}
	return 0, why
}

const (
	probeTime  = 10 * time.Second
	lingerTime = 2 * time.Second // that a connection outlives a session that died
)

func (d *Device) probe(ctx context.Context, c *grpc.ClientConn) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	r, err := jetpb.NewNcgrpcClient(c).NcgrpcServerStatusGet(ctx, &jetpb.StatusRequest{})
	if err == nil && r.GetStatus() != jetpb.StatusReply_SUCCESS {
		return fmt.Errorf("the server says %v", r.GetStatus())
	}
	return err
}

func (d *Device) dial(server string) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(d.credentials(server)), grpc.WithUserAgent("simulated-device"),
		grpc.WithDisableServiceConfig(), grpc.WithDisableRetry(), grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}))
}

// stay keeps one call parked at a server and serves the sessions that come of
// it, until a parked call fails.
func (d *Device) stay(ctx context.Context, server string) error {
	for {
		if d.over(ctx) {
			return errAgain
		}
		c, err := d.dial(server)
		if err != nil {
			return err
		}
		if d.o.Basic { // one session for each device
			err := d.basicSession(ctx, c)
			c.Close()
			if err == nil {
				err = errors.New("the session has ended")
			}
			return err
		}
		a, err := d.parked(ctx, c)
		if err != nil {
			return err
		}
		d.wg.Add(1)
		go func() { // ends with the session
			defer d.wg.Done()
			defer c.Close()
			err := d.session(ctx, c, server, a)
			if err != nil {
				d.o.Log("session: " + err.Error())
			}
			if errors.Is(err, errNotASCII) { // only the session's thread has died
				rest(ctx, lingerTime)
			}
		}()
	}
}

// rest waits for d, or for ctx.
func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// answer is what the server said to a parked call.
type answer struct {
	kind  jetpb.InitializeReply_SessionType
	pairs metadata.MD // to be echoed
	err   error
}

// parked waits in Initialize for the session that is wanted. It closes c unless
// it returns an answer.
func (d *Device) parked(ctx context.Context, c *grpc.ClientConn) (answer, error) {
	if err := d.probe(ctx, c); err != nil {
		c.Close()
		return answer{}, err
	}
	d.mu.Lock()
	instance, again := d.instance, d.again
	d.mu.Unlock()
	answered := make(chan answer, 1)
	d.wg.Add(1)
	go func() { // ends when the server answers, or with ctx
		defer d.wg.Done()
		var a answer
		var r *jetpb.InitializeReply
		r, a.err = jetpb.NewNcgrpcClient(c).NcgrpcInitialize(metadata.AppendToOutgoingContext(ctx, "send_data", "send_data"),
			&jetpb.InitializeRequest{InstanceId: instance, DeviceId: []byte(d.o.DeviceID), SecretKey: []byte(d.o.Secret)}, grpc.Trailer(&a.pairs))
		a.kind = r.GetSessionType()
		answered <- a
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			c.Close()
		}
		return a, a.err
	case <-again:
	}
	d.wg.Add(1)
	go func() { // ends when the server drops the call, or with ctx
		defer d.wg.Done()
		<-answered
		c.Close()
	}()
	return answer{}, errAgain
}

// session brings the stream of an answered call and runs what was asked for.
func (d *Device) session(ctx context.Context, c *grpc.ClientConn, server string, a answer) error {
	f := d.o.Faults
	if f.NoStream {
		<-ctx.Done()
		return ctx.Err()
	}
	if f.OtherConn {
		other, err := d.dial(server)
		if err != nil {
			return err
		}
		defer other.Close()
		c = other
	}
	md := a.pairs.Copy()
	if f.Token != "" {
		md.Set("session-token", f.Token)
	}
	if f.NoEcho {
		md = nil
	}
	ctx, cancel := context.WithCancel(metadata.NewOutgoingContext(ctx, md))
	defer cancel()
	st, err := jetpb.NewNcgrpcClient(c).NcgrpcCommandGet(ctx)
	if err != nil {
		return err
	}
	p := newPipe(ctx, cancel, f, func(b []byte) error { return st.Send(&jetpb.SessionOutput{Message: b}) }, st.CloseSend)
	p.shell = a.kind == jetpb.InitializeReply_CSH
	p.run(func() (string, bool, error) {
		m, err := st.Recv()
		return string(m.GetNetconfCommand()) + string(m.GetCshCommand()), m.GetKillSignal() != 0, err
	})
	if p.shell {
		sh := shell{p: p, host: d.o.DeviceID, user: d.o.User}
		return p.finish(sh.run(ctx))
	}
	return p.finish(d.o.Device.Serve(ctx, p, d.o.User))
}

// basicSession greets and runs a session in the form of 20.2.
func (d *Device) basicSession(ctx context.Context, c *grpc.ClientConn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hello := d.o.Faults.Hello
	if hello == "" {
		hello = "nc_grpc_device"
	}
	cl := basicpb.NewNetconfRpcApiClient(c)
	r, err := cl.InitialHandShake(ctx, &basicpb.AuthRequest{MessageReq: []byte(hello)})
	if err != nil {
		return err
	}
	if string(r.GetMessageRes()) != "client Auth successful" {
		return fmt.Errorf("the server says %q", r.GetMessageRes())
	}
	st, err := cl.GetExecuteCommand(ctx)
	if err != nil {
		return err
	}
	p := newPipe(ctx, cancel, d.o.Faults, func(b []byte) error { return st.Send(&basicpb.RPCRequest{RequestId: 1, Message: b}) }, st.CloseSend)
	p.run(func() (string, bool, error) {
		m, err := st.Recv()
		return string(m.GetNetconfCommand()), false, err
	})
	return p.finish(d.o.Device.Serve(ctx, p, d.o.User))
}
