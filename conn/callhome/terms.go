package callhome

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"dialtone/keys"
)

// Terms are what an address asks of its callers. The zero value takes all.
type Terms struct {
	// Only are the networks that may call; none: all may.
	Only []netip.Prefix
	// NoPlain refuses RFC 8071 callers, for a port that only devices with a
	// greeting of their own use.
	NoPlain bool
}

// ParseOnly reads a list of networks and addresses ("192.0.2.0/24, 2001:db8::1"),
// set apart by commas or blanks. The empty list is nil: everybody may call.
func ParseOnly(list string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, word := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' }) {
		p, err := netip.ParsePrefix(word)
		if err != nil {
			a, aerr := netip.ParseAddr(word)
			if aerr != nil || a.Zone() != "" {
				return nil, &keys.Fault{Code: "LSN-ONLY", What: fmt.Sprintf("%.80q is neither a network nor an address", word), Do: "Write it as 192.0.2.0/24 or 2001:db8::1"}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if p.Addr().Is4In6() {
			if p.Bits() < 96 {
				return nil, &keys.Fault{Code: "LSN-ONLY", What: fmt.Sprintf("%.80q mixes IPv4 and IPv6", word), Do: "Write it as 192.0.2.0/24 or 2001:db8::/32"}
			}
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Fence lets through only callers of some networks; all when there are none.
// The others are reset before a byte of theirs is read, and told to away.
func Fence(nl net.Listener, only []netip.Prefix, away func(from netip.AddrPort)) net.Listener {
	if len(only) == 0 {
		return nl
	}
	return &fence{nl, only, away}
}

type fence struct {
	net.Listener
	only []netip.Prefix
	away func(netip.AddrPort)
}

// Accept returns the next caller who may call.
func (f *fence) Accept() (net.Conn, error) {
	for {
		c, err := f.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from, _ := netip.ParseAddrPort(c.RemoteAddr().String())
		a := from.Addr().Unmap().WithZone("")
		if slices.ContainsFunc(f.only, func(p netip.Prefix) bool { return p.Contains(a) }) {
			return c, nil
		}
		Reset(c)
		f.away(from)
	}
}
