//go:build unix

package cli_test

import (
	"dialtone/keys/cert"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// secureHome has a certificate for loopback, a secret in a file, and the profile
// edge-9 that shares it.
func secureHome(t *testing.T) (h *home, secret string) {
	t.Helper()
	h = newHome(t)
	secret = h.write(filepath.Join(h.dir, "secret"), sharedSecret+"\n")
	h.run("", "cert", "127.0.0.1", "nms.example.net").want(t, 0)
	h.run("", "profile", "add", "edge-9", "--via", "https", "--device-id", "edge-9", "--secret", "file:"+secret).want(t, 0)
	return h, secret
}

func (h *home) secureDevice(addr string, args ...string) *service {
	h.t.Helper()
	return h.serve(append([]string{"simulate", "--dial", addr, "--wait", "50ms"}, args...)...)
}

func TestListenServesDevicesByHTTPS(t *testing.T) {
	t.Parallel()
	h, secret := secureHome(t)
	l := h.serve("listen", "--https", "127.0.0.1:0", "--rpc", h.write(filepath.Join(h.dir, "get.xml"), get), "--count", "1")
	addr := l.await("listening").Addr
	other := h.secureDevice(addr, "--via", "https", "--device-id", "edge-8", "--secret-file", secret)
	if e := l.await("refused"); !strings.HasPrefix(e.Error, "CALL-REFUSED ") || !strings.Contains(e.Error, "unknown device") || e.Profile != "" || e.Via != "https" || e.DeviceID != "edge-8" {
		t.Errorf("the stranger: %+v", e)
	}
	other.signal(os.Interrupt)
	other.end(130)
	dev := h.secureDevice(addr, "--via", "https", "--device-id", "edge-9", "--secret-file", secret)
	if e := l.await("admitted"); e.Profile != "edge-9" || e.DeviceID != "edge-9" || e.Trust != "secret ok" || e.Via != "https" || !strings.HasPrefix(e.From, "127.0.0.1:") {
		t.Errorf("admitted: %+v", e)
	}
	e := l.await("reply")
	if e.OK == nil || !*e.OK || e.Error != "" || !strings.Contains(e.Reply, "<rpc-reply") || int64(len(e.Reply)) != e.Bytes || e.Profile != "edge-9" || e.Trust != "secret ok" {
		t.Errorf("reply: %+v", e)
	}
	if k := kinds(l.end(0)); !strings.HasSuffix(k, "open reply closed stopped") {
		t.Errorf("events %s", k)
	}
	dev.signal(os.Interrupt)
	dev.end(130)
	noCanary(t, h.dir, sharedSecret, secret)
	for _, s := range []*service{l, dev, other} {
		if strings.Contains(s.text()+s.err.String(), sharedSecret) {
			t.Error("the output holds the secret")
		}
	}
}

// A certificate that has expired is shown only when the person says so.
func TestListenWithAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	if _, err := cert.Save(h.config("server.crt"), h.config("server.key"), []string{"127.0.0.1"}, cert.P256, false, time.Now().AddDate(-20, 0, 0)); err != nil {
		t.Fatal(err)
	}
	h.run("", "listen", "--https", "127.0.0.1:0").want(t, 2, "TLS-EXPIRED", "--expired-cert")
	h.run("", "listen", "--ssh", "127.0.0.1:0", "--expired-cert").want(t, 2, "--expired-cert needs --https")
	l := h.serve("listen", "--https", "127.0.0.1:0", "--expired-cert")
	if l.await("listening").Addr == "" {
		t.Error("it does not say where it listens")
	}
	l.signal(os.Interrupt)
	l.end(130)
	if !strings.Contains(l.err.String(), "Listening with it all the same (--expired-cert).") {
		t.Errorf("it does not warn: %s", l.err.String())
	}
}

