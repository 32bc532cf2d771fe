package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

func TestRefusedSubsystemSaysWhatToDo(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Refuse: func(string, string) bool { return true }})
	c := reach(t, dialer(t, l), h.Target(), nil)
	_, err := c.Read(make([]byte, 1))
	for _, part := range []string{"NC-SUBSYS", h.Addr(), "refused the netconf subsystem", "set system services netconf ssh", "xmlagent", "xml-mode netconf need-trailer"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
}

// TestDeviceThatClosesAtOnce: the channel is confirmed, and then the whole
// connection goes.
func TestDeviceThatClosesAtOnce(t *testing.T) {
	t.Parallel()
	target := rudeServer(t, nil, func(conn *ssh.ServerConn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request) {
		go ssh.DiscardRequests(reqs) // ends with the connection
		nc, ok := <-chans
		if !ok {
			return
		}
		_, creqs, err := nc.Accept()
		if err == nil {
			_ = (<-creqs).Reply(true, nil)
		}
		conn.Close()
	})
	c, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, nil, nil)
	if err == nil {
		defer c.Close()
		_, err = c.Read(make([]byte, 1))
	}
	if code(err) != "NC-SUBSYS" && code(err) != "NET-LOST" && code(err) != "NET-CLOSED" {
		t.Errorf("%v", err)
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
			c := reach(t, dialer(t, l), target, nil)
			if tt.want == "" {
				echoed(t, c)
				return
			}
			_, _ = io.WriteString(c, "hello")
			_, err := c.Read(make([]byte, 5))
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
	c := reach(t, dialer(t, l), h.Target(), nil)
	_, err := c.Read(make([]byte, 5))
	if code(err) != "NC-SUBSYS" || !strings.Contains(err.Error(), "status 1") || !strings.Contains(err.Error(), "no cli here") {
		t.Errorf("%v", err)
	}
	if code(c.Err()) != "NC-SUBSYS" {
		t.Errorf("link: %v", c.Err())
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
