// Package keys is about trust and credentials: the ssh-agent, key files, host
// keys, secrets. It knows nothing of NETCONF and puts no question on a screen:
// whoever calls it brings a function that asks.
package keys

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Fault is an error that a person reads, in the shape that all rooms share:
// what happened (where), what is kept, what to do.
type Fault struct {
	Code string // "KEY-CHANGED", "AGENT-TIMEOUT", ...
	What string
	Kept string
	Do   string
	Err  error
}

// Error joins the parts that are not empty.
func (f *Fault) Error() string {
	parts := []string{f.Code + " " + f.What}
	for _, s := range []string{f.Kept, f.Do} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ". ")
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Parts returns the code and the three sentences.
func (f *Fault) Parts() (code, what, kept, do string) { return f.Code, f.What, f.Kept, f.Do }

// Secret is a password, passphrase or shared secret. It prints as "[secret]"
// by every route; only Reveal gives the bytes.
type Secret struct{ b []byte }

// NewSecret takes ownership of b.
func NewSecret(b []byte) Secret { return Secret{b: b} }

// Reveal returns the bytes themselves, not a copy.
func (s Secret) Reveal() []byte { return s.b }

// Wipe overwrites the bytes; best effort, since copies may exist.
func (s Secret) Wipe() { clear(s.b) }

// Empty reports whether there is nothing in it.
func (s Secret) Empty() bool { return len(s.b) == 0 }

// String is "[secret]".
func (s Secret) String() string { return "[secret]" }

// Format is "[secret]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[secret]") }

// GoString is "[secret]".
func (s Secret) GoString() string { return "[secret]" }

// MarshalText is "[secret]", so that no encoder writes the bytes.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

// LogValue is "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Verdict is what the known hosts say of a key.
type Verdict uint8

// Trusted: recorded for this host. Unknown: nothing is recorded. Changed:
// another key is recorded. Revoked: marked @revoked, or an authority misused.
const (
	Unknown Verdict = iota
	Trusted
	Changed
	Revoked
)

// Known is one recorded line that concerned a decision.
type Known struct {
	File    string
	Line    int
	Key     ssh.PublicKey
	Port22  bool // recorded for port 22 and accepted for another port
	Revoked bool
	CA      bool
}

// HostKeys decides about host keys. host is "name:port" or "[v6]:port"; addr may be nil.
type HostKeys interface {
	Check(host string, addr net.Addr, key ssh.PublicKey) (Verdict, []Known, error)
	// Algorithms orders host key algorithms for a handshake with host: those of
	// recorded keys first, the rest of allowed kept behind them.
	Algorithms(host string, allowed []string) []string
	Trust(host string, key ssh.PublicKey) error
	Forget(host string) error
}

// Passphrase asks for the passphrase of a key file; try counts from 1.
type Passphrase func(ctx context.Context, file string, try int) (Secret, error)
