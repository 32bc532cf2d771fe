package dial

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"dialtone/conn/simnet"
)

// A key that an agent with many keys holds is named by its public file, as in
// an SSH configuration for keys on a token.
func TestPublicFileNamesAKeyOfAFullAgent(t *testing.T) {
	t.Parallel()
	socket, _ := agentWithKey(t, "ed25519")
	dir := t.TempDir()
	var last string
	for i := range 8 {
		last = filepath.Join(dir, strconv.Itoa(i))
		run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", last)
		run(t, []string{"SSH_AUTH_SOCK=" + socket}, program(t, "ssh-add"), "-q", last)
		if err := os.Remove(last); err != nil {
			t.Fatal(err)
		}
	}
	pub := publicKey(t, last+".pub")
	l := lab(t)
	h := add(t, l, simnet.Server{Keys: []ssh.PublicKey{pub}})
	target := h.Target()
	target.Identity = []string{last + ".pub"}
	d := New(Options{Home: t.TempDir(), Hosts: l.Known(), AgentSocket: socket})
	c, err := d.Dial(within(t, time.Minute), target, &person{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

// A key that was taken once is offered first from then on, whatever its place in
// the agent: each key before it costs a round trip.
func TestTheKeyTakenLastIsOfferedFirst(t *testing.T) {
	t.Parallel()
	ring := agent.NewKeyring()
	var last ssh.Signer
	for range 7 {
		_, priv, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: priv}); err != nil {
			t.Fatal(err)
		}
		if last, err = ssh.NewSignerFromKey(priv); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ring.List()
	if err != nil {
		t.Fatal(err)
	}
	taken := all[4].Marshal() // the last of those that are offered unasked
	offered := make(chan []byte, 100)
	l := lab(t)
	h := add(t, l, simnet.Server{Adjust: func(c *ssh.ServerConfig) {
		c.NoClientAuth = false
		c.PublicKeyCallback = func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			offered <- k.Marshal()
			if string(k.Marshal()) != string(taken) {
				return nil, errors.New("not this one")
			}
			return nil, nil
		}
	}})
	d := New(Options{Home: t.TempDir(), Hosts: l.Known(), AgentSocket: serveAgent(t, ring)})
	dial := func(user string) (keys [][]byte, err error) {
		target := h.Target()
		target.User = user
		c, err := d.Dial(within(t, time.Minute), target, &person{}, nil)
		if err == nil {
			c.Close()
		}
		for len(offered) > 0 {
			keys = append(keys, <-offered)
		}
		return keys, err
	}
	if keys, err := dial("admin"); err != nil || len(keys) != 5 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if keys, err := dial("admin"); err != nil || len(keys) != 1 || string(keys[0]) != string(taken) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if keys, err := dial("other"); err != nil || len(keys) != 5 {
		t.Fatalf("of another user: %d keys, %v", len(keys), err)
	}
	// When it is refused the others get their turn, still five in all.
	taken = last.PublicKey().Marshal()
	if keys, err := dial("admin"); code(err) != "AUTH-FAIL" || len(keys) != 5 || string(keys[0]) != string(all[4].Marshal()) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
}

// serveAgent serves ring on a socket, which it returns, until the test ends.
func serveAgent(t *testing.T, ring agent.Agent) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "dialtone") // t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	s, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { // ends when the socket is closed
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { // ends when the client hangs up
				defer c.Close()
				_ = agent.ServeAgent(ring, c)
			})
		}
	})
	t.Cleanup(func() { s.Close(); wg.Wait(); os.RemoveAll(dir) })
	return socket
}
