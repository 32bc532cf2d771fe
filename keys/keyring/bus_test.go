//go:build linux

package keyring_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/keys"
	"dialtone/keys/keyring"
	"dialtone/keys/keyring/ringtest"
)

// childKey makes the test program a program that uses the keyring of its
// environment: the library has one connection to the bus in a process. Its value
// is the limit of a call; "" is not set.
const childKey = "DIALTONE_TEST_KEYRING"

func TestMain(m *testing.M) {
	if os.Getenv(childKey) != "" {
		child(os.Args[1], os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

// child prints, for each name, what the keyring answered.
func child(do string, names []string) {
	limit, err := time.ParseDuration(os.Getenv(childKey))
	if err != nil {
		panic(err)
	}
	v, ctx := keyring.New(keyring.Options{Limit: limit}), context.Background()
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		answer := ""
		switch do {
		case "get":
			var s keys.Secret
			s, err = v.Get(ctx, "keyring:"+n)
			answer = string(s.Reveal())
		case "set", "replace":
			err = v.Set(ctx, n, keys.NewSecret(bytes.Clone(in)), do == "replace")
		case "remove":
			err = v.Remove(ctx, n)
		}
		if err != nil {
			answer = err.Error()
		}
		fmt.Println(answer)
	}
}

// do runs the child and returns its answers, however long they take.
func do(t *testing.T, env []string, stdin, what string, names ...string) []string {
	t.Helper()
	return doIn(t, patience, env, stdin, what, names...)
}

// doIn is do with a limit for each call, 3 s when 0.
func doIn(t *testing.T, limit time.Duration, env []string, stdin, what string, names ...string) []string {
	t.Helper()
	c := exec.Command(os.Args[0], append([]string{what}, names...)...)
	c.Env = append(append([]string{}, env...), childKey+"="+limit.String())
	c.Stdin = strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", what, err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

func want(t *testing.T, got []string, answers ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(answers, "\n") {
		t.Errorf("answers\n%.300q\nwant\n%.300q", got, answers)
	}
}

const missing = `KEYRING-MISSING the keyring has no entry "r2" of dialtone. Add it with: dialtone secret set --keyring r2`

func TestEntriesOfOtherPrograms(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	b.Store("r1", "höchst geheim 'x' \\ $HOME")
	b.Store("line", "with a line end\n")
	b.Store("lines", "one\ntwo")
	want(t, do(t, b.Env, "", "get", "r1", "line", "lines", "r2"), "höchst geheim 'x' \\ $HOME", "with a line end",
		`SEC-VALUE the entry "lines" of the keyring holds a line end or NUL; a secret is one line. It is untouched. Put the secret there again with: dialtone secret set --keyring --replace lines`,
		missing)
}

func TestEntriesForOtherPrograms(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	long := strings.Repeat("x", keys.MaxSecret)
	want(t, do(t, b.Env, "ours 'ä'", "set", "r1"), "")
	want(t, do(t, b.Env, "other", "set", "r1"), `SEC-EXISTS the keyring has an entry "r1" already. It is untouched`)
	if s, ok := b.Look("r1"); s != "ours 'ä'" || !ok {
		t.Errorf("secret-tool finds %q, %v", s, ok)
	}
	want(t, do(t, b.Env, long, "replace", "r1"), "")
	if s, ok := b.Look("r1"); s != long || !ok {
		t.Errorf("secret-tool finds %d bytes, %v", len(s), ok)
	}
	want(t, do(t, b.Env, "", "get", "r1"), long)
	want(t, do(t, b.Env, "", "remove", "r1"), "")
	if s, ok := b.Look("r1"); ok {
		t.Errorf("secret-tool still finds %q", s)
	}
	want(t, do(t, b.Env, "", "remove", "r2"), strings.Replace(missing, "dialtone. ", "dialtone. Nothing was deleted. ", 1))
}

const (
	lockedAnswer = "KEYRING-LOCKED the keyring is locked and was not unlocked. %sUnlock it and try again, or use store:NAME"
	lateAnswer   = "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked. %sUnlock it and try again, or use store:NAME"
	busyAnswer   = "KEYRING-TIME the keyring has not answered an earlier call yet: it hangs, or waits to be unlocked. %sUnlock it and try again, or use store:NAME"
	nothing      = "Nothing was stored. "
)

// TestLockedWithNobodyToAsk is a keyring of a session without a screen.
func TestLockedWithNobodyToAsk(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	b.Store("r1", "hush")
	b.Lock()
	want(t, do(t, b.Env, "", "get", "r1", "r1"), fmt.Sprintf(lockedAnswer, ""), fmt.Sprintf(lockedAnswer, ""))
	want(t, do(t, b.Env, "new", "replace", "r1"), fmt.Sprintf(lockedAnswer, nothing))
	want(t, do(t, b.Env, "new", "set", "r3"), fmt.Sprintf(lockedAnswer, nothing))
}

// TestLockedWhileThePersonIsAway has a prompt that nobody answers.
func TestLockedWhileThePersonIsAway(t *testing.T) {
	t.Parallel()
	b := ringtest.Start(t)
	b.Store("r1", "hush")
	b.Lock()
	b.Prompter()
	want(t, doIn(t, 0, b.Env, "", "get", "r1", "r1"), fmt.Sprintf(lateAnswer, ""), fmt.Sprintf(busyAnswer, ""))
	want(t, doIn(t, 0, b.Env, "new", "set", "r3", "r3"), fmt.Sprintf(lateAnswer, nothing), fmt.Sprintf(busyAnswer, nothing))
	want(t, doIn(t, 0, b.Env, "new", "replace", "r1"), fmt.Sprintf(lateAnswer, "Whether it was stored is not known. "))
}

func TestBusWithoutAKeyring(t *testing.T) {
	t.Parallel()
	b := ringtest.NewBus(t)
	want(t, do(t, b.Env, "", "get", "r1"),
		`KEYRING-NONE there is no keyring here: "The name org.freedesktop.secrets was not provided by any .service files". Start one, or use store:NAME`)
}

// TestBusThatHangs takes connections and says nothing, and one that is gone.
func TestBusThatHangs(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "dk") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "bus")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	var taken []net.Conn
	done := make(chan struct{})
	go func() { // ends when the listener is closed
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			taken = append(taken, c)
		}
	}()
	env := []string{"DBUS_SESSION_BUS_ADDRESS=unix:path=" + socket}
	want(t, doIn(t, 0, env, "", "get", "r1", "r2"), fmt.Sprintf(lateAnswer, ""), fmt.Sprintf(busyAnswer, ""))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	<-done
	if len(taken) != 1 {
		t.Errorf("%d connections to the bus, want 1", len(taken))
	}
	for _, c := range taken {
		c.Close()
	}
	want(t, do(t, env, "", "get", "r1"),
		`KEYRING-NONE there is no keyring here: "dial unix `+socket+`: connect: connection refused". Start one, or use store:NAME`)
	if err := os.Remove(socket); err != nil {
		t.Fatal(err)
	}
	want(t, do(t, env, "", "get", "r1"),
		`KEYRING-NONE there is no keyring here: "dial unix `+socket+`: connect: no such file or directory". Start one, or use store:NAME`)
	none := `KEYRING-NONE there is no keyring here: DBUS_SESSION_BUS_ADDRESS is not set. Start in a desktop session, or use store:NAME`
	want(t, do(t, nil, "", "get", "r1"), none)
	want(t, do(t, []string{"DBUS_SESSION_BUS_ADDRESS=nothing"}, "", "get", "r1"), `KEYRING the keyring failed: "dbus: invalid bus address (no transport)". Try again, or use store:NAME`)
}
