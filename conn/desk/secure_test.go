package desk

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
)

// parked waits for a device that can be opened now.
func (s *stand) parked() (c Caller) {
	s.t.Helper()
	s.until("a device with a call waiting", func() string {
		for _, c = range s.front.Callers() {
			if c.Parked && c.Note == "" {
				return "yes"
			}
		}
		return ""
	})
	return c
}

func TestSecureWrongSecretIsCountedAndNeverListed(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("auto"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper124"})
	l := s.line("refused", 1)
	if !strings.Contains(l.Text, "failed its secret") || strings.Contains(l.Text, "juniper12") {
		t.Errorf("%q", l.Text)
	}
	s.until("the count", func() string {
		if s.front.Listeners()[1].Counted.Refused == 1 {
			return "yes"
		}
		return ""
	})
	if cs := s.front.Callers(); len(cs) > 0 || len(s.m.Devices()) > 0 {
		t.Errorf("%+v, %+v", cs, s.m.Devices())
	}
}

func TestSecureShell(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("ask"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123"})
	c := s.parked()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	sh, name, err := s.front.Shell(ctx, c.ID)
	if err != nil || name != "edge1" {
		t.Fatalf("%q, %v", name, err)
	}
	defer sh.Close()
	if err := sh.Run("hostname"); err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len("r1.lab\n"))
	if _, err := io.ReadFull(sh, out); err != nil || string(out) != "r1.lab\n" {
		t.Errorf("%q, %v", out, err)
	}
	if c := s.parked(); c.Sessions != 1 {
		t.Errorf("%d sessions", c.Sessions)
	}
	if err := sh.Run("exit"); err != nil {
		t.Error(err)
	}
	if rest, err := io.ReadAll(sh); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	s.until("the end of the shell", func() string {
		for _, c := range s.front.Callers() {
			if c.Sessions == 0 {
				return "yes"
			}
		}
		return ""
	})
}

func TestSecureShellOnAStrangerIsRefused(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{})
	call(outboundsim.Options{DeviceID: "new.lab", Secret: "x"})
	c := s.parked()
	if NoShell(c) == "" {
		t.Error("a shell on a device of which nothing is known")
	}
	if _, _, err := s.front.Shell(t.Context(), c.ID); err == nil {
		t.Error("opened")
	}
	if _, _, err := s.front.Shell(t.Context(), 12345); err == nil {
		t.Error("opened on nothing")
	}
}

// A device that never ends a session by itself is made to, and waits on.
func TestSecureSessionThatIsStuckIsKilled(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("auto"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123", Faults: outboundsim.Faults{Stuck: true}})
	s.until("a session", func() string {
		for _, d := range s.m.Devices() {
			if d.State == conn.Open {
				s.m.Disconnect(d.ID)
				return "yes"
			}
		}
		return ""
	})
	start := time.Now()
	s.until("the end of the session", func() string {
		for _, c := range s.front.Callers() {
			if c.Sessions == 0 {
				return "yes"
			}
		}
		return ""
	})
	if took := time.Since(start); took > limit {
		t.Errorf("it took %v", took)
	}
}

func TestSecureSessionsSurviveTheirListener(t *testing.T) {
	t.Parallel()
	s, call := secureStand(t, Options{}, secureProfile("ask"))
	call(outboundsim.Options{DeviceID: "r1.lab", Secret: "juniper123"})
	if err := s.front.Accept(s.parked().ID, link.Target{}, false); err != nil {
		t.Fatal(err)
	}
	var id conn.SessionID
	s.until("a session", func() string {
		for _, d := range s.m.Devices() {
			if id = d.ID; d.State == conn.Open {
				return "yes"
			}
		}
		return ""
	})
	s.parked() // the next call
	if err := s.front.Stop(HTTPS, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.until("the end of the waiting", func() string {
		for _, c := range s.front.Callers() {
			if c.Note != "has a session and no call waiting now" || c.Sessions != 1 {
				return ""
			}
		}
		return "yes"
	})
	if d, ok := s.m.Device(id); !ok || d.State != conn.Open {
		t.Errorf("%+v", d)
	}
}
