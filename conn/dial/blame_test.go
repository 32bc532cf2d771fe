package dial

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/simnet"
)

// What a person did not answer was not refused by the device, and a saved
// password that led to a further question was not wrong.
func TestWhatIsGivenUpHereIsNotCalledRefused(t *testing.T) {
	t.Setenv("DIALTONE_TEST_FIRST", "pa55")
	l := lab(t)
	h := add(t, l, simnet.Server{Questions: []simnet.Question{
		{Prompt: "Password: ", Answer: "pa55"}, {Prompt: "Code: ", Echo: true, Answer: "42"},
	}})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_FIRST"
	no := false
	target.Agent = &no
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	var ae *AuthError
	if errors.As(err, &ae) && ae.SavedPassword {
		t.Error("the saved password is marked as refused")
	}
	if err == nil || code(err) != "AUTH-STOPPED" || strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}

func TestKeyWithoutPassphraseIsNotCalledRefused(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	run(t, nil, program(t, "ssh-keygen"), "-q", "-t", "ed25519", "-N", "secret", "-a", "1", "-f", key)
	pub := publicKey(t, key+".pub")
	l := lab(t)
	h := add(t, l, simnet.Server{Keys: []ssh.PublicKey{pub}})
	target := h.Target()
	target.Identity = []string{key}
	no := false
	target.Agent = &no
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	if err == nil || code(err) != "KEY-PASS" || strings.Contains(err.Error(), "refused") {
		t.Errorf("%v", err)
	}
}
