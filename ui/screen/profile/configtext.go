package profile

import (
	"net"

	"dialtone/conn/devconf"
	"dialtone/conn/link"
)

// secretHere stands in the text for the shared secret until the person wants to
// see it. What is copied has the secret.
const secretHere = "SHARED-SECRET"

// kind is the listener that the device calls: 0 ssh, 1 https.
func (c *Config) kind() int {
	if c.target.Via == link.HTTPS || c.target.Via == link.HTTPSBasic {
		return 1
	}
	return 0
}

// write makes the text for the chosen address, with the secret only while it is
// to be seen.
func (c *Config) write() {
	c.text, c.err = c.masked(), nil
	if b := c.shown.Reveal(); len(b) > 0 {
		c.text, c.err = c.plan(string(b))
	}
}

// masked is the text without the secret; "" when there is none.
func (c *Config) masked() string {
	secret := ""
	if c.target.Secret != "" {
		secret = secretHere
	}
	text, err := c.plan(secret)
	c.err = err
	return text
}

// plan makes the text with a secret.
func (c *Config) plan(secret string) (string, error) {
	p := devconf.Plan{Target: c.target, Secret: secret, CertPEM: c.cert}
	p.Listener = c.listener()
	via := c.target.Via
	if via == "" {
		via = link.SSH
	}
	return devconf.Text(via, p)
}

// listener is what the device is to dial.
func (c *Config) listener() string {
	if c.addrs[c.at] == "" && !c.calls() {
		return ""
	}
	addr, port := c.addrs[c.at], c.ports[c.kind()]
	if own := c.bound[addr]; own != "" {
		port = own
	}
	return net.JoinHostPort(addr, port)
}

// trust is what is wrong with the certificate for the address in the text.
func (c *Config) trust() []string {
	switch {
	case c.own.Missing():
		return []string{"There is no certificate yet: c in the inbox makes one, for CERTIFICATE-ON-ONE-LINE."}
	case c.leaf == nil && c.own.Err != nil:
		return []string{"No certificate: " + c.own.Err.Error() + ". c in the inbox makes one, for CERTIFICATE-ON-ONE-LINE."}
	case c.leaf == nil:
		return []string{"Put the certificate in place of CERTIFICATE-ON-ONE-LINE."}
	case c.addrs[c.at] == "":
		return nil
	}
	if why := c.leaf.For(c.addrs[c.at]); why != "" {
		return []string{why + ": the device will refuse it. a takes another address; c in the inbox makes another certificate."}
	}
	return nil
}
