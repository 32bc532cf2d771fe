package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gokeyring "github.com/zalando/go-keyring"

	"dialtone/keys"
	"dialtone/keys/keyring"
)

const patience = 30 * time.Second

// ring is a keyring in memory. The functions, where there are any, come first.
type ring struct {
	before func(op, name string) error

	mu      sync.Mutex
	entries map[string]string
	calls   []string
}

func (r *ring) enter(op, service, name string) error {
	r.mu.Lock()
	r.calls = append(r.calls, op+" "+service+" "+name)
	r.mu.Unlock()
	if r.before != nil {
		return r.before(op, name)
	}
	return nil
}

func (r *ring) Get(service, name string) (string, error) {
	if err := r.enter("get", service, name); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.entries[name]
	if !ok {
		return "", gokeyring.ErrNotFound
	}
	return s, nil
}

func (r *ring) Set(service, name, secret string) error {
	err := r.enter("set", service, name)
	if errors.Is(err, errSilent) {
		return nil
	}
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.entries[name] = secret
	}
	return err
}

func (r *ring) Delete(service, name string) error {
	err := r.enter("delete", service, name)
	if errors.Is(err, errSilent) {
		return nil
	}
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.entries, name)
	}
	return err
}

// errSilent makes a ring do nothing and say nothing of it.
var errSilent = errors.New("silent")

func vault(r *ring, goos string) *keyring.Vault {
	if goos == "" {
		goos = "linux"
	}
	return keyring.New(keyring.Options{Ring: r, GOOS: goos, Getenv: func(k string) string {
		return map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/bus"}[k]
	}})
}

func says(t *testing.T, err error, words string) {
	t.Helper()
	if got := fmt.Sprint(err); got != words {
		t.Errorf("the answer is\n%q, want\n%q", got, words)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	flaw := func(what string) string {
		return `SEC-VALUE the entry "r1" of the keyring ` + what + ". It is untouched. Put the secret there again with: dialtone secret set --keyring --replace r1"
	}
	for name, tt := range map[string]struct {
		goos, in, out, fault string
		err                  error
	}{
		"text":              {in: "hush ä", out: "hush ä"},
		"line end":          {in: "hush\n", out: "hush"},
		"line end of DOS":   {in: "hush\r\n", out: "hush"},
		"two line ends":     {in: "hush\n\n", fault: flaw("holds a line end or NUL; a secret is one line")},
		"two lines":         {in: "a\nb", fault: flaw("holds a line end or NUL; a secret is one line")},
		"empty":             {in: "", fault: flaw("is empty")},
		"only a line end":   {in: "\n", fault: flaw("is empty")},
		"not UTF-8":         {in: "\xff\xfe", fault: flaw("is not UTF-8 text")},
		"UTF-16 elsewhere":  {in: "h\x00u\x00", fault: flaw("holds a line end or NUL; a secret is one line")},
		"big":               {in: strings.Repeat("x", keys.MaxSecret), out: strings.Repeat("x", keys.MaxSecret)},
		"too big":           {in: strings.Repeat("x", keys.MaxSecret+1), fault: flaw("has 65537 bytes; 65536 is the most")},
		"far too big":       {goos: "windows", in: strings.Repeat("x\x00", 1<<20), fault: flaw("has 2097152 bytes; 65536 is the most")},
		"UTF-16":            {goos: "windows", in: "h\x00u\x00\xe4\x00\x3d\xd8\x00\xde", out: "huä😀"},
		"UTF-16, one sign":  {goos: "windows", in: "\xe4\x00", out: "ä"},
		"UTF-16, half":      {goos: "windows", in: "h\x00\x3d\xd8", fault: flaw("is not UTF-8 text")},
		"UTF-8 on Windows":  {goos: "windows", in: "hush ä", out: "hush ä"},
		"odd on Windows":    {goos: "windows", in: "h\x00u", fault: flaw("holds a line end or NUL; a secret is one line")},
		"Keychain":          {goos: "darwin", in: "hush", out: "hush"},
		"missing":           {err: gokeyring.ErrNotFound, fault: `KEYRING-MISSING the keyring has no entry "r1" of dialtone. Add it with: dialtone secret set --keyring r1`},
		"no such platform":  {err: gokeyring.ErrUnsupportedPlatform, fault: fmt.Sprintf(`KEYRING-NONE there is no keyring here: %q. Start one, or use store:NAME`, gokeyring.ErrUnsupportedPlatform)},
		"another error":     {err: errors.New("a\x1b]0;b\u202e"), fault: `KEYRING the keyring failed: "a\x1b]0;b\u202e". Try again, or use store:NAME`},
		"a very long error": {err: errors.New(strings.Repeat("x", 1<<20)), fault: `KEYRING the keyring failed: "` + strings.Repeat("x", 200) + `". Try again, or use store:NAME`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &ring{entries: map[string]string{"r1": tt.in}, before: func(string, string) error { return tt.err }}
			s, err := vault(r, tt.goos).Get(t.Context(), "keyring:r1")
			if string(s.Reveal()) != tt.out {
				t.Errorf("the secret is %.200q, want %.200q", s.Reveal(), tt.out)
			}
			if tt.fault != "" {
				says(t, err, tt.fault)
			} else if err != nil {
				t.Error(err)
			}
			if len(r.calls) != 1 || r.calls[0] != "get dialtone r1" {
				t.Errorf("calls %q", r.calls)
			}
		})
	}
}

