package safe

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestWriterHoldsUnfinishedLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := Writer(&out)
	steps := []struct{ in, shown string }{
		{"one", ""},
		{" line\ntwo \x1b", "one line\n"},
		{"[31m\n", "one line\ntwo ^[[31m\n"},
		{"\xe2\x82", "one line\ntwo ^[[31m\n"},
		{"\xac\n", "one line\ntwo ^[[31m\n€\n"},
		{"tail", "one line\ntwo ^[[31m\n€\n"},
	}
	for _, s := range steps {
		if n, err := w.Write([]byte(s.in)); n != len(s.in) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", s.in, n, err)
		}
		if out.String() != s.shown {
			t.Fatalf("after %q: %q, want %q", s.in, out.String(), s.shown)
		}
	}
	if err := w.Close(); err != nil || !strings.HasSuffix(out.String(), "€\ntail") {
		t.Fatalf("after Close: %q, %v", out.String(), err)
	}
}

// TestWriterCutsNoCharacter writes a line without end so that the limit falls
// on each byte of a four byte character.
func TestWriterCutsNoCharacter(t *testing.T) {
	t.Parallel()
	for lead := range 4 {
		in := strings.Repeat("x", lead) + strings.Repeat("😀", maxHeld/2)
		for _, size := range []int{len(in), 1000, maxHeld, maxHeld - 1} {
			var out bytes.Buffer
			w := Writer(&out)
			for p := []byte(in); len(p) > 0; {
				n, err := w.Write(p[:min(size, len(p))])
				if err != nil {
					t.Fatal(err)
				}
				p = p[n:]
				if held := len(w.(*writer).held); held > maxHeld {
					t.Fatalf("%d bytes held", held)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if out.String() != in {
				t.Fatalf("lead %d, writes of %d bytes: text changed", lead, size)
			}
		}
	}
}

func TestWriterPassesInvalidBytesOn(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := Writer(&out)
	if _, err := w.Write(bytes.Repeat([]byte{0xff}, maxHeld+10)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat(`\xff`, maxHeld+10); out.String() != want {
		t.Fatalf("%d bytes, want %d", out.Len(), len(want))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

var errBroken = errors.New("disk full")

func TestWriterReturnsErrors(t *testing.T) {
	t.Parallel()
	if _, err := Writer(broken{}).Write([]byte("a\n")); !errors.Is(err, errBroken) {
		t.Errorf("Write: %v", err)
	}
	w := Writer(broken{})
	if _, err := w.Write([]byte("a")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); !errors.Is(err, errBroken) {
		t.Errorf("Close: %v", err)
	}
}
