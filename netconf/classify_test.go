package netconf

import (
	"errors"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body   string
		name   string
		target string
		effect Effect
	}{
		{"<get/>", "get", "", Reads},
		{"<get-config><source><running/></source></get-config>", "get-config", "running", Reads},
		{`<nc:rpc xmlns:nc="` + BaseNS + `" message-id="1"><nc:get-config><nc:source><nc:candidate/></nc:source></nc:get-config></nc:rpc>`, "get-config", "candidate", Reads},
		{`<?xml version="1.0"?><!-- x --><rpc xmlns="` + BaseNS + `"><!-- y --><get/></rpc>`, "get", "", Reads},
		{`<get-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"><datastore>ds:operational</datastore></get-data>`, "get-data", "operational", Reads},
		{`<get-schema xmlns="` + MonitoringNS + `"><identifier>x</identifier></get-schema>`, "get-schema", "", Reads},
		{"<get-interface-information/>", "get-interface-information", "", Reads},
		{"<edit-config><target><candidate/></target><config/></edit-config>", "edit-config", "candidate", Stages},
		{"<edit-config><target>\n<running/></target><config/></edit-config>", "edit-config", "running", Commits},
		{"<edit-config><target><!-- <candidate/> --><startup/></target></edit-config>", "edit-config", "startup", Commits},
		{"<edit-config><target><candidate/></target><target><running/></target></edit-config>", "edit-config", "?", Commits},
		{"<edit-config/>", "edit-config", "", Commits},
		{`<edit-data xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-nmda" xmlns:ds="u"><datastore>ds:candidate</datastore></edit-data>`, "edit-data", "candidate", Stages},
		{"<copy-config><target><startup/></target><source><running/></source></copy-config>", "copy-config", "startup", Commits},
		{"<copy-config><target><url>ftp://x</url></target><source><running/></source></copy-config>", "copy-config", "url", Commits},
		{"<delete-config><target><startup/></target></delete-config>", "delete-config", "startup", Destroys},
		{"<lock><target><candidate/></target></lock>", "lock", "candidate", Stages},
		{`<lock xmlns="urn:door"/>`, "lock", "", Commits},
		{"<validate><source><candidate/></source></validate>", "validate", "candidate", Reads},
		{"<discard-changes/>", "discard-changes", "candidate", Stages},
		{"<commit/>", "commit", "running", Commits},
		{"<commit><confirmed/></commit>", "commit", "running", Commits},
		{"<kill-session><session-id>4</session-id></kill-session>", "kill-session", "", Destroys},
		{`<create-subscription xmlns="` + NotificationNS + `"/>`, "create-subscription", "", Reads},
		{"<load-configuration action=\"merge\"><configuration/></load-configuration>", "load-configuration", "candidate", Stages},
		{"<commit-configuration/>", "commit-configuration", "running", Commits},
		{"<commit-configuration><check/></commit-configuration>", "commit-configuration", "candidate", Reads},
		{"<commit-configuration><confirmed/><check/></commit-configuration>", "commit-configuration", "running", Commits},
		{"<command>show version | no-more</command>", "command", "", Reads},
		{"<command format=\"text\"> show  interfaces\n</command>", "command", "", Reads},
		{"<command>show configuration | save /var/tmp/x</command>", "command", "", Commits},
		{"<command>show configuration |save /var/tmp/x</command>", "command", "", Commits},
		{"<command>show configuration | sa x</command>", "command", "", Commits},
		{"<command>clear bgp neighbor</command>", "command", "", Commits},
		{"<command>request system reboot</command>", "command", "", Destroys},
		{"<command/>", "command", "", Commits},
		{"<command>s<![CDATA[how]]> &#118;ersion</command>", "command", "", Reads},
		{"<request-reboot/>", "request-reboot", "", Destroys},
		{"<request-system-zeroize/>", "request-system-zeroize", "", Destroys},
		{"<clear-bgp-neighbor/>", "clear-bgp-neighbor", "", Commits},
		{`<x:do xmlns:x="urn:x"/>`, "do", "", Commits},
		{"<rpc><get/><commit/></rpc>", "get", "running", Commits},
		{"<rpc><delete-config><target><startup/></target></delete-config><get/></rpc>", "delete-config", "startup", Destroys},
	}
	for _, tt := range tests {
		r, err := Classify([]byte(tt.body), Caps{})
		if err != nil || r.Name != tt.name || r.Target != tt.target || r.Effect != tt.effect || string(r.Body) != tt.body {
			t.Errorf("%s: %+v %v", tt.body, r, err)
		}
		if r.Effect.Alters() != (r.Effect != Reads) {
			t.Errorf("%s: Alters", tt.body)
		}
	}
}

func TestClassifyRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                     "XML-SYNTAX",
		"<get>":                "XML-SYNTAX",
		"<get/><get/>":         "XML-SYNTAX",
		"<!DOCTYPE a><get/>":   "XML-DTD",
		"<rpc/>":               "RPC-SHAPE",
		"<rpc><!-- --> </rpc>": "RPC-SHAPE",
		"<a:get/>":             "XML-SYNTAX",
		"\xff\xfe<\x00g\x00":   "XML-ENC",
	} {
		_, err := Classify([]byte(body), Caps{})
		if code(err) != want {
			t.Errorf("%q: %v", body, err)
		}
		var e *SyntaxError
		if strings.HasPrefix(want, "XML") && (!errors.As(err, &e) || e.Line < 1 || e.Col < 1 || !strings.Contains(err.Error(), "line ")) {
			t.Errorf("%q: no place in %v", body, err)
		}
	}
}

