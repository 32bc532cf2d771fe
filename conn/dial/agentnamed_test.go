package dial

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

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
	line, err := os.ReadFile(last + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
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
