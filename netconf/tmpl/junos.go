package tmpl

import "strings"

func junos() []string { return []string{"junos"} }

func junosConfig() []Template {
	database := ask("DATABASE", "Candidate or committed", "candidate", "candidate", "committed")
	get := func(format string) Template {
		return Template{Name: "junos-get-configuration-" + format, Title: "get-configuration (" + format + ")", Group: "Junos", Needs: junos(),
			Doc: "Reads the configuration as " + format + ".", Vars: []Var{database},
			Body: `<get-configuration database="{{DATABASE}}" format="` + format + `"/>`}
	}
	part := get("xml")
	part.Name, part.Title, part.Doc = "junos-get-configuration-part", "get-configuration (part)", "Reads a part of the configuration."
	part.Vars = []Var{database, ask("FORMAT", "Format", "xml", "xml", "text", "set", "json"), ask("FILTER", "Filter below configuration, as XML", "<system/>")}
	part.Body = `<get-configuration database="{{DATABASE}}" format="{{FORMAT}}">
  <configuration>
    {{{FILTER}}}
  </configuration>
</get-configuration>`
	commit := func(name, title, doc, inner string, vars ...Var) Template {
		body := "<commit-configuration>\n" + inner + "</commit-configuration>"
		if inner == "" {
			body = "<commit-configuration/>"
		}
		return Template{Name: name, Title: title, Group: "Junos", Doc: doc, Needs: junos(), Vars: vars, Body: body}
	}
	const logLine = "{{#LOG}}  <log>{{LOG}}</log>\n{{/LOG}}"
	comment := ask("LOG", "Comment in the history, may be empty", "")
	minutes := ask("MINUTES", "Minutes until it is undone", "10")
	return []Template{
		get("xml"), get("text"), get("set"), get("json"), part,
		{Name: "junos-compare", Title: "compare with an earlier commit", Group: "Junos", Doc: "Shows what committing the candidate would change; 0 is the running configuration.", Needs: junos(),
			Vars: []Var{ask("ROLLBACK", "Number of the commit, 0 to 49", "0")},
			Body: `<get-configuration compare="rollback" rollback="{{ROLLBACK}}" format="text"/>`},
		{Name: "junos-load-xml", Title: "load-configuration (xml)", Group: "Junos", Doc: "Changes the candidate with XML.", Needs: junos(),
			Vars: []Var{ask("ACTION", "Action", "merge", "merge", "replace", "override", "update"), ask("CONFIG", "Statements below configuration, as XML", "")},
			Body: `<load-configuration action="{{ACTION}}" format="xml">
  <configuration>
    {{{CONFIG}}}
  </configuration>
</load-configuration>`},
		{Name: "junos-load-text", Title: "load-configuration (text)", Group: "Junos", Doc: "Changes the candidate with statements in braces.", Needs: junos(),
			Vars: []Var{ask("ACTION", "Action", "merge", "merge", "replace", "override", "update"), ask("TEXT", "Statements", "")},
			Body: `<load-configuration action="{{ACTION}}" format="text">
  <configuration-text>{{TEXT}}</configuration-text>
</load-configuration>`},
		{Name: "junos-load-set", Title: "load-configuration (set)", Group: "Junos", Doc: "Changes the candidate with set and delete commands, one a line.", Needs: junos(),
			Vars: []Var{ask("COMMANDS", "Commands", "")},
			Body: `<load-configuration action="set" format="text">
  <configuration-set>{{COMMANDS}}</configuration-set>
</load-configuration>`},
		{Name: "junos-load-json", Title: "load-configuration (json)", Group: "Junos", Doc: "Changes the candidate with JSON (Junos 16.1 and later).", Needs: junos(),
			Vars: []Var{ask("ACTION", "Action", "merge", "merge", "replace", "override", "update"), ask("JSON", "JSON with the member configuration", "")},
			Body: `<load-configuration action="{{ACTION}}" format="json">
  <configuration-json>{{JSON}}</configuration-json>
</load-configuration>`},
		{Name: "junos-load-rollback", Title: "load-configuration (rollback)", Group: "Junos", Doc: "Makes the candidate the same as an earlier commit.", Needs: junos(),
			Vars: []Var{ask("ROLLBACK", "Number of the commit, 0 to 49", "1")}, Body: `<load-configuration rollback="{{ROLLBACK}}"/>`},
		commit("junos-commit-check", "commit check", "Lets the device check the candidate.", "  <check/>\n"),
		commit("junos-commit", "commit", "Makes the candidate the running configuration, or confirms a confirmed commit.", logLine, comment),
		commit("junos-commit-confirmed", "commit confirmed (minutes)", "Commits, and the device goes back by itself unless a commit follows in time. The time is in minutes.",
			"  <confirmed/>\n  <confirm-timeout>{{MINUTES}}</confirm-timeout>\n"+logLine, minutes, comment),
		commit("junos-commit-at", "commit at a time", "Commits later, at hh:mm or yyyy-mm-dd hh:mm of the device.", "  <at-time>{{TIME}}</at-time>\n"+logLine, ask("TIME", "When", ""), comment),
		commit("junos-commit-synchronize", "commit synchronize", "Commits on both routing engines.", "  <synchronize/>\n"+logLine, comment),
		{Name: "junos-open-private", Title: "open-configuration (private)", Group: "Junos", Doc: "Works on a copy of one's own until close-configuration.", Needs: junos(),
			Body: `<open-configuration>
  <private/>
</open-configuration>`},
		{Name: "junos-close", Title: "close-configuration", Group: "Junos", Doc: "Ends open-configuration; what is not committed of a private copy is lost.", Needs: junos(), Body: `<close-configuration/>`},
		{Name: "junos-lock", Title: "lock-configuration", Group: "Junos", Doc: "Takes the candidate for this session alone.", Needs: junos(), Body: `<lock-configuration/>`},
		{Name: "junos-unlock", Title: "unlock-configuration", Group: "Junos", Doc: "Gives the candidate back; uncommitted changes are lost.", Needs: junos(), Body: `<unlock-configuration/>`},
	}
}

