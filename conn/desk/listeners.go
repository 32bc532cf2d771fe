package desk

import (
	"fmt"
	"net/netip"
	"slices"

	"dialtone/conn/callhome"
	"dialtone/keys"
)

// Listen starts a listener, on the terms that are remembered of it. An address
// that cannot be bound now is tried again by itself; Listeners says how it stands.
func (f *Front) Listen(kind, addr string) error {
	if kind != SSH && kind != HTTPS {
		return noKind(kind)
	}
	s, err := f.setting(kind, addr)
	if err != nil {
		return err
	}
	return f.ListenAs(s)
}

// ListenAs starts a listener on the terms of s and remembers them. s.Auto is
// not looked at.
func (f *Front) ListenAs(s Setting) error {
	only, err := callhome.ParseOnly(s.Only)
	switch {
	case err != nil:
		return err
	case s.Kind == HTTPS:
		return f.https.listen(s, only)
	case s.Kind != SSH:
		return noKind(s.Kind)
	}
	return f.begin(s, func() error { return f.ssh.StartOn(s.Addr, callhome.Terms{Only: only, NoPlain: s.NoPlain}) })
}

// begin starts a listener and notes it.
func (f *Front) begin(s Setting, start func() error) error {
	f.mu.Lock()
	i := f.listener(s.Kind, s.Addr)
	if i < 0 {
		f.listeners = append(f.listeners, Listener{Kind: s.Kind, Addr: s.Addr, Since: f.o.Now(), Only: s.Only, NoPlain: s.NoPlain})
	}
	f.mu.Unlock()
	if err := start(); err != nil {
		if i < 0 {
			f.drop(s.Kind, s.Addr)
		}
		return err
	}
	f.touch()
	if err := f.remember(s); err != nil {
		f.write(Line{Event: "listening", Text: what(err), Err: err})
	}
	return nil
}

// Stop ends a listener. Callers that wait and came by it are refused, sessions
// live on.
func (f *Front) Stop(kind, addr string) error {
	if kind == HTTPS {
		return f.https.stop(addr)
	}
	if kind != SSH {
		return noKind(kind)
	}
	if !f.ssh.Stop(addr) {
		return &keys.Fault{Code: "LSN-NONE", What: "nothing listens on " + addr}
	}
	f.drop(kind, addr)
	return nil
}

func noKind(kind string) error {
	return &keys.Fault{Code: "LSN-KIND", What: fmt.Sprintf("there is no listener of the kind %.20q", kind), Do: "Use ssh or https"}
}

// listener finds a listener; f.mu is held.
func (f *Front) listener(kind, addr string) int {
	return slices.IndexFunc(f.listeners, func(l Listener) bool { return l.Kind == kind && l.Addr == addr })
}

func (f *Front) drop(kind, addr string) {
	f.mu.Lock()
	f.listeners = slices.DeleteFunc(f.listeners, func(l Listener) bool { return l.Kind == kind && l.Addr == addr })
	f.mu.Unlock()
	f.touch()
}

// Listeners returns them in the order of their start.
func (f *Front) Listeners() []Listener {
	f.mu.Lock()
	out := slices.Clone(f.listeners)
	f.mu.Unlock()
	for i := range out {
		if out[i].Kind == HTTPS {
			out[i].Counted = f.https.counted(out[i].Addr)
			continue
		}
		c := f.ssh.Counts(out[i].Addr)
		out[i].Counted = Counts{Accepted: c.Accepted, Refused: c.Refused, Waiting: c.Waiting, Penalised: f.ssh.Penalised()}
	}
	return out
}

// stands notes how a listener stands.
func (f *Front) stands(kind, addr, bound string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := f.listener(kind, addr); i >= 0 {
		f.listeners[i].Bound, f.listeners[i].Err, f.listeners[i].Since = bound, err, f.o.Now()
	}
}

// Kinds returns the kinds of listeners that Listen can start.
func (f *Front) Kinds() []string { return []string{SSH, HTTPS} }

// listeningText is the log line of a listener that is up.
func listeningText(kind, bound string, tries int) string {
	text := "listening on " + bound + " (" + kind + ")" + afterTries(tries)
	if a, err := netip.ParseAddrPort(bound); err == nil && a.Addr().IsUnspecified() {
		text += ", which every network of this machine reaches"
	}
	return text
}
