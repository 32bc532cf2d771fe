package conn

import (
	"context"

	"dialtone/conn/link"
	"dialtone/keys"
)

// nobody is the Asker of a dial that no person watches.
type nobody struct{}

var _ link.Asker = nobody{}

// HostKey declines.
func (nobody) HostKey(context.Context, link.HostKeyQuestion) (link.TrustAnswer, error) {
	return link.Refuse, link.ErrDeclined
}

// Secret declines.
func (nobody) Secret(context.Context, link.SecretQuestion) (keys.Secret, error) {
	return keys.Secret{}, link.ErrDeclined
}

// Challenge declines.
func (nobody) Challenge(context.Context, link.ChallengeQuestion) ([]string, error) {
	return nil, link.ErrDeclined
}
