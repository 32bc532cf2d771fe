package dial

import (
	"bufio"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/simnet"
)

// group is a modulus of so many bits. That it is no prime does not matter for
// what it costs, nor for both sides to arrive at the same secret.
func group(t *testing.T, bits int) *big.Int {
	t.Helper()
	p, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits-1)))
	if err != nil {
		t.Fatal(err)
	}
	return p.SetBit(p.SetBit(p, bits-1, 1), 0, 1)
}

// gexDevice speaks as far as the end of a group exchange (RFC 4419): it offers p
// as the group and signs what comes out of it with key. It reports whether the
// client asked for a group.
func gexDevice(c net.Conn, p *big.Int, key ssh.Signer) (asked bool, err error) {
	const version = "SSH-2.0-gex"
	fmt.Fprintf(c, "%s\r\n", version)
	r := bufio.NewReader(c)
	line, err := r.ReadString('\n')
	if err != nil {
		return false, err
	}
	algorithm := ssh.KeyAlgoED25519
	if key.PublicKey().Type() == ssh.KeyAlgoRSA {
		algorithm = ssh.KeyAlgoRSASHA512
	}
	init := gexInit(algorithm)
	if err := sendPlain(c, init); err != nil {
		return false, err
	}
	theirs, err := readPlain(r)
	if err != nil {
		return false, err
	}
	request, err := readPlain(r)
	if err != nil || request[0] != 34 {
		return false, err // the client hung up: it found nothing in common
	}
	g := big.NewInt(2)
	if err := sendPlain(c, ssh.Marshal(struct {
		P, G *big.Int `sshtype:"31"`
	}{p, g})); err != nil {
		return true, err
	}
	packet, err := readPlain(r)
	if err != nil {
		return true, err
	}
	var e struct {
		X *big.Int `sshtype:"32"`
	}
	if err := ssh.Unmarshal(packet, &e); err != nil {
		return true, err
	}
	y, err := rand.Int(rand.Reader, p)
	if err != nil {
		return true, err
	}
	f, k := new(big.Int).Exp(g, y, p), new(big.Int).Exp(e.X, y, p)
	public := key.PublicKey().Marshal()
	h := sha256.Sum256(ssh.Marshal(struct {
		Theirs, Ours      string
		TheirInit, Init   []byte
		Host              []byte
		Min, Prefer, Most uint32
		P, G, E, F, K     *big.Int
	}{strings.TrimRight(line, "\r\n"), version, theirs, init, public,
		binary.BigEndian.Uint32(request[1:]), binary.BigEndian.Uint32(request[5:]), binary.BigEndian.Uint32(request[9:]),
		p, g, e.X, f, k}))
	sig, err := key.(ssh.AlgorithmSigner).SignWithAlgorithm(rand.Reader, h[:], algorithm)
	if err != nil {
		return true, err
	}
	if err := sendPlain(c, ssh.Marshal(struct {
		Host []byte `sshtype:"33"`
		F    *big.Int
		Sig  []byte
	}{public, f, ssh.Marshal(sig)})); err != nil {
		return true, err
	}
	_, err = io.Copy(io.Discard, r)
	return true, err
}

// gexInit is a KEXINIT that knows the group exchange and one kind of host key.
func gexInit(hostKey string) []byte {
	list := []string{"aes256-gcm@openssh.com"}
	macs, none := []string{"hmac-sha2-256"}, []string{"none"}
	return ssh.Marshal(struct {
		Cookie                    [16]byte `sshtype:"20"`
		Kex, Host, C1, C2, M1, M2 []string
		Z1, Z2, L1, L2            []string
		Follows                   bool
		Reserved                  uint32
	}{Kex: []string{ssh.KeyExchangeDHGEXSHA256}, Host: []string{hostKey},
		C1: list, C2: list, M1: macs, M2: macs, Z1: none, Z2: none})
}

// sendPlain and readPlain move packets as they are before keys are agreed on.
func sendPlain(w io.Writer, payload []byte) error {
	pad := 8 - (5+len(payload))%8
	if pad < 4 {
		pad += 8
	}
	b := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	b = append(append(b, byte(pad)), payload...)
	_, err := w.Write(append(b, make([]byte, pad)...))
	return err
}

