package dial

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/netconf/simdev"
)

func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if fuzzing := flag.Lookup("test.fuzz"); code == 0 && fuzzing.Value.String() == "" { // fuzzing waits for signals
		deadline := time.Now().Add(time.Minute)
		for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
			runtime.Gosched()
		}
		if n := runtime.NumGoroutine(); n > before {
			buf := make([]byte, 1<<20)
			fmt.Printf("%d goroutines left over:\n%s\n", n-before, buf[:runtime.Stack(buf, true)])
			code = 1
		}
	}
	os.Exit(code)
}

// code returns the code of a fault, or what err is otherwise.
func code(err error) string {
	var f interface {
		Parts() (code, what, kept, do string)
	}
	if errors.As(err, &f) {
		c, _, _, _ := f.Parts()
		return c
	}
	return fmt.Sprintf("%v", err)
}

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

// person answers questions from a script.
type person struct {
	trust     link.TrustAnswer
	secrets   []string
	challenge func(link.ChallengeQuestion) ([]string, error)
	wait      func(context.Context) // before the answer to a challenge
	asked     chan string           // what was asked, when there is room
}

func (p *person) say(s string) {
	select {
	case p.asked <- s:
	default:
	}
}

func (p *person) HostKey(_ context.Context, q link.HostKeyQuestion) (link.TrustAnswer, error) {
	p.say("key " + q.Host)
	return p.trust, nil
}

func (p *person) Secret(_ context.Context, q link.SecretQuestion) (keys.Secret, error) {
	p.say(q.What)
	if len(p.secrets) == 0 {
		return keys.Secret{}, link.ErrDeclined
	}
	s := p.secrets[0]
	p.secrets = p.secrets[1:]
	return keys.NewSecret([]byte(s)), nil
}

func (p *person) Challenge(ctx context.Context, q link.ChallengeQuestion) ([]string, error) {
	p.say("challenge")
	if p.wait != nil {
		p.wait(ctx)
	}
	if p.challenge == nil {
		return nil, link.ErrDeclined
	}
	return p.challenge(q)
}

// lab is a simnet that ends with the test.
func lab(t testing.TB) *simnet.Lab {
	l := simnet.New()
	t.Cleanup(l.Close)
	return l
}

func add(t testing.TB, l *simnet.Lab, s simnet.Server) *simnet.Host {
	t.Helper()
	if s.Serve == nil {
		s.Serve = echo
	}
	h, err := l.Add(simdev.Options{Name: "r1"}, s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// echo sends back what it gets.
func echo(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
	defer rwc.Close()
	_, err := io.Copy(rwc, rwc)
	return err
}

// dialer knows the lab's hosts and nothing of the machine's.
func dialer(t testing.TB, l *simnet.Lab) *Dialer {
	return New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent"})
}

func within(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// echoed checks that bytes go there and back.
func echoed(t testing.TB, l *link.Link) {
	t.Helper()
	if _, err := io.WriteString(l, "hello"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 5)
	if _, err := io.ReadFull(l, buf); err != nil || string(buf) != "hello" {
		t.Fatalf("read %q, %v", buf, err)
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

// reach dials target and hangs up with the test.
func reach(t testing.TB, d *Dialer, target link.Target, who link.Asker) *link.Link {
	t.Helper()
	c, err := d.Dial(within(t, time.Minute), target, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// publicKey reads the file of a public key.
func publicKey(t testing.TB, file string) ssh.PublicKey {
	t.Helper()
	line, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
