package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"filippo.io/age"
	"github.com/pelletier/go-toml/v2"

	"dialtone/keys"
)

const (
	// maxFile bounds the file, and what is in it.
	maxFile = 16 << 20

	// workFactor is the cost of one guess, as an exponent of two: 256 MiB and
	// most of a second. maxFactor is what a file may ask of the one who opens
	// it: 1 GiB.
	workFactor = 18
	maxFactor  = 20
)

// content is what is in an open store.
type content map[string][]byte

// wipe overwrites all values; best effort, since libraries have made copies.
func (c content) wipe() {
	for _, v := range c {
		clear(v)
	}
}

func (c content) names() []string { return slices.Sorted(maps.Keys(c)) }

// copy is a content of its own that holds the same.
func (c content) copy() content {
	out := make(content, len(c))
	for k, v := range c {
		out[k] = bytes.Clone(v)
	}
	return out
}

// errOpen is the cause of every fault of opening: which of passphrase and file
// is wrong cannot be known, and is not told.
var errOpen = errors.New("wrong passphrase or damaged file")

// open decrypts a store. The error is errOpen, or a *keys.Fault for a text that
// is authentic but not ours.
func open(data, pass []byte, most int) (content, error) {
	id, err := age.NewScryptIdentity(string(pass))
	if err != nil {
		return nil, errOpen
	}
	id.SetMaxWorkFactor(most)
	r, err := age.Decrypt(bytes.NewReader(data), id)
	if err != nil {
		return nil, errOpen
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	defer clear(text)
	if err != nil || len(text) > maxFile {
		return nil, errOpen
	}
	return parse(text)
}

// parse reads names and values. An error repeats nothing of the text.
func parse(text []byte) (content, error) {
	var m map[string]string
	if err := toml.Unmarshal(text, &m); err != nil {
		where := ""
		if de := new(toml.DecodeError); errors.As(err, &de) {
			line, _ := de.Position()
			where = fmt.Sprintf(" (line %d)", line)
		}
		return nil, &keys.Fault{Code: "SEC-FORM", What: "the secret store was opened, and its text is not lines of NAME = \"value\"" + where,
			Kept: "The file is untouched", Do: "Correct the text with the age program"}
	}
	c := make(content, len(m))
	for name, v := range m {
		if err := keys.CheckSecretName(name); err != nil {
			return nil, err
		}
		c[name] = []byte(v)
	}
	return c, nil
}

// seal encrypts a content for one passphrase.
func seal(c content, pass []byte, factor int) ([]byte, error) {
	m := make(map[string]string, len(c))
	for name, v := range c {
		m[name] = string(v)
	}
	text, err := toml.Marshal(m)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	rcpt, err := age.NewScryptRecipient(string(pass))
	if err != nil {
		return nil, err
	}
	rcpt.SetWorkFactor(factor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, rcpt)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if out.Len() > maxFile {
		return nil, &keys.Fault{Code: "SEC-BIG", What: fmt.Sprintf("the secret store would have %d bytes; %d MiB is the most", out.Len(), maxFile>>20),
			Kept: "The file has its old content", Do: "Remove secrets that are no longer needed"}
	}
	return out.Bytes(), nil
}

// read returns the file and what identifies its content. A file that is missing
// wraps fs.ErrNotExist; a link, or one that others can read or put there, is
// refused.
func read(path string) (data []byte, sum [sha256.Size]byte, err error) {
	fi, err := os.Lstat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, sum, noStore(path, err)
		}
		return nil, sum, &keys.Fault{Code: "SEC-FILE", What: fmt.Sprintf("%s cannot be looked at (%v)", path, keys.Cause(err)), Err: err}
	}
	if fi.Mode()&fs.ModeSymlink != 0 {
		return nil, sum, &keys.Fault{Code: "SEC-FILE", What: path + " is a symbolic link; the secret store must be a file of its own",
			Kept: "It is untouched", Do: "Put the file itself there"}
	}
	if err := checkDir(filepath.Dir(path)); err != nil {
		return nil, sum, err
	}
	if data, err = keys.ReadPrivate(path, maxFile); err != nil {
		return nil, sum, err
	}
	return data, sha256.Sum256(data), nil
}

// checkDir refuses a directory in which others could replace the file.
func checkDir(dir string) error {
	fi, err := os.Stat(dir)
	if err != nil || runtime.GOOS == "windows" || fi.Mode().Perm()&0o022 == 0 {
		return nil // one that cannot be read is told of by what follows
	}
	return &keys.Fault{Code: "KEY-PERM", What: fmt.Sprintf("others may write to %s (mode %04o), where the secret store is", dir, fi.Mode().Perm()),
		Do: fmt.Sprintf("Run: chmod 700 '%s'", dir)}
}

func noStore(path string, err error) error {
	return &keys.Fault{Code: "SEC-NONE", What: "there is no secret store yet (" + path + ")", Do: "Make it with: dialtone secret set NAME", Err: err}
}

// ValidName is keys.ValidSecretName.
func ValidName(name string) bool { return keys.ValidSecretName(name) }

// checkValue takes one line of text.
func checkValue(v []byte) error {
	if flaw := keys.SecretFlaw(v); flaw != "" {
		return &keys.Fault{Code: "SEC-VALUE", What: "the secret " + flaw, Kept: "Nothing was stored"}
	}
	return nil
}
