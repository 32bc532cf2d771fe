package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
)

// callerKey is the host key of the nth device: both sides can make it.
func callerKey(n int) (ssh.Signer, error) {
	seed := sha256.Sum256([]byte("device " + strconv.Itoa(n)))
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
}

// callerAddr is the address from which the nth device calls.
func callerAddr(n int) net.IP { return net.IPv4(127, byte(1+n/60000), byte(n/240%250), byte(1+n%240)) }

// callTaker takes the calls of n devices: ours, or the yardstick.
func callTaker(how string, n int) error {
	take := takeBare
	switch how {
	case "ours":
		take = takeOurs
	case "shown":
		take = takeShown
	}
	open := make(chan struct{}, n)
	addr, ask, err := take(n, func() { open <- struct{}{} })
	if err != nil {
		return err
	}
	fmt.Println(addr)
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		switch s.Text() {
		case "all":
			for range n {
				<-open
			}
			fmt.Println("open")
		case "memory": // of a program that has been idle for a while: the runtime collects by itself every two minutes
			time.Sleep(3 * time.Second)
			for range 3 {
				debug.FreeOSMemory()
			}
			fmt.Println(memoryKB("RssAnon")) // not what of the program itself is in memory
		case "resident":
			debug.FreeOSMemory()
			fmt.Println(memoryKB("VmRSS"))
		case "peak":
			fmt.Println(memoryKB("VmHWM"))
		default:
			fmt.Println(ask(s.Text()))
		}
	}
	return nil
}

func memoryKB(field string) int {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return n
		}
	}
	return 0
}

func takeOurs(n int, open func()) (string, func(string) float64, error) {
	t, err := newTaker(n, open)
	if err != nil {
		return "", nil, err
	}
	go func() { // ends with the process
		for range t.m.Events() {
		}
	}()
	return t.bound, func(what string) float64 {
		if length, ok := strings.CutPrefix(what, "work "); ok {
			d, _ := time.ParseDuration(length)
			return work(t.m, d, &t.lost)
		}
		return float64(t.lost.Load())
	}, nil
}

// taker is the desk with its manager and the profiles of n devices. Somebody has
// to take the events.
type taker struct {
	m        *conn.Manager
	desk     *desk.Front
	profiles profile.Store
	bound    string
	lost     atomic.Int64 // sessions
}

