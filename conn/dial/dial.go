// Package dial reaches devices over SSH: it dials, agrees on keys, checks who
// answers, signs in and opens NETCONF on a channel. Every deadline is its own,
// no connection waits for a person, and no credential leaves before the host
// key is trusted.
package dial

import (
	"context"
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// The times of one dial (security.md E2). What a person takes does not count.
const (
	tcpTime       = 10 * time.Second
	handshakeTime = 20 * time.Second
	subsystemTime = 10 * time.Second
	defaultKeep   = 15 * time.Second
	tcpUserTime   = 30 * time.Second
)

// clientVersion is what we call ourselves to everybody alike.
const clientVersion = "SSH-2.0-dialtone"

// Options configure a Dialer. Only Hosts is needed for anything but pinned keys.
type Options struct {
	Hosts keys.HostKeys // nil: nothing is known and nothing can be saved
	Vault keys.Vault    // nil: env: and file: references only
	Home  string        // "": the person's home directory
	// Lookup finds a target by the name in a jump list, before the SSH
	// configuration is asked. May be nil.
	Lookup func(name string) (link.Target, bool)
	// SSHConfig is the file to read host names, users and keys from; ""
	// means none. Nothing in it is ever run.
	SSHConfig      string
	AgentSocket    string // "": the variable SSH_AUTH_SOCK
	RekeyThreshold uint64 // bytes; 0: 1 GiB
	// Waiting is told when the agent may be waiting for a touch or a
	// confirmation, and when that is over. It must not block. May be nil.
	Waiting func(t link.Target, comment string, on bool)
	// Net opens the TCP connection; nil: a net.Dialer with the options that
	// find dead peers.
	Net func(ctx context.Context, network, address string) (net.Conn, error)
}

// Dialer is the link.Dialer for direct SSH. All that it keeps between dials is
// which key to offer first. It may be used from several goroutines.
type Dialer struct {
	o        Options
	modern   algorithms // never changed
	accepted accepted
}

// New opens nothing yet.
func New(o Options) *Dialer {
	if o.Home == "" {
		o.Home, _ = os.UserHomeDir() // without one, ~ stays as it is written
	}
	if o.RekeyThreshold == 0 {
		o.RekeyThreshold = 1 << 30
	}
	if o.Net == nil {
		d := &net.Dialer{
			Timeout:         tcpTime,
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3},
			Control:         socketOptions,
		}
		o.Net = d.DialContext
	}
	return &Dialer{o: o, modern: modern()}
}

// Dial reaches t. It returns when the request for NETCONF has been sent; if the
// device then refuses it, the first Read says so. An unknown host key ends the
// dial first; then the person is asked, and after a yes the device is dialled
// again with exactly that key accepted.
func (d *Dialer) Dial(ctx context.Context, t link.Target, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	route, err := d.route(t)
	if err != nil {
		return nil, err
	}
	accepted := make(map[string]acceptedKey)
	for range len(route) + 1 {
		l, err := d.once(ctx, route, accepted, ask, progress)
		var unknown *HostKeyError
		if !errors.As(err, &unknown) || unknown.Verdict != keys.Unknown || ask == nil {
			return l, err
		}
		hop := slices.IndexFunc(route, func(h hop) bool { return h.record == unknown.Host })
		if hop < 0 || route[hop].target.HostKey == link.Strict {
			return nil, err
		}
		if _, again := accepted[unknown.Host]; again {
			return nil, err // another key than the one accepted just now
		}
		a, aerr := d.decide(ctx, route[hop], unknown, ask)
		if aerr != nil {
			return nil, aerr
		}
		accepted[unknown.Host] = a
	}
	return nil, errors.New("dial: no end of unknown host keys")
}

// acceptedKey is a person's yes to an unknown host key.
type acceptedKey struct {
	key   ssh.PublicKey
	saved bool
}

