//go:build unix

package cli_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/conn/simnet"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

func TestRPCPrintsTheReplyAndNothingElse(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{Bulk: 2 << 20}, simnet.Server{})
	args := with(h.signIn(), "rpc", d.Addr())
	r := h.run(get, args...).want(t, 0)
	if !strings.HasPrefix(r.out, "<rpc-reply") && !strings.HasPrefix(r.out, "<?xml") || !strings.HasSuffix(strings.TrimSpace(r.out), "</rpc-reply>") {
		t.Errorf("standard output: %.100q ... %.100q", r.out, r.out[max(0, len(r.out)-100):])
	}
	file := h.write(filepath.Join(h.dir, "get.xml"), get)
	if again := h.run("", with(args, file, "--format", "raw")...).want(t, 0); again.out != r.out {
		t.Errorf("raw differs: %d and %d bytes", len(again.out), len(r.out))
	}
	var o struct {
		Target, Operation, Result, Reply string
		OK                               bool
		Bytes                            int
	}
	js := h.run(get, with(args, "-", "--format", "json")...).want(t, 0)
	if err := json.Unmarshal([]byte(js.out), &o); err != nil {
		t.Fatal(err)
	}
	if o.Reply != r.out || !o.OK || o.Result != "answered" || o.Operation != "get-config" || o.Target != d.Addr() || o.Bytes != len(r.out) {
		t.Errorf("json: %v %s %s %s %d of %d bytes", o.OK, o.Result, o.Operation, o.Target, o.Bytes, len(r.out))
	}
	noCanary(t, h.dir, password, filepath.Join(h.dir, "pw"))
}

// A file to sign in with that is not there is told of at once, and not after an
// RPC was typed.
func TestMissingFilesAreToldBeforeStandardInputIsRead(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	none, open := filepath.Join(h.dir, "none"), h.write(filepath.Join(h.dir, "open"), "secret\n")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{{"rpc", "u@127.0.0.1:1"}, {"listen", "--ssh", "127.0.0.1:0", "--rpc", "-"}} {
		for _, tc := range []struct{ flag, file, want string }{
			{"--identity", none, "KEY-FILE"}, {"--password-file", none, "KEY-FILE"}, {"--password-file", open, "KEY-PERM"},
		} {
			r, w, err := os.Pipe() // nothing is ever written, and it stays open
			if err != nil {
				t.Fatal(err)
			}
			c := h.command(with(command, tc.flag, tc.file)...)
			c.Stdin = r
			out, err := c.CombinedOutput()
			if got := code(t, err); got != 3 || !strings.Contains(string(out), tc.want) || !strings.Contains(string(out), tc.file) {
				t.Errorf("%s %s: exit code %d: %s", command[0], tc.flag, got, out)
			}
			r.Close()
			w.Close()
		}
	}
}

func TestExitCodesOfAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults simdev.Faults
		body   string
		code   int
		words  []string
	}{
		"rpc-error":       {simdev.Faults{}, `<unlock><target><candidate/></target></unlock>`, 1, []string{"RPC-ERROR"}},
		"broken framing":  {simdev.Faults{Raw: map[string][]byte{"get-config": []byte("\n#x\n")}}, get, 4, []string{"FRM-"}},
		"cut in a read":   {simdev.Faults{CutAfter: 400}, get, 3, []string{"not whole"}},
		"cut in an edit":  {simdev.Faults{CutAfter: 1}, edit, 5, []string{"RPC-UNKNOWN", "may or may not"}},
		"silent in read":  {simdev.Faults{Delay: time.Hour}, get, 3, []string{"RPC-TIMEOUT"}},
		"silent in write": {simdev.Faults{Delay: time.Hour}, edit, 5, []string{"RPC-UNKNOWN"}},
		"not XML":         {simdev.Faults{}, `<get`, 2, []string{"line 1", "othing was sent"}},
		"empty":           {simdev.Faults{}, " \n", 2, []string{"empty"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, d := newHome(t), device(t, simdev.Options{Faults: tc.faults}, simnet.Server{})
			r := h.run(tc.body, with(h.signIn(), "rpc", d.Addr(), "--timeout", "1s", "--format", "json")...)
			r.want(t, tc.code, tc.words...)
			if strings.Count(r.err, "\n") > 4 {
				t.Errorf("standard error is long:\n%s", r.err)
			}
			if tc.code != 2 {
				var o map[string]any
				if err := json.Unmarshal([]byte(r.out), &o); err != nil || o["ok"] != false || o["error"] == nil {
					t.Errorf("json %v: %s", err, r.out)
				}
			}
		})
	}
}

