//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/simnet"
	"dialtone/netconf"
	"dialtone/netconf/simdev"
)

// scripted is a device that says exactly what a test wants. It keeps what
// crosses its channel.
type scripted struct {
	chunked bool
	hello   string              // "" takes a good one
	reply   func(string) string // of a request, framing included; "" hangs up
	wrote   chan struct{}       // closed when it has ended

	mu            sync.Mutex
	heard, spoken bytes.Buffer
}

const (
	base10 = "<capability>urn:ietf:params:netconf:base:1.0</capability>"
	base11 = "<capability>urn:ietf:params:netconf:base:1.1</capability>"
)

func helloWith(inner string) string {
	return `<hello xmlns="` + netconf.BaseNS + `"><capabilities>` + inner + "</capabilities><session-id>7</session-id></hello>]]>]]>"
}

func (d *scripted) say(w io.Writer, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spoken.WriteString(text)
	_, _ = io.WriteString(w, text)
}

// serve is a simnet.Server's Serve.
func (d *scripted) serve(_ context.Context, rwc io.ReadWriteCloser, _ string) error {
	defer rwc.Close()
	if d.wrote != nil {
		defer close(d.wrote)
	}
	hello := d.hello
	if hello == "" {
		hello = helloWith(base10)
		if d.chunked {
			hello = helloWith(base10 + base11)
		}
	}
	d.say(rwc, hello)
	tr := netconf.NewTransport(struct {
		io.Reader
		io.Writer
		io.Closer
	}{tee{rwc, d}, io.Discard, rwc}, netconf.FrameOptions{})
	for first := true; ; first = false {
		m, err := tr.NextMessage()
		if err != nil {
			return nil
		}
		body, err := io.ReadAll(m)
		if err != nil {
			return nil
		}
		if first {
			if d.chunked {
				tr.SetReadFraming(netconf.Chunked)
			}
			continue
		}
		out := d.reply(string(body))
		if out == "" {
			return nil
		}
		d.say(rwc, out)
	}
}

// tee notes what is read.
type tee struct {
	r io.Reader
	d *scripted
}

func (t tee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	t.d.heard.Write(p[:n])
	return n, err
}

func framed(chunked bool, text string) string {
	if chunked {
		return fmt.Sprintf("\n#5\n%s\n#%d\n%s\n##\n", text[:5], len(text)-5, text[5:])
	}
	return text + "]]>]]>"
}

// answering replies to a request by its message-id, and in good order to the
// end of the session.
func (d *scripted) answering(reply string) {
	d.reply = func(body string) string {
		if strings.Contains(body, "<close-session") {
			return framed(d.chunked, `<rpc-reply message-id="`+idOf(body)+`"><ok/></rpc-reply>`)
		}
		return framed(d.chunked, strings.ReplaceAll(reply, "ID", idOf(body)))
	}
}

