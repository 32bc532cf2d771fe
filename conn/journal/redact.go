package journal

import (
	"regexp"
	"slices"
	"strings"
)

// Redacted is what stands in place of a secret.
const Redacted = "[redacted]"

// words are parts of names whose value is a secret, in XML, set commands,
// configuration text and JSON. One too many costs readability, one too few a
// password.
const words = `password|passwd|passphrase|secret|authentication-key|auth-key|encryption-key|pre-shared-key|shared-key|private-key|privacy-key|key-string|key-data|keydata|key-octets|hex-key|ascii-key|ascii-text|hexadecimal|cleartext|community-string|community-name|credential|token|psk|hmac-key|ike-key|md5-key`

const plainValue = `&(?:quot|apos|#3[49]);[^\n<]*?&(?:quot|apos|#3[49]);|"(?:[^"\\]|\\.)*"?|'[^']*'?|[^\s;<>,\]}]+`

var (
	secretName = regexp.MustCompile(`(?i)(?:` + words + `)`)
	// secretWord is a name and the value after it on its line: secret "x";
	// password 7 x; "secret": "x".
	secretWord = regexp.MustCompile(`(?i)[\w.-]*(?:` + words + `)[\w.-]*["']?(?:\s*[:=]\s*|[ \t]+)(?:[0-9]{1,2}[ \t]+)?(` + plainValue + `)`)
	// others are names that tell only where they stand.
	others = []*regexp.Regexp{
		regexp.MustCompile(`(?i)\bkey[ \t]+("[^"\n]*"?)`),
		regexp.MustCompile(`(?i)\bsnmp(?:-server)?\b[^\n;}]*\bcommunity[ \t]+(` + plainValue + `)`),
		regexp.MustCompile(`(?i)\bcommunity[ \t]+(` + plainValue + `)[ \t]*\{[^}]*\b(?:authorization|clients)\b`),
	}
	// secretAttr is the same inside a tag.
	secretAttr = regexp.MustCompile(`(?i)([\w.:-]*(?:` + words + `)[\w.-]*\s*=\s*)("[^"]*"?|'[^']*'?)`)
	// crypted are the forms that routers and crypt write: $9$…, $1$…, $sha1$….
	crypted = regexp.MustCompile(`\$(?:[0-9][a-z]?|sha[0-9]{1,3}|crypt-base64)\$[^\s"';<>,]+`)
)

// Redact takes secrets out of a request: the text of elements with telling
// names and of all that is inside them, values after telling words, encrypted
// passwords. It works on XML that is cut off or broken too.
func Redact(s string) (out string, changed bool) {
	var b strings.Builder
	b.Grow(len(s))
	var open []element
	secret := 0 // how many of them are telling
	text := func(t string) {
		switch {
		case t == "":
		case secret > 0 && strings.TrimSpace(t) != "":
			b.WriteString(Redacted)
			changed = true
		default:
			r, c := redactText(t)
			b.WriteString(r)
			changed = changed || c
		}
	}
	for s != "" {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			text(s)
			break
		}
		text(s[:i])
		s = s[i:]
		tag, kind := nextTag(s)
		s = s[len(tag):]
		switch kind {
		case cdata:
			b.WriteString("<![CDATA[")
			text(strings.TrimSuffix(tag[len("<![CDATA["):], "]]>"))
			b.WriteString("]]>")
			continue
		case comment:
			text(tag)
			continue
		case endTag:
			name := tagName(tag[2:])
			for n := len(open) - 1; n >= 0; n-- {
				if open[n].name != name {
					continue
				}
				for _, o := range open[n:] {
					if o.telling {
						secret--
					}
				}
				open = open[:n]
				break
			}
		case startTag:
			name := tagName(tag[1:])
			if !strings.HasSuffix(tag, "/>") {
				e := element{name, telling(name, open)}
				if e.telling {
					secret++
				}
				open = append(open, e)
			}
		}
		if strings.Contains(tag, "=") {
			t := secretAttr.ReplaceAllString(tag, `${1}"`+Redacted+`"`)
			t = crypted.ReplaceAllLiteralString(t, Redacted)
			changed = changed || t != tag
			tag = t
		}
		b.WriteString(tag)
	}
	return b.String(), changed
}

// element is one that is open.
type element struct {
	name    string
	telling bool
}

// telling reports whether an element inside others holds a secret by its name.
func telling(name string, inside []element) bool {
	switch {
	case strings.EqualFold(name, "md5"), strings.EqualFold(name, "cak"):
		return true
	case plain(name):
		return false
	case strings.EqualFold(name, "community"):
		return slices.ContainsFunc(inside, func(o element) bool { return strings.HasPrefix(strings.ToLower(o.name), "snmp") })
	}
	return strings.EqualFold(name, "key") || secretName.MatchString(name)
}

// roots are parts of all the words above: text without any of them needs no
// closer look.
var roots = []string{"pass", "secret", "key", "cleartext", "community", "credential", "token", "psk", "hexadecimal", "ascii-text"}

// plain reports text that holds no secret for certain.
func plain(s string) bool {
	if len(s) < 3 {
		return true
	}
	lower := strings.ToLower(s)
	return !strings.Contains(s, "$") && !slices.ContainsFunc(roots, func(r string) bool { return strings.Contains(lower, r) })
}

// redactText takes secrets out of text without tags.
func redactText(s string) (string, bool) {
	if plain(s) {
		return s, false
	}
	t := redactWords(s)
	for _, re := range others {
		t = replaceGroup(re, t)
	}
	t = crypted.ReplaceAllLiteralString(t, Redacted)
	return t, t != s
}

// redactWords replaces the values after telling words. A value that is such a
// word itself has the secret behind it: password secret "x".
func redactWords(s string) string {
	var b strings.Builder
	for {
		m := secretWord.FindStringSubmatchIndex(s)
		if m == nil {
			b.WriteString(s)
			return b.String()
		}
		from, to := m[2], m[3]
		b.WriteString(s[:from])
		if c := s[from]; c != '"' && c != '\'' && secretName.MatchString(s[from:to]) {
			s = s[from:]
			continue
		}
		b.WriteString(Redacted)
		s = s[to:]
	}
}

// replaceGroup replaces the first group of every match.
func replaceGroup(re *regexp.Regexp, s string) string {
	var b strings.Builder
	at := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[at:m[2]])
		b.WriteString(Redacted)
		at = m[3]
	}
	b.WriteString(s[at:])
	return b.String()
}

type tagKind uint8

const (
	startTag tagKind = iota
	endTag
	cdata
	comment
	other // a processing instruction or a declaration
)

// nextTag returns the markup that s, which begins with '<', begins with; all of
// s when it is not closed.
func nextTag(s string) (tag string, kind tagKind) {
	until := func(end string) string {
		if i := strings.Index(s, end); i >= 0 {
			return s[:i+len(end)]
		}
		return s
	}
	switch {
	case strings.HasPrefix(s, "<![CDATA["):
		return until("]]>"), cdata
	case strings.HasPrefix(s, "<!--"):
		return until("-->"), comment
	case strings.HasPrefix(s, "<!"), strings.HasPrefix(s, "<?"):
		return until(">"), other
	case strings.HasPrefix(s, "</"):
		return until(">"), endTag
	}
	var quote byte // an attribute may hold >
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return s[:i+1], startTag
		}
	}
	return s, startTag
}

// tagName is the local name at the beginning of s.
func tagName(s string) string {
	if i := strings.IndexAny(s, " \t\r\n/>"); i >= 0 {
		s = s[:i]
	}
	return s[strings.LastIndexByte(s, ':')+1:]
}
