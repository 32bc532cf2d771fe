package netconf

// Caps is the set of capabilities that a device announced, normalised
// (protocol.md 1.4 and 6.4): white space trimmed, entities resolved, Junos's
// wrong prefix corrected, duplicates dropped. The zero value is empty. Caps is
// a value and safe for concurrent use.
type Caps struct {
	uris []string
}

// NewCaps normalises uris, keeping their order.
func NewCaps(uris []string) Caps { return Caps{uris: uris} }

// URIs returns all capabilities in the order announced. Do not modify it.
func (c Caps) URIs() []string { return c.uris }

// Has reports whether the device announced the capability. name is a short
// name ("candidate", "confirmed-commit:1.1", "validate", "xpath", "startup",
// "writable-running", "url", "notification", "interleave", "with-defaults",
// "rollback-on-error", "base:1.1", "monitoring", "junos") or a whole URI
// without parameters. A short name without version matches any version.
func (c Caps) Has(name string) bool { panic("netconf: Caps.Has is being written") }

// Param returns a parameter of a capability URI: Param("with-defaults",
// "basic-mode"). It is "" when absent.
func (c Caps) Param(name, key string) string { panic("netconf: Caps.Param is being written") }

// Junos reports whether the device is a Junos one.
func (c Caps) Junos() bool { return c.Has("junos") }

// Letters is the summary of the device list: C candidate, K confirmed commit,
// V validate, N notifications, W writable running, X xpath; '-' for a lack.
func (c Caps) Letters() string { panic("netconf: Caps.Letters is being written") }
