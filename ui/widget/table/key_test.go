package table

import "testing"

// TestKeyMovesAsTheActionsDo: every key of every motion moves the selection, and
// no other key is taken.
func TestKeyMovesAsTheActionsDo(t *testing.T) {
	t.Parallel()
	for _, a := range Motions("x", "") {
		for _, key := range a.Keys {
			one, two := &List{}, &List{}
			for _, l := range []*List{one, two} {
				l.SetLen(100)
				l.SetPage(10)
				l.Select(50)
			}
			if !one.Key(key) || !two.Run(string(a.ID[2:])) || one.At() != two.At() || one.At() == 50 {
				t.Errorf("%s: at %d, want %d", key, one.At(), two.At())
			}
		}
	}
	l := &List{}
	l.SetLen(3)
	for _, key := range []string{"x", "enter", "esc", "", "7"} {
		if l.Key(key) || l.At() != 0 {
			t.Errorf("%q was taken", key)
		}
	}
}
