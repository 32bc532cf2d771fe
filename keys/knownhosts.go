package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// maxHostsFile is more than any known_hosts file that people keep by hand.
const maxHostsFile = 64 << 20

// Problem is a line of a known_hosts file that could not be used, or with Line
// 0 a file. The rest of the file counts as if the line were not there.
type Problem struct {
	File string
	Line int
	Err  error
}

// Error names the place and the reason.
func (p Problem) Error() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %v", p.File, p.Err)
	}
	return fmt.Sprintf("%s:%d: %v", p.File, p.Line, p.Err)
}

// Unwrap returns the reason.
func (p Problem) Unwrap() error { return p.Err }

// KnownHosts is HostKeys over known_hosts files: one that is ours and written,
// and others that are only read. Its methods may be called concurrently. Files
// are read again when they have changed.
type KnownHosts struct {
	own   string
	files []string // own first
	now   func() time.Time

	mu    sync.Mutex
	cache map[string]*hostsFile
	mem   []byte // content of our file when own is ""
}

// hostsFile is one file as it was read last.
type hostsFile struct {
	info     fs.FileInfo
	lines    []hostLine
	problems []Problem
}

// NewKnownHosts reads nothing yet. With own "" what is trusted is kept in
// memory and ends with the program. Files that do not exist count as empty.
func NewKnownHosts(own string, readOnly ...string) *KnownHosts {
	return &KnownHosts{
		own:   own,
		files: append([]string{own}, readOnly...),
		now:   time.Now,
		cache: make(map[string]*hostsFile),
	}
}

// File is where Trust writes; "" when that is memory.
func (k *KnownHosts) File() string { return k.own }

// maxProblems bounds what is listed of bad lines.
const maxProblems = 1000

// Problems lists the bad lines of all files, at most 1000.
func (k *KnownHosts) Problems() []Problem {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []Problem
	for _, name := range k.files {
		f, err := k.load(name)
		if err != nil {
			out = append(out, Problem{File: name, Err: err})
			continue
		}
		out = append(out, f.problems...)
		for _, l := range f.lines { // what is decoded only on use otherwise
			if len(out) >= maxProblems {
				break
			}
			if _, err := l.publicKey(); err != nil {
				out = append(out, Problem{File: name, Line: l.num, Err: err})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Problem) int {
		if a.File != b.File {
			return slices.Index(k.files, a.File) - slices.Index(k.files, b.File)
		}
		return a.Line - b.Line
	})
	return out[:min(len(out), maxProblems)]
}

// load returns the parsed file, from the cache when it has not changed. The
// caller holds mu.
func (k *KnownHosts) load(name string) (*hostsFile, error) {
	if name == "" {
		f := parseHosts(name, k.mem)
		return f, nil
	}
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return &hostsFile{}, nil
	}
	if err != nil {
		return nil, err
	}
	if c := k.cache[name]; c != nil && os.SameFile(c.info, info) &&
		c.info.ModTime().Equal(info.ModTime()) && c.info.Size() == info.Size() &&
		time.Since(info.ModTime()) > 2*time.Second { // two changes within one tick of the clock
		return c, nil
	}
	data, info, err := readRegular(name, maxHostsFile)
	if err != nil {
		return nil, err
	}
	f := parseHosts(name, data)
	f.info = info
	k.cache[name] = f
	return f, nil
}

// parseHosts splits a file; bad lines become problems.
func parseHosts(name string, data []byte) *hostsFile {
	f := &hostsFile{}
	text := string(data)
	for num := 1; text != ""; num++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		l, ok, err := parseHostLine(line)
		l.num = num
		if ok {
			f.lines = append(f.lines, l)
		}
		if err != nil && len(f.problems) < maxProblems {
			f.problems = append(f.problems, Problem{File: name, Line: num, Err: err})
		}
	}
	return f
}

// readRegular reads a regular file of at most max bytes. It does not wait on a
// FIFO that lies in its place.
func readRegular(name string, max int64) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	data, err := io.ReadAll(io.LimitReader(f, max+1))
	if err != nil {
		return nil, nil, err
	}
	if int64(len(data)) > max {
		return nil, nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("larger than %d bytes", max)}
	}
	return data, info, nil
}

