package uitest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var pictures = flag.Bool("pictures", false, "write the pictures of the README to docs/pictures")

// TestPictures plays the scenes of the README's pictures in a real terminal, and
// writes them as SVG when asked to: docs/pictures.sh.
func TestPictures(t *testing.T) {
	t.Parallel()
	const w, h = 100, 30
	m := StartTmux(t, TmuxOptions{W: w, H: h}, program.Path(t), "demo")
	shoot := func(name string) {
		t.Helper()
		if !*pictures {
			return
		}
		time.Sleep(500 * time.Millisecond) // spinners and toasts settle
		dir := filepath.Join(Root(t), "docs", "pictures")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(SVG(m.ScreenANSI(), w)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m.See("Devices", "pe-big")
	m.Keys("/")
	m.Type("core-r1")
	m.Gone("edge-7")
	m.Keys("Enter", "Enter")
	m.See("core-r1 ●", "open 0")
	take := func(template, sign string) {
		t.Helper()
		m.Keys("t")
		m.See("type to filter")
		m.Type(template)
		m.Until("few templates", func(s string) bool { return true })
		m.Keys("Enter")
		m.See(sign)
	}
	take("get-configuration xml", "then into the editor")
	m.Keys("Enter")
	m.See("<get-configuration")
	m.Keys("C-r")
	m.See("  ok ━", "<host-name>core-r1")
	m.Keys("/")
	m.Type("ge-0/0/1")
	m.Keys("Enter")
	m.See("interface[name=ge-0/0/1]")
	shoot("reply")

	m.Keys("1")
	m.See("Devices", "1 of")
	m.Keys("Escape")
	m.See("lab-x")
	m.Keys("G", "k")
	m.Keys("g", "j", "j", "Enter")
	m.See("Unknown host key")
	shoot("hostkey")
	time.Sleep(700 * time.Millisecond) // keys of the first moment are swallowed
	m.Keys("t")
	m.See("lab-x ●")
	m.Keys("1")
	m.See("all groups", "lab-x")
	shoot("devices")
	m.Keys("L")
	m.See("Listeners", "Address")
	m.Keys("l")
	m.See("2 waiting")
	m.Keys("Escape")
	m.Gone("Address  ")
	m.Keys("0")
	m.See("Waiting", "HMAC ok", "Listener log")
	shoot("inbox")
	m.Keys("1")
	m.See("all groups")
	m.Keys("q")
	m.See("uit")
	m.Keys("Q")
	if code := m.Exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
