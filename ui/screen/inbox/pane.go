package inbox

import (
	"fmt"
	"strings"

	"dialtone/conn/desk"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
)

// PaneHeight is the height of Pane, frame included.
const PaneHeight = 8

// Pane draws who waits as a pane of another screen, w cells wide: what does not
// fit is in the inbox itself.
func Pane(d *screen.Deps, now msg.Desk, w int) []string {
	t := d.Theme
	cell := func(text string, w int) string { return t.Fit(text, w-1) + " " }
	line := func(from, via, claims, key, matches, waiting, closes string) string {
		return "   " + cell(from, 23) + cell(via, 10) + cell(claims, 25) + cell(key, 37) + cell(matches, 17) + cell(waiting, 9) + closes
	}
	body := []string{t.Paint(style.Dim, line("FROM", "VIA", "CLAIMS TO BE", "KEY", "MATCHES", "WAITING", "CLOSES IN"))}
	s := &Screen{d: d}
	for i, c := range now.Callers {
		if left := len(now.Callers) - i; len(body) == PaneHeight-3 && left > 1 {
			body = append(body, fmt.Sprintf("   and %d more; 0 shows all", left))
			break
		}
		closes := ""
		if !c.Parked && !c.Until.IsZero() {
			closes = short(c.Until.Sub(d.Now()))
		}
		proof, key := pieces(c)
		row := line(from(c), viaWord(c.Via), strings.TrimSpace(claim(c)+"  "+proof), key, matches(c), s.waits(c), closes)
		body = append(body, t.Paint(token(c), t.Fit(row, w-2)))
	}
	if len(now.Callers) == 0 {
		body = append(body, "", t.Paint(style.Dim, "   Nobody waits. "+listening(now.Listeners)+"."))
	}
	return t.Box(w, PaneHeight, "Call-home inbox", fmt.Sprintf("%d waiting", len(now.Callers)), false, body)
}

// pieces splits a verdict into what it says of the name and of the key, which
// is shortened to its ends.
func pieces(c desk.Caller) (proof, key string) {
	var word string
	for _, p := range strings.Split(c.Trust, ", ") {
		if k, ok := strings.CutPrefix(p, "key "); ok {
			word = k
		} else {
			proof = strings.TrimSpace(proof + " " + safe.Text(p))
		}
	}
	key = safe.Text(c.Key)
	if i := strings.Index(key, "SHA256:"); i >= 0 && len(key) > i+20 {
		key = key[:i+11] + "\u2026" + key[len(key)-4:]
	}
	return proof, strings.TrimSpace(key + "  " + safe.Text(word))
}
