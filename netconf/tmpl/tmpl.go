// Package tmpl holds the RPC templates: those built in, by dialect and
// capability, and a person's own from a directory.
package tmpl

import "dialtone/netconf"

// Var is one value that a template asks for. In the body it stands as {{NAME}}
// and is escaped for XML; {{{NAME}}} takes XML, which must be well-formed.
type Var struct {
	Name    string
	Title   string // what the person is asked
	Default string
	Choices []string // when not empty, only these
	Raw     bool     // the value is XML
}

// Template is one RPC with holes.
type Template struct {
	Name  string   // unique, what the palette and --template take: "get-config-running"
	Title string   // "get-config (running)"
	Group string   // "Read", "Edit", "Commit", "Session", "Junos"
	Doc   string   // one or two sentences
	Needs []string // capabilities, as netconf.Caps.Has takes them
	Vars  []Var
	Body  string
	Own   string // file that it came from; "" when built in
}

// Builtin returns the built-in templates in the order to show them.
func Builtin() []Template { panic("tmpl: being written") }

// Load reads the person's own templates (*.xml) from dir, sorted by name. Bad
// files are left out and named in the errors; a missing dir is no error.
func Load(dir string) ([]Template, []error) { panic("tmpl: being written") }

// Usable returns "" when a device with c can take the template, else the
// reason: "device lacks :confirmed-commit".
func (t Template) Usable(c netconf.Caps) (reason string) { panic("tmpl: being written") }

// Render fills the holes. Missing variables take their defaults; a value that
// cannot be put in is an error that names the variable.
func (t Template) Render(vars map[string]string, c netconf.Caps) (netconf.Request, error) {
	panic("tmpl: being written")
}
