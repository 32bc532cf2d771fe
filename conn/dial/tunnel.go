package dial

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Limits on what a device may send beside the data.
const (
	abuseCount  = 10_000 // requests and channels in one abuseWindow
	abuseWindow = 10 * time.Second
	abuseBytes  = 16 << 20 // of packets that carry no data, in one keepalive interval
	linger      = time.Second
)

// tunnel is an authenticated SSH connection with the one channel that is used
// on it. Beside the library two things run below it now and then: serve, while
// something comes, and the function of the keepalive timer.
type tunnel struct {
	conn     ssh.Conn
	w        *wire
	interval time.Duration

	payload atomic.Int64 // bytes of channel data handed up
	chans   <-chan ssh.NewChannel
	reqs    <-chan *ssh.Request
	first   <-chan *ssh.Request        // requests of the first channel, set before release
	attach  chan (<-chan *ssh.Request) // to serve: those of the next one, or nil
	serving atomic.Bool                // serve runs, or need not run again
	channel <-chan *ssh.Request        // those of the present one; serve's own
	abuse   abuseCounter               // serve's own
	final   atomic.Bool                // the channel is the one that stays
	gone    atomic.Bool                // the channel has been closed
	status  atomic.Pointer[exitStatus] // what the remote command ended with
	release func()                     // lets serve begin to answer

	ended chan struct{} // closed by serve, after err is set
	err   error

	mu      sync.Mutex
	wg      sync.WaitGroup // serve, stderr, asker, keepalive
	timer   *time.Timer
	pong    chan struct{} // closed when the keepalive under way is answered; nil when none is
	stopped bool          // no new keepalive
	closing bool          // Close was called
	over    int64         // wire bytes minus payload at the last tick
	due     time.Time     // wall clock: when tick should run next
}

// exitStatus is how the device's side of the channel ended.
type exitStatus struct {
	code   uint32
	signal string
}

// signIn performs the SSH handshake on conn, which it owns, also when it fails.
// A PatientCheck may put another target into t.
func (d *Dialer) signIn(ctx context.Context, conn net.Conn, addr string, t *link.Target, hk HostKeyCheck, ask link.Asker, progress func(link.Stage)) (*tunnel, link.Peer, error) {
	alive, dead := context.WithCancel(ctx)
	defer dead()
	w := newWire(conn, addr, dead)
	stop := context.AfterFunc(ctx, func() { w.end(ctx.Err()) })
	defer stop()
	algs, err := d.offer(t.Legacy)
	if err != nil {
		w.Close()
		return nil, link.Peer{}, err
	}
	if progress != nil {
		progress(link.Handshake)
	}
	own := *t
	a := &auth{ctx: alive, d: d, t: &own, ask: ask, w: w, progress: progress}
	cb := &callbacks{hk: hk, addr: addr}
	cb.a.Store(a)
	w.early.Store(true)
	w.begin(handshakeTime)
	c, chans, reqs, err := ssh.NewClientConn(w, addr, &ssh.ClientConfig{
		Config: ssh.Config{
			KeyExchanges: algs.kex, Ciphers: algs.ciphers, MACs: algs.macs, RekeyThreshold: d.o.RekeyThreshold,
		},
		User:              t.User,
		HostKeyAlgorithms: hk.Algorithms(algs.hostKeys),
		ClientVersion:     clientVersion,
		BannerCallback:    cb.banner,
		AuthCallback:      cb.auth,
		HostKeyCallback:   cb.hostKey,
	})
	cb.a.Store(nil)
	w.early.Store(false)
	if err == nil && a.over != nil { // let in after all, when we had given up
		err = a.over
		newTunnel(c, w, chans, reqs, 0).close()
	}
	if err != nil {
		w.Close()
		if a.fatal != nil && ctx.Err() == nil && w.why() == nil {
			return nil, link.Peer{}, a.fatal
		}
		return nil, link.Peer{}, handshakeFault(ctx, w, a.stage(), err)
	}
	w.finish()
	w.signedIn()
	peer := link.Peer{Via: t.Via, Addr: addr, User: t.User, Auth: a.how, Banner: a.said(), ServerVersion: string(c.ServerVersion())}
	if _, ok := hk.(PatientCheck); ok {
		*t = own
	}
	peer.HostKey, peer.HostKeyFrom = a.trusted()
	if peer.Auth == "" {
		peer.Auth = "none"
	}
	if a.key != nil {
		d.accepted.put(a.place, a.key)
	}
	if n, ok := c.(ssh.AlgorithmsConnMetadata); ok {
		peer.Legacy = d.legacyUsed(n.Algorithms())
	}
	return newTunnel(c, w, chans, reqs, d.keepalive(*t)), peer, nil
}

