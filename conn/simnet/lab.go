// Package simnet puts simulated devices behind real SSH servers on loopback
// sockets, with throw-away keys. Tests and the demo use it; nothing in it
// touches a file.
package simnet

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

// Lab owns its hosts and every goroutine below them. Its methods may be called
// concurrently.
type Lab struct {
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	known  *keys.KnownHosts

	mu    sync.Mutex
	hosts []*Host
}

// New makes an empty lab. Close ends it.
func New() *Lab {
	ctx, cancel := context.WithCancel(context.Background())
	return &Lab{ctx: ctx, cancel: cancel, known: keys.NewKnownHosts("")}
}

// Known are known hosts, in memory, that hold the key of every host added
// without Server.Stranger.
func (l *Lab) Known() *keys.KnownHosts { return l.known }

// Close ends all hosts and waits for what they started.
func (l *Lab) Close() {
	l.cancel()
	l.mu.Lock()
	hosts := l.hosts
	l.mu.Unlock()
	for _, h := range hosts {
		if h.listener != nil {
			h.listener.Close()
		}
		h.Cut()
	}
	l.wg.Wait()
}

// Server describes the SSH side of a host. The zero value lets in a user admin
// without any proof; setting Password, Keys or Questions asks for one.
type Server struct {
	Addr      string // to listen on; "": 127.0.0.1 and a port of the system's choice
	User      string // "": admin
	Password  string // by the method password
	Keys      []ssh.PublicKey
	Questions []Question // keyboard-interactive, one round each
	Banner    string
	HostKey   ssh.Signer // nil: a new ed25519 key
	Stranger  bool       // the key is not put into Known
	RTT       time.Duration
	Refuse    func(request, name string) bool // "subsystem", "netconf": refused when true; nil takes the subsystem netconf only
	Forward   bool                            // lets tunnels through, as a jump host does
	// Serve replaces the simulated device. It closes rwc.
	Serve func(ctx context.Context, rwc io.ReadWriteCloser, user string) error
	// Adjust has the last word on the server's configuration. May be nil.
	Adjust func(*ssh.ServerConfig)
}

// Question is one prompt of keyboard-interactive.
type Question struct {
	Prompt string
	Echo   bool
	Answer string
}

// Host is one simulated device behind a listening socket, or one that dials.
type Host struct {
	Device *simdev.Device

	lab      *Lab
	server   Server
	name     string
	listener net.Listener // nil for one that dials
	line     *line
	auths    atomic.Int64

	mu    sync.Mutex
	key   ssh.Signer
	conns map[net.Conn]struct{}
}

// Add starts a device that listens.
func (l *Lab) Add(o simdev.Options, s Server) (*Host, error) {
	h, err := l.host(o, s)
	if err != nil {
		return nil, err
	}
	if h.listener, err = net.Listen("tcp", cmp.Or(s.Addr, "127.0.0.1:0")); err != nil {
		return nil, err
	}
	if !s.Stranger {
		if err := l.known.Trust(h.Addr(), h.key.PublicKey()); err != nil {
			h.listener.Close()
			return nil, err
		}
	}
	l.mu.Lock()
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	l.wg.Go(h.accept) // ends when the listener is closed
	return h, nil
}

// host makes a host that is not reached in any way yet.
func (l *Lab) host(o simdev.Options, s Server) (*Host, error) {
	s.User = cmp.Or(s.User, "admin")
	h := &Host{lab: l, server: s, name: o.Name, key: s.HostKey, conns: make(map[net.Conn]struct{}), line: newLine(s.RTT)}
	if h.key == nil {
		var err error
		if h.key, err = NewKey(); err != nil {
			return nil, err
		}
	}
	if s.Serve == nil {
		h.Device = simdev.New(o)
		h.server.Serve = h.Device.Serve
	}
	return h, nil
}

// NewKey makes an ed25519 key that lives in memory.
func NewKey() (ssh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(private)
}

// Addr is where the host listens; "" for one that dials.
func (h *Host) Addr() string {
	if h.listener == nil {
		return ""
	}
	return h.listener.Addr().String()
}

// SignIns counts the requests for authentication that reached the host, of any
// method and with any result.
func (h *Host) SignIns() int { return int(h.auths.Load()) }

// Target is what to dial, without any credential.
func (h *Host) Target() link.Target {
	addr := h.listener.Addr().(*net.TCPAddr)
	name := h.name
	if name == "" {
		name = h.Addr()
	}
	return link.Target{Name: name, Via: link.SSH, Host: addr.IP.String(), Port: addr.Port, User: h.server.User}
}

// HostKey is the public key that the host shows now.
func (h *Host) HostKey() ssh.PublicKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.key.PublicKey()
}

// SetHostKey changes the key for connections to come, as a replaced device
// does.
func (h *Host) SetHostKey(key ssh.Signer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.key = key
}

// Cut resets every connection of the host.
func (h *Host) Cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.conns {
		c.Close()
	}
}

// Silence holds back every byte in both directions while on, without closing
// anything, as a network does that has lost the way.
func (h *Host) Silence(on bool) { h.line.silence(on) }

// Connections counts those that are open.
func (h *Host) Connections() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

func (h *Host) accept() {
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		c = h.line.wrap(c)
		h.mu.Lock()
		h.conns[c] = struct{}{}
		over := h.lab.ctx.Err() != nil
		h.mu.Unlock()
		if over {
			c.Close()
		}
		h.lab.wg.Go(func() { // ends with the connection
			defer func() {
				c.Close()
				h.mu.Lock()
				delete(h.conns, c)
				h.mu.Unlock()
			}()
			h.serve(c)
		})
	}
}

