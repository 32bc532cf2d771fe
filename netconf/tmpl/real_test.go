package tmpl_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
	"dialtone/netconf/conform/realdev"
	"dialtone/netconf/simdev"
	"dialtone/netconf/tmpl"
)

// TestNothingThatPeopleNeedIsMissing names what must be there, and each
// template must be of use on a device of some kind.
func TestNothingThatPeopleNeedIsMissing(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{}
	for _, x := range tmpl.Builtin() {
		bodies[x.Name] = x.Body
	}
	for name, parts := range map[string]string{
		"get": "<get/>", "get-subtree": `<get> type="subtree"`, "get-xpath": `<get> type="xpath" select=`,
		"get-config-running": "<get-config> <running/>", "get-config-candidate": "<get-config> <candidate/>", "get-config-startup": "<get-config> <startup/>",
		"get-config-subtree": `<get-config> type="subtree"`, "get-config-xpath": `<get-config> type="xpath" select=`,
		"edit-config": "<edit-config> <config", "lock": "<lock>", "unlock": "<unlock>", "validate": "<validate>",
		"commit": "<commit/>", "commit-confirmed": "<commit> <confirmed/> <confirm-timeout>", "discard-changes": "<discard-changes/>",
		"get-schema": "<get-schema <identifier>", "create-subscription": "<create-subscription <stream>", "kill-session": "<kill-session> <session-id>",
		"junos-get-configuration-xml": `<get-configuration format="xml"`, "junos-get-configuration-set": `<get-configuration format="set"`,
		"junos-load-xml": `<load-configuration format="xml"`, "junos-load-text": `<load-configuration <configuration-text>`,
		"junos-load-set": `<load-configuration action="set" <configuration-set>`, "junos-load-json": `<load-configuration format="json"`,
		"junos-commit": "<commit-configuration>", "junos-open-private": "<open-configuration>", "junos-close": "<close-configuration/>",
		"junos-command": "<command", "junos-software-information": "<get-software-information/>", "junos-chassis-inventory": "<get-chassis-inventory/>",
		"junos-interfaces-terse": "<get-interface-information>", "junos-routes": "<get-route-information>", "junos-bgp-summary-information": "<get-bgp-summary-information/>",
	} {
		body, ok := bodies[name]
		if !ok {
			t.Errorf("there is no template %s", name)
		}
		for _, part := range strings.Fields(parts) {
			if !strings.Contains(body, part) {
				t.Errorf("template %s has no %s: %s", name, part, body)
			}
		}
	}
	kinds := []netconf.Caps{capsOf(t, simdev.Options{Startup: true, Extra: []string{"urn:ietf:params:netconf:capability:yang-library:1.0?revision=2016-06-21"}}), capsOf(t, simdev.Options{Dialect: simdev.Junos})}
	for _, x := range tmpl.Builtin() {
		if !slices.ContainsFunc(kinds, func(c netconf.Caps) bool { return x.Usable(c) == "" }) {
			t.Errorf("template %s is of no use anywhere", x.Name)
		}
	}
}

func capsOf(t *testing.T, o simdev.Options) netconf.Caps {
	t.Helper()
	return simulated(t, simdev.New(o)).Caps()
}

// TestKillSessionKills has the template end another session, which the walk
// through all templates cannot.
func TestKillSessionKills(t *testing.T) {
	t.Parallel()
	for _, dialect := range []simdev.Dialect{simdev.RFC, simdev.Junos} {
		d := simdev.New(simdev.Options{Dialect: dialect})
		a, b := simulated(t, d), simulated(t, d)
		kill := find(t, "kill-session")
		req, err := kill.Render(map[string]string{"SESSION": utoa(b.ID())}, a.Caps())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if out, err := a.Do(ctx, req, nil); err != nil || !out.OK {
			t.Errorf("%s: %+v %v", dialect, out, err)
		}
		select {
		case <-b.Done():
		case <-ctx.Done():
			t.Errorf("%s: the other session lives", dialect)
		}
	}
}

// realValues are what a person would type for netconfd.
func realValues(name string) map[string]string {
	system := `<system xmlns="` + realdev.LabNS + `"/>`
	v := map[string]string{
		"FILTER": system, "CONFIG": `<system xmlns="` + realdev.LabNS + `"><location>x</location></system>`,
		"NAMESPACE": realdev.LabNS, "SELECT": "/p:system", "IDENTIFIER": "dialtone-lab", "TOKEN": "tok", "SESSION": "4711",
	}
	if name == "cancel-commit" {
		v["TOKEN"] = ""
	}
	if strings.HasSuffix(name, "-xpath") {
		v["SELECT"] = "/lab:system" // netconfd knows the module's own prefix only
	}
	return v
}

// TestServerOfOthersTakesTheTemplates sends every template of the standard to a
// server that others wrote. None meets an error that says that the RPC itself is
// wrong.
func TestServerOfOthersTakesTheTemplates(t *testing.T) {
	t.Parallel()
	server := realdev.Start(t, realdev.Options{Startup: true})
	tried := 0
	for _, x := range tmpl.Builtin() {
		t.Run(x.Name, func(t *testing.T) { // one after the other: they lock, and change the candidate
			s := greeted(t, server.Pipe(t))
			if why := x.Usable(s.Caps()); why != "" {
				t.Skip(why)
			}
			tried++
			vars := map[string]string{}
			given := realValues(x.Name)
			for _, v := range x.Vars {
				if value, ok := given[v.Name]; ok {
					vars[v.Name] = value
				}
			}
			req, err := x.Render(vars, s.Caps())
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(x.Name, "-xpath") {
				req.Body = bytes.ReplaceAll(req.Body, []byte("xmlns:p="), []byte("xmlns:lab="))
			}
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			var reply bytes.Buffer
			out, err := s.Do(ctx, req, &reply)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Errors {
				if !e.Warning() && !expected(x.Name, e.Tag) {
					t.Errorf("%s\nanswered %s", req.Body, reply.String())
				}
			}
		})
	}
	if tried < 25 && !t.Skipped() {
		t.Errorf("only %d templates were tried", tried)
	}
}

// expected are the refusals that have to do with the state of the server: there
// is no such session, no such commit, no lock.
func expected(name, tag string) bool {
	switch name {
	case "kill-session", "commit-confirm-persist", "cancel-commit":
		return tag == "invalid-value" || tag == "operation-failed"
	case "unlock":
		return tag == "operation-failed" || tag == "no-access"
	}
	return false
}

func find(t *testing.T, name string) tmpl.Template {
	t.Helper()
	for _, x := range tmpl.Builtin() {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("there is no template %s", name)
	return tmpl.Template{}
}
