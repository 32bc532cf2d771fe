//go:build unix

package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestListenSendsARefusedPasswordOnce has a device refuse the password and call
// again and again: the password is not sent again, and nobody else is kept
// waiting for it.
func TestListenSendsARefusedPasswordOnce(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	wrong := h.write(filepath.Join(h.dir, "wrong"), "not-the-password\n")
	pw := h.write(filepath.Join(h.dir, "pw"), password+"\n")
	key, _ := h.hostKey("hk")
	l := h.serve(stranger("--password-file", wrong, "--count", "1")...)
	addr := l.await("listening").Addr
	h.serve("simulate", "--dial", addr, "--via", "junos", "--device-id", "r1", "--host-key", key, "--password-file", pw, "--wait", "50ms")
	if e := l.await("refused"); !strings.HasPrefix(e.Error, "AUTH-FAIL ") || e.DeviceID != "r1" {
		t.Errorf("%+v", e)
	}
	if e := l.await("refused"); !strings.HasPrefix(e.Error, "CALL-REFUSED ") || !strings.Contains(e.Text, "refused the password before") {
		t.Errorf("%+v", e)
	}
	h.serve("simulate", "--dial", addr, "--via", "junos", "--device-id", "r2", "--password-file", wrong, "--wait", "1m")
	if e := l.await("open"); e.DeviceID != "r2" {
		t.Errorf("%+v", e)
	}
	l.end(0)
}
