package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// callerKey is the host key of the nth device: both sides can make it.
func callerKey(n int) (ssh.Signer, error) {
	seed := sha256.Sum256([]byte("device " + strconv.Itoa(n)))
	return ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(seed[:]))
}

// callerAddr is the address from which the nth device calls.
func callerAddr(n int) net.IP { return net.IPv4(127, byte(1+n/60000), byte(n/240%250), byte(1+n%240)) }

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
	serveSSH(c, cfg, func(ch ssh.Channel, _ string) {
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
	})
}
