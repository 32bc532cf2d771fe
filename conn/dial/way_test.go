package dial

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
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

func TestSignsInByQuestionsAndSavedPassword(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(secret, []byte("pa55\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	otp := func(q link.ChallengeQuestion) ([]string, error) {
		if q.Prompts[0] == "OTP: " {
			return []string{"123456"}, nil
		}
		return []string{"pa55"}, nil
	}
	for _, tt := range []struct {
		name     string
		server   simnet.Server
		password string
		who      *person
		auth     string
		want     string // code of the error
		asked    []string
	}{
		{"saved password by password", simnet.Server{Password: "pa55"}, "file:" + secret, &person{}, "password (saved)", "", nil},
		{"saved password by question", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55")}}, "file:" + secret, &person{}, "keyboard-interactive (saved password)", "", nil},
		{"saved password only once", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55"), q("Again: ", false, "pa55")}}, "file:" + secret, &person{}, "", "AUTH-STOPPED", []string{"challenge"}},
		{"saved password is not echoed", simnet.Server{Questions: []simnet.Question{q("User: ", true, "pa55")}}, "file:" + secret, &person{}, "", "AUTH-STOPPED", []string{"challenge"}},
		{"saved password wrong", simnet.Server{Password: "other", Questions: []simnet.Question{q("Password: ", false, "other")}}, "file:" + secret, &person{}, "", "AUTH-FAIL", nil},
		{"saved password, then a code", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55"), q("OTP: ", false, "123456")}}, "file:" + secret, &person{challenge: otp}, "keyboard-interactive (saved password)", "", []string{"challenge"}},
		{"person by question", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55")}}, "ask", &person{challenge: otp}, "keyboard-interactive", "", []string{"challenge"}},
		{"no password is offered", simnet.Server{Password: "pa55"}, "", &person{secrets: []string{"pa55"}}, "", "AUTH-FAIL", nil},
		{"three tries", simnet.Server{Password: "pa55"}, "ask", &person{secrets: []string{"a", "b", "c", "pa55"}}, "", "AUTH-FAIL", []string{"password of admin@127.0.0.1", "password of admin@127.0.0.1", "password of admin@127.0.0.1"}},
		{"person gives up", simnet.Server{Password: "pa55"}, "ask", &person{}, "", "AUTH-STOPPED", []string{"password of admin@127.0.0.1"}},
		{"no secret there", simnet.Server{Password: "pa55"}, "env:DIALTONE_NO_SUCH_VARIABLE", &person{}, "", "SEC-ENV", nil},
		{"nothing asked", simnet.Server{}, "", &person{}, "none", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, tt.server)
			target := h.Target()
			target.Password = tt.password
			no := false
			target.Agent = &no
			tt.who.asked = make(chan string, 20)
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, tt.who, nil)
			close(tt.who.asked)
			var asked []string
			for s := range tt.who.asked {
				asked = append(asked, s)
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
			if err != nil {
				if got := code(err); got != tt.want {
					t.Fatalf("%v, want code %q", err, tt.want)
				}
				if strings.Contains(err.Error(), "pa55") {
					t.Errorf("the password is in %q", err)
				}
				return
			}
			defer c.Close()
			echoed(t, c)
			if tt.want != "" || c.Peer.Auth != tt.auth {
				t.Errorf("signed in by %q, want %q %q", c.Peer.Auth, tt.auth, tt.want)
			}
		})
	}
}

func TestWrongSavedPasswordIsMarked(t *testing.T) {
	t.Setenv("DIALTONE_TEST_PW", "wrong")
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "right"})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_PW"
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	var ae *AuthError
	if !errors.As(err, &ae) || !ae.SavedPassword || !slices.Contains(ae.Left, "password") {
		t.Fatalf("%v (%+v), want a refused saved password", err, ae)
	}
}

func TestUnknownKeyFailsThenAsksThenDialsAgain(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		policy link.HostKeyPolicy
		answer link.TrustAnswer
		want   string // code, "" when let in
		from   string
		asked  int
		saved  bool
	}{
		{"once", link.Ask, link.TrustOnce, "", "accepted for this time", 1, false},
		{"saved", link.Ask, link.TrustAndSave, "", "accepted and saved now", 1, true},
		{"refused", link.Ask, link.Refuse, "KEY-UNKNOWN", "", 1, false},
		{"accept new", link.AcceptNew, link.Refuse, "", "accepted as new, saved now", 0, true},
		{"strict", link.Strict, link.TrustAndSave, "KEY-UNKNOWN", "", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{Password: "x", Stranger: true})
			target := h.Target()
			target.HostKey, target.Password = tt.policy, "ask"
			who := &person{trust: tt.answer, secrets: []string{"x"}, asked: make(chan string, 9)}
			open := make(chan int, 1)
			d := dialer(t, l)
			c, err := d.Dial(within(t, time.Minute), target, asker{who, func() { open <- h.Connections() }}, nil)
			if code := code(err); err != nil && code != tt.want || err == nil && tt.want != "" {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if err == nil {
				echoed(t, c)
				if c.Peer.HostKeyFrom != tt.from {
					t.Errorf("trusted because %q, want %q", c.Peer.HostKeyFrom, tt.from)
				}
				c.Close()
			}
			if len(open) != tt.asked {
				t.Errorf("asked %d times about the key, want %d", len(open), tt.asked)
			}
			v, _, err := l.Known().Check(h.Addr(), nil, h.HostKey())
			if (v == keys.Trusted) != tt.saved || err != nil {
				t.Errorf("afterwards %v, %v; saved should be %v", v, err, tt.saved)
			}
		})
	}
}

