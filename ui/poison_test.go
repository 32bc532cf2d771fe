package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// field is one place where text that others wrote reaches the screen.
type field struct {
	name string
	// at returns a program with text in that field and nowhere else.
	at func(t *testing.T, text string, change func(*Deps)) *program
}

// fields is every such place, each by itself.
func fields() []field {
	device := func(edit func(d *conn.Device, text string), open bool) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			d, _ := p.backend.Device(1)
			edit(&d, text)
			p.Send(events(p.backend.Set(d)))
			if open {
				p.Send(msg.OpenSession{ID: 1})
			}
			return p
		}
	}
	saved := func(edit func(pr *profile.Profile, text string), keys ...string) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			pr := profile.Profile{Target: target("aa", "192.0.2.1", link.SSH)}
			edit(&pr, text)
			p := start(t, profile.Memory(pr), change)
			p.Resize(poisonW, poisonH)
			p.Press(keys...)
			return p
		}
	}
	question := func(make func(text string) any) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			p.Send(asked{&question{ctx: context.Background(), what: make(text), reply: make1()}})
			return p
		}
	}
	pe := target("pe-12", "192.0.2.12", link.SSH)
	reply := func(body func(text string) string) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			x := exchange(t, body(text))
			x.Session, x.Request, x.Started = 1, netconf.Request{Name: "get", Body: []byte("<get/>")}, p.Now()
			p.Send(msg.OpenSession{ID: 1}, msg.ShowExchange{ID: 1, Exchange: x}, events(conn.Event{Kind: conn.ExchangeDone, Session: 1, Exchange: x}))
			return p
		}
	}
	calls := func(edit func(c *desk.Caller, l *desk.Listener, line *desk.Line, text string)) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			p, front := atDesk(t, change)
			p.Resize(poisonW, poisonH)
			c, l := callers(p.Now(), "r9")[0], onPort(p.Now())[0]
			line := desk.Line{Time: p.Now(), Event: "caller", From: c.From, Via: c.Via, Text: "called"}
			edit(&c, &l, &line, text)
			p.stand(front, []desk.Caller{c}, []desk.Listener{l}, line)
			p.root.toasts = p.root.toasts.Silent()
			p.Press("0")
			return p
		}
	}
	answered := netconf.Outcome{Result: netconf.Answered, OK: true}
	past := func(edit func(x *conn.Exchange, text string)) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			j := journal.Memory()
			p := lab(t, func(d *Deps) { d.Journal = j; change(d) })
			p.Resize(poisonW, poisonH)
			x := exchange(t, "<a/>")
			x.Session, x.Started, x.Request = 1, p.Now(), netconf.Request{Name: "get", Body: []byte("<get/>")}
			edit(x, text)
			j.Append(x, answered, nil)
			p.Send(msg.ShowHistory{})
			return p
		}
	}
	said := func(edit func(m *msg.Toast, text string), keys ...string) func(*testing.T, string, func(*Deps)) *program {
		return func(t *testing.T, text string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			m := msg.Toast{Level: msg.Warn, Text: "said"}
			edit(&m, text)
			p.Send(m)
			p.Press(keys...)
			return p
		}
	}
	return []field{
		{"profile name", saved(func(pr *profile.Profile, s string) { pr.Name = s })},
		{"profile host", saved(func(pr *profile.Profile, s string) { pr.Host = s })},
		{"profile group", saved(func(pr *profile.Profile, s string) { pr.Group = s }, "v")},
		{"profile note", saved(func(pr *profile.Profile, s string) { pr.Note = s })},
		{"profile tag", saved(func(pr *profile.Profile, s string) { pr.Tags = []string{s} }, "e")},
		{"configuration directory", func(t *testing.T, s string, change func(*Deps)) *program {
			p := start(t, nil, func(d *Deps) { change(d); d.ConfigDir = s })
			p.Resize(poisonW, poisonH)
			return p
		}},
		{"server version", device(func(d *conn.Device, s string) { d.Peer.ServerVersion = s }, false)},
		{"banner", device(func(d *conn.Device, s string) { d.Peer.Banner = s }, false)},
		{"peer address", device(func(d *conn.Device, s string) { d.Peer.Addr, d.Target.Host = s, "" }, false)},
		{"host key of the peer", device(func(d *conn.Device, s string) { d.Peer.HostKey = s }, false)},
		{"comment of the known host", device(func(d *conn.Device, s string) { d.Peer.HostKeyFrom = s }, false)},
		{"capability", device(func(d *conn.Device, s string) {
			d.Caps = netconf.NewCaps([]string{"urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=" + s})
		}, false)},
		{"disconnect reason", device(func(d *conn.Device, s string) { d.State, d.Err = conn.Lost, errors.New(s) }, false)},
		{"disconnect reason in the session", device(func(d *conn.Device, s string) { d.State, d.Err = conn.Lost, errors.New(s) }, true)},
		{"what was lost", device(func(d *conn.Device, s string) { d.State, d.Err, d.Lost = conn.Lost, errors.New("cut"), []string{s} }, true)},
		{"name of a lock", device(func(d *conn.Device, s string) { d.Locks = []netconf.Datastore{netconf.Datastore(s)} }, true)},
		{"tab title", device(func(d *conn.Device, s string) { d.Target.Name = s }, true)},
		{"key question", question(func(s string) any { return link.HostKeyQuestion{Target: pe, Host: s, Key: hostKey(2), SavedTo: "x"} })},
		{"password question", question(func(s string) any { return link.SecretQuestion{Target: pe, What: s, Try: 1} })},
		{"challenge name", question(func(s string) any {
			return link.ChallengeQuestion{Target: pe, Name: s, Prompts: []string{"a"}, Echo: []bool{true}}
		})},
		{"challenge instruction", question(func(s string) any {
			return link.ChallengeQuestion{Target: pe, Instruction: s, Prompts: []string{"a"}, Echo: []bool{true}}
		})},
		{"challenge prompt", question(func(s string) any {
			return link.ChallengeQuestion{Target: pe, Prompts: []string{s}, Echo: []bool{true}}
		})},
		{"text of a configuration", reply(func(s string) string { return "<rpc-reply><data><x>" + s + "</x></data></rpc-reply>" })},
		{"attribute of a configuration", reply(func(s string) string { return `<rpc-reply><data><x y="` + s + `"/></data></rpc-reply>` })},
		{"comment in a reply", reply(func(s string) string { return "<rpc-reply><!--" + s + "--></rpc-reply>" })},
		{"text of a schema", reply(func(s string) string {
			return "<rpc-reply><data><![CDATA[module a {\n" + s + "\n}]]></data></rpc-reply>"
		})},
		{"text that is no XML", reply(func(s string) string { return s })},
		{"notification name", notified(func(n *netconf.Notification, s string) { n.Name = s })},
		{"notification body", notified(func(n *netconf.Notification, s string) {
			n.Body = []byte("<notification><a>" + s + "</a></notification>")
		})},
		{"operation in the history", past(func(x *conn.Exchange, s string) { x.Request.Name = s })},
		{"target in the history", past(func(x *conn.Exchange, s string) { x.Request.Target = s })},
		{"device in the history", past(func(x *conn.Exchange, s string) { x.Device = s })},
		{"DEVICE-ID of a caller", calls(func(c *desk.Caller, _ *desk.Listener, _ *desk.Line, s string) { c.Claim = s })},
		{"metadata of a caller", calls(func(c *desk.Caller, _ *desk.Listener, _ *desk.Line, s string) { c.Note = s })},
		{"key of a caller", calls(func(c *desk.Caller, _ *desk.Listener, _ *desk.Line, s string) { c.Key = s })},
		{"verdict on a caller", calls(func(c *desk.Caller, _ *desk.Listener, _ *desk.Line, s string) { c.Trust = s })},
		{"profile of a caller", calls(func(c *desk.Caller, _ *desk.Listener, _ *desk.Line, s string) { c.Matches = s })},
		{"listener log", calls(func(_ *desk.Caller, _ *desk.Listener, l *desk.Line, s string) { l.Text = s })},
		{"DEVICE-ID in the log", calls(func(_ *desk.Caller, _ *desk.Listener, l *desk.Line, s string) { l.DeviceID = s })},
		{"address of a listener", calls(func(_ *desk.Caller, l *desk.Listener, _ *desk.Line, s string) { l.Bound = s })},
		{"compared values", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			p.Send(msg.OpenSession{ID: 1}, msg.ShowDiff{ID: 1, A: exchange(t, "<rpc-reply><a>x</a></rpc-reply>"), B: exchange(t, "<rpc-reply><a>"+s+"</a></rpc-reply>")})
			return p
		}},
		{"template title", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, func(d *Deps) { change(d); d.Templates = []tmpl.Template{{Name: "a", Title: s, Body: "<get/>"}} })
			p.Resize(poisonW, poisonH)
			p.Send(msg.OpenSession{ID: 1})
			p.Press("t")
			return p
		}},
		{"template text", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, func(d *Deps) {
				change(d)
				d.Templates = []tmpl.Template{{Name: "a", Title: "a", Doc: s, Body: "<get/>"}}
			})
			p.Resize(poisonW, poisonH)
			p.Send(msg.OpenSession{ID: 1})
			p.Press("t")
			return p
		}},
		{"RPC in the editor", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			p.Send(msg.OpenSession{ID: 1}, msg.LoadRPC{ID: 1, Body: s})
			return p
		}},
		{"output of a shell", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			p.Send(msg.ShowShell{Name: "vale-5", Shell: &talker{strings.NewReader(s + "\n")}})
			return p
		}},
		{"name of a shell", func(t *testing.T, s string, change func(*Deps)) *program {
			p := lab(t, change)
			p.Resize(poisonW, poisonH)
			p.Send(msg.ShowShell{Name: s, Shell: silent{}})
			return p
		}},
		{"short message", said(func(m *msg.Toast, s string) { m.Text = s })},
		{"message in the list", said(func(m *msg.Toast, s string) { m.Text = s }, "!")},
		{"detail in the list", said(func(m *msg.Toast, s string) { m.Detail = s }, "!")},
	}
}

