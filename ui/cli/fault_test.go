//go:build unix

package cli_test

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

// reachable is a device with a profile, and what each command on it is to say
// when the session meets a fault.
type reachable struct {
	*home
	*simnet.Host
}

// profiled makes a device called r1, whose keepalives are missed after 3 s.
func profiled(t *testing.T, o simdev.Options) *reachable {
	t.Helper()
	r := &reachable{newHome(t), device(t, o, simnet.Server{})}
	r.saved()
	r.env = append(r.env, "NC_PASS="+password)
	return r
}

// saved writes the profile.
func (r *reachable) saved() {
	host, port, _ := net.SplitHostPort(r.Addr())
	r.write(r.config("profiles", "r1.toml"), fmt.Sprintf("via = \"ssh\"\nhost = %q\nport = %s\nuser = \"admin\"\nagent = false\nhost_key = \"accept-new\"\npassword = \"env:NC_PASS\"\nkeepalive = \"1s\"\n", host, port))
}

// edited stages an edit.
func (r *reachable) edited() *reachable {
	r.home.t.Helper()
	r.run(edit, "rpc", "r1").want(r.home.t, 0)
	return r
}

func (r *reachable) has(word string) bool { return running(r.Host, word) }

// eventually waits for something that the device tells by no event.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for limit := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("waited for " + what)
		}
	}
}

// The link breaks in the middle of a reply.
func TestDropInTheMiddleOfAReply(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{})
	r.Device.SetFaults(simdev.Faults{CutAfter: 40})
	r.run(get, "rpc", "r1").want(t, 3)
	r.run(edit, "rpc", "r1").want(t, 5, "RPC-UNKNOWN the request was sent and not answered", "It may or may not have taken effect; it was not sent again. Check the device.")
	r.Device.SetFaults(simdev.Faults{})
	if d := r.run("", "diff", "r1").want(t, 0, "Running to candidate: +1 -0 ~0."); strings.Count(d.out, "canary") != 1 {
		t.Errorf("the candidate: %s", d.out)
	}
}

// The session of a confirmed commit without persist ends. What the device
// made of it is read, not assumed.
func TestConfirmedCommitWithoutPersistEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults simdev.Faults
		code   int
		words  string
	}{
		"rolls back": {simdev.Faults{}, 0, "Rolled back: running of r1 is what it was before the commit."},
		"keeps it":   {simdev.Faults{KeepOnLoss: true}, 0, "Still applied: running of r1 is what the commit made, although the session that sent it has ended. The device did not roll back; it may at its time, in "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := profiled(t, simdev.Options{Faults: tc.faults}).edited()
			r.run(`<commit><confirmed/><confirm-timeout>300</confirm-timeout></commit>`, "rpc", "r1").want(t, 0,
				"r1: The confirmed commit is not confirmed, with 0", " left: leaving makes r1 roll back at once.")
			eventually(t, "the end of the session", func() bool { return len(r.Device.Sessions()) == 0 })
			if len(noted(r.home)) != 1 {
				t.Fatalf("notes %v", noted(r.home))
			}
			r.run("", "confirm", "r1").want(t, 2, "the session that sent the confirmed commit has ended, and only that one could: verify")
			r.run("", "confirm", "r1", "--verify").want(t, tc.code, tc.words)
			if over := len(noted(r.home)) == 0; over != (name == "rolls back") {
				t.Errorf("notes %v", noted(r.home))
			}
		})
	}
}

// What was sent with a token by a process that is gone is confirmed
// or cancelled by another one, when the person says so and not before.
func TestTypedConfirmedCommitIsSettledByAnotherProcess(t *testing.T) {
	t.Parallel()
	for dialect, tc := range map[simdev.Dialect]struct{ edit, commit, wait string }{
		simdev.RFC:   {edit, `<commit><confirmed/><confirm-timeout>240</confirm-timeout><persist>tok&amp;1</persist></commit>`, "04:00"},
		simdev.Junos: {junosEdit, `<rpc><commit-configuration><confirmed/><confirm-timeout>4</confirm-timeout></commit-configuration></rpc>`, "04:00"},
	} {
		for _, end := range []string{"confirm", "cancel"} {
			for _, lost := range []bool{false, true} {
				t.Run(fmt.Sprint(dialect, " ", end, " lost ", lost), func(t *testing.T) {
					t.Parallel()
					r := profiled(t, simdev.Options{Dialect: dialect})
					r.run(tc.edit, "rpc", "r1").want(t, 0)
					if lost {
						r.Device.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"commit", "commit-configuration"}})
						r.run(tc.commit, "rpc", "r1").want(t, 5, "RPC-UNKNOWN", "it was not sent again")
						r.Device.SetFaults(simdev.Faults{})
					} else {
						r.run(tc.commit, "rpc", "r1").want(t, 0, "Confirm with: dialtone confirm r1. Roll back with: dialtone cancel r1.", "is not confirmed: r1 rolls it back in 0")
					}
					if fi, err := os.Stat(noted(r.home)[0]); err != nil || fi.Mode().Perm() != 0o600 {
						t.Fatalf("note: %v %v", fi, err)
					}
					r.run("", "confirm", "r1", "--verify").want(t, 0, "Still applied: running of r1 is what the commit made.")
					if _, _, waits := r.Device.Pending(); !waits {
						t.Fatal("something settled it by itself")
					}
					answer := map[string]string{"confirm": "Confirmed: r1 keeps the commit.", "cancel": "Rolled back: r1 says that the commit is undone."}[end]
					out := r.run("", end, "r1").want(t, 0, answer)
					if end == "cancel" && dialect == simdev.Junos && !strings.Contains(out.out, "- ") {
						t.Errorf("what it changes: %q", out.out)
					}
					if _, _, waits := r.Device.Pending(); waits || r.has("canary") != (end == "confirm") || len(noted(r.home)) != 0 {
						t.Errorf("waits %v, applied %v, notes %v", waits, r.has("canary"), noted(r.home))
					}
				})
			}
		}
	}
}

