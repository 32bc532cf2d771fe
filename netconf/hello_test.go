package netconf

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// greet plays a device that says text, framed as a hello, and returns the
// session and what it reported.
func greet(t *testing.T, wire string, o Options) (s *Session, reports []string, heard string, err error) {
	t.Helper()
	ours, theirs := net.Pipe()
	said := make(chan string, 1)
	go func() { // ends when our side is closed
		defer theirs.Close()
		go io.WriteString(theirs, wire) // ends when it is read or the pipe closed
		m, err := NewTransport(theirs, FrameOptions{}).NextMessage()
		if err != nil {
			said <- ""
			return
		}
		b, _ := io.ReadAll(m)
		said <- string(b)
		io.Copy(io.Discard, theirs)
	}()
	o.OnFault = func(f *Fault, raw []byte) { reports = append(reports, f.Code+" "+string(raw)) }
	s, err = Open(t.Context(), NewTransport(ours, FrameOptions{}), o)
	if err == nil {
		ours.Close()
		<-s.Done()
	}
	return s, reports, <-said, err
}

func TestHello(t *testing.T) {
	t.Parallel()
	caps := func(uris ...string) string {
		var b strings.Builder
		for _, u := range uris {
			b.WriteString("<capability>" + u + "</capability>\n")
		}
		return "<capabilities>" + b.String() + "</capabilities>"
	}
	base := "urn:ietf:params:netconf:base:1.0"
	base11 := "urn:ietf:params:netconf:base:1.1"
	wrong := "urn:ietf:params:xml:ns:netconf:base:1.0"
	id := "<session-id>7</session-id>"
	many := make([]string, 500)
	for i := range many {
		many[i] = fmt.Sprintf("urn:x:module%d?module=m%d&amp;revision=2024-01-01", i, i)
	}
	tooMany := caps(slices.Repeat([]string{"u"}, maxCaps+1)...)
	tests := []struct {
		name    string
		wire    string
		o       Options
		framing Framing
		code    string // "" when the session opens
		report  string // beginning of what OnFault got
	}{
		{name: "1.0", wire: "<hello>" + caps(base) + id + "</hello>"},
		{name: "1.1", wire: helloOf("1.0", "1.1"), framing: Chunked},
		{name: "1.1 only", wire: helloOf("1.1"), framing: Chunked},
		{name: "forced to 1.0", wire: helloOf("1.0", "1.1"), o: Options{Quirks: Quirks{Force10: true}}},
		{name: "only 1.0", wire: helloOf("1.0", "1.1"), o: Options{Only10: true}},
		{name: "version with parameters", wire: "<hello>" + caps(base11+"?x=y") + id + "</hello>", framing: Chunked},
		{name: "wait", wire: helloOf("1.0", "1.1"), o: Options{Quirks: Quirks{WaitHello: true}}, framing: Chunked},
		{name: "prefixes", wire: `<nc:hello xmlns:nc="` + BaseNS + `"><nc:capabilities><nc:capability>` + base + `</nc:capability></nc:capabilities><nc:session-id>7</nc:session-id></nc:hello>`},
		{name: "comments first", wire: "<!-- No zombies -->\n<!-- user admin -->\n<hello>" + caps(base, wrong) + id + "</hello>\n"},
		{name: "wrong prefix only", wire: "<hello>" + caps(wrong) + id + "</hello>"},
		{name: "declaration and byte order mark", wire: "\ufeff<?xml version=\"1.0\"?>" + helloOf("1.0")},
		{name: "attribute", wire: `<hello message-id="1">` + caps(base) + id + "</hello>"},
		{name: "blanks", wire: "<hello >" + caps("\n  "+base+"\n") + "<session-id>\n7\n</session-id ></hello >"},
		{name: "500 capabilities", wire: "<hello>" + caps(append(many, base)...) + id + "</hello>"},
		{name: "broken tag", wire: strings.Replace(helloOf("1.0"), "</capability>", "</capabil\n\nity>", 1), report: "HEL-XML"},
		{name: "broken start tag", wire: strings.Replace(helloOf("1.0"), "<capability>", "<capabi\nlity>", 1), report: "HEL-XML"},
		{name: "unclosed", wire: strings.Replace(helloOf("1.0"), "</hello>", "", 1), report: "HEL-XML"},
		{name: "noise", wire: "Welcome to r1\n% prompt \x1b[0m\n# 1\n" + helloOf("1.0"), report: "HEL-NOISE Welcome to r1\n%"},

		{name: "endless noise", wire: strings.Repeat("no such command\n", 1000), code: "HEL-NOISE"},
		{name: "late hello", wire: strings.Repeat("x", maxNoise+1) + helloOf("1.0"), code: "HEL-NOISE"},
		{name: "other words", wire: "Permission denied", code: "HEL-NOISE"},
		{name: "nothing", wire: " ]]>]]>", code: "HEL-NOISE"},
		{name: "no session-id", wire: "<hello>" + caps(base) + "</hello>", code: "HEL-SESSION"},
		{name: "session-id 0", wire: "<hello>" + caps(base) + "<session-id>0</session-id></hello>", code: "HEL-SESSION"},
		{name: "session-id 2^32", wire: "<hello>" + caps(base) + "<session-id>4294967296</session-id></hello>", code: "HEL-SESSION"},
		{name: "session-id text", wire: "<hello>" + caps(base) + "<session-id>x</session-id></hello>", code: "HEL-SESSION"},
		{name: "empty session-id", wire: "<hello>" + caps(base) + "<session-id/></hello>", code: "HEL-SESSION"},
		{name: "two session-ids", wire: "<hello>" + caps(base) + id + id + "</hello>", code: "HEL-SESSION"},
		{name: "reply first", wire: "<rpc-reply><ok/></rpc-reply>", code: "HEL-SESSION"},
		{name: "no version", wire: "<hello>" + caps("urn:x") + id + "</hello>", code: "HEL-VERSION"},
		{name: "other version", wire: helloOf("2.0"), code: "HEL-VERSION"},
		{name: "1.1 only, forced to 1.0", wire: helloOf("1.1"), o: Options{Only10: true}, code: "HEL-VERSION"},
		{name: "no capabilities", wire: "<hello>" + id + "</hello>", code: "HEL-VERSION"},
		{name: "too large", wire: "<hello>" + strings.Repeat(" ", maxHello) + "</hello>", code: "HEL-BIG"},
		{name: "too many", wire: "<hello>" + tooMany + id + "</hello>", code: "HEL-BIG"},
		{name: "doctype", wire: `<!DOCTYPE hello [<!ENTITY a "b">]>` + helloOf("1.0"), code: "XML-DTD"},
		{name: "chunked", wire: "\n#" + fmt.Sprint(len(helloOf("1.0"))) + "\n" + helloOf("1.0") + "\n##\n", code: "FRM-MODE"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, reports, heard, err := greet(t, tt.wire+"]]>]]>", tt.o)
			if code(err) != tt.code {
				t.Fatalf("got %v", err)
			}
			if report := strings.Join(reports, "; "); (tt.report == "") != (report == "") || !strings.HasPrefix(report, tt.report) {
				t.Errorf("reported %q", report)
			}
			if err != nil {
				return
			}
			if s.ID() != 7 || s.Framing() != tt.framing {
				t.Errorf("session %d, %v", s.ID(), s.Framing())
			}
			offered := strings.Contains(heard, ":base:1.1<")
			if want := !tt.o.Only10 && !tt.o.Quirks.Force10; offered != want || !strings.Contains(heard, ":base:1.0<") {
				t.Errorf("we said %q", heard)
			}
			if e := WellFormed([]byte(heard)); e != nil {
				t.Error(e)
			}
		})
	}
}