func junosShow() []Template {
	show := func(rpc, title, doc string) Template {
		return Template{Name: "junos-" + strings.TrimPrefix(rpc, "get-"), Title: title, Group: "Junos", Doc: doc, Needs: junos(), Body: "<" + rpc + "/>"}
	}
	return []Template{
		{Name: "junos-command", Title: "command", Group: "Junos", Doc: "Runs an operational command. It can do anything that the command can do, so it counts as a change.", Needs: junos(),
			Vars: []Var{ask("COMMAND", "Command", "show version"), ask("FORMAT", "Format", "text", "text", "xml", "json")},
			Body: `<command format="{{FORMAT}}">{{COMMAND}}</command>`},
		show("get-software-information", "software", "Model, release and packages."),
		show("get-chassis-inventory", "chassis inventory", "Hardware with serial numbers."),
		show("get-system-information", "system information", "Model, release, serial number and host name."),
		show("get-system-uptime-information", "system uptime", "Time since the start and since the last commit."),
		{Name: "junos-interfaces-terse", Title: "interfaces (terse)", Group: "Junos", Doc: "State and addresses of all interfaces.", Needs: junos(),
			Body: `<get-interface-information>
  <terse/>
</get-interface-information>`},
		{Name: "junos-interfaces", Title: "interfaces (all)", Group: "Junos", Doc: "Everything about all interfaces. On a large device this is long.", Needs: junos(), Body: `<get-interface-information/>`},
		{Name: "junos-interface", Title: "interface (one)", Group: "Junos", Doc: "Everything about one interface.", Needs: junos(), Vars: []Var{ask("INTERFACE", "Interface", "ge-0/0/0"), ask("LEVEL", "How much", "extensive", "terse", "brief", "detail", "extensive")},
			Body: `<get-interface-information>
  <interface-name>{{INTERFACE}}</interface-name>
  <{{LEVEL}}/>
</get-interface-information>`},
		{Name: "junos-routes", Title: "routes", Group: "Junos", Doc: "The routing tables, or the routes to one destination.", Needs: junos(), Vars: []Var{ask("DESTINATION", "Destination, empty for all", ""), ask("TABLE", "Table, empty for all", "")},
			Body: `<get-route-information>
{{#DESTINATION}}  <destination>{{DESTINATION}}</destination>
{{/DESTINATION}}{{#TABLE}}  <table>{{TABLE}}</table>
{{/TABLE}}</get-route-information>`},
		show("get-bgp-summary-information", "BGP summary", "The BGP peers and their states."),
		show("get-lldp-neighbors-information", "LLDP neighbours", "Who is at the other end of each cable."),
		show("get-alarm-information", "alarms", "Alarms that are active."),
		show("get-commit-information", "commit history", "Who committed when, newest first."),
		{Name: "junos-rollback-information", Title: "earlier configuration", Group: "Junos", Doc: "Reads the configuration of an earlier commit, or compares two. Put the older number first.", Needs: junos(),
			Vars: []Var{ask("ROLLBACK", "Number of the commit, 0 to 49", "1"), ask("COMPARE", "Compare with, empty to read", ""), ask("FORMAT", "Format", "text", "text", "xml")},
			Body: `<get-rollback-information>
  <rollback>{{ROLLBACK}}</rollback>
{{#COMPARE}}  <compare>{{COMPARE}}</compare>
{{/COMPARE}}  <format>{{FORMAT}}</format>
</get-rollback-information>`},
	}
}
