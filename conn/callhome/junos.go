package callhome

import (
	"crypto/hmac"
	"crypto/sha1" // the device's choice, protocol.md 2.4
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// junos is the preamble of Junos outbound SSH (protocol.md 2.1 to 2.3): header
// lines with no terminator but SSH's own version line. With a secret on the
// device, HOST-KEY and HMAC are among them.
type junos struct{}

func (junos) sniff(first []byte) guess { return prefix(first, "MSG-ID") }

func (junos) read(r *reader) (Greeting, error) {
	g := Greeting{Via: link.Junos, Vendor: "junos"}
	seen := map[string]bool{}
	for count := 0; ; {
		ssh, err := r.atSSH()
		if err != nil {
			return g, err
		}
		if ssh {
			break
		}
		line, err := r.line()
		if err != nil {
			return g, err
		}
		if strings.Trim(line, " \t\x00") == "" {
			continue
		}
		if count++; count > maxHeaders {
			return g, errBig
		}
		if err := g.header(line, seen); err != nil {
			return g, err
		}
	}
	for _, name := range []string{"MSG-ID", "MSG-VER", "DEVICE-ID"} {
		if !seen[name] {
			return g, bad(name, "is missing")
		}
	}
	if g.HMAC != "" && g.HostKey == nil {
		return g, bad("HOST-KEY", "is missing beside HMAC")
	}
	return g, nil
}

func bad(field, what string) error {
	return &keys.Fault{Code: "PRE-BAD", What: field + " " + what}
}

// header takes one line. A field that comes twice is an error: the last one
// must never win.
func (g *Greeting) header(line string, seen map[string]bool) error {
	name, value, found := strings.Cut(line, ":")
	name = strings.ToUpper(strings.TrimSpace(name))
	value = strings.TrimLeft(value, " \t")
	switch name {
	case "MSG-ID", "MSG-VER", "DEVICE-ID", "HOST-KEY", "HMAC":
	default:
		g.Unknown = append(g.Unknown, fmt.Sprintf("%.80q", line))
		return nil
	}
	if !found {
		return bad(name, "has no value")
	}
	if seen[name] {
		return bad(name, "comes twice")
	}
	seen[name] = true
	value = strings.TrimRight(value, " \t\r\x00")
	switch name {
	case "MSG-ID":
		if value != "DEVICE-CONN-INFO" {
			return bad(name, fmt.Sprintf("is %.40q, not DEVICE-CONN-INFO", value))
		}
	case "MSG-VER":
		if value != "V1" {
			return bad(name, fmt.Sprintf("is %.40q, not V1", value))
		}
	case "DEVICE-ID":
		// Some documents print the colon twice.
		value = strings.TrimLeft(strings.TrimPrefix(value, ":"), " \t")
		if !GoodID(value) {
			return &keys.Fault{Code: "PRE-ID", What: fmt.Sprintf("device-id %.160q is not 1 to 128 printable characters without spaces", value)}
		}
		g.DeviceID = value
	case "HOST-KEY":
		key, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(value))
		if err != nil || len(rest) > 0 {
			return bad(name, fmt.Sprintf("cannot be read: %.60q", value))
		}
		g.HostKey, g.HostKeyText = key, value
	case "HMAC":
		g.HMAC = value
	}
	return nil
}

// GoodID reports whether a device may call itself id: 1 to 128 printable
// characters without spaces.
func GoodID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool { return r < 0x21 || r > 0x7e })
}

// Vouched reports whether the greeting's HMAC proves knowledge of secret: the
// lower or upper case hex of HMAC-SHA1 over the text of HOST-KEY. It takes the
// same time for every wrong HMAC. The proof says nothing of the device-id, and
// it can be replayed by whoever has seen it: it holds only together with an SSH
// key exchange that shows the same key.
func (g Greeting) Vouched(secret keys.Secret) bool {
	got, err := hex.DecodeString(g.HMAC)
	if err != nil || secret.Empty() || g.HostKeyText == "" {
		return false
	}
	mac := hmac.New(sha1.New, secret.Reveal())
	mac.Write([]byte(g.HostKeyText))
	return hmac.Equal(got, mac.Sum(nil))
}

// Preamble writes the greeting of a device: for the simulator, and for tests.
func Preamble(deviceID, hostKey string, secret keys.Secret) []byte {
	s := "MSG-ID: DEVICE-CONN-INFO\r\nMSG-VER: V1\r\nDEVICE-ID: " + deviceID + "\r\n"
	if !secret.Empty() {
		mac := hmac.New(sha1.New, secret.Reveal())
		mac.Write([]byte(hostKey))
		s += "HOST-KEY: " + hostKey + "\r\nHMAC: " + hex.EncodeToString(mac.Sum(nil)) + "\r\n"
	}
	return []byte(s)
}
