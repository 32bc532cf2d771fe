package outbound

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"dialtone/conn/outbound/jetpb"
	"dialtone/netconf"
)

// The yardstick: grpc-go with nothing on top.

type bareServer struct {
	jetpb.UnimplementedNcgrpcServer
	parked chan struct{}
	got    chan int64
}

func (b *bareServer) NcgrpcInitialize(ctx context.Context, _ *jetpb.InitializeRequest) (*jetpb.InitializeReply, error) {
	b.parked <- struct{}{}
	<-ctx.Done()
	return nil, ctx.Err()
}

// NcgrpcCommandGet asks once and throws the answer away.
func (b *bareServer) NcgrpcCommandGet(st jetpb.Ncgrpc_NcgrpcCommandGetServer) error {
	if err := st.Send(&jetpb.SessionInput{Command: &jetpb.SessionInput_NetconfCommand{NetconfCommand: []byte("<rpc/>")}}); err != nil {
		return err
	}
	var n int64
	for {
		m, err := st.Recv()
		if err != nil {
			b.got <- n
			return nil
		}
		n += int64(len(m.GetMessage()))
	}
}

func startBare(tb testing.TB, l *lab, window ...grpc.ServerOption) (*bareServer, string) {
	tb.Helper()
	b := &bareServer{parked: make(chan struct{}, 1), got: make(chan int64, 1)}
	g := grpc.NewServer(append(window, grpc.Creds(credentials.NewTLS(&tls.Config{GetCertificate: l.o.GetCertificate, MinVersion: tls.VersionTLS12})))...)
	jetpb.RegisterNcgrpcServer(g, b)
	nl, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	go g.Serve(nl) // ends with Stop
	tb.Cleanup(g.Stop)
	return b, nl.Addr().String()
}

const replySize = 60 << 20

// reply is a reply of about replySize bytes with its end mark.
func reply() []byte {
	var b bytes.Buffer
	b.WriteString(`<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><data>` + "\n")
	for i := 0; b.Len() < replySize; i++ {
		fmt.Fprintf(&b, "  <interface><name>ge-0/0/%d</name><description>customer number %d</description><mtu>9192</mtu></interface>\n", i, i)
	}
	b.WriteString("</data></rpc-reply>\n]]>]]>\n")
	return b.Bytes()
}

// emit sends text in pieces of 1,024 bytes.
func emit(st jetpb.Ncgrpc_NcgrpcCommandGetClient, text []byte) error {
	for len(text) > 0 {
		n := min(1024, len(text))
		if err := st.Send(&jetpb.SessionOutput{Message: text[:n]}); err != nil {
			return err
		}
		text = text[n:]
	}
	return nil
}

// BenchmarkReply compares a session that reads a 60 MB reply with a bare stream
// that throws the same bytes away: A B A B, and the ratio of the medians.
func BenchmarkReply(b *testing.B) {
	text := reply()
	l := newLab(b, nil)
	var ours, bare []time.Duration
	var cpuOurs, cpuBare float64
	for b.Loop() {
		t0 := ticks()
		ours = append(ours, oneReply(b, l, text))
		t1 := ticks()
		bare = append(bare, oneBare(b, l, text))
		cpuOurs, cpuBare = cpuOurs+t1-t0, cpuBare+ticks()-t1
	}
	if cpuBare > 0 { // says more than the clock on a busy machine
		b.ReportMetric(cpuOurs/cpuBare, "cpu-ratio")
	}
	slices.Sort(ours)
	slices.Sort(bare)
	a, y := ours[len(ours)/2], bare[len(bare)/2]
	b.ReportMetric(a.Seconds()*1e3, "ours-ms")
	b.ReportMetric(y.Seconds()*1e3, "bare-ms")
	b.ReportMetric(float64(a)/float64(y), "ratio")
}

func oneReply(b *testing.B, l *lab, text []byte) time.Duration {
	lk, st := l.session(b)
	go func() { // ends with the stream
		st.Send(&jetpb.SessionOutput{Message: []byte(`<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities><session-id>1</session-id></hello>]]>]]>`)})
		for {
			m, err := st.Recv()
			if err != nil {
				return
			}
			if strings.Contains(string(m.GetNetconfCommand()), "<rpc") {
				emit(st, text)
			}
		}
	}()
	s, err := netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	out, err := s.Do(context.Background(), netconf.Request{Name: "get-config", Body: []byte(getConfig)}, io.Discard)
	took := time.Since(start)
	if err != nil || out.Bytes < replySize {
		b.Fatalf("%d B, %v", out.Bytes, err)
	}
	lk.Close()
	st.CloseSend()
	return took
}

