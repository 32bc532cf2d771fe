package profile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestLinkedProfileIsWrittenThrough keeps the link of somebody who has profiles
// in a repository (security.md T6).
func TestLinkedProfileIsWrittenThrough(t *testing.T) {
	t.Parallel()
	away, dir := t.TempDir(), t.TempDir()
	s := Open(dir)
	if err := s.Put(simple("r1")); err != nil {
		t.Fatal(err)
	}
	path, target := filepath.Join(dir, "r1.toml"), filepath.Join(away, "r1.toml")
	if err := os.Rename(path, target); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	p := simple("r1")
	p.User = "later"
	if err := s.Put(p); err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Lstat(path); err != nil || fi.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
	if data, err := os.ReadFile(target); err != nil || !strings.Contains(string(data), "later") {
		t.Errorf("%s, %v", data, err)
	}
}

// TestErrorsNameFileLineAndColumn is what "strict" means: each mistake is told
// with the place where an editor finds it, and what to do.
func TestErrorsNameFileLineAndColumn(t *testing.T) {
	t.Parallel()
	good := "via = \"ssh\"\nhost = \"r1\"\n"
	for name, tt := range map[string]struct{ data, want string }{
		"unknown key":       {good + "\n  colour = \"red\"\n", `bad.toml:4:3: there is no key "colour"; it is mistyped or of a newer version`},
		"two unknown keys":  {good + "colour = 1\nsize = 2\n", `bad.toml:3:1: there is no key "colour" (and 1 more)`},
		"unknown table":     {good + "[ssh]\nport = 1\n", `bad.toml:3:`},
		"wrong type":        {good + "port = \"830\"\n", "bad.toml:3:"},
		"twice":             {good + "host = \"r2\"\n", "bad.toml:3:"},
		"unclosed":          {good + "user = \"x\n", "bad.toml:3:"},
		"bad value":         {good + "user = \"a\"\nport = 0x1FFFF\n", "bad.toml:4: port must be 1 to 65535"},
		"first of two":      {"host = \"a b\"\nport = -1\nvia = \"ssh\"\n", "bad.toml:1: host"},
		"control character": {good + "group = \"a\\u001bb\"\n", "bad.toml:3: group"},
		"bad quirk":         {good + "quirks = [\"force-1.0\", \"forse-1.0\"]\n", `bad.toml:3: quirks "forse-1.0" is not known`},
		"bad legacy":        {good + "legacy = [\"ssh-dss\"]\n", "bad.toml:3: legacy"},
		"not text":          {"\xff", "bad.toml: it is not UTF-8 text"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "bad.toml"), []byte(tt.data), 0o600); err != nil {
				t.Fatal(err)
			}
			ps, errs := Open(dir).List()
			if len(ps) != 0 || len(errs) != 1 || !strings.Contains(errs[0].Error(), filepath.Join(dir, tt.want)) {
				t.Fatalf("got %v, %v\nwant %s", ps, errs, tt.want)
			}
			if !strings.Contains(errs[0].Error(), "untouched") || strings.ContainsRune(errs[0].Error(), 0x1b) || !utf8.ValidString(errs[0].Error()) {
				t.Errorf("%q", errs[0])
			}
		})
	}
}

// TestWritableByOthersIsTold: the profile is used, and the message has the fix.
func TestWritableByOthersIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := Open(dir)
	if err := s.Put(simple("r1")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "r1.toml")
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	ps, errs := s.List()
	if len(ps) != 1 || len(errs) != 1 || !strings.Contains(errs[0].Error(), "FS-PERM") || !strings.Contains(errs[0].Error(), "chmod 600 "+path) {
		t.Errorf("%v, %v", ps, errs)
	}
}
