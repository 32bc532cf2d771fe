package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/xmldoc"
)

const bigReply = 100 << 20

// dialOurs returns a session as the program makes it, the hello read. It signs
// in with a password.
func dialOurs(srv *server, chunked bool, through string) (*netconf.Session, error) {
	return dialOursWith(srv, chunked, through, "")
}

// dialOursWith signs in with a key file, unless that is "".
func dialOursWith(srv *server, chunked bool, through, keyFile string) (*netconf.Session, error) {
	addr := srv.addr
	if through != "" {
		addr = through
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	n, _ := strconv.Atoi(port)
	no := false
	os.Setenv("DIALTONE_BENCH", "x")
	t := link.Target{Name: "bench", Via: link.SSH, Host: host, Port: n, User: userFor(chunked), Agent: &no, Password: "env:DIALTONE_BENCH", Pin: []string{srv.pin}}
	if keyFile != "" {
		t.Identity = []string{keyFile}
	}
	ctx := context.Background()
	l, err := dial.New(dial.Options{Home: os.DevNull}).Dial(ctx, t, nil, nil)
	if err != nil {
		return nil, err
	}
	return netconf.Open(ctx, netconf.NewTransport(l, netconf.FrameOptions{}), netconf.Options{})
}

func request(size int) netconf.Request {
	return netconf.Request{Name: "get", Body: []byte(getBulk(size))}
}

func rpcRows(srv *server, rounds int) ([]row, error) {
	const n, size = 1000, 1 << 10
	s, err := dialOurs(srv, true, "")
	if err != nil {
		return nil, err
	}
	defer s.Close(context.Background())
	b, err := dialBare(srv.addr, true)
	if err != nil {
		return nil, err
	}
	defer b.conn.Close()
	req := request(size)
	a1, b1, err := alternate(2*rounds, func() (time.Duration, error) {
		start := time.Now()
		for range n {
			if _, err := s.Do(context.Background(), req, io.Discard); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}, func() (time.Duration, error) { return b.sequential(n, size) })
	if err != nil {
		return nil, err
	}
	a2, b2, err := alternate(2*rounds, func() (time.Duration, error) { return pipelinedOurs(s, n, req) },
		func() (time.Duration, error) { return b.pipelined(n, size) })
	if err != nil {
		return nil, err
	}
	a3, b3, err := alternate(2*rounds, func() (time.Duration, error) { return callersOurs(s, n, 50, req) },
		func() (time.Duration, error) { return b.pipelined(n, size) })
	if err != nil {
		return nil, err
	}
	return []row{
		ratioRow("rpc: 1,000 of 1 KB one after the other", a1, b1, 1.3),
		ratioRow("rpc: 1,000 of 1 KB pipelined", a2, b2, 1.5),
		ratioRow("rpc: the same by 50 callers that wait", a3, b3, 0),
	}, nil
}

// pipelinedOurs has all requests on their way at once, as the bare loop has.
func pipelinedOurs(s *netconf.Session, n int, req netconf.Request) (time.Duration, error) {
	start := time.Now()
	left := n // the outcomes come one at a time
	var first error
	all := make(chan error, 1)
	for range n {
		err := s.Start(context.Background(), req, io.Discard, func(o netconf.Outcome, err error) {
			if err == nil && !o.OK {
				err = fmt.Errorf("reply %s was not understood", o.MessageID)
			}
			if first == nil {
				first = err
			}
			if left--; left == 0 {
				all <- first
			}
		})
		if err != nil {
			return 0, err
		}
	}
	err := <-all
	return time.Since(start), err
}

// callersOurs has them sent by many callers at once, each of which waits for its
// answer before it asks again.
func callersOurs(s *netconf.Session, n, callers int, req netconf.Request) (time.Duration, error) {
	start := time.Now()
	failed := make(chan error, callers)
	for range callers {
		go func() { // ends with its last reply
			for range n / callers {
				if _, err := s.Do(context.Background(), req, io.Discard); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	var first error
	for range callers {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return time.Since(start), first
}

func setupRows(srv *server, rounds int) ([]row, error) {
	const each = 20
	a, b, err := alternate(2*rounds, func() (time.Duration, error) {
		start := time.Now()
		for range each {
			s, err := dialOurs(srv, true, "")
			if err != nil {
				return 0, err
			}
			defer s.Close(context.Background())
		}
		return time.Since(start) / each, nil
	}, func() (time.Duration, error) {
		start := time.Now()
		for range each {
			c, err := dialBare(srv.addr, true)
			if err != nil {
				return 0, err
			}
			defer c.conn.Close()
		}
		return time.Since(start) / each, nil
	})
	if err != nil {
		return nil, err
	}
	trips, err := roundTrips(srv, rounds)
	if err != nil {
		return nil, err
	}
	return append([]row{ratioRow("set-up: TCP to hello done", a, b, 1.15)}, trips...), nil
}

// roundTrips sets sessions up over a path of 50 ms and counts in round trips,
// with a password and with a key, ours and the bare one in turn. With a key the
// library alone needs more than the eight of the limit.
func roundTrips(srv *server, rounds int) ([]row, error) {
	const rtt = 50 * time.Millisecond
	addr, stop, err := delayProxy(srv.addr, rtt)
	if err != nil {
		return nil, err
	}
	defer stop()
	dir, err := os.MkdirTemp("", "dialtone")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "key")
	signer, err := writeKey(file)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, with := range []struct {
		what, file string
		bare       ssh.AuthMethod
		limit      float64
	}{{"a password", "", ssh.Password("x"), 8}, {"a key", file, ssh.PublicKeys(signer), 0}} {
		a, b, err := alternate(rounds, func() (time.Duration, error) {
			start := time.Now()
			s, err := dialOursWith(srv, true, addr, with.file)
			if err != nil {
				return 0, err
			}
			took := time.Since(start)
			return took, s.Close(context.Background())
		}, func() (time.Duration, error) {
			start := time.Now()
			c, err := dialBareWith(addr, true, with.bare)
			if err != nil {
				return 0, err
			}
			took := time.Since(start)
			return took, c.conn.Close()
		})
		if err != nil {
			return nil, err
		}
		trips := func(d time.Duration) string { return fmt.Sprintf("%.1f trips", float64(d)/float64(rtt)) }
		rows = append(rows, row{"set-up: over 50 ms with " + with.what + ", in round trips", trips(a), trips(b), float64(a) / float64(rtt), with.limit})
	}
	return rows, nil
}

// writeKey makes a key and writes it to a file.
func writeKey(file string) (ssh.Signer, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(priv)
}

// delayProxy passes connections on to addr, each direction half a round trip
// late.
func delayProxy(addr string, rtt time.Duration) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				return
			}
			go late(up, c, rtt/2)
			go late(c, up, rtt/2)
		}
	}()
	return l.Addr().String(), func() { l.Close() }, nil
}

// late copies src to dst, every piece d after it came; it ends with src.
func late(dst, src net.Conn, d time.Duration) {
	type piece struct {
		at time.Time
		b  []byte
	}
	line := make(chan piece, 1<<12)
	go func() { // ends when line is closed
		defer dst.Close()
		for p := range line {
			time.Sleep(time.Until(p.at))
			if _, err := dst.Write(p.b); err != nil {
				break
			}
		}
		for range line {
		}
	}()
	defer close(line)
	for {
		b := make([]byte, 32<<10)
		n, err := src.Read(b)
		if n > 0 {
			line <- piece{time.Now().Add(d), b[:n]}
		}
		if err != nil {
			return
		}
	}
}

// fetchChild fetches one reply and prints the nanoseconds and the peak memory
// in KiB.
func fetchChild(srv *server, how string, chunked bool, size int, profile string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	var took time.Duration
	switch how {
	case "bare":
		b, err := dialBare(srv.addr, chunked)
		if err != nil {
			return err
		}
		if took, err = b.sequential(1, size); err != nil {
			return err
		}
	case "ours":
		s, err := dialOurs(srv, chunked, "")
		if err != nil {
			return err
		}
		doc := xmldoc.New(xmldoc.Options{})
		start := time.Now()
		o, err := s.Do(context.Background(), request(size), doc)
		doc.Finish(err)
		took = time.Since(start)
		if err != nil {
			return err
		}
		if int(o.Bytes) < size || doc.Rows() < size/64 {
			return fmt.Errorf("a reply of %d bytes and %d rows", o.Bytes, doc.Rows())
		}
		if p, broken := doc.Problem(); broken {
			return fmt.Errorf("%s at %d: %s", p.Code, p.Off, p.What)
		}
	}
	fmt.Println(took.Nanoseconds(), memoryKB("VmHWM"))
	return nil
}

func replyRows(srv *server, rounds int) ([]row, error) {
	var rows []row
	for _, framing := range []string{"1.0", "1.1"} {
		peaks := map[string]int{}
		run := func(how string) func() (time.Duration, error) {
			return func() (time.Duration, error) {
				self, err := os.Executable()
				if err != nil {
					return 0, err
				}
				out, err := exec.Command(self, "-role", "fetch", "-addr", srv.addr, "-pin", srv.pin, "-how", how, "-framing", framing, "-size", strconv.Itoa(bigReply)).Output()
				if err != nil {
					return 0, fmt.Errorf("fetch %s: %w", how, err)
				}
				var ns, kib int
				if _, err := fmt.Sscan(string(out), &ns, &kib); err != nil {
					return 0, err
				}
				peaks[how] = max(peaks[how], kib)
				return time.Duration(ns), nil
			}
		}
		a, b, err := alternate(2*rounds, run("ours"), run("bare"))
		if err != nil {
			return nil, err
		}
		rows = append(rows, ratioRow("reply: 100 MB sent to last row indexed, base:"+framing, a, b, 1.6))
		mib := float64(peaks["ours"]) / 1024
		limit := (1.3*float64(bigReply) + 16e6) / float64(bigReply)
		rows = append(rows, row{"reply: peak memory with it open, base:" + framing, fmt.Sprintf("%.0f MiB", mib), "100 MiB", mib / 100, limit})
	}
	return rows, nil
}
