// Package link holds the words that all ways of reaching a device share: what
// to reach, who answered, and what to ask a person on the way. It does nothing
// by itself.
package link

import (
	"context"
	"io"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/keys"
)

// Via is the way in which a device is reached.
type Via string

// The ways; the words are those of the profile file and the device list.
const (
	SSH        Via = "ssh"         // we dial
	CallHome   Via = "call-home"   // RFC 8071: it dials, SSH at once
	Junos      Via = "junos"       // Junos outbound SSH: it dials, a preamble first
	HTTPS      Via = "https"       // Junos outbound HTTPS of 20.3 and later
	HTTPSBasic Via = "https-basic" // the form of 20.2, without identity
)

// Calls reports a device that dials us; the empty way is that of SSH.
func (v Via) Calls() bool { return v != "" && v != SSH }

// HostKeyPolicy says what to do with an unknown host key. A changed one is
// refused under every policy.
type HostKeyPolicy string

// Ask is the default.
const (
	Ask       HostKeyPolicy = "ask"
	AcceptNew HostKeyPolicy = "accept-new"
	Strict    HostKeyPolicy = "strict"
)

// Target is one device to reach, as a profile describes it. The zero value of
// a field means its default.
type Target struct {
	Name      string        `toml:"-"` // profile name, or what the person typed
	Via       Via           `toml:"via"`
	Host      string        `toml:"host,omitempty"` // without brackets
	Port      int           `toml:"port,omitempty"` // 0: 830
	User      string        `toml:"user,omitempty"`
	Identity  []string      `toml:"identity,omitempty"` // key files, ~ allowed
	Agent     *bool         `toml:"agent,omitempty"`    // nil: true
	AgentKey  string        `toml:"agent_key,omitempty"`
	Password  string        `toml:"password,omitempty"` // ask | store:NAME | keyring:NAME | env:VAR | file:PATH; "": none is offered
	Jump      []string      `toml:"jump,omitempty"`
	DeviceID  string        `toml:"device_id,omitempty"`
	Secret    string        `toml:"secret,omitempty"` // a reference, never the secret
	Pin       []string      `toml:"pin,omitempty"`
	HostKey   HostKeyPolicy `toml:"host_key,omitempty"`
	Open      string        `toml:"open,omitempty"` // callers: ask | auto
	ReadOnly  bool          `toml:"read_only,omitempty"`
	Keepalive Duration      `toml:"keepalive,omitempty"` // 15 s; times three
	Timeout   Duration      `toml:"timeout,omitempty"`   // silence before a reply begins, 300 s
	// CommitTimeout is the silence that is borne with a commit or a validation,
	// on which a device may work for long: 15 min. Never shorter than Timeout.
	CommitTimeout Duration `toml:"commit_timeout,omitempty"`
	Legacy        []string `toml:"legacy,omitempty"`
	Quirks        []string `toml:"quirks,omitempty"`
}

// Address is host:port as a dialer takes it, with brackets around IPv6.
func (t Target) Address() string {
	port := t.Port
	if port == 0 {
		port = 830
	}
	return net.JoinHostPort(t.Host, strconv.Itoa(port))
}

// UseAgent reports whether keys of the agent are offered.
func (t Target) UseAgent() bool { return t.Agent == nil || *t.Agent }

// Duration is a time.Duration that is written as "15s" in TOML.
type Duration time.Duration

// MarshalText writes "15s".
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "15s".
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// Peer is who answered. All text in it may come from the device.
type Peer struct {
	Via           Via
	Addr          string // host:port as reached
	User          string
	Auth          string   // how we signed in: "publickey (agent, SHA256:9fXo…)"
	HostKey       string   // "ED25519 SHA256:q7Wk…"; "" when the way has none
	HostKeyFrom   string   // why it is trusted: "~/.ssh/known_hosts:31", "accepted now", ...
	ServerVersion string   // SSH version string
	Banner        string   // at most 16 KiB
	Legacy        []string // legacy algorithm groups that this link really uses
}

// Link is an authenticated byte stream to a device, before any NETCONF. Close
// ends everything that carried it.
type Link struct {
	io.ReadWriteCloser
	Peer Peer
	// Done is closed when the link is known to be dead (keepalive, transport);
	// Err then says why.
	Done <-chan struct{}
	Err  func() error
	// Tells means that a Read that waits fails when Done is closed, so that whoever
	// reads need not watch Done.
	Tells bool
	// Probe asks the device for a sign of life. When none has come by the end of
	// ctx the link is given up and the error says so. May be nil.
	Probe func(ctx context.Context) error
}

// Stage is where a dial stands.
type Stage string

// The stages in their order.
const (
	Dialing        Stage = "dialing"
	Handshake      Stage = "handshake"
	Authenticating Stage = "auth"
	Subsystem      Stage = "subsystem"
)

// Dialer reaches a device by one of the ways in which we dial.
type Dialer interface {
	// Dial returns when the subsystem is open. progress may be nil.
	Dial(ctx context.Context, t Target, ask Asker, progress func(Stage)) (*Link, error)
}

// TrustAnswer is a person's word on an unknown host key.
type TrustAnswer uint8

// Refuse is the zero value.
const (
	Refuse TrustAnswer = iota
	TrustOnce
	TrustAndSave
)

// HostKeyQuestion is asked after the dial has failed; no connection waits for
// the answer. After a yes the device is dialled again.
type HostKeyQuestion struct {
	Target  Target
	Host    string // as it will be recorded
	Key     ssh.PublicKey
	SavedTo string // the file that TrustAndSave writes
}

// SecretKind is what a secret is for.
type SecretKind uint8

// Password signs in, or is any other word that is asked for. KeyPassphrase opens
// a key file to sign in with. StorePassphrase opens the store of the person's
// secrets, which concerns no device: the question has no Target.
const (
	Password SecretKind = iota
	KeyPassphrase
	StorePassphrase
)

// SecretQuestion asks for a password or passphrase.
type SecretQuestion struct {
	Kind   SecretKind
	Target Target
	What   string // "password of admin@core-r1", "passphrase of ~/.ssh/id_ed25519"
	Try    int    // 1 for the first time
}

// ChallengeQuestion is one round of keyboard-interactive. All text is the
// device's.
type ChallengeQuestion struct {
	Target            Target
	Name, Instruction string
	Prompts           []string
	Echo              []bool
}

// Asker puts a question to a person and waits for the answer or for ctx.
// ErrDeclined means that the person said no or that nobody is there.
type Asker interface {
	HostKey(ctx context.Context, q HostKeyQuestion) (TrustAnswer, error)
	Secret(ctx context.Context, q SecretQuestion) (keys.Secret, error)
	Challenge(ctx context.Context, q ChallengeQuestion) ([]string, error)
}

// ErrDeclined is returned by an Asker when there is no answer to be had.
var ErrDeclined = errDeclined{}

type errDeclined struct{}

func (errDeclined) Error() string { return "declined" }