func newTunnel(c ssh.Conn, w *wire, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request, interval time.Duration) *tunnel {
	started := make(chan struct{})
	tn := &tunnel{
		conn: c, w: w, interval: interval, chans: chans, reqs: reqs,
		attach: make(chan (<-chan *ssh.Request)), ended: make(chan struct{}),
		release: sync.OnceFunc(func() { close(started) }),
	}
	tn.wg.Add(1)
	tn.serving.Store(true)
	w.wake.Store(tn)
	go func() { // ends when the connection does, or the device is silent
		defer tn.wg.Done()
		<-started
		tn.startKeepalive()
		tn.channel = tn.first
		tn.serve()
	}()
	return tn
}

// attend has serve run. It is called whenever something came, and at the end.
func (tn *tunnel) attend() {
	if tn.serving.Load() || tn.serving.Swap(true) {
		return
	}
	tn.wg.Add(1)
	go func() { // ends like the first
		defer tn.wg.Done()
		tn.serve()
	}()
}

// rests reports that serve has no more to do until attend is called: nothing has
// come for a while, and nothing waits. Of thousands of idle links none needs a
// goroutine for what a device might ask.
func (tn *tunnel) rests(onChannel <-chan *ssh.Request) bool {
	tn.serving.Store(false)
	idle := time.Since(time.Unix(0, tn.w.last.Load())) >= linger
	if idle && tn.final.Load() && !tn.w.ended.Load() && len(tn.reqs) == 0 && len(tn.chans) == 0 && len(onChannel) == 0 {
		return true
	}
	return tn.serving.Swap(true) // attend was faster
}

// serve answers what the device asks outside the data: every request and every
// channel is refused. It is the one that sees the connection end. It begins to
// answer when release is called, so that nothing of it gets between the
// subsystem request and what is written after it.
func (tn *tunnel) serve() {
	reqs, chans, onChannel, abuse := tn.reqs, tn.chans, tn.channel, tn.abuse
	pause := time.NewTicker(linger)
	defer pause.Stop()
	for reqs != nil {
		select {
		case <-pause.C:
			tn.channel, tn.abuse = onChannel, abuse
			if tn.rests(onChannel) {
				return
			}
		case r, ok := <-reqs:
			if !ok {
				reqs = nil
				break
			}
			_ = r.Reply(false, nil)
			tn.count(&abuse)
		case c, ok := <-chans:
			if !ok {
				chans = nil
				break
			}
			_ = c.Reject(ssh.Prohibited, "nothing may be opened here")
			tn.count(&abuse)
		case onChannel = <-tn.attach:
			tn.gone.Store(false)
		case r, ok := <-onChannel:
			if !ok {
				onChannel = nil
				tn.gone.Store(true)
				tn.closeWhenGone()
				break
			}
			tn.noteStatus(r)
			_ = r.Reply(false, nil)
			tn.count(&abuse)
		}
	}
	for chans != nil { // closed before reqs
		if _, ok := <-chans; !ok {
			chans = nil
		}
	}
	tn.stopKeepalive()
	tn.err = tn.reason(tn.conn.Wait())
	close(tn.ended)
}

// watch has serve look after the requests of another channel, or of none.
func (tn *tunnel) watch(reqs <-chan *ssh.Request) {
	select {
	case tn.attach <- reqs:
	case <-tn.ended:
	}
}

// settled tells that the present channel is the one that stays: when it is
// closed the connection has no more use.
func (tn *tunnel) settled() {
	tn.final.Store(true)
	tn.closeWhenGone()
}

func (tn *tunnel) closeWhenGone() {
	if tn.final.Load() && tn.gone.Load() {
		tn.w.Close()
	}
}

// cause is why the connection ended, once it has.
func (tn *tunnel) cause() error {
	select {
	case <-tn.ended:
	default:
		return nil
	}
	if err := tn.w.why(); err != nil {
		return err
	}
	return tn.err
}

// abuseCounter counts what a device asks for in windows of time.
type abuseCounter struct {
	since time.Time
	n     int
}

func (tn *tunnel) count(a *abuseCounter) {
	if now := time.Now(); now.Sub(a.since) > abuseWindow {
		a.since, a.n = now, 0
	}
	if a.n++; a.n > abuseCount {
		tn.w.end(&keys.Fault{Code: "SSH-ABUSE", What: quoted("%s sent more than %d requests in %d s", tn.w.addr, abuseCount, int(abuseWindow.Seconds())),
			Kept: "The connection was ended"})
	}
}

// noteStatus keeps how the remote command ended.
func (tn *tunnel) noteStatus(r *ssh.Request) {
	switch {
	case r.Type == "exit-status" && len(r.Payload) >= 4:
		tn.status.Store(&exitStatus{code: binary.BigEndian.Uint32(r.Payload)})
	case r.Type == "exit-signal":
		var msg struct {
			Name string
			Rest []byte `ssh:"rest"`
		}
		if ssh.Unmarshal(r.Payload, &msg) == nil {
			tn.status.Store(&exitStatus{signal: msg.Name[:min(len(msg.Name), 32)]})
		}
	}
}

