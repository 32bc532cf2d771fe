package netconf

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
	"time"
)

// fuzzFrames checks that reads of one byte and reads of all bytes tell the same.
func fuzzFrames(t *testing.T, f Framing, q Quirks, wire []byte) {
	whole, err1 := readAs(f, q, pieces(string(wire), 1<<20))
	bits, err2 := readAs(f, q, pieces(string(wire), 1))
	if code(err1) != code(err2) || strings.Join(whole, "\x00|") != strings.Join(bits, "\x00|") {
		t.Fatalf("whole: %q %v; bytes: %q %v", whole, err1, bits, err2)
	}
}

func FuzzChunked(f *testing.F) {
	for _, s := range []string{"\n#4\n<rpc\n#2\n/>\n##\n", "\n#0\n", "\n#4294967296\n", "\n##\n", "#4\nabcd", "\r\n#1\r\na\r\n##\r\n", "<a/>]]>]]>", "\n#4294967295\nabc"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		fuzzFrames(t, Chunked, Quirks{}, wire)
		fuzzFrames(t, Chunked, Quirks{LenientChunks: true, StripNUL: true}, wire)
		if len(wire) > 0 {
			if got, err := readAs(Chunked, Quirks{}, pieces(chunks(string(wire), 1+len(wire)/3), 2)); err != io.EOF || len(got) != 1 || got[0] != string(wire) {
				t.Fatalf("%q %v", got, err)
			}
		}
	})
}

func FuzzEndOfMessage(f *testing.F) {
	for _, s := range []string{"<a/>]]>]]>\n<b/>\n]]>]]>", "]]>]]]>]]>", "a]]>]]", "\n#4\n<b/>\n##\n", "\x00a]]>]]>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		fuzzFrames(t, EndOfMessage, Quirks{}, wire)
		fuzzFrames(t, EndOfMessage, Quirks{StripNUL: true}, wire)
	})
}

func FuzzHello(f *testing.F) {
	f.Add([]byte(helloOf("1.0", "1.1")))
	f.Add([]byte("motd\n<!-- c --><nc:hello xmlns:nc='u'><nc:capabilities><nc:capability>u&amp;</nc:capabil\nity></nc:capabilities><nc:session-id>1</nc:session-id></nc:hello>"))
	f.Add([]byte("<hello><session-id>1</session-id><session-id>2</session-id>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		h := &helloReader{start: -1}
		if _, err := h.Write(text); err != nil || h.start < 0 {
			return
		}
		g, _, err := h.agree(Options{})
		if err == nil && (g.id == 0 || len(g.caps.URIs()) == 0) {
			t.Fatalf("accepted: %+v", g)
		}
		g.caps.Letters()
		if again := NewCaps(g.caps.URIs()); len(again.URIs()) > len(g.caps.URIs()) {
			t.Fatalf("not stable: %q", g.caps.URIs())
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add([]byte("<rpc-reply><a><!-- <rpc-error/> --></a><rpc-error a='>'><error-tag>t</error-tag></rpc-error><ok/></rpc-reply>"), 3)
	f.Add([]byte("<![CDATA[]]]]]><xnm:error/><load-error-count>2</load-error-count>"), 1)
	f.Fuzz(func(t *testing.T, text []byte, n int) {
		whole, cut := scanIn(string(text), 1<<20), scanIn(string(text), 1+max(0, n)%100)
		a, b := codes(whole.finish()), codes(cut.finish())
		if a != b || whole.count != cut.count || whole.failed != cut.failed || len(whole.errs) != len(cut.errs) {
			t.Fatalf("whole %q %d %v, cut %q %d %v", a, whole.count, whole.failed, b, cut.count, cut.failed)
		}
		for i := range whole.errs {
			if *whole.errs[i] != *cut.errs[i] {
				t.Fatalf("%+v and %+v", whole.errs[i], cut.errs[i])
			}
		}
	})
}

func FuzzRPCError(f *testing.F) {
	f.Add([]byte("<rpc-error><error-info><bad-element>x</bad-element></error-info><error-message>&lt;<b>y</b></error-message></rpc-error>"))
	f.Add([]byte("<xnm:error><message>m"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e := parseError(text)
		if len(e.Info) > maxErrorInfo || len(e.Message) > maxErrorText || len(e.BadElement) > maxErrorText {
			t.Fatal("not bounded")
		}
		parseNotification(text)
	})
}

// What we accept the standard library accepts too, and quickly.
func FuzzWellFormed(f *testing.F) {
	f.Add([]byte("<?xml version='1.0'?><a b='1' xmlns:c='d'><c:e/>&lt;<![CDATA[x]]><!-- y --></a>"))
	f.Add([]byte("<a>\n<b></a>"))
	f.Add([]byte("<?xml version='1C0'?><a/>"))
	f.Add([]byte("<?xml!version='0'?><a/>"))
	f.Add([]byte("<?xml 0version='0'?><a/>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		start := time.Now()
		e := WellFormed(text)
		if took := time.Since(start); took > 10*time.Second {
			t.Fatalf("took %v", took)
		}
		if e != nil {
			if e.Line < 1 || e.Col < 1 || e.Off > len(text) || e.What == "" {
				t.Fatalf("%+v", e)
			}
			return
		}
		d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("accepted, but: %v", err)
			}
		}
		if _, err := Classify(text, Caps{}); err != nil && code(err) != "RPC-SHAPE" {
			t.Fatal(err)
		}
	})
}

// What quiet passes over has no effect on the scanner.
func FuzzQuiet(f *testing.F) {
	for _, s := range []string{"<a>x-errors: a! 12:30? j</a>", "<nc:rpc-error>", "<xnm:error>", "<error a='juniper.net/xnm/'>", "<load-error-count>1</load-error-count>",
		"<a<!-->", "<!-- -->", "<?a?>", "<a/><rpc-reply>", "</<x:rpc-reply>", "<a><b>:</b><error a='<b juniper.net/xnm/'>", "<c xmlns='juniper.net/xnm/1'><d/></c></rpc-reply>", "</x <rpc-error>", "<b a='<error juniper.net/xnm/'>", "<error>0</error><warning/>"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || b[len(b)-1] != '>' {
			return
		}
		b = b[:quiet(b)]
		x := &scanner{tags: 2}
		for i := walk(b); i < len(b); i += walk(b[i:]) {
			n := x.tag(b[i:])
			if n == 0 || x.depth > 0 || x.count > 0 || x.counting || x.replies > 0 || x.until != "" {
				t.Fatalf("%q: %+v", b[i:], x)
			}
			i += n
		}
	})
}
