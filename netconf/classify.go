package netconf

import (
	"bytes"
	"strings"

	"dialtone/netconf/xmltext"
)

// Classify finds name, target and effect of XML that a person typed: a bare
// operation element or a whole <rpc>. When in doubt the effect is the graver
// one: an operation that is not known to read counts as Commits. The error is
// a *Fault with line and column when body is not one well-formed element; it
// wraps the *SyntaxError. Capabilities do not change the verdict: an operation
// that the device lacks is judged like one that it has.
func Classify(body []byte, _ Caps) (Request, error) {
	if e := WellFormed(body); e != nil {
		return Request{}, &Fault{Code: e.Code, What: e.Error(), Kept: "nothing was sent", Err: e}
	}
	t := tokens{b: body}
	root, _ := t.root()
	scope := declared(nil, root)
	if string(local(root.name)) != "rpc" {
		op := readOperation(&t, root, scope)
		req := op.request()
		req.Body = body
		return req, nil
	}
	// RFC 6241 allows one operation in an <rpc>. Some devices run several: the
	// gravest decides.
	var req Request
	for !root.empty {
		tok, ok := t.next()
		if !ok || tok.kind == tokEnd {
			break
		}
		if tok.kind != tokStart {
			continue
		}
		op := readOperation(&t, tok, declared(scope, tok))
		if next := op.request(); req.Name == "" {
			req = next
		} else if next.Effect > req.Effect {
			req.Effect, req.Target = next.Effect, next.Target
		}
	}
	if req.Name == "" {
		return Request{}, &Fault{Code: "RPC-SHAPE", What: "the <rpc> holds no operation", Kept: "nothing was sent"}
	}
	req.Body = body
	return req, nil
}

// declared is scope with the namespaces that a start tag declares: prefix (or
// "") to URI.
func declared(scope map[string]string, tag token) map[string]string {
	inner := make(map[string]string, len(scope))
	for k, v := range scope {
		inner[k] = v
	}
	attrs(tag.text, func(name, value []byte) bool {
		if string(name) == "xmlns" {
			inner[""] = xmltext.Resolve(value)
		} else if pre, ok := bytes.CutPrefix(name, []byte("xmlns:")); ok {
			inner[string(pre)] = xmltext.Resolve(value)
		}
		return true
	})
	return inner
}

// operation is what Classify needs to know of an operation element.
type operation struct {
	name, space string
	text        string            // its own text
	first       map[string]string // child: name of its first child, or its text
}

// readOperation reads the element whose start tag t has just returned.
func readOperation(t *tokens, tag token, scope map[string]string) operation {
	op := operation{
		name:  string(local(tag.name)),
		space: scope[string(prefix(tag.name))],
		first: map[string]string{},
	}
	if tag.empty {
		return op
	}
	var text strings.Builder
	for {
		tok, ok := t.next()
		if !ok || tok.kind == tokEnd {
			op.text = strings.TrimSpace(text.String())
			return op
		}
		switch tok.kind {
		case tokText:
			text.WriteString(xmltext.Resolve(tok.text))
		case tokCDATA:
			text.Write(tok.text)
		case tokStart:
			value := ""
			if !tok.empty {
				value = firstInside(t)
			}
			name := string(local(tok.name))
			if _, twice := op.first[name]; !twice {
				op.first[name] = value
			} else if op.first[name] != value {
				op.first[name] = "?" // two targets: neither can be relied on
			}
		}
	}
}

// firstInside is the local name of the first element inside the one that t has
// entered, or its text when it holds none; t stands behind it then.
func firstInside(t *tokens) string {
	var text strings.Builder
	for {
		tok, ok := t.next()
		if !ok || tok.kind == tokEnd {
			return strings.TrimSpace(text.String())
		}
		switch tok.kind {
		case tokText:
			text.WriteString(xmltext.Resolve(tok.text))
		case tokCDATA:
			text.Write(tok.text)
		case tokStart:
			if !tok.empty {
				t.skip()
			}
			t.skip() // the rest, up to the end tag of the parent
			return string(local(tok.name))
		}
	}
}

