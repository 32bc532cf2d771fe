package callhome

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

const version = "SSH-2.0-OpenSSH_7.5\r\n"

func hostKeys(t testing.TB) (ec, rsaText string) {
	t.Helper()
	text := func(pub any, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		k, err := ssh.NewPublicKey(pub)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k)))
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ec = text(&e.PublicKey, err)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaText = text(&r.PublicKey, err)
	return ec, rsaText
}

// greet plays the bytes of a device to Greet, cut into pieces, and returns what
// is left of the stream for SSH.
func greet(t testing.TB, text string, piece int) (g Greeting, rest string, err error) {
	t.Helper()
	device, ours := net.Pipe()
	go func() { // ends when all is written or the other end is closed
		for p := []byte(text); len(p) > 0; {
			n := min(piece, len(p))
			if _, err := device.Write(p[:n]); err != nil {
				return
			}
			p = p[n:]
		}
		device.Close()
	}()
	defer ours.Close()
	g, c, err := Greet(ours)
	if err != nil {
		return g, "", err
	}
	b, _ := io.ReadAll(c)
	return g, string(b), nil
}

func TestGreetTakesEveryFormThatWasSeen(t *testing.T) {
	t.Parallel()
	ec, rsaKey := hostKeys(t)
	secret := keys.NewSecret([]byte("juniper123"))
	formA := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\nDEVICE-ID: r1.lab\r\n"
	formB := func(key string) string { return string(Preamble("r1.lab", key, secret)) }
	mac := strings.TrimSpace(formB(ec)[strings.Index(formB(ec), "HMAC: ")+6:])
	for _, c := range []struct {
		name, in string
		via      link.Via
		id       string
		vouched  bool
	}{
		{"call home", "", link.CallHome, "", false},
		{"form A", formA, link.Junos, "r1.lab", false},
		{"form B", formB(ec), link.Junos, "r1.lab", true},
		{"form B, a key line of 390 bytes", formB(rsaKey), link.Junos, "r1.lab", true},
		{"no blank after HMAC:", strings.Replace(formB(ec), "HMAC: ", "HMAC:", 1), link.Junos, "r1.lab", true},
		{"HMAC in capitals", strings.Replace(formB(ec), mac, strings.ToUpper(mac), 1), link.Junos, "r1.lab", true},
		{"doubled colon", strings.Replace(formB(ec), "DEVICE-ID: ", "DEVICE-ID: : ", 1), link.Junos, "r1.lab", true},
		{"NUL behind the key", strings.Replace(formB(ec), ec, ec+"\x00", 1), link.Junos, "r1.lab", true},
		{"two blank lines", formB(ec) + "\r\n\r\n", link.Junos, "r1.lab", true},
		{"bare LF", strings.ReplaceAll(formB(ec), "\r\n", "\n"), link.Junos, "r1.lab", true},
		{"small letters in headers", strings.ReplaceAll(strings.ReplaceAll(formB(ec), "MSG-ID", "msg-id"), "DEVICE-ID", "Device-Id"), link.Junos, "r1.lab", true},
		{"an unknown header", formA + "X-NEW: yes\r\n", link.Junos, "r1.lab", false},
		{"calix", "<version>1</version><identity><mac>00:02:5d:d9:21:47</mac><serial-number>7</serial-number></identity>", link.CallHome, "00:02:5d:d9:21:47", false},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			g, rest, err := greet(t, c.in+version+"binary\x00stuff", piece)
			if err != nil {
				t.Errorf("%s, pieces of %d: %v", c.name, piece, err)
				continue
			}
			if g.Via != c.via || g.DeviceID != c.id || g.Vouched(secret) != c.vouched {
				t.Errorf("%s, pieces of %d: %+v, vouched %t", c.name, piece, g, g.Vouched(secret))
			}
			if rest != version+"binary\x00stuff" {
				t.Errorf("%s, pieces of %d: SSH would read %q", c.name, piece, rest)
			}
		}
	}
}

// fill adds headers and empty lines until a preamble has n bytes.
func fill(head string, n int) string {
	for len(head)+4096 < n {
		head += "X: " + strings.Repeat("y", 4000) + "\r\n"
	}
	rest := n - len(head)
	return head + strings.Repeat("\n", rest%2) + strings.Repeat("\r\n", rest/2)
}

