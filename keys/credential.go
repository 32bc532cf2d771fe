package keys

import (
	"crypto/rsa"
	"io"
	"slices"

	"golang.org/x/crypto/ssh"
)

// Credential is a key to sign in with, and where it is kept.
type Credential struct {
	ssh.Signer
	From    string // "agent", or the file
	Comment string // of the agent; hostile text
}

// Fingerprint is the SHA256 form that OpenSSH prints; of a certificate it is
// that of its key.
func (c Credential) Fingerprint() string { return ssh.FingerprintSHA256(bareKey(c.PublicKey())) }

// bareKey is the key inside a certificate, or the key itself.
func bareKey(k ssh.PublicKey) ssh.PublicKey {
	if c, ok := k.(*ssh.Certificate); ok {
		return c.Key
	}
	return k
}

// signAlgorithms are the signature algorithms a key may be used with: SHA-2
// for RSA, SHA-1 behind them only when the person switched it on.
func signAlgorithms(key ssh.PublicKey, sha1 bool) []string {
	kind := bareKey(key).Type()
	if kind != ssh.KeyAlgoRSA {
		return []string{kind}
	}
	algos := []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	if sha1 {
		algos = append(algos, ssh.KeyAlgoRSA)
	}
	return algos
}

// weakRSA reports the size of an RSA key of less than 2048 bits, else 0.
func weakRSA(key ssh.PublicKey) int {
	ck, ok := bareKey(key).(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	if r, ok := ck.CryptoPublicKey().(*rsa.PublicKey); ok && r.N.BitLen() < 2048 {
		return r.N.BitLen()
	}
	return 0
}

// signer is an ssh.MultiAlgorithmSigner whose private part is elsewhere: in an
// agent, or in a file that is still locked.
type signer struct {
	key   ssh.PublicKey
	algos []string
	sign  func(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error)
}

func (s *signer) PublicKey() ssh.PublicKey { return s.key }
func (s *signer) Algorithms() []string     { return slices.Clone(s.algos) }

func (s *signer) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(rand, data, s.algos[0])
}

func (s *signer) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	if !slices.Contains(s.algos, algorithm) {
		return nil, &Fault{Code: "KEY-ALG", What: "the key is not to be used with " + algorithm,
			Do: "Switch on \"ssh-rsa\" for this profile if the device knows nothing better"}
	}
	return s.sign(rand, data, algorithm)
}
