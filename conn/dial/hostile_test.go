package dial

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// fake serves every connection to a loopback port by handle.
func fake(t testing.TB, handle func(c net.Conn)) link.Target {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	wg.Go(func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			stop := context.AfterFunc(ctx, func() { c.Close() })
			wg.Go(func() { // ends when handle does, at the latest with the test
				defer stop()
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); cancel(); wg.Wait() })
	a := l.Addr().(*net.TCPAddr)
	return link.Target{Name: "fake", Host: "127.0.0.1", Port: a.Port, User: "admin"}
}

// pinnedTo is a target whose key needs no known hosts.
func pinnedTo(t link.Target, k ssh.PublicKey) link.Target {
	t.Pin = []string{ssh.FingerprintSHA256(k)}
	return t
}

func TestPeersThatAreNoSSHServers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		handle func(c net.Conn)
		code   string
		text   string
	}{
		{"HTTP", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
		}, "SSH-NOTSSH", `answered "HTTP/1.1 400 Bad Request"`},
		{"HTTP that stays", func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, "SSH-NOTSSH", "HTTP"},
		{"TLS", func(c net.Conn) {
			_, _ = io.WriteString(c, "\x15\x03\x03\x00\x02\x02\x46")
		}, "SSH-NOTSSH", `\x15\x03\x03`},
		{"telnet", func(c net.Conn) {
			_, _ = io.WriteString(c, "\xff\xfd\x18\xff\xfd\x20login: ")
			_, _ = io.Copy(io.Discard, c)
		}, "SSH-NOTSSH", `\xff\xfd`},
		{"a line and the end", func(c net.Conn) {
			_, _ = io.WriteString(c, "too many users\x1b[2J\r\n")
		}, "SSH-NOTSSH", `too many users\x1b[2J`},
		{"endless lines", func(c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("x", 200)+"\n"); err != nil {
					return
				}
			}
		}, "SSH-NOTSSH", "xxx"},
		{"closes at once", func(c net.Conn) {}, "NET-CLOSED", "before it said anything"},
		{"version 1.5", func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-1.5-old\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, "SSH-V1", "SSH-1.5-old"},
		{"greeting and the end", func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-x\r\n")
			_, _ = bufio.NewReader(c).ReadString('\n')
		}, "NET-CLOSED", "agreeing on keys"},
		{"rubbish after the greeting", func(c net.Conn) {
			_, _ = io.WriteString(c, "SSH-2.0-x\r\n"+strings.Repeat("rubbish!", 100))
			_, _ = io.Copy(io.Discard, c)
		}, "SSH-PROTO", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), fake(t, tt.handle), nil, nil)
			if code(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("%v, want %s with %q", err, tt.code, tt.text)
			}
			if !utf8.ValidString(fmt.Sprint(err)) || strings.ContainsAny(fmt.Sprint(err), "\x1b\r") {
				t.Errorf("foreign bytes in %q", err)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	d := New(Options{Home: t.TempDir()})
	_, err = d.Dial(within(t, time.Minute), link.Target{Host: "127.0.0.1", Port: port, User: "x"}, nil, nil)
	if code(err) != "NET-REFUSED" {
		t.Errorf("%v", err)
	}
	for _, host := range []string{"", "a b", "x\n", "-\x00"} {
		if _, err := d.Dial(within(t, time.Minute), link.Target{Host: host, User: "x"}, nil, nil); code(err) != "NET-NAME" {
			t.Errorf("%q: %v", host, err)
		}
	}
}

// TestDeadlinesOfTheHandshake moves the deadline up instead of waiting for it.
func TestDeadlinesOfTheHandshake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		handle func(c net.Conn)
		code   string
	}{
		{"silent", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, "SSH-TIMEOUT"},
		{"drips", func(c net.Conn) {
			tick := time.NewTicker(5 * time.Millisecond)
			defer tick.Stop()
			for range tick.C {
				if _, err := io.WriteString(c, "S"); err != nil {
					return
				}
			}
		}, "SSH-NOTSSH"},
		{"greets and is silent", func(c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-x\r\n"); _, _ = io.Copy(io.Discard, c) }, "SSH-TIMEOUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := New(Options{Home: t.TempDir(), Net: func(ctx context.Context, network, address string) (net.Conn, error) {
				var nd net.Dialer
				c, err := nd.DialContext(ctx, network, address)
				return hurried{c}, err
			}})
			start := time.Now()
			_, err := d.Dial(within(t, time.Minute), fake(t, tt.handle), nil, nil)
			if code(err) != tt.code || time.Since(start) > 15*time.Second {
				t.Errorf("%v after %v, want %s", err, time.Since(start), tt.code)
			}
		})
	}
}

// hurried is a connection on which time passes a hundred times as fast.
type hurried struct{ net.Conn }

func (h hurried) SetDeadline(t time.Time) error {
	if !t.IsZero() {
		t = time.Now().Add(time.Until(t) / 10)
	}
	return h.Conn.SetDeadline(t)
}

