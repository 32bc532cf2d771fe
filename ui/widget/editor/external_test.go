package editor

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func env(kv ...string) func(string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return func(k string) string { return m[k] }
}

// script writes a program that edits its last argument.
func script(t *testing.T, body string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), "my editor")
	if err := os.WriteFile(p, []byte("#!/bin/sh\n"+body+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRoundTripThroughAnotherEditor(t *testing.T) {
	t.Parallel()
	text := "\ufeff<a>\r\n\xff</a>"
	dir := t.TempDir()
	prog := script(t, `test "$1" = "-f x" || exit 9
case "$2" in *.xml) ;; *) exit 8;; esac
printf '<!-- e -->' >> "$2"`)
	cmd, read, cleanup, err := editorCmd([]byte(text), dir, env("EDITOR", "false", "VISUAL", `"`+prog+`" '-f x'`))
	if err != nil {
		t.Fatal(err)
	}
	name := cmd.Args[len(cmd.Args)-1]
	if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 || filepath.Dir(name) != dir {
		t.Fatalf("%s: %v, %v", name, st.Mode(), err)
	}
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if b, err := read(); err != nil || string(b) != text+"<!-- e -->" {
		t.Fatalf("%q, %v", b, err)
	}
	cleanup()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAnotherEditorFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, dir string
		env       func(string) string
		want      []string
	}{
		{"missing", "", env("EDITOR", "no-such-editor -f"), []string{"$EDITOR", `"no-such-editor"`, "as it was"}},
		{"quote", "", env("VISUAL", `vi "x`), []string{"$VISUAL", "quote", "as it was"}},
		{"no directory", filepath.Join(t.TempDir(), "gone"), env("EDITOR", "true"), []string{"file for the editor", "as it was"}},
	} {
		_, _, _, err := editorCmd([]byte("x"), c.dir, c.env)
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v, want %q", c.name, err, w)
			}
		}
	}
	cmd, read, cleanup, err := editorCmd([]byte("x"), t.TempDir(), env("EDITOR", `"`+script(t, `rm "$1"; exit 1`)+`"`))
	if err != nil {
		t.Fatal(err)
	}
	defer cleanup()
	if cmd.Run() == nil {
		t.Error("the failure of the editor was not told")
	}
	if _, err := read(); err == nil || !strings.Contains(err.Error(), "as it was") {
		t.Errorf("read back from a file that is gone: %v", err)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"vi":                      {"vi"},
		"  code  --wait ":         {"code", "--wait"},
		`"my ed" 'a b' c\ d "e\"`: nil,
		`"my ed" 'a b\' c\ d ""`:  {"my ed", `a b\`, "c d", ""},
		"":                        nil,
		`""`:                      nil,
	} {
		got, err := words(in)
		if !reflect.DeepEqual(got, want) || (err != nil) != (want == nil) {
			t.Errorf("words(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}