// entry is a line that concerns a host, with its key.
type entry struct {
	Known
	mark mark
}

// lookup collects the lines about one recorded name from all files. Only our
// own file must be readable when it exists. The caller holds mu.
func (k *KnownHosts) lookup(name string) ([]entry, error) {
	var out []entry
	for _, file := range k.files {
		f, err := k.load(file)
		if err != nil {
			if file != k.own {
				continue // listed by Problems
			}
			return nil, &Fault{Code: "KEY-FILE", What: fmt.Sprintf("known hosts cannot be read (%v)", err),
				Do: "Make the file readable, or move it away", Err: err}
		}
		for i := range f.lines {
			l := &f.lines[i]
			if !l.concerns(name) {
				continue
			}
			key, err := l.publicKey()
			if err != nil {
				continue // listed by Problems
			}
			out = append(out, entry{mark: l.mark, Known: Known{
				File: file, Line: l.num, Key: key,
				Revoked: l.mark == revokedLine, CA: l.mark == authority,
			}})
		}
	}
	return out, nil
}

// entries looks a host up under its own port and, for another port than 22,
// under port 22 too.
func (k *KnownHosts) entries(name, port string) (own, on22 []entry, err error) {
	if own, err = k.lookup(recordName(name, port)); err != nil || port == "22" {
		return own, nil, err
	}
	if on22, err = k.lookup(recordName(name, "22")); err != nil {
		return nil, nil, err
	}
	for i := range on22 {
		on22[i].Port22 = true
	}
	return own, on22, nil
}