func readPlain(r io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n < 2+int(head[4]) || n > 1<<18 {
		return nil, io.ErrUnexpectedEOF
	}
	b := make([]byte, n-1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return b[:len(b)-int(head[4])], nil
}

// TestGroupsOfManyBits: a group of 8,192 bits costs two exponentiations before
// anybody is known, so that the exchange is not offered unless the profile says
// so; then that is the most it takes.
func TestGroupsOfManyBits(t *testing.T) {
	t.Parallel()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		bits   int
		legacy []string
		asked  bool
		code   string
		text   string
	}{
		{"not offered by default", 8192, nil, false, "SSH-ALG", "key exchange"},
		{"8192 bits", 8192, []string{"dh-gex"}, true, "KEY-UNKNOWN", ssh.FingerprintSHA256(key.PublicKey())},
		{"8200 bits", 8200, []string{"dh-gex"}, true, "SSH-PROTO", "8200 bits"},
		{"1024 bits", 1024, []string{"dh-gex"}, true, "SSH-PROTO", "1024 bits"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := group(t, tt.bits)
			asked := make(chan bool, 1)
			target := fake(t, func(c net.Conn) {
				a, _ := gexDevice(c, p, key) // the client ends it
				asked <- a
			})
			target.Legacy = tt.legacy
			_, err := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), target, nil, nil)
			if code(err) != tt.code || !strings.Contains(fmt.Sprint(err), tt.text) {
				t.Errorf("%v", err)
			}
			if a := <-asked; a != tt.asked {
				t.Errorf("asked for a group: %v", a)
			}
		})
	}
}

func TestHostKeysOfManyBits(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	key := rsa8192(t)
	l := lab(t)
	h := add(t, l, simnet.Server{HostKey: key})
	c := reach(t, dialer(t, l), h.Target(), nil)
	echoed(t, c)
	if c.Peer.HostKey != "RSA "+ssh.FingerprintSHA256(key.PublicKey()) {
		t.Error(c.Peer.HostKey)
	}
	// One of more than twice as many bits the library refuses, and its words are shown.
	big := bigKey{key.(ssh.AlgorithmSigner)}
	target := fake(t, func(c net.Conn) { _, _ = gexDevice(c, group(t, 2048), big) })
	target.Legacy = []string{"dh-gex"}
	_, err := New(Options{Home: t.TempDir(), AgentSocket: "/nonexistent"}).Dial(within(t, time.Minute), target, nil, nil)
	if code(err) != "SSH-PROTO" || !strings.Contains(fmt.Sprint(err), "too large") {
		t.Errorf("%v", err)
	}
}

// rsa8192 is a key of 8,192 bits. It has four primes instead of two, which are
// found in seconds and not in a minute.
func rsa8192(t *testing.T) ssh.Signer {
	t.Helper()
	for range 10 {
		k := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: big.NewInt(1), E: 65537}}
		totient := big.NewInt(1)
		for range 4 {
			p, err := rand.Prime(rand.Reader, 2048) // its two highest bits are set
			if err != nil {
				t.Fatal(err)
			}
			k.Primes = append(k.Primes, p)
			k.N.Mul(k.N, p)
			totient.Mul(totient, new(big.Int).Sub(p, big.NewInt(1)))
		}
		if k.D = new(big.Int).ModInverse(big.NewInt(65537), totient); k.D == nil || k.N.BitLen() != 8192 {
			continue
		}
		k.Precompute()
		s, err := ssh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Fatal("no key of 8,192 bits was found")
	return nil
}

// bigKey shows a public key of 16,400 bits, and signs with another.
type bigKey struct{ ssh.AlgorithmSigner }

func (k bigKey) PublicKey() ssh.PublicKey { return bigPublic{k.AlgorithmSigner.PublicKey()} }

type bigPublic struct{ ssh.PublicKey }

func (bigPublic) Marshal() []byte {
	n := new(big.Int).Lsh(big.NewInt(1), 16399)
	return ssh.Marshal(struct {
		Name string
		E, N *big.Int
	}{ssh.KeyAlgoRSA, big.NewInt(65537), n.SetBit(n, 0, 1)})
}
