package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"dialtone/conn"
	"dialtone/conn/callhome"
	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/outbound/jetpb"
	"dialtone/conn/profile"
	secret "dialtone/keys"
	"dialtone/netconf"
)

const httpsSecret = "bench"

// taking is what a program that takes devices can be asked.
type taking struct {
	addr string
	come chan struct{} // an element for each device that has come
	ask  func(string) (float64, error)
}

// httpsTaker takes n devices: how is "ours" or "bare", and what for.
func httpsTaker(how, dir string, n int) error {
	t := taking{come: make(chan struct{}, n+1)}
	var err error
	switch how {
	case "ours reply":
		err = t.replyOurs(papers{dir})
	case "ours park", "ours work":
		err = t.desk(papers{dir}, n, how == "ours work")
	case "bare reply", "bare park":
		err = t.bare(papers{dir}, how == "bare reply")
	default:
		err = fmt.Errorf("no taker %q", how)
	}
	if err != nil {
		return err
	}
	fmt.Println(t.addr)
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		switch s.Text() {
		case "all":
			for range n {
				<-t.come
			}
			fmt.Println("come")
		case "memory":
			for range 3 {
				debug.FreeOSMemory()
			}
			fmt.Println(memoryKB("VmRSS"))
		case "peak":
			fmt.Println(memoryKB("VmHWM"))
		case "cpu":
			fmt.Println(cpuMicros())
		default:
			v, err := t.ask(s.Text())
			if err != nil {
				return err
			}
			fmt.Println(v)
		}
	}
	return nil
}

// desk takes devices as the program does. With auto each is opened by itself.
func (t *taking) desk(p papers, n int, auto bool) error {
	os.Setenv("DIALTONE_BENCH", httpsSecret)
	open := "ask"
	if auto {
		open = "auto"
	}
	var ps []profile.Profile
	for i := range n + 1 {
		id := fmt.Sprint("d", i)
		ps = append(ps, profile.Profile{Target: link.Target{Name: id, Via: link.HTTPS, DeviceID: id, Secret: "env:DIALTONE_BENCH", Open: open}})
	}
	m := conn.NewManager(conn.Options{})
	go func() { // ends with the process
		for range m.Events() {
		}
	}()
	var lost atomic.Int64
	m.Watch(func(d conn.Device) {
		switch d.State {
		case conn.Open:
			t.come <- struct{}{}
		case conn.Lost:
			lost.Add(1)
		}
	})
	f := desk.New(desk.Options{Manager: m, Profiles: profile.Memory(ps...), CertFile: p.cert(), KeyFile: p.key()})
	if err := f.Listen(desk.HTTPS, "127.0.0.1:0"); err != nil {
		return err
	}
	for t.addr == "" {
		<-f.Changed()
		for _, l := range f.Listeners() {
			if l.Kind == desk.HTTPS {
				t.addr = l.Bound
			}
		}
	}
	if !auto {
		go func() { // ends when all have come
			for seen := 0; seen < n; {
				<-f.Changed()
				for now := len(f.Callers()); seen < now; seen++ {
					t.come <- struct{}{}
				}
			}
		}()
	}
	var most atomic.Int64 // goroutines
	t.ask = func(what string) (float64, error) {
		word, arg, _ := strings.Cut(what, " ")
		switch word {
		case "work":
			d, err := time.ParseDuration(arg)
			stop := make(chan struct{})
			defer close(stop)
			most.Store(0)
			go func() { // ends with the work
				for tick := time.NewTicker(10 * time.Millisecond); ; {
					select {
					case <-stop:
						return
					case <-tick.C:
						most.Store(max(most.Load(), int64(runtime.NumGoroutine())))
					}
				}
			}()
			return work(m, d, &lost), err
		case "lost":
			return float64(lost.Load()), nil
		case "goroutines":
			return float64(most.Load()), nil
		case "open":
			n, err := strconv.Atoi(arg)
			if err != nil {
				return 0, err
			}
			return t.slowest(f, n)
		}
		return 0, fmt.Errorf("no question %q", what)
	}
	return nil
}

// slowest opens n of the devices that wait, one after the other, and returns how
// long the slowest took to be open, in milliseconds.
func (t *taking) slowest(f *desk.Front, n int) (float64, error) {
	var slowest time.Duration
	cs := f.Callers()
	for i := range n {
		start := time.Now()
		if err := f.Accept(cs[i*len(cs)/n].ID, link.Target{}, false); err != nil {
			return 0, err
		}
		<-t.come
		slowest = max(slowest, time.Since(start))
	}
	return float64(slowest) / 1e6, nil
}