func TestNoCommonAlgorithmNamesBothListsAndTheRemedy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		adjust func(*ssh.ServerConfig)
		remedy string
	}{
		{"key exchange", func(c *ssh.ServerConfig) { c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH1SHA1} }, "dh1-sha1"},
		{"cipher", func(c *ssh.ServerConfig) { c.Ciphers = []string{ssh.InsecureCipherAES128CBC} }, "cbc"},
		{"MAC", func(c *ssh.ServerConfig) {
			c.Ciphers, c.MACs = []string{ssh.CipherAES128CTR}, []string{ssh.HMACSHA1}
		}, "hmac-sha1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{Adjust: tt.adjust})
			target := h.Target()
			_, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			var ae *AlgorithmError
			if !errors.As(err, &ae) || code(err) != "SSH-ALG" || !slices.Equal(ae.Remedies, []string{tt.remedy}) || len(ae.Ours) == 0 {
				t.Fatalf("%v", err)
			}
			target.Legacy = ae.Remedies
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			echoed(t, c)
			if !slices.Equal(c.Peer.Legacy, ae.Remedies) {
				t.Errorf("legacy in use: %v", c.Peer.Legacy)
			}
		})
	}
	if _, err := New(Options{}).Dial(within(t, time.Second), fakeLegacy(t), nil, nil); code(err) != "SSH-LEGACY" {
		t.Errorf("%v", err)
	}
}

func fakeLegacy(t *testing.T) link.Target {
	target := fake(t, func(net.Conn) {})
	target.Legacy = []string{"arcfour"}
	return target
}

// rudeServer runs a server whose questions and connection are given.
func rudeServer(t *testing.T, adjust func(*ssh.ServerConfig), rude func(conn *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request)) link.Target {
	t.Helper()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	target := fake(t, func(c net.Conn) {
		conf := &ssh.ServerConfig{NoClientAuth: true}
		if adjust != nil {
			conf = &ssh.ServerConfig{MaxAuthTries: -1}
			adjust(conf)
		}
		conf.AddHostKey(key)
		conn, chans, reqs, err := ssh.NewServerConn(c, conf)
		if err == nil && rude != nil {
			rude(conn, chans, reqs)
		}
	})
	no := false
	target.Agent = &no
	return pinnedTo(target, key.PublicKey())
}

func TestQuestionsWithoutEnd(t *testing.T) {
	t.Parallel()
	prompts := func(n, size int) ([]string, []bool) {
		return slices.Repeat([]string{strings.Repeat("p", size)}, n), make([]bool, n)
	}
	for _, tt := range []struct {
		name              string
		prompts, size, by int // by: how many answers a person may have to give
	}{
		{"endless rounds", 1, 10, maxRounds}, {"endless empty rounds", 0, 0, 0},
		{"40,000 prompts", 40_000, 1, 0}, {"long prompt", 1, 100_000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var saw []string
			target := rudeServer(t, func(c *ssh.ServerConfig) {
				c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					for {
						p, e := prompts(tt.prompts, tt.size)
						answers, err := ask("name", "instruction", p, e)
						if err != nil {
							return nil, err
						}
						saw = append(saw, answers...)
					}
				}
			}, nil)
			pw := t.TempDir() + "/pw"
			if err := os.WriteFile(pw, []byte("pa55"), 0o600); err != nil {
				t.Fatal(err)
			}
			target.Password = "file:" + pw
			answered := 0
			who := &person{challenge: func(q link.ChallengeQuestion) ([]string, error) {
				answered++
				return make([]string, len(q.Prompts)), nil
			}}
			_, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, who, nil)
			if code(err) != "AUTH-ABUSE" || answered > tt.by {
				t.Errorf("%v after %d answers", err, answered)
			}
			if n := strings.Count(strings.Join(saw, " "), "pa55"); n > 1 {
				t.Errorf("the password was sent %d times", n)
			}
		})
	}
}

func TestBannersWithoutEnd(t *testing.T) {
	t.Parallel()
	target := rudeServer(t, func(c *ssh.ServerConfig) {
		c.NoClientAuth = true
		c.NoClientAuthCallback = func(ssh.ConnMetadata) (*ssh.Permissions, error) {
			return nil, errors.New("never")
		}
		c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("no") }
		c.PreAuthConnCallback = func(conn ssh.ServerPreAuthConn) {
			for range 2000 {
				if conn.SendAuthBanner(strings.Repeat("\x1b[2J", 50_000)) != nil {
					return
				}
			}
		}
	}, nil)
	_, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, &person{}, nil)
	if code(err) != "SSH-ABUSE" {
		t.Errorf("%v", err)
	}
}

