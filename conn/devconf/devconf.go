// Package devconf writes what to paste on a Junos device so that it can be
// reached in one of the ways that the program knows: set commands, checked
// value by value, because whatever is wrong in them is found out on a router.
package devconf

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"net"
	"strconv"
	"strings"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/cert"
)

// Plan is what the configuration is for. Listener is where the device must dial
// ("192.0.2.10:4334"), without it the text has a placeholder that Junos refuses.
type Plan struct {
	Target   link.Target
	Listener string
	Client   string // name of the client stanza, "dialtone" when empty
	Secret   string // plain text; it is stored as $9$ on the device
	UserKeys []string
	CertPEM  []byte // for HTTPS: the certificate, or its chain, that we show
	WaitTime int    // seconds between attempts of an HTTPS device, 30 when 0
}

// NewSecret makes a shared secret of 160 bits in letters and digits that can be
// read over the telephone.
func NewSecret() keys.Secret {
	var b [20]byte
	rand.Read(b[:]) // never fails
	return keys.NewSecret([]byte(strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))))
}

// WeakSecret says why a secret is too weak to be trusted with the identity of a
// device, "" when it is not: whoever sees one preamble can guess at it off-line.
func WeakSecret(s string) string {
	if len(s) < 20 {
		return fmt.Sprintf("the secret has %d characters; whoever sees one call can try guesses at it, so use at least 20 random ones", len(s))
	}
	return ""
}

// Text returns the set commands for a way, with remarks as # lines. Values that
// cannot stand on one line of configuration are an error that names the field.
func Text(via link.Via, p Plan) (string, error) {
	p.Client = cmp.Or(p.Client, "dialtone")
	if err := p.check(via); err != nil {
		return "", err
	}
	var w lines
	switch via {
	case link.SSH:
		w.ssh(p)
	case link.CallHome, link.Junos:
		w.outboundSSH(p)
	case link.HTTPS:
		w.outboundHTTPS(p)
	case link.HTTPSBasic:
		w.basic(p)
	default:
		return "", fmt.Errorf("there is no device configuration for %q", via)
	}
	return strings.Join(w, "\n") + "\n", nil
}

// check refuses values that would end a line or a quoted string.
func (p Plan) check(via link.Via) error {
	fields := map[string]string{"user": p.Target.User, "device-id": p.Target.DeviceID, "client": p.Client, "secret": p.Secret, "listener": p.Listener}
	for name, v := range fields {
		for _, r := range v {
			if r < 0x20 || r > 0x7e || r == '"' || r == '\\' {
				if name == "secret" { // which is not for error messages
					return fmt.Errorf("secret: the character %q cannot stand in a device configuration", r)
				}
				return fmt.Errorf("%s: %q cannot stand in a device configuration", name, v)
			}
		}
		if name != "secret" && strings.ContainsAny(v, " ;{}#") {
			return fmt.Errorf("%s: %q cannot stand in a device configuration", name, v)
		}
	}
	for _, k := range p.UserKeys {
		if f := strings.Fields(k); len(f) < 2 || strings.ContainsAny(k, "\"\r\n") {
			return fmt.Errorf("user key: %.40q is not one line of a public key", k)
		}
	}
	if p.Listener != "" {
		if _, _, err := p.server(0); err != nil {
			return err
		}
	}
	if via == link.HTTPS || via == link.HTTPSBasic {
		if ip := net.ParseIP(host(p.Listener)); ip != nil && ip.To4() == nil {
			return fmt.Errorf("listener: outbound HTTPS takes a host name or an IPv4 address, not %q", p.Listener)
		}
	}
	return nil
}

func host(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return strings.Trim(addr, "[]")
	}
	return h
}

// Placeholder stands for the address of this machine where none is given that a
// device could dial: a listener on all addresses has none.
const Placeholder = "ADDRESS-OF-THIS-MACHINE"

// server splits the listener's address; def is the port when it has none.
func (p Plan) server(def int) (name string, port int, err error) {
	if p.Listener == "" {
		return Placeholder, def, nil
	}
	name, text, err := net.SplitHostPort(p.Listener)
	if err != nil {
		return strings.Trim(p.Listener, "[]"), def, nil
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("listener: %q has no port from 1 to 65535", p.Listener)
	}
	if name == "" || net.ParseIP(name).IsUnspecified() {
		name = Placeholder
	}
	return name, port, nil
}

type lines []string

