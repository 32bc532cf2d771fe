package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/pelletier/go-toml/v2"

	"dialtone/keys"
)

const (
	right = "canary-passphrase-1"
	other = "canary-passphrase-2"
)

// person answers questions from a list and counts them.
type person struct {
	mu      sync.Mutex
	answers []string
	asked   []Question
}

func (p *person) ask(_ context.Context, q Question) (keys.Secret, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, q)
	if len(p.answers) == 0 {
		return keys.Secret{}, errors.New("nobody there")
	}
	a := p.answers[0]
	p.answers = p.answers[1:]
	return keys.NewSecret([]byte(a)), nil
}

func (p *person) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked)
}

// clock is time that moves when a test says so.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	waits  []time.Duration
	timers map[int]timer
	n      int
}

type timer struct {
	at time.Time
	f  func()
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 21, 14, 0, 0, 0, time.UTC), timers: map[int]timer{}}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waits = append(c.waits, d)
	c.now = c.now.Add(d)
	return ctx.Err()
}

func (c *clock) after(d time.Duration, f func()) func() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	id := c.n
	c.timers[id] = timer{c.now.Add(d), f}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, ok := c.timers[id]
		delete(c.timers, id)
		return ok
	}
}

// pass moves the clock and runs what falls due.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	c.now = c.now.Add(d)
	var due []func()
	for id, t := range c.timers {
		if !t.at.After(c.now) {
			due = append(due, t.f)
			delete(c.timers, id)
		}
	}
	c.mu.Unlock()
	for _, f := range due {
		f()
	}
}

func cheap(path string, p *person, c *clock) *Store {
	return Make(Options{Path: path, Ask: p.ask, Now: c.Now, Wait: c.wait, AfterFunc: c.after, factor: 1, most: 10})
}

func newPath(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "dialtone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "secrets")
}

// filled makes a store with secrets and closes it again.
func filled(t *testing.T, m map[string]string) string {
	t.Helper()
	path := newPath(t)
	s := cheap(path, &person{answers: []string{right, right}}, newClock())
	for k, v := range m {
		if err := s.Set(t.Context(), k, keys.NewSecret([]byte(v)), false); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func code(err error) string {
	var f *keys.Fault
	if errors.As(err, &f) {
		return f.Code
	}
	return fmt.Sprint(err)
}

func get(t *testing.T, s *Store, name string) string {
	t.Helper()
	v, err := s.Get(t.Context(), "store:"+name)
	if err != nil {
		t.Fatal(err)
	}
	return string(v.Reveal())
}

func TestSecretsComeBackInALaterRun(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"r1": "plain", "a.b-c_9": `quo"te\back`, "Z": "tab\there", "u": "zwölf é 𝄞", "ctl": "\x01\x7f\x1b",
		"long": strings.Repeat("x", keys.MaxSecret), "toml": `"""`, "hash": "# not a remark = x",
	}
	path := filled(t, want)
	p := &person{answers: []string{right}}
	s := cheap(path, p, newClock())
	for k, v := range want {
		if got := get(t, s, k); got != v {
			t.Errorf("%s: %q, want %q", k, got, v)
		}
	}
	if n := p.count(); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	names, err := s.Names(t.Context())
	if err != nil || !slices.Equal(names, []string{"Z", "a.b-c_9", "ctl", "hash", "long", "r1", "toml", "u"}) {
		t.Errorf("names %q, %v", names, err)
	}
	fi, err := os.Stat(path)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("plain")) || bytes.Contains(data, []byte("a.b-c_9")) {
		t.Error("the file shows what is in it")
	}
}

func TestAgeItselfReadsAndWritesTheFile(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one", "a.b": "two"})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	id, err := age.NewScryptIdentity(right)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(data), id)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]string
	if err := toml.NewDecoder(r).Decode(&m); err != nil || m["r1"] != "one" || m["a.b"] != "two" || len(m) != 2 {
		t.Errorf("age reads %q, %v", m, err)
	}

	text := "# by hand\nr2 = 'three'\n"
	var out bytes.Buffer
	rcpt, err := age.NewScryptRecipient(right)
	if err != nil {
		t.Fatal(err)
	}
	rcpt.SetWorkFactor(2)
	w, err := age.Encrypt(&out, rcpt)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := get(t, cheap(path, &person{answers: []string{right}}, newClock()), "r2"); got != "three" {
		t.Errorf("r2 is %q", got)
	}
}

func TestRealCostIsWhatIsWritten(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	s := Make(Options{Path: path, Ask: (&person{answers: []string{right, right}}).ask})
	if err := s.Set(t.Context(), "r1", keys.NewSecret([]byte("v")), false); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(string(data), "\n---")
	if !strings.HasPrefix(head, "age-encryption.org/v1\n-> scrypt ") || !strings.Contains(head, " 18\n") {
		t.Errorf("header %q", head)
	}
	if got := get(t, s, "r1"); got != "v" {
		t.Errorf("got %q", got)
	}
}