// decide asks the person about an unknown key. No connection is open.
func (d *Dialer) decide(ctx context.Context, h hop, unknown *HostKeyError, ask link.Asker) (acceptedKey, error) {
	answer, err := ask.HostKey(ctx, link.HostKeyQuestion{
		Target: h.target, Host: unknown.Host, Key: unknown.Offered, SavedTo: unknown.SavedTo,
	})
	switch {
	case ctx.Err() != nil:
		return acceptedKey{}, ctx.Err()
	case err != nil || answer == link.Refuse:
		return acceptedKey{}, unknown
	case answer == link.TrustOnce || d.o.Hosts == nil:
		return acceptedKey{key: unknown.Offered}, nil
	}
	if err := d.o.Hosts.Trust(unknown.Host, unknown.Offered); err != nil {
		return acceptedKey{}, err
	}
	return acceptedKey{key: unknown.Offered, saved: true}, nil
}

// once dials along the route, without a question about host keys.
func (d *Dialer) once(ctx context.Context, route []hop, accepted map[string]acceptedKey, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	if progress != nil {
		progress(link.Dialing)
	}
	raw, err := d.o.Net(ctx, "tcp", route[0].address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, dialFault(route[0].address, err)
	}
	for i, h := range route {
		check := KnownHostCheck{Hosts: d.o.Hosts, Host: h.record, Target: h.target, Home: d.o.Home}
		if a, ok := accepted[h.record]; ok {
			check.Accept, check.Saved = a.key, a.saved
		}
		if i == len(route)-1 {
			return d.link(ctx, raw, h.address, h.target, check, ask, progress)
		}
		tn, _, err := d.signIn(ctx, raw, h.address, &h.target, check, ask, progress)
		if err != nil {
			return nil, err
		}
		if raw, err = tn.through(ctx, route[i+1].address); err != nil {
			tn.close()
			return nil, err
		}
	}
	return nil, errors.New("dial: empty route")
}

// Client performs the SSH side of a link on any connection: one that we
// dialled, or one on which a device called. It owns conn, also when it fails.
// hk decides about the host key; no person is asked about it.
func (d *Dialer) Client(ctx context.Context, conn net.Conn, t link.Target, hk HostKeyCheck, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	addr := t.Address()
	if a := conn.RemoteAddr(); a != nil {
		addr = a.String()
	}
	return d.link(ctx, conn, addr, t, hk, ask, progress)
}

func (d *Dialer) link(ctx context.Context, conn net.Conn, addr string, t link.Target, hk HostKeyCheck, ask link.Asker, progress func(link.Stage)) (*link.Link, error) {
	if t.Via == "" {
		t.Via = link.SSH
	}
	tn, peer, err := d.signIn(ctx, conn, addr, &t, hk, ask, progress)
	if err != nil {
		return nil, err
	}
	if progress != nil {
		progress(link.Subsystem)
	}
	s, err := tn.openStream(ctx, t)
	if err != nil {
		tn.close()
		return nil, err
	}
	return &link.Link{ReadWriteCloser: s, Peer: peer, Done: tn.ended, Err: tn.cause, Tells: true, Probe: tn.probe}, nil
}

// keepalive is the interval of a target.
func (d *Dialer) keepalive(t link.Target) time.Duration {
	if t.Keepalive > 0 {
		return time.Duration(t.Keepalive)
	}
	return defaultKeep
}

func (d *Dialer) vault() keys.Vault {
	if d.o.Vault != nil {
		return d.o.Vault
	}
	return keys.References{Home: d.o.Home}
}

func (d *Dialer) short(path string) string { return short(d.o.Home, path) }

// short writes a path under the home directory with ~.
func short(home, path string) string {
	if rel, err := filepath.Rel(home, path); home != "" && err == nil && !strings.HasPrefix(rel, "..") {
		return "~/" + filepath.ToSlash(rel)
	}
	return path
}

// hop is one SSH server on the way; the last is the device.
type hop struct {
	target  link.Target
	address string // to connect to
	record  string // to look up in known hosts
}

