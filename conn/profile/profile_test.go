package profile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"dialtone/conn/link"
	"dialtone/keys/atomicfile"
)

func full(name string) Profile {
	no := false
	return Profile{
		Target: link.Target{
			Name: name, Via: link.SSH, Host: "192.0.2.1", Port: 8830, User: "admin",
			Identity: []string{"~/.ssh/id_ed25519"}, Agent: &no, Password: "ask", Jump: []string{"bastion"},
			HostKey: link.Strict, ReadOnly: true, Keepalive: link.Duration(15 * time.Second), Timeout: link.Duration(time.Minute), CommitTimeout: link.Duration(time.Hour),
			Legacy: []string{"ssh-rsa"}, Quirks: []string{"force-1.0", "subsystem=xml-mode", "cap=urn:x"},
		},
		Group: "core", Tags: []string{"lab", "mx"}, Note: "one\ntwo",
	}
}

func simple(name string) Profile {
	return Profile{Target: link.Target{Name: name, Via: link.SSH, Host: name + ".example.net"}}
}

func TestPutAndListGiveBackTheSameProfile(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "profiles")
	s := Open(dir)
	if ps, errs := s.List(); len(ps) != 0 || len(errs) != 0 {
		t.Fatalf("missing directory: %v %v", ps, errs)
	}
	for _, p := range []Profile{full("a-b"), full("a"), simple("z")} {
		if err := s.Put(p); err != nil {
			t.Fatal(err)
		}
	}
	ps, errs := Open(dir).List()
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	if want := []Profile{full("a"), full("a-b"), simple("z")}; !reflect.DeepEqual(ps, want) {
		t.Errorf("got %+v\nwant %+v", ps, want)
	}
	fi, err := os.Stat(filepath.Join(dir, "a.toml"))
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v %v", fi.Mode(), err)
	}
	if fi, _ := os.Stat(dir); fi.Mode().Perm() != 0o700 {
		t.Errorf("directory mode %v", fi.Mode())
	}
	if err := s.Delete("a"); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("a"); !errors.Is(err, ErrNone) {
		t.Errorf("second delete: %v", err)
	}
	if err := s.Delete("../z"); !errors.Is(err, ErrNone) {
		t.Errorf("delete outside: %v", err)
	}
}

func TestBadFilesAreNamedAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	good := "via = \"ssh\"\nhost = \"r1\"\n"
	for name, tc := range map[string]struct {
		data string
		want string // in the error
	}{
		"truncated":     {"via = \"ssh\"\nhost = \"r", ":2:"},
		"nul":           {strings.Repeat("\x00", 100), "bad.toml"},
		"utf16":         {"\xff\xfev\x00i\x00a\x00", "not UTF-8"},
		"unknown key":   {good + "colour = \"red\"\n", `:3:1: there is no key "colour"`},
		"password text": {good + "password = \"hunter2\"\n", ":3: password must be"},
		"wrong type":    {"via = \"ssh\"\nhost = \"r1\"\nport = \"x\"\n", ":3:"},
		"bad port":      {good + "port = 70000\n", ":3: port must be 1 to 65535"},
		"empty":         {"", "via is missing"},
		"too large":     {good + "# " + strings.Repeat("x", MaxSize), "larger than"},
		"bad duration":  {good + "timeout = \"soon\"\n", ":3:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "bad.toml")
			if err := os.WriteFile(path, []byte(tc.data), 0o600); err != nil {
				t.Fatal(err)
			}
			s := Open(dir)
			if err := s.Put(simple("ok")); err != nil {
				t.Fatal(err)
			}
			ps, errs := s.List()
			if len(ps) != 1 || ps[0].Name != "ok" || len(errs) != 1 {
				t.Fatalf("got %v, %v", ps, errs)
			}
			if !strings.Contains(errs[0].Error(), tc.want) {
				t.Errorf("error %q lacks %q", errs[0], tc.want)
			}
			if strings.Contains(errs[0].Error(), "hunter2") {
				t.Errorf("error shows the password: %q", errs[0])
			}
			if err := s.Put(simple("bad")); err == nil {
				t.Error("overwrote a file that it cannot read")
			}
			if got, _ := os.ReadFile(path); string(got) != tc.data {
				t.Error("file changed")
			}
		})
	}
}

