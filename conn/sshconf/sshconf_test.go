package sshconf

import (
	"errors"
	"slices"
	"testing"

	"github.com/kevinburke/ssh_config"
)

func TestMatchBlocksAreLeftOut(t *testing.T) {
	t.Parallel()
	cfg, matches, err := Decode([]byte("Host first\n  User a\nmatch exec \"touch /nowhere/x\"\n  User root\nHost second\n  User b\n\tMatch=all\n  User c"))
	if err != nil || !slices.Equal(matches, []int{3, 7}) {
		t.Fatalf("left out at %v, %v", matches, err)
	}
	for host, want := range map[string]string{"first": "a", "second": "b", "third": ""} {
		if got, err := cfg.Get(host, "User"); got != want || err != nil {
			t.Errorf("%s: %q, %v", host, got, err)
		}
	}
}

func TestOtherLinesKeepTheirNumbers(t *testing.T) {
	t.Parallel()
	cfg, _, err := Decode([]byte("Match all\n  User x\nHost a\n  Port 2222\n"))
	if err != nil {
		t.Fatal(err)
	}
	last := cfg.Hosts[len(cfg.Hosts)-1]
	if at := last.Nodes[0].Pos(); at.Line != 4 {
		t.Errorf("the port stands in %v, want line 4", at)
	}
}

func TestPanicOfTheLibraryIsAnError(t *testing.T) {
	t.Parallel()
	broken := &ssh_config.Config{Hosts: []*ssh_config.Host{nil}}
	err := Guard(func() error {
		_, err := broken.Get("r1", "User")
		return err
	})
	var p *PanicError
	if !errors.As(err, &p) || len(p.Stack) == 0 {
		t.Fatalf("%v", err)
	}
	if err := Guard(func() error { panic("slice bounds\x1b") }); err.Error() != `more than its reader can take ("slice bounds\x1b")` {
		t.Errorf("%v", err)
	}
}
