package cert

import (
	"bytes"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/keys"
)

func TestSaveNeverReplacesByItself(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "directory")
	crt, key := filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key")
	p, err := Save(crt, key, []string{"192.0.2.10", "nms.example.net"}, P256, false, time.Now())
	if err != nil || len(p.Warnings) > 0 {
		t.Fatalf("%v, %+v", err, p)
	}
	for f, mode := range map[string]os.FileMode{crt: 0o644, key: 0o600} {
		if fi, err := os.Stat(f); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", f, fi, err)
		}
	}
	before, _ := os.ReadFile(key)
	for _, gone := range []string{"", crt} { // each of the two is enough to refuse
		if gone != "" {
			if err := os.Remove(gone); err != nil {
				t.Fatal(err)
			}
		}
		var f *keys.Fault
		if _, err := Save(crt, key, []string{"192.0.2.11"}, P256, false, time.Now()); !errors.As(err, &f) || f.Code != "TLS-EXISTS" || !strings.Contains(f.Kept, "untouched") {
			t.Errorf("%v", err)
		}
	}
	if after, _ := os.ReadFile(key); !bytes.Equal(before, after) {
		t.Error("the key was replaced")
	}
	again, err := Save(crt, key, []string{"192.0.2.11"}, RSA2048, true, time.Now())
	if err != nil || Names(again.Leaf)[0] != "192.0.2.11" {
		t.Errorf("%v", err)
	}
	if out := openssl(t, "x509", "-in", crt, "-noout", "-fingerprint", "-sha256"); !strings.Contains(out, Fingerprint(again.Leaf)) {
		t.Errorf("openssl says %s, we say %s", out, Fingerprint(again.Leaf))
	}
	if _, err := Save(crt, key, []string{"a b"}, P256, true, time.Now()); err == nil {
		t.Error("a name with a space was taken")
	}
	if now, err := Load(crt, key, time.Now()); err != nil || !now.Leaf.Equal(again.Leaf) {
		t.Errorf("the pair is not as it was: %v", err)
	}
}

func TestFixedNeverLooksAtFiles(t *testing.T) {
	t.Parallel()
	c, k, err := Make([]string{"127.0.0.1"}, P256, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := Fixed(c, k, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r.Look()
	got, err := r.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil || got.Leaf != r.Pair().Leaf || len(r.Pair().Warnings) > 0 {
		t.Errorf("%v, %q", err, r.Pair().Warnings)
	}
	_, other, _ := Make([]string{"127.0.0.1"}, P256, time.Now())
	var f *keys.Fault
	if _, err := Fixed(c, other, time.Now()); !errors.As(err, &f) || f.Code != "TLS-PAIR" {
		t.Errorf("%v", err)
	}
}

func TestLookTakesANewPairAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	crt, key := filepath.Join(dir, "c"), filepath.Join(dir, "k")
	now := time.Now()
	if _, err := Save(crt, key, []string{"a.example"}, P256, false, now); err != nil {
		t.Fatal(err)
	}
	told := 0
	r, err := NewReloader(crt, key, func() time.Time { return now }, func(*Pair, error) { told++ })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Save(crt, key, []string{"longer.example"}, P256, true, now); err != nil {
		t.Fatal(err)
	}
	if Names(r.Pair().Leaf)[0] != "a.example" {
		t.Error("the files were looked at before their time")
	}
	r.Look()
	if Names(r.Pair().Leaf)[0] != "longer.example" || told != 1 {
		t.Errorf("still %v, told %d times", Names(r.Pair().Leaf), told)
	}
}