// effectOf is the effect of an operation of RFC 6241, 5277, 5717, 6022, 8526,
// 8639 and 8641, or of Junos. Those that depend on their content are in request.
func effectOf(name string) Effect {
	switch name {
	case "validate",
		"create-subscription", "establish-subscription", "modify-subscription",
		"delete-subscription", "resync-subscription",
		"file-list", "file-show", "ping", "traceroute":
		return Reads
	case "lock", "unlock", "partial-lock", "partial-unlock", "discard-changes", "close-session",
		"open-configuration", "close-configuration", "load-configuration",
		"lock-configuration", "unlock-configuration":
		return Stages
	case "delete-config", "kill-session", "kill-subscription":
		return Destroys
	}
	return Commits
}

// destroys recognises names and commands that restart or wipe a device.
func destroys(name string) bool {
	for _, part := range [...]string{"reboot", "halt", "zeroize", "power-off", "power-cycle", "restart", "shutdown", "factory"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// knownSpace reports whether names mean in this namespace what effectOf says.
// Elsewhere they are somebody's own.
func knownSpace(space string) bool {
	switch space {
	case "", BaseNS, NotificationNS, MonitoringNS,
		"urn:ietf:params:xml:ns:netconf:partial-lock:1.0",
		"urn:ietf:params:xml:ns:yang:ietf-netconf-nmda",
		"urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications",
		"urn:ietf:params:xml:ns:yang:ietf-yang-push":
		return true
	}
	return strings.HasPrefix(space, "http://xml.juniper.net/")
}

// request tells what the operation does.
func (op operation) request() Request {
	r := Request{Name: op.name, Effect: Commits}
	switch {
	case op.name == "get" || strings.HasPrefix(op.name, "get-"):
		r.Effect, r.Target = Reads, op.store("source")
		return r
	case destroys(op.name):
		r.Effect = Destroys
		return r
	case !knownSpace(op.space):
		return r
	}
	switch op.name {
	case "edit-config", "edit-data", "copy-config":
		r.Target = op.store("target")
		if r.Target == string(Candidate) {
			r.Effect = Stages
		}
		return r
	case "commit-configuration":
		r.Target = string(Running)
		_, check := op.first["check"]
		_, confirmed := op.first["confirmed"]
		_, later := op.first["at-time"]
		if check && !confirmed && !later {
			r.Effect, r.Target = Reads, string(Candidate)
		}
		return r
	case "command":
		r.Effect = commandEffect(op.text)
		return r
	}
	r.Effect = effectOf(op.name)
	switch op.name {
	case "validate":
		r.Target = op.store("source")
	case "lock", "unlock", "delete-config":
		r.Target = op.store("target")
	case "partial-lock", "partial-unlock", "commit", "cancel-commit":
		r.Target = string(Running)
	case "discard-changes", "load-configuration", "lock-configuration", "unlock-configuration":
		r.Target = string(Candidate)
	}
	return r
}

// store is the datastore that a child names: <target><running/></target>, or
// <datastore>ds:running</datastore> of RFC 8526.
func (op operation) store(child string) string {
	if v, ok := op.first[child]; ok {
		return v
	}
	if v, ok := op.first["datastore"]; ok {
		return v[strings.IndexByte(v, ':')+1:]
	}
	return ""
}

// commandEffect judges the text of Junos's <command>. Only show commands read,
// and only when they write no file.
func commandEffect(text string) Effect {
	words := strings.Fields(text)
	if len(words) == 0 {
		return Commits
	}
	if words[0] != "show" {
		if destroys(strings.Join(words, " ")) {
			return Destroys
		}
		return Commits
	}
	for i, w := range words {
		switch {
		case w != "|" && strings.Contains(w, "|"):
			return Commits // not cut into words as the device does it
		case w == "|" && (i+1 == len(words) || strings.HasPrefix("save", words[i+1]) || strings.HasPrefix("append", words[i+1])):
			return Commits
		}
	}
	return Reads
}
