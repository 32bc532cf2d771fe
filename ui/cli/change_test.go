//go:build unix

package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/conn/simnet"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

const junosEdit = `<load-configuration action="merge" format="xml"><configuration><system><location><building>canary</building></location></system></configuration></load-configuration>`

func noted(h *home) []string {
	h.t.Helper()
	names, err := filepath.Glob(h.state("commits", "*.json"))
	if err != nil {
		h.t.Fatal(err)
	}
	return names
}

func running(d *simnet.Host, word string) bool {
	return bytes.Contains(d.Device.Config(netconf.Running), []byte(word))
}

func TestChangeFromTheShell(t *testing.T) {
	t.Parallel()
	for dialect, body := range map[simdev.Dialect]string{simdev.RFC: edit, simdev.Junos: junosEdit} {
		for _, end := range []string{"confirm", "cancel"} {
			t.Run(string(dialect)+" "+end, func(t *testing.T) {
				t.Parallel()
				h, d := newHome(t), device(t, simdev.Options{Dialect: dialect}, simnet.Server{})
				run := func(code int, args ...string) result {
					t.Helper()
					return h.run(body, with(with(args, d.Addr()), h.signIn()...)...).want(t, code)
				}
				run(0, "rpc")
				if r := run(0, "diff"); !strings.Contains(r.out, "canary") || !strings.Contains(r.out, "\n+ ") || !strings.Contains(r.err, "Running to candidate: +") {
					t.Errorf("diff: %s%s", r.out, r.err)
				}
				run(0, "commit", "--check")
				run(2, "confirm").want(t, 2, "none pending")
				r := run(0, "commit", "--confirmed", "5m").want(t, 0, "Committed: rolls back in 05:00 unless confirmed.", "dialtone confirm "+d.Addr())
				if _, _, waits := d.Device.Pending(); !waits || !running(d, "canary") || len(noted(h)) != 1 || r.out != "" {
					t.Fatalf("waits %v, notes %v, output %q", waits, noted(h), r.out)
				}
				if fi, err := os.Stat(noted(h)[0]); err != nil || fi.Mode().Perm() != 0o600 {
					t.Errorf("note: %v %v", fi, err)
				}
				run(0, end)
				if _, _, waits := d.Device.Pending(); waits || running(d, "canary") != (end == "confirm") || len(noted(h)) != 0 {
					t.Errorf("after %s: waits %v, applied %v, notes %v", end, waits, running(d, "canary"), noted(h))
				}
			})
		}
	}
}

func TestChangesThatAreRefused(t *testing.T) {
	t.Parallel()
	d := device(t, simdev.Options{Without: []string{"confirmed-commit:1.1"}, Extra: []string{"urn:ietf:params:netconf:capability:confirmed-commit:1.0"}}, simnet.Server{})
	h := newHome(t)
	h.run(edit, with(h.signIn(), "rpc", d.Addr())...).want(t, 0)
	for name, tc := range map[string]struct {
		args  []string
		code  int
		words []string
	}{
		"read-only":           {[]string{"commit", d.Addr(), "--read-only"}, 2, []string{"READ-ONLY", "Nothing was sent"}},
		"read-only confirm":   {[]string{"confirm", d.Addr(), "--read-only"}, 2, []string{"READ-ONLY"}},
		"read-only check":     {[]string{"commit", d.Addr(), "--read-only", "--check"}, 0, nil},
		"without persist":     {[]string{"commit", d.Addr(), "--confirmed", "5m"}, 2, []string{"COMMIT-PERSIST", "--wait"}},
		"nobody to ask":       {[]string{"commit", d.Addr(), "--confirmed", "5m", "--wait"}, 2, []string{"TTY-NONE"}},
		"no target":           {[]string{"commit"}, 2, []string{"TARGET is missing"}},
		"wait alone":          {[]string{"commit", d.Addr(), "--wait"}, 2, []string{"--wait needs"}},
		"bad time":            {[]string{"commit", d.Addr(), "--confirmed", "-1s"}, 2, []string{"such as 5m"}},
		"bad source":          {[]string{"diff", d.Addr(), "--from", "nowhere"}, 2, []string{"rollback:N"}},
		"rollback on this":    {[]string{"rollback", "1", d.Addr()}, 2, []string{"only Junos"}},
		"rollback, no number": {[]string{"rollback", "x", d.Addr()}, 2, []string{"0 to 49"}},
		"comment":             {[]string{"commit", d.Addr(), "--comment", "x"}, 2, []string{"only Junos"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			args := tc.args
			h.run("", with(args, h.signIn()...)...).want(t, tc.code, tc.words...)
			if running(d, "canary") || len(noted(h)) != 0 {
				t.Errorf("something was committed")
			}
		})
	}
}

