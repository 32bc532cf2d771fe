package xmldoc

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// naive is Search without the index.
func naive(d *Doc, q Query, from int, back bool) (int, bool) {
	step, i := 1, from+1
	if back {
		step, i = -1, from-1
	}
	for ; i >= 0 && i < d.Rows(); i += step {
		row, text := d.AppendRow(nil, i, d.Row(i).Len), []byte(q.Text)
		if q.IgnoreCase {
			row, text = lowerASCII(row), lowerASCII(text)
		}
		if bytes.Contains(row, text) {
			return i, true
		}
	}
	return 0, false
}

func lowerASCII(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return b
}

func checkSearch(t *testing.T, d *Doc, q Query) {
	t.Helper()
	if q.Text == "" {
		return
	}
	n := d.Rows()
	for _, from := range []int{-1, 0, n / 2, n - 1, n} {
		for _, back := range []bool{false, true} {
			if from < -1 {
				continue
			}
			row, ok, err := d.Search(context.Background(), q, from, back)
			want, found := naive(d, q, from, back)
			if err != nil || ok != found || ok && row != want {
				t.Fatalf("%+v from %d of %d, back %v: %d %v %v, not %d %v", q, from, n, back, row, ok, err, want, found)
			}
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	text := string(junosLike(12<<10, true))
	d := load(t, text, 4096)
	line := load(t, string(junosLike(12<<10, false)), 4096)
	for _, q := range []string{"ge-0/0/7", "GE-0/0/7", "<mpls/>", "</rpc-reply>", "<rpc-reply", "name>1", "absent", " ", "\n", "e", ">\n", "link 7 to CORE"} {
		for _, fold := range []bool{false, true} {
			checkSearch(t, d, Query{q, fold})
			checkSearch(t, line, Query{q, fold})
		}
	}
	latin := load(t, "<?xml version='1.0' encoding='ISO-8859-1'?><a><b>caf\xe9</b></a>", 1)
	if row, ok, err := latin.Search(context.Background(), Query{Text: "café"}, -1, false); row != 2 || !ok || err != nil {
		t.Errorf("Latin-1: %d %v %v", row, ok, err)
	}
	if got := latin.Value(2); got != "café" {
		t.Errorf("Latin-1 value %q", got)
	}
}

func TestSearchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	d := load(t, string(junosLike(100<<10, true)), 1<<20)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, back := range []bool{false, true} {
		from := -1
		if back {
			from = d.Rows()
		}
		if _, ok, err := d.Search(ctx, Query{Text: "absent"}, from, back); ok || err != context.Canceled {
			t.Errorf("Search = %v, %v", ok, err)
		}
	}
	if _, ok, err := d.Find(ctx, "/absent"); ok || err != context.Canceled {
		t.Errorf("Find = %v, %v", ok, err)
	}
	if _, err := NewFolds(d).Plan(ctx, 1); err != context.Canceled {
		t.Errorf("Plan: %v", err)
	}
	d.Close()
	if _, ok, err := d.Search(context.Background(), Query{Text: "a"}, -1, false); ok || err != ErrClosed {
		t.Errorf("Search after Close = %v, %v", ok, err)
	}
}

func FuzzSearch(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s), "a")
		f.Add([]byte(s), "<B")
	}
	f.Fuzz(func(t *testing.T, text []byte, q string) {
		if len(text) > 4096 || bytes.Contains(text, []byte("encoding")) {
			return
		}
		d := load(t, string(text), 64)
		checkSearch(t, d, Query{q, false})
		checkSearch(t, d, Query{q, true})
		if len(text) > 4 {
			part := string(text[len(text)/2 : len(text)/2+2])
			checkSearch(t, d, Query{part, false})
			checkSearch(t, d, Query{strings.ToUpper(part), true})
		}
	})
}