// route finds all hops of a target: its jump list, or the one of the SSH
// configuration.
func (d *Dialer) route(t link.Target) ([]hop, error) {
	cfg, err := readSSHConfig(d.o.SSHConfig)
	if err != nil {
		return nil, err
	}
	last, jumps, err := d.resolve(t, cfg, 830)
	if err != nil {
		return nil, err
	}
	var route []hop
	for _, name := range jumps {
		h, _, err := d.jump(name, cfg)
		if err != nil {
			return nil, err
		}
		route = append(route, h)
	}
	if len(route) > maxHops {
		return nil, &keys.Fault{Code: "NET-JUMP", What: quoted("%d jump hosts are too many", len(route))}
	}
	return append(route, last), nil
}

// onlyNamed keeps the agent from offering anything but the first key file's
// key, which it may hold unlocked.
func (d *Dialer) onlyNamed(t *link.Target) {
	if k := (keys.Files{Home: d.o.Home}).Public(t.Identity[0]); k != nil {
		t.AgentKey = ssh.FingerprintSHA256(bareKey(k))
		return
	}
	no := false
	t.Agent = &no
}

// maxHops bounds the jump hosts of one dial.
const maxHops = 8

// jump makes a hop of a name in a jump list: a profile, a name of the SSH
// configuration, or [user@]host[:port].
func (d *Dialer) jump(name string, cfg *sshConfig) (hop, []string, error) {
	if d.o.Lookup != nil {
		if t, ok := d.o.Lookup(name); ok {
			if t.Via.Calls() {
				return hop{}, nil, &keys.Fault{Code: "NET-JUMP", What: quoted("%.80q is not reached by dialling, so nothing can be reached through it", name)}
			}
			if t.Port == 0 {
				t.Port = 22 // a jump host is a login server, whatever NETCONF uses
			}
			return d.resolve(t, cfg, 22)
		}
	}
	t := link.Target{Name: name, Via: link.SSH}
	rest := name
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		t.User, rest = rest[:i], rest[i+1:]
	}
	t.Host = rest
	if host, port, err := net.SplitHostPort(rest); err == nil {
		n, perr := strconv.ParseUint(port, 10, 16)
		if perr != nil || n == 0 {
			return hop{}, nil, &keys.Fault{Code: "NET-JUMP", What: quoted("%.80q is no [user@]host[:port]", name)}
		}
		t.Host, t.Port = host, int(n)
	}
	t.Host = strings.Trim(t.Host, "[]")
	return d.resolve(t, cfg, 22)
}

// resolve fills what the target leaves open from the SSH configuration.
func (d *Dialer) resolve(t link.Target, cfg *sshConfig, port int) (hop, []string, error) {
	if t.Host == "" || strings.ContainsAny(t.Host, " \t\r\n\x00/@[]") || len(t.Host) > 255 {
		return hop{}, nil, &keys.Fault{Code: "NET-NAME", What: quoted("%.80q is no host name", t.Host), Do: "Set host in the profile"}
	}
	entry, err := cfg.host(t.Host)
	if err != nil {
		return hop{}, nil, err
	}
	jumps := t.Jump
	if len(jumps) == 0 {
		jumps = entry.jumps
	}
	name := t.Host
	if entry.hostName != "" {
		name = entry.hostName
	}
	if t.User == "" {
		t.User = entry.user
	}
	if t.User == "" {
		if u, err := user.Current(); err == nil {
			t.User = u.Username
		}
	}
	if t.Port == 0 {
		t.Port = port
		if entry.port != 0 && (port == 22 || entry.port != 22) {
			t.Port = entry.port // 22 is the shell's port, not NETCONF's
		}
	}
	if t.Port < 1 || t.Port > 65535 {
		return hop{}, nil, &keys.Fault{Code: "NET-PORT", What: quoted("%d is no port", t.Port)}
	}
	if len(t.Identity) == 0 {
		t.Identity = entry.identity
		if entry.identitiesOnly && len(t.Identity) > 0 && t.AgentKey == "" {
			d.onlyNamed(&t)
		}
	}
	h := hop{target: t, address: net.JoinHostPort(name, strconv.Itoa(t.Port))}
	h.record = h.address
	if entry.alias != "" {
		h.record = net.JoinHostPort(entry.alias, "22") // an alias is recorded without a port
	}
	return h, jumps, nil
}
