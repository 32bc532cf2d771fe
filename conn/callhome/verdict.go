package callhome

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// Entry is what is known of one device that may call: its profile, the keys
// that it may show, the secret that it shares with us.
type Entry struct {
	Target link.Target
	Pins   []string // SHA256 fingerprints
	// Secret returns the shared secret; nil when the profile has none.
	Secret func(ctx context.Context) (keys.Secret, error)
}

// Book is the devices that may call. It is asked for each caller, so that a
// changed profile holds from the next call on. Safe for concurrent use.
type Book interface {
	// ByID returns the device of a device-id; ok is false when no profile has it.
	ByID(deviceID string) (Entry, bool)
	// ByKey returns every device that may show a key, by SHA256 fingerprint.
	ByKey(fingerprint string) []Entry
	// Users returns the user names that callers without a device-id may have,
	// the likeliest first.
	Users() []string
}

// HMACVerdict says what a preamble's HMAC is worth.
type HMACVerdict string

// The verdicts; a wrong or missing HMAC where a secret is held is refused and
// has no verdict.
const (
	HMACGood      HMACVerdict = "HMAC ok"
	HMACAbsent    HMACVerdict = "HMAC absent"
	HMACUnchecked HMACVerdict = "HMAC not checked" // we hold no secret
)

// KeyVerdict says what a host key is worth.
type KeyVerdict string

// Replaced is a new key that the HMAC vouches for in place of the pinned one.
const (
	KeyKnown    KeyVerdict = "key known"
	KeyNew      KeyVerdict = "key NEW"
	KeyReplaced KeyVerdict = "key REPLACED"
)

// Trust is the verdict on a caller. Profile names the device when it is one that
// we know; believed means that its identity is proved as far as its profile
// asks.
type Trust struct {
	HMAC     HMACVerdict // "" for callers that are not Junos
	Key      KeyVerdict
	Profile  string
	Believed bool
}

// String is the verdict as the inbox shows it.
func (t Trust) String() string {
	if t.HMAC == "" {
		return string(t.Key)
	}
	return string(t.HMAC) + ", " + string(t.Key)
}

// judgeGreeting refuses what can be refused before SSH begins. It returns the
// entry that the device-id claims, if any.
func judgeGreeting(ctx context.Context, g Greeting, b Book) (e Entry, known bool, h HMACVerdict, err error) {
	if g.Via != link.Junos {
		return Entry{}, false, "", nil
	}
	e, known = b.ByID(g.DeviceID)
	h = HMACAbsent
	if g.HMAC != "" {
		h = HMACUnchecked
	}
	if !known || e.Secret == nil {
		return e, known, h, nil
	}
	secret, err := e.Secret(ctx)
	if err != nil {
		return e, known, h, &keys.Fault{Code: "PRE-SECRET", What: fmt.Sprintf("the secret of %q cannot be read: %v", g.DeviceID, err), Err: err}
	}
	defer secret.Wipe()
	if !g.Vouched(secret) {
		what := fmt.Sprintf("device %q failed its secret", g.DeviceID)
		if g.HMAC == "" {
			what += ": it sent no HMAC"
		}
		return e, known, h, &keys.Fault{Code: "PRE-HMAC", What: what, Do: "Compare the secret of the profile with outbound-ssh on the device"}
	}
	return e, known, HMACGood, nil
}

// judgeKey completes the verdict once SSH has shown the host key.
func judgeKey(g Greeting, e Entry, known bool, h HMACVerdict, key ssh.PublicKey, b Book) (Trust, Entry, error) {
	fp := ssh.FingerprintSHA256(key)
	if g.HostKey != nil && string(g.HostKey.Marshal()) != string(key.Marshal()) {
		return Trust{}, e, &keys.Fault{Code: "KEY-MISMATCH", What: fmt.Sprintf("the preamble of %q announced %s, but SSH showed %s",
			g.DeviceID, ssh.FingerprintSHA256(g.HostKey), fp), Kept: "Nothing was sent"}
	}
	owners := b.ByKey(fp)
	if g.Via != link.Junos {
		return judgeCallHome(owners, fp)
	}
	for _, o := range owners {
		if o.Target.DeviceID != g.DeviceID {
			return Trust{}, e, &keys.Fault{Code: "KEY-OTHER", What: fmt.Sprintf("this key belongs to %q, the caller claims to be %q", nameOf(o), g.DeviceID),
				Kept: "Nothing was sent"}
		}
	}
	t := Trust{HMAC: h, Key: KeyNew}
	if !known {
		return t, e, nil
	}
	t.Profile = e.Target.Name
	switch {
	case slices.Contains(e.Pins, fp):
		t.Key, t.Believed = KeyKnown, true
	case h == HMACGood && len(e.Pins) > 0:
		t.Key, t.Believed = KeyReplaced, true
	case h == HMACGood:
		// First use: the secret vouches for the key, and a person has the last
		// word unless the profile leaves it to us.
		t.Believed = e.Target.HostKey == link.AcceptNew
	case len(e.Pins) > 0:
		return Trust{}, e, &keys.Fault{Code: "KEY-CHANGED", What: fmt.Sprintf("%q shows %s, its profile has %s, and no HMAC vouches for the change", g.DeviceID, fp, e.Pins[0]),
			Kept: "Nothing was sent", Do: "Compare the key on the device's console, then change the pin of the profile"}
	}
	return t, e, nil
}

// judgeCallHome knows a plain caller by its key and by nothing else.
func judgeCallHome(owners []Entry, fp string) (Trust, Entry, error) {
	switch len(owners) {
	case 0:
		return Trust{Key: KeyNew}, Entry{}, nil
	case 1:
		e := owners[0]
		if e.Target.Via == link.Junos && e.Secret != nil {
			return Trust{}, e, &keys.Fault{Code: "PRE-HMAC", What: fmt.Sprintf("device %q failed its secret: it sent no preamble", nameOf(e))}
		}
		return Trust{Key: KeyKnown, Profile: e.Target.Name, Believed: true}, e, nil
	}
	return Trust{}, Entry{}, &keys.Fault{Code: "KEY-OTHER", What: fmt.Sprintf("%s is pinned to %q and to %q", fp, nameOf(owners[0]), nameOf(owners[1])),
		Kept: "Nothing was sent", Do: "A key tells devices apart: give each its own"}
}

func nameOf(e Entry) string {
	if e.Target.DeviceID != "" {
		return e.Target.DeviceID
	}
	return e.Target.Name
}
