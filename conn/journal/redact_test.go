package journal

import (
	"strings"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		// nothing to take out
		"<get-config><source><running/></source></get-config>":                                   "",
		"set policy-options community X members 65000:1":                                         "",
		"<community><name>X</name><members>65000:1</members></community>":                        "",
		"<interface a=\"1\"><name>ge-0/0/0</name><description>to core</description></interface>": "",
		// XML
		"<secret>hunter2</secret>":                                                   "<secret>[redacted]</secret>",
		"<a:secret x='1'>hunter2</a:secret><b>c</b>":                                 "<a:secret x='1'>[redacted]</a:secret><b>c</b>",
		"<auth-password><value>hunter2</value></auth-password><c>d</c>":              "<auth-password><value>[redacted]</value></auth-password><c>d</c>",
		"<plain-text-password-value><![CDATA[hunter2]]></plain-text-password-value>": "<plain-text-password-value><![CDATA[[redacted]]]></plain-text-password-value>",
		"<snmp><community><name>hunter2</name></community></snmp><x>y</x>":           "<snmp><community><name>[redacted]</name></community></snmp><x>y</x>",
		"<x password=\"hunter2\" b='c'>d</x>":                                        "<x password=\"[redacted]\" b='c'>d</x>",
		"<x>$9$hunter2abc</x>":                                                       "<x>[redacted]</x>",
		"<encrypted-password>$6$hunter2$x</encrypted-password>":                      "<encrypted-password>[redacted]</encrypted-password>",
		"<md5><name>1</name><key>hunter2</key></md5>":                                "<md5><name>[redacted]</name><key>[redacted]</key></md5>",
		"<secret/><x>keep</x>":                                                       "",
		"<secret a=\"/>\">hunter2":                                                   "<secret a=\"/>\">[redacted]",
		"<secret>hunter2</wrong><x>hunter2":                                          "<secret>[redacted]</wrong><x>[redacted]",
		// set commands and configuration text
		`set system radius-server 192.0.2.1 secret "hunter2 x" port 5`:         `set system radius-server 192.0.2.1 secret [redacted] port 5`,
		"username a password 7 hunter2":                                        "username a password 7 [redacted]",
		"enable secret 5 hunter2\nnext":                                        "enable secret 5 [redacted]\nnext",
		"password secret hunter2":                                              "password secret [redacted]",
		"plain-text-password\nsecret hunter2;":                                 "plain-text-password\nsecret [redacted];",
		"authentication-key hunter2;":                                          "authentication-key [redacted];",
		"md5 1 key \"hunter2\";":                                               "md5 1 key [redacted];",
		"key 1 secret \"hunter2\"":                                             "key 1 secret [redacted]",
		"set snmp community hunter2 authorization read-only":                   "set snmp community [redacted] authorization read-only",
		"community hunter2 {\n authorization read-only;":                       "community [redacted] {\n authorization read-only;",
		`{"radius":{"secret" : "hunter2","port":1}}`:                           `{"radius":{"secret" : [redacted],"port":1}}`,
		"<configuration-text>secret &quot;hunter2&quot;;</configuration-text>": "<configuration-text>secret [redacted];</configuration-text>",
		"<!-- password hunter2 --><x/>":                                        "<!-- password [redacted] --><x/>",
	} {
		if want == "" {
			want = in
		}
		got, changed := Redact(in)
		if got != want {
			t.Errorf("Redact(%s)\n got  %s\n want %s", in, got, want)
		}
		if changed != (got != in) {
			t.Errorf("Redact(%s): changed = %v", in, changed)
		}
		if strings.Contains(got, "hunter2") {
			t.Errorf("secret left in %s", got)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("<secret>x</secret>")
	f.Add("<a password='x'><![CDATA[secret y]]></a><!-- z")
	f.Fuzz(func(t *testing.T, s string) {
		Redact(s) // must end and not panic
		wrapped := "<secret>" + strings.NewReplacer("<", "", ">", "").Replace(s) + "QZ9canary</secret>"
		if got, _ := Redact(wrapped); strings.Contains(got, "QZ9canary") {
			t.Fatalf("secret left in %q", got)
		}
	})
}
