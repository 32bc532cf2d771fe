package netconf

import "bytes"

// RPCError is one <rpc-error> or Junos <xnm:error>, <xnm:warning>, found at any
// depth of a reply. All fields are the device's text, unescaped from XML and
// trimmed, and hostile until made safe for the screen.
type RPCError struct {
	Type, Tag, Severity, AppTag, Path, Message string
	BadElement, BadAttribute, BadNamespace     string
	SessionID                                  string // of lock-denied
	Info                                       string // raw error-info, at most 4 KiB
}

// Warning reports whether the severity is "warning". A missing or unknown
// severity counts as an error.
func (e *RPCError) Warning() bool { return e.Severity == "warning" }

// Limits of one rpc-error.
const (
	maxErrors     = 100      // kept of one reply
	maxErrorBytes = 64 << 10 // of one error's XML; what is behind is not read
	maxErrorText  = 16 << 10 // of one field
	maxErrorInfo  = 4 << 10
)

// parseError reads one error element, which begins raw and may be cut off. It
// takes what is there and requires nothing: old devices leave out type and tag.
func parseError(raw []byte) *RPCError {
	e := &RPCError{}
	t := tokens{b: raw}
	root, ok := t.next()
	if !ok || root.kind != tokStart {
		return e
	}
	junos := string(local(root.name)) != "rpc-error"
	if junos {
		e.Severity = string(local(root.name))
	}
	if root.empty {
		return e
	}
	for {
		start := t.off
		tok, ok := t.next()
		if !ok || tok.kind == tokMore || tok.kind == tokEnd {
			break
		}
		if tok.kind != tokStart || tok.empty {
			continue
		}
		if string(local(tok.name)) == "error-info" {
			t.errorInfo(e)
			e.setInfo(raw[start:t.off])
			continue
		}
		if field := e.field(string(local(tok.name)), junos); field != nil {
			*field = t.textOf(maxErrorText)
		} else {
			t.skip()
		}
	}
	if junos {
		e.setInfo(raw)
	}
	return e
}

// field is where the text of a child belongs, nil when it has no place.
func (e *RPCError) field(name string, junos bool) *string {
	if junos {
		switch name {
		case "message":
			return &e.Message
		case "edit-path":
			return &e.Path
		case "token":
			return &e.BadElement
		}
		return nil
	}
	switch name {
	case "error-type":
		return &e.Type
	case "error-tag":
		return &e.Tag
	case "error-severity":
		return &e.Severity
	case "error-app-tag":
		return &e.AppTag
	case "error-path":
		return &e.Path
	case "error-message":
		return &e.Message
	}
	return nil
}

// errorInfo reads the known children of error-info, at any depth.
func (t *tokens) errorInfo(e *RPCError) {
	for depth := 1; depth > 0; {
		tok, ok := t.next()
		if !ok || tok.kind == tokMore {
			return
		}
		if tok.kind == tokEnd {
			depth--
		}
		if tok.kind != tokStart || tok.empty {
			continue
		}
		var field *string
		switch string(local(tok.name)) {
		case "bad-element":
			field = &e.BadElement
		case "bad-attribute":
			field = &e.BadAttribute
		case "bad-namespace":
			field = &e.BadNamespace
		case "session-id":
			field = &e.SessionID
		}
		if field == nil || *field != "" {
			depth++
			continue
		}
		*field = t.textOf(maxErrorText)
	}
}

func (e *RPCError) setInfo(raw []byte) {
	e.Info = string(bytes.TrimSpace(raw[:min(len(raw), maxErrorInfo)]))
}
