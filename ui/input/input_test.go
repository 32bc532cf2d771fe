package input

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func TestReadsEndAtCharacters(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("aé漢😀\x1b[A", 200)
	for size := 8; size < 80; size++ {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
			w := whole{from: from}
			var got bytes.Buffer
			for {
				p := make([]byte, size)
				n, err := w.Read(p)
				if !utf8.Valid(p[:n]) {
					t.Fatalf("reads of %d: %q", size, p[:n])
				}
				got.Write(p[:n])
				if err != nil {
					break
				}
			}
			if got.String() != text {
				t.Fatalf("reads of %d lost something", size)
			}
		}
	}
}

func TestBytesThatAreNoCharactersPass(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"\xff\xfe", "a\x80\x80\x80\x80b", "\xe2\x82", "\xc3(", "\xf0\x9f\x98"} {
		for size := 1; size < 20; size++ {
			w := whole{from: iotest.OneByteReader(strings.NewReader(text))}
			var got []byte
			for {
				p := make([]byte, size)
				n, err := w.Read(p)
				got = append(got, p[:n]...)
				if err != nil {
					break
				}
			}
			if string(got) != text {
				t.Errorf("%q in reads of %d became %q", text, size, got)
			}
		}
	}
}

func TestItIsTheFileInAllElse(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	f := New(r)
	if f.Fd() != r.Fd() || f.Name() != r.Name() {
		t.Error("another file")
	}
	if _, err := w.WriteString("é"); err != nil {
		t.Fatal(err)
	}
	w.Close()
	b, err := io.ReadAll(f)
	if string(b) != "é" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}
