package screen

import (
	"dialtone/conn"
	"dialtone/ui/style"
)

// StateWord is the state of a session in one word, "" for one that was never
// dialled.
func StateWord(s conn.State) string {
	switch s {
	case conn.Dialing:
		return "dialling"
	case conn.Authenticating:
		return "auth"
	case conn.Greeting:
		return "hello"
	case conn.Open:
		return "open"
	case conn.Closing:
		return "closing"
	case conn.Closed:
		return "closed"
	case conn.Lost:
		return "lost"
	}
	return ""
}

// StateGlyph is the sign of a session's state and what it is painted as.
func StateGlyph(s conn.State) (style.Glyph, style.Token) {
	switch s {
	case conn.Open:
		return style.Live, style.OK
	case conn.Dialing, conn.Authenticating, conn.Greeting, conn.Closing:
		return style.Half, style.Warn
	case conn.Lost:
		return style.Alert, style.Error
	}
	return style.Hollow, style.Dim
}
