package dial

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"
)

func TestAheadGivesEveryByteOnceAndLetsGoOfItsBuffer(t *testing.T) {
	t.Parallel()
	want := make([]byte, 1<<20)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "halves": iotest.HalfReader, "data with the end": iotest.DataErrReader,
	} {
		for _, careful := range []bool{false, true} {
			var a ahead
			r := wrap(bytes.NewReader(want))
			var got []byte
			p := make([]byte, 4096)
			for {
				if n := a.take(p); n > 0 {
					got = append(got, p[:n]...)
					continue
				}
				n, came, err := a.read(r, p, careful)
				if came < n || came > aheadSize || careful && came > len(p) {
					t.Fatalf("%s: %d came, %d given", name, came, n)
				}
				got = append(got, p[:n]...)
				if err != nil && len(a.held) == 0 {
					break
				}
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s, careful %t: %d bytes of %d", name, careful, len(got), len(want))
			}
			if a.buf != nil || a.flood && careful {
				t.Errorf("%s, careful %t: the buffer is kept", name, careful)
			}
		}
	}
}
