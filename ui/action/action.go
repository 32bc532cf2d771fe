// Package action holds what a person can do, as data. Dispatch, the help bar,
// the ? screen, the palette and the table in the README all read it, so they
// cannot disagree.
package action

// ID names an action: "session.send". It is also the name in config.toml [keys].
type ID string

// Action is one thing that can be done now in one place.
type Action struct {
	ID      ID
	Title   string   // "Commit candidate…"
	Keys    []string // bubbletea names; the first is shown
	Alters  bool     // changes the device: asks first, absent in read-only mode
	Hint    int      // 0: not in the help bar; lower comes first
	Short   string   // word for the help bar; Title when empty
	Off     string   // why it cannot be used now; "" when it can
	Section string   // heading in help: "REPLY", "SESSION", "EVERYWHERE"
}

// Match returns the action that key runs, the first in order.
func Match(as []Action, key string) (Action, bool) {
	for _, a := range as {
		for _, k := range a.Keys {
			if k == key {
				return a, true
			}
		}
	}
	return Action{}, false
}

// Overrides maps action IDs to keys from config.toml.
type Overrides map[string][]string

// Apply returns as with keys replaced.
func (o Overrides) Apply(as []Action) []Action {
	if len(o) == 0 {
		return as
	}
	out := make([]Action, len(as))
	for i, a := range as {
		if k, ok := o[string(a.ID)]; ok {
			a.Keys = k
		}
		out[i] = a
	}
	return out
}