// tamper opens data as the store of a person who knows the passphrase.
func tamper(t *testing.T, path string, data []byte, what string) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := cheap(path, &person{answers: []string{right}}, newClock())
	s.o.Tries = 1
	_, err := s.Get(t.Context(), "store:r1")
	if code(err) != "SEC-OPEN" {
		t.Errorf("%s: %v", what, err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, data) {
		t.Errorf("%s: the file was touched (%v)", what, err)
	}
}

func TestEveryFlippedBitAndEveryCutIsNoticed(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(data) * 8 {
		bad := bytes.Clone(data)
		bad[i/8] ^= 1 << (i % 8)
		tamper(t, path, bad, fmt.Sprintf("bit %d of byte %d flipped", i%8, i/8))
	}
	for i := range data {
		tamper(t, path, data[:i], fmt.Sprintf("cut at %d", i))
	}
	tamper(t, path, append(bytes.Clone(data), 0), "one byte more")
	tamper(t, path, append(bytes.Clone(data), data...), "twice")
	tamper(t, path, make([]byte, 4096), "zeros")
	t.Logf("%d bits, %d cuts", len(data)*8, len(data))
}

func TestAbsurdCostIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := bytes.Cut(data, []byte(" 1\n"))
	if !ok {
		t.Fatalf("no cost in %q", data)
	}
	for _, cost := range []string{"21", "22", "23", "30", "63", "64", "99999999999999999999", "0", "-1", "018", ""} {
		bad := slices.Concat(head, []byte(" "+cost+"\n"), rest)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		s := Make(Options{Path: path, Ask: (&person{answers: []string{right}}).ask, Tries: 1})
		start := time.Now()
		if _, err := s.Get(t.Context(), "store:r1"); code(err) != "SEC-OPEN" {
			t.Errorf("cost %q: %v", cost, err)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("cost %q took %v", cost, d)
		}
	}
}

func TestWrongPassphraseAndDamageReadTheSame(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	said := func(answer string) string {
		s := cheap(path, &person{answers: []string{answer}}, newClock())
		s.o.Tries = 1
		_, err := s.Get(t.Context(), "store:r1")
		return fmt.Sprint(err)
	}
	wrong := said(other)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if damaged := said(right); damaged != wrong || !strings.Contains(wrong, "SEC-OPEN wrong passphrase or damaged file") {
		t.Errorf("%q and %q", wrong, damaged)
	}
}

func TestWrongTriesCostMoreAndMoreTime(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	c := newClock()
	p := &person{answers: []string{"x", "y", "z", "x", "y", right, "x"}}
	s := cheap(path, p, c)
	if _, err := s.Get(t.Context(), "store:r1"); code(err) != "SEC-OPEN" {
		t.Fatal(err)
	}
	if got := get(t, s, "r1"); got != "one" {
		t.Errorf("got %q", got)
	}
	want := []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second, 8 * time.Second}
	if !slices.Equal(c.waits, want) {
		t.Errorf("waited %v, want %v", c.waits, want)
	}
	for i, q := range p.asked {
		if q.Asked != Open || q.Try != i%3+1 {
			t.Errorf("question %d: %+v", i, q)
		}
	}
	s.Lock()
	c.waits = nil
	p.answers = []string{"x", right}
	if get(t, s, "r1"); !slices.Equal(c.waits, want[:1]) {
		t.Errorf("after a right one waited %v", c.waits)
	}
}

func TestIdleStoreLocksItself(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	c := newClock()
	p := &person{answers: []string{right, right, right}}
	s := cheap(path, p, c)
	get(t, s, "r1")
	c.pass(14 * time.Minute)
	get(t, s, "r1") // counts anew
	c.pass(14 * time.Minute)
	if !s.Unlocked() || p.count() != 1 {
		t.Fatal("locked too early")
	}
	kept := s.values["r1"]
	c.pass(time.Minute)
	if s.pass != nil || s.values != nil {
		t.Error("the timer did not lock")
	}
	if string(kept) != "\x00\x00\x00" {
		t.Errorf("the secret is still there: %q", kept)
	}
	get(t, s, "r1")
	if p.count() != 2 {
		t.Errorf("asked %d times", p.count())
	}
	c.mu.Lock() // a machine that slept: the clock went on, timers did not
	c.now, c.timers = c.now.Add(time.Hour), map[int]timer{}
	c.mu.Unlock()
	if s.Unlocked() {
		t.Error("open after an hour of sleep")
	}
}