// asker runs a hook before the question about a host key.
type asker struct {
	*person
	hook func()
}

func (a asker) HostKey(ctx context.Context, q link.HostKeyQuestion) (link.TrustAnswer, error) {
	a.hook()
	return a.person.HostKey(ctx, q)
}

func TestChangedRevokedAndPinnedKeysStopBeforeAnyCredential(t *testing.T) {
	t.Parallel()
	other, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaSigner, err := ssh.NewSignerFromKey(rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		setup func(h *simnet.Host, known string, t *link.Target) (line string)
		want  string
		text  string
	}{
		{"changed", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, other.PublicKey())
		}, "KEY-CHANGED", "has changed"},
		{"changed type", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, rsaSigner.PublicKey())
		}, "KEY-CHANGED", "no longer offers the recorded ssh-rsa key"},
		{"revoked", func(h *simnet.Host, _ string, _ *link.Target) string {
			return entryOf(h, h.HostKey()) + "@revoked * " + string(ssh.MarshalAuthorizedKey(h.HostKey()))
		}, "KEY-REVOKED", "revoked"},
		{"authority as host key", func(h *simnet.Host, _ string, _ *link.Target) string {
			return "@cert-authority * " + string(ssh.MarshalAuthorizedKey(h.HostKey()))
		}, "KEY-CA", "authority"},
		{"pin", func(h *simnet.Host, _ string, t *link.Target) string {
			t.Pin = []string{ssh.FingerprintSHA256(other.PublicKey())}
			return entryOf(h, h.HostKey())
		}, "KEY-PIN", "does not pin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			var tried []string
			h := add(t, l, simnet.Server{Password: "x", Stranger: true, Adjust: func(c *ssh.ServerConfig) {
				c.AuthLogCallback = func(_ ssh.ConnMetadata, method string, _ error) { tried = append(tried, method) }
			}})
			target := h.Target()
			target.Password = "ask"
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(tt.setup(h, file, &target)), 0o600); err != nil {
				t.Fatal(err)
			}
			d := New(Options{Hosts: keys.NewKnownHosts(file), Home: t.TempDir(), AgentSocket: "/nonexistent"})
			who := &person{trust: link.TrustAndSave, secrets: []string{"x"}, asked: make(chan string, 9)}
			_, err := d.Dial(within(t, time.Minute), target, who, nil)
			var hk *HostKeyError
			if !errors.As(err, &hk) || code(err) != tt.want || !strings.Contains(err.Error(), tt.text) {
				t.Fatalf("%v, want %s with %q", err, tt.want, tt.text)
			}
			if hk.Offered == nil || tt.want != "KEY-PIN" && (len(hk.Known) != 1 || hk.Known[0].File != file) {
				t.Errorf("the error does not carry the keys: %+v", hk)
			}
			l.Close() // the server is done with the connection
			if len(tried) > 0 || len(who.asked) > 0 {
				t.Errorf("the server saw %q, the person %d questions", tried, len(who.asked))
			}
		})
	}
}

