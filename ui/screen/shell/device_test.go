package shell

import (
	"context"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/outbound"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/simnet"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

const limit = 30 * time.Second

// book has one device.
type book struct{}

func (book) ByID(id string) (callhome.Entry, bool) {
	return callhome.Entry{Target: link.Target{Name: "edge-9", Via: link.HTTPS, DeviceID: id},
		Secret: func(context.Context) (keys.Secret, error) { return keys.NewSecret([]byte("shared by the test")), nil }}, id == "edge-9"
}

// rig is a server with a simulated device over TLS on loopback.
type rig struct {
	t      *testing.T
	server *outbound.Server
	events chan outbound.Event
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c, k, err := cert.Make([]string{"127.0.0.1"}, cert.P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certs, err := cert.Fixed(c, k, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, events: make(chan outbound.Event, 1000)}
	r.server = outbound.New(outbound.Options{Certificates: certs, Book: book{}, OnEvent: func(e outbound.Event) { r.events <- e }})
	t.Cleanup(r.server.Close)
	if err := r.server.Start("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	devices := simnet.New()
	t.Cleanup(devices.Close)
	if _, err := devices.CallSecure(outboundsim.Options{Servers: []string{r.await(outbound.Listening).Addr}, Roots: c, DeviceID: "edge-9", Secret: "shared by the test"}); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) await(kind outbound.EventKind) outbound.Event {
	r.t.Helper()
	stop := time.After(limit)
	for {
		select {
		case e := <-r.events:
			if e.Kind == kind {
				return e
			}
		case <-stop:
			r.t.Fatalf("no %s in time", kind)
		}
	}
}

// open opens a shell and its screen.
func (r *rig) open() *Screen {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	sh, err := r.server.Shell(ctx, r.await(outbound.Waiting).Caller.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	watch := time.AfterFunc(4*limit, func() { sh.Close() }) // no read waits for longer
	r.t.Cleanup(func() {
		watch.Stop()
		sh.Close()
	})
	th, _ := style.New("default", false, false)
	now := func() time.Time { return time.Date(2031, 11, 21, 14, 2, 31, 0, time.UTC) }
	s := New(&screen.Deps{Theme: th, Now: now, WorkDir: r.t.TempDir(), Tick: func(_ time.Duration, f func(time.Time) tea.Msg) tea.Cmd {
		return func() tea.Msg { return f(now()) }
	}}, "edge-9", sh)
	s.Resize(80, 24)
	return s
}

// until reads output until ok, or fails.
func (r *rig) until(s *Screen, what string, ok func() bool) {
	r.t.Helper()
	begun := time.Now()
	for !ok() {
		if s.ended || time.Since(begun) > limit {
			r.t.Fatalf("waited for %s\n%s", what, uitest.Plain(s.View()))
		}
		s.Update(s.read())
	}
}

func (r *rig) sees(s *Screen, text string) {
	r.t.Helper()
	r.until(s, text, func() bool { return strings.Contains(uitest.Plain(s.View()), text) })
}

// TestShellOfADevice: commands and their output over the real server and TLS,
// one that never ends is interrupted, and another shell can be had afterwards.
func TestShellOfADevice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	s := r.open()
	typeLine(s, "uname -a")
	r.sees(s, "JUNOS edge-9 23.4R1.9")
	typeLine(s, "echo one; echo two")
	r.sees(s, "one")
	typeLine(s, `cli -c "show version"`)
	r.sees(s, "Model: vmx")
	typeLine(s, "nonsense")
	r.sees(s, "nonsense: Command not found.")
	typeLine(s, "yes")
	r.until(s, "much output", func() bool { return s.dropped > 0 })
	if cmd := s.Run("shell.interrupt"); cmd == nil {
		t.Fatal("not interrupted")
	} else {
		s.Update(cmd())
	}
	r.until(s, "the end", func() bool {
		if !s.ended {
			s.Update(s.read())
		}
		return s.ended
	})
	if v := uitest.Plain(s.View()); !strings.Contains(v, "interrupted: the device has ended the shell") {
		t.Errorf("%s", v)
	}
	again := r.open()
	typeLine(again, "hostname")
	r.sees(again, "edge-9")
	typeLine(again, "exit")
	for begun := time.Now(); !again.ended && time.Since(begun) < limit; {
		again.Update(again.read())
	}
	if v := uitest.Plain(again.View()); !strings.Contains(v, "-- the shell has ended --") || strings.Contains(v, "interrupted") || strings.Contains(v, "lost") {
		t.Errorf("%s", v)
	}
}
