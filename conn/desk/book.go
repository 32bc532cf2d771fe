package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
)

const (
	secretTime = 30 * time.Second // for the vault
	mostOnce   = 1024             // devices accepted without a profile
)

// book is the devices that may call: the profiles, and those that were accepted
// without one in this run. A profile changed elsewhere holds a second later.
type book struct {
	store profile.Store
	vault keys.Vault
	now   func() time.Time
	user  string

	mu     sync.Mutex
	fresh  freshness
	all    []profile.Profile // of callers
	byID   map[string]int
	byKey  map[string][]int
	byName map[string]int
	users  []string               // of the profiles, the commonest first
	once   map[string]link.Target // by name: accepted in this run, not saved
	grants map[string]time.Time   // by fingerprint: may come in without a question until then
	spent  map[string]link.Target // by name: with the saved password that its device refused
}

var _ callhome.Book = (*book)(nil)

func newBook(store profile.Store, vault keys.Vault, now func() time.Time, user string) *book {
	return &book{store: store, vault: vault, now: now, user: user, once: map[string]link.Target{}, grants: map[string]time.Time{}, spent: map[string]link.Target{}}
}

func calls(via link.Via) bool { return via == link.CallHome || via == link.Junos }

// load reads the profiles; b.mu is held.
func (b *book) load() {
	ps, _ := b.store.List() // those that cannot be read are shown with the profiles
	b.all = make([]profile.Profile, 0, len(ps)+len(b.once))
	b.byID, b.byKey, b.byName = map[string]int{}, map[string][]int{}, map[string]int{}
	count := map[string]int{}
	add := func(p profile.Profile) {
		i := len(b.all)
		b.all = append(b.all, p)
		b.byName[p.Name] = i
		if p.User != "" {
			count[p.User]++
		}
		if _, taken := b.byID[p.DeviceID]; !taken && p.DeviceID != "" {
			b.byID[p.DeviceID] = i
		}
		for _, fp := range p.Pin {
			b.byKey[fp] = append(b.byKey[fp], i)
		}
	}
	for _, p := range ps {
		if calls(p.Via) {
			add(p)
			delete(b.once, p.Name)
		}
	}
	for _, t := range b.once {
		add(profile.Profile{Target: t})
	}
	b.users = slices.SortedFunc(maps.Keys(count), func(x, y string) int { return cmp.Or(cmp.Compare(count[y], count[x]), cmp.Compare(x, y)) })
	if b.user != "" && count[b.user] == 0 {
		b.users = append(b.users, b.user)
	}
}

// entry is a profile as the listener sees it; b.mu is held.
func (b *book) entry(i int) callhome.Entry {
	p := b.all[i]
	e := callhome.Entry{Target: p.Target, Pins: p.Pin, Secret: secretOf(b.vault, p.Secret)}
	for _, fp := range p.Pin {
		if until, ok := b.grants[fp]; ok && b.now().Before(until) {
			e.Target.Open = "auto"
		}
	}
	if b.isSpent(p.Target) {
		e.Target.Open = "ask"
	}
	return e
}

// signedIn takes what became of a device that was let in. A saved password that
// was refused is not sent again by itself, however often the device calls: its
// router would lock the account. The device waits for a person from then on,
// until it lets us in or the profile has other credentials.
func (b *book) signedIn(as link.Target, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var refused *dial.AuthError
	switch {
	case err == nil:
		delete(b.spent, as.Name)
	case errors.As(err, &refused) && refused.SavedPassword:
		if len(b.spent) >= mostOnce {
			clear(b.spent)
		}
		b.spent[as.Name] = as
	}
}

// isSpent reports a target whose saved password was refused; b.mu is held.
func (b *book) isSpent(t link.Target) bool {
	s, ok := b.spent[t.Name]
	return ok && s.User == t.User && s.Password == t.Password
}

// waits reports a profile that opens by itself no more, because its saved
// password was refused.
func (b *book) waits(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.renew(b.load)
	i, ok := b.byName[name]
	return ok && b.all[i].Open == "auto" && b.isSpent(b.all[i].Target)
}

// ByID returns the profile of a device-id; of several the first by name.
func (b *book) ByID(id string) (callhome.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.renew(b.load)
	i, ok := b.byID[id]
	if !ok {
		return callhome.Entry{}, false
	}
	return b.entry(i), true
}

// ByKey returns the profiles to which a key is pinned.
func (b *book) ByKey(fp string) []callhome.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.renew(b.load)
	var out []callhome.Entry
	for _, i := range b.byKey[fp] {
		out = append(out, b.entry(i))
	}
	return out
}

// Users returns the user names of callers' profiles, the commonest first.
func (b *book) Users() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.renew(b.load)
	return slices.Clone(b.users)
}

