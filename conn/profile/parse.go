package profile

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"dialtone/conn/link"
)

const (
	maxHost = 255
	maxUser = 255
)

// Parse reads [user@]host[:port], with IPv6 in brackets, into a target. An IPv6
// address without brackets is taken as one, without a port. The target's name
// is s itself.
func Parse(s string) (link.Target, error) {
	t := link.Target{Name: s, Via: link.SSH}
	rest := s
	if i := strings.LastIndexByte(rest, '@'); i >= 0 { // a user may hold an @
		t.User, rest = rest[:i], rest[i+1:]
		if err := checkUser(t.User); err != nil {
			return link.Target{}, fmt.Errorf("target %q: user %w", s, err)
		}
	}
	host, port, err := splitPort(rest)
	if err != nil {
		return link.Target{}, fmt.Errorf("target %q: %w", s, err)
	}
	if err := checkHost(host); err != nil {
		return link.Target{}, fmt.Errorf("target %q: host %w", s, err)
	}
	t.Host, t.Port = host, port
	return t, nil
}

// splitPort takes host and port apart; port is 0 when there is none.
func splitPort(s string) (host string, port int, err error) {
	var after string
	switch {
	case strings.HasPrefix(s, "["):
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, fmt.Errorf("the bracket is not closed")
		}
		host, after = s[1:end], s[end+1:]
		if a, err := netip.ParseAddr(host); err != nil || !a.Is6() {
			return "", 0, fmt.Errorf("%q in brackets is no IPv6 address", host)
		}
		if after == "" {
			return host, 0, nil
		}
		if after[0] != ':' {
			return "", 0, fmt.Errorf("%q stands after the bracket", after)
		}
		after = after[1:]
	case strings.Count(s, ":") > 1:
		if a, err := netip.ParseAddr(s); err != nil || !a.Is6() {
			return "", 0, fmt.Errorf("%q has several colons and is no IPv6 address", s)
		}
		return s, 0, nil
	default:
		var ok bool
		if host, after, ok = strings.Cut(s, ":"); !ok {
			return s, 0, nil
		}
	}
	port, err = strconv.Atoi(after)
	if err != nil || port < 1 || port > 65535 || after[0] == '+' {
		return "", 0, fmt.Errorf("port %q must be 1 to 65535", after)
	}
	return host, port, nil
}

// checkHost accepts names and addresses. It is strict about what could be read
// as something else further on: an option, a line, a list.
func checkHost(h string) error {
	switch {
	case h == "":
		return fmt.Errorf("is missing")
	case len(h) > maxHost:
		return fmt.Errorf("is longer than %d bytes", maxHost)
	case h[0] == '-' || h[0] == '.':
		return fmt.Errorf("must not start with %q", h[0])
	}
	if a, err := netip.ParseAddr(h); err == nil {
		return checkZone(a.Zone())
	}
	for _, r := range h {
		if r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			continue
		}
		return fmt.Errorf("must not hold %q", r)
	}
	return nil
}

func checkZone(zone string) error {
	for _, r := range zone {
		if r <= ' ' || r > '~' || strings.ContainsRune(`,]["'|*!`, r) {
			return fmt.Errorf("must not hold %q", r)
		}
	}
	return nil
}

func checkUser(u string) error {
	switch {
	case u == "":
		return fmt.Errorf("is missing before the @")
	case len(u) > maxUser:
		return fmt.Errorf("is longer than %d bytes", maxUser)
	case u[0] == '-':
		return fmt.Errorf("must not start with %q", '-')
	}
	return checkText(u, false)
}

// checkText refuses what no person types: controls, broken UTF-8 and, but in
// notes, line ends.
func checkText(s string, lines bool) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("is not valid UTF-8")
	}
	for _, r := range s {
		if lines && (r == '\n' || r == '\t') {
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return fmt.Errorf("must not hold %q", r)
		}
	}
	return nil
}
