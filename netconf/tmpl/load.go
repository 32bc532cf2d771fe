package tmpl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"dialtone/netconf"
)

// MaxFile is the most bytes that a template file may have.
const MaxFile = 1 << 20

// maxFiles bounds a directory.
const maxFiles = 1000

// Load reads the person's own templates (*.xml) from dir, sorted by name. Bad
// files are left out and named in the errors, with the line; a missing dir is
// no error. An own template may not take the name of a built-in one.
func Load(dir string) ([]Template, []error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("read templates: %w", err)}
	}
	taken := map[string]bool{}
	for _, t := range Builtin() {
		taken[t.Name] = true
	}
	var out []Template
	var errs []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".xml")
		if !ok || e.IsDir() || strings.HasPrefix(name, ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if len(out)+len(errs) >= maxFiles {
			errs = append(errs, bad(path, 0, fmt.Errorf("more than %d templates in one directory: this one and those after it are left out", maxFiles)))
			break
		}
		if taken[name] {
			errs = append(errs, bad(path, 0, fmt.Errorf("a built-in template has the name %.60q", name)))
			continue
		}
		t, err := readFile(path, name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, errs
}

// bad names the file and the line (0: none) of an error.
func bad(path string, line int, err error) error {
	where := fmt.Sprintf("%q", path)
	if line > 0 {
		where = fmt.Sprintf("%q line %d", path, line)
	}
	return &netconf.Fault{Code: "TPL-FILE", What: fmt.Sprintf("template %s: %v", where, err),
		Kept: "the other templates are loaded", Do: "correct the file or take it out of the directory", Err: err}
}

func readFile(path, name string) (Template, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Template{}, bad(path, 0, err)
	}
	if !info.Mode().IsRegular() {
		return Template{}, bad(path, 0, errors.New("not a regular file"))
	}
	f, err := os.Open(path)
	if err != nil {
		return Template{}, bad(path, 0, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return Template{}, bad(path, 0, err)
	}
	if len(b) > MaxFile {
		return Template{}, bad(path, 0, errors.New("the file is larger than 1 MiB"))
	}
	t, line, err := Parse(name, b)
	if err != nil {
		return Template{}, bad(path, line, err)
	}
	t.Own = path
	return t, nil
}

// Parse reads one template in the format of the package comment. With an error
// comes the line that it is in, 0 when it has none.
func Parse(name string, b []byte) (t Template, line int, err error) {
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_.", c)) {
			return t, 0, fmt.Errorf("the name %.60q has characters other than letters, digits, '-', '_' and '.'", name)
		}
	}
	if name == "" {
		return t, 0, errors.New("the name is empty")
	}
	if !utf8.Valid(b) {
		return t, 0, errUTF8
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(b), "\ufeff"), "\r\n", "\n")
	t = Template{Name: name, Title: name, Group: "Own"}
	body, first := text, 1
	if start := len(text) - len(strings.TrimLeft(text, " \t\n")); strings.HasPrefix(text[start:], "<!--") {
		comment, rest, closed := strings.Cut(text[start+len("<!--"):], "-->")
		if !closed {
			return t, 1 + strings.Count(text[:start], "\n"), errors.New("the comment is not closed")
		}
		if describes(comment) {
			if line, err := t.describe(comment); err != nil {
				return t, line + strings.Count(text[:start], "\n"), err
			}
			body = rest
			first = 1 + strings.Count(text[:len(text)-len(body)], "\n")
		}
	}
	lead := len(body) - len(strings.TrimLeft(body, " \t\n"))
	first += strings.Count(body[:lead], "\n")
	t.Body = strings.TrimRight(body[lead:], " \t\n")
	if t.Body == "" {
		return t, first, errors.New("there is no operation in it")
	}
	if strings.Contains(t.Body, netconf.EndMark) {
		return t, first, fmt.Errorf("%q ends a message and cannot be sent", netconf.EndMark)
	}
	if t.Vars, err = complete(t.Body, t.Vars); err != nil {
		return t, first, err
	}
	if err := t.probe(); err != nil {
		return t, first, err
	}
	return t, 0, nil
}

