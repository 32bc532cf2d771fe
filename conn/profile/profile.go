// Package profile keeps saved session profiles: one TOML file each, so that
// people can commit them.
package profile

import (
	"dialtone/conn/link"
)

// Profile is one saved device.
type Profile struct {
	link.Target
	Group string   `toml:"group,omitempty"`
	Tags  []string `toml:"tags,omitempty"`
	Note  string   `toml:"note,omitempty"`
}

// Store is the directory of profiles.
type Store interface {
	// List returns the profiles that could be read, by name, and one error with
	// file and line for each that could not.
	List() ([]Profile, []error)
	// Put writes a profile atomically, 0600; it never overwrites a file that it
	// cannot read.
	Put(Profile) error
	Delete(name string) error
}

// Dir is the profile directory below the configuration directory.
const Dir = "profiles"

// Open returns the store in dir, which need not exist yet. With an empty dir
// nothing is saved: the store is one in memory, and its Note says so.
func Open(dir string) Store {
	if dir == "" {
		m := &memory{}
		m.note = "Nothing is saved: there is no home directory"
		return m
	}
	return &files{dir: dir}
}

// Memory returns a store that writes nothing.
func Memory(ps ...Profile) Store {
	m := &memory{}
	for _, p := range ps {
		m.put(p)
	}
	return m
}

// Note is one sentence on why a store saves nothing, "" when it does or when
// nobody expects it to.
func Note(s Store) string {
	if m, ok := s.(*memory); ok {
		return m.note
	}
	return ""
}
