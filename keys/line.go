package keys

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// mark is the @word that may begin a line of a known_hosts file.
type mark uint8

const (
	plainLine   mark = iota
	authority        // @cert-authority: signs host certificates, is no host key
	revokedLine      // @revoked
)

// hostLine is one line of a known_hosts file, with the key still as text: most
// lines concern other hosts, and decoding their keys would be wasted.
type hostLine struct {
	num   int // from 1
	mark  mark
	hosts string
	key   string // "type base64 comment"

	hashed *hashedName // when hosts is hashed
}

var (
	errMarker  = errors.New("unknown or misplaced marker")
	errNoKey   = errors.New("host names without a key")
	errKeyForm = errors.New("key is not \"type base64\"")
	errKeyType = errors.New("key type is not that of the line")
	errHash    = errors.New("malformed hashed name")
)

// parseHostLine reads one line without its newline, by the rules of sshd(8)
// "SSH_KNOWN_HOSTS FILE FORMAT" as OpenSSH applies them: what follows a NUL is
// ignored. ok is false for blank lines and comments.
func parseHostLine(s string) (l hostLine, ok bool, err error) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	s = strings.TrimLeft(strings.TrimSuffix(s, "\r"), " \t")
	if s == "" || s[0] == '#' {
		return l, false, nil
	}
	if s[0] == '@' {
		word, rest, found := strings.Cut(s, " ")
		if w, r, tab := strings.Cut(s, "\t"); tab && w == "@revoked" {
			// OpenSSH ignores this line; a revocation is better honoured.
			word, rest, found = w, r, true
		}
		switch {
		case found && word == "@cert-authority":
			l.mark = authority
		case found && word == "@revoked":
			l.mark = revokedLine
		default:
			return l, false, errMarker
		}
		s = strings.TrimLeft(rest, " \t")
		if strings.HasPrefix(s, "@") {
			return l, false, errMarker
		}
	}
	end := strings.IndexAny(s, " \t")
	if end < 0 {
		return l, false, errNoKey
	}
	l.hosts, l.key = s[:end], strings.TrimLeft(s[end:], " \t")
	if l.key == "" || l.key[0] == '#' {
		return l, false, errNoKey
	}
	if strings.HasPrefix(l.hosts, "|") {
		if l.hashed, err = parseHashed(l.hosts); err != nil {
			return l, false, err
		}
	}
	return l, true, nil
}

// publicKey decodes the key of the line. Certificates are no entries.
func (l *hostLine) publicKey() (ssh.PublicKey, error) {
	end := strings.IndexAny(l.key, " \t")
	if end < 0 {
		return nil, errKeyForm
	}
	kind, blob := l.key[:end], strings.TrimLeft(l.key[end:], " \t")
	if i := strings.IndexAny(blob, " \t"); i >= 0 {
		blob = blob[:i]
	}
	raw, err := base64.StdEncoding.DecodeString(blob)
	if err != nil || len(raw) == 0 {
		return nil, errKeyForm
	}
	key, err := ssh.ParsePublicKey(raw)
	if err != nil {
		return nil, fmt.Errorf("key of type %.40q cannot be read", kind)
	}
	if _, cert := key.(*ssh.Certificate); cert || key.Type() != kind {
		return nil, errKeyType
	}
	return key, nil
}

// concerns reports whether the line names the host. name is in the form of
// recordName.
func (l *hostLine) concerns(name string) bool {
	if l.hashed == nil {
		return matchHosts(name, l.hosts)
	}
	return hashName(&l.hashed.salt, name) == l.hashed.sum
}

// hashedName is what stands in place of a name in a hashed line.
type hashedName struct{ salt, sum [sha1.Size]byte }

// parseHashed reads "|1|salt|sum", both base64.
func parseHashed(entry string) (*hashedName, error) {
	rest, ok := strings.CutPrefix(entry, "|1|")
	salt, sum, ok2 := strings.Cut(rest, "|")
	h := new(hashedName)
	if !ok || !ok2 || !decodeSum(&h.salt, salt) || !decodeSum(&h.sum, sum) {
		return nil, errHash
	}
	return h, nil
}

func decodeSum(out *[sha1.Size]byte, text string) bool {
	var buf [30]byte
	if len(text) != base64.StdEncoding.EncodedLen(sha1.Size) {
		return false
	}
	n, err := base64.StdEncoding.Decode(buf[:], []byte(text))
	copy(out[:], buf[:])
	return err == nil && n == sha1.Size
}

// hashName is HMAC-SHA1 of name with the salt as key (RFC 2104), without the
// allocations of crypto/hmac: a file may have tens of thousands of such lines.
func hashName(salt *[sha1.Size]byte, name string) [sha1.Size]byte {
	var inner [sha1.BlockSize + 272]byte
	var outer [sha1.BlockSize + sha1.Size]byte
	for i := range sha1.BlockSize {
		var k byte
		if i < len(salt) {
			k = salt[i]
		}
		inner[i], outer[i] = k^0x36, k^0x5c
	}
	n := copy(inner[sha1.BlockSize:], name)
	sum := sha1.Sum(inner[:sha1.BlockSize+n])
	copy(outer[sha1.BlockSize:], sum[:])
	return sha1.Sum(outer[:])
}

// maxPattern is the length from which OpenSSH takes a list of patterns as
// matching nothing.
const maxPattern = 1023

// matchHosts reports whether name is matched by a comma-separated list of
// patterns with * and ?, of which one that begins with ! excludes. Upper and
// lower case are the same.
func matchHosts(name, list string) bool {
	name = lower(name)
	found := false
	for list != "" {
		pattern := list
		if i := strings.IndexByte(list, ','); i >= 0 {
			pattern, list = list[:i], list[i+1:]
		} else {
			list = ""
		}
		pattern, not := strings.CutPrefix(pattern, "!")
		if len(pattern) >= maxPattern {
			return false
		}
		if !glob(name, lower(pattern)) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// glob matches s with a pattern of * and ? byte by byte. It goes back to the
// last star only, so it takes at most len(s) times len(pattern) steps.
func glob(s, pattern string) bool {
	i, j := 0, 0
	star, mark := -1, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && pattern[j] == '*':
			star, mark = j, i
			j++
		case j < len(pattern) && (pattern[j] == '?' || pattern[j] == s[i]):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[j:], "*") == ""
}

// lower folds ASCII letters only, as host names have no others.
func lower(s string) string {
	for i := range len(s) {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
