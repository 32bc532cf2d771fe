//go:build unix

package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhatIsAgainstTheProtocolIsTold has devices say what nobody asked for: each
// is told with its bytes on standard error, and none of it is taken for a reply.
func TestWhatIsAgainstTheProtocolIsTold(t *testing.T) {
	t.Parallel()
	const good = `<rpc-reply message-id="ID"><ok/></rpc-reply>`
	const bomb = "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><rpc-reply message-id=\"ID\">&x;\x1b[2J</rpc-reply>"
	utf16 := "\xff\xfe<\x00r\x00/\x00>\x00"
	for name, tt := range map[string]struct {
		hello, reply, body string
		code               int
		words              []string
		out                string // of --format raw
	}{
		"noise before the hello": {"% Welcome\x1b[2J\n" + helloWith(base10), good, get, 0, []string{"HEL-NOISE", "of noise before the hello", `It sent "% Welcome\x1b[2J"`}, good},
		"reply to nothing":       {"", `<rpc-reply message-id="105"><ok/></rpc-reply>]]>]]>` + good, get, 0, []string{`RPC-ID Reply "105" matches no request`, `It sent "<rpc-reply message-id=\"105\"><ok/></rpc-reply>"`}, good},
		"doctype":                {"", bomb, get, 4, []string{"XML-DTD A message with a DOCTYPE", `\"file:///etc/passwd\"`, "--trace FILE keeps all of it"}, bomb},
		"doctype for an edit":    {"", bomb, edit, 5, []string{"RPC-UNKNOWN the request was sent and not answered: XML-DTD", `&x;\x1b[2J`}, bomb},
		"UTF-16":                 {"", utf16, get, 4, []string{"XML-ENC", `It sent "\xff\xfe<\x00r`}, utf16},
		"UTF-16 for an edit":     {"", utf16, edit, 5, []string{"RPC-UNKNOWN", "XML-ENC"}, utf16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &scripted{hello: tt.hello}
			d.answering(tt.reply)
			host, h := playing(t, d), newHome(t)
			args := with(freely(host), "--timeout", "10m") // it ends at once or not at all
			r := h.run(tt.body, args...).want(t, tt.code)
			for _, w := range tt.words {
				if !strings.Contains(strings.ToLower(r.err), strings.ToLower(w)) {
					t.Errorf("standard error lacks %q:\n%s", w, r.err)
				}
			}
			if strings.Contains(r.err, "\x1b") {
				t.Errorf("standard error is not safe: %q", r.err)
			}
			if tt.code != 0 && r.out != "" {
				t.Errorf("what was refused is on standard output: %q", r.out)
			}
			r = h.run(tt.body, with(args, "--format", "raw")...).want(t, tt.code)
			if want := strings.ReplaceAll(tt.out, "ID", "1"); r.out != want && want != strings.ReplaceAll(r.out, `"ID"`, `"1"`) {
				t.Errorf("raw: %q, want %q", r.out, want)
			}
			file := filepath.Join(h.dir, "trace")
			r = h.run(tt.body, with(args, "--format", "json", "--trace", file)...).want(t, tt.code, "all of it is in "+file)
			var o struct {
				Error  *struct{ Code string }
				Faults []struct {
					Code string
					Raw  []byte `json:"raw_base64"`
				}
			}
			if err := json.Unmarshal([]byte(r.out), &o); err != nil || len(o.Faults) != 1 || len(o.Faults[0].Raw) == 0 || (o.Error != nil) != (tt.code != 0) {
				t.Fatalf("json: %v, %s", err, r.out)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, received := traced(t, string(text)); !strings.Contains(received, string(o.Faults[0].Raw)) {
				t.Error("the bytes are not in the trace")
			}
		})
	}
}

// A device that goes on and on is told of in so many words, and counted.
func TestManyProtocolFaultsAreCounted(t *testing.T) {
	t.Parallel()
	d := &scripted{}
	d.answering(strings.Repeat(`<rpc-reply message-id="105"><ok/></rpc-reply>]]>]]>`, 3000) + `<rpc-reply message-id="ID"><ok/></rpc-reply>`)
	r := newHome(t).run(get, freely(playing(t, d))...).want(t, 0, "2980 more protocol faults are not shown.")
	if n := strings.Count(r.err, "\n"); n > 50 {
		t.Errorf("%d lines", n)
	}
}