func newTaker(n int, open func()) (*taker, error) {
	os.Setenv("DIALTONE_BENCH", "x")
	no := false
	var ps []profile.Profile
	for i := range n {
		k, err := callerKey(i)
		if err != nil {
			return nil, err
		}
		ps = append(ps, profile.Profile{Target: link.Target{Name: fmt.Sprint("r", i), Via: link.CallHome, User: "bench", Agent: &no,
			Password: "env:DIALTONE_BENCH", Pin: []string{ssh.FingerprintSHA256(k.PublicKey())}, Open: "auto"}})
	}
	t := &taker{m: conn.NewManager(conn.Options{}), profiles: profile.Memory(ps...)}
	t.m.Watch(func(d conn.Device) {
		switch d.State {
		case conn.Open:
			open()
		case conn.Lost:
			t.lost.Add(1)
		}
	})
	t.desk = desk.New(desk.Options{Manager: t.m, Profiles: t.profiles, Dialer: dial.New(dial.Options{Home: os.DevNull})})
	if err := t.desk.Listen(desk.SSH, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	for {
		<-t.desk.Changed()
		if l := t.desk.Listeners()[0]; l.Bound != "" {
			t.bound = l.Bound
			return t, nil
		}
	}
}

// work has every session answer 50 requests a second and returns the time within
// which 99 of 100 were answered, in milliseconds. A request that is not answered
// counts as lost.
func work(m *conn.Manager, length time.Duration, lost *atomic.Int64) float64 {
	req := netconf.Request{Name: "get", Body: []byte("<get/>")}
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	end := time.Now().Add(length)
	for _, d := range m.Devices() {
		wg.Add(1)
		go func() { // ends with its last answer
			defer wg.Done()
			for tick := time.NewTicker(20 * time.Millisecond); time.Now().Before(end); <-tick.C {
				start := time.Now()
				x, err := m.Send(d.ID, req)
				if err != nil {
					lost.Add(1)
					return
				}
				for done := false; !done; {
					var o netconf.Outcome
					if o, done, err = x.Snapshot(); done && (err != nil || !o.OK) {
						lost.Add(1)
						return
					}
					if !done {
						time.Sleep(200 * time.Microsecond)
					}
				}
				mu.Lock()
				all = append(all, time.Since(start))
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return float64(all[len(all)*99/100]) / 1e6
}

func takeBare(_ int, open func()) (string, func(string) float64, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() { // ends with the process
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with the session
				if err := holdBare(c, open); err != nil {
					fmt.Fprintln(os.Stderr, "bare:", err)
				}
			}()
		}
	}()
	return l.Addr().String(), func(string) float64 { return 0 }, nil
}

// holdBare makes a client of a call, reads the device's hello and stays.
func holdBare(c net.Conn, open func()) error {
	cfg := &ssh.ClientConfig{User: "bench", Auth: []ssh.AuthMethod{ssh.Password("x")}, HostKeyCallback: ssh.InsecureIgnoreHostKey()}
	cfg.Ciphers = []string{"aes128-gcm@openssh.com"}
	cc, chans, reqs, err := ssh.NewClientConn(c, "", cfg)
	if err != nil {
		return err
	}
	client := ssh.NewClient(cc, chans, reqs)
	s, err := client.NewSession()
	if err != nil {
		return err
	}
	in, err := s.StdoutPipe()
	if err != nil {
		return err
	}
	out, err := s.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.RequestSubsystem("netconf"); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, helloFrame, ""); err != nil {
		return err
	}
	r := bufio.NewReader(in)
	if err := readMessage(r, io.Discard); err != nil {
		return err
	}
	open()
	for err == nil { // io.Discard would hold a buffer of its own
		_, err = r.ReadByte()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// readMessage copies what comes up to the end of a message.
func readMessage(r *bufio.Reader, w io.Writer) error {
	for ends := 0; ends < 2; {
		line, err := r.ReadSlice('>')
		if err != nil && err != bufio.ErrBufferFull {
			return err
		}
		w.Write(line)
		switch {
		case string(line) == "]]>":
			ends++
		case bytes.HasSuffix(line, []byte("]]>")):
			ends = 1
		default:
			ends = 0
		}
	}
	return nil
}

// fakeCallers are n devices that call addr; how is the text of calls.
func fakeCallers(addr string, n int, how string) error {
	var as calls
	if _, err := fmt.Sscan(how, &as.abreast, (*int64)(&as.spread), (*int64)(&as.far)); err != nil {
		return err
	}
	cfgs := make([]*ssh.ServerConfig, n)
	for i := range cfgs {
		k, err := callerKey(i)
		if err != nil {
			return err
		}
		cfgs[i] = &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
		cfgs[i].AddHostKey(k)
	}
	var placed atomic.Int64
	waits := make(chan time.Duration, n)
	slots := make(chan struct{}, as.abreast)
	fmt.Println("ready")
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		if s.Text() == "placed" {
			all := make([]time.Duration, 0, n)
			for range n {
				all = append(all, <-waits)
			}
			slices.Sort(all)
			fmt.Println(placed.Load(), int64(all[n/2]), int64(all[n*99/100]))
			continue
		}
		start := time.Now()
		for i, cfg := range cfgs {
			go func() { // ends with the process
				time.Sleep(time.Until(start.Add(as.spread * time.Duration(i) / time.Duration(n))))
				for {
					slots <- struct{}{}
					placed.Add(1)
					d := net.Dialer{LocalAddr: &net.TCPAddr{IP: callerAddr(i)}}
					if c, err := d.Dial("tcp", addr); err == nil {
						called := time.Now()
						fakeDevice(away(c, as.far), cfg, func(open bool) {
							<-slots
							if open {
								select {
								case waits <- time.Since(called):
								default: // it called again
								}
							}
						})
					} else {
						<-slots
					}
					time.Sleep(time.Second) // as a device does before it calls again
				}
			}()
		}
		fmt.Println("calling")
	}
	return nil
}

// away is c over a path with rtt of round trip time.
func away(c net.Conn, rtt time.Duration) net.Conn {
	if rtt == 0 {
		return c
	}
	here, there := net.Pipe()
	go late(there, c, rtt/2)
	go late(c, there, rtt/2)
	return here
}

// fakeDevice serves one call until it ends. settled is called once: when the
// session is open, or else when the call is over.
func fakeDevice(c net.Conn, cfg *ssh.ServerConfig, settled func(open bool)) {
	var once sync.Once
	settle := func(open bool) { once.Do(func() { settled(open) }) }
	defer settle(false)
	defer c.Close()
	_, chans, reqs, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		ch, rs, err := nc.Accept()
		if err != nil {
			return
		}
		go func() { // ends with the channel
			for r := range rs {
				r.Reply(true, nil)
			}
		}()
		go func() { // ends with the channel
			defer ch.Close()
			fmt.Fprintf(ch, helloFrame, "")
			r := bufio.NewReaderSize(ch, 512)
			for first := true; ; first = false {
				var msg bytes.Buffer
				if readMessage(r, &msg) != nil {
					return
				}
				if first {
					settle(true)
					continue
				}
				out := bufio.NewWriterSize(ch, 512)
				canned{[]byte("<ok/>")}.write(out, between(msg.Bytes(), `message-id="`, `"`), false)
				if out.Flush() != nil {
					return
				}
			}
		}()
	}
}

// strangers disturb a listener: how is for how long they connect 10,000 times a
// second, or "drip" for n sockets that say one byte a second.
func strangers(addr, how string, n int) error {
	if how == "drip" {
		return drip(addr, n)
	}
	length, err := time.ParseDuration(how)
	if err != nil {
		return err
	}
	var made atomic.Int64
	done := make(chan struct{})
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	go func() { // ends with ctx
		defer close(done)
		var wg sync.WaitGroup
		for w := range 32 {
			wg.Add(1)
			go func() { // ends with ctx
				defer wg.Done()
				start := time.Now()
				for i := 0; ctx.Err() == nil; i++ {
					time.Sleep(time.Until(start.Add(time.Duration(i) * 32 * 100 * time.Microsecond)))
					d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 9, byte(w), byte(1+i%200))}}
					c, err := d.DialContext(ctx, "tcp", addr)
					if err != nil {
						continue
					}
					made.Add(1)
					c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
					c.(*net.TCPConn).SetLinger(0)
					c.Close()
				}
			}()
		}
		wg.Wait()
	}()
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		<-done
		fmt.Println(made.Load())
	}
	return nil
}

// drip prints how long the longest of n sockets was let go on.
func drip(addr string, n int) error {
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
			go func() { // ends with the connection
				for _, b := range []byte("MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\n") {
					if _, err := c.Write([]byte{b}); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			c.Read(make([]byte, 1))
			for took := int64(time.Since(start)); took > longest.Load(); {
				longest.Store(took)
			}
		}()
	}
	wg.Wait()
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		fmt.Println(time.Duration(longest.Load()))
	}
	return nil
}
