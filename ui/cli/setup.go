package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"dialtone/conn"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/keys"
	"dialtone/netconf/xmldoc"
)

// stdinPassword is the reference to a password that came on standard input. No
// profile can hold it.
const stdinPassword = "stdin:password"

// spillAt is how much of one reply stays in memory; the rest goes to a file.
const spillAt = 256 << 20

// spillDir is where the rest goes: the cache directory, or the system's for
// temporary files when there is none.
func spillDir(cache string) string {
	if cache == "" || os.MkdirAll(cache, 0o700) != nil {
		return ""
	}
	return cache
}

// run is what commands that reach devices share.
type run struct {
	store   profile.Store
	config  profile.Config
	journal *journal.Journal
	log     *slog.Logger
	options conn.Options
	hosts   keys.HostKeys
	waiting *waiting
	vault   keys.Vault
	closers []io.Closer
	notes   []string // worth telling at the start
}

// setup opens the stores and files of a run. Close it in any case.
func (a *app) setup(f *targetFlags) (*run, error) {
	r := &run{
		store:   profile.Open(in(a.dir.config, profile.Dir)),
		journal: journal.Open(in(a.dir.state, "journal"), a.env.Now),
		log:     slog.New(slog.DiscardHandler),
		waiting: &waiting{},
	}
	if err := f.readable(a); err != nil {
		return r, with(ExitConnection, err)
	}
	r.waiting.set(func(t link.Target, comment string, on bool) {
		if on {
			a.note("Waiting for the ssh-agent to use %q for %s: touch the key or confirm.", comment, t.Name)
		}
	})
	if n := profile.Note(r.store); n != "" {
		r.notes = append(r.notes, n)
	}
	r.closers = append(r.closers, r.journal)
	if path := in(a.dir.config, "config.toml"); path != "" {
		var err error
		if r.config, err = profile.LoadConfig(path); err != nil {
			return r, with(ExitUsage, err)
		}
	}
	if f.log != "" {
		file, err := private(f.log, os.O_APPEND)
		if err != nil {
			return r, with(ExitUsage, fault("LOG-FILE", err.Error(), "", "Name a file that can be written"))
		}
		r.closers = append(r.closers, file)
		r.log = slog.New(slog.NewTextHandler(file, nil))
	}
	r.options = conn.Options{
		Now:      a.env.Now,
		ReadOnly: f.readOnly || r.config.ReadOnly,
		Redial:   r.config.Reconnect,
		Journal:  r.journal,
		Doc:      xmldoc.Options{SpillAt: spillAt, SpillDir: spillDir(a.dir.cache)},
	}
	if f.trace != "" {
		file, err := private(f.trace, os.O_TRUNC)
		if err != nil {
			return r, with(ExitUsage, fault("TRACE-FILE", err.Error(), "", "Name a file that can be written"))
		}
		tr := newTracer(file, a.env.Now)
		r.closers = append(r.closers, tr)
		r.options.Recorder = tr.recorder
	}
	person := &asker{a: a, cancel: func() {}}
	a.pass.otherwise(person)
	r.closers = append(r.closers, person)
	spec, err := a.dialerSpec(f, r)
	if err != nil {
		return r, err
	}
	if a.env.Dialer == nil {
		return r, with(ExitConnection, errors.New("this build cannot dial"))
	}
	r.hosts, r.vault = spec.Hosts, spec.Vault
	r.options.Dialer = a.env.Dialer(spec)
	return r, nil
}