func entryOf(h *simnet.Host, k ssh.PublicKey) string {
	host, port, _ := net.SplitHostPort(h.Addr())
	return fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(k))
}

func TestFallsBackToTheOtherWaysIntoNETCONF(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		take   string
		quirks []string
		want   string
	}{
		{"netconf", "subsystem netconf", nil, ""},
		{"xmlagent", "subsystem xmlagent", nil, ""},
		{"junos", "exec xml-mode netconf need-trailer", nil, ""},
		{"named", "subsystem other", []string{"subsystem=other"}, ""},
		{"exec at once", "exec xml-mode netconf need-trailer", []string{"exec"}, ""},
		{"none", "", nil, "NC-SUBSYS"},
		{"named and refused", "subsystem netconf", []string{"subsystem=other"}, "NC-SUBSYS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, simnet.Server{Refuse: func(request, name string) bool { return request+" "+name != tt.take }})
			target := h.Target()
			target.Quirks = tt.quirks
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if tt.want == "" {
				echoed(t, c)
				return
			}
			_, _ = io.WriteString(c, "hello")
			_, err = c.Read(make([]byte, 5))
			if code(err) != tt.want {
				t.Errorf("read: %v, want %s", err, tt.want)
			}
			<-c.Done
			if code(c.Err()) != tt.want {
				t.Errorf("link: %v, want %s", c.Err(), tt.want)
			}
		})
	}
}

func TestSessionThatEndsBeforeItsFirstByteIsNamed(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
		if c, ok := rwc.(interface{ Stderr() io.ReadWriter }); ok {
			_, _ = io.WriteString(c.Stderr(), "no cli here\n")
		}
		rwc.Close()
		return errors.New("out of order")
	}})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Read(make([]byte, 5))
	if code(err) != "NC-SUBSYS" || !strings.Contains(err.Error(), "status 1") || !strings.Contains(err.Error(), "no cli here") {
		t.Errorf("%v", err)
	}
	if code(c.Err()) != "NC-SUBSYS" {
		t.Errorf("link: %v", c.Err())
	}
}

func TestOrderlyEndIsEOF(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
		defer rwc.Close()
		_, err := rwc.Write(make([]byte, 100_000))
		return err
	}})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if len(got) != 100_000 || err != nil {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	<-c.Done
	if code(c.Err()) != "NET-CLOSED" {
		t.Errorf("link: %v", c.Err())
	}
}

func TestCutLinkSaysSo(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	c, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	h.Cut()
	_, err = c.Read(make([]byte, 5))
	if code(err) != "NET-LOST" {
		t.Errorf("%v", err)
	}
	<-c.Done
}

func TestSilentDeviceIsFoundDead(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{})
	target := h.Target()
	target.Keepalive = link.Duration(time.Second)
	c, err := dialer(t, l).Dial(within(t, time.Minute), target, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	echoed(t, c)
	select { // keepalives are answered for some intervals
	case <-c.Done:
		t.Fatal(c.Err())
	case <-time.After(4 * time.Second):
	}
	h.Silence(true)
	start := time.Now()
	<-c.Done
	if code(c.Err()) != "NET-DEAD" || time.Since(start) > 40*time.Second {
		t.Errorf("%v after %v", c.Err(), time.Since(start))
	}
}

