package dial

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

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
			c := reach(t, dialer(t, l), target, nil)
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

func TestSurvivesTheQuestionAboutAPinnedCaller(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	conn, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{}).Client(within(t, time.Minute), conn, link.Target{User: "admin", Via: link.CallHome}, exactly{h.HostKey()}, nil, nil)
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
	if _, err := New(Options{}).Client(within(t, time.Minute), conn, link.Target{User: "admin"}, exactly{other.PublicKey()}, nil, nil); code(err) != "KEY-MISMATCH" {
		t.Errorf("%v", err)
	}
}