func TestCommitWithoutAnAnswerIsNotSentAgain(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	h.run(edit, with(h.signIn(), "rpc", d.Addr())...).want(t, 0)
	d.Device.SetFaults(simdev.Faults{LoseReply: true, Only: []string{"commit"}})
	h.run("", with(h.signIn(), "commit", d.Addr(), "--confirmed", "5m")...).want(t, 5, "COMMIT-UNKNOWN", "may or may not be in force", "It was not sent again")
	d.Device.SetFaults(simdev.Faults{})
	if len(noted(h)) != 1 {
		t.Fatal("it is not noted")
	}
	h.run("", "confirm", d.Addr(), "--forget").want(t, 2, "COMMIT-WAITS", "Its note is kept")
	h.run("", "confirm", "nobody", "--forget").want(t, 2, "COMMIT-NONE")
	h.run("", with(h.signIn(), "confirm", d.Addr())...).want(t, 0, "Confirmed")
	if _, _, waits := d.Device.Pending(); waits || !running(d, "canary") {
		t.Error("not confirmed")
	}
}

func TestRollbackFromTheShell(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{Dialect: simdev.Junos}, simnet.Server{})
	h.run(junosEdit, with(h.signIn(), "rpc", d.Addr())...).want(t, 0)
	h.run("", with(h.signIn(), "commit", d.Addr(), "--comment", "new building")...).want(t, 0)
	r := h.run("", with(h.signIn(), "rollback", "1", d.Addr(), "--check")...).want(t, 0)
	if !strings.Contains(r.out, "-") || !strings.Contains(r.out, "canary") || !running(d, "canary") {
		t.Errorf("check: %s", r.out)
	}
	h.run("", with(h.signIn(), "rollback", "1", d.Addr())...).want(t, 0, "Committed")
	if running(d, "canary") {
		t.Error("not rolled back")
	}
	if r := h.run("", with(h.signIn(), "diff", d.Addr(), "--from", "rollback:1", "--to", "running")...).want(t, 0); !strings.Contains(r.out, "canary") {
		t.Errorf("diff: %s", r.out)
	}
}

func TestNoteOfACommitWhoseTimeIsOver(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.write(h.state("commits", "r1-00.json"), `{"form":1,"device":"r1","sent":"2026-01-01T00:00:00Z","wait":60000000000,"phase":"armed","persist_id":"x"}`)
	h.write(h.state("commits", "r2-00.json"), `{"form":1,"device":"r2","sent":"2026-01-01T00:00:00Z","wait":60000000000,"phase":"armed","persist_id":"x"}`)
	h.run("", "confirm", "r1", "--forget").want(t, 0, "Forgotten: the confirmed commit on r1")
	if left := noted(h); len(left) != 1 || !strings.Contains(left[0], "r2") {
		t.Errorf("left %v", left)
	}
}

func TestCommitThatWaitsForAWord(t *testing.T) {
	t.Parallel()
	for word, stays := range map[string]bool{"confirm": true, "cancel": false} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			d := device(t, simdev.Options{Without: []string{"confirmed-commit:1.1"}, Extra: []string{"urn:ietf:params:netconf:capability:confirmed-commit:1.0"}}, simnet.Server{})
			h.run(edit, with(h.signIn(), "rpc", d.Addr())...).want(t, 0)
			con := h.onTerminal("", with(h.signIn(), "commit", d.Addr(), "--confirmed", "5m", "--wait")...)
			con.answer("confirm, or cancel to roll back now: ", "what\r")
			con.answer("confirm, or cancel to roll back now: ", word+"\r")
			if got := con.exit(); got != 0 {
				t.Errorf("exit code %d: %s", got, con.text())
			}
			for limit := time.Now().Add(patience); len(d.Device.Sessions()) > 0 && time.Now().Before(limit); {
				time.Sleep(time.Millisecond) // the device gives no event
			}
			if running(d, "canary") != stays || len(noted(h)) > 0 && stays {
				t.Errorf("applied %v, notes %v: %s", running(d, "canary"), noted(h), con.text())
			}
		})
	}
}
