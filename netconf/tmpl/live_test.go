package tmpl_test

import (
	"bytes"
	"context"
	"net"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/simdev"
	"dialtone/netconf/tmpl"
)

// values are what a person would type, by template and variable; "" is for any
// template.
func values(dialect simdev.Dialect) map[string]map[string]string {
	m := map[string]map[string]string{
		"":                         {"TOKEN": "", "SELECT": "/p:system", "NAMESPACE": simdev.LabNS, "IDENTIFIER": "dialtone-lab", "SESSION": "4711"},
		"commit-confirmed-persist": {"TOKEN": "tok"},
		"commit-confirm-persist":   {"TOKEN": "tok"},
		"junos-load-text":          {"TEXT": "system { host-name x; }"},
		"junos-load-set":           {"COMMANDS": "set system host-name x"},
		"junos-load-json":          {"JSON": `{"configuration":{"system":{"host-name":"x"}}}`},
		"junos-load-xml":           {"CONFIG": "<system><host-name>x</host-name></system>"},
		"junos-commit-at":          {"TIME": "23:59"},
	}
	any := m[""]
	any["FILTER"], any["CONFIG"] = `<system xmlns="`+simdev.LabNS+`"/>`, `<system xmlns="`+simdev.LabNS+`"><location>x</location></system>`
	if dialect == simdev.Junos {
		any["FILTER"], any["CONFIG"] = "<configuration><system/></configuration>", "<configuration><system><host-name>x</host-name></system></configuration>"
		m["junos-get-configuration-part"] = map[string]string{"FILTER": "<system/>"}
	}
	return m
}

// Every template is an RPC that a device which can take it answers: none meets
// an error that says that the RPC itself is wrong.
func TestDevicesTakeTheTemplates(t *testing.T) {
	t.Parallel()
	noon := func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) }
	for _, o := range []simdev.Options{{Startup: true}, {Dialect: simdev.Junos}} {
		o.Now = noon
		given := values(o.Dialect)
		for _, x := range tmpl.Builtin() {
			t.Run(string(o.Dialect)+"/"+x.Name, func(t *testing.T) {
				t.Parallel()
				d := simdev.New(o)
				a, b := net.Pipe()
				ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
				done := make(chan error, 1)
				go func() { done <- d.Serve(ctx, b, "admin") }() // ends with ctx
				t.Cleanup(func() { cancel(); <-done })
				s, err := netconf.Open(ctx, netconf.NewTransport(a, netconf.FrameOptions{}), netconf.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if why := x.Usable(s.Caps()); why != "" {
					t.Skip(why)
				}
				vars := map[string]string{}
				for _, v := range x.Vars {
					for _, k := range []string{"", x.Name} {
						if value, ok := given[k][v.Name]; ok {
							vars[v.Name] = value
						}
					}
				}
				req, err := x.Render(vars, s.Caps())
				if err != nil {
					t.Fatal(err)
				}
				var reply bytes.Buffer
				out, err := s.Do(ctx, req, &reply)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range out.Errors {
					switch {
					case e.Warning():
					case e.Tag == "invalid-value" && (x.Name == "kill-session" || x.Name == "commit-confirm-persist" || x.Name == "get-schema" && s.Caps().Junos()):
					case e.Tag == "operation-failed" && (x.Name == "cancel-commit" || x.Name == "unlock" || x.Name == "junos-unlock" || x.Name == "junos-load-rollback" || x.Name == "junos-rollback-information"):
					default:
						t.Errorf("%s\nanswered %s", req.Body, reply.String())
					}
				}
			})
		}
	}
}