// auto returns the target of a profile that opens by itself.
func (b *book) auto(name string) (link.Target, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh.renew(b.load)
	i, ok := b.byName[name]
	if !ok {
		return link.Target{}, false
	}
	t := b.entry(i).Target
	return t, t.Open == "auto"
}

// grant lets the device of a key in without a question until then.
func (b *book) grant(fp string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for k, t := range b.grants {
		if !b.now().Before(t) {
			delete(b.grants, k)
		}
	}
	b.grants[fp] = until
}

// secretOf looks a reference up within bounded time; nil when there is none.
func secretOf(v keys.Vault, ref string) func(context.Context) (keys.Secret, error) {
	if ref == "" {
		return nil
	}
	return func(ctx context.Context) (keys.Secret, error) {
		ctx, cancel := context.WithTimeout(ctx, secretTime)
		defer cancel()
		return v.Get(ctx, ref)
	}
}

// saved returns the profile of a name, read anew.
func saved(store profile.Store, name string) (profile.Profile, bool) {
	ps, _ := store.List()
	i := slices.IndexFunc(ps, func(p profile.Profile) bool { return p.Name == name })
	if i < 0 {
		return profile.Profile{}, false
	}
	return ps[i], true
}

// adopt makes a profile that of the device of a key: a new profile with save, or an entry of
// this run. A device that has a profile already keeps it.
func (b *book) adopt(as profile.Profile, fp string, save bool) error {
	t := as.Target
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.fresh.expire()
	b.fresh.renew(b.load)
	for _, i := range b.byKey[fp] {
		if b.all[i].Name != t.Name {
			if _, once := b.once[b.all[i].Name]; !once {
				return keyTaken(b.all[i].Name)
			}
			delete(b.once, b.all[i].Name) // now known by another name
		}
	}
	p, have := saved(b.store, t.Name)
	switch {
	case have && save:
		return nameTaken(t.Name)
	case have && (len(p.Pin) == 0 || slices.Contains(p.Pin, fp)):
		return nil // let in as that device this once; binding makes it known
	case have:
		return &keys.Fault{Code: "PRO-TAKEN", What: fmt.Sprintf("the profile %s is that of another key", t.Name), Kept: "Nothing was changed", Do: "Choose another name, or bind the caller to it"}
	}
	t.Pin = []string{fp}
	if !save {
		if len(b.once) >= mostOnce {
			clear(b.once)
		}
		b.once[t.Name] = t
		return nil
	}
	if t.Via == link.Junos && t.DeviceID == "" {
		t.Via = link.CallHome
	}
	delete(b.once, t.Name)
	as.Target = t
	return b.store.Put(as)
}

// bind gives a caller's key and device-id to a profile, with what change does to
// it; old names the pins that were there before.
func (b *book) bind(name string, c callhome.Caller, change func(*profile.Profile)) (p profile.Profile, old string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := saved(b.store, name)
	fp := ssh.FingerprintSHA256(c.Key)
	defer b.fresh.expire()
	b.fresh.renew(b.load)
	switch {
	case !ok:
		return p, "", noProfile(name)
	case !calls(p.Via):
		return p, "", otherWay(p)
	case c.Claim != "" && p.DeviceID != "" && p.DeviceID != c.Claim:
		return p, "", otherID(p, c.Claim)
	}
	for _, i := range b.byKey[fp] {
		if o := b.all[i]; o.Name != p.Name {
			if _, once := b.once[o.Name]; !once {
				return p, "", keyTaken(o.Name)
			}
			delete(b.once, o.Name)
		}
	}
	before := p
	change(&p)
	if slices.Contains(p.Pin, fp) && (c.Claim == "" || p.DeviceID == c.Claim) {
		if reflect.DeepEqual(before, p) {
			return p, "", nil
		}
		return p, "", b.store.Put(p)
	}
	if c.Claim != "" {
		p.Via, p.DeviceID = c.Via, c.Claim
	}
	old = strings.Join(slices.DeleteFunc(slices.Clone(p.Pin), func(s string) bool { return s == fp }), ", ")
	p.Pin = []string{fp}
	return p, old, b.store.Put(p)
}

// learn keeps the key of an admitted device that its HMAC vouches for, in place
// of those before.
func (b *book) learn(c callhome.Caller, name string) (note string, err error) {
	if c.Key == nil || c.Trust.Profile != name || c.Trust.HMAC != callhome.HMACGood || c.Trust.Key == callhome.KeyKnown {
		return "", nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := saved(b.store, name)
	fp := ssh.FingerprintSHA256(c.Key)
	if !ok || slices.Contains(p.Pin, fp) {
		return "", nil
	}
	note = "its HMAC vouches for " + keyText(c.Key)
	if len(p.Pin) > 0 {
		note += ", which replaces " + strings.Join(p.Pin, ", ")
	}
	p.Pin = []string{fp}
	defer b.fresh.expire()
	return note, b.store.Put(p)
}
