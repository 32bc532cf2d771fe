package keys

import (
	"context"
	"strings"
	"testing"
)

// named answers with the whole reference, so that a test sees who was asked.
type named string

func (n named) Get(_ context.Context, ref string) (Secret, error) {
	return NewSecret([]byte(string(n) + " " + ref)), nil
}

func TestReferencesGoToTheirPlace(t *testing.T) {
	t.Parallel()
	r := References{Store: named("store"), Keyring: named("keyring")}
	for ref, want := range map[string]string{"store:r1": "store store:r1", "keyring:r1": "keyring keyring:r1"} {
		if s, err := r.Get(t.Context(), ref); err != nil || string(s.Reveal()) != want {
			t.Errorf("%s: %q, %v", ref, s.Reveal(), err)
		}
	}
	for _, tt := range []struct {
		r        References
		ref, err string
	}{
		{r, "hunter2", "SEC-REF what is written there is no reference to a secret. Use ask, store:NAME, keyring:NAME, env:VARIABLE or file:PATH"},
		{References{Store: named("")}, "keyring:r1", `SEC-REF "keyring:" cannot be looked up here. Use ask, store:NAME, env:VARIABLE or file:PATH`},
		{References{}, "store:r1", `SEC-REF "store:" cannot be looked up here. Use ask, env:VARIABLE or file:PATH`},
		{r, "keyring:", `SEC-REF "keyring:" is no reference to a secret. Use ask, store:NAME, keyring:NAME, env:VARIABLE or file:PATH`},
	} {
		if _, err := tt.r.Get(t.Context(), tt.ref); err == nil || err.Error() != tt.err {
			t.Errorf("%q: %v, want %s", tt.ref, err, tt.err)
		}
	}
}

func TestSecretRules(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"core-r1": true, "A_.9": true, strings.Repeat("x", 64): true, "": false, ".x": false, "-x": false,
		"a/b": false, "ä": false, "a b": false, "a\n": false, strings.Repeat("x", 65): false} {
		if ValidSecretName(name) != want || (CheckSecretName(name) == nil) != want {
			t.Errorf("%q: %v, want %v", name, !want, want)
		}
	}
	for v, want := range map[string]string{"hush ä": "", strings.Repeat("x", MaxSecret): "", "": "is empty", "a\r": "holds a line end or NUL; a secret is one line",
		"a\x00": "holds a line end or NUL; a secret is one line", "\xff": "is not UTF-8 text", strings.Repeat("x", MaxSecret+1): "has 65537 bytes; 65536 is the most"} {
		if got := SecretFlaw([]byte(v)); got != want {
			t.Errorf("%.20q: %q, want %q", v, got, want)
		}
	}
}
