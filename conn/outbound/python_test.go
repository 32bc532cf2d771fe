package outbound

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
	"dialtone/netconf/conform/realdev"
)

// python is gRPC of another make: Debian's python3-grpcio.
const python = "/usr/bin/python3"

// pythonDevice runs testdata/device.py and returns the lines that it prints.
func (l *lab) pythonDevice(t *testing.T, form, host, id, secret string, command ...string) *bufio.Scanner {
	t.Helper()
	if err := exec.Command(python, "-c", "import grpc").Run(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("python3-grpcio is missing: %v", err)
		}
		t.Skip("python3-grpcio is missing")
	}
	trusted := filepath.Join(t.TempDir(), "trusted.pem")
	if err := os.WriteFile(trusted, l.roots, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, append([]string{"testdata/device.py", form, host, l.port, trusted, id, secret}, command...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return bufio.NewScanner(out)
}

func line(t *testing.T, s *bufio.Scanner, want string) {
	t.Helper()
	if !s.Scan() || !strings.HasPrefix(s.Text(), want) {
		t.Fatalf("the device says %q, want %q", s.Text(), want)
	}
}

// after passes lines until one that is wanted.
func after(t *testing.T, s *bufio.Scanner, want string) {
	t.Helper()
	var said []string
	for s.Scan() {
		if s.Text() == want {
			return
		}
		said = append(said, s.Text())
	}
	t.Fatalf("the device says %q, not %q", said, want)
}

// shellOnPython opens a command shell, runs a command and interrupts another.
func shellOnPython(t *testing.T, l *lab, say *bufio.Scanner, id CallerID) {
	t.Helper()
	sh, err := l.Shell(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	defer sh.Close()
	const want = "out\nerr\n"
	for _, cmd := range []string{"echo out; echo err >&2", "sleep 60", "echo never"} {
		if err := sh.Run(cmd); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(sh, got); err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if err := sh.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(sh); len(rest) > 0 || err != nil || codeOf(sh.Err()) != "GRPC-ENDED" {
		t.Errorf("%q, %v, %v", rest, err, sh.Err())
	}
	after(t, say, "killed")
	after(t, say, "notice select call failed")
	after(t, say, "ended OK")
}

// A device with another gRPC and a NETCONF server that others wrote, by address
// and by name: both must find our self-made certificate good.
func TestOthersGRPCAndNETCONF(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run("enhanced by "+host, func(t *testing.T) {
			srv := realdev.Start(t, realdev.Options{Only10: true})
			l := newLab(t, nil)
			say := l.pythonDevice(t, "enhanced", host, "r1", "s3cret", srv.Subsystem()...)
			line(t, say, "status 1")
			c := l.expect(t, Waiting, "").Caller
			if !c.Believed || !strings.Contains(c.Agent, "grpc-python") {
				t.Errorf("%+v", c)
			}
			one := l.talk(t, c.ID)
			line(t, say, "wanted 0")
			line(t, say, "status 1")
			two := l.talk(t, l.expect(t, Waiting, "").Caller.ID)
			if one.ID() == two.ID() {
				t.Errorf("two sessions have the id %d", one.ID())
			}
			if err := one.Close(context.Background()); err != nil {
				t.Errorf("close: %v", err)
			}
			after(t, say, "notice subprocess not running") // its own process ended first, unforced
			after(t, say, "ended OK")
			ask(t, two, "<get-config><source><running/></source></get-config>")
			id := l.expect(t, Waiting, "").Caller.ID
			shellOnPython(t, l, say, id)
			ask(t, two, "<get-config><source><running/></source></get-config>")
			if err := two.Close(context.Background()); err != nil {
				t.Errorf("close: %v", err)
			}
			after(t, say, "notice subprocess not running")
			after(t, say, "ended OK")
		})
	}
	t.Run("a session that is stuck", func(t *testing.T) {
		l := newLab(t, func(o *Options) { o.CloseWait = 500 * time.Millisecond })
		say := l.pythonDevice(t, "enhanced", "127.0.0.1", "r1", "s3cret", "/bin/sh", "-c", "sleep 60")
		lk := l.openLink(t, l.expect(t, Waiting, "").Caller.ID)
		if _, err := lk.Write([]byte("<rpc><close-session/></rpc>" + endMark)); err != nil {
			t.Fatal(err)
		}
		lk.Close()
		after(t, say, "killed")
		after(t, say, "ended OK")
	})
	t.Run("basic", func(t *testing.T) {
		srv := realdev.Start(t, realdev.Options{Only10: true})
		l := newLab(t, nil)
		say := l.pythonDevice(t, "basic", "localhost", "-", "-", srv.Subsystem()...)
		line(t, say, "greeted client Auth successful")
		c := l.expect(t, Waiting, "").Caller
		if c.Via != link.HTTPSBasic {
			t.Errorf("%+v", c)
		}
		s := l.talk(t, c.ID)
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
		line(t, say, "notice subprocess not running")
		line(t, say, "ended OK")
	})
	t.Run("basic that is cut off", func(t *testing.T) { // netconfd waits for more behind "<>", so the stream is ended
		srv := realdev.Start(t, realdev.Options{Only10: true})
		l := newLab(t, func(o *Options) { o.CloseWait = 500 * time.Millisecond })
		say := l.pythonDevice(t, "basic", "localhost", "-", "-", srv.Subsystem()...)
		lk := l.openLink(t, l.expect(t, Waiting, "").Caller.ID)
		if _, err := netconf.Open(context.Background(), netconf.NewTransport(lk, netconf.FrameOptions{}), netconf.Options{Only10: true}); err != nil {
			t.Fatal(err)
		}
		lk.Close()
		after(t, say, "ended OK")
	})
	t.Run("wrong secret", func(t *testing.T) {
		l := newLab(t, nil)
		say := l.pythonDevice(t, "enhanced", "127.0.0.1", "r1", "wrong", "true")
		line(t, say, "status 1")
		line(t, say, "error UNAUTHENTICATED ''")
		l.expect(t, Refused, "GRPC-AUTH")
	})
	t.Run("another name", func(t *testing.T) {
		l := newLab(t, nil)
		say := l.pythonDevice(t, "enhanced", "127.0.0.2", "r1", "s3cret", "true")
		line(t, say, "error UNAVAILABLE")
	})
	t.Run("output outside ASCII", func(t *testing.T) {
		l := newLab(t, nil)
		l.pythonDevice(t, "enhanced", "127.0.0.1", "r1", "s3cret", "/bin/sh", "-c", `read x; printf '<a>Caf\303\251</a>'; sleep 5`)
		lk := l.openLink(t, l.expect(t, Waiting, "").Caller.ID)
		if _, err := lk.Write([]byte("<hello/>" + endMark)); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(lk); len(got) > 0 || err == nil {
			t.Errorf("%q, %v", got, err)
		}
		if err := lk.Err(); codeOf(err) != "GRPC-BROKEN" || !strings.Contains(err.Error(), "outside ASCII") {
			t.Errorf("%v", err)
		}
	})
}

// talk opens NETCONF on a device and edits its configuration, with a long
// request too.
func (l *lab) talk(t *testing.T, id CallerID) *netconf.Session {
	t.Helper()
	s, err := netconf.Open(context.Background(), netconf.NewTransport(l.openLink(t, id), netconf.FrameOptions{}), netconf.Options{Only10: true})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 200_000)
	ask(t, s, `<edit-config><target><candidate/></target><config><system xmlns="`+realdev.LabNS+`"><location>`+long+`</location></system></config></edit-config>`)
	if got := ask(t, s, "<get-config><source><candidate/></source></get-config>"); !strings.Contains(got, "<location>"+long+"</location>") {
		t.Errorf("the edit is not there: %.300q", got)
	}
	ask(t, s, "<discard-changes/>")
	return s
}