func TestExitCodesOfConnecting(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	d := device(t, simdev.Options{}, simnet.Server{})
	h := newHome(t)
	pw := h.write(filepath.Join(h.dir, "pw"), password)
	wrong := h.write(filepath.Join(h.dir, "wrong"), "hunter2")
	open := h.write(filepath.Join(h.dir, "open"), password)
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args  []string
		code  int
		words []string
	}{
		"nobody listens":       {[]string{"rpc", nobody}, 3, []string{"refused the connection"}},
		"unknown host key":     {[]string{"rpc", "admin@" + d.Addr(), "--password-file", pw}, 3, []string{"KEY-UNKNOWN", "no terminal to ask"}},
		"strict":               {[]string{"rpc", "admin@" + d.Addr(), "--host-key", "strict", "--password-file", pw}, 3, []string{"KEY-UNKNOWN"}},
		"wrong password":       {[]string{"rpc", "admin@" + d.Addr(), "--host-key", "accept-new", "--known-hosts", filepath.Join(h.dir, "k1"), "--password-file", wrong}, 3, []string{"AUTH-FAIL"}},
		"no password":          {[]string{"rpc", "admin@" + d.Addr(), "--host-key", "accept-new", "--known-hosts", filepath.Join(h.dir, "k2")}, 3, []string{"AUTH-STOPPED", `"password"`, "Use --password-file"}},
		"readable by all":      {[]string{"rpc", "admin@" + d.Addr(), "--host-key", "accept-new", "--known-hosts", filepath.Join(h.dir, "k3"), "--password-file", open}, 3, []string{"chmod 600"}},
		"no target":            {[]string{"rpc"}, 2, []string{"TARGET is missing"}},
		"bad target":           {[]string{"rpc", "a b"}, 2, []string{"USAGE"}},
		"bad policy":           {[]string{"rpc", "r1", "--host-key", "off"}, 2, []string{"host_key"}},
		"bad format":           {[]string{"rpc", "r1", "--format", "yaml"}, 2, []string{"--format"}},
		"unknown flag":         {[]string{"rpc", "r1", "--password", "x"}, 2, []string{"unknown flag"}},
		"unknown profile":      {[]string{"rpc", "--profile", "nope"}, 2, []string{"PRO-NONE"}},
		"password twice stdin": {[]string{"rpc", "r1", "--password-file", "-"}, 2, []string{"standard input cannot be both"}},
		"no such file":         {[]string{"rpc", "r1", "nope.xml"}, 2, []string{"nope.xml", "Nothing was sent"}},
		"no such template":     {[]string{"rpc", "r1", "--template", "nope"}, 2, []string{"no template"}},
		"var without template": {[]string{"rpc", "r1", "--var", "a=b"}, 2, []string{"--var needs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := h.run(get, tc.args...).want(t, tc.code, tc.words...)
			if r.out != "" {
				t.Errorf("standard output %q", r.out)
			}
			if strings.Contains(r.err, "hunter2") || strings.Contains(r.err, password) {
				t.Errorf("a password is shown: %s", r.err)
			}
		})
	}
}

func TestHostKeyIsRecordedOnceAndAChangedOneRefused(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	base := []string{"rpc", "admin@" + d.Addr(), "--password-file", h.write(filepath.Join(h.dir, "pw"), password)}
	h.run(get, with(base, "--host-key", "accept-new")...).want(t, 0)
	if fi, err := os.Stat(h.config("known_hosts")); err != nil || fi.Mode().Perm() != 0o600 {
		t.Fatalf("known_hosts: %v %v", fi, err)
	}
	h.run(get, with(base, "--host-key", "strict")...).want(t, 0)
	key, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	d.SetHostKey(key)
	h.run(get, with(base, "--host-key", "accept-new")...).want(t, 3, "KEY-CHANGED")
}

func TestReadOnlyRefusesBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	host, port, _ := net.SplitHostPort(d.Addr())
	h.write(h.config("profiles", "ro.toml"), fmt.Sprintf("via = \"ssh\"\nhost = %q\nport = %s\nuser = \"admin\"\nread_only = true\nhost_key = \"accept-new\"\npassword = \"env:NC_PASS\"\n", host, port))
	h.env = append(h.env, "NC_PASS="+password)
	h.run(edit, "rpc", "ro").want(t, 2, "READ-ONLY", "Nothing was sent")
	h.run(`<commit/>`, "rpc", "--profile", "ro", "-").want(t, 2, "READ-ONLY")
	h.run("", "rpc", "ro", "--template", "commit").want(t, 2, "READ-ONLY")
	h.run(get, "rpc", "ro").want(t, 0)
	h.run(edit, with(h.signIn(), "rpc", d.Addr(), "--read-only")...).want(t, 2, "READ-ONLY")
	if strings.Contains(string(d.Device.Config(netconf.Candidate)), "canary") {
		t.Error("the candidate has the edit")
	}
	h.write(h.config("config.toml"), "read_only = true\n")
	h.run(edit, with(h.signIn(), "rpc", d.Addr())...).want(t, 2, "READ-ONLY")
	h.write(h.config("config.toml"), "colour = 3\n")
	h.run(get, with(h.signIn(), "rpc", d.Addr())...).want(t, 2, "config.toml:1:1")
}

func TestPasswordFromStandardInput(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	file := h.write(filepath.Join(h.dir, "get.xml"), get)
	h.run(password+"\n", "rpc", "admin@"+d.Addr(), file, "--host-key", "accept-new", "--password-file", "-").want(t, 0)
	h.run("", "rpc", "admin@"+d.Addr(), file, "--host-key", "accept-new", "--password-file", "-").want(t, 2, "standard input")
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	r := h.run("", with(h.signIn(), "rpc", d.Addr(), "--template", "get-config-running")...).want(t, 0)
	if !strings.Contains(r.out, "<data") {
		t.Errorf("reply %.200s", r.out)
	}
	h.run("", with(h.signIn(), "rpc", d.Addr(), "--template", "get-config-running", "--var", "nope=1")...).want(t, 2, "no variable")
	h.run("", with(h.signIn(), "rpc", d.Addr(), "--template", "get-config-running", "--var", "nope")...).want(t, 2, "NAME=VALUE")
}

func TestTraceLogAndJournalAreKeptPrivatelyAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	trace, log := filepath.Join(h.dir, "trace"), filepath.Join(h.dir, "log")
	h.write(trace, "old")
	if err := os.Chmod(trace, 0o644); err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(edit, "<description>canary", "<description>password canary-9Kq</description><secret>canary-9Kq</secret><description>", 1)
	r := h.run(body, with(h.signIn(), "rpc", d.Addr(), "--trace", trace, "--log", log)...)
	if r.code != 0 && r.code != 1 {
		t.Fatalf("exit code %d: %s", r.code, r.err)
	}
	journals, _ := filepath.Glob(h.state("journal", "*.jsonl"))
	if len(journals) != 1 {
		t.Fatalf("journals %v", journals)
	}
	for file, word := range map[string]string{trace: "edit-config", log: "session", journals[0]: `"op":"edit-config"`} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), word) || strings.HasPrefix(string(data), "old") {
			t.Errorf("%s: %.300s", file, data)
		}
		if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v %v", file, fi.Mode(), err)
		}
	}
	noCanary(t, h.dir, "canary-9Kq", trace) // a trace has every byte, and says so
	noCanary(t, h.dir, password, filepath.Join(h.dir, "pw"))
}

func TestSignalsWhileTheDeviceIsSilent(t *testing.T) {
	t.Parallel()
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			h, d := newHome(t), device(t, simdev.Options{Faults: simdev.Faults{Delay: time.Hour}}, simnet.Server{})
			trace := filepath.Join(h.dir, "trace")
			c := h.command(with(h.signIn(), "rpc", d.Addr(), "--trace", trace)...)
			var stderr strings.Builder
			c.Stdin, c.Stderr = strings.NewReader(edit), &stderr
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for limit := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // a file tells no event
				if data, _ := os.ReadFile(trace); strings.Contains(string(data), "edit-config>") {
					break
				}
				if time.Now().After(limit) {
					t.Fatal("the request was never sent")
				}
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if got := code(t, c.Wait()); got != want {
				t.Errorf("exit code %d, want %d: %s", got, want, stderr.String())
			}
			if !strings.Contains(stderr.String(), "RPC-UNKNOWN") {
				t.Errorf("standard error: %s", stderr.String())
			}
			journals, _ := filepath.Glob(h.state("journal", "*.jsonl"))
			if len(journals) != 1 {
				t.Fatal("no journal")
			}
			if data, _ := os.ReadFile(journals[0]); !strings.Contains(string(data), `"result":"unknown"`) {
				t.Errorf("journal: %s", data)
			}
		})
	}
}

