package inbox

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"dialtone/conn/desk"
	"dialtone/ui/safe"
	"dialtone/ui/style"
	"dialtone/ui/widget/form"
)

// Help implements overlay.Dialog. Letters are named only while they do what is
// said: a field takes them as text. All of it fits into 80 columns.
func (l *listeners) Help() string {
	if f := l.form.Focused(); f != nil {
		return inField(f, "close")
	}
	out := "l listen"
	if len(l.ls) > 0 {
		out += "  x stop"
	}
	if l.keeper != nil && len(l.ls) > 0 {
		out += "  s autostart"
	}
	out += "  esc close  tab next" // a narrow terminal cuts what comes behind
	if l.certifies() {
		out += "  c cert"
	}
	if len(l.ls) > 1 {
		out += "  j k choose"
	}
	if len(l.ls) > 0 {
		out += "  y copy"
	}
	return out
}

// inField is the help of a dialog while one of its fields has the cursor.
func inField(f *form.Field, end string) string {
	out := "enter next"
	switch f.Kind {
	case form.Choice:
		out = "space choose  enter next"
	case form.Toggle:
		out = "space switch  enter next"
	}
	return out + "  shift+tab back  esc " + end
}

// told is an error as its dialog says it: whole sentences behind its code.
func told(err error) string {
	var f interface {
		Parts() (code, what, kept, do string)
	}
	if !errors.As(err, &f) {
		return err.Error()
	}
	code, what, kept, do := f.Parts()
	out := code + " " + what
	for _, s := range []string{kept, do} {
		if s != "" {
			out += ". " + sentence(s)
		}
	}
	return strings.TrimSuffix(out, ".") + "."
}

// reach says who can call at an address, of only some networks unless that is "".
func reach(addr, only string) (text string, tok style.Token) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return "", style.Text
	}
	if only != "" {
		return "Callers from elsewhere are turned away before a byte of theirs is read.", style.Dim
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.IsUnspecified():
		return "! All addresses: any host that reaches this machine may call. Nothing is let in without asking you, unless its profile says so.", style.Warn
	case host == "localhost" || err == nil && ip.IsLoopback():
		return "This machine only: devices elsewhere reach it through a tunnel at most.", style.Dim
	}
	return "Hosts that reach " + safe.Text(host) + " may call.", style.Dim
}

// View implements overlay.Dialog.
func (l *listeners) View(maxW, maxH int) string {
	t := l.d.Theme
	w := min(maxW, 76)
	in := w - 4
	fields := 0
	for _, f := range l.form.Fields {
		fields += b2i(!f.Hidden)
	}
	var below []string
	if text, tok := reach(l.form.Field("addr").Value(), l.form.Field("only").Value()); text != "" {
		for _, s := range style.Wrap(text, in-1) {
			below = append(below, "  "+t.Paint(tok, s))
		}
	}
	if l.failed != "" {
		for _, s := range style.Wrap("! "+safe.Text(l.failed), in-1) {
			below = append(below, "  "+t.Paint(style.Error, s))
		}
	}
	rows := l.form.View(t, w-2, fields+2)
	below = append(append(rows[:len(rows)-2:len(rows)-2], below...), rows[len(rows)-2:]...)
	room := maxH - 2 - len(below) - 1
	body := append([]string{}, l.rows(in, max(room, 1))...)
	if len(body) < room {
		body = append(body, "")
	}
	body = append(body, below...)
	up := 0
	for _, x := range l.ls {
		up += b2i(x.Bound != "")
	}
	right := "not listening"
	if len(l.ls) > 0 {
		right = fmt.Sprintf("%d of %d up", up, len(l.ls))
	}
	if extra := len(body) + 2 - maxH; extra > 0 { // the sentence below the address goes first
		at := len(body) - 2 - extra
		body = append(body[:max(at, 0):max(at, 0)], body[len(body)-2:]...)
	}
	return strings.Join(t.Box(w, min(len(body)+2, maxH), "Listeners", right, true, body), "\n")
}

// rows is the listeners, two rows each, around the selected one.
func (l *listeners) rows(w, room int) []string {
	t := l.d.Theme
	if len(l.ls) == 0 {
		ways := "RFC 8071, Junos outbound SSH"
		if slices.Contains(l.kinds, "https") {
			ways += ", outbound HTTPS"
		}
		out := []string{""}
		for _, s := range style.Wrap("Devices that dial in ("+ways+") need an address to call. Nothing is listened on now; l begins.", w-1) {
			out = append(out, "  "+s)
		}
		return out[:min(len(out), room)]
	}
	l.list.SetPage(max(room/3, 1))
	from, to := l.list.Window()
	var out []string
	for i := from; i < to; i++ {
		x := l.ls[i]
		g, tok, state := style.Live, style.OK, "listening since "+x.Since.In(l.d.Now().Location()).Format(time.TimeOnly)
		if x.Bound == "" {
			g, tok, state = style.Alert, style.Error, "down"
		} else if l.auto(x) {
			state = strings.TrimPrefix(state, "listening ")
		}
		if l.auto(x) {
			state += ", starts with dialtone"
		}
		mark := " "
		if i == l.list.At() {
			mark = t.Glyph(style.Selected)
		}
		out = append(out, t.Fit(" "+mark+t.Paint(tok, t.Glyph(g))+" "+t.Fit(safe.Text(x.Kind), 6)+" "+t.Fit(safe.Text(bound(x)), 24)+" "+t.Paint(tok, state), w+2))
		if x.Err != nil && x.Bound == "" {
			for _, s := range style.Wrap(safe.Text(told(x.Err)), w-8) {
				out = append(out, "           "+t.Paint(style.Error, s))
			}
		}
		n := x.Counted
		note := fmt.Sprintf("%d waiting, %d accepted, %d refused, %d held off", n.Waiting, n.Accepted, n.Refused, n.Penalised)
		out = append(out, t.Paint(style.Dim, t.Fit("           "+note, w+2)))
		if note = terms(x); note != "" {
			out = append(out, t.Paint(style.Dim, t.Fit("           "+note, w+2)))
		}
	}
	return out[:min(len(out), room)]
}

// terms says whom a listener takes; "" for all.
func terms(x desk.Listener) string {
	var out []string
	if x.Only != "" {
		out = append(out, "only from "+safe.Text(x.Only))
	}
	if x.NoPlain {
		out = append(out, "no plain call home")
	}
	return strings.Join(out, ", ")
}