// Our hello leaves before a byte of the device's has come, unless the quirk
// asks for the opposite.
func TestHelloIsSentAtOnce(t *testing.T) {
	t.Parallel()
	for _, wait := range []bool{false, true} {
		ours, theirs := net.Pipe()
		opened := make(chan error, 1)
		o := Options{Quirks: Quirks{WaitHello: wait, Capabilities: []string{"urn:x?a=1&b=2"}}}
		go func() { // ends when Open does, which the closed pipe ends at the latest
			s, err := Open(t.Context(), NewTransport(ours, FrameOptions{}), o)
			if err == nil {
				ours.Close()
				<-s.Done()
			}
			opened <- err
		}()
		read := func() string {
			m, err := NewTransport(theirs, FrameOptions{}).NextMessage()
			if err != nil {
				return err.Error()
			}
			b, _ := io.ReadAll(m)
			return string(b)
		}
		var said string
		if wait {
			io.WriteString(theirs, helloOf("1.0")+"]]>]]>")
			said = read()
		} else {
			said = read()
			io.WriteString(theirs, helloOf("1.0")+"]]>]]>")
		}
		if !strings.Contains(said, "<capability>urn:x?a=1&amp;b=2</capability>") {
			t.Errorf("we said %q", said)
		}
		if err := <-opened; err != nil {
			t.Error(err)
		}
		theirs.Close()
	}
}