func TestListenByHTTPSRefuses(t *testing.T) {
	t.Parallel()
	h, secret := secureHome(t)
	wrong := h.write(filepath.Join(h.dir, "wrong"), "another secret, just as long\n")
	elsewhere := filepath.Join(h.dir, "elsewhere")
	h.run("", "cert", "127.0.0.1", "--out", elsewhere).want(t, 0)
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"wrong secret":        {[]string{"--via", "https", "--device-id", "edge-9", "--secret-file", wrong}, "GRPC-AUTH"},
		"no secret":           {[]string{"--via", "https", "--device-id", "edge-9"}, "GRPC-AUTH"},
		"no identity":         {[]string{"--via", "https-basic"}, "CALL-REFUSED"},
		"another certificate": {[]string{"--via", "https", "--device-id", "edge-9", "--secret-file", secret, "--trusted-cert", filepath.Join(elsewhere, "server.crt")}, "TLS-REFUSED"},
		"another greeting":    {[]string{"--via", "https-basic", "--fault", "wrong-hello"}, "GRPC-AUTH"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hh := *h
			hh.t = t
			l := hh.serve("listen", "--https", "127.0.0.1:0")
			dev := hh.secureDevice(l.await("listening").Addr, c.args...)
			if e := l.await("refused"); !strings.HasPrefix(e.Error, c.want+" ") {
				t.Errorf("%+v", e)
			}
			l.signal(os.Interrupt)
			if k := kinds(l.end(130)); strings.Contains(k, "admitted") || !strings.HasSuffix(k, "stopped") {
				t.Errorf("events %s", k)
			}
			if name == "another certificate" {
				dev.says("certificate signed by unknown authority")
			}
			dev.signal(os.Interrupt)
			dev.end(130)
		})
	}
}

func TestListenByHTTPSAcceptNewCounts(t *testing.T) {
	t.Parallel()
	h, _ := secureHome(t)
	get := h.write(filepath.Join(h.dir, "get.xml"), get)
	l := h.serve("listen", "--https", "127.0.0.1:0", "--accept-new", "--rpc", get, "--count", "3")
	addr := l.await("listening").Addr
	h.secureDevice(addr, "--via", "https", "--device-id", "new", "--count", "3")
	ids := map[string]bool{}
	for _, e := range l.end(0) {
		if e.Event == "reply" {
			ids[e.DeviceID] = true
			if e.Trust != "unknown device" || e.OK == nil || !*e.OK {
				t.Errorf("%+v", e)
			}
		}
	}
	if len(ids) != 3 || !ids["new-1"] || !ids["new-2"] || !ids["new-3"] {
		t.Errorf("replies of %v:\n%s", ids, l.text())
	}
	basic := h.serve("listen", "--https", "127.0.0.1:0", "--accept-new", "--rpc", get, "--count", "1")
	h.secureDevice(basic.await("listening").Addr, "--via", "https-basic", "--fault", "mid-mark,small-pieces")
	if e := basic.await("reply"); e.OK == nil || !*e.OK || e.Via != "https-basic" || e.Trust != "no identity" || e.DeviceID != "" || !strings.Contains(e.Reply, "<rpc-reply") {
		t.Errorf("%+v", e)
	}
	basic.end(0)
}

func TestListenByHTTPSExitCodes(t *testing.T) {
	t.Parallel()
	h, secret := secureHome(t)
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
	} {
		for _, via := range []string{"https", "https-basic"} {
			t.Run(name+" "+via, func(t *testing.T) {
				t.Parallel()
				hh := *h
				hh.t = t
				l := hh.serve("listen", "--https", "127.0.0.1:0", "--accept-new", "--rpc", c.rpc, "--count", "1")
				args := []string{"--via", via, "--fault", c.fault}
				if via == "https" {
					args = append(args, "--device-id", "edge-9", "--secret-file", secret)
				}
				hh.secureDevice(l.await("listening").Addr, args...)
				e := l.await("reply")
				if e.OK == nil || *e.OK || e.Error == "" || !strings.HasPrefix(e.Error, c.error) {
					t.Errorf("%+v", e)
				}
				l.end(c.code)
			})
		}
	}
}