var errDenied = errors.New("denied")

// config is the server's side of the handshake for one connection.
func (h *Host) config() *ssh.ServerConfig {
	s := h.server
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-simulated",
		NoClientAuth:  s.Password == "" && s.Keys == nil && s.Questions == nil,
	}
	if s.Banner != "" {
		c.BannerCallback = func(ssh.ConnMetadata) string { return s.Banner }
	}
	if s.Password != "" {
		c.PasswordCallback = func(m ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			if m.User() != s.User || string(p) != s.Password {
				return nil, errDenied
			}
			return nil, nil
		}
	}
	if s.Keys != nil {
		c.PublicKeyCallback = func(m ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			for _, have := range s.Keys {
				if m.User() == s.User && string(have.Marshal()) == string(k.Marshal()) {
					return nil, nil
				}
			}
			return nil, errDenied
		}
	}
	if s.Questions != nil {
		c.KeyboardInteractiveCallback = func(m ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			for _, q := range s.Questions {
				a, err := ask("", "", []string{q.Prompt}, []bool{q.Echo})
				if err != nil {
					return nil, err
				}
				if m.User() != s.User || len(a) != 1 || a[0] != q.Answer {
					return nil, errDenied
				}
			}
			return nil, nil
		}
	}
	h.mu.Lock()
	c.AddHostKey(h.key)
	h.mu.Unlock()
	if s.Adjust != nil {
		s.Adjust(c)
	}
	log := c.AuthLogCallback
	c.AuthLogCallback = func(m ssh.ConnMetadata, method string, err error) {
		h.auths.Add(1)
		if log != nil {
			log(m, method, err)
		}
	}
	return c
}

// handshakeTime bounds what a client may take to sign in.
const handshakeTime = 2 * time.Minute

// serve runs one connection until it ends.
func (h *Host) serve(c net.Conn) {
	limit := time.AfterFunc(handshakeTime, func() { c.Close() })
	conn, chans, reqs, err := ssh.NewServerConn(c, h.config())
	limit.Stop()
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(h.lab.ctx)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() { ssh.DiscardRequests(reqs) }) // ends with the connection
	for nc := range chans {
		switch {
		case nc.ChannelType() == "session":
			ch, requests, err := nc.Accept()
			if err == nil {
				wg.Go(func() { h.session(ctx, ch, requests, conn.User()) }) // ends with the channel
			}
		case nc.ChannelType() == "direct-tcpip" && h.server.Forward:
			wg.Go(func() { h.forward(ctx, nc) }) // ends with either side
		default:
			_ = nc.Reject(ssh.UnknownChannelType, "not here")
		}
	}
}

// session answers the requests of one channel and serves the device on it.
func (h *Host) session(ctx context.Context, ch ssh.Channel, requests <-chan *ssh.Request, user string) {
	var wg sync.WaitGroup
	defer wg.Wait()
	running := false
	for r := range requests {
		var msg struct{ Name string }
		take := (r.Type == "subsystem" || r.Type == "exec") && ssh.Unmarshal(r.Payload, &msg) == nil && !running
		if h.server.Refuse != nil {
			take = take && !h.server.Refuse(r.Type, msg.Name)
		} else {
			take = take && r.Type == "subsystem" && msg.Name == "netconf"
		}
		_ = r.Reply(take, nil)
		if !take {
			continue
		}
		running = true
		wg.Go(func() { // ends with the device's session
			code := uint32(0)
			if err := h.server.Serve(ctx, newSessionChannel(ch), user); err != nil {
				code = 1
			}
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{code}))
			ch.Close()
		})
	}
}

// sessionChannel has its Close end only our side's data, so that the exit
// status can follow. The channel of x/crypto must not be told of that end while
// a write is under way, so the end waits for the write; a write that the client
// no longer takes ends with the connection.
type sessionChannel struct {
	ssh.Channel
	writing *sync.Mutex
	once    *sync.Once
}

func newSessionChannel(ch ssh.Channel) sessionChannel {
	return sessionChannel{Channel: ch, writing: new(sync.Mutex), once: new(sync.Once)}
}

// Write sends p as data of the channel.
func (c sessionChannel) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Channel.Write(p)
}

// Close tells the client that no more data follow, at once or after the write
// that is under way. It never waits.
func (c sessionChannel) Close() error {
	if c.writing.TryLock() {
		defer c.writing.Unlock()
		return c.end()
	}
	go func() { // ends when the write under way does
		c.writing.Lock()
		defer c.writing.Unlock()
		_ = c.end()
	}()
	return nil
}

func (c sessionChannel) end() (err error) {
	c.once.Do(func() { err = c.CloseWrite() })
	return err
}

// forward connects a tunnel to the address that the client names; loopback
// only.
func (h *Host) forward(ctx context.Context, nc ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		OriginHost string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &to); err != nil || !net.ParseIP(to.Host).IsLoopback() {
		_ = nc.Reject(ssh.Prohibited, "loopback only")
		return
	}
	var d net.Dialer
	out, err := d.DialContext(ctx, "tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)))
	if err != nil {
		_ = nc.Reject(ssh.ConnectionFailed, "no answer from there")
		return
	}
	defer out.Close()
	in, requests, err := nc.Accept()
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { ssh.DiscardRequests(requests) }) // ends with the channel
	wg.Go(func() {                                  // ends when either side does
		_, _ = io.Copy(out, in)
		out.Close()
	})
	_, _ = io.Copy(in, out)
	in.Close()
}
