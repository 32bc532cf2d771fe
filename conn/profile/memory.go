package profile

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"dialtone/keys"
)

// memory is a store for the demo and for those without a home.
type memory struct {
	note string // why nothing is saved, "" when that is as wanted

	mu sync.Mutex
	ps []Profile // by name
}

// List returns all profiles by name.
func (m *memory) List() ([]Profile, []error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ps), nil
}

// Put keeps p until the program ends.
func (m *memory) Put(p Profile) error {
	if err := checked(p); err != nil {
		return err
	}
	m.put(p)
	return nil
}

func (m *memory) put(p Profile) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, found := slices.BinarySearchFunc(m.ps, p.Name, func(q Profile, name string) int { return strings.Compare(q.Name, name) })
	if found {
		m.ps[i] = p
		return
	}
	m.ps = slices.Insert(m.ps, i, p)
}

// Delete forgets a profile.
func (m *memory) Delete(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	i := slices.IndexFunc(m.ps, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return missing(name)
	}
	m.ps = slices.Delete(m.ps, i, i+1)
	return nil
}

// checked turns what Check finds into one error.
func checked(p Profile) error {
	bad := Check(p)
	if len(bad) == 0 {
		return nil
	}
	return &keys.Fault{
		Code: "PRO-FIELD", What: fmt.Sprintf("profile %q cannot be saved: %s", p.Name, describe(bad)),
		Kept: "Nothing was written", Do: "Correct it and save again",
	}
}

func describe(bad map[string]string) string {
	var parts []string
	for f, what := range bad {
		parts = append(parts, f+" "+what)
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ")
}

func missing(name string) error {
	return &keys.Fault{Code: "PRO-NONE", What: fmt.Sprintf("there is no profile %q", name), Err: ErrNone}
}