func make1() chan answer { return make(chan answer, 1) }

// notified is the list of notifications with one in it.
func notified(edit func(n *netconf.Notification, text string)) func(*testing.T, string, func(*Deps)) *program {
	return func(t *testing.T, text string, change func(*Deps)) *program {
		p := lab(t, change)
		p.Resize(poisonW, poisonH)
		n := &netconf.Notification{EventTime: p.Now(), Received: p.Now(), Name: "a", Body: []byte("<notification><a/></notification>")}
		edit(n, text)
		p.backend.Notes(1).Add(n)
		p.Send(msg.OpenSession{ID: 1}, events(conn.Event{Kind: conn.Notified, Session: 1}))
		p.Press("e", "enter")
		return p
	}
}

// talker is a shell that says one thing and then no more.
type talker struct{ from io.Reader }

func (s *talker) Read(b []byte) (int, error) { return s.from.Read(b) }
func (s *talker) Run(string) error           { return nil }
func (s *talker) Interrupt() error           { return nil }
func (s *talker) Close() error               { return nil }

const (
	poisonW, poisonH = 199, 60
	leastFields      = 25  // security: that many fields
	leastPoisons     = 600 // and that many strings in each
	mark             = "Q7Z"
)

// poisons is hostile text of every kind.
func poisons() []string {
	var out []string
	for c := range 0x100 { // every byte: C0, DEL, C1, and what is no UTF-8
		if c < 0x20 || c >= 0x7f {
			out = append(out, string([]byte{byte(c)}))
		}
	}
	for r := rune(0x80); r < 0xa0; r++ {
		out = append(out, string(r))
	}
	for r := range unicode.MaxRune {
		if unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			out = append(out, "a"+string(r)+"b")
		}
	}
	for _, r := range []rune{0x34f, 0x115f, 0x1160, 0x17b4, 0x180b, 0x180f, 0x2800, 0x3164, 0xfe00, 0xfe0f, 0xffa0, 0xe0100, 0xe01ef} { // hide, or are blank
		out = append(out, "a"+string(r)+"b")
	}
	for f := ' '; f < 0x7f; f++ {
		out = append(out, "\x1b[2;1"+string(f), "\u009b?1"+string(f))
	}
	for _, n := range []int{0, 1, 2, 4, 7, 8, 9, 10, 11, 12, 50, 52, 104, 777, 1337} {
		out = append(out, fmt.Sprintf("\x1b]%d;evil\a", n), fmt.Sprintf("\x1b]%d;?\x1b\\", n))
	}
	for _, intro := range []string{"P", "_", "^", "X", "(0", ")B", "#8", "c", "7", "8", "=", ">", "Z", "%G", "N", "O", "|"} {
		out = append(out, "\x1b"+intro+"evil\x1b\\")
	}
	return append(out, hostile, "e"+strings.Repeat("\u0301", 500), "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf", "\r\n\x1b[A", "\b\b\b\b", "\x1b[31mred",
		strings.Repeat("\u202e", 100), strings.Repeat("x", 10_000), "\ufdd0\ufffe\uffff", "\x1b[6n", "\x1b[c", "\x1b[21t", "\x1bP$q\"p\x1b\\", "\x1b[200~rm\n\x1b[201~", "a\x1b\x1b[m")
}

