package tmpl

import (
	"strings"
	"testing"

	"dialtone/netconf"
)

func TestValuesDoNotBreakOutOfXPathStrings(t *testing.T) {
	t.Parallel()
	xpath := Template{Name: "x", Vars: []Var{{Name: "IF", Title: "interface"}},
		Body: `<get-config><source><running/></source><filter type="xpath" select="/interfaces/interface[name='{{IF}}']"/></get-config>`}
	if _, err := xpath.Render(map[string]string{"IF": "a' or '1'='1"}, netconf.Caps{}); err == nil || !strings.Contains(err.Error(), "variable IF") {
		t.Errorf("a value with a quote: %v", err)
	}
	if r, err := xpath.Render(map[string]string{"IF": `ge-0/0/0 "x"`}, netconf.Caps{}); err != nil || !strings.Contains(string(r.Body), "ge-0/0/0 &quot;x&quot;") {
		t.Errorf("%s, %v", r.Body, err)
	}
	attribute := Template{Name: "a", Vars: []Var{{Name: "V", Title: "value"}}, Body: `<get><filter type='{{V}}'/></get>`}
	if r, err := attribute.Render(map[string]string{"V": "it's"}, netconf.Caps{}); err != nil || strings.Contains(string(r.Body), "it's") {
		t.Errorf("%s, %v", r.Body, err)
	}
}
