package dial

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dialtone/keys"
)

// algorithms are the lists that one handshake offers, best first.
type algorithms struct {
	kex, ciphers, macs, hostKeys []string
}

// modern is what is offered without any legacy group. AES-GCM comes first for
// speed, ChaCha20 last because of Terrapin with peers that lack strict key
// exchange. No SHA-1, no CBC, no group exchange.
func modern() algorithms {
	return algorithms{
		kex: []string{
			ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519,
			ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384, ssh.KeyExchangeECDHP521,
			ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256,
		},
		ciphers: []string{
			ssh.CipherAES128GCM, ssh.CipherAES256GCM,
			ssh.CipherAES256CTR, ssh.CipherAES192CTR, ssh.CipherAES128CTR,
			ssh.CipherChaCha20Poly1305,
		},
		macs: []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512},
		hostKeys: []string{
			ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
			ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
			ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
			ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
		},
	}
}

// legacyGroup is a set of old algorithms that a profile switches on by name.
type legacyGroup struct {
	name, title string
	add         algorithms
}

// LegacyRSA is the group for SHA-1 signatures and short RSA keys.
const LegacyRSA = "ssh-rsa"

// legacyGroups are all that can be switched on. arcfour and ssh-dss are not
// among them.
func legacyGroups() []legacyGroup {
	return []legacyGroup{
		{"dh-gex", "group exchange with SHA-256", algorithms{kex: []string{ssh.KeyExchangeDHGEXSHA256}}},
		{"hmac-sha1", "HMAC with SHA-1", algorithms{macs: []string{ssh.HMACSHA1}}},
		{"dh14-sha1", "Diffie-Hellman group 14 with SHA-1", algorithms{kex: []string{ssh.InsecureKeyExchangeDH14SHA1}}},
		{"dh-gex-sha1", "group exchange with SHA-1", algorithms{kex: []string{ssh.InsecureKeyExchangeDHGEXSHA1}}},
		{"dh1-sha1", "Diffie-Hellman group 1 with SHA-1", algorithms{kex: []string{ssh.InsecureKeyExchangeDH1SHA1}}},
		{LegacyRSA, "RSA with SHA-1", algorithms{hostKeys: []string{ssh.KeyAlgoRSA}}},
		{"cbc", "CBC ciphers", algorithms{ciphers: []string{ssh.InsecureCipherAES128CBC, ssh.InsecureCipherTripleDESCBC}}},
	}
}

// LegacyGroups are the names that the legacy field of a profile may hold.
func LegacyGroups() []string {
	var out []string
	for _, g := range legacyGroups() {
		out = append(out, g.name)
	}
	return out
}

// offer is what a handshake with the named legacy groups offers. The library
// keeps the lists as long as the connection lives, so those of most are shared.
func (d *Dialer) offer(legacy []string) (algorithms, error) {
	if len(legacy) == 0 {
		return d.modern, nil
	}
	return offer(legacy)
}

// offer is modern with the named groups behind it.
func offer(legacy []string) (algorithms, error) {
	a := modern()
	groups := legacyGroups()
	for _, name := range legacy {
		i := slices.IndexFunc(groups, func(g legacyGroup) bool { return g.name == name })
		if i < 0 {
			return a, &keys.Fault{Code: "SSH-LEGACY", What: fmt.Sprintf("there is no legacy group %.40q", name),
				Do: "Use " + strings.Join(LegacyGroups(), ", ")}
		}
		add := groups[i].add
		a.kex = append(a.kex, add.kex...)
		a.ciphers = append(a.ciphers, add.ciphers...)
		a.macs = append(a.macs, add.macs...)
		a.hostKeys = append(a.hostKeys, add.hostKeys...)
	}
	return a, nil
}

// legacyUsed names the groups that an agreed set of algorithms comes from.
func (d *Dialer) legacyUsed(n ssh.NegotiatedAlgorithms) []string {
	m := d.modern
	if slices.Contains(m.kex, n.KeyExchange) && slices.Contains(m.hostKeys, n.HostKey) &&
		slices.Contains(m.ciphers, n.Read.Cipher) && slices.Contains(m.ciphers, n.Write.Cipher) &&
		(n.Read.MAC == "" || slices.Contains(m.macs, n.Read.MAC)) && (n.Write.MAC == "" || slices.Contains(m.macs, n.Write.MAC)) {
		return nil
	}
	var out []string
	for _, g := range legacyGroups() {
		if slices.Contains(g.add.kex, n.KeyExchange) || slices.Contains(g.add.hostKeys, n.HostKey) ||
			slices.Contains(g.add.ciphers, n.Read.Cipher) || slices.Contains(g.add.ciphers, n.Write.Cipher) ||
			slices.Contains(g.add.macs, n.Read.MAC) || slices.Contains(g.add.macs, n.Write.MAC) {
			out = append(out, g.name)
		}
	}
	return out
}

// remedies names the groups, not switched on yet, that hold something the
// device offers.
func remedies(theirs []string) []string {
	var out []string
	for _, g := range legacyGroups() {
		all := slices.Concat(g.add.kex, g.add.ciphers, g.add.macs, g.add.hostKeys)
		if slices.ContainsFunc(all, func(a string) bool { return slices.Contains(theirs, a) }) {
			out = append(out, g.name)
		}
	}
	return out
}