func TestEveryTruncationIsAnErrorOrAProfile(t *testing.T) {
	t.Parallel()
	data, err := encode(full("r1"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		p, err := decode("r1.toml", "r1", data[:n])
		if err == nil && len(Check(p)) != 0 {
			t.Fatalf("at %d: a bad profile passed: %+v", n, p)
		}
	}
}

func TestDirectoryOpenToAllIsReadButNotWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := Open(dir)
	if err := s.Put(simple("r1")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	ps, errs := s.List()
	if len(ps) != 1 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "chmod 700") {
		t.Errorf("got %v, %v", ps, errs)
	}
	if err := s.Put(simple("r2")); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("saved: %v", err)
	}
}

func TestFourWritersLoseNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const each = 15
	var wg sync.WaitGroup
	errs := make(chan error, 4*each)
	for w := range 4 {
		wg.Add(1)
		go func() { // ends after its saves
			defer wg.Done()
			s := Open(dir)
			for i := range each {
				if err := s.Put(simple(fmt.Sprintf("w%d-%d", w, i))); err != nil {
					errs <- err
				}
			}
		}()
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
	if ps, errs := Open(dir).List(); len(ps) != 4*each || len(errs) != 0 {
		t.Errorf("%d profiles, %v", len(ps), errs)
	}
}

func TestConflictKeepsBoth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := Open(dir), Open(dir)
	p := simple("r1")
	if err := a.Put(p); err != nil {
		t.Fatal(err)
	}
	b.List()
	p.User = "first"
	if err := a.Put(p); err != nil {
		t.Fatal(err)
	}
	p.User = "second"
	if err := b.Put(p); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "r1-2") {
		t.Fatalf("got %v", err)
	}
	ps, _ := a.List()
	if len(ps) != 2 || ps[0].User != "first" || ps[1].User != "second" || ps[1].Name != "r1-2" {
		t.Errorf("got %+v", ps)
	}
	if err := a.Put(p); err != nil { // same as another's: nothing to lose
		t.Error(err)
	}
}

func TestStoreWithoutHomeSaysSo(t *testing.T) {
	t.Parallel()
	s := Open("")
	if Note(s) == "" || Note(Memory()) != "" || Note(Open(t.TempDir())) != "" {
		t.Error("wrong notes")
	}
	if err := s.Put(simple("r1")); err != nil {
		t.Fatal(err)
	}
	if ps, errs := s.List(); len(ps) != 1 || len(errs) != 0 {
		t.Errorf("got %v %v", ps, errs)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]link.Target{
		"r1":                        {Host: "r1"},
		"r1:22":                     {Host: "r1", Port: 22},
		"admin@r1.example.net:8830": {User: "admin", Host: "r1.example.net", Port: 8830},
		"me@corp@r1":                {User: "me@corp", Host: "r1"},
		"[2001:db8::1]:830":         {Host: "2001:db8::1", Port: 830},
		"a@[2001:db8::1]":           {User: "a", Host: "2001:db8::1"},
		"2001:db8::1":               {Host: "2001:db8::1"},
		"[fe80::1%eth0]":            {Host: "fe80::1%eth0"},
		"192.0.2.1:830":             {Host: "192.0.2.1", Port: 830},
	} {
		want.Name, want.Via = in, link.SSH
		if got, err := Parse(in); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("Parse(%q) = %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", "@r1", "r1:", "r1:0", "r1:65536", "r1:+1", "r1:x", "[::1", "[r1]:830", "[::1]830", "-oProxy", "-l@r1", "r 1", "r1\n",
		"a\x1b@r1", "1:2:3", "r1/x", "a@", "::1%a b", ".r1", strings.Repeat("x", 300), "[fe80::1%a]b]:1",
	} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %+v", in, got)
		}
	}
}