// TestNobodyIsAsked has what is refused before anything of a keyring is touched.
func TestNobodyIsAsked(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(context.Background())
	end()
	none := "KEYRING-NONE there is no keyring here: DBUS_SESSION_BUS_ADDRESS is not set. %sStart in a desktop session, or use store:NAME"
	for name, tt := range map[string]struct {
		ctx       context.Context
		goos, bus string
		ref       string
		get, set  string
	}{
		"no bus":        {goos: "linux", get: fmt.Sprintf(none, ""), set: fmt.Sprintf(none, "Nothing was stored. ")},
		"one to launch": {goos: "freebsd", bus: "autolaunch:", get: fmt.Sprintf(none, ""), set: fmt.Sprintf(none, "Nothing was stored. ")},
		"end of waiting": {goos: "darwin", ctx: ended, get: "the keyring was not asked: context canceled",
			set: "KEYRING-TIME waiting for the keyring was interrupted. Nothing was stored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, ctx := &ring{}, tt.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			v := keyring.New(keyring.Options{Ring: r, GOOS: tt.goos, Getenv: func(string) string { return tt.bus }})
			_, err := v.Get(ctx, "keyring:r1")
			says(t, err, tt.get)
			says(t, v.Set(ctx, "r1", keys.NewSecret([]byte("x")), true), tt.set)
			for _, name := range []string{"", "-x", "a b", "ä", "a/b", strings.Repeat("x", 65), "a\nb"} {
				_, err := v.Get(ctx, "keyring:"+name)
				for _, err := range []error{err, v.Set(ctx, name, keys.NewSecret([]byte("x")), true), v.Remove(ctx, name)} {
					if f := (*keys.Fault)(nil); !errors.As(err, &f) || f.Code != "SEC-NAME" {
						t.Errorf("%q: %v", name, err)
					}
				}
			}
			if len(r.calls) != 0 {
				t.Errorf("calls %q", r.calls)
			}
		})
	}
}

func TestPanicIsContained(t *testing.T) {
	t.Parallel()
	bad := true
	r := &ring{entries: map[string]string{"r1": "hush"}, before: func(string, string) error {
		if bad {
			var none []string
			_ = none[1]
		}
		return nil
	}}
	v := vault(r, "")
	_, err := v.Get(t.Context(), "keyring:r1")
	says(t, err, `KEYRING the keyring failed: "panic: runtime error: index out of range [1] with length 0". Try again, or use store:NAME`)
	bad = false
	if s, err := v.Get(t.Context(), "keyring:r1"); err != nil || string(s.Reveal()) != "hush" {
		t.Errorf("afterwards: %v", err)
	}
}

// slow is a vault whose keyring answers when it is told to and whose limit is
// reached when the test says so.
type slow struct {
	*keyring.Vault
	ring    *ring
	entered chan string   // what the keyring was asked
	answer  chan struct{} // one for each
	pass    chan func()   // the limit of each call
}

func newSlow(entries map[string]string) *slow {
	s := &slow{entered: make(chan string, 100), answer: make(chan struct{}), pass: make(chan func(), 100)}
	s.ring = &ring{entries: entries, before: func(op, name string) error {
		s.entered <- op
		<-s.answer
		return nil
	}}
	s.Vault = keyring.New(keyring.Options{Ring: s.ring, GOOS: "darwin", AfterFunc: func(d time.Duration, f func()) func() bool {
		if d != 3*time.Second {
			f = nil
		}
		s.pass <- f
		return func() bool { return true }
	}})
	return s
}