// The device answers with an error, and the roll-back is armed all the same.
func TestErrorToAConfirmedCommitThatIsArmed(t *testing.T) {
	t.Parallel()
	for _, armed := range []bool{true, false} {
		t.Run(fmt.Sprint("armed ", armed), func(t *testing.T) {
			t.Parallel()
			r := profiled(t, simdev.Options{}).edited()
			f := simdev.Faults{Errors: 1, Only: []string{"commit"}}
			if armed {
				f = simdev.Faults{CommitError: true}
			}
			r.Device.SetFaults(f)
			r.run("", "commit", "r1", "--confirmed", "5m").want(t, 1, "COMMIT-REFUSED r1 answered the confirmed commit with an error:",
				"Some devices arm the roll-back all the same: roll back now to be sure, or verify.")
			r.Device.SetFaults(simdev.Faults{})
			answer := "Rolled back: r1 says that the commit is undone."
			if !armed {
				answer = "r1 says that nothing is pending:"
			}
			r.run("", "cancel", "r1").want(t, 0, answer)
			if _, _, waits := r.Device.Pending(); waits || r.has("canary") || len(noted(r.home)) != 0 {
				t.Errorf("waits %v, applied %v, notes %v", waits, r.has("canary"), noted(r.home))
			}
		})
	}
}

// The persist-id does not outlive the device's restart.
func TestPersistIDThatTheDeviceForgot(t *testing.T) {
	t.Parallel()
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	r := profiled(t, simdev.Options{})
	r.SetHostKey(key)
	r.edited().run("", "commit", "r1", "--confirmed", "5m").want(t, 0)
	restarted := device(t, simdev.Options{}, simnet.Server{HostKey: key})
	r.Host = restarted
	r.saved()
	r.run("", "confirm", "r1").want(t, 1, `COMMIT-REFUSED r1 refused the persist-id: "no confirmed commit has this persist-id". It may have rolled back or restarted meanwhile: verify.`)
	r.run("", "confirm", "r1", "--verify").want(t, 0, "Rolled back: running of r1 is what it was before the commit.")
	if running(restarted, "canary") || len(noted(r.home)) != 0 {
		t.Errorf("applied %v, notes %v", running(restarted, "canary"), noted(r.home))
	}
}

// The time is over, and nothing was rolled back.
func TestDeviceThatDoesNotRollBackAtItsTime(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{Faults: simdev.Faults{NoTimeout: true}}).edited()
	r.run("", "commit", "r1", "--confirmed", "1s").want(t, 0)
	note := noted(r.home)[0]
	b, err := os.ReadFile(note)
	if err != nil {
		t.Fatal(err)
	}
	// Four minutes pass: the note is that much older, by both clocks.
	old := strings.Split(string(b), "\n")
	for i, l := range old {
		switch {
		case strings.Contains(l, `"sent"`):
			old[i] = fmt.Sprintf("  \"sent\": %q,", time.Now().Add(-4*time.Minute).Format(time.RFC3339Nano))
		case strings.Contains(l, `"boot"`), strings.Contains(l, `"since"`):
			old[i] = ""
		}
	}
	r.write(note, strings.Join(old, "\n"))
	r.run("", "confirm", "r1", "--verify").want(t, 0, "Still applied: 3 min", "after its time running of r1 is what the commit made. It was confirmed, or the device does not roll back.")
	r.run("", "confirm", "r1", "--forget").want(t, 0, "Forgotten: the confirmed commit on r1")
	if len(noted(r.home)) != 0 || !r.has("canary") {
		t.Error("not forgotten")
	}
}

