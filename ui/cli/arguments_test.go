package cli_test

import (
	"strings"
	"testing"
)

// TestWrongArgumentsSayWhatIsRight: the error names what is wrong and shows the
// line as it should be, before anything is dialled or read.
func TestWrongArgumentsSayWhatIsRight(t *testing.T) {
	t.Parallel()
	for line, wants := range map[string][]string{
		"rpc a b c":                               {`"c" is one argument too many: dialtone rpc TARGET [FILE | -].`},
		"profile add":                             {"an argument is missing: dialtone profile add NAME"},
		"completion tcsh":                         {`"tcsh" is not known: dialtone completion bash|zsh`},
		"version x":                               {`"x" is one argument too many`},
		"commit x --confirmed abc":                {`--confirmed must be a time such as 90s or 5m, not "abc"`},
		"listen --count x":                        {`--count must be a whole number, not "x"`},
		"listen --ssh 127.0.0.1:99999":            {"a port is 0 to 65535"},
		"rpc u@:99999":                            {`port "99999" must be 1 to 65535`},
		"rpc --template runn 127.0.0.1:1":         {"like it are get-config-running; --list-templates"},
		"rpc --template get-schema 127.0.0.1:1":   {"TPL-VAR", "Nothing was sent"},
		"rpc --template no-such-name 127.0.0.1:1": {`there is no template "no-such-name"; --list-templates lists them`},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			newHome(t).run("", strings.Fields(line)...).want(t, 2, wants...)
		})
	}
}

func TestTemplatesAreListed(t *testing.T) {
	t.Parallel()
	r := newHome(t).run("", "rpc", "--list-templates")
	if r.code != 0 || !strings.Contains(r.out, "get-config-running") || !strings.Contains(r.out, "CONFIG") {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
}

func TestAnAddressThatCannotBeListenedOnIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	r := newHome(t).run("", "listen", "--ssh", "203.0.113.1:4334")
	r.want(t, 3, "LSN-NOADDR", "Nothing is listened on")
	if strings.Contains(r.err, "tried again") {
		t.Errorf("it ends, and says %q", r.err)
	}
}
