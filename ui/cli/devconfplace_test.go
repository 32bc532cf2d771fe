//go:build unix

package cli_test

import "testing"

// TestDevconfSaysWhatIsToBePutIn: a listener on all addresses is no address that
// a device could dial, and the place left for it is told of.
func TestDevconfSaysWhatIsToBePutIn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, listener := range []string{"", "0.0.0.0:4334", "[::]:4334", ":4334"} {
		h.run("", "devconf", "junos", "--device-id", "r1", "--listener", listener).want(t, 0, "in place of ADDRESS-OF-THIS-MACHINE")
	}
}
