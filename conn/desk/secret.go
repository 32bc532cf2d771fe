package desk

import (
	"context"

	"dialtone/keys"
)

// Keeper is what a Vault may add: it keeps a new secret under a name, and returns
// the reference by which it is found. One that is there is never replaced.
type Keeper interface {
	Keep(ctx context.Context, name string, s keys.Secret) (ref string, err error)
}

// Secret looks a secret up as it is done for devices that call. It may ask the
// person for a passphrase, so it belongs into a command; the caller wipes it.
func (f *Front) Secret(ctx context.Context, ref string) (keys.Secret, error) {
	return f.o.Vault.Get(ctx, ref)
}

// KeepSecret keeps the new secret of a device and returns its reference. It may
// ask the person for a passphrase, so it belongs into a command.
func (f *Front) KeepSecret(ctx context.Context, name string, s keys.Secret) (ref string, err error) {
	k, ok := f.o.Vault.(Keeper)
	if !ok {
		return "", &keys.Fault{Code: "SEC-NONE", What: "this run keeps no secrets", Kept: "Nothing was stored"}
	}
	return k.Keep(ctx, name, s)
}
