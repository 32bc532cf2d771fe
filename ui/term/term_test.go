package term

import (
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"dialtone/ui/style"
)

func env(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

func TestLook(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		env  func(string) string
		want Info
	}{
		{env("TERM", "xterm-256color", "LANG", "en_GB.UTF-8"), Info{Name: "xterm-256color"}},
		{env("TERM", "tmux-256color", "TMUX", "/tmp/x", "LC_ALL", "C.utf8"), Info{Name: "tmux-256color", Mux: "tmux"}},
		{env("TERM", "screen", "STY", "1.x", "LANG", "C"), Info{Name: "screen", Mux: "screen", ASCII: true}},
		{env("TERM", "xterm", "LC_ALL", "POSIX", "LANG", "en_GB.UTF-8"), Info{Name: "xterm", ASCII: true}},
		{env("TERM", "xterm", "NO_COLOR", "1", "LANG", "C.UTF-8"), Info{Name: "xterm", NoColor: true}},
		{env("TERM", "dumb", "SSH_CONNECTION", "x"), Info{Name: "dumb", Dumb: true, ASCII: true, SSH: true}},
		{env(), Info{Dumb: true, ASCII: true}},
	} {
		if got := Look(c.env); got != c.want {
			t.Errorf("got %+v, want %+v", got, c.want)
		}
	}
}

func TestThemeOfATerminal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in      Info
		name    string
		want    string
		colours bool
		ok      bool
	}{
		{Info{}, "", "default", true, true},
		{Info{}, "dark", "dark", true, true},
		{Info{}, "neon", "default", true, false},
		{Info{NoColor: true}, "dark", "mono", false, true},
		{Info{Dumb: true}, "", "default", false, true},
	} {
		th, ok := c.in.Theme(c.name, false)
		if th.Name != c.want || ok != c.ok || (th.SGR(style.OK) != "") != c.colours {
			t.Errorf("%+v, %q: %s, %v, %q", c.in, c.name, th.Name, ok, th.SGR(style.OK))
		}
		if !c.in.Dumb && !strings.Contains(th.SGR(style.Select), "7") {
			t.Errorf("%+v: the selection is not seen", c.in)
		}
	}
}

func deep(secret string, c *Crash) {
	defer c.Caught("test", func() {})
	panic("password is " + secret)
}

func TestCrashFileHoldsNoData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := NewCrash(dir, func() time.Time { return time.Date(2031, 11, 21, 14, 0, 0, 0, time.UTC) })
	deep("hunter22", c)
	c.Record("second", "other", debug.Stack())
	if !c.Happened() {
		t.Fatal("nothing happened")
	}
	err := c.Save([]string{"core-r1: 3 edits not committed"})
	if err.ExitCode() != 2 || err.Where != "test" || err.File == "" {
		t.Fatalf("%+v", err)
	}
	b, rerr := os.ReadFile(err.File)
	info, serr := os.Stat(err.File)
	if rerr != nil || serr != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(rerr, serr, info.Mode())
	}
	for _, bad := range []string{"hunter22", "0x", "other"} {
		for _, line := range strings.Split(string(b), "\n") {
			if strings.Contains(line, bad) && !strings.HasPrefix(line, "\t") {
				t.Errorf("the file holds %q: %s", bad, line)
			}
		}
	}
	for _, good := range []string{"term.deep", "core-r1: 3 edits", "panic: string"} {
		if !strings.Contains(string(b), good) {
			t.Errorf("the file lacks %q:\n%s", good, b)
		}
	}
	if n := strings.Count(err.Error(), "\n"); n != 0 || !strings.Contains(err.Error(), err.File) {
		t.Errorf("message %q", err)
	}
}

func TestCrashWithoutAPlaceForTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, wantErr := range map[string]bool{"": false, file: true} {
		c := NewCrash(dir, time.Now)
		deep("x", c)
		err := c.Save(nil)
		if err.File != "" || (err.Err != nil) != wantErr || err.ExitCode() != 2 {
			t.Errorf("%q: %+v", dir, err)
		}
	}
}

func TestOpenTheme(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.toml")
	if err := os.WriteFile(file, []byte("warn = \"bright-red\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if th, err := (Info{}).Open(file, false); err != nil || th.SGR(style.Warn) != "\x1b[91m" {
		t.Errorf("%v, %+v", err, th)
	}
	if th, err := (Info{NoColor: true}).Open(file, false); err != nil || th.Name != "mono" {
		t.Errorf("NO_COLOR: %v, %+v", err, th)
	}
	if _, err := (Info{}).Open(file+".toml", false); err == nil {
		t.Error("a file that is not there is a theme")
	}
	if _, err := (Info{}).Open("neon", false); err == nil || !strings.Contains(err.Error(), "mono") {
		t.Errorf("neon: %v", err)
	}
}
