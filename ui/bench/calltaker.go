package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"slices"
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