func TestChangeOfPassphrase(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	opens := func(pass string) bool {
		s := cheap(path, &person{answers: []string{pass}}, newClock())
		s.o.Tries = 1
		_, err := s.Get(t.Context(), "store:r1")
		return err == nil
	}
	for name, c := range map[string]struct {
		answers []string
		code    string
	}{
		"wrong old":    {[]string{"a", "b", "c"}, "SEC-OPEN"},
		"not the same": {[]string{right, other, other + "x", other, other + "y", other, other + "z"}, "SEC-TWICE"},
		"short":        {[]string{right, "1234567", "1234567", "1234567"}, "SEC-WEAK"},
		"nobody":       {[]string{right, other}, "SEC-LOCKED"},
	} {
		if err := cheap(path, &person{answers: c.answers}, newClock()).ChangePassphrase(t.Context()); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
			t.Errorf("%s: the file was touched", name)
		}
	}
	s := cheap(path, &person{answers: []string{right, right, other, other}}, newClock())
	get(t, s, "r1") // open: the old passphrase is asked for all the same
	if err := s.ChangePassphrase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if opens(right) || !opens(other) {
		t.Error("the wrong one of the passphrases opens it")
	}
	if get(t, s, "r1") != "one" {
		t.Error("the store that changed it cannot read it")
	}
}

// A directory that takes no new file stands for a full disk or a crash before
// the rename: the old file with the old passphrase is what is left.
func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		dir := t.TempDir()
		path := filepath.Join(dir, strings.Repeat("n", 240)) // the temporary name is too long
		s := cheap(path, &person{answers: []string{right, right}}, newClock())
		if err := s.Set(t.Context(), "r1", keys.NewSecret([]byte("v")), false); code(err) != "SEC-SAVE" {
			t.Errorf("%v", err)
		}
		return
	}
	path := filled(t, map[string]string{"r1": "one"})
	before, _ := os.ReadFile(path)
	s := cheap(path, &person{answers: []string{right, other, other}}, newClock())
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Dir(path), 0o700)
	if err := s.ChangePassphrase(t.Context()); code(err) != "SEC-SAVE" {
		t.Errorf("%v", err)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, before) {
		t.Error("the file was touched")
	}
}

func TestTwoProgramsLoseNothing(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r0": "zero"})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { // ends with its sets
			s := cheap(path, &person{answers: []string{right}}, newClock())
			for j := range 10 {
				if err := s.Set(t.Context(), fmt.Sprintf("p%d-%d", i, j), keys.NewSecret([]byte("v")), false); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	names, err := cheap(path, &person{answers: []string{right}}, newClock()).Names(t.Context())
	if err != nil || len(names) != 41 {
		t.Errorf("%d names, %v", len(names), err)
	}
}

func TestAnotherProgramChangesTheFile(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	p := &person{answers: []string{right, other}}
	s := cheap(path, p, newClock())
	get(t, s, "r1")
	q := &person{answers: []string{right, right, other, other}}
	s2 := cheap(path, q, newClock())
	if err := s2.Set(t.Context(), "r1", keys.NewSecret([]byte("three")), false); code(err) != "SEC-EXISTS" {
		t.Error(err)
	}
	if err := s2.Set(t.Context(), "r1", keys.NewSecret([]byte("two")), true); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "r1"); got != "two" || p.count() != 1 {
		t.Errorf("got %q after %d questions", got, p.count())
	}
	if err := s2.ChangePassphrase(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, s, "r1"); got != "two" || p.count() != 2 {
		t.Errorf("got %q after %d questions", got, p.count())
	}
}