// TestGreetTakesWhatJustFits: the limits themselves are allowed.
func TestGreetTakesWhatJustFits(t *testing.T) {
	t.Parallel()
	head := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\nDEVICE-ID: "
	for name, in := range map[string]string{
		"32 headers":    head + "a\r\n" + strings.Repeat("X: y\r\n", maxHeaders-3),
		"an id of 128":  head + strings.Repeat("a", 128) + "\r\n",
		"a path":        head + "../../x\r\n",
		"8,192 bytes":   fill(head+"a\r\n", maxGreeting),
		"an odd number": fill(head+"a\r\n", maxGreeting-1),
	} {
		if len(in) > maxGreeting {
			t.Fatalf("%s: %d bytes", name, len(in))
		}
		for _, piece := range []int{1, 1000, 1 << 20} {
			if _, rest, err := greet(t, in+version, piece); err != nil || rest != version {
				t.Errorf("%s, pieces of %d: %v, %q is left", name, piece, err, rest)
			}
		}
	}
}

func TestGreetRefusesByName(t *testing.T) {
	t.Parallel()
	ec, _ := hostKeys(t)
	head := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\n"
	for _, c := range []struct{ name, in, code, part string }{
		{"wrong MSG-ID", "MSG-ID: OTHER\r\n", "PRE-BAD", "MSG-ID"},
		{"V2", "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V2\r\n", "PRE-BAD", "MSG-VER"},
		{"no device-id", head, "PRE-BAD", "DEVICE-ID is missing"},
		{"device-id twice", head + "DEVICE-ID: a\r\nDEVICE-ID: b\r\n", "PRE-BAD", "comes twice"},
		{"key twice", head + "DEVICE-ID: a\r\nHOST-KEY: " + ec + "\r\nHOST-KEY: " + ec + "\r\n", "PRE-BAD", "comes twice"},
		{"HMAC without key", head + "DEVICE-ID: a\r\nHMAC: 00\r\n", "PRE-BAD", "HOST-KEY"},
		{"key of nonsense", head + "DEVICE-ID: a\r\nHOST-KEY: rubbish\r\n", "PRE-BAD", "HOST-KEY"},
		{"id with a space", head + "DEVICE-ID: a b\r\n", "PRE-ID", "device-id"},
		{"id with an escape", head + "DEVICE-ID: a\x1b[2J\r\n", "PRE-ID", `\x1b`},
		{"id with NUL inside", head + "DEVICE-ID: a\x00b\r\n", "PRE-ID", "device-id"},
		{"id of 129", head + "DEVICE-ID: " + strings.Repeat("a", 129) + "\r\n", "PRE-ID", "device-id"},
		{"id right to left", head + "DEVICE-ID: \u202eabc\r\n", "PRE-ID", "device-id"},
		{"33 headers", head + strings.Repeat("X: y\r\n", 31), "PRE-BIG", "greeting"},
		{"a header of 5 KiB", head + "X: " + strings.Repeat("y", 5<<10) + "\r\n", "PRE-BIG", "greeting"},
		{"8 KiB without an end", head + strings.Repeat("\r\n", 4<<10), "PRE-BIG", "greeting"},
		{"calix without an end", "<identity>" + strings.Repeat("x", 9<<10), "PRE-BIG", "greeting"},
		{"HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "LSN-NOTSSH", "HTTP"},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00", "LSN-NOTSSH", "TLS"},
		{"telnet", "\xff\xfd\x18", "LSN-NOTSSH", "telnet"},
		{"nonsense", "\x00\x01\x02\x03\x04", "LSN-NOTSSH", `\x00`},
		{"cut off", "MSG-ID: DEVICE", "PRE-EOF", "hung up"},
		{"field twice in other letters", head + "DEVICE-ID: a\r\nDevice-Id: a\r\n", "PRE-BAD", "DEVICE-ID comes twice"},
		{"HMAC twice", head + "DEVICE-ID: a\r\nHOST-KEY: " + ec + "\r\nHMAC: 00\r\nHMAC: 00\r\n", "PRE-BAD", "HMAC comes twice"},
		{"id that looks like another", head + "DEVICE-ID: r\u0430\r\n", "PRE-ID", "device-id"},
		{"id of 300", head + "DEVICE-ID: " + strings.Repeat("a", 300) + "\r\n", "PRE-ID", "device-id"},
		{"no id at all", head + "DEVICE-ID: \r\n", "PRE-ID", "device-id"},
		{"8,193 bytes", fill(head+"DEVICE-ID: a\r\n", maxGreeting+1), "PRE-BIG", "8192 bytes"},
	} {
		in := c.in
		if c.code != "PRE-EOF" {
			in += version
		}
		_, _, err := greet(t, in, 1<<20)
		var f *keys.Fault
		if !errors.As(err, &f) || f.Code != c.code || !strings.Contains(f.What, c.part) {
			t.Errorf("%s: %v, want %s with %q", c.name, err, c.code, c.part)
		}
	}
}

