//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const sharedSecret = "canary-9Tz4-shared-secret-of-the-device"

// stranger are the flags that let everybody in without a question.
func stranger(args ...string) []string {
	return append([]string{"listen", "--ssh", "127.0.0.1:0", "--accept-new", "-u", "admin", "--no-agent"}, args...)
}

func TestListenServesDevicesWithAProfile(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	pw := h.write(filepath.Join(h.dir, "pw"), password+"\n")
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent", "--secret", "file:"+secret, "--pin", print, "--password", "file:"+pw).want(t, 0)
	before, err := os.ReadFile(h.config("profiles", "edge-7.toml"))
	if err != nil {
		t.Fatal(err)
	}
	l := h.serve("listen", "--ssh", "127.0.0.1:0", "--rpc", h.write(filepath.Join(h.dir, "get.xml"), get), "--count", "1")
	addr := l.await("listening").Addr
	other := h.serve("simulate", "--dial", addr, "--wait", "50ms")
	if e := l.await("refused"); !strings.Contains(e.Error, "CALL-REFUSED") || !strings.Contains(e.Error, "no profile") || e.Profile != "" || e.Via != "call-home" {
		t.Errorf("the stranger: %+v", e)
	}
	h.serve("simulate", "--dial", addr, "--via", "junos", "--device-id", "edge-7", "--secret-file", secret, "--host-key", key, "--password-file", pw)
	if e := l.await("admitted"); e.Profile != "edge-7" || e.DeviceID != "edge-7" || e.Trust != "HMAC ok, key known" || e.Via != "junos" || !strings.HasPrefix(e.From, "127.0.0.1:") {
		t.Errorf("admitted: %+v", e)
	}
	e := l.await("reply")
	if e.OK == nil || !*e.OK || e.Error != "" || !strings.Contains(e.Reply, "<rpc-reply") || int64(len(e.Reply)) != e.Bytes || e.Profile != "edge-7" {
		t.Errorf("reply: %+v", e)
	}
	if k := kinds(l.end(0)); !strings.Contains(k, "open") || !strings.Contains(k, "closed") || !strings.HasSuffix(k, "stopped") {
		t.Errorf("events %s", k)
	}
	other.signal(os.Interrupt)
	other.end(130)
	if after, err := os.ReadFile(h.config("profiles", "edge-7.toml")); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the profile changed:\n%s", after)
	}
	noCanary(t, h.dir, sharedSecret, secret)
	noCanary(t, h.dir, password, pw)
	for _, w := range []string{sharedSecret, password} {
		if strings.Contains(l.text()+l.err.String(), w) {
			t.Errorf("the output holds %q", w)
		}
	}
}

func TestListenRefusesImpostors(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent", "--secret", "file:"+secret, "--pin", print).want(t, 0)
	h.run("", "profile", "add", "home-1", "--via", "call-home", "-u", "admin", "--no-agent").want(t, 0)
	junos := func(args ...string) []string { return append([]string{"--via", "junos", "--device-id"}, args...) }
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"wrong secret":   {junos("edge-7", "--host-key", key, "--secret-file", secret, "--fault", "wrong-hmac"), "PRE-HMAC"},
		"no secret":      {junos("edge-7", "--host-key", key), "PRE-HMAC"},
		"other key":      {junos("edge-7", "--secret-file", secret, "--fault", "other-key"), "KEY-MISMATCH"},
		"another's key":  {junos("edge-8", "--host-key", key, "--secret-file", secret), "KEY-OTHER"},
		"without a name": {nil, "CALL-REFUSED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hh := *h
			hh.t = t
			l := hh.serve("listen", "--ssh", "127.0.0.1:0", "--read-only")
			addr := l.await("listening").Addr
			hh.serve(append([]string{"simulate", "--dial", addr, "--wait", "1m"}, c.args...)...)
			if e := l.await("refused"); !strings.HasPrefix(e.Error, c.want+" ") {
				t.Errorf("%+v", e)
			}
			l.signal(os.Interrupt)
			if k := kinds(l.end(130)); strings.Contains(k, "admitted") || !strings.HasSuffix(k, "stopped") {
				t.Errorf("events %s", k)
			}
		})
	}
}

func TestListenAcceptNewCountsDevicesOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	dir := filepath.Join(h.dir, "replies")
	l := h.serve(stranger("--rpc", h.write(filepath.Join(h.dir, "get.xml"), get), "--count", "3", "--save", dir)...)
	addr := l.await("listening").Addr
	h.serve("simulate", "--dial", addr, "--wait", "10ms", "--count", "3")
	replies := 0
	for _, e := range l.end(0) {
		if e.Event != "reply" {
			continue
		}
		replies++
		data, err := os.ReadFile(e.File)
		if err != nil || int64(len(data)) != e.Bytes || !bytes.Contains(data, []byte("<rpc-reply")) || e.Reply != "" || e.Profile != "" {
			t.Errorf("%+v: %v", e, err)
		}
		if fi, err := os.Stat(e.File); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", fi, err)
		}
	}
	if replies != 3 {
		t.Errorf("%d replies:\n%s", replies, l.text())
	}
	if !strings.Contains(l.err.String(), "Every device that calls is let in") {
		t.Errorf("not said aloud: %s", l.err.String())
	}
}

