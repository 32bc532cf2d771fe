package desk

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/callhome"
	"dialtone/conn/profile"
	"dialtone/keys"
)

// show is a waiting caller as a row of the inbox.
func show(c callhome.Caller) Caller {
	out := Caller{
		ID: CallerID(c.ID), Via: c.Via, From: c.From, Since: c.Since, Until: c.Until,
		Claim: c.Claim, Trust: c.Trust.String(), Believed: c.Trust.Believed, Matches: c.Trust.Profile, Second: c.Second, User: c.User,
	}
	if c.Key == nil {
		out.Trust = "key not shown yet"
	} else {
		out.Key = keyText(c.Key)
	}
	var notes []string
	if c.Vendor != "" && c.Vendor != "junos" {
		notes = append(notes, c.Vendor)
	}
	if len(c.Unknown) > 0 {
		notes = append(notes, "unknown header "+strings.Join(c.Unknown, ", "))
	}
	out.Note = strings.Join(notes, "; ")
	return out
}

// keyText is a key as people compare it: "RSA 2048 SHA256:…".
func keyText(k ssh.PublicKey) string {
	kind := strings.TrimPrefix(k.Type(), "ssh-")
	switch {
	case strings.HasPrefix(kind, "ecdsa"):
		kind = "ECDSA"
	case kind == "rsa":
		if c, ok := k.(ssh.CryptoPublicKey); ok {
			if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok {
				kind = fmt.Sprint("RSA ", r.N.BitLen())
			}
		}
	}
	return strings.ToUpper(kind) + " " + ssh.FingerprintSHA256(k)
}

// trustText is the verdict on a caller for the log; "" before there is one.
func trustText(c callhome.Caller) string {
	if c.Key == nil {
		return ""
	}
	return c.Trust.String()
}

// waitText is the log line of a caller that waits.
func waitText(c callhome.Caller) string {
	who := c.Claim
	if who == "" {
		who = "a device without a name"
	}
	switch {
	case c.Key == nil:
		return who + ": waits before SSH begins"
	case c.Second:
		return who + ": " + c.Trust.String() + "; a second call, " + c.Trust.Profile + " has a session that is alive"
	case c.Trust.Key == callhome.KeyKnown:
		return who + ": " + c.Trust.String() + " as " + c.Trust.Profile
	}
	return who + ": " + c.Trust.String()
}

// what is the sentence of an error that says what happened.
func what(err error) string {
	var f *keys.Fault
	if errors.As(err, &f) {
		s := f.What
		if f.Kept != "" {
			s += "; " + strings.ToLower(f.Kept[:1]) + f.Kept[1:]
		}
		return s
	}
	if err == nil {
		return ""
	}
	return err.Error()
}

// nameFor is a target name for a caller that nobody has named.
func nameFor(c callhome.Caller) string {
	if profile.ValidName(c.Claim) {
		return c.Claim
	}
	return c.From.String()
}

// afterTries says how often an address was tried in vain before.
func afterTries(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", at the second try"
	}
	return fmt.Sprintf(", after %d tries in vain", n)
}
