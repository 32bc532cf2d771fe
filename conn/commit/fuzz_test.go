package commit

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzHistory reads what a device says of its commits.
func FuzzHistory(f *testing.F) {
	f.Add([]byte(`<r><commit-history><sequence-number>3</sequence-number><user>u</user><date-time x:seconds="5">d</date-time><log>l</log></commit-history></r>`))
	f.Add([]byte(`<commit-history><user>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range parseHistory(bytes.NewReader(b)) {
			if e.Revision < 0 || len(e.Log) > 8192 {
				t.Errorf("%+v", e)
			}
		}
	})
}

// FuzzLocks reads what a device says of its locks.
func FuzzLocks(f *testing.F) {
	f.Add([]byte(`<d><datastore><name>running</name><locks><global-lock><locked-by-session>4</locked-by-session></global-lock></locks></datastore><session><session-id>4</session-id><username>u</username></session></d>`))
	f.Add([]byte(`</a></b><session-id>x`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if ls := parseState(bytes.NewReader(b)); len(ls) > maxLocks {
			t.Errorf("%d locks", len(ls))
		}
	})
}

// FuzzNote reads a file of the state directory: what is taken can be told in
// words and written again.
func FuzzNote(f *testing.F) {
	f.Add([]byte(`{"form":1,"device":"r1","sent":"2031-11-21T14:00:00Z","wait":600000000000,"phase":"armed"}`))
	f.Add([]byte(`{"form":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse("/x/r1-00.json", b)
		if err != nil {
			return
		}
		c, _ := New(Options{Clock: newTicker()})
		if c.Note(*p, 0) == "" {
			t.Error("no words")
		}
	})
}

func TestNotesThatCannotBeReadAreToldAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := `{"form":1,"device":"r1","sent":"2031-11-21T13:57:00Z","wait":60000000000,"phase":"armed","persist_id":"x"}`
	for name, text := range map[string]string{"a.json": "{", "b.json": `{"form":9,"device":"x"}`, "c.json": good, "d.txt": "x", ".e.json": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, errs := New(Options{Dir: dir, Clock: newTicker()})
	if len(errs) != 2 || !strings.Contains(errs[1].Error(), "form 9") {
		t.Errorf("errors %v", errs)
	}
	ps := c.Pendings()
	if len(ps) != 1 || ps[0].Key != "c" {
		t.Fatalf("%+v", ps)
	}
	if got := c.Note(ps[0], 0); got != "Expired 2 min ago: verify." {
		t.Errorf("note %q", got)
	}
	if err := c.Dismiss("c"); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.json")); len(left) != 3 {
		t.Errorf("left %v", left)
	}
}