// replyOurs takes one device and fetches replies over its session.
func (t *taking) replyOurs(p papers) error {
	pair, err := p.load()
	if err != nil {
		return err
	}
	bound, waits := make(chan string, 1), make(chan outbound.CallerID, 16)
	s := outbound.New(outbound.Options{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &pair, nil }, Book: anyone{}, OnEvent: func(ev outbound.Event) {
		switch ev.Kind {
		case outbound.Listening:
			bound <- ev.Addr
		case outbound.Waiting:
			select {
			case waits <- ev.Caller.ID:
			default:
			}
			select {
			case t.come <- struct{}{}:
			default:
			}
		}
	}})
	if err := s.Start("127.0.0.1:0"); err != nil {
		return err
	}
	t.addr = <-bound
	var session *netconf.Session
	t.ask = func(string) (float64, error) {
		if session == nil {
			lk, err := s.Open(context.Background(), <-waits)
			if err != nil {
				return 0, err
			}
			if session, err = netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true}); err != nil {
				return 0, err
			}
		}
		start := time.Now()
		out, err := session.Do(context.Background(), netconf.Request{Name: "get", Body: []byte("<get/>")}, io.Discard)
		if err == nil && out.Bytes < httpsBulk {
			err = fmt.Errorf("a reply of %d B", out.Bytes)
		}
		return float64(time.Since(start).Microseconds()), err
	}
	return nil
}

// anyone is the book in which every device has the same secret.
type anyone struct{}

func (anyone) ByID(id string) (callhome.Entry, bool) {
	return callhome.Entry{Target: link.Target{Name: id, Via: link.HTTPS, DeviceID: id},
		Secret: func(context.Context) (secret.Secret, error) { return secret.NewSecret([]byte(httpsSecret)), nil }}, true
}

// bareServer is grpc-go with nothing on top: it parks every call, or asks and
// throws the answer away.
type bareServer struct {
	jetpb.UnimplementedNcgrpcServer
	t     *taking
	open  chan struct{} // answers a parked call
	fetch chan chan error
	want  int64 // length of a reply
}

func (b *bareServer) NcgrpcServerStatusGet(context.Context, *jetpb.StatusRequest) (*jetpb.StatusReply, error) {
	return &jetpb.StatusReply{Status: jetpb.StatusReply_SUCCESS}, nil
}

func (b *bareServer) NcgrpcInitialize(ctx context.Context, _ *jetpb.InitializeRequest) (*jetpb.InitializeReply, error) {
	select {
	case b.t.come <- struct{}{}:
	default:
	}
	select {
	case <-b.open:
		return &jetpb.InitializeReply{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (b *bareServer) NcgrpcCommandGet(st jetpb.Ncgrpc_NcgrpcCommandGetServer) error {
	if _, err := st.Recv(); err != nil { // the hello
		return err
	}
	for done := range b.fetch {
		n, err := int64(0), st.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_NetconfCommand{NetconfCommand: []byte(`<rpc message-id="1"><get/></rpc>` + eom)}})
		for err == nil && n < b.want {
			var m *jetpb.SessionOutput
			m, err = st.Recv()
			n += int64(len(m.GetMessage()))
		}
		done <- err
	}
	return nil
}

func (t *taking) bare(p papers, reply bool) error {
	pair, err := p.load()
	if err != nil {
		return err
	}
	b := &bareServer{t: t, open: make(chan struct{}, 1), fetch: make(chan chan error)}
	if reply {
		b.want = int64(len(fmt.Sprintf(replyHead, "1")) + len(replyBody()))
	}
	g := grpc.NewServer(grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})))
	jetpb.RegisterNcgrpcServer(g, b)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go g.Serve(l) // ends with the process
	t.addr = l.Addr().String()
	first := true
	t.ask = func(string) (float64, error) {
		if first {
			first = false
			b.open <- struct{}{}
		}
		done := make(chan error)
		start := time.Now()
		b.fetch <- done
		err := <-done
		return float64(time.Since(start).Microseconds()), err
	}
	return nil
}

// The large reply: its head depends on the request.
const replyHead = `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="%s">`

func replyBody() []byte { return append(configXML(httpsBulk), "</rpc-reply>"+eom...) }

// httpsDevices are n devices that dial addr when told to.
func httpsDevices(addr, how, dir string, n int) error {
	roots, err := credentials.NewClientTLSFromFile(papers{dir}.cert(), "")
	if err != nil {
		return err
	}
	h := &httpsFleet{addr: addr, creds: roots}
	if how == "reply" {
		h.bulk = replyBody()
	}
	var took atomic.Int64
	abreast := 32
	if how == "crowd" {
		abreast = n
	}
	slots := make(chan struct{}, abreast)
	fmt.Println("ready")
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		word, arg, _ := strings.Cut(s.Text(), " ")
		switch word {
		case "call":
			for i := range n {
				go h.live(i, slots, nil) // ends with the process
			}
			fmt.Println("calling")
		case "late":
			pause, err := time.ParseDuration(arg)
			if err != nil {
				return err
			}
			go func() { // ends with the process
				time.Sleep(pause)
				start := time.Now()
				h.live(n, slots, func() { took.CompareAndSwap(0, int64(time.Since(start))) })
			}()
			fmt.Println("calling")
		case "took":
			d := time.Duration(took.Load())
			if d == 0 {
				return errors.New("the late device was never let in")
			}
			fmt.Println(float64(d) / 1e6)
		case "again":
			fmt.Println(h.again.Load())
		case "cpu":
			fmt.Println(cpuMicros())
		}
	}
	return nil
}

