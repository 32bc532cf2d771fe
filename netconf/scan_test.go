package netconf

import (
	"fmt"
	"strings"
	"testing"
)

// scanIn runs the scanner over text in pieces of n bytes.
func scanIn(text string, n int) *scanner {
	x := &scanner{}
	for _, p := range pieces(text, n) {
		x.scan(p)
	}
	return x
}

func TestErrorsInReplies(t *testing.T) {
	t.Parallel()
	full := `<rpc-error><error-type>protocol</error-type><error-tag>lock-denied</error-tag><error-severity>error</error-severity>` +
		`<error-app-tag>a</error-app-tag><error-path xmlns:t="u">/t:top</error-path><error-message xml:lang="en">` + "\n no &lt;way&gt; &#65;\n" + `</error-message>` +
		`<error-info><session-id>454</session-id><bad-element>x</bad-element><bad-attribute>y</bad-attribute><bad-namespace>z</bad-namespace></error-info></rpc-error>`
	tests := []struct {
		name   string
		reply  string
		count  int
		failed bool
		flags  string
		want   string // of the errors: severity/tag/path/bad-element/message, joined by |
	}{
		{"ok", "<ok/>", 0, false, "", ""},
		{"data", "<data><errors>1</errors><error>x</error><warning/><rpc-errors/></data>", 0, false, "", ""},
		{"full", full, 1, true, "", "error/lock-denied//t:top/x/no <way> A"},
		{"prefix", strings.NewReplacer("</", "</nc:", "<", "<nc:").Replace(full), 1, true, "", "error/lock-denied//t:top/x/no <way> A"},
		{"warning beside ok", "<rpc-error><error-severity>warning</error-severity><error-message>w</error-message></rpc-error><ok/>", 1, false, "", "warning////w"},
		{"error beside ok", "<rpc-error><error-severity>error</error-severity></rpc-error><ok/>", 1, true, "", "error////"},
		{"old form", "<rpc-error><error-message>m</error-message></rpc-error>", 1, true, "", "////m"},
		{"unknown severity", "<rpc-error><error-severity>info</error-severity></rpc-error>", 1, true, "", "info////"},
		{"no content", "<rpc-error/>", 1, true, "", "////"},
		{"attributes", `<rpc-error a="1" b='2'><error-tag>t</error-tag></rpc-error >`, 1, true, "", "/t///"},
		{"deep", "<commit-results><routing-engine><name>re0</name><rpc-error><error-severity>error</error-severity><error-path>[edit interfaces]</error-path></rpc-error></commit-results><ok/>", 1, true, "", "error//[edit interfaces]//"},
		{"two", "<a><rpc-error><error-tag>1</error-tag></rpc-error></a><rpc-error><error-tag>2</error-tag></rpc-error>", 2, true, "", "/1///|/2///"},
		{"html inside", "<rpc-error><error-message><b>bo<i>l</i>d</b> &amp; <![CDATA[<x>]]></error-message></rpc-error>", 1, true, "", "////bold & <x>"},
		{"error in error", "<rpc-error><error-info><rpc-error><error-tag>in</error-tag></rpc-error></error-info><error-tag>out</error-tag></rpc-error>", 1, true, "", "/out///"},
		{"end tag in comment", "<rpc-error><!-- </rpc-error> --><error-tag>t</error-tag></rpc-error>", 1, true, "", "/t///"},
		{"end tag in CDATA", "<rpc-error><error-message><![CDATA[</rpc-error>]]></error-message></rpc-error>", 1, true, "", "////</rpc-error>"},
		{"junos error", `<x><xnm:error xmlns="http://xml.juniper.net/xnm/1.1/xnm" xmlns:xnm="http://xml.juniper.net/xnm/1.1/xnm"><edit-path>[edit]</edit-path><token>foo</token><message>syntax error</message></xnm:error></x>`, 1, true, "", "error//[edit]/foo/syntax error"},
		{"junos warning", "<xnm:warning><message>w</message></xnm:warning><ok/>", 1, false, "", "warning////w"},
		{"junos error, own namespace", `<error xmlns="http://xml.juniper.net/xnm/1.1/xnm"><message>m</message></error>`, 1, true, "", "error////m"},
		{"in comment", "<!-- <rpc-error/> --><ok/>", 0, false, "", ""},
		{"in CDATA", "<o><![CDATA[<rpc-error/>]]></o>", 0, false, "", ""},
		{"in instruction", "<?a <rpc-error/> ?><ok/>", 0, false, "", ""},
		{"tricky ends", "<!-- a -- > --- --><rpc-error/><![CDATA[ ]] ]]]]><rpc-error/>", 2, true, "", "////|////"},
		{"escaped", "&lt;rpc-error/&gt;", 0, false, "", ""},
		{"load errors counted", "<load-configuration-results><load-error-count>3</load-error-count></load-configuration-results>", 0, true, "RPC-SHAPE", ""},
		{"load errors sent", "<load-configuration-results><rpc-error><error-severity>warning</error-severity></rpc-error><load-error-count> 1 </load-error-count></load-configuration-results>", 1, false, "", "warning////"},
		{"no load errors", "<load-error-count>0</load-error-count><load-success/>", 0, false, "", ""},
		{"cut in error", "<rpc-error><error-tag>t</error-tag>", 1, true, "XML-TRUNC", "/t///"},
		{"cut in CDATA", "<a><![CDATA[x", 0, false, "XML-TRUNC", ""},
		{"cut in comment", "<a><!-- x", 0, false, "XML-TRUNC", ""},
		{"unclosed engine", "<commit-results><routing-engine><name>re0</name><ok/>", 0, false, "", ""},
		{"lone tags", "< <> </ > <!x> <rpc-error", 0, false, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reply := "<rpc-reply>" + tt.reply + "</rpc-reply>"
			if strings.HasPrefix(tt.name, "cut") || tt.name == "lone tags" {
				reply = strings.TrimSuffix(reply, "</rpc-reply>")
			}
			check := func(what string, x *scanner) {
				flags := codes(x.finish())
				var got []string
				for _, e := range x.errs {
					got = append(got, strings.Join([]string{e.Severity, e.Tag, e.Path, e.BadElement, e.Message}, "/"))
				}
				if x.count != tt.count || x.failed != tt.failed || flags != tt.flags || strings.Join(got, "|") != tt.want {
					t.Errorf("%s: %d errors, failed %v, flags %q: %q", what, x.count, x.failed, flags, got)
				}
			}
			for _, n := range []int{1 << 20, 1, 2, 3, 5, 16} {
				check(fmt.Sprint("pieces of ", n), scanIn(reply, n))
			}
			for cut := range reply {
				x := &scanner{}
				x.scan([]byte(reply[:cut]))
				x.scan([]byte(reply[cut:]))
				check(fmt.Sprint("cut at ", cut), x)
			}
		})
	}
}

