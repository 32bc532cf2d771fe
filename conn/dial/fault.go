package dial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/keys"
)

// quoted is fmt.Sprintf; foreign bytes go through a %q verb of the format.
func quoted(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// HostKeyError is returned when the key of a device was not accepted. No
// credential has been sent.
type HostKeyError struct {
	*keys.Fault
	Verdict keys.Verdict
	Host    string        // as it is recorded: "name:port"
	Offered ssh.PublicKey // of a certificate the key in it, when nobody vouches for it
	Known   []keys.Known  // the lines that led to the verdict
	SavedTo string        // the file that Trust writes; "" when memory
}

// Unwrap returns the fault.
func (e *HostKeyError) Unwrap() error { return e.Fault }

// AuthError is returned when the device did not let us in.
type AuthError struct {
	*keys.Fault
	// SavedPassword says that a saved password was tried and refused. It is
	// not sent again by itself.
	SavedPassword bool
	Tried         []string // what was offered, in words
	Left          []string // methods that the device would still take
}

// Unwrap returns the fault.
func (e *AuthError) Unwrap() error { return e.Fault }

// AlgorithmError is returned when the two sides have no algorithm in common.
type AlgorithmError struct {
	*keys.Fault
	What         string   // "host key", "key exchange", ...
	Ours, Theirs []string // Theirs is the device's text
	Remedies     []string // legacy groups that would help
}

// Unwrap returns the fault.
func (e *AlgorithmError) Unwrap() error { return e.Fault }

// dialFault words an error of the TCP dial.
func dialFault(addr string, err error) error {
	f := &keys.Fault{Code: "NET-DIAL", Err: err}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		f.Code, f.What = "NET-NAME", quoted("the name %.100q is not known (%.100q)", dns.Name, dns.Err)
		f.Do = "Check the name"
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Code, f.What = "NET-REFUSED", addr+" refused the connection"
		f.Do = "Is NETCONF over SSH switched on there, and is the port right?"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		f.Code, f.What = "NET-TIMEOUT", quoted("no answer from %s in %d s", addr, int(tcpTime.Seconds()))
		f.Do = "Check the address, routes and filters"
	default:
		f.What = quoted("%s cannot be reached (%v)", addr, err)
	}
	return f
}

// handshakeFault words an error of the SSH handshake. ctx's error and faults
// of our own pass through.
func handshakeFault(ctx context.Context, w *wire, stage link.Stage, err error) error {
	if cause := w.why(); cause != nil && ctx.Err() == nil {
		return cause
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, known := range []any{new(*HostKeyError), new(*AuthError), new(*keys.Fault)} {
		if errors.As(err, known) {
			return deref(known)
		}
	}
	var algs *ssh.AlgorithmNegotiationError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &algs):
		return algorithmFault(w.addr, algs)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return timeoutFault(w, stage, err)
	case !w.greeted.Load() && len(w.head) > 0:
		return w.notSSH()
	case !w.greeted.Load():
		return &keys.Fault{Code: "NET-CLOSED", What: w.addr + " closed the connection before it said anything", Err: err,
			Do: "Too many connections there, an access list, or another service on that port"}
	case strings.Contains(err.Error(), "ssh: disconnect"):
		return &keys.Fault{Code: "SSH-CLOSED", What: quoted("%s ended the connection: %.300q", w.addr, err.Error()), Err: err}
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.Canceled): // of the connection: the caller's ctx was looked at above
		return &keys.Fault{Code: "NET-CLOSED", What: quoted("%s closed the connection during the handshake (%s)", w.addr, stageWord(stage)), Err: err}
	}
	return &keys.Fault{Code: "SSH-PROTO", What: quoted("the handshake with %s ended in %.300q", w.addr, err.Error()), Err: err}
}

// deref returns the error that errors.As put into p.
func deref(p any) error {
	switch e := p.(type) {
	case **HostKeyError:
		return *e
	case **AuthError:
		return *e
	case **keys.Fault:
		return *e
	}
	return nil
}

func timeoutFault(w *wire, stage link.Stage, err error) error {
	f := &keys.Fault{Code: "SSH-TIMEOUT", Err: err}
	switch {
	case !w.greeted.Load() && len(w.head) > 0 && !greetingBegun(w.head):
		return w.notSSH()
	case !w.greeted.Load():
		f.What = quoted("no SSH greeting from %s in %d s", w.addr, int(handshakeTime.Seconds()))
		f.Do = "Is the port right?"
	default:
		f.What = quoted("%s did not finish the handshake in %d s (%s)", w.addr, int(handshakeTime.Seconds()), stageWord(stage))
	}
	return f
}

// greetingBegun reports whether what came ends in the beginning of a version
// line: the peer speaks SSH, and is slow.
func greetingBegun(head []byte) bool {
	line := head[bytes.LastIndexByte(head, '\n')+1:]
	const mark = "SSH-"
	n := min(len(line), len(mark))
	return n > 0 && string(line[:n]) == mark[:n]
}

func stageWord(s link.Stage) string {
	switch s {
	case link.Authenticating:
		return "while signing in"
	case link.Subsystem:
		return "while opening the subsystem"
	}
	return "while agreeing on keys"
}

// algorithmFault shows both lists and the line that would help.
func algorithmFault(addr string, e *ssh.AlgorithmNegotiationError) error {
	out := &AlgorithmError{What: e.What, Ours: e.SupportedAlgorithms, Theirs: e.RequestedAlgorithms, Remedies: remedies(e.RequestedAlgorithms)}
	theirs := strings.Join(e.RequestedAlgorithms, ", ")
	f := &keys.Fault{Code: "SSH-ALG", Err: e,
		What: quoted("no common %s with %s: the device has %.300q, this profile allows %s", e.What, addr, theirs, strings.Join(e.SupportedAlgorithms, ", "))}
	if len(out.Remedies) > 0 {
		f.Do = fmt.Sprintf("Put legacy = [%q] into this profile if the device knows nothing better", out.Remedies[0])
	} else {
		f.Do = "The device must be made to offer something newer"
	}
	out.Fault = f
	return out
}