func TestManyAtOnceAskOnce(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	for _, c := range []struct {
		answers []string
		code    string
	}{{[]string{right}, "<nil>"}, {nil, "SEC-LOCKED"}} {
		gate := make(chan struct{})
		p := &person{answers: c.answers}
		s := cheap(path, p, newClock())
		ask := s.o.Ask
		s.o.Ask = func(ctx context.Context, q Question) (keys.Secret, error) { <-gate; return ask(ctx, q) }
		const n = 20
		started := make(chan struct{}, n)
		errs := make(chan error, n)
		for range n {
			go func() { // ends with its Get
				s.mu.Lock()
				started <- struct{}{}
				s.mu.Unlock()
				_, err := s.Get(t.Context(), "store:r1")
				errs <- err
			}()
		}
		for range n {
			<-started
		}
		close(gate)
		asked := 0
		for range n {
			if err := <-errs; code(err) != c.code {
				t.Errorf("%v", err)
			}
		}
		if asked = p.count(); c.answers != nil && asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	s := cheap(path, &person{}, newClock())
	s.o.Ask = func(ctx context.Context, _ Question) (keys.Secret, error) {
		<-ctx.Done()
		return keys.Secret{}, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { _, err := s.Get(ctx, "store:r1"); done <- err }() // ends with ctx
	go func() { _, err := s.Get(ctx, "store:r1"); done <- err }()
	cancel()
	for range 2 {
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
	p := &person{answers: []string{right}}
	s.o.Ask = p.ask
	if get(t, s, "r1") != "one" {
		t.Error("the next one is not asked")
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	path := filled(t, map[string]string{"r1": "one"})
	link := filepath.Join(t.TempDir(), "secrets")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "secrets")
	data, _ := os.ReadFile(path)
	if err := os.WriteFile(open, data, 0o644); err != nil {
		t.Fatal(err)
	}
	wide := filepath.Join(t.TempDir(), "wide")
	if err := os.Mkdir(wide, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(wide, "secrets"), data, 0o600), os.Chmod(wide, 0o777)); err != nil {
		t.Fatal(err)
	}
	big := newPath(t)
	if err := errors.Join(os.WriteFile(big, nil, 0o600), os.Truncate(big, maxFile+1)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, ref, code string }{
		"no store":       {newPath(t), "store:r1", "SEC-NONE"},
		"no secret":      {path, "store:r2", "SEC-NONE"},
		"bad name":       {path, "store:../r1", "SEC-NAME"},
		"link":           {link, "store:r1", "SEC-FILE"},
		"others read":    {open, "store:r1", "KEY-PERM"},
		"others replace": {filepath.Join(wide, "secrets"), "store:r1", "KEY-PERM"},
		"directory":      {filepath.Dir(path), "store:r1", "KEY-FILE"},
		"too big":        {big, "store:r1", "KEY-FILE"},
	} {
		s := cheap(c.path, &person{answers: []string{right}}, newClock())
		if _, err := s.Get(t.Context(), c.ref); code(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := cheap(path, &person{answers: []string{right}}, newClock())
	for _, v := range []string{"", "a\nb", "a\x00", "\xff", strings.Repeat("x", keys.MaxSecret+1)} {
		if err := s.Set(t.Context(), "v", keys.NewSecret([]byte(v)), false); code(err) != "SEC-VALUE" {
			t.Errorf("value %.10q: %v", v, err)
		}
	}
	for _, n := range []string{"", ".a", "-a", "a/b", "a b", "ü", strings.Repeat("n", 65)} {
		if err := s.Set(t.Context(), n, keys.NewSecret([]byte("v")), false); code(err) != "SEC-NAME" {
			t.Errorf("name %q: %v", n, err)
		}
	}
	if err := s.Remove(t.Context(), "r1", "r2"); code(err) != "SEC-NONE" {
		t.Errorf("%v", err)
	}
	if get(t, s, "r1") != "one" {
		t.Error("one of two was removed")
	}
	if err := s.Remove(t.Context(), "r1"); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(t.Context(), "store:r1"); code(err) != "SEC-NONE" {
		t.Errorf("%v", err)
	}
	if _, err := Make(Options{Path: path, factor: 1, most: 10}).Get(t.Context(), "store:r1"); code(err) != "SEC-LOCKED" {
		t.Errorf("%v", err)
	}
}

// What is inside may have been written by hand; an error must not repeat it.
func TestBadTextInsideIsToldWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"r1 = canary-text", "r1 = 'a'\nr1 = 'canary-text'", "[canary-text]\na = 'x'", "r1 = 7", "r1 = ['canary-text']"} {
		_, err := parse([]byte(text))
		if c := code(err); c != "SEC-FORM" {
			t.Errorf("%q: %v", text, err)
		}
		if strings.Contains(fmt.Sprint(err), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := parse([]byte("'a b' = 'x'")); code(err) != "SEC-NAME" {
		t.Errorf("%v", err)
	}
}

func TestMissingFileIsKnownAsSuch(t *testing.T) {
	t.Parallel()
	if _, _, err := read(newPath(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func FuzzOpen(f *testing.F) {
	good, err := seal(content{"r1": []byte("one")}, []byte(right), 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 9\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := open(data, []byte(right), 4)
		if (c == nil) == (err == nil) {
			t.Fatalf("content %v, error %v", c, err)
		}
		if err == nil && (len(c) != 1 || string(c["r1"]) != "one") {
			t.Fatalf("opened what nobody wrote: %q", data)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("r1 = 'x'\n\"a.b\" = \"\\u0001\""))
	f.Add([]byte("[a]\nb = 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse(text)
		if err != nil {
			return
		}
		m := map[string]string{}
		for k, v := range c {
			m[k] = string(v)
		}
		out, err := toml.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parse(out)
		if err != nil || len(again) != len(c) {
			t.Fatalf("%q: %v", out, err)
		}
		for k, v := range c {
			if !bytes.Equal(again[k], v) {
				t.Fatalf("%q became %q", v, again[k])
			}
		}
	})
}