func idOf(body string) string {
	_, rest, _ := strings.Cut(body, `message-id="`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// playing starts a scripted device that asks for no proof.
func playing(t *testing.T, d *scripted) *simnet.Host {
	t.Helper()
	lab := simnet.New()
	t.Cleanup(lab.Close)
	h, err := lab.Add(simdev.Options{}, simnet.Server{Serve: d.serve})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func freely(h *simnet.Host) []string {
	return []string{"rpc", "admin@" + h.Addr(), "--host-key", "accept-new", "--no-agent"}
}

// TestStandardOutputIsTheReplyByteForByte has a device send what no parser would
// give back unchanged.
func TestStandardOutputIsTheReplyByteForByte(t *testing.T) {
	t.Parallel()
	reply := "<?xml version='1.0'?>\n<!-- a -->\r\n<nc:rpc-reply xmlns:nc='" + netconf.BaseNS + "'\n message-id=\"ID\" ><nc:data>\x00\x08\x1b[2J\xff\xc3\x28 &#8; ä\r\n\t</nc:data\n></nc:rpc-reply >\n<!-- end -->\n"
	for _, chunked := range []bool{false, true} {
		d := &scripted{chunked: chunked}
		d.answering(reply)
		host, h := playing(t, d), newHome(t)
		for _, format := range []string{"xml", "raw"} {
			r := h.run(get, with(freely(host), "--format", format)...).want(t, 0)
			if want := strings.ReplaceAll(reply, "ID", "1"); r.out != want {
				t.Errorf("chunked %v, %s: %q, want %q", chunked, format, r.out, want)
			}
		}
		r := h.run(get, with(freely(host), "--format", "json")...).want(t, 0)
		if !json.Valid([]byte(r.out)) || strings.ContainsRune(r.out, 0x1b) {
			t.Errorf("chunked %v: %q", chunked, r.out)
		}
	}
}

// TestRequestsAreSentAsTheyAre is the promise about bare operations and whole
// ones.
func TestRequestsAreSentAsTheyAre(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"<get/>": `<rpc message-id="1" xmlns="` + netconf.BaseNS + `"><get/></rpc>`,
		"<rpc message-id='m&quot;1'  ><get></get >\n<!-- x --></rpc>\n": "<rpc message-id='m&quot;1'  ><get></get >\n<!-- x --></rpc>\n",
	} {
		for _, chunked := range []bool{false, true} {
			var got string
			d := &scripted{chunked: chunked, wrote: make(chan struct{})}
			d.answering(`<rpc-reply message-id="ID"><ok/></rpc-reply>`)
			answer := d.reply
			d.reply = func(body string) string {
				if !strings.Contains(body, "close-session") {
					got = body
					if idOf(body) == "" {
						return framed(chunked, `<rpc-reply message-id="m&quot;1"><ok/></rpc-reply>`)
					}
				}
				return answer(body)
			}
			newHome(t).run(sent, freely(playing(t, d))...).want(t, 0)
			<-d.wrote
			if got != want {
				t.Errorf("chunked %v: the device got %q, want %q", chunked, got, want)
			}
		}
	}
}

// TestTraceIsWhatCrossedTheWire reads --trace back into bytes and compares them
// with what the device heard and said, hello and framing included.
func TestTraceIsWhatCrossedTheWire(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		d := &scripted{chunked: chunked, wrote: make(chan struct{})}
		d.answering("<rpc-reply message-id=\"ID\"><data>\\x41 \\ \x00\x1b]0;x\x07 \u202e \xff \r\n " + strings.Repeat("long ", 20_000) + "</data></rpc-reply>")
		h := newHome(t)
		file := filepath.Join(h.dir, "trace")
		h.run("<get>\\\n ä</get>", with(freely(playing(t, d)), "--trace", file)...).want(t, 0)
		<-d.wrote
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsAny(text, "\x00\x07\x1b\u202e") {
			t.Error("the trace would disturb a terminal")
		}
		sent, received := traced(t, string(text))
		if sent != d.heard.String() {
			t.Errorf("chunked %v: sent %.200q, the device heard %.200q", chunked, sent, d.heard.String())
		}
		if received != d.spoken.String() {
			t.Errorf("chunked %v: received %d B, the device said %d B", chunked, len(received), d.spoken.Len())
		}
	}
}

// traced turns a trace back into the bytes of each direction.
func traced(t *testing.T, text string) (sent, received string) {
	t.Helper()
	var out, in strings.Builder
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		var to *strings.Builder
		switch {
		case strings.HasPrefix(line, "# "):
			continue
		case strings.HasPrefix(line, "> "):
			to = &out
		case strings.HasPrefix(line, "< "):
			to = &in
		default:
			t.Fatalf("line %q", line)
		}
		s, err := strconv.Unquote(`"` + strings.ReplaceAll(line[2:], `"`, `\"`) + `"`)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		to.WriteString(s)
	}
	return out.String(), in.String()
}

// TestExitCodesByPeer is the promise of the exit codes, one peer a line.
func TestExitCodesByPeer(t *testing.T) {
	t.Parallel()
	good := `<rpc-reply message-id="ID"><ok/></rpc-reply>`
	for name, tt := range map[string]struct {
		hello, reply string
		chunked      bool
		body         string
		code         int
		words        string
	}{
		"ok":                        {"", good, false, get, 0, ""},
		"warning only":              {"", `<rpc-reply message-id="ID"><rpc-error><error-severity>warning</error-severity><error-message>w</error-message></rpc-error><ok/></rpc-reply>`, false, edit, 0, "Warning: w"},
		"error":                     {"", `<rpc-reply message-id="ID"><rpc-error><error-tag>in-use</error-tag><error-severity>error</error-severity></rpc-error></rpc-reply>`, true, edit, 1, "RPC-ERROR in-use"},
		"warning, error and ok":     {"", `<rpc-reply message-id="ID"><x><rpc-error><error-severity>warning</error-severity></rpc-error><rpc-error><error-message>deep</error-message></rpc-error></x><ok/></rpc-reply>`, false, get, 1, "deep"},
		"no session-id":             {strings.Replace(helloWith(base10), "<session-id>7</session-id>", "", 1), good, false, get, 4, "HEL-SESSION"},
		"no version":                {helloWith("<capability>urn:x</capability>"), good, false, get, 4, "HEL-VERSION"},
		"no hello":                  {"Permission denied\n]]>]]>", good, false, get, 4, "HEL-NOISE"},
		"doctype in the hello":      {"<!DOCTYPE a>" + helloWith(base10), good, false, get, 4, "XML-DTD"},
		"1.0 framing after 1.1":     {helloWith(base10 + base11), good, false, get, 4, "FRM-MODE"},
		"1.0 framing after an edit": {helloWith(base10 + base11), good, false, edit, 5, "FRM-MODE"},
		"hangs up on a read":        {"", "", false, get, 3, "SES-END"},
		"hangs up on an edit":       {"", "", true, edit, 5, "RPC-UNKNOWN"},
		"cut short":                 {"", `<rpc-reply message-id="ID"><data><![CDATA[one]]>]]>two]]></data></rpc-reply>`, false, get, 4, "XML-TRUNC the reply ended inside CDATA"},
		"edit cut short":            {"", `<rpc-reply message-id="ID"><ok/>`, false, edit, 5, "XML-TRUNC the reply ended without its end tag"},
		"other message-id":          {"", `<rpc-reply message-id="105"><ok/></rpc-reply>`, true, get, 3, "RPC-TIMEOUT"},
		"other one for an edit":     {"", `<rpc-reply message-id="105"><ok/></rpc-reply>`, true, edit, 5, "RPC-UNKNOWN"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &scripted{chunked: tt.chunked, hello: tt.hello}
			d.answering(tt.reply)
			if tt.reply == "" {
				d.reply = func(string) string { return "" }
			}
			if strings.Contains(name, "1.0 framing") { // reads what it agreed to, and answers otherwise
				d.chunked = true
				d.reply = func(string) string { return strings.ReplaceAll(tt.reply, "ID", "1") + "]]>]]>" }
			}
			r := newHome(t).run(tt.body, with(freely(playing(t, d)), "--timeout", "2s")...)
			r.want(t, tt.code, tt.words)
			if tt.words == "" && r.err != "" {
				t.Errorf("standard error: %s", r.err)
			}
		})
	}
}