func within[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing comes")
	}
	return v
}

func (s *slow) get(ctx context.Context) <-chan error {
	out := make(chan error, 1)
	go func() { // ends with the answer
		_, err := s.Get(ctx, "keyring:r1")
		out <- err
	}()
	return out
}

func TestHang(t *testing.T) {
	t.Parallel()
	late := "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked. Unlock it and try again, or use store:NAME"
	busy := "KEYRING-TIME the keyring has not answered an earlier call yet: it hangs, or waits to be unlocked. Unlock it and try again, or use store:NAME"
	s := newSlow(map[string]string{"r1": "hush"})
	first := s.get(t.Context())
	within(t, s.entered)
	waits := s.get(t.Context())
	within(t, s.pass)()
	says(t, within(t, first), late)
	says(t, within(t, waits), busy)
	for range 3 {
		says(t, within(t, s.get(t.Context())), busy)
	}
	if err := s.Remove(t.Context(), "r1"); err == nil || !strings.Contains(err.Error(), "Nothing was deleted") {
		t.Error(err)
	}
	if n := len(s.ring.calls); n != 1 {
		t.Errorf("%d calls wait for the keyring, want 1", n)
	}
	s.answer <- struct{}{} // the person has unlocked it
	close(s.answer)
	limit := time.After(patience)
	for err := errors.New("hangs"); err != nil; err = within(t, s.get(t.Context())) {
		select {
		case <-limit:
			t.Fatal("the keyring answers and is not asked again")
		default:
		}
	}
}

// TestEndOfWaiting has a caller that gives up before the limit.
func TestEndOfWaiting(t *testing.T) {
	t.Parallel()
	s := newSlow(map[string]string{"r1": "hush"})
	ctx, end := context.WithCancel(t.Context())
	first := s.get(ctx)
	within(t, s.entered)
	end()
	if err := within(t, first); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	second := s.get(t.Context()) // the limit of the first one is not over
	s.answer <- struct{}{}
	within(t, s.entered)
	s.answer <- struct{}{}
	if err := within(t, second); err != nil {
		t.Error(err)
	}
}

func TestSetInterrupted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answered int
		late     bool
		want     string
	}{
		"look":             {0, true, "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked. Nothing was stored. Unlock it and try again, or use store:NAME"},
		"write":            {1, true, "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked. Whether it was stored is not known. Unlock it and try again, or use store:NAME"},
		"look back":        {2, true, "KEYRING-TIME the keyring did not answer in 3 s: it hangs, or waits to be unlocked. Whether it was stored is not known. Unlock it and try again, or use store:NAME"},
		"look, ctrl+c":     {0, false, "KEYRING-TIME waiting for the keyring was interrupted. Nothing was stored"},
		"write, ctrl+c":    {1, false, "KEYRING-TIME waiting for the keyring was interrupted. Whether it was stored is not known"},
		"look back, ctrlc": {2, false, "KEYRING-TIME waiting for the keyring was interrupted. Whether it was stored is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSlow(map[string]string{})
			ctx, end := context.WithCancel(t.Context())
			defer end()
			out := make(chan error, 1)
			go func() { out <- s.Set(ctx, "r1", keys.NewSecret([]byte("hush")), false) }() // ends with the answer
			for range tt.answered {
				within(t, s.pass)
				within(t, s.entered)
				s.answer <- struct{}{}
			}
			within(t, s.entered)
			if over := within(t, s.pass); tt.late {
				over()
			} else {
				end()
			}
			says(t, within(t, out), tt.want)
		})
	}
}