// reason words why the connection ended.
func (tn *tunnel) reason(err error) error {
	tn.mu.Lock()
	closing := tn.closing
	tn.mu.Unlock()
	if cause := tn.w.why(); cause != nil {
		return cause
	}
	f := &keys.Fault{Code: "NET-LOST", Err: err}
	switch {
	case closing:
		return net.ErrClosed
	case errors.Is(err, net.ErrClosed):
		f.Code, f.What = "NET-CLOSED", tn.w.addr+" closed the session"
	case errors.Is(err, io.EOF):
		f.What = tn.w.addr + " closed the connection"
	case errors.Is(err, syscall.ECONNRESET):
		f.What = tn.w.addr + " reset the connection"
	case errors.Is(err, syscall.ETIMEDOUT):
		f.Code, f.What = "NET-DEAD", "what was sent to "+tn.w.addr+" was not acknowledged"
	default:
		f.What = quoted("the connection to %s broke: %.300q", tn.w.addr, errText(err))
	}
	return f
}

func errText(err error) string {
	if err == nil {
		return "no reason given"
	}
	return err.Error()
}

// startKeepalive arms the timer.
func (tn *tunnel) startKeepalive() {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if !tn.stopped && tn.interval > 0 {
		tn.due = time.Now().Round(0).Add(tn.interval)
		tn.timer = time.AfterFunc(tn.interval, tn.tick)
	}
}

// stopKeepalive keeps tick from running again.
func (tn *tunnel) stopKeepalive() {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.stopped = true
	if tn.timer != nil {
		tn.timer.Stop()
	}
}

// tick looks after an interval whether the device is alive: any byte received
// counts. It asks for an answer only when nothing came, and gives up after
// three intervals. A tick that comes late by an interval means that we were
// asleep or stopped, and says nothing about the device: it is asked, and its
// silence counts from now.
func (tn *tunnel) tick() {
	tn.mu.Lock()
	if tn.stopped {
		tn.mu.Unlock()
		return
	}
	tn.wg.Add(1)
	defer tn.wg.Done()
	now := time.Now().Round(0)
	slept := now.Sub(tn.due) > tn.interval
	if slept {
		tn.w.last.Store(now.UnixNano())
	}
	idle := now.Sub(time.Unix(0, tn.w.last.Load()))
	again := tn.interval - idle%tn.interval
	tn.due = now.Add(again)
	tn.timer.Reset(again)
	if len(tn.reqs) > 0 || len(tn.chans) > 0 { // held up on their way
		tn.attend()
	}
	over := tn.w.bytes.Load() - tn.payload.Load()
	grown := over - tn.over
	tn.over = over
	tn.mu.Unlock()
	if grown > abuseBytes && tn.payload.Load() < over/64 {
		tn.w.end(&keys.Fault{Code: "SSH-ABUSE", What: quoted("%s sent %d MiB that carry no data", tn.w.addr, grown>>20), Kept: "The connection was ended"})
		return
	}
	if idle >= 3*tn.interval {
		tn.w.end(&keys.Fault{Code: "NET-DEAD",
			What: quoted("%s has been silent for %d s and answered no keepalive", tn.w.addr, int(idle.Round(time.Second).Seconds())),
			Do:   "Check the network, then connect again"})
		return
	}
	if idle >= tn.interval || slept {
		tn.ping()
	}
}

// ping asks the device for an answer, unless it has been asked already. The
// channel is closed with the answer, or with the connection.
func (tn *tunnel) ping() <-chan struct{} {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if tn.stopped {
		return tn.ended
	}
	if tn.pong == nil {
		pong := make(chan struct{})
		tn.pong = pong
		tn.wg.Add(1)
		go func() { // ends with the answer, or with the connection
			defer tn.wg.Done()
			_, _, err := tn.conn.SendRequest("keepalive@openssh.com", true, nil) // any answer counts
			if err != nil {                                                      // the connection is ending: that is no answer
				tn.w.Close()
				<-tn.ended
			}
			tn.mu.Lock()
			tn.pong = nil
			tn.mu.Unlock()
			close(pong)
		}()
	}
	return tn.pong
}

// probe is link.Link's Probe: anything that comes counts as life.
func (tn *tunnel) probe(ctx context.Context) error {
	before := tn.w.bytes.Load()
	select {
	case <-tn.ping():
	case <-tn.ended:
	case <-ctx.Done():
		if tn.w.bytes.Load() == before {
			tn.w.end(&keys.Fault{Code: "NET-DEAD", What: tn.w.addr + " gave no sign of life when it was asked for one"})
			<-tn.ended
		}
	}
	return tn.cause()
}

// close ends the connection and waits for everything below it. It does not
// wait for the network.
func (tn *tunnel) close() {
	tn.mu.Lock()
	tn.closing = true
	tn.mu.Unlock()
	tn.w.Close()
	tn.release()
	<-tn.ended
	tn.wg.Wait()
}