// TestWaysToSignIn tries the flags that choose credentials on a device that
// takes one key.
func TestWaysToSignIn(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	agent, err := exec.LookPath("ssh-agent")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir, err := os.MkdirTemp("", "da") // socket names are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	c := exec.Command(agent, "-D", "-a", socket)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	eventually(t, "the agent", func() bool { _, err := os.Stat(socket); return err == nil })
	key := filepath.Join(h.dir, "key")
	for _, args := range [][]string{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key}, {"ssh-add", "-q", key}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	line, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	public, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	lab := simnet.New()
	t.Cleanup(lab.Close)
	host, err := lab.Add(simdev.Options{}, simnet.Server{Keys: []ssh.PublicKey{public}})
	if err != nil {
		t.Fatal(err)
	}
	jump, err := lab.Add(simdev.Options{}, simnet.Server{Keys: []ssh.PublicKey{public}, Forward: true})
	if err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(h.dir, "their_hosts")
	var lines strings.Builder
	for _, s := range []*simnet.Host{host, jump} {
		name, port, _ := net.SplitHostPort(s.Addr())
		fmt.Fprintf(&lines, "[%s]:%s %s", name, port, ssh.MarshalAuthorizedKey(s.HostKey()))
	}
	h.write(known, lines.String())
	private := h.write(filepath.Join(h.dir, "away"), "")
	if err := os.Rename(key, private); err != nil {
		t.Fatal(err)
	}
	with := func(more ...string) []string {
		return append([]string{"rpc", host.Addr(), "-u", "admin", "--known-hosts", known, "--host-key", "strict"}, more...)
	}
	withAgent := func() *home {
		return &home{t: t, dir: h.dir, env: append([]string{"SSH_AUTH_SOCK=" + socket}, h.env...)}
	}
	withAgent().run(get, with()...).want(t, 0)
	withAgent().run(get, with("--no-agent")...).want(t, 3, "AUTH-FAIL")
	h.run(get, with()...).want(t, 3)
	h.run(get, with("-i", private)...).want(t, 0)
	h.run(get, with("--identity", private, "--no-agent")...).want(t, 0)
	h.run(get, with("-i", filepath.Join(h.dir, "none"))...).want(t, 3, "KEY-FILE")
	before := jump.SignIns()
	withAgent().run(get, with("-J", "admin@"+jump.Addr())...).want(t, 0)
	if jump.SignIns() == before {
		t.Error("the jump host was not gone through")
	}
	withAgent().run(get, with("-u", "somebody")...).want(t, 3, "AUTH-FAIL")
	if data, err := os.ReadFile(known); err != nil || string(data) != lines.String() {
		t.Errorf("the file of --known-hosts was changed: %v", err)
	}
	if _, err := os.Stat(h.config("known_hosts")); err == nil {
		t.Error("ours was written beside it")
	}
}

// TestTimeoutIsOnSilence has --timeout bear on what the device leaves unsaid,
// and not on how long it talks.
func TestTimeoutIsOnSilence(t *testing.T) {
	t.Parallel()
	d := &scripted{}
	d.answering(`<rpc-reply message-id="ID"><ok/></rpc-reply>`)
	answer := d.reply
	lab := simnet.New()
	t.Cleanup(lab.Close)
	host, err := lab.Add(simdev.Options{Bulk: 300 << 10, Faults: simdev.Faults{BytesPerSec: 100 << 10}}, simnet.Server{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	newHome(t).run(get, with(freely(host), "--timeout", "1s")...).want(t, 0)
	if took := time.Since(start); took < time.Second {
		t.Errorf("took %v only", took)
	}
	d.reply = func(body string) string {
		if strings.Contains(body, "<get-config") {
			return " " // no reply
		}
		return answer(body)
	}
	newHome(t).run(get, with(freely(playing(t, d)), "--timeout", "1s")...).want(t, 3, "RPC-TIMEOUT", "1s of silence")
}
