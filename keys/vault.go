package keys

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
)

// Vault looks a secret up by a reference: "store:core-r1", "keyring:core-r1",
// "env:NC_PASS". A reference is never a command.
type Vault interface {
	Get(ctx context.Context, ref string) (Secret, error)
}

// References is the Vault that finds the right place by the word before the
// colon. Store and Keyring may be nil; then references to them are refused
// with the forms that work.
type References struct {
	Store   Vault
	Keyring Vault
	Getenv  func(string) (string, bool) // nil: os.LookupEnv
	Home    string                      // for file:~/; "": the person's
}

// Resolve is References{}.Get: env:VAR and file:PATH.
func Resolve(ctx context.Context, ref string) (Secret, error) { return References{}.Get(ctx, ref) }

// Get returns the secret; the caller wipes it. Of a file it is the first line.
// The fault is SEC-REF, SEC-ENV, KEY-FILE or KEY-PERM, or that of the store or the
// keyring.
func (r References) Get(ctx context.Context, ref string) (Secret, error) {
	kind, name, ok := strings.Cut(ref, ":")
	if !ok || name == "" {
		return Secret{}, r.badRef(ref, "is no reference to a secret")
	}
	switch kind {
	case "env":
		get := r.Getenv
		if get == nil {
			get = os.LookupEnv
		}
		v, ok := get(name)
		if !ok || v == "" {
			return Secret{}, &Fault{Code: "SEC-ENV", What: fmt.Sprintf("the environment has no variable %.80q, or it is empty", name)}
		}
		return NewSecret([]byte(v)), nil
	case "file":
		data, err := ReadPrivate(Files{Home: r.Home}.Expand(name), MaxSecret)
		if err != nil {
			return Secret{}, err
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			return Secret{}, &Fault{Code: "SEC-EMPTY", What: name + " has nothing in its first line"}
		}
		s := NewSecret(bytes.Clone(line))
		clear(data)
		return s, nil
	case "store":
		if r.Store != nil {
			return r.Store.Get(ctx, ref)
		}
	case "keyring":
		if r.Keyring != nil {
			return r.Keyring.Get(ctx, ref)
		}
	}
	return Secret{}, r.badRef(ref, "cannot be looked up here")
}

// badRef does not repeat what follows the colon: it may be a password that
// somebody wrote in the wrong place.
func (r References) badRef(ref, why string) *Fault {
	kind, _, ok := strings.Cut(ref, ":")
	if !ok {
		kind = "what is written there"
	} else {
		kind = fmt.Sprintf("%.20q", kind+":")
	}
	forms := "ask, "
	if r.Store != nil {
		forms += "store:NAME, "
	}
	if r.Keyring != nil {
		forms += "keyring:NAME, "
	}
	return &Fault{Code: "SEC-REF", What: kind + " " + why, Do: "Use " + forms + "env:VARIABLE or file:PATH"}
}
