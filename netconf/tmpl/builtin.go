package tmpl

import (
	"strings"

	"dialtone/netconf"
)

// Builtin returns the built-in templates in the order to show them: each call
// a fresh list.
func Builtin() []Template {
	var all []Template
	for _, group := range [][]Template{reads(), edits(), commits(), sessions(), junosConfig(), junosShow()} {
		all = append(all, group...)
	}
	for i := range all {
		all[i].Body = strings.TrimSpace(all[i].Body)
		// The tables below are ours; a test walks all of them.
		if vars, err := complete(all[i].Body, all[i].Vars); err == nil {
			all[i].Vars = vars
		}
	}
	return all
}

func ask(name, title, def string, choices ...string) Var {
	return Var{Name: name, Title: title, Default: def, Choices: choices}
}

const withDefaultsNS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"

func reads() []Template {
	source := ask("SOURCE", "Datastore to read", "running", "running", "candidate", "startup")
	getConfig := func(ds, inner string) string {
		return "<get-config>\n  <source><" + ds + "/></source>" + inner + "\n</get-config>"
	}
	const subtree = "\n  <filter type=\"subtree\">\n    {{{FILTER}}}\n  </filter>"
	return []Template{
		{Name: "get", Title: "get (all)", Group: "Read", Doc: "Reads the running configuration and the state. On a large device this is long.", Body: `<get/>`},
		{Name: "get-subtree", Title: "get (subtree filter)", Group: "Read", Doc: "Reads configuration and state below the elements of a subtree filter.",
			Vars: []Var{ask("FILTER", "Filter as XML", "")}, Body: "<get>" + subtree + "\n</get>"},
		{Name: "get-xpath", Title: "get (xpath filter)", Group: "Read", Doc: "Reads configuration and state that an XPath selects. The prefix p stands for the namespace.",
			Needs: []string{"xpath"}, Vars: []Var{ask("NAMESPACE", "Namespace of prefix p", ""), ask("SELECT", "XPath", "/p:interfaces")},
			Body: `<get>
  <filter type="xpath" xmlns:p="{{NAMESPACE}}" select="{{SELECT}}"/>
</get>`},
		{Name: "get-config-running", Title: "get-config (running)", Group: "Read", Doc: "Reads the whole running configuration.", Body: getConfig("running", "")},
		{Name: "get-config-candidate", Title: "get-config (candidate)", Group: "Read", Doc: "Reads the whole candidate configuration, with what is not committed.", Needs: []string{"candidate"}, Body: getConfig("candidate", "")},
		{Name: "get-config-startup", Title: "get-config (startup)", Group: "Read", Doc: "Reads the configuration that the device starts with.", Needs: []string{"startup"}, Body: getConfig("startup", "")},
		{Name: "get-config-subtree", Title: "get-config (subtree filter)", Group: "Read", Doc: "Reads a part of a configuration.",
			Vars: []Var{source, ask("FILTER", "Filter as XML", "")}, Body: getConfig("{{SOURCE}}", subtree)},
		{Name: "get-config-xpath", Title: "get-config (xpath filter)", Group: "Read", Doc: "Reads what an XPath selects of a configuration. The prefix p stands for the namespace.",
			Needs: []string{"xpath"}, Vars: []Var{source, ask("NAMESPACE", "Namespace of prefix p", ""), ask("SELECT", "XPath", "/p:interfaces")},
			Body: getConfig("{{SOURCE}}", "\n  <filter type=\"xpath\" xmlns:p=\"{{NAMESPACE}}\" select=\"{{SELECT}}\"/>")},
		{Name: "get-config-defaults", Title: "get-config (with defaults)", Group: "Read", Doc: "Reads a configuration and says what to do with default values (RFC 6243).",
			Needs: []string{"with-defaults"}, Vars: []Var{source, ask("MODE", "Default values", "report-all", "report-all", "report-all-tagged", "trim", "explicit")},
			Body: getConfig("{{SOURCE}}", "\n  <with-defaults xmlns=\""+withDefaultsNS+"\">{{MODE}}</with-defaults>")},
		{Name: "get-schema", Title: "get-schema", Group: "Read", Doc: "Reads the text of a YANG module (RFC 6022).", Needs: []string{"monitoring"},
			Vars: []Var{ask("IDENTIFIER", "Module", ""), ask("VERSION", "Revision, empty for the only one", ""), ask("FORMAT", "Format", "yang", "yang", "yin", "xsd", "rng", "rnc")},
			Body: `<get-schema xmlns="` + netconf.MonitoringNS + `">
  <identifier>{{IDENTIFIER}}</identifier>
{{#VERSION}}  <version>{{VERSION}}</version>
{{/VERSION}}  <format>{{FORMAT}}</format>
</get-schema>`},
		monitoring("get-sessions", "sessions", "Lists the NETCONF sessions of the device: who, from where, since when.", "sessions"),
		monitoring("get-locks", "datastores and locks", "Lists the datastores and who holds their locks.", "datastores"),
		monitoring("get-schemas", "schemas", "Lists the modules that get-schema can read.", "schemas"),
		monitoring("get-capabilities", "capabilities", "Reads the capabilities once more.", "capabilities"),
		monitoring("get-statistics", "statistics", "Reads the NETCONF counters of the device.", "statistics"),
		{Name: "get-monitoring", Title: "get netconf-state (all)", Group: "Read", Doc: "Reads all of the monitoring state (RFC 6022).", Needs: []string{"monitoring"},
			Body: `<get>
  <filter type="subtree">
    <netconf-state xmlns="` + netconf.MonitoringNS + `"/>
  </filter>
</get>`},
		{Name: "get-streams", Title: "get event streams", Group: "Read", Doc: "Lists the streams that create-subscription takes.", Needs: []string{"notification"},
			Body: `<get>
  <filter type="subtree">
    <netconf xmlns="urn:ietf:params:xml:ns:netmod:notification"><streams/></netconf>
  </filter>
</get>`},
		{Name: "get-yang-library", Title: "get yang-library", Group: "Read", Doc: "Reads which modules the device implements (RFC 8525).", Needs: []string{"yang-library"},
			Body: `<get>
  <filter type="subtree">
    <yang-library xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-library"/>
  </filter>
</get>`},
	}
}

