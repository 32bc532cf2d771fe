package uitest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var pictures = flag.Bool("pictures", false, "write the pictures of the README to docs/pictures")

// pictureW and pictureH are the size of the pictures in cells.
const pictureW, pictureH = 100, 30

// shoot writes the screen as a picture for the README, when pictures are asked
// for: docs/pictures.sh.
func (m *Tmux) shoot(name string) {
	m.t.Helper()
	if !*pictures {
		return
	}
	time.Sleep(500 * time.Millisecond) // spinners settle
	dir := filepath.Join(Root(m.t), "docs", "pictures")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".svg"), []byte(SVG(m.ScreenANSI(), pictureW)), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// TestPicturesOfACommit plays the scenes of a change: the difference, and the
// countdown of a confirmed commit.
func TestPicturesOfACommit(t *testing.T) {
	t.Parallel()
	m := StartTmux(t, TmuxOptions{W: pictureW, H: pictureH}, program.Path(t), "demo")
	m.See("Devices", "core-r1")
	m.Keys("Enter")
	m.See("core-r1 ●", "open 0")
	m.Keys("K")
	m.See("CANDIDATE core-r1", "locked, clean")
	m.write("<configuration><system><host-name>core-r1a</host-name></system></configuration>")
	m.Keys("F")
	m.See("<host-name>core-r1a</host-name>")
	m.Keys("C-r")
	m.See("CANDIDATE core-r1", "1 edit")
	m.Keys("D")
	m.See("Diff  running → candidate", "change 1 of 1", "core-r1a")
	m.shoot("diff")
	m.Keys("Escape")
	m.See("Reply")
	m.Keys("C")
	m.See("Commit candidate on core-r1", "[x] confirmed", ">[ Cancel ]")
	m.Keys("C")
	m.See("CONFIRMED COMMIT core-r1", "rolls back in 09:", "C confirm")
	m.Gone("Committed: rolls back")
	m.shoot("commit")
	m.Keys("C")
	m.See("Confirm the commit on core-r1?")
	m.Keys("C")
	m.Gone("CONFIRMED COMMIT")
	m.Keys("q", "q")
	m.quitAnyway()
}

// TestPictures plays the other scenes of the README's pictures in a real
// terminal.
func TestPictures(t *testing.T) {
	t.Parallel()
	m := StartTmux(t, TmuxOptions{W: pictureW, H: pictureH}, program.Path(t), "demo")
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
	m.shoot("reply")

	m.Keys("1")
	m.See("Devices", "1 of")
	m.Keys("Escape")
	m.See("lab-x")
	m.Keys("G", "k")
	m.Keys("g", "j", "j", "Enter")
	m.See("Unknown host key")
	m.shoot("hostkey")
	time.Sleep(700 * time.Millisecond) // keys of the first moment are swallowed
	m.Keys("t")
	m.See("lab-x ●")
	m.Keys("1")
	m.See("all groups", "lab-x")
	m.shoot("devices")
	m.Keys("L")
	m.See("Listeners", "Address")
	m.Keys("l")
	m.See("2 waiting")
	m.Keys("Escape")
	m.Gone("Address  ")
	m.Keys("0")
	m.See("Waiting", "HMAC ok", "Listener log")
	m.shoot("inbox")
	m.Keys("1")
	m.See("all groups")
	m.Keys("q")
	m.quitAnyway()
}
