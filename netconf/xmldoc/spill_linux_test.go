//go:build amd64 || arm64 || loong64 || ppc64le || riscv64

package xmldoc

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestSpill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := junosLike(6*commitMin, true)
	d := New(Options{SpillAt: commitMin + 1, SpillDir: dir})
	held := []byte(nil)
	err := pieces(text, func(p []byte) (int, error) {
		n, err := d.Write(p)
		if held == nil && len(d.w.text) > 3*commitMin {
			held = d.w.text
		}
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	if d.arena.mem.spilled.file == nil {
		t.Error("nothing was spilled")
	}
	if names, err := os.ReadDir(dir); err != nil || len(names) != 0 {
		t.Errorf("%v in the directory, %v", names, err)
	}
	if got, err := io.ReadAll(d.Reader()); err != nil || !bytes.Equal(got, text) || !bytes.Equal(held, text[:len(held)]) {
		t.Errorf("the text changed on its way, %v", err)
	}
	if got, want := d.Rows(), load(t, string(text), 1<<20).Rows(); got != want {
		t.Errorf("%d rows, not %d", got, want)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestSpillWithoutADirectory(t *testing.T) {
	t.Parallel()
	d := New(Options{SpillAt: 1, SpillDir: filepath.Join(t.TempDir(), "missing")})
	text := junosLike(2*commitMin, true)
	n, err := d.Write(text)
	if n != commitMin || err == nil {
		t.Errorf("Write = %d, %v", n, err)
	}
	if d.Finish(err); d.Size() != commitMin || d.Rows() == 0 {
		t.Errorf("%d bytes, %d rows are kept", d.Size(), d.Rows())
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
