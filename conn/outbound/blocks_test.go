package outbound

import (
	"bytes"
	"testing"
)

// FuzzBlocks does the same with blocks and with a buffer of the library; each
// byte of steps writes or reads some.
func FuzzBlocks(f *testing.F) {
	f.Add([]byte{255, 255, 1, 2, 255, 3, 4})
	f.Add(bytes.Repeat([]byte{254, 253}, 40))
	f.Fuzz(func(t *testing.T, steps []byte) {
		q := blocks{pool: newPool()}
		var want bytes.Buffer
		for i, s := range steps {
			p := bytes.Repeat([]byte{byte(i)}, int(s)*200)
			if i%2 == 0 {
				q.write(p)
				want.Write(p)
			} else {
				got, right := make([]byte, len(p)), make([]byte, len(p))
				n := q.read(got)
				m, _ := want.Read(right)
				if !bytes.Equal(got[:n], right[:m]) {
					t.Fatalf("step %d: %d B, want %d", i, n, m)
				}
			}
			if q.held != want.Len() || q.held == 0 && i%2 == 1 && len(q.all) > 0 {
				t.Fatalf("step %d: %d B in %d blocks, want %d", i, q.held, len(q.all), want.Len())
			}
		}
		if q.drop(); q.held != 0 || len(q.all) != 0 {
			t.Errorf("%+v after drop", q)
		}
	})
}