func TestOneCallAtATime(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	r := &ring{entries: map[string]string{"r1": "hush"}, before: func(string, string) error {
		most.Store(max(most.Load(), now.Add(1)))
		now.Add(-1)
		return nil
	}}
	v := vault(r, "")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 20 {
				if s, err := v.Get(context.Background(), "keyring:r1"); err != nil || string(s.Reveal()) != "hush" {
					t.Errorf("%v", err)
				}
			}
		})
	}
	all.Wait()
	if most.Load() != 1 || len(r.calls) != 1000 {
		t.Errorf("%d at once, %d in all", most.Load(), len(r.calls))
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	fails := func(at string, err error) func(op, name string) error {
		return func(op, _ string) error {
			if op == at {
				return err
			}
			return nil
		}
	}
	for name, tt := range map[string]struct {
		old     string
		value   string
		replace bool
		before  func(op, name string) error
		fault   string
		kept    string // afterwards
		calls   int
	}{
		"new":           {value: "hush", kept: "hush", calls: 3},
		"there is one":  {old: "old", value: "hush", fault: `SEC-EXISTS the keyring has an entry "r1" already. It is untouched`, kept: "old", calls: 1},
		"replaced":      {old: "old", value: "hush", replace: true, kept: "hush", calls: 2},
		"none to place": {value: "hush", replace: true, kept: "hush", calls: 2},
		"two lines":     {value: "a\nb", fault: "SEC-VALUE the secret holds a line end or NUL; a secret is one line. Nothing was stored"},
		"empty":         {value: "", fault: "SEC-VALUE the secret is empty. Nothing was stored"},
		"too big":       {value: strings.Repeat("x", keys.MaxSecret+1), fault: "SEC-VALUE the secret has 65537 bytes; 65536 is the most. Nothing was stored"},
		"too big there": {value: "hush", before: fails("set", gokeyring.ErrSetDataTooBig), calls: 2,
			fault: "KEYRING-BIG the secret is too big for the keyring of this system. Nothing was stored. Use a shorter one, or use store:NAME"},
		"look fails":     {value: "hush", before: fails("get", errors.New("no")), calls: 1, fault: `KEYRING the keyring failed: "no". Nothing was stored. Try again, or use store:NAME`},
		"write fails":    {value: "hush", before: fails("set", errors.New("no")), calls: 2, fault: `KEYRING the keyring failed: "no". Whether it was stored is not known. Try again, or use store:NAME`},
		"nothing is set": {value: "hush", before: fails("set", errSilent), calls: 3, fault: `KEYRING the keyring took "r1" without a word and does not have it. Nothing was stored. Unlock it and try again, or use store:NAME`},
		"old one stays": {old: "old", value: "hush", replace: true, before: fails("set", errSilent), calls: 2, kept: "old",
			fault: `KEYRING the keyring gives back another secret for "r1" than was stored. Whether it was stored is not known. Look for several entries of that name, or use store:NAME`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &ring{entries: map[string]string{}, before: tt.before}
			if tt.old != "" {
				r.entries["r1"] = tt.old
			}
			err := vault(r, "").Set(t.Context(), "r1", keys.NewSecret([]byte(tt.value)), tt.replace)
			if tt.fault != "" {
				says(t, err, tt.fault)
			} else if err != nil {
				t.Error(err)
			}
			if r.entries["r1"] != tt.kept || len(r.calls) != tt.calls {
				t.Errorf("kept %q after %q", r.entries["r1"], r.calls)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	full := func() map[string]string { return map[string]string{"a": "1", "b": "2", "c": "3"} }
	r := &ring{entries: full()}
	if err := vault(r, "").Remove(t.Context(), "c", "a", "c"); err != nil || len(r.entries) != 1 || r.entries["b"] != "2" {
		t.Errorf("%v, %v", r.entries, err)
	}
	r = &ring{entries: full()}
	says(t, vault(r, "").Remove(t.Context(), "a", "x", "b"), `KEYRING-MISSING the keyring has no entry "x" of dialtone. Nothing was deleted. Add it with: dialtone secret set --keyring x`)
	if len(r.entries) != 3 {
		t.Errorf("%v", r.entries)
	}
	r = &ring{entries: full(), before: func(op, name string) error {
		if op == "delete" && name == "b" {
			return errors.New("no")
		}
		return nil
	}}
	says(t, vault(r, "").Remove(t.Context(), "a", "b", "c"), `KEYRING the keyring failed: "no". Deleted before: a. Whether it was deleted is not known. Try again, or use store:NAME`)
	if len(r.entries) != 2 {
		t.Errorf("%v", r.entries)
	}
	r = &ring{entries: full(), before: func(op, _ string) error {
		if op == "delete" {
			return errSilent
		}
		return nil
	}}
	says(t, vault(r, "").Remove(t.Context(), "a"), `KEYRING the keyring still has an entry "a". Try again: there may be several of that name`)
}
