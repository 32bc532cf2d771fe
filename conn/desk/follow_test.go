package desk

import (
	"fmt"
	"testing"
	"time"
)

func TestAfterGivesEveryLineOnce(t *testing.T) {
	t.Parallel()
	f := &Front{o: Options{LogLines: 4, Now: func() time.Time { return time.Unix(1, 0) }}, changed: make(chan struct{}, 1)}
	n := 0
	for round, c := range []struct{ write, want, missed int }{{0, 0, 0}, {3, 3, 0}, {0, 0, 0}, {4, 4, 0}, {6, 4, 2}, {1, 1, 0}} {
		for range c.write {
			f.write(Line{Text: fmt.Sprint(f.logged)})
		}
		lines, next, missed := f.After(n)
		if len(lines) != c.want || missed != c.missed {
			t.Fatalf("round %d: %d lines, %d missed", round, len(lines), missed)
		}
		for i, l := range lines {
			if l.Text != fmt.Sprint(next-len(lines)+i) {
				t.Errorf("round %d: line %d is %s", round, i, l.Text)
			}
		}
		n = next
	}
}
