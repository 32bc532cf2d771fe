package dial

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

// TestGreetingIsWaitedForTwentySeconds runs on a fake clock: the time counts from
// the connection, whatever drips in.
func TestGreetingIsWaitedForTwentySeconds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"silent":            {"", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"a byte a second":   {"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"greeting in parts": {"motd\r\nSSH-2.0-OpenSSH_9.2p1\r\n", "SSH-TIMEOUT no SSH greeting from 192.0.2.1:830 in 20 s"},
		"something else":    {"220 mail.example.net ESMTP Postfix (Debian)\r\n", `SSH-NOTSSH 192.0.2.1:830 answered "220 mail.exampl`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				dripped := make(chan struct{})
				go io.Copy(io.Discard, theirs) // ends with the pipe
				go func() {                    // ends with the text or the pipe
					defer close(dripped)
					for i := range tt.text {
						time.Sleep(time.Second)
						if _, err := theirs.Write([]byte{tt.text[i]}); err != nil {
							return
						}
					}
				}()
				start := time.Now()
				d := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent", Net: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
				_, err := d.Dial(context.Background(), link.Target{Host: "192.0.2.1", User: "admin"}, nil, nil)
				if took := time.Since(start); err == nil || !strings.HasPrefix(err.Error(), tt.want) || took != 20*time.Second {
					t.Errorf("%v after %v, want %s", err, took, tt.want)
				}
				theirs.Close()
				<-dripped
			})
		})
	}
}

// TestVersion199IsAccepted: a server that knows version 1 too says so (RFC 4253
// section 5.1).
func TestVersion199IsAccepted(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Adjust: func(c *ssh.ServerConfig) { c.ServerVersion = "SSH-1.99-old" }})
	c := reach(t, dialer(t, l), h.Target(), nil)
	echoed(t, c)
	if c.Peer.ServerVersion != "SSH-1.99-old" {
		t.Errorf("version %q", c.Peer.ServerVersion)
	}
}

// TestGreetingBehindALongText takes what RFC 4253 section 4.2 lets a server say
// first.
func TestGreetingBehindALongText(t *testing.T) {
	t.Parallel()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	target := fake(t, func(c net.Conn) {
		w := bufio.NewWriter(c)
		for range 40 {
			fmt.Fprintf(w, "%s\r\n", strings.Repeat("Authorized use only. ", 10))
		}
		if w.Flush() != nil {
			return
		}
		conf := &ssh.ServerConfig{NoClientAuth: true}
		conf.AddHostKey(key)
		conn, chans, reqs, err := ssh.NewServerConn(c, conf)
		if err == nil {
			polite(func(*ssh.ServerConn, ssh.Channel) {})(conn, chans, reqs)
		}
	})
	c := reach(t, New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}), pinnedTo(target, key.PublicKey()), nil)
	echoed(t, c)
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