// The fourth one: the device takes a plain commit of another session for the
// confirmation.
func TestPlainCommitOfAnotherSessionThatConfirms(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{Faults: simdev.Faults{PlainConfirms: true}}).edited()
	r.run("", "commit", "r1", "--confirmed", "5m").want(t, 0)
	r.run("", "commit", "r1").want(t, 2, "a confirmed commit waits: a commit now would confirm it")
	r.run("<commit/>", "rpc", "r1").want(t, 0)
	if len(noted(r.home)) != 1 {
		t.Fatal("the note is gone")
	}
	r.run("", "confirm", "r1", "--verify").want(t, 0, "Still applied: running of r1 is what the commit made. Whether it is confirmed shows in 0")
}

// Hardly any time is left.
func TestConfirmationInTheLastSeconds(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{}).edited()
	r.run("", "commit", "r1", "--confirmed", "5s").want(t, 0)
	got := r.run("", "confirm", "r1")
	if !strings.Contains(got.err, "the confirmation may come too late. Verify afterwards.") && !strings.Contains(got.err, "the device should have rolled back. Verify first.") {
		t.Errorf("no warning: %s", got.err)
	}
}

// The cable is pulled while an answer is due. Nobody answers the
// keepalives, which is told within three of them.
func TestHalfOpenConnection(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args  []string
		stdin string
		op    string
		code  int
		words []string
	}{
		"read": {[]string{"rpc", "r1"}, get, "get-config", 3, []string{"has been silent for 3 s and answered no keepalive"}},
		"edit": {[]string{"rpc", "r1"}, edit, "edit-config", 5, []string{"RPC-UNKNOWN", "has been silent for 3 s and answered no keepalive", "It may or may not have taken effect; it was not sent again"}},
		"commit": {[]string{"commit", "r1", "--confirmed", "5m"}, "", "commit", 5,
			[]string{"COMMIT-UNKNOWN The answer to the confirmed commit was lost: it may or may not be in force. If it is, r1 rolls back in 04:5", "It was not sent again. Verify"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := profiled(t, simdev.Options{}).edited()
			r.Device.SetFaults(simdev.Faults{Silent: true, Only: []string{tc.op}})
			done := make(chan result)
			go func() { done <- r.run(tc.stdin, tc.args...) }() // ends with the program
			if name == "commit" {
				eventually(t, "the commit", func() bool { _, _, waits := r.Device.Pending(); return waits })
			} else {
				eventually(t, "a session", func() bool { return len(r.Device.Sessions()) > 0 })
			}
			r.Silence(true)
			start := time.Now()
			got := <-done
			got.want(t, tc.code, tc.words...)
			t.Logf("told after %v", time.Since(start).Round(100*time.Millisecond))
			r.Silence(false)
			r.Device.SetFaults(simdev.Faults{})
			if name == "commit" {
				r.run("", "confirm", "r1", "--verify").want(t, 0, "Still applied: running of r1 is what the commit made.")
				r.run("", "cancel", "r1").want(t, 0, "Rolled back")
			}
		})
	}
}

// A peer that stops in the middle of a reply is given up after its time of
// silence; one that drips is not.
func TestStalledPeer(t *testing.T) {
	t.Parallel()
	half := []byte("\n#99\n<rpc-repl")
	for name, tc := range map[string]struct {
		faults simdev.Faults
		stdin  string
		code   int
		words  []string
	}{
		"stalls in a read":  {simdev.Faults{Raw: map[string][]byte{"get-config": half}}, get, 3, []string{"FRM-STALL chunk of 99 B stopped after 9 B", "and then 1s of silence"}},
		"stalls in an edit": {simdev.Faults{Raw: map[string][]byte{"edit-config": half}}, edit, 5, []string{"RPC-UNKNOWN the request was sent and not answered: ", "FRM-STALL chunk of 99 B stopped after 9 B", "1s of silence", "it was not sent again"}},
		"says nothing":      {simdev.Faults{Silent: true, Only: []string{"get-config"}}, get, 3, []string{"RPC-TIMEOUT no reply in 1s of silence"}},
		"drips":             {simdev.Faults{BytesPerSec: 100, Only: []string{"edit-config"}}, edit, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := profiled(t, simdev.Options{})
			r.Device.SetFaults(tc.faults)
			r.run(tc.stdin, "rpc", "r1", "--timeout", "1s").want(t, tc.code, tc.words...)
		})
	}
}

