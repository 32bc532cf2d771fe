package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// strangers disturb a listener: for as long as how says they connect 10,000 times
// a second, or n sockets drip as how says.
func strangers(addr, how string, n int) error {
	if kind, ok := strings.CutPrefix(how, "drip-"); ok {
		return drip(addr, kind, n)
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

// drip prints how long the longest of n sockets was let go on that say one byte a
// second: of the preamble of a device, of TLS, or of HTTP/2 behind it.
func drip(addr, kind string, n int) error {
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
			dripOn(c, kind)
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
func dripOn(c net.Conn, kind string) {
	text := append([]byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), make([]byte, 500)...) // a hello of 512 bytes
	switch kind {
	case "ssh":
		text = []byte("MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\n")
	case "http2":
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
