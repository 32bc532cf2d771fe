package input

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

var number = regexp.MustCompile("\x1b\\[200~([0-9]+)\x1b\\[201~")

// restored reads all of f in reads of size and puts the texts of the pastes back.
func restored(t *testing.T, from io.Reader, size int) string {
	t.Helper()
	p := &pastes{from: from}
	w := whole{from: p}
	var got bytes.Buffer
	for {
		b := make([]byte, size)
		n, err := w.Read(b)
		got.Write(b[:n])
		if err != nil {
			break
		}
	}
	return number.ReplaceAllStringFunc(got.String(), func(s string) string {
		text, lost, ok := p.Pasted([]rune(number.FindStringSubmatch(s)[1]))
		if !ok || lost > 0 {
			t.Fatalf("%q: %v, %d bytes lost", s, ok, lost)
		}
		return "<" + text + ">"
	})
}

func TestPastesAreTakenOutWhereverReadsEnd(t *testing.T) {
	t.Parallel()
	in := "aé\x1b[200~one\r\ntwo \x1b[A \x1b[201 漢" + strings.Repeat("x", 700) + "\x1b[201~b\x1b\x1b[200~\x1b[201~\x1b[20\x1b[200~12\x1b[201~😀"
	want := "aé<one\r\ntwo \x1b[A \x1b[201 漢" + strings.Repeat("x", 700) + ">b\x1b<>\x1b[20<12>😀"
	for size := 40; size < 300; size++ {
		for _, from := range []io.Reader{strings.NewReader(in), iotest.DataErrReader(strings.NewReader(in))} {
			if got := restored(t, from, size); got != want {
				t.Fatalf("reads of %d:\n got %q\nwant %q", size, got, want)
			}
		}
	}
}

func TestKeysAreNotHeldBack(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	f := New(r)
	b := make([]byte, 256)
	for _, keys := range []string{"\x1b", "\x1b[", "\x1b[A", "\x1b[2~", "\x1b[20~", "q"} {
		if _, err := w.WriteString(keys); err != nil {
			t.Fatal(err)
		}
		if n, err := f.Read(b); string(b[:n]) != keys || err != nil {
			t.Errorf("%q came as %q, %v", keys, b[:n], err)
		}
	}
	for _, part := range []string{"\x1b[2", "00~abc", "def\x1b[20", "1~Q"} {
		if _, err := w.WriteString(part); err != nil {
			t.Fatal(err)
		}
		n, err := f.Read(b)
		want := ""
		if strings.HasSuffix(part, "Q") {
			want = "\x1b[200~1\x1b[201~Q"
		}
		if string(b[:n]) != want || err != nil {
			t.Errorf("after %q came %q, %v", part, b[:n], err)
		}
	}
	if text, lost, ok := f.Pasted([]rune("1")); text != "abcdef" || lost != 0 || !ok {
		t.Errorf("%q, %d, %v", text, lost, ok)
	}
	if _, _, ok := f.Pasted([]rune("1")); ok {
		t.Error("a paste came twice")
	}
}

func TestTooLargeAPasteIsCounted(t *testing.T) {
	t.Parallel()
	for _, size := range []int{MaxPaste, MaxPaste + 1, 10 << 20} {
		p := &pastes{from: strings.NewReader("\x1b[200~" + strings.Repeat("y", size) + "\x1b[201~z")}
		out, err := io.ReadAll(p)
		if err != nil || string(out) != "\x1b[200~1\x1b[201~z" {
			t.Fatalf("%q, %v", out, err)
		}
		if text, lost, ok := p.Pasted([]rune("1")); !ok || len(text) != min(size, MaxPaste) || lost != int64(size-len(text)) {
			t.Errorf("%d: %d bytes, %d lost, %v", size, len(text), lost, ok)
		}
	}
}

func TestPastesThatNobodyWantsAreForgotten(t *testing.T) {
	t.Parallel()
	p := &pastes{from: strings.NewReader(strings.Repeat("\x1b[200~a\x1b[201~", 1000))}
	if _, err := io.ReadAll(p); err != nil || len(p.kept) > maxKept {
		t.Errorf("%d are kept, %v", len(p.kept), err)
	}
}

func FuzzPastes(f *testing.F) {
	f.Add([]byte("a\x1b[200~b\x1b[201~c"), 40)
	f.Add([]byte("\x1b[200~\x1b[200~\x1b[20"), 7)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		p := &pastes{from: iotest.OneByteReader(bytes.NewReader(in))}
		b := make([]byte, 1+min(max(size, 0), 300))
		got := 0
		for {
			n, err := p.Read(b)
			if got += n; err != nil {
				break
			}
			if got > 20*len(in)+100 {
				t.Fatal("more comes out than went in")
			}
		}
		if !bytes.Contains(in, []byte(pasteStart)) && got != len(in) {
			t.Errorf("%d bytes became %d", len(in), got)
		}
	})
}
