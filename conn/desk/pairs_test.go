package desk

import (
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/link"
)

// TestANameIsFreeSomeTimeAfterItsCallerIsGone: a stranger that used a device's
// name once, or a device's own old name, keeps nobody out for ever. Whoever goes
// on calling keeps the name.
func TestANameIsFreeSomeTimeAfterItsCallerIsGone(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	a, b := signerOf(t, ssh.KeyAlgoED25519).PublicKey(), signerOf(t, ssh.KeyAlgoED25519).PublicKey()
	p := newPairs(func() time.Time { return now })
	meet := func(claim string, k ssh.PublicKey, want string) {
		t.Helper()
		if got := fault(p.meet(callhome.Caller{Via: link.Junos, Claim: claim, Key: k})); got != want {
			t.Errorf("%s: %q, want %q", claim, got, want)
		}
	}
	meet("r1", a, "")
	meet("r1", b, "KEY-TWICE")
	meet("r2", a, "KEY-OTHER")
	now = now.Add(pairTime - time.Second)
	meet("r1", b, "KEY-TWICE")
	meet("r1", a, "") // calls again, and keeps it
	now = now.Add(2 * time.Second)
	meet("r1", b, "KEY-TWICE")
	meet("r2", a, "KEY-OTHER")
	now = now.Add(pairTime)
	meet("r1", b, "")
	meet("r2", a, "")
	meet("r1", a, "KEY-OTHER")
	if len(p.key) != 2 || len(p.id) != 2 || len(p.seen) != 2 {
		t.Errorf("%d names, %d keys, %d times", len(p.key), len(p.id), len(p.seen))
	}
}
