package profile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"dialtone/keys"
)

// Config is config.toml: how the program behaves for one person. The zero value
// is what holds without the file.
type Config struct {
	Theme     string              // "" is the default theme
	ASCII     bool                // draw with ASCII only
	ReadOnly  bool                // refuse every request that alters
	Mouse     bool                // wheel and clicks
	Reconnect bool                // dial lost idle sessions again
	Keys      map[string][]string // action ID to its keys

	path  string
	lines map[string]int // of action IDs
}

// configFile is the shape of the file.
type configFile struct {
	Theme     string         `toml:"theme"`
	ASCII     bool           `toml:"ascii"`
	ReadOnly  bool           `toml:"read_only"`
	Mouse     bool           `toml:"mouse"`
	Reconnect bool           `toml:"reconnect"`
	Keys      map[string]any `toml:"keys"`
}

// LoadConfig reads config.toml. A file that does not exist is an empty one; a
// key that is not known is an error with file, line and column. In the table
// [keys] an action ID stands bare (session.commit = "C") or quoted, with one
// key or a list of keys.
func LoadConfig(path string) (Config, error) {
	data, _, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{path: path}, nil
	}
	if err != nil {
		return Config{}, err
	}
	var f configFile
	if err := strict(path, data, &f); err != nil {
		return Config{}, err
	}
	c := Config{
		Theme: f.Theme, ASCII: f.ASCII, ReadOnly: f.ReadOnly, Mouse: f.Mouse, Reconnect: f.Reconnect,
		path: path, lines: make(map[string]int),
	}
	if len(f.Keys) > 0 {
		c.Keys = make(map[string][]string)
	}
	if err := c.flatten("", f.Keys, data); err != nil {
		return Config{}, err
	}
	return c, nil
}

// Where is the place of an action's keys in the file, "config.toml:12", for
// errors about them.
func (c Config) Where(actionID string) string {
	if n := c.lines[actionID]; n > 0 {
		return fmt.Sprintf("%s:%d", c.path, n)
	}
	return c.path
}

// flatten joins nested tables, since session.commit is a table to TOML.
func (c *Config) flatten(prefix string, table map[string]any, data []byte) error {
	for k, v := range table {
		id := prefix + k
		c.lines[id] = lineOfAction(data, id)
		switch v := v.(type) {
		case map[string]any:
			if err := c.flatten(id+".", v, data); err != nil {
				return err
			}
		case string:
			c.Keys[id] = []string{v}
		case []any:
			ks := make([]string, 0, len(v))
			for _, e := range v {
				s, ok := e.(string)
				if !ok {
					return c.badKeys(id)
				}
				ks = append(ks, s)
			}
			c.Keys[id] = ks
		default:
			return c.badKeys(id)
		}
	}
	return nil
}

func (c *Config) badKeys(id string) error {
	return &keys.Fault{
		Code: "TOML", What: fmt.Sprintf("%s: the keys of %q must be a text or a list of texts", c.Where(id), id),
		Kept: "The file is left out and untouched", Do: "Correct the file",
	}
}

// lineOfAction finds the line of an action ID: whole, quoted, or its last part.
func lineOfAction(data []byte, id string) int {
	last := id[strings.LastIndexByte(id, '.')+1:]
	for _, name := range []string{id, last} {
		if n := lineOf(data, name); n > 0 {
			return n
		}
	}
	return 0
}