func TestListenPinsAKeyThatTheSecretVouchesFor(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent", "--secret", "file:"+secret, "--host-key", "accept-new").want(t, 0)
	l := h.serve("listen", "--ssh", "127.0.0.1:0", "--count", "1")
	h.serve("simulate", "--dial", l.await("listening").Addr, "--via", "junos", "--device-id", "edge-7", "--secret-file", secret, "--host-key", key)
	if e := l.await("open"); e.Profile != "edge-7" || e.Trust != "HMAC ok, key NEW" {
		t.Errorf("%+v", e)
	}
	l.end(0)
	show := h.run("", "profile", "show", "edge-7").want(t, 0).out
	if !strings.Contains(show, print) || strings.Contains(show, "open =") || !strings.Contains(show, "accept-new") {
		t.Errorf("the profile:\n%s", show)
	}
}

func TestListenExitCodes(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	get := h.write(filepath.Join(h.dir, "get.xml"), get)
	edit := h.write(filepath.Join(h.dir, "edit.xml"), edit)
	for name, c := range map[string]struct {
		rpc, fault string
		code       int
		error      string
	}{
		"rpc-error": {get, "errors", 1, "RPC-ERROR"},
		"cut":       {get, "cut", 3, ""},
		"unknown":   {edit, "lose-reply", 5, "RPC-UNKNOWN"},
		"protocol":  {get, "old-framing", 4, "FRM-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hh := *h
			hh.t = t
			l := hh.serve(stranger("--rpc", c.rpc, "--count", "1")...)
			hh.serve("simulate", "--dial", l.await("listening").Addr, "--fault", c.fault, "--wait", "1m")
			e := l.await("reply")
			if e.OK == nil || *e.OK || !strings.HasPrefix(e.Error, c.error) || e.Error == "" {
				t.Errorf("%+v", e)
			}
			l.end(c.code)
		})
	}
}

func TestListenEndsInOrderWithARequestUnderWay(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	trace := filepath.Join(h.dir, "trace")
	l := h.serve(stranger("--rpc", h.write(filepath.Join(h.dir, "edit.xml"), edit), "--trace", trace)...)
	h.serve("simulate", "--dial", l.await("listening").Addr, "--fault", "silent")
	l.await("open")
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) { // until the request is on its way
		if data, _ := os.ReadFile(trace); bytes.Contains(data, []byte("<edit-config")) {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("nothing was sent:\n%s", l.text())
		}
	}
	l.signal(syscall.SIGTERM)
	es := l.end(143)
	if k := kinds(es); !strings.HasSuffix(k, "stopped") || !strings.Contains(k, "reply") {
		t.Errorf("events %s", k)
	}
	for _, e := range es {
		if e.Event == "reply" && (e.OK == nil || *e.OK || !strings.Contains(e.Error, "RPC-UNKNOWN")) {
			t.Errorf("%+v", e)
		}
	}
}

// TestListenTakesOnlyWhoMayCall: the terms of the flags hold, with --accept-new
// too.
func TestListenTakesOnlyWhoMayCall(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for code, flags := range map[string][]string{"LSN-OUTSIDE": {"--only", "192.0.2.0/24", "--only", "2001:db8::1"}, "PRE-NONE": {"--no-plain", "--only", "127.0.0.1"}} {
		l := h.serve(stranger(flags...)...)
		h.serve("simulate", "--dial", l.await("listening").Addr, "--wait", "1m")
		if e := l.await("refused"); !strings.HasPrefix(e.Error, code+" ") || !strings.HasPrefix(e.From, "127.0.0.1:") {
			t.Errorf("%+v, want %s", e, code)
		}
		l.signal(os.Interrupt)
		if k := kinds(l.end(130)); strings.Contains(k, "admitted") {
			t.Errorf("events %s", k)
		}
	}
}

