package commit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/keys/atomicfile"
	"dialtone/netconf/xmldiff"
	"dialtone/netconf/xmldoc"
)

// Phase is where a confirmed commit stands, as far as it is known.
type Phase string

// Sent: it is on its way, or the answer was lost with the program. Armed: the
// device said ok. RefusedPhase: the device answered with an error; some arm the
// roll-back all the same. Doubtful: it, its confirmation or its cancellation
// was sent and not answered.
const (
	Sent         Phase = "sent"
	Armed        Phase = "armed"
	RefusedPhase Phase = "refused"
	Doubtful     Phase = "doubtful"
)

// Pending is a confirmed commit that is not known to be over. It is kept in a
// file from before it is sent.
type Pending struct {
	Key     string `json:"key"`
	Device  string `json:"device"` // name of the profile or target
	Address string `json:"address,omitempty"`
	User    string `json:"user,omitempty"`
	HostKey string `json:"host_key,omitempty"` // identity of the device
	Session uint32 `json:"session"`            // NETCONF session-id that sent it
	Native  bool   `json:"native,omitempty"`   // Junos's own operation: it does not end with the session

	Sent      time.Time     `json:"sent"`
	Deadline  time.Time     `json:"deadline"` // of the roll-back, counted from Sent
	Wait      time.Duration `json:"wait"`
	PersistID string        `json:"persist_id,omitempty"`
	Boot      string        `json:"boot,omitempty"`
	Since     time.Duration `json:"since,omitempty"` // steady clock at Sent

	Before xmldiff.Sum `json:"before"` // of running; zero when it was not read
	After  xmldiff.Sum `json:"after"`  // of the candidate that was committed

	Phase  Phase  `json:"phase"`
	Reason string `json:"reason,omitempty"` // the device's last word against it. Device text
	Doubt  string `json:"doubt,omitempty"`  // what is not known, in words

	opened   time.Time       // of the session that sent it, in this run
	doc      *xmldoc.Doc     // running before it, in this run
	exchange conn.ExchangeID // that armed or prolonged it last, in this run
	undo     *Pending        // what it was before that, until it is answered
	noted    moment          // when that was
}

// Tied reports a commit that the device must roll back when the session that
// sent it ends.
func (p Pending) Tied() bool { return p.PersistID == "" && !p.Native }

func (p Pending) deadline() moment {
	return moment{p.Sent, p.Boot, p.Since}.add(p.Wait)
}

const (
	maxFile  = 64 << 10
	maxFiles = 1000
	suffix   = ".json"
	fileForm = 1
)

// file is how a Pending is written.
type file struct {
	Form int `json:"form"`
	Pending
}

// Load reads the confirmed commits of dir that are not known to be over. A file
// that cannot be read gives an error and stays. A missing directory is empty.
func Load(dir string) ([]*Pending, []error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{err}
	}
	var out []*Pending
	var errs []error
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(out)+len(errs) >= maxFiles {
			errs = append(errs, fmt.Errorf("%s holds more than %d files; the rest was not read", dir, maxFiles))
			break
		}
		p, err := read(filepath.Join(dir, e.Name()))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, p)
	}
	return out, errs
}

func read(path string) (*Pending, error) {
	fi, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() || fi.Size() > maxFile {
		return nil, fmt.Errorf("%s is not a note of a confirmed commit", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(path, b)
}

func parse(path string, b []byte) (*Pending, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p := f.Pending
	switch {
	case f.Form != fileForm:
		return nil, fmt.Errorf("%s: form %d is not known to this release", path, f.Form)
	case p.Device == "" || p.Sent.IsZero() || p.Wait <= 0:
		return nil, fmt.Errorf("%s: device, sent or wait is missing", path)
	}
	p.Key = strings.TrimSuffix(filepath.Base(path), suffix)
	p.Deadline = p.Sent.Add(p.Wait)
	return &p, nil
}

// save writes p to its file. c.mu is held.
func (c *Control) save(p *Pending) error {
	if c.o.Dir == "" {
		return nil
	}
	b, err := json.MarshalIndent(file{fileForm, *p}, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(c.path(p), append(b, '\n'), 0o600)
}

func (c *Control) path(p *Pending) string { return filepath.Join(c.o.Dir, p.Key+suffix) }

// drop forgets p, which is over. c.mu is held.
func (c *Control) drop(p *Pending) error {
	c.pending = slices.DeleteFunc(c.pending, func(q *Pending) bool { return q == p })
	c.revision.Add(1)
	if c.o.Dir == "" {
		return nil
	}
	if err := os.Remove(c.path(p)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// key names a file: what can be read of the device's name, and what makes it
// one of its own.
func key(device, random string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, device)
	sum := sha256.Sum256([]byte(device + "\x00" + random))
	return strings.Trim(plain[:min(len(plain), 40)], "-") + "-" + hex.EncodeToString(sum[:6])
}

// token is 128 random bits.
func token() string { return "dialtone-" + strings.ToLower(rand.Text()) }
