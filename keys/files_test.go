package keys

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

// TestFilesOfThePersonAreNeverWritten says that whatever is trusted and
// forgotten, the files that are only read keep every byte and their time.
func TestFilesOfThePersonAreNeverWritten(t *testing.T) {
	t.Parallel()
	a, b := newSigner(t).PublicKey(), newSigner(t).PublicKey()
	text := "# mine\n[r1]:830 " + authKey(a) + "\nbad line\n|2|x|y z\n"
	theirs := hostsFileOf(t, text)
	before, err := os.Stat(theirs)
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(t.TempDir(), "known_hosts")
	k := NewKnownHosts(own, theirs)
	if err := k.Trust("r1:830", a); err != nil { // recorded there already
		t.Error(err)
	}
	if _, err := os.Stat(own); err == nil {
		t.Error("a key on record was written again")
	}
	if err := k.Trust("r1:830", b); faultCode(err) != "KEY-CHANGED" {
		t.Errorf("%v", err)
	}
	if err := k.Trust("r2:830", b); err != nil {
		t.Error(err)
	}
	if err := k.Forget("r1:830"); faultCode(err) != "KEY-READONLY" {
		t.Errorf("%v", err)
	}
	if err := k.Forget("r2:830"); err != nil {
		t.Error(err)
	}
	got, err := os.ReadFile(theirs)
	after, serr := os.Stat(theirs)
	if err != nil || serr != nil || string(got) != text || !after.ModTime().Equal(before.ModTime()) || !os.SameFile(before, after) {
		t.Errorf("the person's file was touched: %q, %v %v", got, err, serr)
	}
	entries, _ := os.ReadDir(filepath.Dir(theirs))
	if len(entries) != 1 {
		t.Errorf("something lies beside the person's file: %v", entries)
	}
}

// TestBadLinesCostNobodyElse has every kind in one file: each bad line is told
// by its number, and the lines around it count.
func TestBadLinesCostNobodyElse(t *testing.T) {
	t.Parallel()
	key := newSigner(t).PublicKey()
	A := authKey(key)
	bad := []string{
		"r0", "r0 ssh-new AAAA", "r0 ssh-ed25519 " + strings.Repeat("A", 70_000), "r0 " + A[:20] + "\x00" + A[20:], "\x00\x00 r0 " + A,
		"|1|c2FsdA==|c3Vt " + A, "|2|x|y " + A, "@cert-authority", "@other r0 " + A, "\xff\xfe\x00 x",
		strings.Repeat("x", 70_000), strings.Repeat("*a", 600) + " " + A[:9],
	}
	var text strings.Builder
	for i, line := range bad {
		fmt.Fprintf(&text, "%s\r\nr%d %s\n", line, i+1, A)
	}
	k := NewKnownHosts(hostsFileOf(t, text.String()))
	for i := range bad {
		host := fmt.Sprintf("r%d:22", i+1)
		if v, known, err := k.Check(host, nil, key); v != Trusted || err != nil || known[0].Line != 2*i+2 {
			t.Errorf("%s behind line %.20q: %v, %v", host, bad[i], v, err)
		}
	}
	told := map[int]bool{}
	for _, p := range k.Problems() {
		told[p.Line] = true
		if text := p.Error(); strings.ContainsAny(text, "\x00\x1b") || !utf8.ValidString(text) || len(text) > 500 {
			t.Errorf("the problem is shown as %.100q", text)
		}
	}
	for i := range bad {
		if i == 4 { // a NUL ends its line: nothing is there
			continue
		}
		if !told[2*i+1] {
			t.Errorf("line %d (%.20q) is not told", 2*i+1, bad[i])
		}
	}
	if v, _, err := k.Check("r0:22", nil, key); v != Unknown || err != nil {
		t.Errorf("r0 is %v, %v", v, err)
	}
}