func TestCheckNamesTheField(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Profile){
		"name":           func(p *Profile) { p.Name = "../x" },
		"via":            func(p *Profile) { p.Via = "telnet" },
		"host":           func(p *Profile) { p.Host = "r1 -o" },
		"port":           func(p *Profile) { p.Port = -1 },
		"user":           func(p *Profile) { p.User = "-x" },
		"identity":       func(p *Profile) { p.Identity = []string{""} },
		"agent_key":      func(p *Profile) { p.AgentKey = "MD5:aa" },
		"password":       func(p *Profile) { p.Password = "hunter2" },
		"secret":         func(p *Profile) { p.Secret = "ask" },
		"jump":           func(p *Profile) { p.Jump = []string{"-x"} },
		"device_id":      func(p *Profile) { p.Via, p.DeviceID = link.Junos, "" },
		"pin":            func(p *Profile) { p.Pin = []string{"SHA256:short"} },
		"host_key":       func(p *Profile) { p.HostKey = "off" },
		"open":           func(p *Profile) { p.Open = "never" },
		"keepalive":      func(p *Profile) { p.Keepalive = -1 },
		"commit_timeout": func(p *Profile) { p.CommitTimeout = link.Duration(25 * time.Hour) },
		"timeout":        func(p *Profile) { p.Timeout = link.Duration(time.Millisecond) },
		"legacy":         func(p *Profile) { p.Legacy = []string{"arcfour"} },
		"quirks":         func(p *Profile) { p.Quirks = []string{"cap="} },
		"group":          func(p *Profile) { p.Group = "a\nb" },
		"tags":           func(p *Profile) { p.Tags = []string{"a,b"} },
		"note":           func(p *Profile) { p.Note = "\x1b[2J" },
	} {
		p := full("r1")
		change(&p)
		if bad := Check(p); bad[field] == "" || len(bad) != 1 {
			t.Errorf("%s: got %v", field, bad)
		}
		if strings.Contains(fmt.Sprint(Check(p)), "hunter2") {
			t.Error("the password is shown")
		}
	}
	if bad := Check(full("r1")); len(bad) != 0 {
		t.Errorf("a good profile: %v", bad)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	p := full("core-r1")
	for filter, want := range map[string]bool{
		"": true, "core": true, "CORE r1": true, "group:core": true, "group:cor": false, "tag:lab": true, "#mx": true, "#m": false,
		"via:ssh": true, "user:adm": true, "host:192": true, "-tag:lab": false, "-edge": true, "core edge": false, "name:r1": true, "two": true,
	} {
		if got := Match(p, filter); got != want {
			t.Errorf("Match(%q) = %v", filter, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, _ := encode(full("r1"))
	f.Add(good)
	f.Add([]byte("via = \"ssh\"\nhost = \"\\u001b\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decode("r1.toml", "r1", data)
		if err != nil {
			return
		}
		if bad := Check(p); len(bad) != 0 {
			t.Fatalf("a bad profile passed: %v", bad)
		}
		again, err := encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := decode("r1.toml", "r1", again); err != nil || !reflect.DeepEqual(norm(p), norm(q)) {
			t.Fatalf("does not survive saving: %v\n%+v\n%+v", err, p, q)
		}
	})
}

// norm drops the difference between no list and an empty one.
func norm(p Profile) string {
	agent := p.UseAgent()
	p.Agent = nil
	return fmt.Sprintf("%+v %v", p, agent)
}

func FuzzParse(f *testing.F) {
	f.Add("a@[2001:db8::1]:830")
	f.Fuzz(func(t *testing.T, s string) {
		tg, err := Parse(s)
		if err != nil {
			return
		}
		tg.Name = "x"
		if bad := Check(Profile{Target: tg}); len(bad) != 0 {
			t.Fatalf("%q passed and cannot be saved: %v", s, bad)
		}
	})
}

func TestSaveWhileAnotherProgramHoldsTheLock(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "profiles")
	s := Open(dir)
	if err := s.Put(simple("r1")); err != nil {
		t.Fatal(err)
	}
	unlock, err := atomicfile.Lock(dir, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	p := simple("r1")
	p.User = "later"
	start := time.Now()
	err = s.Put(p)
	if want := fmt.Sprintf("FS-LOCKED another dialtone (pid %d) is saving profiles in %s", os.Getpid(), dir); !errors.Is(err, atomicfile.ErrLocked) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	if took := time.Since(start); took < lockWait {
		t.Errorf("gave up after %v", took)
	}
	if ps, errs := s.List(); len(ps) != 1 || ps[0].User != "" || len(errs) != 0 {
		t.Errorf("reading needs no lock: %v %v", ps, errs)
	}
	unlock()
	if err := s.Put(p); err != nil {
		t.Error(err)
	}
}
