//go:build unix

package cli_test

import (
	"strings"
	"testing"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// TestAProfileWithoutAPasswordAsksWhereSomebodyIs asks as ssh does when the
// device takes nothing else. Where nobody is there it says what to do.
func TestAProfileWithoutAPasswordAsksWhereSomebodyIs(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	h.write(h.config("profiles", "r1.toml"), "via = \"ssh\"\nhost = \"127.0.0.1\"\nport = "+d.Addr()[strings.LastIndexByte(d.Addr(), ':')+1:]+
		"\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\n")
	con := h.onTerminal(get, "rpc", "r1")
	con.answer("assword of admin@127.0.0.1: ", password+"\r")
	if got := con.exit(); got != 0 || !strings.Contains(con.out.String(), "</rpc-reply>") {
		t.Fatalf("exit code %d\n%s\n%.200s", got, con.text(), con.out.String())
	}
	if strings.Contains(con.text(), password) {
		t.Error("the password was shown")
	}
	h.run(get, "rpc", "r1").want(t, 3, "AUTH-FAIL", "there is nothing to sign in with", `password = "ask"`)
}
