package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/keys/atomicfile"
)

// lockWait is how long a write waits for another program that writes.
const lockWait = 2 * time.Second

// Trust records key for host in our file. It refuses when another key is on
// record (Forget comes first), when the key is revoked, and certificates. A
// key that is recorded already, in any of the files, is not written again.
func (k *KnownHosts) Trust(host string, key ssh.PublicKey) error {
	name, port, err := splitHost(host)
	if err != nil {
		return err
	}
	if _, cert := key.(*ssh.Certificate); cert {
		return &Fault{Code: "KEY-CA", What: "a certificate cannot be recorded as a host key"}
	}
	return k.edit(func(old []byte) ([]byte, error) {
		verdict, known, err := k.check(name, port, key)
		switch {
		case err != nil:
			return nil, err
		case verdict == Changed:
			return nil, &Fault{Code: "KEY-CHANGED",
				What: fmt.Sprintf("another key of %s is recorded in %s:%d", recordName(name, port), known[0].File, known[0].Line),
				Kept: "Nothing was written", Do: "Forget the old key first"}
		case verdict == Trusted && !known[0].Port22 && !known[0].CA:
			return old, nil
		}
		if len(old) > 0 && old[len(old)-1] != '\n' {
			old = append(old, '\n')
		}
		return append(old, hostEntry(name, port, key)...), nil
	})
}

// hostEntry is a line of the file with its newline. The name has passed
// splitHost, and an encoded key has no bytes but its own.
func hostEntry(name, port string, key ssh.PublicKey) string {
	return recordName(name, port) + " " + string(ssh.MarshalAuthorizedKey(key))
}

// Forget takes every plain key of host out of our file; the old file stays
// beside it with ".old" added. Other names on the same line, authorities,
// revocations, comments and bad lines stay as they are. When a key is recorded
// in a file that is not ours, the fault says where, and what to run.
func (k *KnownHosts) Forget(host string) error {
	name, port, err := splitHost(host)
	if err != nil {
		return err
	}
	record := recordName(name, port)
	err = k.edit(func(old []byte) ([]byte, error) {
		data := forgetLines(old, record)
		if k.own != "" && !bytes.Equal(data, old) {
			if err := atomicfile.Write(k.own+".old", old, 0o600); err != nil {
				return nil, err
			}
		}
		return data, nil
	})
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	left, err := k.lookup(record)
	if err != nil {
		return err
	}
	for _, e := range left {
		if e.mark == plainLine {
			return &Fault{Code: "KEY-READONLY",
				What: fmt.Sprintf("a key of %s is recorded in %s:%d, a file that is only read here", record, e.File, e.Line),
				Kept: "That file was not changed",
				Do:   fmt.Sprintf("Run: ssh-keygen -R '%s' -f %s", record, e.File)}
		}
	}
	return nil
}

// forgetLines removes record from the plain lines of a file. A line that names
// other hosts too loses only this name; one that matches by a pattern gets the
// name excluded.
func forgetLines(data []byte, record string) []byte {
	var out []byte
	for len(data) > 0 {
		raw := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			raw, data = data[:i+1], data[i+1:]
		} else {
			data = nil
		}
		l, ok, err := parseHostLine(string(bytes.TrimSuffix(raw, []byte("\n"))))
		if err != nil || !ok || l.mark != plainLine {
			out = append(out, raw...)
			continue
		}
		if !l.concerns(record) {
			out = append(out, raw...)
			continue
		}
		if hosts := withoutHost(l.hosts, record); hosts != "" {
			out = append(out, bytes.Replace(raw, []byte(l.hosts), []byte(hosts), 1)...)
		}
	}
	return out
}

// withoutHost is a list of names without one of them; "" when none is left.
func withoutHost(hosts, record string) string {
	if strings.HasPrefix(hosts, "|") {
		return "" // a hashed entry holds one name
	}
	var left []string
	positive := false
	for h := range strings.SplitSeq(hosts, ",") {
		if lower(h) == record || h == "" {
			continue
		}
		left = append(left, h)
		positive = positive || h[0] != '!'
	}
	if !positive {
		return ""
	}
	list := strings.Join(left, ",")
	if matchHosts(record, list) {
		list += ",!" + record
	}
	return list
}

// edit changes our file under its lock: change gets the content of this moment
// and returns the new one. k.mu is held during change.
func (k *KnownHosts) edit(change func(old []byte) ([]byte, error)) error {
	if k.own == "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		data, err := change(k.mem)
		if err == nil {
			k.mem = data
		}
		return err
	}
	unlock, err := atomicfile.Lock(k.own, lockWait)
	if err != nil {
		return saveFault(k.own, err)
	}
	defer unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	old, _, err := readRegular(k.own, maxHostsFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return saveFault(k.own, err) // never overwrite what cannot be read
	}
	data, err := change(bytes.Clone(old))
	if err != nil {
		return err
	}
	if bytes.Equal(data, old) {
		return nil
	}
	if err := atomicfile.Write(k.own, data, 0o600); err != nil {
		return saveFault(k.own, err)
	}
	delete(k.cache, k.own)
	return nil
}

func saveFault(file string, err error) error {
	return &Fault{Code: "KEY-SAVE", What: fmt.Sprintf("%s was not changed (%v)", file, err),
		Kept: "The file has its old content", Do: "Make it writable, or trust the key for this time only", Err: err}
}
