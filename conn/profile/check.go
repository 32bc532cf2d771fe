package profile

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"dialtone/conn/link"
)

const (
	maxNote    = 4096
	maxEntries = 64 // of any list
	maxWait    = 24 * time.Hour
)

// Legacy are the names of the algorithm groups that a profile may switch on
// (security.md E2).
func Legacy() []string {
	return []string{"dh-gex", "hmac-sha1", "dh14-sha1", "dh-gex-sha1", "dh1-sha1", "ssh-rsa", "cbc"}
}

// QuirkWords are the quirks that a profile may name; those that end in = take a
// value.
func QuirkWords() []string {
	return []string{"force-1.0", "wait-hello", "strip-nul", "lenient-chunks", "subsystem=", "exec", "cap="}
}

// ValidName reports whether a profile may have the name, which is that of its
// file without ".toml".
func ValidName(name string) bool { return nameProblem(name) == "" }

func nameProblem(name string) string {
	switch {
	case name == "":
		return "is missing"
	case len(name) > 64:
		return "must have at most 64 characters"
	case name[0] == '.' || name[0] == '-':
		return fmt.Sprintf("must not start with %q", name[0])
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return fmt.Sprintf("must not hold %q; letters, digits, dot, underscore and dash do", r)
		}
	}
	return ""
}

// Check names what is wrong with a profile, by field ("port": "must be 1 to
// 65535"); empty when it can be saved.
func Check(p Profile) map[string]string {
	bad := make(map[string]string)
	if s := nameProblem(p.Name); s != "" {
		bad["name"] = s
	}
	checkWay(p, bad)
	if p.Port < 0 || p.Port > 65535 {
		bad["port"] = "must be 1 to 65535"
	}
	if p.User != "" {
		note(bad, "user", checkUser(p.User))
	}
	checkLogin(p, bad)
	oneOf(bad, "host_key", string(p.HostKey), string(link.Ask), string(link.AcceptNew), string(link.Strict))
	oneOf(bad, "open", p.Open, "ask", "auto")
	duration(bad, "keepalive", p.Keepalive)
	duration(bad, "timeout", p.Timeout)
	duration(bad, "commit_timeout", p.CommitTimeout)
	for _, l := range p.Legacy {
		oneOf(bad, "legacy", l, Legacy()...)
	}
	for _, q := range p.Quirks {
		checkQuirk(bad, q)
	}
	note(bad, "group", checkText(p.Group, false))
	note(bad, "note", checkText(p.Note, true))
	if len(p.Note) > maxNote {
		bad["note"] = fmt.Sprintf("must have at most %d bytes", maxNote)
	}
	for _, t := range p.Tags {
		if t == "" || strings.ContainsAny(t, " ,:") || checkText(t, false) != nil {
			bad["tags"] = fmt.Sprintf("%q must be one word without comma or colon", t)
		}
	}
	for name, list := range map[string][]string{
		"identity": p.Identity, "jump": p.Jump, "pin": p.Pin, "legacy": p.Legacy, "quirks": p.Quirks, "tags": p.Tags,
	} {
		if len(list) > maxEntries {
			bad[name] = fmt.Sprintf("must have at most %d entries", maxEntries)
		}
	}
	return bad
}

// checkWay checks the way and what it needs.
func checkWay(p Profile, bad map[string]string) {
	switch p.Via {
	case link.SSH:
		note(bad, "host", checkHost(p.Host))
		return
	case link.Junos, link.HTTPS:
		if p.DeviceID == "" {
			bad["device_id"] = "is missing: it is what the device calls itself"
		}
	case link.CallHome, link.HTTPSBasic:
	case "":
		bad["via"] = "is missing: ssh, call-home, junos, https or https-basic"
	default:
		bad["via"] = fmt.Sprintf("must be ssh, call-home, junos, https or https-basic, not %q", string(p.Via))
	}
	note(bad, "device_id", checkText(p.DeviceID, false))
	if p.Host != "" {
		note(bad, "host", checkText(p.Host, false)) // a remark
	}
}

// checkLogin checks what concerns trust and credentials.
func checkLogin(p Profile, bad map[string]string) {
	for _, f := range p.Identity {
		if f == "" || checkText(f, false) != nil {
			bad["identity"] = fmt.Sprintf("%q is no file name", f)
		}
	}
	if p.AgentKey != "" && !fingerprint(p.AgentKey) {
		bad["agent_key"] = "must be a fingerprint such as SHA256:… (ssh-add -l shows it)"
	}
	if p.Password != "" && p.Password != "ask" && !reference(p.Password) {
		bad["password"] = "must be ask, store:NAME, keyring:NAME, env:VAR or file:PATH; the password itself does not go here"
	}
	if p.Secret != "" && !reference(p.Secret) {
		bad["secret"] = "must be store:NAME, keyring:NAME, env:VAR or file:PATH; the secret itself does not go here"
	}
	for _, j := range p.Jump {
		if j == "" || j[0] == '-' || strings.ContainsAny(j, " ,\t") || checkText(j, false) != nil {
			bad["jump"] = fmt.Sprintf("%q is no host or profile", j)
		}
	}
	for _, f := range p.Pin {
		if !fingerprint(f) {
			bad["pin"] = fmt.Sprintf("%q must be a fingerprint such as SHA256:…", f)
		}
	}
}

func checkQuirk(bad map[string]string, q string) {
	if slices.Contains(QuirkWords(), q) && !strings.HasSuffix(q, "=") {
		return
	}
	word, value, ok := strings.Cut(q, "=")
	switch {
	case !ok || !slices.Contains(QuirkWords(), word+"="):
		bad["quirks"] = fmt.Sprintf("%q is not known; there are %s", q, strings.Join(QuirkWords(), ", "))
	case value == "" || strings.ContainsAny(value, " \t") || checkText(value, false) != nil:
		bad["quirks"] = fmt.Sprintf("%q needs a value without spaces", word)
	}
}

var refs = regexp.MustCompile(`^(store|keyring|env|file):(.+)$`)

// reference reports whether s names a secret that is kept elsewhere.
func reference(s string) bool {
	m := refs.FindStringSubmatch(s)
	return m != nil && checkText(m[2], false) == nil
}

// fingerprint reports whether s has the form of ssh-keygen's SHA-256 ones.
func fingerprint(s string) bool {
	b, ok := strings.CutPrefix(s, "SHA256:")
	if !ok {
		return false
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(b, "="))
	return err == nil && len(raw) == 32
}

func note(bad map[string]string, field string, err error) {
	if err != nil && bad[field] == "" {
		bad[field] = err.Error()
	}
}

func oneOf(bad map[string]string, field, got string, words ...string) {
	if got != "" && !slices.Contains(words, got) {
		bad[field] = fmt.Sprintf("must be %s, not %q", strings.Join(words, " or "), got)
	}
}

func duration(bad map[string]string, field string, d link.Duration) {
	switch v := time.Duration(d); {
	case v < 0:
		bad[field] = "must not be negative"
	case v > 0 && v < time.Second:
		bad[field] = "must be at least 1s"
	case v > maxWait:
		bad[field] = "must be at most 24h"
	}
}
