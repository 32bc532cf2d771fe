package devconf

import (
	"cmp"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// Addresses returns the addresses of this machine as a device may dial them:
// those of its networks, IPv4 first. Without any network there are none.
func Addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var ips []netip.Addr
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok || !n.IP.IsGlobalUnicast() {
			continue
		}
		if ip, ok := netip.AddrFromSlice(n.IP); ok && !slices.Contains(ips, ip.Unmap()) {
			ips = append(ips, ip.Unmap())
		}
	}
	slices.SortStableFunc(ips, func(a, b netip.Addr) int { return cmp.Compare(a.BitLen(), b.BitLen()) })
	out := make([]string, len(ips))
	for i, ip := range ips {
		out[i] = ip.String()
	}
	return out
}

// Hostname returns the name of this machine when a device may know it, that is
// when it has a domain; "" otherwise.
func Hostname() string {
	name, err := os.Hostname()
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, domain, ok := strings.Cut(name, "."); err != nil || !ok || domain == "localdomain" {
		return ""
	}
	return name
}
