package xmldoc

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"unsafe"
)

// TestReadersWhileWriting reads everything there is while a document grows from
// the heap into its own range, and is closed under the readers at the end.
func TestReadersWhileWriting(t *testing.T) {
	t.Parallel()
	text := junosLike(heapLimit*3, true)
	whole := load(t, string(text), 1<<20)
	d := New(Options{})
	more := make(chan struct{}, 1)
	done := make(chan struct{})
	var readers sync.WaitGroup
	for k := range 3 {
		readers.Add(1)
		// Ends when done is closed.
		go func() {
			defer readers.Done()
			folds := NewFolds(d)
			for {
				select {
				case <-more:
				case <-done:
				}
				n := d.Rows()
				for i := max(0, n-200); i < n; i += 1 + k {
					if got, want := d.Row(i), whole.Row(i); got != want {
						select {
						case <-done: // it may be closed
						default:
							t.Errorf("row %d is %+v, not %+v", i, got, want)
						}
					}
					d.AppendRow(nil, i, 100)
					d.Path(i)
					d.End(i)
					d.Children(i, 10)
				}
				folds.Toggle(n / 2)
				folds.RowAt(folds.Visible() / 2)
				if p, err := folds.Plan(context.Background(), 3); err == nil {
					folds.Apply(p)
				}
				d.Search(context.Background(), Query{Text: "absent", IgnoreCase: true}, -1, k == 0)
				io.Copy(io.Discard, d.Subtree(n/2))
				d.Line(d.Lines() / 2)
				d.Flaws()
				select {
				case <-done:
					return
				default:
				}
			}
		}()
	}
	err := pieces(text, func(p []byte) (int, error) {
		select {
		case more <- struct{}{}:
		default:
		}
		return d.Write(p)
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Finish(nil)
	close(done)
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	readers.Wait()
}

// TestArenaKeepsOldSlices checks that what readers hold stays as it was while
// the text moves.
func TestArenaKeepsOldSlices(t *testing.T) {
	t.Parallel()
	var a arena
	src := junosLike(2*heapLimit, true)
	var held [][]byte
	for p := 0; p < len(src); p += 1000 {
		n := min(1000, len(src)-p)
		if m, err := a.append(src[p : p+n]); m != n || err != nil {
			t.Fatal(m, err)
		}
		held = append(held, a.buf)
	}
	for _, b := range held {
		if !bytes.Equal(b, src[:len(b)]) {
			t.Fatalf("the text of %d bytes changed", len(b))
		}
	}
	if a.mem == nil && reserveMax > 0 {
		t.Error("still on the heap")
	}
	if err := a.release(); err != nil {
		t.Fatal(err)
	}
}

func TestArenaWithoutARange(t *testing.T) {
	t.Parallel()
	a := arena{noRange: true}
	src := junosLike(2*heapLimit, true)
	if err := pieces(src, a.append); err != nil || !bytes.Equal(a.buf, src) || a.mem != nil {
		t.Fatal(err, len(a.buf))
	}
	if err := a.release(); err != nil {
		t.Fatal(err)
	}
}

// TestFullArena checks that a text that fills its range keeps what found room.
func TestFullArena(t *testing.T) {
	t.Parallel()
	if reserveMax == 0 {
		t.Skip("no ranges here")
	}
	mem, err := reserve(commitMin)
	if err != nil {
		t.Fatal(err)
	}
	d := New(Options{})
	d.arena.mem, d.arena.buf = mem, mem.all[:0:0]
	text := junosLike(commitMin+heapLimit, true)
	n, err := d.Write(text)
	if n != commitMin || !errors.Is(err, errFull) {
		t.Fatalf("Write = %d, %v", n, err)
	}
	d.Finish(err)
	if p, broken := d.Problem(); !broken || p.Code != "XML-TRUNC" || d.Size() != commitMin {
		t.Errorf("%v, %d bytes", p, d.Size())
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

func TestReaders(t *testing.T) {
	t.Parallel()
	text := "<a>\n <b>1</b>\n <c><d/>x</c>\n</a>\n"
	d := load(t, text, 3)
	want := []string{text[:len(text)-1], "<b>1</b>", "<c><d/>x</c>", "<d/>", "<c><d/>x</c>", "<c><d/>x</c>", text[:len(text)-1]}
	for i := range d.Rows() {
		got, err := io.ReadAll(d.Subtree(i))
		if err != nil || string(got) != want[i] {
			t.Errorf("Subtree(%d) = %q, %v, want %q", i, got, err, want[i])
		}
	}
	var b bytes.Buffer
	if n, err := io.Copy(&b, d.Reader()); err != nil || b.String() != text || int(n) != len(text) {
		t.Errorf("Reader: %q, %v", b.String(), err)
	}
	if got := string(d.AppendAt([]byte(">"), 5, 3)); got != "><b>" {
		t.Errorf("AppendAt: %q", got)
	}
	if got := string(d.AppendAt(nil, int64(len(text))-1, 9)); got != "\n" {
		t.Errorf("AppendAt: %q", got)
	}
	if got := string(d.AppendRow(nil, 1, 3)); got != "<b>" {
		t.Errorf("AppendRow: %q", got)
	}
	for _, i := range []int{-1, d.Rows()} {
		if d.Row(i) != (Row{}) || len(d.AppendRow(nil, i, 9)) != 0 || d.End(i) != i || d.Parent(i) != -1 {
			t.Errorf("row %d is something", i)
		}
	}
}

// TestUnfinished asks for elements whose end has not arrived.
func TestUnfinished(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	defer d.Close()
	feed(t, d, "<a><b/><c><d>1</d><d>2</d><e/>", 1)
	if n := d.Rows(); n != 6 {
		t.Fatalf("%d rows", n)
	}
	if d.End(0) != -1 || d.End(2) != -1 || d.Children(0, 9) != 2 || d.Children(2, 9) != 3 || d.Children(2, 2) != 2 {
		t.Errorf("ends %d %d, children %d %d", d.End(0), d.End(2), d.Children(0, 9), d.Children(2, 9))
	}
	if _, broken := d.Problem(); broken {
		t.Error("broken before its end")
	}
	f := NewFolds(d)
	f.Toggle(2)
	if f.Visible() != 3 {
		t.Errorf("%d lines", f.Visible())
	}
	feed(t, d, "<f/></c><g/></a>", 1)
	if f.Visible() != 5 || f.RowAt(3) != 8 || f.LineOf(7) != 2 {
		t.Errorf("%d lines, row %d, line %d", f.Visible(), f.RowAt(3), f.LineOf(7))
	}
}

// TestForgottenClose checks that the range of a document that nobody holds is
// given back: reading it must fault then. It runs alone, so that no other range
// takes its place.
func TestForgottenClose(t *testing.T) {
	if reserveMax == 0 {
		t.Skip("no ranges here")
	}
	text := junosLike(2*heapLimit, true)
	first := func() unsafe.Pointer {
		d := New(Options{})
		if _, err := d.Write(text); err != nil {
			t.Fatal(err)
		}
		return unsafe.Pointer(unsafe.SliceData(d.arena.buf))
	}()
	for range 1000 {
		if faults(first) {
			return
		}
		runtime.GC()
	}
	t.Error("the range is still there")
}

// faults reports whether the byte at p cannot be read.
func faults(p unsafe.Pointer) (yes bool) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { yes = recover() != nil }()
	return *(*byte)(p) == 0
}
