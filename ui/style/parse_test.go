package style

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	th, err := Parse("mine", []byte("base = \"dark\"\nwarn = \"bright-yellow bold\"\nmatch = \"black on-214\"\ndim = \"\"\nselect = \"reverse 33\"\n[xml]\ntag = \"blue\"\n"), false, false)
	if err != nil {
		t.Fatal(err)
	}
	for tok, want := range map[Token]string{Warn: "\x1b[93;1m", Match: "\x1b[30;48;5;214m", XMLTag: "\x1b[34m", Dim: "", Select: "\x1b[7;38;5;33m", OK: "\x1b[92m"} {
		if got := th.SGR(tok); got != want {
			t.Errorf("token %d: %q, want %q", tok, got, want)
		}
	}
	if th, err = Parse("mine", []byte("warn = \"red\""), true, true); err != nil || th.SGR(Warn) != "" || th.SGR(Select) != "" || !th.ASCII {
		t.Errorf("plain: %v, %+v", err, th)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		"warn = \"octarine\"":        `warn: "octarine"`,
		"warm = \"red\"":             `no token "warm"`,
		"warn = 3":                   "must be text",
		"warn = \"256\"":             `"256"`,
		"warn = \"31;5m\\u001b[2J\"": "is no colour",
		"select = \"red\"":           "needs reverse",
		"focus = \"red\"":            "needs bold",
		"base = \"neon\"":            `no theme "neon"`,
		"warn = ":                    "theme mine",
		"x = \"" + strings.Repeat("a", maxThemeBytes) + "\"": "bytes",
	} {
		if _, err := Parse("mine", []byte(data), false, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", data, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("warn = \"red bold\"\n[xml]\ntag=\"on-3\""))
	f.Fuzz(func(t *testing.T, data []byte) {
		th, err := Parse("f", data, false, false)
		if err != nil {
			return
		}
		for tok := Token(0); tok < tokens; tok++ {
			s := th.SGR(tok)
			if strings.Trim(s, "\x1b[0123456789;m") != "" || strings.Count(s, "\x1b") > 1 {
				t.Errorf("token %d: %q", tok, s)
			}
		}
	})
}
