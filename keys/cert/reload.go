package cert

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// Reloader serves a pair and follows its files: a new one is used from the next
// connection on if it loads, else the old one stays and Changed is told why.
// Safe for concurrent use.
type Reloader struct {
	certFile, keyFile string
	now               func() time.Time
	changed           func(*Pair, error)

	mu    sync.Mutex
	pair  *Pair
	stamp [2]stamp
	next  time.Time // files are not looked at before
}

type stamp struct {
	size int64
	mod  time.Time
}

const lookEvery = 2 * time.Second

// NewReloader loads the pair; changed, which may be nil, is called after each
// attempt to load another one.
func NewReloader(certFile, keyFile string, now func() time.Time, changed func(*Pair, error)) (*Reloader, error) {
	r := &Reloader{certFile: certFile, keyFile: keyFile, now: now, changed: changed}
	r.stamp = r.look()
	p, err := Load(certFile, keyFile, now())
	if err != nil {
		return nil, err
	}
	r.pair, r.next = p, now().Add(lookEvery)
	return r, nil
}

// Fixed serves a pair that is in no file, and never another one.
func Fixed(certPEM, keyPEM []byte, now time.Time) (*Reloader, error) {
	p, err := parse("the certificate", certPEM, "the key", keyPEM, now)
	if err != nil {
		return nil, err
	}
	return &Reloader{pair: p}, nil
}

func (r *Reloader) look() (s [2]stamp) {
	for i, name := range []string{r.certFile, r.keyFile} {
		if fi, err := os.Stat(name); err == nil {
			s[i] = stamp{fi.Size(), fi.ModTime()}
		}
	}
	return s
}

// Pair returns the pair to use now.
func (r *Reloader) Pair() *Pair {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.certFile == "" {
		return r.pair
	}
	now := r.now()
	if now.Before(r.next) {
		return r.pair
	}
	r.refresh(now)
	return r.pair
}

// Look has the files looked at now, when somebody knows that they have changed.
func (r *Reloader) Look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.certFile != "" {
		r.refresh(r.now())
	}
}

// refresh takes another pair when the files are not those that were read last;
// r.mu is held.
func (r *Reloader) refresh(now time.Time) {
	r.next = now.Add(lookEvery)
	s := r.look()
	if s == r.stamp {
		return
	}
	p, err := Load(r.certFile, r.keyFile, now)
	r.stamp = s // a pair that is being written is looked at again when it changes
	if err == nil {
		r.pair = p
	}
	if r.changed != nil {
		r.changed(p, err)
	}
}

// GetCertificate is for tls.Config.
func (r *Reloader) GetCertificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return &r.Pair().TLS, nil
}