func monitoring(name, title, doc, element string) Template {
	return Template{Name: name, Title: "get netconf-state (" + title + ")", Group: "Read", Doc: doc, Needs: []string{"monitoring"},
		Body: `<get>
  <filter type="subtree">
    <netconf-state xmlns="` + netconf.MonitoringNS + `"><` + element + `/></netconf-state>
  </filter>
</get>`}
}

func edits() []Template {
	target := ask("TARGET", "Datastore to change", "candidate", "candidate", "running", "startup")
	store := func(name, title, def string) Var {
		return ask(name, title, def, "running", "candidate", "startup")
	}
	return []Template{
		{Name: "edit-config", Title: "edit-config", Group: "Edit", Doc: "Changes a configuration by merging what is given. Marks in it such as nc:operation=\"delete\" work; the prefix nc is declared.",
			Vars: []Var{target, ask("DEFAULT_OPERATION", "Default operation", "merge", "merge", "replace", "none"), ask("CONFIG", "Configuration as XML", "")},
			Body: `<edit-config>
  <target><{{TARGET}}/></target>
  <default-operation>{{DEFAULT_OPERATION}}</default-operation>
  <config xmlns:nc="` + netconf.BaseNS + `">
    {{{CONFIG}}}
  </config>
</edit-config>`},
		{Name: "edit-config-rollback", Title: "edit-config (all or nothing)", Group: "Edit", Doc: "Changes a configuration; when any part fails, nothing of it stays.", Needs: []string{"rollback-on-error"},
			Vars: []Var{target, ask("DEFAULT_OPERATION", "Default operation", "merge", "merge", "replace", "none"), ask("CONFIG", "Configuration as XML", "")},
			Body: `<edit-config>
  <target><{{TARGET}}/></target>
  <default-operation>{{DEFAULT_OPERATION}}</default-operation>
  <error-option>rollback-on-error</error-option>
  <config xmlns:nc="` + netconf.BaseNS + `">
    {{{CONFIG}}}
  </config>
</edit-config>`},
		{Name: "edit-config-test", Title: "edit-config (test only)", Group: "Edit", Doc: "Lets the device check a change without making it.", Needs: []string{"validate:1.1"},
			Vars: []Var{target, ask("CONFIG", "Configuration as XML", "")},
			Body: `<edit-config>
  <target><{{TARGET}}/></target>
  <test-option>test-only</test-option>
  <config xmlns:nc="` + netconf.BaseNS + `">
    {{{CONFIG}}}
  </config>
</edit-config>`},
		{Name: "copy-config-startup", Title: "copy-config (running to startup)", Group: "Edit", Doc: "Keeps the running configuration for the next start of the device.", Needs: []string{"startup"},
			Body: `<copy-config>
  <target><startup/></target>
  <source><running/></source>
</copy-config>`},
		{Name: "copy-config", Title: "copy-config", Group: "Edit", Doc: "Replaces a whole configuration by another one.", Vars: []Var{store("TARGET", "Replace", "candidate"), store("SOURCE", "with", "running")},
			Body: `<copy-config>
  <target><{{TARGET}}/></target>
  <source><{{SOURCE}}/></source>
</copy-config>`},
		{Name: "delete-config-startup", Title: "delete-config (startup)", Group: "Edit", Doc: "Deletes the configuration that the device starts with.", Needs: []string{"startup"},
			Body: `<delete-config>
  <target><startup/></target>
</delete-config>`},
		{Name: "lock", Title: "lock", Group: "Edit", Doc: "Keeps other sessions from changing a datastore, until unlock or the end of the session.", Vars: []Var{store("TARGET", "Datastore to lock", "candidate")},
			Body: `<lock>
  <target><{{TARGET}}/></target>
</lock>`},
		{Name: "unlock", Title: "unlock", Group: "Edit", Doc: "Gives a lock back. Uncommitted changes to the candidate are lost.", Vars: []Var{store("TARGET", "Datastore to unlock", "candidate")},
			Body: `<unlock>
  <target><{{TARGET}}/></target>
</unlock>`},
		{Name: "discard-changes", Title: "discard-changes", Group: "Edit", Doc: "Makes the candidate the same as running again.", Needs: []string{"candidate"}, Body: `<discard-changes/>`},
	}
}