// TestSimulateDialsAnotherAddress: a device with two addresses, of which one is
// closed, comes in by the other, odd as its preamble may be.
func TestSimulateDialsAnotherAddress(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key, print := h.hostKey("hk")
	secret := h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	h.run("", "profile", "add", "edge-7", "--via", "junos", "--device-id", "edge-7", "-u", "admin", "--no-agent", "--secret", "file:"+secret, "--pin", print).want(t, 0)
	l := h.serve("listen", "--ssh", "127.0.0.1:0", "--count", "1")
	h.serve("simulate", "--dial", "127.0.0.1:1", "--or-dial", l.await("listening").Addr, "--reconnect", "sticky", "--wait", "20ms", "--via", "junos", "--device-id", "edge-7",
		"--secret-file", secret, "--host-key", key, "--fault", "no-blank,two-colons,blank-lines,upper-hmac,nul,bare-lf")
	if e := l.await("open"); e.Profile != "edge-7" || e.Trust != "HMAC ok, key known" {
		t.Errorf("%+v", e)
	}
	l.end(0)
	for _, args := range [][]string{{"--or-dial", "127.0.0.1:1"}, {"--dial", "127.0.0.1:1", "--reconnect", "sticky"}, {"--dial", "127.0.0.1:1", "--or-dial", "127.0.0.1:2", "--reconnect", "odd"}} {
		h.run("", append([]string{"simulate"}, args...)...).want(t, 2, "USAGE")
	}
}

func TestListenUsage(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run("", "listen").want(t, 2, "--ssh ADDR")
	h.run("", "listen", "--ssh", "nonsense").want(t, 2, "HOST:PORT")
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--only", "router").want(t, 2, "--only", "192.0.2.0/24")
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--save", "x").want(t, 2, "--rpc")
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--rpc", "nope.xml").want(t, 2, "FILE-READ")
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--rpc", h.write(filepath.Join(h.dir, "bad.xml"), "<a><b>")).want(t, 2)
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--read-only", "--rpc", h.write(filepath.Join(h.dir, "edit.xml"), edit)).want(t, 2, "READ-ONLY")
	l := h.serve("listen", "--ssh", "127.0.0.1:0")
	addr := l.await("listening").Addr
	h.run("", "listen", "--ssh", addr).want(t, 3, "LSN-INUSE")
	l.signal(syscall.SIGHUP)
	l.end(129)
}

func TestListenForHTTPSNeedsACertificate(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.run("", "listen", "--https", "127.0.0.1:0").want(t, 2, "TLS-", "dialtone cert")
	h.run("", "cert", "127.0.0.1").want(t, 0)
	l := h.serve("listen", "--https", "127.0.0.1:0", "--ssh", "127.0.0.1:0")
	one, two := l.await("listening"), l.await("listening")
	if one.Addr == "" || two.Addr == "" || one.Addr == two.Addr {
		t.Errorf("%+v, %+v", one, two)
	}
	l.signal(os.Interrupt)
	if k := kinds(l.end(130)); k != "listening listening stopped stopped" {
		t.Errorf("events %s", k)
	}
}

func TestSimulateListens(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.serve("simulate", "--ssh", "127.0.0.1:0", "--count", "2", "--dialect", "junos", "--bulk", "200kB", "--password-file", h.write(filepath.Join(h.dir, "pw"), password+"\n"))
	for range 2 {
		f := strings.Fields(s.next())
		if len(f) < 6 || f[1] != "listens" || !strings.HasPrefix(f[4], "SHA256:") || f[5] != "ssh-ed25519" {
			t.Fatalf("line %q", f)
		}
		r := h.run(get, with(h.signIn(), "rpc", f[3])...).want(t, 0)
		if len(r.out) < 100_000 {
			t.Errorf("%d bytes", len(r.out))
		}
	}
	s.signal(os.Interrupt)
	s.end(130)
	for _, args := range [][]string{
		{"--count", "0"}, {"--via", "junos"}, {"--dial", "127.0.0.1:1", "--via", "junos"}, {"--dial", "127.0.0.1:1", "--via", "https"},
		{"--dial", "127.0.0.1:1", "--via", "tls"}, {"--dial", "127.0.0.1:1", "--via", "https-basic", "--device-id", "x"}, {"--dial", "127.0.0.1:1", "--trusted-cert", "x"},
		{"--dial", "127.0.0.1:1", "--via", "https", "--device-id", "x", "--fault", "no-hmac"}, {"--dial", "127.0.0.1:1", "--fault", "no-echo"},
		{"--dial", "127.0.0.1", "--via", "https-basic", "--trusted-cert", "x"}, {"--dial", "127.0.0.1:1", "--via", "https-basic", "--password-file", "x"},
		{"--fault", "nope"}, {"--fault", "no-hmac"}, {"--bulk", "much"}, {"--dialect", "ios"}, {"--dial", "127.0.0.1:1", "--ssh", "127.0.0.1:0"},
	} {
		h.run("", append([]string{"simulate"}, args...)...).want(t, 2, "USAGE")
	}
	for _, args := range [][]string{
		{"--ssh", "foo"}, {"--ssh", "0.0.0.0:99999"}, {"--ssh", "0.0.0.0:65535", "--count", "2"},
		{"--dial", "foo"}, {"--dial", "127.0.0.1:1", "--or-dial", "foo"},
	} {
		r := h.run("", append([]string{"simulate"}, args...)...).want(t, 2, "USAGE", args[len(args)-2])
		if strings.Contains(r.err, "Warning") {
			t.Errorf("%v: warned of what is not done:\n%s", args, r.err)
		}
	}
}
