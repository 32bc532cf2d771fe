package cli

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// checkAddress refuses what is not HOST:PORT, as the flags of listeners and of
// devices that dial take it. The host may be empty; the port has a number or the
// name of a service.
func checkAddress(flag, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil || port == "" {
		return fmt.Errorf("%s %.80q is no address: use HOST:PORT", flag, addr)
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("%s %.80q is no address: a port is 0 to 65535", flag, addr)
	}
	return nil
}

// nextPort is an address i ports further; port 0 stays.
func nextPort(addr string, i int) (string, error) {
	if addr == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return "", err
	}
	if n > 0 {
		n += i
	}
	if n > 65535 {
		return "", fmt.Errorf("there is no port %d", n)
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), nil
}

// loopback reports an address that only this machine reaches; the empty one
// stands for such a one.
func loopback(addr string) bool {
	if addr == "" {
		return true
	}
	host, _, _ := net.SplitHostPort(addr)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
