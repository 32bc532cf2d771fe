package action

import (
	"strings"
	"testing"
)

func TestMatchTakesTheFirst(t *testing.T) {
	t.Parallel()
	as := []Action{{ID: "a", Keys: []string{"x", "ctrl+r"}}, {ID: "b", Keys: []string{"x"}}}
	if a, ok := Match(as, "x"); !ok || a.ID != "a" {
		t.Errorf("got %v, %v", a.ID, ok)
	}
	if _, ok := Match(as, "y"); ok {
		t.Error("y matched")
	}
	if c := Clashes(as); len(c) != 1 || !strings.Contains(c[0], "x: a, b") {
		t.Errorf("clashes %v", c)
	}
}

func TestOverridesReplaceKeysAndLeaveTheTableAlone(t *testing.T) {
	t.Parallel()
	as := []Action{{ID: "a", Keys: []string{"x"}}, {ID: "b", Keys: []string{"y"}}}
	got := Overrides{"a": {"space", "z"}}.Apply(as)
	if got[0].Keys[0] != " " || got[0].Keys[1] != "z" || got[1].Keys[0] != "y" || as[0].Keys[0] != "x" {
		t.Errorf("got %v, table %v", got, as)
	}
}

func TestKeyNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key   string
		ascii bool
		want  string
	}{{" ", false, "space"}, {"up", false, "↑"}, {"up", true, "up"}, {"ctrl+r", false, "ctrl+r"}} {
		if got := KeyName(c.key, c.ascii); got != c.want {
			t.Errorf("%q, %v: %q, want %q", c.key, c.ascii, got, c.want)
		}
	}
}