// TestEachFieldKeepsPoisonFromTheTerminal puts hostile text into each field by
// itself, sees that the field is on the screen and says what is in it, and that
// nothing of it reaches the terminal. The theme has no colours, so that no
// sequence at all is ours. Each text meets every third field, which makes 15,000
// screens; with the race detector a sample of them is enough.
func TestEachFieldKeepsPoisonFromTheTerminal(t *testing.T) {
	t.Parallel()
	all, texts := fields(), poisons()
	if len(all) < leastFields || len(texts) < leastPoisons {
		t.Fatalf("%d fields and %d texts, want %d and %d", len(all), len(texts), leastFields, leastPoisons)
	}
	step := 3
	if raceDetector || testing.Short() {
		step = 29
	}
	bare := func(d *Deps) { d.Theme, _ = style.New("mono", false, true) }
	for i, f := range all {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			p := f.at(t, mark+"\x1b[2J"+mark, bare)
			p.Advance(3 * time.Second)
			dropped := f.name == "profile tag" && p.Shows(mark+"[2J"+mark) // a field that is typed into takes no control character
			if view := p.View(); !strings.Contains(view, mark+"^[") && !dropped {
				t.Fatalf("the field is not shown, or not what is in it:\n%s", view)
			}
			for j := i % step; j < len(texts); j += step {
				text := mark + texts[j]
				p := f.at(t, text, bare)
				view := p.View()
				uitest.ExactSize(t, view, poisonW, poisonH)
				if r, ok := foreign(view); !ok {
					t.Errorf("%q brings %U to the terminal", text, r)
				}
				if len(text) < 40 && !strings.Contains(view, mark) {
					t.Errorf("%q is not shown", text)
				}
				if t.Failed() {
					t.Fatal(view)
				}
			}
		})
	}
}

// foreign finds a character that does more than show.
func foreign(view string) (r rune, ok bool) {
	if !utf8.ValidString(view) {
		return utf8.RuneError, false
	}
	for _, r := range view {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r)) {
			return r, false
		}
	}
	return 0, true
}
