package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
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
			fmt.Println(cpu().Microseconds())
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
