package keys

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Limits on what an agent may send and how long it may think.
const (
	agentListMax     = 1 << 20
	agentSignMax     = 64 << 10
	agentListTime    = 5 * time.Second
	agentSignTime    = 60 * time.Second // a person may have to touch or confirm
	agentKeysOffered = 5                // servers allow about six tries
)

// The messages of draft-ietf-sshm-ssh-agent that are used here.
const (
	agentFailure      = 5
	agentRequestList  = 11
	agentListAnswer   = 12
	agentSignRequest  = 13
	agentSignResponse = 14
	agentFlagSHA256   = 2
	agentFlagSHA512   = 4
)

// Agent is a running ssh-agent. Each question uses a connection of its own
// with a deadline, so nothing is left open. It is never forwarded.
type Agent struct {
	Socket   string        // "": the variable SSH_AUTH_SOCK
	Only     string        // fingerprint ("SHA256:...") or comment of the one key to offer
	SHA1     bool          // RSA keys may sign with SHA-1 too
	SignTime time.Duration // 0: 60 s
	// Waiting is told when a signature is asked for, and when that is over:
	// the agent may be waiting for a touch or a confirmation. May be nil.
	Waiting func(comment string, on bool)
}

// Credentials lists the keys to offer, at most five unless Only names one:
// those whose public keys are in prefer come first. The faults say what was
// wrong (AGENT-NONE, AGENT-REFUSED, AGENT-TIMEOUT, AGENT-MANY, AGENT-BAD,
// AGENT-KEY); keys may come back beside them. Signing is bound to ctx.
func (a *Agent) Credentials(ctx context.Context, prefer []ssh.PublicKey) (out []Credential, faults []*Fault) {
	reply, err := a.ask(ctx, []byte{agentRequestList}, agentListMax, agentListTime)
	if err != nil {
		return nil, []*Fault{agentFault(err)}
	}
	held, bad, err := parseAgentList(reply)
	if err != nil {
		return nil, []*Fault{agentFault(err)}
	}
	if bad > 0 {
		faults = append(faults, &Fault{Code: "AGENT-BAD", What: fmt.Sprintf("%d keys of the ssh-agent cannot be read", bad)})
	}
	for _, h := range held {
		out = append(out, a.credential(ctx, h))
	}
	if a.Only != "" {
		out = slices.DeleteFunc(out, func(c Credential) bool { return !c.named(a.Only) })
		if len(out) == 0 {
			faults = append(faults, &Fault{Code: "AGENT-KEY",
				What: fmt.Sprintf("the ssh-agent has no key %.100q (it has %d others)", a.Only, len(held)),
				Do:   "Add it with ssh-add, or change agent_key"})
		}
		return out, faults
	}
	rank := func(c Credential) int {
		for i, p := range prefer {
			if sameKey(bareKey(p), bareKey(c.PublicKey())) {
				return i
			}
		}
		return len(prefer)
	}
	slices.SortStableFunc(out, func(a, b Credential) int { return rank(a) - rank(b) })
	if len(out) > agentKeysOffered {
		faults = append(faults, &Fault{Code: "AGENT-MANY",
			What: fmt.Sprintf("the ssh-agent holds %d keys and only %d were offered", len(out), agentKeysOffered),
			Do:   "Name the right one as agent_key"})
		out = out[:agentKeysOffered]
	}
	return out, faults
}

// named reports whether the key has this fingerprint or comment.
func (c Credential) named(only string) bool {
	fp := c.Fingerprint()
	return only == fp || "SHA256:"+only == fp || only == c.Comment
}

// agentKey is one entry of the agent's list.
type agentKey struct {
	key     ssh.PublicKey
	blob    []byte
	comment string
}

// parseAgentList reads the answer to a request for identities.
func parseAgentList(b []byte) (held []agentKey, bad int, err error) {
	if len(b) > 0 && b[0] == agentFailure {
		return nil, 0, errAgentRefused
	}
	if len(b) < 5 || b[0] != agentListAnswer {
		return nil, 0, errAgentBad
	}
	n := binary.BigEndian.Uint32(b[1:])
	for rest := b[5:]; n > 0; n-- {
		blob, r, ok := cutString(rest)
		comment, r, ok2 := cutString(r)
		if !ok || !ok2 {
			return held, bad, errAgentBad
		}
		rest = r
		key, err := parseKeyGuarded(blob)
		if err != nil {
			bad++
			continue
		}
		held = append(held, agentKey{key: key, blob: blob, comment: string(comment)})
	}
	return held, bad, nil
}

// parseKeyGuarded contains a panic of the decoder in an error.
func parseKeyGuarded(blob []byte) (key ssh.PublicKey, err error) {
	defer func() {
		if v := recover(); v != nil {
			key, err = nil, errAgentBad
		}
	}()
	return ssh.ParsePublicKey(blob)
}

// cutString takes a length-prefixed string off b.
func cutString(b []byte) (s, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := binary.BigEndian.Uint32(b)
	if uint64(n) > uint64(len(b)-4) {
		return nil, nil, false
	}
	return b[4 : 4+n], b[4+n:], true
}