func TestGivesUpAtOnceWhenAsked(t *testing.T) {
	t.Parallel()
	l := lab(t)
	for name, s := range map[string]simnet.Server{
		"handshake": {RTT: time.Hour},
		"question":  {Questions: []simnet.Question{q("Password: ", false, "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			h := add(t, l, s)
			ctx, cancel := context.WithCancel(context.Background())
			stage := make(chan link.Stage, 10)
			who := &person{challenge: func(link.ChallengeQuestion) ([]string, error) {
				cancel()
				<-ctx.Done()
				return nil, ctx.Err()
			}}
			_, err := dialer(t, l).Dial(ctx, h.Target(), who, func(s link.Stage) {
				stage <- s
				if name == "handshake" && s == link.Handshake {
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
			if <-stage != link.Dialing || <-stage != link.Handshake {
				t.Error("stages out of order")
			}
		})
	}
}

func TestQuestionEndsWhenTheDeviceGoesAway(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Questions: []simnet.Question{q("Password: ", false, "x")}})
	var cut time.Time
	who := &person{}
	var dialCtx context.Context
	who.wait = func(ctx context.Context) {
		dialCtx = ctx
		cut = time.Now()
		h.Cut()
		<-ctx.Done()
	}
	who.challenge = func(link.ChallengeQuestion) ([]string, error) { return nil, dialCtx.Err() }
	_, err := dialer(t, l).Dial(within(t, time.Minute), h.Target(), who, nil)
	if code(err) != "NET-CLOSED" || time.Since(cut) > 30*time.Second {
		t.Errorf("%v after %v", err, time.Since(cut))
	}
}

func TestGoesThroughJumpHosts(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "far", Stranger: true})
	j1 := add(t, l, simnet.Server{User: "one", Password: "near", Forward: true, Stranger: true})
	j2 := add(t, l, simnet.Server{User: "two", Forward: true})
	d := New(Options{Hosts: l.Known(), Home: t.TempDir(), AgentSocket: "/nonexistent", Lookup: func(name string) (link.Target, bool) {
		for n, h := range map[string]*simnet.Host{"first": j1, "second": j2} {
			if n == name {
				t := h.Target()
				t.Password = "ask"
				return t, true
			}
		}
		return link.Target{}, false
	}})
	target := h.Target()
	target.Jump = []string{"first", "second"}
	target.Password = "ask"
	// Each unknown key ends the dial, so the passwords before it are asked again.
	who := &person{trust: link.TrustAndSave, secrets: []string{"near", "near", "far"}, asked: make(chan string, 20)}
	c, err := d.Dial(within(t, time.Minute), target, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	echoed(t, c)
	c.Close()
	target.Jump = []string{"admin@" + h.Addr()} // no forwarding there
	_, err = d.Dial(within(t, time.Minute), target, &person{challenge: nil, secrets: nil}, nil)
	if code(err) != "AUTH-FAIL" && code(err) != "NET-JUMP" {
		t.Errorf("%v", err)
	}
}

// TestRekeysInTheMiddleOfAReply is security row H15: both sides change session
// keys every mebibyte of a reply of 100 MiB.
func TestRekeysInTheMiddleOfAReply(t *testing.T) {
	t.Parallel()
	size := 100 << 20
	if testing.Short() {
		size = 8 << 20
	}
	l := lab(t)
	h := add(t, l, simnet.Server{
		Adjust: func(c *ssh.ServerConfig) { c.RekeyThreshold = 1 << 20 },
		Serve: func(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
			defer rwc.Close()
			buf := make([]byte, 64<<10)
			for i := range size / len(buf) {
				for j := range buf {
					buf[j] = byte(i + j)
				}
				if _, err := rwc.Write(buf); err != nil {
					return err
				}
			}
			return nil
		},
	})
	d := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent", RekeyThreshold: 1 << 20})
	conn, err := net.Dial("tcp", h.Addr())
	if err != nil {
		t.Fatal(err)
	}
	checks := &counted{exactly: exactly{h.HostKey()}}
	c, err := d.Client(within(t, 5*time.Minute), conn, h.Target(), checks, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stall := time.AfterFunc(time.Minute, func() { c.Close() }) // a rekey that hangs
	defer stall.Stop()
	buf := make([]byte, 256<<10)
	got := 0
	for {
		n, err := c.Read(buf)
		for _, b := range buf[:n] {
			if b != byte(got>>16+got&0xffff) {
				t.Fatalf("byte %d is wrong", got)
			}
			got++
		}
		stall.Reset(time.Minute)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
	}
	// Data on its way when a change begins counts for the next one.
	if got != size || int(checks.n.Load()) < size>>22 {
		t.Errorf("%d bytes, %d changes of keys", got, checks.n.Load())
	}
}

// counted counts the key exchanges, each of which shows the host key.
type counted struct {
	exactly
	n atomic.Int32
}

func (c *counted) Check(addr net.Addr, k ssh.PublicKey) (string, error) {
	c.n.Add(1)
	return c.exactly.Check(addr, k)
}

func q(prompt string, echo bool, answer string) simnet.Question {
	return simnet.Question{Prompt: prompt, Echo: echo, Answer: answer}
}
