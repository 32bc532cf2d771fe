package profile

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"dialtone/keys"
)

// encode writes a profile as TOML.
func encode(p Profile) ([]byte, error) {
	var b bytes.Buffer
	enc := toml.NewEncoder(&b)
	enc.SetArraysMultiline(false)
	if err := enc.Encode(p); err != nil {
		return nil, fmt.Errorf("write profile %s: %w", p.Name, err)
	}
	return b.Bytes(), nil
}

// decode reads the profile in a file and checks it.
func decode(path, name string, data []byte) (Profile, error) {
	var p Profile
	if err := strict(path, data, &p); err != nil {
		return Profile{}, err
	}
	p.Name = name
	if bad := Check(p); len(bad) > 0 {
		var first string // by line
		line := 0
		for _, f := range slices.Sorted(maps.Keys(bad)) {
			if n := lineOf(data, f); first == "" || n != 0 && (line == 0 || n < line) {
				first, line = f, n
			}
		}
		where := path
		if line > 0 {
			where = fmt.Sprintf("%s:%d", path, line)
		}
		return Profile{}, &keys.Fault{
			Code: "PRO-FIELD", What: fmt.Sprintf("%s: %s", where, describe(bad)),
			Kept: "The profile is left out and its file untouched", Do: "Correct the file",
		}
	}
	return p, nil
}

// strict reads TOML into v. Unknown keys are errors; every error names file,
// line and column.
func strict(path string, data []byte, v any) error {
	if !utf8.Valid(data) {
		return tomlFault(path, 0, 0, "it is not UTF-8 text")
	}
	dec := toml.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		return nil
	}
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		e := &unknown.Errors[0]
		line, col := e.Position()
		what := fmt.Sprintf("there is no key %q", strings.Join(e.Key(), "."))
		if n := len(unknown.Errors); n > 1 {
			what += fmt.Sprintf(" (and %d more)", n-1)
		}
		return tomlFault(path, line, col, what+"; it is mistyped or of a newer version")
	}
	var de *toml.DecodeError
	if errors.As(err, &de) {
		line, col := de.Position()
		return tomlFault(path, line, col, quoted(strings.TrimPrefix(de.Error(), "toml: ")))
	}
	return tomlFault(path, 0, 0, quoted(strings.TrimPrefix(err.Error(), "toml: ")))
}

func tomlFault(path string, line, col int, what string) error {
	where := path
	if line > 0 {
		where = fmt.Sprintf("%s:%d:%d", path, line, col)
	}
	return &keys.Fault{
		Code: "TOML", What: where + ": " + what,
		Kept: "The file is left out and untouched", Do: "Correct the file",
	}
}

// quoted makes a library's text fit for a message: it may quote the file.
func quoted(s string) string {
	if checkText(s, false) == nil {
		return s
	}
	return fmt.Sprintf("%q", s)
}

// lineOf finds the first line on which a key stands, 0 when none does.
func lineOf(data []byte, key string) int {
	re := regexp.MustCompile(`(?m)^[ \t]*["']?` + regexp.QuoteMeta(key) + `["']?[ \t]*=`)
	loc := re.FindIndex(data)
	if loc == nil {
		return 0
	}
	return 1 + bytes.Count(data[:loc[0]], []byte("\n"))
}
