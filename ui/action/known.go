package action

import (
	_ "embed"
	"strings"
)

// ids.txt lists every action, one name a line; a test of the interface keeps it.
//
//go:embed ids.txt
var ids string

// Known reports whether there is an action of that name anywhere.
func Known(id string) bool { return strings.Contains("\n"+ids, "\n"+id+"\n") }
