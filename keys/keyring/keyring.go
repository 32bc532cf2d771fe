// Package keyring keeps secrets in the keyring of the computer: the Secret
// Service of the desktop (GNOME Keyring, KWallet), the Keychain of macOS, the
// Credential Manager of Windows. An entry has the service "dialtone" and the name
// of the secret as its account.
//
// Nothing of the keyring is touched before the first secret of it is wanted. On
// the session bus a secret crosses a socket of the same user in the clear.
package keyring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	gokeyring "github.com/zalando/go-keyring"

	"dialtone/keys"
)

// service is what all entries of this program belong to.
const service = "dialtone"

// limit is how long the keyring may take for one call. Its prompt for a password
// waits for ever; who answers it later finds the keyring open at the next try.
const limit = 3 * time.Second

// Ring is a keyring. The errors for an entry that is not there and for a value
// that is too big are those of go-keyring.
type Ring interface {
	Get(service, account string) (string, error)
	Set(service, account, secret string) error
	Delete(service, account string) error
}

// Options configure a Vault. The zero value is the keyring of this computer.
type Options struct {
	Ring   Ring
	GOOS   string              // "": runtime.GOOS
	Getenv func(string) string // nil: os.Getenv
	Limit  time.Duration       // for one call; 0: 3 s
	// AfterFunc is that of package time; nil: the real one.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// Vault is the keyring. Its methods may be called concurrently. At most one call
// to the keyring is under way: while one has not come back within its limit, all
// others are refused at once. So a bus that hangs holds one goroutine of a Vault,
// until it answers or the program ends; go-keyring has one connection to the bus
// in a process and no way to give it up.
//
// What go-keyring returns is a string, which cannot be overwritten: a copy of the
// secret remains until its memory is used again.
type Vault struct {
	o Options

	mu  sync.Mutex
	now *run // nil: nothing is under way
}

var _ keys.Vault = (*Vault)(nil)

// New prepares a keyring; nothing is touched yet.
func New(o Options) *Vault {
	if o.Ring == nil {
		o.Ring = system{}
	}
	if o.GOOS == "" {
		o.GOOS = runtime.GOOS
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	if o.Limit <= 0 {
		o.Limit = limit
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	return &Vault{o: o}
}

// system is the keyring of the computer.
type system struct{}

func (system) Get(service, account string) (string, error) { return gokeyring.Get(service, account) }
func (system) Set(service, account, secret string) error {
	return gokeyring.Set(service, account, secret)
}
func (system) Delete(service, account string) error { return gokeyring.Delete(service, account) }

// Get returns the secret of a reference "keyring:NAME"; the caller wipes it. One
// line end behind it is not part of it. The fault is SEC-NAME, SEC-VALUE,
// KEYRING-NONE, KEYRING-MISSING, KEYRING-LOCKED, KEYRING-TIME or KEYRING.
func (v *Vault) Get(ctx context.Context, ref string) (keys.Secret, error) {
	name := strings.TrimPrefix(ref, "keyring:")
	if err := keys.CheckSecretName(name); err != nil {
		return keys.Secret{}, err
	}
	text, err := v.get(ctx, name)
	if err != nil {
		return keys.Secret{}, v.tell(name, err, "")
	}
	b := v.bytes(text)
	if flaw := keys.SecretFlaw(b); flaw != "" {
		clear(b)
		return keys.Secret{}, &keys.Fault{Code: "SEC-VALUE", What: fmt.Sprintf("the entry %q of the keyring %s", name, flaw), Kept: "It is untouched",
			Do: "Put the secret there again with: dialtone secret set --keyring --replace " + name}
	}
	return keys.NewSecret(b), nil
}

// bytes are those of an entry without the line end that a program may have put
// behind them.
func (v *Vault) bytes(text string) []byte {
	if len(text) > 2*keys.MaxSecret {
		return []byte(text) // is refused for its size
	}
	if v.o.GOOS == "windows" {
		text = fromUTF16(text)
	}
	if t, ok := strings.CutSuffix(text, "\n"); ok {
		text = strings.TrimSuffix(t, "\r")
	}
	return []byte(text)
}

// Set stores a secret under a name. One of that name that is there already is
// replaced only on request; otherwise the fault is SEC-EXISTS. A keyring cannot
// do both in one step: of two programs that store a new name at the same time,
// the second may replace the first one's. The value is read back, for not every
// keyring reports a failure. It stays the caller's. Further faults are SEC-VALUE
// and KEYRING-BIG, and those of Get.
func (v *Vault) Set(ctx context.Context, name string, value keys.Secret, replace bool) error {
	const nothing, unknown = "Nothing was stored", "Whether it was stored is not known"
	if err := keys.CheckSecretName(name); err != nil {
		return err
	}
	if flaw := keys.SecretFlaw(value.Reveal()); flaw != "" {
		return &keys.Fault{Code: "SEC-VALUE", What: "the secret " + flaw, Kept: nothing}
	}
	if !replace {
		_, err := v.get(ctx, name)
		switch {
		case err == nil:
			return &keys.Fault{Code: "SEC-EXISTS", What: fmt.Sprintf("the keyring has an entry %q already", name), Kept: "It is untouched"}
		case !errors.Is(err, gokeyring.ErrNotFound):
			return v.tell(name, err, nothing)
		}
	}
	text := string(value.Reveal())
	_, err := v.call(ctx, func(r Ring) (string, error) { return "", r.Set(service, name, text) })
	if err != nil {
		kept := unknown
		if errors.Is(err, errNotBegun) || errors.Is(err, gokeyring.ErrSetDataTooBig) || absent(err) || locked(err) {
			kept = nothing
		}
		return v.tell(name, err, kept)
	}
	got, err := v.get(ctx, name)
	switch {
	case errors.Is(err, gokeyring.ErrNotFound):
		return &keys.Fault{Code: "KEYRING", What: fmt.Sprintf("the keyring took %q without a word and does not have it", name), Kept: nothing,
			Do: "Unlock it and try again, or " + elsewhere}
	case err != nil:
		return v.tell(name, err, unknown)
	case got != text:
		return &keys.Fault{Code: "KEYRING", What: fmt.Sprintf("the keyring gives back another secret for %q than was stored", name), Kept: unknown,
			Do: "Look for several entries of that name, or " + elsewhere}
	}
	return nil
}

// Remove deletes entries. When one of the names is not there none is deleted; a
// fault on the way says how many are gone.
func (v *Vault) Remove(ctx context.Context, names ...string) error {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, n := range names {
		if err := keys.CheckSecretName(n); err != nil {
			return err
		}
		if _, err := v.get(ctx, n); err != nil {
			return v.tell(n, err, "Nothing was deleted")
		}
	}
	for i, n := range names {
		kept := "Whether it was deleted is not known"
		if i > 0 {
			kept = "Deleted before: " + strings.Join(names[:i], ", ") + ". " + kept
		}
		if _, err := v.call(ctx, func(r Ring) (string, error) { return "", r.Delete(service, n) }); err != nil {
			return v.tell(n, err, kept)
		}
		_, err := v.get(ctx, n)
		switch {
		case err == nil:
			return &keys.Fault{Code: "KEYRING", What: fmt.Sprintf("the keyring still has an entry %q", n), Do: "Try again: there may be several of that name"}
		case !errors.Is(err, gokeyring.ErrNotFound):
			return v.tell(n, err, kept)
		}
	}
	return nil
}

func (v *Vault) get(ctx context.Context, name string) (string, error) {
	return v.call(ctx, func(r Ring) (string, error) { return r.Get(service, name) })
}
