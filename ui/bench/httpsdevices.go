package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"dialtone/conn/outbound/jetpb"
)

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
			fmt.Println(cpu().Microseconds())
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