// Check decides about key. A line marked @revoked wins over everything; an
// authority vouches for certificates only; any other key on record makes the
// verdict Changed, also one of another type. When nothing is recorded for the
// port, a key recorded for port 22 is accepted. The lines that led to the
// verdict come back with it. With Revoked a *Fault says why; with any other
// verdict an error means that our file could not be read.
func (k *KnownHosts) Check(host string, _ net.Addr, key ssh.PublicKey) (Verdict, []Known, error) {
	name, port, err := splitHost(host)
	if err != nil {
		return Unknown, nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.check(name, port, key)
}

func (k *KnownHosts) check(name, port string, key ssh.PublicKey) (Verdict, []Known, error) {
	own, on22, err := k.entries(name, port)
	if err != nil {
		return Unknown, nil, err
	}
	all := slices.Concat(own, on22)
	cert, isCert := key.(*ssh.Certificate)
	for _, e := range all {
		if e.mark == revokedLine && (sameKey(e.Key, key) || isCert && (sameKey(e.Key, cert.Key) || sameKey(e.Key, cert.SignatureKey))) {
			return Revoked, []Known{e.Known}, &Fault{Code: "KEY-REVOKED",
				What: fmt.Sprintf("the key %s of %s is marked as revoked in %s:%d", ssh.FingerprintSHA256(e.Key), recordName(name, port), e.File, e.Line),
				Do:   "Do not sign in; ask whoever runs the device"}
		}
	}
	if isCert {
		for _, e := range all {
			if e.mark == authority && sameKey(e.Key, cert.SignatureKey) {
				if err := k.checkCert(name, port, cert, e); err != nil {
					return Revoked, []Known{e.Known}, err
				}
				return Trusted, []Known{e.Known}, nil
			}
		}
		key = cert.Key // nobody vouches for it: only the key itself counts
	}
	if verdict, known := judge(own, key); verdict != Unknown {
		return verdict, known, nil
	}
	verdict, known := judge(on22, key)
	if verdict == Trusted {
		return Trusted, known, nil
	}
	for _, e := range all {
		if e.mark == authority && sameKey(e.Key, key) {
			return Revoked, []Known{e.Known}, &Fault{Code: "KEY-CA",
				What: fmt.Sprintf("%s shows the key of the authority in %s:%d as its own host key", recordName(name, port), e.File, e.Line),
				Do:   "Do not sign in; ask whoever runs the authority"}
		}
	}
	return Unknown, known, nil // what is known of port 22 is a hint only
}

// judge compares key with the plain entries.
func judge(es []entry, key ssh.PublicKey) (Verdict, []Known) {
	var others []Known
	for _, e := range es {
		if e.mark != plainLine {
			continue
		}
		if sameKey(e.Key, key) {
			return Trusted, []Known{e.Known}
		}
		others = append(others, e.Known)
	}
	if others == nil {
		return Unknown, nil
	}
	return Changed, others
}

// checkCert verifies a host certificate whose authority is on record.
func (k *KnownHosts) checkCert(name, port string, cert *ssh.Certificate, by entry) error {
	checker := ssh.CertChecker{
		IsHostAuthority: func(ssh.PublicKey, string) bool { return true }, // looked up already
		Clock:           k.now,
	}
	err := checker.CheckHostKey(net.JoinHostPort(name, port), nil, cert)
	if err == nil && cert.Signature != nil && cert.Signature.Format == ssh.KeyAlgoRSA {
		err = errors.New("signed with SHA-1")
	}
	if err == nil {
		return nil
	}
	return &Fault{Code: "KEY-CA",
		What: fmt.Sprintf("the certificate of %s, from the authority in %s:%d, is not valid (%q)", recordName(name, port), by.File, by.Line, err.Error()),
		Do:   "Have the device's certificate renewed", Err: err}
}

// Algorithms returns allowed with the algorithms of recorded keys first and
// the rest kept behind them, so that a device which shows a key of another
// type is seen as changed and not as one without a common algorithm.
func (k *KnownHosts) Algorithms(host string, allowed []string) []string {
	name, port, err := splitHost(host)
	if err != nil {
		return slices.Clone(allowed)
	}
	k.mu.Lock()
	own, on22, err := k.entries(name, port)
	k.mu.Unlock()
	if err != nil {
		return slices.Clone(allowed)
	}
	var known []entry
	for _, set := range [][]entry{own, on22} {
		for _, e := range set {
			if e.mark != revokedLine {
				known = append(known, e)
			}
		}
		if known != nil {
			break
		}
	}
	first, rest := make([]string, 0, len(allowed)), make([]string, 0, len(allowed))
	for _, a := range allowed {
		kind, isCert := algorithmKey(a)
		if slices.ContainsFunc(known, func(e entry) bool {
			return isCert && e.mark == authority || !isCert && e.mark == plainLine && e.Key.Type() == kind
		}) {
			first = append(first, a)
		} else {
			rest = append(rest, a)
		}
	}
	return append(first, rest...)
}

// algorithmKey returns the type of key that a host key algorithm uses.
func algorithmKey(algorithm string) (kind string, cert bool) {
	switch algorithm {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA, false
	}
	return algorithm, strings.Contains(algorithm, "-cert-v01@")
}

func sameKey(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}

// splitHost takes "name:port" or "[v6]:port", or a name alone for port 22, and
// returns the name in lower case. Names with bytes that have no place in a
// known_hosts line are refused, whoever made them up.
func splitHost(host string) (name, port string, err error) {
	name, port, err = net.SplitHostPort(host)
	if err != nil {
		name, port = host, "22"
	}
	name = lower(name)
	if n, perr := strconv.ParseUint(port, 10, 16); perr != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "", "", badHost(host)
	}
	if name == "" || len(name) > 255 {
		return "", "", badHost(host)
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != ':' && c != '_' && c != '%' && c != '-' {
			return "", "", badHost(host)
		}
	}
	return name, port, nil
}

func badHost(host string) error {
	return &Fault{Code: "KEY-HOST", What: fmt.Sprintf("%.80q is no name that can stand in known hosts", host),
		Do: "Use letters, digits and . : _ % - only"}
}

// recordName is how a host is written in the file: bare for port 22, else
// "[name]:port".
func recordName(name, port string) string {
	if port == "22" {
		return name
	}
	return "[" + name + "]:" + port
}