func TestHelloTimeout(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		every time.Duration
		text  string
		got   string
	}{
		{"silence", 0, "", "(got 0 B)"},
		{"drip", 6 * time.Second, "<hello", "(got 2 B)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				go io.Copy(io.Discard, theirs) // ends with the pipe
				dripped := make(chan struct{})
				go func() { // ends with the text or the pipe
					defer close(dripped)
					for i := range tt.text {
						time.Sleep(tt.every)
						if _, err := theirs.Write([]byte{tt.text[i]}); err != nil {
							return
						}
					}
				}()
				start := time.Now()
				_, err := Open(context.Background(), NewTransport(ours, FrameOptions{}), Options{})
				if code(err) != "HEL-TIMEOUT" || time.Since(start) != 15*time.Second || !strings.Contains(err.Error(), tt.got) {
					t.Errorf("%v after %v", err, time.Since(start))
				}
				theirs.Close()
				<-dripped
			})
		})
	}
}

func TestOpenIsCancelled(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { // ends when the pipe is closed
		io.Copy(io.Discard, theirs)
	}()
	cancel()
	if _, err := Open(ctx, NewTransport(ours, FrameOptions{}), Options{}); err != context.Canceled {
		t.Error(err)
	}
	if _, err := theirs.Write([]byte("x")); err == nil {
		t.Error("the transport was not closed")
	}
	theirs.Close()
}

// A device that explains itself and hangs up is quoted.
func TestHelloEnds(t *testing.T) {
	t.Parallel()
	tr := NewTransport(&tape{reads: pieces("netconf is not enabled for you\n", 5)}, FrameOptions{})
	_, err := Open(t.Context(), tr, Options{})
	if code(err) != "HEL-END" || !strings.Contains(err.Error(), `"netconf is not enabled for you"`) {
		t.Error(err)
	}
}

func TestCaps(t *testing.T) {
	t.Parallel()
	c := NewCaps([]string{
		" urn:ietf:params:netconf:base:1.0\n",
		"urn:ietf:params:xml:ns:netconf:base:1.0",
		"urn:ietf:params:xml:ns:netconf:capability:candidate:1.0",
		"urn:ietf:params:netconf:capability:candidate:1.0",
		"urn:ietf:params:netconf:capability:confirmed-commit:1.1",
		"urn:ietf:params:netconf:capability:url:1.0?protocol=http,ftp,file",
		"urn:ietf:params:netconf:capability:url:1.0?scheme=http,ftp,file",
		"urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=explicit&amp;also-supported=report-all,trim",
		"urn:ietf:params:xml:ns:netconf:notification:1.0",
		"urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring?module=ietf-netconf-monitoring&revision=2010-10-04",
		"http://xml.juniper.net/netconf/junos/1.0",
		"",
	})
	want := []string{
		"urn:ietf:params:netconf:base:1.0",
		"urn:ietf:params:netconf:capability:candidate:1.0",
		"urn:ietf:params:netconf:capability:confirmed-commit:1.1",
		"urn:ietf:params:netconf:capability:url:1.0?scheme=http,ftp,file",
		"urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=explicit&also-supported=report-all,trim",
		"urn:ietf:params:xml:ns:netconf:notification:1.0",
		"urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring?module=ietf-netconf-monitoring&revision=2010-10-04",
		"http://xml.juniper.net/netconf/junos/1.0",
	}
	if !slices.Equal(c.URIs(), want) {
		t.Errorf("got %q", c.URIs())
	}
	for name, has := range map[string]bool{
		"candidate": true, "candidate:1.0": true, "candidate:1.1": false,
		"confirmed-commit": true, "confirmed-commit:1.1": true, "confirmed-commit:1.0": false,
		"base:1.0": true, "base:1.1": false, "base": true,
		"url": true, "with-defaults": true, "monitoring": true, "junos": true,
		"notification": false, "valid": false, "validate": false, "candid": false, "": false,
		"urn:ietf:params:netconf:capability:candidate:1.0":     true,
		"urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring":  true,
		"urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring2": false,
	} {
		if c.Has(name) != has {
			t.Errorf("Has(%q) = %v", name, !has)
		}
	}
	if got := c.Param("with-defaults", "also-supported"); got != "report-all,trim" {
		t.Errorf("Param: %q", got)
	}
	if got := c.Param("url", "scheme") + c.Param("url", "none") + c.Param("xpath", "x"); got != "http,ftp,file" {
		t.Errorf("Param: %q", got)
	}
	if !c.Junos() || (Caps{}).Junos() {
		t.Error("Junos")
	}
	if got := c.Letters() + (Caps{}).Letters(); got != "CK--"+"--"+"------" {
		t.Errorf("Letters: %q", got)
	}
}