func TestErrorInfo(t *testing.T) {
	t.Parallel()
	e := parseError([]byte(`<rpc-error><error-type>rpc</error-type><error-info> <bad-attribute>a</bad-attribute><x><bad-element>e</bad-element></x><bad-namespace>n</bad-namespace><session-id>4</session-id></error-info></rpc-error>`))
	if e.Type != "rpc" || e.BadAttribute != "a" || e.BadElement != "e" || e.BadNamespace != "n" || e.SessionID != "4" || !strings.HasPrefix(e.Info, "<error-info>") {
		t.Errorf("%+v", e)
	}
}

// A message of 5 MiB and 10,000 errors stay bounded, and none is lost
// from the count.
func TestManyAndLargeErrors(t *testing.T) {
	t.Parallel()
	large := "<rpc-error><error-severity>warning</error-severity><error-message>" + strings.Repeat("x", 5<<20) + "</error-message></rpc-error>"
	x := scanIn("<rpc-reply>"+large+large+"</rpc-reply>", 4096)
	if x.count != 2 || x.failed || len(x.errs[1].Message) != maxErrorText {
		t.Errorf("%d errors, message of %d B", x.count, len(x.errs[1].Message))
	}
	many := strings.Repeat("<rpc-error><error-severity>warning</error-severity></rpc-error>", 10_000)
	x = scanIn("<rpc-reply>"+many+"<rpc-error/></rpc-reply>", 4096)
	if x.count != 10_001 || len(x.errs) != maxErrors || !x.failed {
		t.Errorf("%d errors, %d kept, failed %v", x.count, len(x.errs), x.failed)
	}
	// A tag that never ends is not kept.
	x = scanIn("<rpc-reply><rpc-error "+strings.Repeat("a", 1<<20), 4096)
	if len(x.carry) > maxTag || cap(x.carry) > 8*maxTag {
		t.Errorf("%d B carried", len(x.carry))
	}
}

func TestReplyShape(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, reply, want string }{
		{"good", "<rpc-reply message-id=\"1\"><ok/></rpc-reply>", ""},
		{"blanks and comments after", "<rpc-reply message-id=\"1\"><ok/></rpc-reply >\n<!-- bye -->\n<?x y?>", ""},
		{"empty", "<rpc-reply message-id=\"1\"/>", "RPC-SHAPE"},
		{"hollow", "<rpc-reply message-id=\"1\"> </rpc-reply>", "RPC-SHAPE"},
		{"text after", "<rpc-reply message-id=\"1\"><ok/></rpc-reply>junk", "RPC-SHAPE"},
		{"two roots", "<rpc-reply message-id=\"1\"><ok/></rpc-reply><rpc-reply message-id=\"2\"><ok/></rpc-reply>", "RPC-SHAPE"},
		{"cut", "<rpc-reply message-id=\"1\"><data>", "XML-TRUNC"},
		{"other end", "<a:rpc-reply message-id=\"1\"><ok/></rpc-reply>", "XML-TRUNC"},
		{"mark in CDATA", "<rpc-reply message-id=\"1\"><![CDATA[x", "XML-TRUNC"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := connect(t, Chunked, Options{}, func(d *device) {
				d.next()
				d.say(tt.reply)
				d.serve()
			})
			a := <-do(t.Context(), s, get("<get/>"))
			if tt.want == "XML-TRUNC" { // not whole: nothing is known
				if code(a.err) != tt.want || len(a.out.Flags) != 0 || a.out.OK || a.got != tt.reply || a.out.Result != Stopped {
					t.Errorf("%+v %v %q: %v", a.out, a.err, a.got, a.out.Flags)
				}
				return
			}
			if codes(a.out.Flags) != tt.want || !a.out.OK || a.err != nil || a.got != tt.reply || a.out.Result != Answered {
				t.Errorf("%+v %v %q: %v", a.out, a.err, a.got, a.out.Flags)
			}
		})
	}
}