func oneBare(b *testing.B, l *lab, text []byte) time.Duration {
	srv, addr := startBare(b, l)
	bl := &lab{addr: addr, roots: l.roots}
	st, err := jetpb.NewNcgrpcClient(bl.dial(b)).NcgrpcCommandGet(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := st.Recv(); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	if err := emit(st, text); err != nil {
		b.Fatal(err)
	}
	st.CloseSend()
	if n := <-srv.got; n != int64(len(text)) {
		b.Fatalf("%d B", n)
	}
	return time.Since(start)
}

var (
	parkedDevices = flag.Int("parked", 2000, "devices of BenchmarkParked")
	parkAt        = flag.String("park-at", "", "park devices at this address; not for people")
	parkRoots     = flag.String("park-roots", "", "")
)

// TestMain may turn the program into the devices of BenchmarkParked.
func TestMain(m *testing.M) {
	flag.Parse()
	if *parkAt != "" {
		parkMany()
		return
	}
	os.Exit(m.Run())
}

// parkMany parks devices, prints a line for each answered call and ends with its
// standard input.
func parkMany() {
	roots, _ := os.ReadFile(*parkRoots)
	l := &lab{addr: *parkAt, roots: roots}
	t := &testing.B{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 32)
	for i := range *parkedDevices {
		wg.Add(1)
		slots <- struct{}{}
		go func() { // ends with the program
			defer wg.Done()
			c := l.dial(t, grpc.WithReadBufferSize(4<<10), grpc.WithWriteBufferSize(4<<10))
			cl := jetpb.NewNcgrpcClient(c)
			cl.NcgrpcServerStatusGet(context.Background(), &jetpb.StatusRequest{})
			<-slots
			_, err := cl.NcgrpcInitialize(context.Background(), &jetpb.InitializeRequest{InstanceId: 1, DeviceId: []byte("d" + strconv.Itoa(i)), SecretKey: []byte("s3cret")})
			if err == nil {
				fmt.Println("answered", i, err)
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
}

// BenchmarkParked parks devices over TLS, each on its own connection, at our
// server and at a bare one, and compares the memory that each device costs. The
// devices are a process of their own.
func BenchmarkParked(b *testing.B) {
	n := *parkedDevices
	l := newLab(b, roomy)
	for i := range n {
		l.book.set("d"+strconv.Itoa(i), "s3cret")
	}
	roots := filepath.Join(b.TempDir(), "roots")
	if err := os.WriteFile(roots, l.roots, 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		srv, addr := startBare(b, l)
		bare, _, end := parkAll(b, addr, roots, n, func() { <-srv.parked })
		end()
		ours, answers, end := parkAll(b, l.addr, roots, n, func() { l.expect(b, Waiting, "") })
		var opens []time.Duration
		for _, c := range l.Callers()[:100] {
			ctx, cancel := context.WithCancel(context.Background())
			start := time.Now()
			go l.Open(ctx, c.ID) // ends with ctx
			if !answers.Scan() || !strings.HasPrefix(answers.Text(), "answered "+c.Claim[1:]+" <nil>") {
				b.Fatalf("opening %s: %q", c.Claim, answers.Text())
			}
			opens = append(opens, time.Since(start))
			cancel()
		}
		end()
		slices.Sort(opens)
		b.ReportMetric(ours/1024, "ours-KiB/device")
		b.ReportMetric(bare/1024, "bare-KiB/device")
		b.ReportMetric(ours/bare, "ratio")
		b.ReportMetric(opens[len(opens)-1].Seconds()*1e3, "slowest-open-ms")
	}
}

// ticks is the processor time of this program so far, of devices and server
// together, in ticks of the system; 0 where /proc does not tell.
func ticks() float64 {
	text, _ := os.ReadFile("/proc/self/stat")
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return float64(user + system)
}

// settled is the memory of this process after a forced collection.
func settled() float64 {
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "RssAnon:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(f[0])
	return float64(n) * 1024
}

// parkAll starts devices, waits until all are parked and returns what each costs.
func parkAll(b *testing.B, addr, roots string, n int, one func()) (each float64, answers *bufio.Scanner, end func()) {
	before := settled()
	cmd := exec.Command(os.Args[0], "-park-at", addr, "-park-roots", roots, "-parked", strconv.Itoa(n))
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	for range n {
		one()
	}
	each = (settled() - before) / float64(n)
	return each, bufio.NewScanner(out), func() {
		in.Close()
		cmd.Wait()
	}
}
