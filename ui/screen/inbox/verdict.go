package inbox

import (
	"strings"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/ui/safe"
	"dialtone/ui/style"
)

// words is what the pieces of a verdict mean to the person who decides.
func words(piece string) string {
	switch piece {
	case "HMAC ok":
		return "It knows the shared secret and vouches with it for its key."
	case "HMAC absent":
		return "It sent no HMAC: any host can claim this name."
	case "HMAC not checked":
		return "It sent an HMAC, but no profile holds a secret to check it with."
	case "key known":
		return "The host key is the one that its profile holds."
	case "key NEW":
		return "The host key is new. Compare it with the device's console."
	case "key REPLACED":
		return "The host key is not the one saved; the shared secret vouches for the change."
	case "key not shown yet":
		return "It shows its host key only once it is accepted; then it waits here once more."
	case "secret ok":
		return "It sent the shared secret of its profile."
	case "secret not checked":
		return "No profile holds a secret to check it with: any host can claim this name."
	case "unknown device":
		return "No profile has this device-id, so nothing was checked."
	case "no identity":
		return "This way of calling proves nothing: only the source address tells devices apart."
	}
	return ""
}

// verdict is a caller's trust in whole sentences.
func verdict(c desk.Caller) []string {
	var out []string
	for _, p := range strings.Split(c.Trust, ", ") {
		if w := words(p); w != "" {
			out = append(out, w)
		} else if p != "" {
			out = append(out, safe.Text(p)+".")
		}
	}
	switch {
	case c.Second && strings.Contains(c.Trust, "key known"):
		out = append(out, "A session of this device is alive; this one opens beside it.")
	case c.Second:
		out = append(out, "A session of this device is alive: this may be another device under its name.")
	}
	return out
}

// token is how a verdict is painted: proved, to be looked at, or to be wary of.
func token(c desk.Caller) style.Token {
	switch {
	case c.Second, strings.Contains(c.Trust, "no identity"), strings.Contains(c.Trust, "REPLACED"):
		return style.Error
	case c.Believed:
		return style.OK
	}
	return style.Warn
}

// viaWord is a way as the lists show it.
func viaWord(v link.Via) string {
	switch v {
	case link.HTTPS:
		return "https+"
	case link.HTTPSBasic:
		return "https"
	case "":
		return "-"
	}
	return safe.Text(string(v))
}

// claim is what a caller calls itself, "-" when it did not say.
func claim(c desk.Caller) string {
	if c.Claim == "" {
		return "-"
	}
	return safe.Text(c.Claim)
}

// who names a caller in a sentence: its own word, or where it calls from.
func who(c desk.Caller) string {
	if c.Claim != "" {
		return safe.Text(c.Claim)
	}
	return from(c)
}

// from is the caller's address; the port of a parked device says nothing, it
// opens one connection after the other.
func from(c desk.Caller) string {
	switch {
	case !c.From.IsValid():
		return "-"
	case c.Parked:
		return c.From.Addr().Unmap().String()
	}
	return c.From.String()
}

// matches is the profile that a caller belongs to.
func matches(c desk.Caller) string {
	if c.Matches == "" {
		return "nothing"
	}
	return safe.Text(c.Matches)
}
