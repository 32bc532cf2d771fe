package overlay

import (
	"fmt"
	"strings"
	"testing"
)

func TestScrollStaysInTheText(t *testing.T) {
	t.Parallel()
	lines := make([]string, 30)
	for i := range lines {
		lines[i] = fmt.Sprint(i)
	}
	var s Scroll
	s.Show(lines, 10)
	for _, c := range []struct {
		keys, first string
	}{
		{"k", "0"}, {"j j down", "3"}, {"ctrl+d", "13"}, {"x", "13"}, {"pgdown pgdown", "20"}, {"up", "19"}, {"g", "0"}, {"end", "20"}, {"ctrl+u pgup pgup", "0"},
	} {
		for _, k := range strings.Fields(c.keys) {
			s.Key(k)
		}
		if got := s.Show(lines, 10); got[0] != c.first || len(got) != 10 {
			t.Errorf("%s: %d lines from %s, want 10 from %s", c.keys, len(got), got[0], c.first)
		}
	}
	s.Key("G")
	if got := s.Show(lines[:5], 10); len(got) != 5 || !s.All() {
		t.Errorf("a shorter text: %q, all %v", got, s.All())
	}
	if got := s.Show(nil, 0); len(got) != 0 {
		t.Errorf("no text: %q", got)
	}
}