func (w *lines) set(format string, args ...any) { *w = append(*w, "set "+fmt.Sprintf(format, args...)) }

func (w *lines) remark(text string) { *w = append(*w, "# "+text) }

// user is the account that we sign in to.
func (p Plan) user() string { return cmp.Or(p.Target.User, "dialtone") }

// user writes the account that we sign in to.
func (w *lines) user(p Plan) {
	user := p.user()
	w.set("system login user %s class super-user", user)
	if len(p.UserKeys) == 0 {
		w.set("system login user %s authentication plain-text-password", user)
		return
	}
	for _, k := range p.UserKeys {
		f := strings.Fields(k)
		w.set("system login user %s authentication %s \"%s\"", user, statement(f[0]), strings.Join(f[:2], " "))
	}
}

// statement is the configuration statement for a type of public key.
func statement(keyType string) string {
	switch {
	case keyType == "ssh-ed25519":
		return "ssh-ed25519"
	case strings.HasPrefix(keyType, "ecdsa-"):
		return "ssh-ecdsa"
	case keyType == "ssh-dss":
		return "ssh-dsa"
	}
	return "ssh-rsa"
}

func (w *lines) ssh(p Plan) {
	port := p.Target.Port
	w.set("system services netconf ssh")
	if port != 0 && port != 830 && port != 22 {
		w.set("system services netconf ssh port %d", port)
	}
	w.user(p)
}

func (w *lines) outboundSSH(p Plan) {
	id := cmp.Or(p.Target.DeviceID, "DEVICE-ID")
	name, port, _ := p.server(4334)
	stanza := "system services outbound-ssh client " + p.Client
	w.set("system services netconf ssh")
	w.user(p)
	w.set("%s device-id %s", stanza, id)
	if p.Secret != "" {
		w.set("%s secret \"%s\"", stanza, p.Secret)
	} else {
		w.remark("without a secret the device cannot vouch for its host key")
	}
	w.set("%s services netconf", stanza)
	w.set("%s keep-alive retry 3 timeout 15", stanza)
	w.set("%s reconnect-strategy in-order", stanza)
	w.set("%s %s port %d retry 1000 timeout 60", stanza, name, port)
}

func (w *lines) outboundHTTPS(p Plan) {
	id := cmp.Or(p.Target.DeviceID, "DEVICE-ID")
	wait := cmp.Or(p.WaitTime, 30)
	name, port, _ := p.server(443)
	user := p.user()
	ext := "system extensions extension-service application file nc_grpc_app.pyc"
	stanza := "system services outbound-https client " + p.Client
	w.remark("Junos 20.3 and later; the sessions have the rights of the user below")
	w.set("system scripts language python3")
	w.user(p)
	w.set("%s daemonize", ext)
	w.set("%s respawn-on-normal-exit", ext)
	w.set("%s username %s", ext, user)
	w.set("%s device-id %s", stanza, id)
	if p.Secret != "" {
		w.set("%s secret \"%s\"", stanza, p.Secret)
	} else {
		w.set("%s secret \"SHARED-SECRET\"", stanza)
	}
	w.set("%s reconnect-strategy in-order", stanza)
	w.set("%s waittime %d", stanza, wait)
	w.set("%s %s port %d", stanza, name, port)
	w.set("%s %s trusted-cert \"%s\"", stanza, name, p.oneLine())
}

// oneLine is the certificate as the device keeps it.
func (p Plan) oneLine() string {
	return cmp.Or(cert.OneLine(p.CertPEM), "CERTIFICATE-ON-ONE-LINE")
}

func (w *lines) basic(p Plan) {
	name, port, _ := p.server(443)
	user := p.user()
	ext := "system extensions extension-service application file nc_grpc_app.py"
	w.remark("Junos 20.2. This form has no identity of the device and no secret.")
	w.remark("The names of the arguments could not be verified: they are not in the")
	w.remark("published material. Compare them with the help of nc_grpc_app.py on the device.")
	w.set("system scripts language python3")
	w.user(p)
	w.set("%s daemonize", ext)
	w.set("%s respawn-on-normal-exit", ext)
	w.set("%s username %s", ext, user)
	w.remark(fmt.Sprintf("set %s arguments \"--device %s --port %d --trusted_certs %s\"", ext, name, port, p.oneLine()))
	w.remark("A certificate with a key above 4096 bits must be copied to /var/db/scripts/jet instead.")
}
