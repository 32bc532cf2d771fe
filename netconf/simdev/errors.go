package simdev

import "dialtone/netconf"

// rpcError is one <rpc-error> to send (RFC 6241 section 4.3).
type rpcError struct {
	typ, tag, app string
	path          string // XPath of the element concerned
	junosPath     string // the same as Junos writes it: [edit interfaces]
	msg           string
	info          []*node
	warning       bool
}

func (e *rpcError) Error() string { return e.tag + ": " + e.msg }

// node makes the element of the dialect.
func (e *rpcError) node(d Dialect) *node {
	severity := "error"
	if e.warning {
		severity = "warning"
	}
	n := el("rpc-error", leaf("error-type", e.typ), leaf("error-tag", e.tag), leaf("error-severity", severity))
	if e.app != "" {
		n.add(leaf("error-app-tag", e.app))
	}
	path, msg := e.path, e.msg
	if d == Junos {
		path = e.junosPath
		msg = "\n" + msg + "\n"
	}
	if path != "" {
		n.add(leaf("error-path", path))
	}
	if d == Junos && len(e.info) > 0 {
		n.add(el("error-info", e.info...))
	}
	m := leaf("error-message", msg)
	if d == RFC {
		m.set("xml:lang", "en")
	}
	n.add(m)
	if d == RFC && len(e.info) > 0 {
		n.add(el("error-info", e.info...))
	}
	return inNS(netconf.BaseNS, n)
}

func errExists(path string) *rpcError {
	return &rpcError{typ: "application", tag: "data-exists", path: path, junosPath: junosPath(path), msg: "the data exists already"}
}

func errMissing(path, name string) *rpcError {
	return &rpcError{typ: "application", tag: "data-missing", path: path, junosPath: junosPath(path), msg: "statement not found", info: []*node{leaf("bad-element", name)}}
}

func errUnsupported(what string) *rpcError {
	return &rpcError{typ: "protocol", tag: "operation-not-supported", msg: what}
}

func errInvalid(what string, bad ...string) *rpcError {
	e := &rpcError{typ: "protocol", tag: "invalid-value", msg: what}
	for _, b := range bad {
		e.info = append(e.info, leaf("bad-element", b))
	}
	return e
}

func errMissingElement(name string) *rpcError {
	return &rpcError{typ: "protocol", tag: "missing-element", msg: "an expected element is missing", info: []*node{leaf("bad-element", name)}}
}

func errFailed(msg string) *rpcError {
	return &rpcError{typ: "application", tag: "operation-failed", msg: msg}
}