// A commit may take longer than anything else: it has a time-out of its own, and
// when that passes the outcome is unknown.
func TestCommitHasATimeOutOfItsOwn(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{}).edited()
	r.Device.SetFaults(simdev.Faults{Delay: 2500 * time.Millisecond, Only: []string{"commit"}})
	r.run("", "commit", "r1", "--timeout", "1s").want(t, 0, "Committed.")
	r.run(edit, "rpc", "r1").want(t, 0)
	r.Device.SetFaults(simdev.Faults{Silent: true, Only: []string{"commit"}})
	r.run("", "commit", "r1", "--confirmed", "5m", "--timeout", "1s", "--commit-timeout", "2s").want(t, 5,
		"COMMIT-UNKNOWN The answer to the confirmed commit did not come in time: it may or may not be in force.",
		"It was not sent again; the session stays open, and what is read now is answered when the device has finished. Verify")
	r.Device.SetFaults(simdev.Faults{})
	r.run("", "commit", "r1", "--commit-timeout", "10ms").want(t, 2, "commit_timeout must be at least 1s")
}

// A lock that a dropped session of ours left behind.
func TestLockOfAnotherSessionIsNamed(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{Dialect: simdev.Junos})
	r.Device.SetFaults(simdev.Faults{Silent: true, Only: []string{"get-config"}})
	first := r.command("rollback", "0", "r1") // takes the lock, and then waits
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Wait() }()
	defer func() { _ = first.Process.Kill() }()
	eventually(t, "the lock", func() bool {
		return strings.Contains(r.run("<get-configuration-database-status/>", "rpc", "r1").out, "exclusive")
	})
	id := r.Device.Sessions()[0]
	r.run("", "rollback", "0", "r1").want(t, 1, fmt.Sprintf(`COMMIT-REFUSED Not locked: lock on candidate held by session %d ("admin" from "127.0.0.1"). r1 said`, id))
}

// The device comes back with another host key. It is refused, and nothing
// that is saved changes.
func TestDeviceWithANewHostKeyChangesNothing(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{}).edited()
	r.run("", "commit", "r1", "--confirmed", "5m").want(t, 0)
	files := []string{r.config("profiles", "r1.toml"), r.config("known_hosts"), noted(r.home)[0]}
	before := contents(t, files)
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	r.SetHostKey(key)
	for _, args := range [][]string{{"confirm", "r1"}, {"cancel", "r1"}, {"commit", "r1"}, {"diff", "r1"}, {"confirm", "r1", "--verify"}} {
		r.run("", args...).want(t, 3, "KEY-CHANGED")
	}
	if after := contents(t, files); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	if _, _, waits := r.Device.Pending(); !waits {
		t.Error("something settled it")
	}
	// Trusted by the person, it may still be another device.
	if err := os.Remove(r.config("known_hosts")); err != nil {
		t.Fatal(err)
	}
	r.run("", "confirm", "r1").want(t, 2, "the device shows another host key than when the commit was sent: verify")
	r.run("", "confirm", "r1", "--verify").want(t, 0, "Still applied")
}

func contents(t *testing.T, files []string) string {
	t.Helper()
	var out strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(b)
	}
	return out.String()
}

// ctrl+c at a question ends the command as an interrupt does, whatever is asked.
func TestInterruptAtThePassphrase(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{}).edited()
	r.run(password+"\n", with(r.unlock(), "secret", "set", "r1")...).want(t, 0)
	r.run("", "profile", "edit", "r1", "--password", "store:r1").want(t, 0)
	for _, args := range [][]string{{"diff", "r1"}, {"commit", "r1"}, {"confirm", "r1", "--verify"}} {
		c := r.onTerminal("", args...)
		c.answer("Passphrase of the secret store: ", "\x03")
		if n := c.exit(); n != 130 {
			t.Errorf("%v: exit code %d: %s", args, n, c.text())
		}
	}
	if r.has("canary") {
		t.Error("it was committed")
	}
}

// The session is lost while the command waits for a word: the question is taken
// back, and what is known is said.
func TestLossWhileACommitWaitsForAWord(t *testing.T) {
	t.Parallel()
	r := profiled(t, simdev.Options{Without: []string{"confirmed-commit:1.1"}, Extra: []string{"urn:ietf:params:netconf:capability:confirmed-commit:1.0"}}).edited()
	con := r.onTerminal("", "commit", "r1", "--confirmed", "5m", "--wait")
	con.answer("confirm, or cancel to roll back now: ", "conf")
	r.Cut()
	if got := con.exit(); got != 5 {
		t.Errorf("exit code %d: %s", got, con.text())
	}
	for _, want := range []string{"COMMIT-LOST the session was lost before the commit was confirmed", "r1 must have rolled back. Verify", "dialtone confirm r1 --verify"} {
		if !strings.Contains(con.text(), want) {
			t.Errorf("%q is not said: %s", want, con.text())
		}
	}
	r.run("", "confirm", "r1", "--verify").want(t, 0, "Rolled back: running of r1 is what it was before the commit.")
}