func TestHMACVectors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret, key, mac string
		want             bool
	}{
		{"juniper123", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", "555c106a7f9304126fa3cfdb74f7bc7d09c5956a", true},
		{"juniper123", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7", "2e7e62c760126a65803fa44a1ebd5e0f203f14b0", false},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "e4b751bcdb201f33d415733a06b26ad0cb6194f9", true},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "e4b751bcdb201f33d415733a06b26ad0cb6194f", false},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "", false},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "E4B751BCDB201F33D415733A06B26AD0CB6194F9", true},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", "e4b751bcdb201f33d415733a06b26ad0cb6194f900", false},
		{"s3cret", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA==", strings.Repeat("e4b751bc", 8), false}, // as long as SHA-256
		{"", "k", "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d", false},
	} {
		g := Greeting{HostKeyText: c.key, HMAC: c.mac}
		if got := g.Vouched(keys.NewSecret([]byte(c.secret))); got != c.want {
			t.Errorf("secret %q, HMAC %q: vouched %t", c.secret, c.mac, got)
		}
	}
}

func TestGreetEndsAfterTenSeconds(t *testing.T) {
	t.Parallel()
	for _, drip := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			device, ours := net.Pipe()
			ended := make(chan struct{})
			go func() { // ends with the other end
				defer close(ended)
				for _, b := range bytes.Repeat([]byte("MSG-ID: DEVICE-CONN-INFO\r\n"), 100) {
					if _, err := device.Write([]byte{b}); err != nil || !drip {
						return
					}
					time.Sleep(time.Second)
				}
			}()
			start := time.Now()
			_, _, err := Greet(ours)
			var f *keys.Fault
			if !errors.As(err, &f) || f.Code != "PRE-TIMEOUT" {
				t.Errorf("drip %t: %v", drip, err)
			}
			if took := time.Since(start); took < 9*time.Second || took > 11*time.Second {
				t.Errorf("drip %t: took %v", drip, took)
			}
			ours.Close()
			device.Close()
			<-ended
		})
	}
}

func FuzzGreet(f *testing.F) {
	ec, _ := hostKeys(f)
	f.Add(string(Preamble("r1", ec, keys.NewSecret([]byte("x"))))+version, uint8(1))
	f.Add("<version>1</version><identity><mac>00:02</mac></identity>"+version, uint8(9))
	f.Add("GET / HTTP/1.1\r\n", uint8(3))
	f.Fuzz(func(t *testing.T, text string, piece uint8) {
		g, rest, err := greet(t, text, int(piece)+1)
		if err != nil {
			return
		}
		if !strings.HasSuffix(text, rest) {
			t.Errorf("SSH would read %q of %q", rest, text)
		}
		if g.DeviceID != "" && !GoodID(g.DeviceID) {
			t.Errorf("device-id %q", g.DeviceID)
		}
	})
}

// FuzzSniffing: what a connection is taken for does not depend on how its first
// bytes are cut, a refusal has a code and quotes little, and SSH gets the bytes
// that are its own.
func FuzzSniffing(f *testing.F) {
	for _, s := range []string{"SSH-2.0-x\r\n", "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\nDEVICE-ID: r1\r\n" + version, "<identity><mac>0</mac></identity>", "\x16\x03\x01", "PRI * HTTP/2", "msg-", "<v", "S", ""} {
		f.Add(s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, text string, piece uint8) {
		whole, rest, err := greet(t, text, 1<<20)
		cut, restCut, errCut := greet(t, text, int(piece)+1)
		// Whoever hangs up at once may be gone before anything was read.
		gone := func(err error) string { return strings.Replace(codeOf(err), "PRE-LOST", "PRE-EOF", 1) }
		if gone(err) != gone(errCut) || whole.Via != cut.Via || whole.Vendor != cut.Vendor || whole.DeviceID != cut.DeviceID || rest != restCut {
			t.Errorf("whole: %+v %v, leaves %q\npieces of %d: %+v %v, leaves %q", whole, err, rest, int(piece)+1, cut, errCut, restCut)
		}
		if err != nil && (codeOf(err) == "" || len(err.Error()) > 1000) {
			t.Errorf("%d bytes of error without a code: %v", len(err.Error()), err)
		}
		if err == nil && whole.Via == link.CallHome && whole.Vendor == "" && rest != text {
			t.Errorf("SSH would read %q of %q", rest, text)
		}
	})
}
