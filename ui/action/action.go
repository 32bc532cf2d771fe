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

// Under puts as below a heading of the help; an action that has one keeps it.
func Under(section string, as []Action) []Action {
	for i := range as {
		if as[i].Section == "" {
			as[i].Section = section
		}
	}
	return as
}

// HintIf is n when on, else 0: in the help bar only then.
func HintIf(on bool, n int) int {
	if on {
		return n
	}
	return 0
}

// Overrides maps action IDs to keys from config.toml.
type Overrides map[string][]string

// Apply returns as with the keys replaced that o names; "space" is taken for
// " ".
func (o Overrides) Apply(as []Action) []Action {
	if len(o) == 0 {
		return as
	}
	out := make([]Action, len(as))
	for i, a := range as {
		if keys, ok := o[string(a.ID)]; ok {
			a.Keys = make([]string, len(keys))
			for j, k := range keys {
				a.Keys[j] = k
				if k == "space" {
					a.Keys[j] = " "
				}
			}
		}
		out[i] = a
	}
	return out
}

// KeyName is a key as it is shown to a person: "space" for " ", arrows for the
// cursor keys. ascii keeps to plain words.
func KeyName(key string, ascii bool) string {
	switch key {
	case " ":
		return "space"
	case "up", "down", "left", "right":
		if !ascii {
			return map[string]string{"up": "↑", "down": "↓", "left": "←", "right": "→"}[key]
		}
	}
	return key
}

// Label is the word of an action in the help bar.
func (a Action) Label() string {
	if a.Short != "" {
		return a.Short
	}
	return a.Title
}

// Clashes names the keys on which two usable actions of one place lie, as
// "key: first.id, second.id".
func Clashes(as []Action) []string {
	seen := map[string]ID{}
	var out []string
	for _, a := range as {
		for _, k := range a.Keys {
			if first, ok := seen[k]; ok && first != a.ID {
				out = append(out, k+": "+string(first)+", "+string(a.ID))
				continue
			}
			seen[k] = a.ID
		}
	}
	return out
}