func TestReplyThatCannotBeWrittenIsNoSuccess(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	for name, tc := range map[string]struct {
		rpc  string
		code int
		says []string
	}{
		"read": {get, 2, []string{"OUT-WRITE standard output cannot be written", "no space left on device", "The device was only read. Give the reply somewhere to go and ask again."}},
		"edit": {edit, 5, []string{"OUT-WRITE", "The device did what it was asked and said so; nothing is sent again. Look at the device before you send it again."}},
		"rpc-error": {"<delete-config><target><candidate/></target></delete-config>", 1,
			[]string{"OUT-WRITE", "RPC-ERROR"}},
	} {
		for _, format := range []string{"xml", "json"} {
			c := h.command(with(h.signIn(), "rpc", d.Addr(), "--format", format)...)
			var stderr strings.Builder
			c.Stdin, c.Stdout, c.Stderr = strings.NewReader(tc.rpc), full, &stderr
			if got := code(t, c.Run()); got != tc.code {
				t.Errorf("%s as %s: exit code %d, want %d", name, format, got, tc.code)
			}
			for _, s := range tc.says {
				if !strings.Contains(stderr.String(), s) {
					t.Errorf("%s as %s: %q is missing: %s", name, format, s, stderr.String())
				}
			}
		}
	}
}

func TestStoppedReadSaysThatTheSessionIsClosed(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{Faults: simdev.Faults{Delay: time.Hour}}, simnet.Server{})
	trace := filepath.Join(h.dir, "trace")
	c := h.command(with(h.signIn(), "rpc", d.Addr(), "--trace", trace, "--format", "json")...)
	var stdout, stderr strings.Builder
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(get), &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for limit := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // a file tells no event
		if data, _ := os.ReadFile(trace); strings.Contains(string(data), "get-config>") {
			break
		}
		if time.Now().After(limit) {
			t.Fatal("the request was never sent")
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := code(t, c.Wait()); got != 130 {
		t.Errorf("exit code %d", got)
	}
	for what, text := range map[string]string{"standard error": stderr.String(), "standard output": stdout.String()} {
		if !strings.Contains(text, "RPC-STOPPED") || !strings.Contains(text, "The session is closed; a late reply is lost") || strings.Contains(text, "stays open") {
			t.Errorf("%s: %s", what, text)
		}
	}
}

func TestSilentReadSaysThatTheSessionIsClosed(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{Faults: simdev.Faults{Delay: time.Hour}}, simnet.Server{})
	r := h.run(get, with(h.signIn(), "rpc", d.Addr(), "--timeout", "1s")...).want(t, 3, "RPC-TIMEOUT", "The session is closed; a late reply is lost")
	if strings.Contains(r.err, "stays open") {
		t.Errorf("standard error: %s", r.err)
	}
}

func TestWithoutAHomeNothingIsSavedAndItWorks(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	args := with(h.signIn(), "rpc", d.Addr())
	h.env = []string{"PATH=" + os.Getenv("PATH")}
	h.run(get, args...).want(t, 0)
	h.run("", "profile", "list").want(t, 0)
	h.run("", "profile", "add", "r1", "192.0.2.1").want(t, 2, "CFG-NONE")
	if _, err := os.Stat(filepath.Join(h.dir, ".config")); err == nil {
		t.Error("something was saved")
	}
}

func TestHistoryThatCannotBeWrittenIsToldAndNoFailure(t *testing.T) {
	t.Parallel()
	h, d := newHome(t), device(t, simdev.Options{}, simnet.Server{})
	h.write(h.state("journal"), "a file where the directory should be")
	r := h.run(get, with(h.signIn(), "rpc", d.Addr())...).want(t, 0, "JOURNAL")
	if !strings.Contains(r.out, "</rpc-reply>") {
		t.Errorf("standard output %.100q", r.out)
	}
}
