package profile

import (
	"slices"
	"strings"
)

// Match reports whether a profile passes a filter. The filter's words must all
// match, in any order and case: "group:core" and "via:ssh" the whole value,
// "tag:lab" or "#lab" one tag, "host:", "user:", "name:" and any other word a
// part; another word is looked for in name, host, user, group, tags, device-id
// and note. "-word" must not match. An empty filter passes all.
func Match(p Profile, filter string) bool {
	for _, w := range strings.Fields(filter) {
		not := len(w) > 1 && w[0] == '-'
		if not {
			w = w[1:]
		}
		if matchWord(p, strings.ToLower(w)) == not {
			return false
		}
	}
	return true
}

func matchWord(p Profile, w string) bool {
	if tag, ok := strings.CutPrefix(w, "#"); ok {
		w = "tag:" + tag
	}
	has := func(s, part string) bool { return strings.Contains(strings.ToLower(s), part) }
	field, value, _ := strings.Cut(w, ":")
	switch field {
	case "group":
		return strings.EqualFold(p.Group, value)
	case "via":
		return strings.EqualFold(string(p.Via), value)
	case "tag":
		return slices.ContainsFunc(p.Tags, func(t string) bool { return strings.EqualFold(t, value) })
	case "host":
		return has(p.Host, value)
	case "user":
		return has(p.User, value)
	case "name":
		return has(p.Name, value)
	}
	for _, s := range append([]string{p.Name, p.Host, p.User, p.Group, p.DeviceID, p.Note}, p.Tags...) {
		if has(s, w) {
			return true
		}
	}
	return false
}