func commits() []Template {
	return []Template{
		{Name: "validate", Title: "validate", Group: "Commit", Doc: "Lets the device check a configuration.", Needs: []string{"validate"},
			Vars: []Var{ask("SOURCE", "Datastore to check", "candidate", "candidate", "running", "startup")},
			Body: `<validate>
  <source><{{SOURCE}}/></source>
</validate>`},
		{Name: "commit", Title: "commit", Group: "Commit", Doc: "Makes the candidate the running configuration, or confirms a confirmed commit of this session.", Needs: []string{"candidate"}, Body: `<commit/>`},
		{Name: "commit-confirmed", Title: "commit confirmed", Group: "Commit", Doc: "Commits, and the device goes back by itself unless a commit follows in time or when the session ends. The time is in seconds.", Needs: []string{"candidate", "confirmed-commit"},
			Vars: []Var{ask("TIMEOUT", "Seconds until it is undone", "600")},
			Body: `<commit>
  <confirmed/>
  <confirm-timeout>{{TIMEOUT}}</confirm-timeout>
</commit>`},
		{Name: "commit-confirmed-persist", Title: "commit confirmed (persist)", Group: "Commit", Doc: "Commits for a time, and survives the loss of the session: whoever knows the token can confirm or cancel. The time is in seconds.", Needs: []string{"candidate", "confirmed-commit:1.1"},
			Vars: []Var{ask("TIMEOUT", "Seconds until it is undone", "600"), ask("TOKEN", "Token", "")},
			Body: `<commit>
  <confirmed/>
  <confirm-timeout>{{TIMEOUT}}</confirm-timeout>
  <persist>{{TOKEN}}</persist>
</commit>`},
		{Name: "commit-confirm-persist", Title: "commit (confirm by token)", Group: "Commit", Doc: "Confirms a confirmed commit that was given a token, from any session.", Needs: []string{"candidate", "confirmed-commit:1.1"}, Vars: []Var{ask("TOKEN", "Token", "")},
			Body: `<commit>
  <persist-id>{{TOKEN}}</persist-id>
</commit>`},
		{Name: "cancel-commit", Title: "cancel-commit", Group: "Commit", Doc: "Undoes a confirmed commit at once.", Needs: []string{"confirmed-commit:1.1"}, Vars: []Var{ask("TOKEN", "Token, empty when none was given", "")},
			Body: `<cancel-commit>
{{#TOKEN}}  <persist-id>{{TOKEN}}</persist-id>
{{/TOKEN}}</cancel-commit>`},
	}
}

func sessions() []Template {
	return []Template{
		{Name: "create-subscription", Title: "create-subscription", Group: "Session", Doc: "Asks for events on this session until it ends (RFC 5277).", Needs: []string{"notification"},
			Vars: []Var{ask("STREAM", "Stream", "NETCONF"), ask("FILTER", "Filter as XML, empty for all", ""), ask("START", "Replay from, such as 2026-01-31T12:00:00Z", ""), ask("STOP", "End at", "")},
			Body: `<create-subscription xmlns="` + netconf.NotificationNS + `">
  <stream>{{STREAM}}</stream>
{{#FILTER}}  <filter type="subtree">{{{FILTER}}}</filter>
{{/FILTER}}{{#START}}  <startTime>{{START}}</startTime>
{{/START}}{{#STOP}}  <stopTime>{{STOP}}</stopTime>
{{/STOP}}</create-subscription>`},
		{Name: "kill-session", Title: "kill-session", Group: "Session", Doc: "Ends another session; its locks are given back and its uncommitted changes are lost.", Vars: []Var{ask("SESSION", "Session id", "")},
			Body: `<kill-session>
  <session-id>{{SESSION}}</session-id>
</kill-session>`},
		{Name: "close-session", Title: "close-session", Group: "Session", Doc: "Ends this session in good order.", Body: `<close-session/>`},
	}
}