func TestWellFormed(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	good := []string{
		"<a/>", "<a></a >", "\ufeff<?xml version=\"1.0\" encoding='utf-8'?>\n<!-- c --><?pi x?><a/>\n<!-- d -->\n",
		`<a b="1" c='"' d = "&lt;&#65;&#x41;>"/>`, "<a><![CDATA[<b>&]]></a>", "<a>]] > &amp; ]&gt;</a>",
		`<x:a xmlns:x="u" x:b="1"><x:c/><y:d xmlns:y="v"/></x:a>`, `<a xml:lang="en"/>`, "<ä-ö.1 _b=''/>", deep(maxDepth),
		"<a>\t\r\n\u202e</a>",
	}
	for _, text := range good {
		if e := WellFormed([]byte(text)); e != nil {
			t.Errorf("%.60q: %v", text, e)
		}
	}
	bad := []struct {
		text      string
		line, col int
		code      string
		what      string
	}{
		{"", 1, 1, "XML-SYNTAX", "no element"},
		{" \n<!-- x -->", 2, 11, "XML-SYNTAX", "no element"},
		{"text", 1, 1, "XML-SYNTAX", "text outside"},
		{"<a/>\n x", 2, 2, "XML-SYNTAX", "text outside"},
		{"<a/>\n<b/>", 2, 1, "XML-SYNTAX", "second root"},
		{"<a>\n  <b>\n</a>", 3, 1, "XML-SYNTAX", `"b" of line 2`},
		{"<a>\n  <bä><c>", 2, 7, "XML-SYNTAX", `"c" is never closed`},
		{"</a>", 1, 1, "XML-SYNTAX", "no start tag"},
		{"<a></a", 1, 7, "XML-SYNTAX", "not closed with >"},
		{"<a></>", 1, 4, "XML-SYNTAX", "needs a name"},
		{"<a b></a>", 1, 4, "XML-SYNTAX", "no value"},
		{"<a b=c/>", 1, 6, "XML-SYNTAX", "quotation"},
		{"<a b=\"c/>", 1, 6, "XML-SYNTAX", "never closed"},
		{"<a b='1'c='2'/>", 1, 9, "XML-SYNTAX", "unexpected"},
		{"<a b='1' b='2'/>", 1, 10, "XML-SYNTAX", "twice"},
		{"<a xmlns='x' xmlns='y'/>", 1, 14, "XML-SYNTAX", "twice"},
		{"<a b='<'/>", 1, 7, "XML-SYNTAX", "write it as &lt;"},
		{"<a", 1, 1, "XML-SYNTAX", "not closed"},
		{"<a>1 < 2</a>", 1, 6, "XML-SYNTAX", "bare <"},
		{"<a>R&D</a>", 1, 5, "XML-SYNTAX", "bare &"},
		{"<a b='&x;'/>", 1, 7, "XML-SYNTAX", `unknown entity "&x;"`},
		{"<a>&#0;</a>", 1, 4, "XML-SYNTAX", "unknown entity"},
		{"<a b='&#x1b;'/>", 1, 7, "XML-SYNTAX", "unknown entity"},
		{"<a>]]></a>", 1, 4, "XML-SYNTAX", "]]&gt;"},
		{"<a><!-- x -- y --></a>", 1, 11, "XML-SYNTAX", "inside a comment"},
		{"<a><!-- x</a>", 1, 4, "XML-SYNTAX", "comment is never closed"},
		{"<a><![CDATA[</a>", 1, 4, "XML-SYNTAX", "CDATA section is never closed"},
		{"<![CDATA[x]]><a/>", 1, 1, "XML-SYNTAX", "CDATA outside"},
		{"<a><?xml version='1.0'?></a>", 1, 4, "XML-SYNTAX", "very beginning"},
		{"\n<?xml version='1.0'?><a/>", 2, 1, "XML-SYNTAX", "very beginning"},
		{"<?xml version='1.0' encoding='latin1'?><a/>", 1, 1, "XML-ENC", "latin1"},
		{"<a>\n\n <!ELEMENT x></a>", 3, 2, "XML-SYNTAX", "neither"},
		{"<!DOCTYPE a><a/>", 1, 1, "XML-DTD", "DOCTYPE"},
		{"<x:a/>", 1, 1, "XML-SYNTAX", "not declared"},
		{"<a><b xmlns:x='u'/><x:c/></a>", 1, 20, "XML-SYNTAX", "not declared"},
		{"<a x:b='1'/>", 1, 4, "XML-SYNTAX", "not declared"},
		{"<a xmlns:x=''/>", 1, 4, "XML-SYNTAX", "bound to nothing"},
		{"<a:b:c xmlns:a='u'/>", 1, 1, "XML-SYNTAX", "colon"},
		{"<a>\x00</a>", 1, 4, "XML-SYNTAX", `"\x00"`},
		{"<a>ä\x1b</a>", 1, 5, "XML-SYNTAX", `"\x1b"`},
		{"<a>\xff</a>", 1, 4, "XML-ENC", `"\xff"`},
		{"\xfe\xff\x00<", 1, 1, "XML-ENC", "UTF-16"},
		{deep(maxDepth + 1), 1, 3*maxDepth + 1, "XML-DEPTH", "512"},
		{"<a" + strings.Repeat(" b='1'", 2) + "/>", 1, 10, "XML-SYNTAX", "twice"},
		{"<" + strings.Repeat("a", maxNameLen+1) + "/>", 1, 1, "XML-LIMIT", "4096"},
	}
	for _, tt := range bad {
		e := WellFormed([]byte(tt.text))
		if e == nil {
			t.Errorf("%.60q: no fault", tt.text)
			continue
		}
		if e.Line != tt.line || e.Col != tt.col || e.Code != tt.code || !strings.Contains(e.What, tt.what) {
			t.Errorf("%.60q: %s %v", tt.text, e.Code, e)
		}
	}
}