// httpsFleet is what devices have in common.
type httpsFleet struct {
	addr  string
	creds credentials.TransportCredentials
	again atomic.Int64 // calls that failed
	bulk  []byte       // behind the head of an answer; <ok/> when nil
}

// live is the life of one device: it parks a call and serves one session. opened
// is called when the call is answered.
func (h *httpsFleet) live(i int, slots chan struct{}, opened func()) {
	for {
		slots <- struct{}{}
		err := h.once(i, func() { <-slots }, opened)
		if err != nil {
			h.again.Add(1)
			time.Sleep(time.Second) // before it calls again
		}
	}
}

func (h *httpsFleet) once(i int, parked, opened func()) error {
	free := true
	defer func() {
		if free {
			parked()
		}
	}()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: callerAddr(i)}}
	c, err := grpc.NewClient("passthrough:///"+h.addr, grpc.WithTransportCredentials(h.creds), grpc.WithReadBufferSize(4<<10), grpc.WithWriteBufferSize(4<<10),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return d.DialContext(ctx, "tcp", addr) }))
	if err != nil {
		return err
	}
	defer c.Close()
	cl := jetpb.NewNcgrpcClient(c)
	ctx := context.Background()
	if _, err := cl.NcgrpcServerStatusGet(ctx, &jetpb.StatusRequest{}); err != nil {
		return err
	}
	free = false
	parked()
	if _, err := cl.NcgrpcInitialize(ctx, &jetpb.InitializeRequest{InstanceId: 1, DeviceId: []byte(fmt.Sprint("d", i)), SecretKey: []byte(httpsSecret)}); err != nil {
		return err
	}
	if opened != nil {
		opened()
	}
	st, err := cl.NcgrpcCommandGet(ctx) // without the token: married by the connection
	if err != nil {
		return err
	}
	say := func(text []byte) error {
		for len(text) > 0 {
			n := min(len(text), pieceSize)
			if err := st.Send(&jetpb.SessionOutput{Message: text[:n]}); err != nil {
				return err
			}
			text = text[n:]
		}
		return nil
	}
	if err := say(fmt.Appendf(nil, helloFrame, "")); err != nil {
		return err
	}
	for {
		m, err := st.Recv()
		if err != nil {
			return err
		}
		cmd := m.GetNetconfCommand()
		if !strings.Contains(string(cmd), "<rpc") {
			continue
		}
		if err := say(fmt.Appendf(nil, replyHead, between(cmd, `message-id="`, `"`))); err != nil {
			return err
		}
		rest := h.bulk
		if rest == nil {
			rest = []byte("<ok/></rpc-reply>" + eom)
		}
		if err := say(rest); err != nil {
			return err
		}
	}
}

// httpsDrip prints how long the longest of n sockets was let go on that say one
// byte a second: of TLS, or of HTTP/2 behind it.
func httpsDrip(addr, how string, n int) error {
	var longest atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: callerAddr(i)}}
		c, err := d.Dial("tcp", addr)
		if err != nil {
			continue // turned away at once
		}
		wg.Add(1)
		go func() { // ends when the other side hangs up
			defer wg.Done()
			defer c.Close()
			start := time.Now()
			dripOn(c, how)
			for took := int64(time.Since(start)); ; {
				if old := longest.Load(); took <= old || longest.CompareAndSwap(old, took) {
					return
				}
			}
		}()
	}
	wg.Wait()
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		fmt.Println(time.Duration(longest.Load()))
	}
	return nil
}

// dripOn drips on c until the other side hangs up.
func dripOn(c net.Conn, how string) {
	text := append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), make([]byte, 500)...) // a hello of 512 bytes
	if how == "http2" {
		tc := tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if tc.Handshake() != nil {
			return
		}
		// The preface, empty settings, and then a frame that never ends.
		if _, err := tc.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
			return
		}
		c, text = tc, append([]byte("\x00\x40\x00\x00\x00\x00\x00\x00\x01"), make([]byte, 500)...) // DATA of 16 KiB
	}
	go func() { // ends with the connection
		for _, b := range text {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	_, _ = io.Copy(io.Discard, c)
}
