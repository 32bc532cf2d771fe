package netconf

import (
	"strings"
	"unique"

	"dialtone/netconf/xmltext"
)

// Caps is the set of capabilities that a device announced, normalised: white
// space taken out, references resolved, Junos's wrong prefix corrected,
// duplicates dropped. The zero value is empty. Caps is
// a value and safe for concurrent use.
type Caps struct {
	uris []string
	text unique.Handle[string] // that uris are parts of, the same for all devices that announce the same
}

// The two prefixes of standard capabilities, and the one that old Junos
// releases write instead.
const (
	capPrefix   = "urn:ietf:params:netconf:"
	wrongPrefix = "urn:ietf:params:xml:ns:netconf:"
	capBase     = capPrefix + "base:"
	capStd      = capPrefix + "capability:"
)

// NewCaps normalises uris, keeping their order.
func NewCaps(uris []string) Caps {
	out := make([]string, 0, len(uris))
	seen := make(map[string]bool, len(uris))
	for _, u := range uris {
		u = normalCap(u)
		if u != "" && !seen[u] {
			seen[u] = true
			out = append(out, u)
		}
	}
	text := unique.Make(strings.Join(out, ""))
	uris, rest := make([]string, len(out)), text.Value()
	for i, u := range out {
		uris[i], rest = rest[:len(u)], rest[len(u):]
	}
	return Caps{uris: uris, text: text}
}

func normalCap(u string) string {
	u = strings.Join(strings.Fields(u), "")
	if strings.Contains(u, "&") {
		u = xmltext.Resolve([]byte(u))
	}
	// Only base and capability are written with the wrong prefix by mistake;
	// urn:ietf:params:xml:ns:netconf:notification:1.0 is a real namespace.
	if rest, ok := strings.CutPrefix(u, wrongPrefix); ok &&
		(strings.HasPrefix(rest, "base:") || strings.HasPrefix(rest, "capability:")) {
		u = capPrefix + rest
	}
	if rest, ok := strings.CutPrefix(u, capStd+"url:1.0?protocol="); ok {
		u = capStd + "url:1.0?scheme=" + rest
	}
	return u
}

// URIs returns all capabilities in the order announced. Do not modify it.
func (c Caps) URIs() []string { return c.uris }

// Has reports whether the device announced the capability. name is a short
// name ("candidate", "confirmed-commit:1.1", "validate", "xpath", "startup",
// "writable-running", "url", "notification", "interleave", "with-defaults",
// "rollback-on-error", "base:1.1", "monitoring", "junos") or a whole URI
// without parameters. A short name without version matches any version.
func (c Caps) Has(name string) bool {
	_, ok := c.find(name)
	return ok
}

func (c Caps) find(name string) (uri string, ok bool) {
	if name == "" {
		return "", false
	}
	want := wholeCap(name)
	versioned := !strings.HasPrefix(want, capPrefix) || hasVersion(want)
	for _, u := range c.uris {
		path, _, _ := strings.Cut(u, "?")
		if path == want {
			return u, true
		}
		if rest, ok := strings.CutPrefix(path, want); ok && !versioned && strings.HasPrefix(rest, ":") {
			return u, true
		}
	}
	return "", false
}

// wholeCap turns a short name into the URI that it stands for.
func wholeCap(name string) string {
	switch {
	case name == "monitoring":
		return MonitoringNS
	case name == "junos":
		return JunosNS
	case strings.HasPrefix(name, "urn:") || strings.Contains(name, "://"):
		return normalCap(name)
	case name == "base" || strings.HasPrefix(name, "base:"):
		return capPrefix + name
	default:
		return capStd + name
	}
}

// hasVersion reports whether a standard capability URI ends in its version.
func hasVersion(uri string) bool {
	last := uri[strings.LastIndexByte(uri, ':')+1:]
	return last != "" && last[0] >= '0' && last[0] <= '9'
}

// Param returns a parameter of a capability URI: Param("with-defaults",
// "basic-mode"). It is "" when absent.
func (c Caps) Param(name, key string) string {
	uri, _ := c.find(name)
	_, query, _ := strings.Cut(uri, "?")
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if k, v, ok := strings.Cut(pair, "="); ok && k == key {
			return v
		}
	}
	return ""
}

// Junos reports whether the device is a Junos one.
func (c Caps) Junos() bool { return c.Has("junos") }

// Letters is the summary of the device list: C candidate, K confirmed commit,
// V validate, N notifications, W writable running, X xpath; '-' for a lack.
func (c Caps) Letters() string {
	out := []byte("CKVNWX")
	for i, name := range [...]string{"candidate", "confirmed-commit", "validate", "notification", "writable-running", "xpath"} {
		if !c.Has(name) {
			out[i] = '-'
		}
	}
	return string(out)
}
