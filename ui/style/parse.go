package style

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// maxThemeBytes bounds a theme file.
const maxThemeBytes = 64 << 10

// tokenNames are the tokens as a theme file writes them, in the order of the
// constants.
func tokenNames() [tokens]string {
	return [tokens]string{"text", "dim", "title", "focus", "accent", "ok", "warn", "error", "danger", "added", "removed", "changed",
		"xml.tag", "xml.attr", "xml.value", "xml.comment", "match", "bar", "select", "mark"}
}

// Parse makes a theme from the TOML of a theme file:
//
//	base    = "default"          # the rest comes from this one
//	warn    = "bright-yellow bold"
//	"xml.tag" = "33"             # a number is one of 256 colours
//	match   = "black on-yellow"
//
// A word that is not known is an error that names its token. Selection and
// focus must stay visible without colour: a select without reverse or a focus
// without bold is refused.
func Parse(name string, data []byte, ascii, plain bool) (*Theme, error) {
	if len(data) > maxThemeBytes {
		return nil, fmt.Errorf("theme %s: more than %d bytes", name, maxThemeBytes)
	}
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("theme %s: %w", name, err)
	}
	values := map[string]string{}
	if err := flatten("", file, values); err != nil {
		return nil, fmt.Errorf("theme %s: %w", name, err)
	}
	base := values["base"]
	delete(values, "base")
	if base == "" {
		base = "default"
	}
	t, ok := New(base, ascii, false)
	if !ok {
		return nil, fmt.Errorf("theme %s: base: there is no theme %q", name, base)
	}
	t.Name = name
	names := tokenNames()
	for key, v := range values {
		at := slices.Index(names[:], key)
		if at < 0 {
			return nil, fmt.Errorf("theme %s: there is no token %q", name, key)
		}
		code, err := codes(v)
		if err != nil {
			return nil, fmt.Errorf("theme %s: %s: %w", name, key, err)
		}
		switch {
		case Token(at) == Select && !slices.Contains(strings.Split(code, ";"), "7"):
			return nil, fmt.Errorf("theme %s: select: needs reverse, to be seen without colour", name)
		case Token(at) == Focus && !slices.Contains(strings.Split(code, ";"), "1"):
			return nil, fmt.Errorf("theme %s: focus: needs bold, to be seen without colour", name)
		}
		t.sgr[at] = ""
		if code != "" {
			t.sgr[at] = "\x1b[" + code + "m"
		}
	}
	if plain {
		t.sgr = [tokens]string{}
	}
	return t, nil
}

// flatten joins tables, since xml.tag is a table to TOML.
func flatten(prefix string, in map[string]any, out map[string]string) error {
	for k, v := range in {
		switch v := v.(type) {
		case string:
			out[prefix+k] = v
		case map[string]any:
			if err := flatten(prefix+k+".", v, out); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%s%s: must be text in quotes", prefix, k)
		}
	}
	return nil
}

// codes turns words into the parameters of one SGR sequence.
func codes(words string) (string, error) {
	var out []string
	for _, w := range strings.Fields(words) {
		code, err := code(w)
		if err != nil {
			return "", err
		}
		out = append(out, code)
	}
	return strings.Join(out, ";"), nil
}

func code(w string) (string, error) {
	attrs := map[string]string{"bold": "1", "faint": "2", "italic": "3", "underline": "4", "reverse": "7"}
	if c, ok := attrs[w]; ok {
		return c, nil
	}
	name, ground := strings.CutPrefix(w, "on-")
	if n, err := strconv.ParseUint(name, 10, 8); err == nil {
		if ground {
			return fmt.Sprintf("48;5;%d", n), nil
		}
		return fmt.Sprintf("38;5;%d", n), nil
	}
	name, bright := strings.CutPrefix(name, "bright-")
	n := slices.Index([]string{"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"}, name)
	if n < 0 {
		return "", fmt.Errorf("%q is no colour and no attribute", w)
	}
	n += 30
	if bright {
		n += 60
	}
	if ground {
		n += 10
	}
	return strconv.Itoa(n), nil
}