// TestPacketsSentAheadAreEaten gives up while many packets wait; that nothing
// hangs on them is seen at the end of all tests.
func TestPacketsSentAheadAreEaten(t *testing.T) {
	t.Parallel()
	sent := make(chan struct{})
	target := rudeServer(t, func(c *ssh.ServerConfig) {
		var pre ssh.ServerPreAuthConn
		c.PreAuthConnCallback = func(conn ssh.ServerPreAuthConn) { pre = conn }
		c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			go func() { // ends with the connection
				defer close(sent)
				for range 500 {
					_ = pre.SendAuthBanner("b")
				}
			}()
			_, err := ask("", "", []string{"?"}, []bool{true})
			return nil, err
		}
	}, nil)
	_, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, &person{challenge: func(link.ChallengeQuestion) ([]string, error) {
		<-sent
		return nil, link.ErrDeclined
	}}, nil)
	if code(err) != "AUTH-STOPPED" {
		t.Errorf("%v", err)
	}
}

// polite answers like a device and then lets rude do its work beside an echo.
func polite(rude func(conn *ssh.ServerConn, ch ssh.Channel)) func(*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request) {
	return func(conn *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() { ssh.DiscardRequests(reqs) }) // ends with the connection
		for nc := range chans {
			ch, creqs, err := nc.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { // ends with the channel
				for r := range creqs {
					_ = r.Reply(r.Type == "subsystem", nil)
				}
			})
			wg.Go(func() { rude(conn, ch) })
			wg.Go(func() { _, _ = io.Copy(ch, ch); ch.Close() })
		}
	}
}

func TestRudeDevicesAreServedOrDropped(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		rude func(conn *ssh.ServerConn, ch ssh.Channel)
		want string // code that ends the link; "": it goes on
	}{
		{"opens channels", func(conn *ssh.ServerConn, _ ssh.Channel) {
			for range 100 {
				if _, _, err := conn.OpenChannel("session", nil); err == nil {
					panic("a channel was accepted")
				}
			}
		}, ""},
		{"3 MiB on standard error", func(_ *ssh.ServerConn, ch ssh.Channel) {
			_, _ = ch.Stderr().Write(make([]byte, 3<<20))
		}, ""},
		{"3 MiB on standard error, little by little", func(_ *ssh.ServerConn, ch ssh.Channel) {
			for range 3 << 10 {
				_, _ = ch.Stderr().Write(make([]byte, 1<<10))
			}
		}, ""},
		{"requests", func(conn *ssh.ServerConn, ch ssh.Channel) {
			for range 100 {
				_, _, _ = conn.SendRequest("keepalive@openssh.com", true, nil)
				_, _ = ch.SendRequest("keepalive@openssh.com", true, nil)
			}
		}, ""},
		{"a flood of requests", func(conn *ssh.ServerConn, _ ssh.Channel) {
			for {
				if _, _, err := conn.SendRequest("x", false, nil); err != nil {
					return
				}
			}
		}, "SSH-ABUSE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			target := rudeServer(t, nil, polite(func(conn *ssh.ServerConn, ch ssh.Channel) {
				defer close(done)
				tt.rude(conn, ch)
			}))
			c, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if tt.want != "" {
				<-c.Done
				if code(c.Err()) != tt.want {
					t.Errorf("%v, want %s", c.Err(), tt.want)
				}
				return
			}
			<-done
			echoed(t, c)
		})
	}
}

func TestSubsystemThatIsNeverConfirmed(t *testing.T) {
	t.Parallel()
	target := rudeServer(t, nil, func(conn *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs) // ends with the connection
		for nc := range chans {
			_, _, _ = nc.Accept() // requests stay unanswered
		}
	})
	ctx := within(t, time.Minute)
	c, err := New(Options{Home: t.TempDir()}).Dial(ctx, target, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	read := make(chan error, 1)
	go func() { _, err := c.Read(make([]byte, 1)); read <- err }() // ends with the link
	c.Close()
	if err := <-read; err == nil {
		t.Error("read from nothing")
	}
}

func TestBigHostKeysWork(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	l := lab(t)
	h := add(t, l, simnet.Server{HostKey: bigRSA(t)})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if !strings.HasPrefix(c.Peer.HostKey, "RSA SHA256:") {
		t.Error(c.Peer.HostKey)
	}
}

func TestSurvivesTheQuestionAboutAPinnedCaller(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	conn, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c, err := Client(within(t, time.Minute), conn, link.Target{User: "admin", Via: link.CallHome}, exactly{h.HostKey()}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	if c.Peer.Via != link.CallHome || c.Peer.HostKeyFrom != "the test" {
		t.Errorf("%+v", c.Peer)
	}
	conn, err = net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Client(within(t, time.Minute), conn, link.Target{User: "admin"}, exactly{other.PublicKey()}, nil, nil); code(err) != "KEY-MISMATCH" {
		t.Errorf("%v", err)
	}
}

// exactly is a policy of a caller's own.
type exactly struct{ key ssh.PublicKey }

func (exactly) Algorithms(a []string) []string { return a }

func (e exactly) Check(_ net.Addr, k ssh.PublicKey) (string, error) {
	if !sameKey(e.key, k) {
		return "", &keys.Fault{Code: "KEY-MISMATCH", What: "not that key"}
	}
	return "the test", nil
}

// bigRSA is a key of 4096 bits.
func bigRSA(t *testing.T) ssh.Signer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
