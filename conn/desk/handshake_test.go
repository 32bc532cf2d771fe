package desk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/conn/simnet"
)

// signerOf is a key of a type: "rsa" or "ecdsa".
func signerOf(t testing.TB, kind string) ssh.Signer {
	t.Helper()
	var key any
	var err error
	if kind == "rsa" {
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADeviceWithSeveralKeysShowsTheOneThatItAnnounced(t *testing.T) { // protocol.md 2.5.3
	t.Parallel()
	s := newStand(t, Options{}, junos("edge-1", "r1"))
	more := signerOf(t, "ecdsa")
	dev := s.call(simnet.CallOptions{Via: link.Junos, DeviceID: "r1", Secret: secret(), Calls: 1,
		Server: simnet.Server{HostKey: signerOf(t, "rsa"), Adjust: func(c *ssh.ServerConfig) { c.AddHostKey(more) }}})
	c := s.caller()
	if c.Trust != "HMAC ok, key NEW" || c.Key != "RSA 2048 "+pinOf(dev) {
		t.Errorf("%+v", c)
	}
}

func TestAlgorithmsFollowTheAnnouncedKey(t *testing.T) {
	t.Parallel()
	modern := []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	legacy := append(slices.Clone(modern), ssh.KeyAlgoRSA)
	for name, c := range map[string]struct {
		key     ssh.PublicKey
		allowed []string
		want    []string
	}{
		"none":       {nil, modern, modern},
		"rsa":        {signerOf(t, "rsa").PublicKey(), modern, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}},
		"rsa legacy": {signerOf(t, "rsa").PublicKey(), legacy, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}},
		"ecdsa":      {signerOf(t, "ecdsa").PublicKey(), legacy, []string{ssh.KeyAlgoECDSA256}},
	} {
		if got := (&callerKey{announced: c.key}).Algorithms(c.allowed); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestAnotherKeyLaterInTheSessionIsRefused(t *testing.T) {
	t.Parallel()
	asked := 0
	k := &callerKey{verify: func(ssh.PublicKey) (link.Target, string, error) {
		asked++
		return link.Target{Name: "r1"}, "pinned", nil
	}}
	a, b := signerOf(t, "ecdsa").PublicKey(), signerOf(t, "ecdsa").PublicKey()
	for range 2 {
		if from, err := k.Check(nil, a); err != nil || from != "pinned" {
			t.Errorf("%q %v", from, err)
		}
	}
	if _, err := k.Check(nil, b); fault(err) != "KEY-CHANGED" {
		t.Errorf("%v", err)
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestManyDevicesCallAgainAfterAnOutage(t *testing.T) {
	t.Parallel()
	const n = 60
	var ps []profile.Profile
	var callers []simnet.CallOptions
	for i := range n {
		k, err := simnet.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprint("r", i)
		ps = append(ps, junos(id, id, keyPrint(k)))
		callers = append(callers, simnet.CallOptions{Via: link.Junos, DeviceID: id, Secret: secret(), Server: simnet.Server{HostKey: k},
			Source: fmt.Sprintf("127.0.9.%d", 1+i%20), Wait: 10 * time.Millisecond})
	}
	// Less room than there are devices: those turned away come again.
	s := newStand(t, Options{Budget: callhome.Budget{Total: 40, Soft: 20, PerSource: 2}}, ps...)
	var devs []*simnet.Caller
	for _, o := range callers {
		devs = append(devs, s.call(o))
	}
	s.line("open", n)
	rows := map[string]uint64{}
	for _, d := range s.m.Devices() {
		rows[d.Target.Name] = uint64(d.ID)
	}
	for _, d := range devs {
		d.Cut()
	}
	s.line("open", 2*n)
	ds := s.m.Devices()
	if len(ds) != n || len(rows) != n {
		t.Fatalf("%d sessions, %d devices", len(ds), len(rows))
	}
	for _, d := range ds {
		if rows[d.Target.Name] != uint64(d.ID) || len(d.Former) != 1 {
			t.Errorf("%s: session %d, was %d, %d before", d.Target.Name, d.ID, rows[d.Target.Name], len(d.Former))
		}
	}
}
