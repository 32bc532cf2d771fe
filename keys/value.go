package keys

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxSecret is the size in bytes up to which one secret is taken, wherever it
// is kept.
const MaxSecret = 64 << 10

const maxSecretName = 64

// ValidSecretName reports whether a kept secret may have the name: letters,
// digits, dot, underscore and dash, at most 64, neither dot nor dash first.
func ValidSecretName(name string) bool {
	if name == "" || len(name) > maxSecretName || name[0] == '.' || name[0] == '-' {
		return false
	}
	for _, r := range name {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return false
		}
	}
	return true
}

// CheckSecretName is nil for a valid name, and otherwise the fault SEC-NAME.
func CheckSecretName(name string) error {
	if ValidSecretName(name) {
		return nil
	}
	return &Fault{Code: "SEC-NAME", What: fmt.Sprintf("%.80q cannot be the name of a secret", name),
		Do: "Use 1 to 64 letters, digits, dots, underscores and dashes, the first one a letter, digit or underscore"}
}

// SecretFlaw says what keeps v from being a secret that is kept: one line of
// UTF-8 text of at most MaxSecret bytes. It is "" when nothing does, and else the
// rest of a sentence that begins with what v is. It repeats nothing of v.
func SecretFlaw(v []byte) string {
	switch {
	case len(v) == 0:
		return "is empty"
	case len(v) > MaxSecret:
		return fmt.Sprintf("has %d bytes; %d is the most", len(v), MaxSecret)
	case !utf8.Valid(v):
		return "is not UTF-8 text"
	case bytes.ContainsAny(v, "\x00\r\n"):
		return "holds a line end or NUL; a secret is one line"
	}
	return ""
}