// dialerSpec gathers trust, secrets and names for the dialer.
func (a *app) dialerSpec(f *targetFlags, r *run) (DialerSpec, error) {
	own, others := in(a.dir.config, "known_hosts"), []string{}
	if f.knownHosts != "" {
		own = absolute(f.knownHosts)
	} else if a.dir.home != "" {
		others = append(others, in(a.dir.home, ".ssh", "known_hosts"))
	}
	v := &vault{Vault: a.references()}
	if f.passwordFile == "-" {
		s, err := firstLine(a.env.Stdin)
		if err != nil {
			return DialerSpec{}, with(ExitUsage, fault("SEC-EMPTY", "no password on standard input: "+err.Error(), "", ""))
		}
		v.stdin = s
	}
	return DialerSpec{
		Hosts: keys.NewKnownHosts(own, others...),
		Vault: v,
		Lookup: func(name string) (link.Target, bool) {
			if !profile.ValidName(name) {
				return link.Target{}, false
			}
			p, err := find(r.store, name)
			return p.Target, err == nil
		},
		SSHConfig: in(a.dir.home, ".ssh", "config"),
		Waiting:   r.waiting.tell,
	}, nil
}

// touchAfter is how long the agent may take before a person is told: most keys
// need no touch and sign at once.
const touchAfter = time.Second

// waiting passes on that the agent waits for a touch, to whoever shows it now.
type waiting struct {
	mu    sync.Mutex
	f     func(t link.Target, comment string, on bool)
	under map[signing][]*time.Timer
}

// signing is what one signature is for.
type signing struct{ target, comment string }

func (w *waiting) set(f func(t link.Target, comment string, on bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.f = f
}

// tell notes the begin and the end of a signature.
func (w *waiting) tell(t link.Target, comment string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := signing{t.Name, comment}
	if on {
		if w.under == nil {
			w.under = make(map[signing][]*time.Timer)
		}
		w.under[k] = append(w.under[k], time.AfterFunc(touchAfter, func() { w.pass(t, comment, true) }))
		return
	}
	timers := w.under[k]
	if len(timers) == 0 {
		return
	}
	told := !timers[0].Stop()
	if w.under[k] = timers[1:]; len(timers) == 1 {
		delete(w.under, k)
	}
	if told && w.f != nil {
		w.f(t, comment, false)
	}
}

// pass tells whoever shows it.
func (w *waiting) pass(t link.Target, comment string, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.f != nil {
		w.f(t, comment, on)
	}
}

// close ends what setup opened.
func (r *run) close() error {
	var errs []error
	for i := len(r.closers) - 1; i >= 0; i-- {
		errs = append(errs, r.closers[i].Close())
	}
	r.closers = nil
	return errors.Join(errs...)
}

// private opens a file that only the person may read.
func private(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, 0o600)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && fi.Mode().IsRegular() && fi.Mode().Perm()&0o077 != 0 {
		err = f.Chmod(0o600)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// vault adds the password of standard input to the other places.
type vault struct {
	keys.Vault
	stdin []byte
}

// Get looks a reference up. The caller owns the secret.
func (v *vault) Get(ctx context.Context, ref string) (keys.Secret, error) {
	if ref == stdinPassword {
		return keys.NewSecret([]byte(string(v.stdin))), nil
	}
	return v.Vault.Get(ctx, ref)
}

// firstLine reads one line of at most 64 KiB.
func firstLine(r io.Reader) ([]byte, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		if err == nil || err == io.EOF {
			err = errors.New("the first line is empty")
		}
		return nil, err
	}
	return []byte(line), nil
}

// find returns the profile of a name. A file that cannot be read is an error of
// its own and not a missing profile.
func find(store profile.Store, name string) (profile.Profile, error) {
	ps, errs := store.List()
	for _, p := range ps {
		if p.Name == name {
			return p, nil
		}
	}
	for _, err := range errs {
		if strings.Contains(err.Error(), string(os.PathSeparator)+name+".toml") {
			return profile.Profile{}, with(ExitUsage, err)
		}
	}
	return profile.Profile{}, with(ExitUsage, &keys.Fault{
		Code: "PRO-NONE", What: fmt.Sprintf("there is no profile %q", name), Do: "See dialtone profile list", Err: profile.ErrNone,
	})
}

func isMissing(err error) bool { return errors.Is(err, profile.ErrNone) }
