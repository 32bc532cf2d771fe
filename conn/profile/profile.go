// Package profile keeps saved session profiles: one TOML file each, so that
// people can commit them.
package profile

import "dialtone/conn/link"

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

// Open returns the store in dir, which need not exist yet.
func Open(dir string) Store { panic("profile: being written") }

// Memory returns a store that writes nothing.
func Memory(ps ...Profile) Store { panic("profile: being written") }

// Check names what is wrong with a profile, by field ("port": "must be 1 to
// 65535"); empty when it can be saved.
func Check(p Profile) map[string]string { panic("profile: being written") }

// Parse reads [user@]host[:port], with IPv6 in brackets, into a target.
func Parse(s string) (link.Target, error) { panic("profile: being written") }
