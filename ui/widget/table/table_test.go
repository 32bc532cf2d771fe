package table

import (
	"strings"
	"testing"

	"dialtone/ui/action"
)

func TestMotions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from  int
		count string
		name  string
		want  int
	}{
		{0, "", "down", 1}, {0, "5", "down", 5}, {0, "500", "down", 99}, {3, "", "up", 2}, {3, "9", "up", 0},
		{50, "", "top", 0}, {50, "", "bottom", 99}, {50, "12", "bottom", 11}, {50, "12", "top", 11},
		{50, "", "half-down", 55}, {50, "2", "half-down", 60}, {50, "", "half-up", 45}, {50, "", "page-down", 60}, {50, "", "page-up", 40},
	} {
		var l List
		l.SetLen(100)
		l.SetPage(10)
		l.Select(c.from)
		for _, d := range c.count {
			l.Count(int(d - '0'))
		}
		if !l.Run(c.name) || l.At() != c.want || l.Counting() {
			t.Errorf("%s%s from %d: at %d, want %d", c.count, c.name, c.from, l.At(), c.want)
		}
		if from, to := l.Window(); l.At() < from || l.At() >= to || to-from != 10 {
			t.Errorf("%s%s: %d is outside %d to %d", c.count, c.name, l.At(), from, to)
		}
	}
}

func TestEmptyAndShrinking(t *testing.T) {
	t.Parallel()
	var l List
	if l.At() != -1 {
		t.Errorf("an empty list selects %d", l.At())
	}
	for _, a := range Motions("x", "X") {
		l.Run(strings.TrimPrefix(string(a.ID), "x."))
	}
	l.SetLen(10)
	l.SetPage(4)
	l.Select(9)
	l.SetLen(3)
	if from, to := l.Window(); l.At() != 2 || from != 0 || to != 3 {
		t.Errorf("at %d of %d to %d", l.At(), from, to)
	}
	for range 20 {
		l.Count(9)
	}
	if l.Pending() != maxCount {
		t.Errorf("count %d", l.Pending())
	}
}

func TestMotionsAreRunnable(t *testing.T) {
	t.Parallel()
	as := Motions("x", "X")
	if c := action.Clashes(as); len(c) > 0 {
		t.Error(c)
	}
	for _, a := range as {
		var l List
		if !l.Run(strings.TrimPrefix(string(a.ID), "x.")) {
			t.Errorf("%s does nothing", a.ID)
		}
	}
}