// probe renders the template with sample values, so that a body that cannot
// become an RPC is found when it is loaded.
func (t Template) probe() error {
	vars := map[string]string{}
	for _, v := range t.Vars {
		switch {
		case v.Default != "":
			if _, err := v.fit(v.Default); err != nil {
				return fmt.Errorf("the default of %s: %w", v.Name, err)
			}
			vars[v.Name] = v.Default
		case len(v.Choices) > 0:
			vars[v.Name] = v.Choices[0]
		case v.Raw:
			vars[v.Name] = "<x/>"
		default:
			vars[v.Name] = "x"
		}
	}
	_, err := t.Render(vars, netconf.Caps{})
	return err
}

// keywords begin the lines of a describing comment.
func keywords() []string { return []string{"title:", "group:", "doc:", "needs:", "var "} }

func describes(comment string) bool {
	for _, l := range strings.Split(comment, "\n") {
		for _, k := range keywords() {
			if strings.HasPrefix(strings.TrimSpace(l), k) {
				return true
			}
		}
	}
	return false
}

// describe reads the comment's lines; line is where an error is, counted from
// the comment's first.
func (t *Template) describe(comment string) (line int, err error) {
	var doc []string
	for i, l := range strings.Split(comment, "\n") {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		if rest, ok := strings.CutPrefix(l, "var "); ok {
			v, err := parseVar(strings.TrimSpace(rest))
			if err != nil {
				return i + 1, err
			}
			if _, twice := t.Var(v.Name); twice {
				return i + 1, fmt.Errorf("variable %s is described twice", v.Name)
			}
			t.Vars = append(t.Vars, v)
			continue
		}
		key, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "title":
			t.Title = value
		case "group":
			t.Group = value
		case "doc":
			doc = append(doc, value)
		case "needs":
			for _, n := range strings.Split(value, ",") {
				if n = strings.TrimPrefix(strings.TrimSpace(n), ":"); n != "" {
					t.Needs = append(t.Needs, n)
				}
			}
		default:
			return i + 1, fmt.Errorf("%.60q is none of title:, group:, doc:, needs: and var", l)
		}
	}
	t.Doc = strings.Join(doc, " ")
	if t.Title == "" {
		t.Title = t.Name
	}
	return 0, nil
}

// parseVar reads "NAME = default (one, two): Title"; all but NAME may be
// missing. A default that holds a colon or a parenthesis stands in quotes.
func parseVar(s string) (Var, error) {
	var v Var
	i := 0
	for i < len(s) && validName("a"+s[i:i+1]) {
		i++
	}
	v.Name = s[:i]
	if !validName(v.Name) {
		return v, fmt.Errorf("%.60q is no name of a variable", s)
	}
	s = strings.TrimSpace(s[i:])
	if rest, ok := strings.CutPrefix(s, "="); ok {
		rest = strings.TrimSpace(rest)
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			var closed bool
			if v.Default, s, closed = strings.Cut(quoted, `"`); !closed {
				return v, fmt.Errorf("variable %s: a quote is not closed", v.Name)
			}
		} else {
			end := strings.IndexAny(rest, ":(")
			if end < 0 {
				end = len(rest)
			}
			v.Default, s = strings.TrimSpace(rest[:end]), rest[end:]
		}
		s = strings.TrimSpace(s)
	}
	if rest, ok := strings.CutPrefix(s, "("); ok {
		list, after, closed := strings.Cut(rest, ")")
		if !closed {
			return v, fmt.Errorf("variable %s: a parenthesis is not closed", v.Name)
		}
		for _, c := range strings.Split(list, ",") {
			if c = strings.TrimSpace(c); c != "" {
				v.Choices = append(v.Choices, c)
			}
		}
		if len(v.Choices) == 0 {
			return v, fmt.Errorf("variable %s: there is nothing to choose from", v.Name)
		}
		s = strings.TrimSpace(after)
	}
	if s != "" && s[0] != ':' {
		return v, fmt.Errorf("variable %s: expected ':' before %.40q", v.Name, s)
	}
	if v.Title = strings.TrimSpace(strings.TrimPrefix(s, ":")); v.Title == "" {
		v.Title = v.Name
	}
	if v.Default != "" && len(v.Choices) > 0 && !slices.Contains(v.Choices, v.Default) {
		return v, fmt.Errorf("variable %s: the default %.40q is not among the choices", v.Name, v.Default)
	}
	return v, nil
}
