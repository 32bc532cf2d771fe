package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/keyring"
	"dialtone/keys/store"
)

// secretsFile is the encrypted store below the configuration directory.
const secretsFile = "secrets"

// passphrase gets the passphrase of the secret store from whoever is there to
// be asked: the person at the terminal, the interface, or a file.
type passphrase struct {
	file string // from the flag; "": a person is asked
	home string

	mu       sync.Mutex
	ask      link.Asker
	fallback link.Asker // when nobody else is there to be asked
}

// otherwise sets who is asked when from has set nobody.
func (p *passphrase) otherwise(ask link.Asker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fallback = ask
}

// from sets who is asked from now on; nil: nobody.
func (p *passphrase) from(ask link.Asker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ask = ask
}

// get answers a question of the store.
func (p *passphrase) get(ctx context.Context, q store.Question) (keys.Secret, error) {
	hideMemory()
	if p.file != "" {
		return keys.References{Home: p.home}.Get(ctx, "file:"+p.file)
	}
	p.mu.Lock()
	ask := p.ask
	if ask == nil {
		ask = p.fallback
	}
	p.mu.Unlock()
	if ask == nil {
		return keys.Secret{}, link.ErrDeclined
	}
	return ask.Secret(ctx, link.SecretQuestion{Kind: link.StorePassphrase, What: q.String(), Try: q.Try})
}

// secrets returns the encrypted store of this run, nil when nothing is saved.
// Nothing is read before the first secret is wanted.
func (a *app) secrets() *store.Store {
	path := in(a.dir.config, secretsFile)
	if path == "" {
		return nil
	}
	if a.vault == nil {
		a.pass.home = a.dir.home
		o := store.Options{Path: path, Ask: a.pass.get, Now: a.env.Now}
		if a.passphraseFile != "" {
			a.pass.file, o.Tries = absolute(a.passphraseFile), 1
		}
		a.vault = store.Make(o)
	}
	return a.vault
}

// keyring returns the keyring of the computer for this run, one for all, so that
// at most one call waits for it. Nothing of it is touched before it is used.
func (a *app) keyring() *keyring.Vault {
	if a.ring == nil {
		a.ring = keyring.New(keyring.Options{Getenv: a.env.Getenv})
	}
	return a.ring
}

// hidden keeps the memory of this program to itself before a secret is in it.
type hidden struct{ keys.Vault }

// Get is that of the Vault.
func (h hidden) Get(ctx context.Context, ref string) (keys.Secret, error) {
	hideMemory()
	return h.Vault.Get(ctx, ref)
}

// references looks secrets up wherever they are kept.
func (a *app) references() keys.References {
	r := keys.References{Home: a.dir.home, Keyring: hidden{a.keyring()}}
	if s := a.secrets(); s != nil {
		r.Store = s
	}
	return r
}

// calling looks secrets up for devices that call, which do not wait.
func (a *app) calling() keys.Vault {
	r := a.references()
	s := a.secrets()
	if s == nil {
		return r
	}
	r.Store = s.Patient()
	return keeper{r, s}
}

// keeper looks secrets up, and keeps new ones in the store.
type keeper struct {
	keys.References
	store *store.Store
}

// Keep implements desk.Keeper.
func (k keeper) Keep(ctx context.Context, name string, s keys.Secret) (ref string, err error) {
	if err := k.store.Set(ctx, name, s, false); err != nil {
		return "", err
	}
	return "store:" + name, nil
}

// openStore is the store for commands that are about it. A person at the
// terminal is asked until done is called.
func (a *app) openStore(cancel func()) (s *store.Store, person *asker, err error) {
	if s = a.secrets(); s == nil {
		return nil, nil, with(ExitUsage, fault("CFG-NONE", "nothing is saved: there is no home directory", "", "Name a directory with --config"))
	}
	person = &asker{a: a, cancel: cancel}
	a.pass.from(person)
	return s, person, nil
}

// twice asks for a value without echo until it is the same two times.
func (q *asker) twice(ctx context.Context, what string) (keys.Secret, error) {
	for try := 1; try <= answerTries; try++ {
		one, err := q.Secret(ctx, link.SecretQuestion{What: what, Try: 1})
		if err != nil {
			return keys.Secret{}, err
		}
		two, err := q.Secret(ctx, link.SecretQuestion{What: what + ", once more", Try: 1})
		if err != nil {
			one.Wipe()
			return keys.Secret{}, err
		}
		same := string(one.Reveal()) == string(two.Reveal())
		two.Wipe()
		if same {
			return one, nil
		}
		one.Wipe()
		q.a.note("The two are not the same.")
	}
	return keys.Secret{}, errors.New("the two were not the same")
}

// storeExit gives faults of the store and the keyring their exit code. One that
// nobody could answer for is no wrong usage: it is a missing login.
func storeExit(err error) error {
	var f *keys.Fault
	if errors.As(err, &f) {
		switch f.Code {
		case "SEC-OPEN", "SEC-LOCKED", "KEYRING", "KEYRING-NONE", "KEYRING-LOCKED", "KEYRING-TIME":
			return with(ExitConnection, err)
		}
	}
	return with(ExitUsage, err)
}

// oneValue reads a secret that came on standard input: its first line.
func oneValue(r io.Reader) (keys.Secret, error) {
	b, err := firstLine(r)
	if err != nil {
		return keys.Secret{}, with(ExitUsage, fault("SEC-EMPTY", "no secret on standard input: "+strings.TrimSpace(err.Error()), "Nothing was stored", ""))
	}
	return keys.NewSecret(b), nil
}