func appendString(b, s []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

// credential makes a signer of an entry.
func (a *Agent) credential(ctx context.Context, k agentKey) Credential {
	s := &signer{key: k.key, algos: signAlgorithms(k.key, a.SHA1)}
	s.sign = func(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
		if a.Waiting != nil {
			a.Waiting(k.comment, true)
			defer a.Waiting(k.comment, false)
		}
		sig, err := a.signature(ctx, k, data, algorithm)
		if err != nil {
			return nil, agentFault(err)
		}
		return sig, nil
	}
	return Credential{Signer: s, From: "agent", Comment: k.comment}
}

// signature asks for one signature and verifies it, so that a broken agent is
// told apart from a device that refuses the key.
func (a *Agent) signature(ctx context.Context, k agentKey, data []byte, algorithm string) (sig *ssh.Signature, err error) {
	var flags uint32
	switch algorithm {
	case ssh.KeyAlgoRSASHA256:
		flags = agentFlagSHA256
	case ssh.KeyAlgoRSASHA512:
		flags = agentFlagSHA512
	}
	req := appendString([]byte{agentSignRequest}, k.blob)
	req = binary.BigEndian.AppendUint32(appendString(req, data), flags)
	limit := a.SignTime
	if limit == 0 {
		limit = agentSignTime
	}
	reply, err := a.ask(ctx, req, agentSignMax, limit)
	if err != nil {
		return nil, err
	}
	if len(reply) > 0 && reply[0] == agentFailure {
		return nil, errAgentRefused
	}
	if len(reply) < 1 || reply[0] != agentSignResponse {
		return nil, errAgentBad
	}
	blob, rest, ok := cutString(reply[1:])
	if !ok || len(rest) > 0 {
		return nil, errAgentBad
	}
	defer func() { // the verifier must not bring the program down
		if v := recover(); v != nil {
			sig, err = nil, errAgentBad
		}
	}()
	sig = new(ssh.Signature)
	if ssh.Unmarshal(blob, sig) != nil || sig.Format != algorithm || bareKey(k.key).Verify(data, sig) != nil {
		return nil, errAgentBad
	}
	return sig, nil
}

var (
	errAgentNone    = errors.New("no ssh-agent")
	errAgentRefused = errors.New("refused")
	errAgentBad     = errors.New("malformed answer")
	errAgentBig     = errors.New("answer too large")
)

// ask sends one request and returns the answer, of at most max bytes.
func (a *Agent) ask(ctx context.Context, req []byte, max uint32, limit time.Duration) ([]byte, error) {
	path := a.Socket
	if path == "" {
		path = os.Getenv("SSH_AUTH_SOCK")
	}
	if path == "" {
		return nil, errAgentNone
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w (%v)", errAgentNone, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() }) // ends with ctx, at the latest when ask returns
	defer stop()
	reply, err := agentExchange(conn, req, max)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return reply, err
}

func agentExchange(conn net.Conn, req []byte, max uint32) ([]byte, error) {
	if _, err := conn.Write(appendString(nil, req)); err != nil {
		return nil, fmt.Errorf("%w (%v)", errAgentBad, err)
	}
	var head [4]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, fmt.Errorf("%w (%v)", errAgentBad, err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > max {
		return nil, fmt.Errorf("%w (%d bytes)", errAgentBig, n)
	}
	reply := make([]byte, n)
	if _, err := io.ReadFull(conn, reply); err != nil {
		return nil, fmt.Errorf("%w (%v)", errAgentBad, err)
	}
	return reply, nil
}

// agentFault words an error of the agent.
func agentFault(err error) *Fault {
	f := &Fault{Err: err}
	switch {
	case errors.Is(err, errAgentNone):
		f.Code, f.What = "AGENT-NONE", "no ssh-agent can be reached"
		if _, cause, ok := strings.Cut(err.Error(), "("); ok {
			f.What += " (" + cause
		} else {
			f.What += " (SSH_AUTH_SOCK is not set)"
		}
		f.Do = "Start one, or set agent = false"
	case errors.Is(err, errAgentRefused):
		f.Code, f.What = "AGENT-REFUSED", "the ssh-agent refused"
		f.Do = "Unlock it, or confirm there; keys limited to certain hosts (ssh-add -h) cannot be used here"
	case errors.Is(err, context.DeadlineExceeded):
		f.Code, f.What = "AGENT-TIMEOUT", "the ssh-agent did not answer in time"
		f.Do = "Touch or confirm the key there, then try again"
	case errors.Is(err, context.Canceled):
		f.Code, f.What = "AGENT-STOPPED", "asking the ssh-agent was given up"
	case errors.Is(err, errAgentBig):
		f.Code, f.What = "AGENT-BIG", "the ssh-agent sent more than can be true: "+err.Error()
	default:
		f.Code, f.What = "AGENT-BAD", fmt.Sprintf("the ssh-agent answered with something that makes no sense (%v)", err)
		f.Do = "Restart it, or use a key file"
	}
	return f
}