// TestBadLinesAreListedUpToALimit has more of them in two files than are listed:
// the first ones are.
func TestBadLinesAreListedUpToALimit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := []byte(strings.Repeat("bad line\n", 800))
	names := []string{filepath.Join(dir, "one"), filepath.Join(dir, "two")}
	for _, name := range names {
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list := NewKnownHosts(names[0], names[1]).Problems()
	if len(list) != 1000 || list[799].File != names[0] || list[800].File != names[1] || list[999].Line != 200 {
		t.Errorf("%d are listed", len(list))
	}
}

// TestPatternsTakeNoTimeOfTheirOwn has patterns that a matcher which goes back
// to every star would never be done with.
func TestPatternsTakeNoTimeOfTheirOwn(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a", 200)
	for _, stars := range []int{1, 12, 60, 200} {
		pattern := strings.Repeat("*a", stars) + "*b"
		if matchHosts(name, pattern) {
			t.Errorf("%d stars match", stars)
		}
		if !matchHosts(name+"b", pattern) {
			t.Errorf("%d stars do not match", stars)
		}
	}
}

// TestManyHashedLinesAreFound has the last of 50,000 hashed names found; how
// fast is the business of the benchmark beside.
func TestManyHashedLinesAreFound(t *testing.T) {
	t.Parallel()
	key := newSigner(t).PublicKey()
	A := authKey(key)
	var text bytes.Buffer
	for i := range 50_000 {
		fmt.Fprintf(&text, "|1|%027d=|%027d= %s\n", i, i, A)
	}
	salt := []byte("twenty bytes of salt")
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte("[r1.lab]:830"))
	b64 := base64.StdEncoding.EncodeToString
	fmt.Fprintf(&text, "|1|%s|%s %s\n", b64(salt), b64(mac.Sum(nil)), A)
	k := NewKnownHosts(hostsFileOf(t, text.String()))
	if v, known, err := k.Check("R1.lab:830", nil, key); err != nil || v != Trusted || known[0].Line != 50_001 {
		t.Errorf("%v %v %v", v, known, err)
	}
	if v, _, err := k.Check("r1.lab:831", nil, key); err != nil || v != Unknown {
		t.Errorf("another port: %v %v", v, err)
	}
}

// TestPassphraseOfAnOldFileIsAskedForAtOnce takes a file form that hides the
// public key.
func TestPassphraseOfAnOldFileIsAskedForAtOnce(t *testing.T) {
	t.Parallel()
	path := keyFile(t, "-t", "ecdsa", "-N", "secret", "-m", "PEM")
	if err := os.Remove(path + ".pub"); err != nil {
		t.Fatal(err)
	}
	answers := []string{"a", "b", "c", "secret"}
	asked := 0
	f := Files{Ask: func(_ context.Context, _ string, try int) (Secret, error) {
		asked = try
		return NewSecret([]byte(answers[try-1])), nil
	}}
	if _, err := f.Load(t.Context(), path); faultCode(err) != "KEY-PASS" || asked != 3 || !strings.Contains(err.Error(), "wrong 3 times") {
		t.Errorf("%v after %d questions", err, asked)
	}
	answers = []string{"a", "b", "secret"}
	list, err := f.Load(t.Context(), path)
	if err != nil || len(list) != 1 || asked != 3 {
		t.Errorf("%v %v after %d questions", list, err, asked)
	}
}

// TestShortKeysNeedTheLegacySwitch loads a key of 1024 bits with the switch off
// and on.
func TestShortKeysNeedTheLegacySwitch(t *testing.T) {
	t.Parallel()
	path := keyFile(t, "-t", "rsa", "-b", "1024", "-N", "")
	_, err := Files{}.Load(t.Context(), path)
	if faultCode(err) != "KEY-WEAK" || !strings.Contains(err.Error(), "1024 bits") || !strings.Contains(err.Error(), "ssh-rsa") {
		t.Errorf("%v", err)
	}
	list, err := Files{Legacy: true}.Load(t.Context(), path)
	if err != nil || len(list) != 1 || list[0].PublicKey().Type() != ssh.KeyAlgoRSA {
		t.Errorf("%v, %v", list, err)
	}
}
