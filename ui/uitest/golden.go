// Package uitest holds what tests of the interface share.
package uitest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Golden compares got with testdata/<name>.golden of the package under test.
// With DIALTONE_UPDATE=1 in the environment it writes the file instead. Trailing
// spaces count; a difference is reported by row.
func Golden(t testing.TB, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", filepath.FromSlash(name)+".golden")
	if os.Getenv("DIALTONE_UPDATE") == "1" {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; DIALTONE_UPDATE=1 writes it", err)
	}
	want := strings.TrimSuffix(string(b), "\n")
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		switch {
		case i >= len(g):
			t.Errorf("%s row %d is missing, want %q", name, i+1, w[i])
		case i >= len(w):
			t.Errorf("%s row %d is one too many: %q", name, i+1, g[i])
		case g[i] != w[i]:
			t.Errorf("%s row %d\n got %q\nwant %q", name, i+1, g[i], w[i])
		}
	}
}
