// Package tmpl holds the RPC templates: those built in, by dialect and
// capability, and a person's own from a directory.
//
// # Holes
//
// A body is the operation as it will be sent, with holes in it:
//
//	{{NAME}}              a value, escaped for XML
//	{{{NAME}}}            XML, which must be well-formed by itself
//	{{#NAME}}...{{/NAME}} a part that is left out when NAME is empty
//
// A variable that stands only inside its own part may be left empty. Names are
// letters, digits, '_' and '-', and begin with a letter. Parts do not nest.
//
// # A person's own templates
//
// One file holds one template: NAME.xml, at most 1 MiB of UTF-8. It may begin
// with a comment that describes it, one line each:
//
//	<!--
//	title: Interfaces of one customer
//	group: Ours
//	doc: What it shows and when to use it. Further doc lines are joined.
//	needs: xpath, candidate
//	var CUSTOMER: Customer number
//	var DEPTH = 2: How deep to look
//	var MODE = merge (merge, replace, none): How to apply
//	-->
//
// Every line is optional. needs takes names as netconf.Caps.Has does. A var
// line gives the default behind "=" and in parentheses the only values that
// may be chosen. Holes without a var line are asked for by their name. A first
// comment without any such line is part of the body. What follows the comment
// is the body, and is sent byte for byte but for its holes: a template is data,
// nothing in it is run.
package tmpl

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"dialtone/netconf"
	"dialtone/netconf/xmltext"
)

// Var is one value that a template asks for. In the body it stands as {{NAME}}
// and is escaped for XML; {{{NAME}}} takes XML, which must be well-formed.
type Var struct {
	Name     string
	Title    string // what the person is asked
	Default  string
	Choices  []string // when not empty, only these
	Raw      bool     // the value is XML
	Optional bool     // may be left empty
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

// Usable returns "" when a device with c can take the template, else the
// reason: "device lacks :confirmed-commit".
func (t Template) Usable(c netconf.Caps) (reason string) {
	for _, need := range t.Needs {
		if c.Has(need) {
			continue
		}
		switch {
		case need == "junos":
			return "not a Junos device"
		case strings.Contains(need, "://") || strings.HasPrefix(need, "urn:"):
			return "device lacks " + need
		}
		return "device lacks :" + need
	}
	return ""
}

// Var returns the variable with that name.
func (t Template) Var(name string) (Var, bool) {
	for _, v := range t.Vars {
		if v.Name == name {
			return v, true
		}
	}
	return Var{}, false
}

// Render fills the holes. Missing variables take their defaults; a value that
// cannot be put in is an error that names the variable. The error is a
// *netconf.Fault; nothing has been sent then. Whether the device can take the
// template is for Usable to say.
func (t Template) Render(vars map[string]string, c netconf.Caps) (netconf.Request, error) {
	values := map[string]string{}
	for _, v := range t.Vars {
		s, given := vars[v.Name]
		if !given {
			s = v.Default
		}
		text, err := v.fit(s)
		if err == nil && inLiteral(t.Body, v.Name) && strings.Contains(s, "'") {
			err = errLiteral
		}
		if err != nil {
			return netconf.Request{}, t.fault(fmt.Sprintf("variable %s of template %s: %v", v.Name, t.Name, err), err)
		}
		values[v.Name] = text
	}
	for name := range vars {
		if _, ok := t.Var(name); !ok {
			return netconf.Request{}, t.fault(fmt.Sprintf("template %s has no variable %.60q", t.Name, name), nil)
		}
	}
	pieces, err := split(t.Body)
	if err != nil {
		return netconf.Request{}, t.fault(fmt.Sprintf("template %s: %v", t.Name, err), err)
	}
	var b strings.Builder
	fill(&b, pieces, values)
	if strings.Contains(b.String(), netconf.EndMark) {
		return netconf.Request{}, t.fault(fmt.Sprintf("template %s would send %q, which ends a message", t.Name, netconf.EndMark), nil)
	}
	req, err := netconf.Classify([]byte(b.String()), c)
	if err != nil {
		return netconf.Request{}, fmt.Errorf("template %s: %w", t.Name, err)
	}
	return req, nil
}

func (t Template) fault(what string, err error) error {
	return &netconf.Fault{Code: "TPL-VAR", What: what, Kept: "nothing was sent", Do: "give another value", Err: err}
}

var (
	errNoValue = errors.New("needs a value")
	errUTF8    = errors.New("the value is not valid UTF-8")
	errLiteral = errors.New("the value holds a ', which would end the string that it stands in")
)

// inLiteral reports whether a variable stands as a string in an XPath predicate,
// [name='{{NAME}}'], where XPath knows no way to write the quote.
func inLiteral(body, name string) bool {
	before, _, found := strings.Cut(body, "'{{"+name+"}}'")
	return found && strings.LastIndexByte(before, '[') > strings.LastIndexByte(before, '"')
}

// fit checks a value and returns it as it goes into the body.
func (v Var) fit(s string) (string, error) {
	if s == "" {
		if v.Optional {
			return "", nil
		}
		return "", errNoValue
	}
	if !utf8.ValidString(s) {
		return "", errUTF8
	}
	for _, r := range s {
		if !xmltext.Legal(r) {
			return "", fmt.Errorf("the character %q cannot stand in XML", r)
		}
	}
	if len(v.Choices) > 0 && !slices.Contains(v.Choices, s) {
		return "", fmt.Errorf("%.60q is none of %s", s, strings.Join(v.Choices, ", "))
	}
	if !v.Raw {
		return xmltext.Escape(s), nil
	}
	if strings.Contains(s, netconf.EndMark) {
		return "", fmt.Errorf("%q ends a message and cannot be sent", netconf.EndMark)
	}
	return s, fragment(s)
}

// fragment checks that s, alone, is a run of complete elements.
func fragment(s string) error {
	d := xml.NewDecoder(strings.NewReader(s))
	depth, elements := 0, 0
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, _ := d.InputPos()
			return fmt.Errorf("the XML is not well-formed (line %d): %w", line, err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
			elements++
			if depth > 512 {
				return errors.New("the XML nests deeper than 512 elements")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(t)) > 0 {
				return fmt.Errorf("text %.40q outside of an element", t)
			}
		case xml.Directive:
			return errors.New("a document type declaration is not allowed")
		case xml.ProcInst:
			if t.Target == "xml" {
				return errors.New("an XML declaration is not allowed here")
			}
		}
	}
	if elements == 0 {
		return errors.New("there is no element in it")
	}
	return nil
}
