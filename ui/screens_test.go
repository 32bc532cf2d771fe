package ui

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// scenes is every screen and dialog in a state worth looking at.
func scenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	with := func(keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program { p := lab(t, change); p.Press(keys...); return p }
	}
	typed := func(first, text string) func(t *testing.T) *program {
		return func(t *testing.T) *program { p := lab(t, change); p.Press(first); p.Type(text); return p }
	}
	ask := func(what any) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(asked{&question{ctx: context.Background(), what: what, reply: make(chan answer, 1)}})
			return p
		}
	}
	return map[string]func(t *testing.T) *program{
		"first-run":      func(t *testing.T) *program { return start(t, nil, change) },
		"devices":        with(),
		"devices-lost":   with("G"),
		"devices-filter": typed("/", "core"),
		"devices-none":   typed("/", "nothing"),
		"devices-group":  with("v", "o"),
		"help":           with("?"),
		"help-filter":    typed("?", "conn"),
		"palette":        typed(":", "core"),
		"quit":           with("q"),
		"delete":         with("d"),
		"demo":           with("t"),
		"profile-new":    with("a"),
		"profile-edit":   with("e"),
		"profile-errors": func(t *testing.T) *program {
			p := lab(t, change)
			p.Press("a")
			p.Type("pe-13")
			p.Press("tab", "tab", "tab")
			p.Type("192.0.2.13")
			p.Press("tab")
			p.Type("83000")
			p.Press("tab")
			return p
		},
		"profile-caller": func(t *testing.T) *program {
			p := lab(t, change)
			p.Press("a", "tab", "tab", "space", "space")
			return p
		},
		"messages": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.Toast{Level: msg.Good, Text: "saved 2.1 MB to ./core-r1-118.xml"},
				msg.Toast{Level: msg.Error, Text: "edge-7 lost: keepalive timed out", Detail: "NET-DEAD no answer to 3 keepalives\nread tcp: i/o timeout"})
			p.Press("!")
			return p
		},
		"toasts": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.Toast{Text: "one"}, msg.Toast{Level: msg.Good, Text: "saved 2.1 MB to ./core-r1-118.xml"},
				msg.Toast{Level: msg.Warn, Text: strings.Repeat("long ", 40)}, msg.Toast{Level: msg.Error, Text: "edge-7 lost: keepalive timed out"})
			return p
		},
		"host-key": ask(link.HostKeyQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Host: "[192.0.2.12]:830", Key: hostKey(1),
			SavedTo: "~/.config/dialtone/known_hosts"}),
		"secret":       ask(link.SecretQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), What: "password of admin@pe-12", Try: 2}),
		"secret-store": ask(link.SecretQuestion{Kind: link.StorePassphrase, What: "passphrase of the secret store", Try: 1}),
		"challenge": ask(link.ChallengeQuestion{Target: target("pe-12", "192.0.2.12", link.SSH), Name: "RADIUS", Instruction: "Enter the token",
			Prompts: []string{"Token: ", "Again: "}, Echo: []bool{true, false}}),
		"key-changed": func(t *testing.T) *program {
			p := lab(t, change)
			p.root.d.HostKeys = &forgetful{}
			p.Send(events(changedKey(p)))
			return p
		},
		"key-forget": func(t *testing.T) *program {
			p := lab(t, change)
			p.root.d.HostKeys = &forgetful{}
			p.Send(events(changedKey(p)))
			p.Advance(time.Second)
			p.Press("F")
			p.Type("192.0.2")
			return p
		},
		"session":      with("enter"),
		"session-lost": with("G", "enter"),
		"history": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.ShowHistory{ID: 1})
			return p
		},
		"typed-word": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(overlay.Push{Dialog: &overlay.Confirm{Theme: p.root.d.Theme, Title: "Kill session 4711 on core-r1?", Danger: true, Word: "core-r1",
				Body: []string{"The session of somebody else ends."}, Choices: []overlay.Choice{{Key: "k", Label: "kill the session", Grave: true}}}})
			p.Type("core")
			p.Press("enter")
			return p
		},
	}
}

func hostKey(seed byte) ssh.PublicKey {
	k, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), 32))).Public())
	if err != nil {
		panic(err)
	}
	return k
}

func TestScreens(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := scene(t)
			for _, at := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
				p.Resize(at[0], at[1])
				if name == "session" || name == "session-lost" || name == "history" {
					continue // their own packages keep goldens
				}
				uitest.Golden(t, name+"-"+size(at[0], at[1]), uitest.Plain(p.View()))
			}
		})
	}
}

func TestColours(t *testing.T) {
	t.Parallel()
	for _, theme := range style.Names() {
		p := lab(t, func(d *Deps) { d.Theme, _ = style.New(theme, false, false) })
		uitest.Golden(t, "ansi-"+theme, p.View())
	}
}

// hostile is text that would do harm on a terminal: it clears the screen, sets
// the title and the clipboard, turns text around, hides it, breaks lines.
const hostile = "\x1b[2J\x1b]0;title\a\x1b]52;c;aGk=\a\u202egnp.exe\u2066\u200b\x9b31m\r\nnext\ttab\x00\x7f\xff\xfe e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301 \U000e0041 界"

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	ht := link.Target{Name: hostile, Host: hostile, User: hostile, Via: link.Via(hostile), DeviceID: hostile}
	store := profile.Memory(profile.Profile{Target: target("safe", "192.0.2.1", link.SSH), Group: hostile, Tags: []string{hostile}, Note: hostile})
	dress := func(p *program, st conn.State) conn.Event {
		return p.backend.Set(conn.Device{Target: ht, State: st, Opened: p.Now(), Since: p.Now(), NetconfID: 1,
			Caps: netconf.NewCaps([]string{hostile, "urn:ietf:params:netconf:capability:with-defaults:1.0?basic-mode=" + hostile}),
			Peer: link.Peer{Addr: hostile, User: hostile, Auth: hostile, HostKey: hostile, HostKeyFrom: hostile, ServerVersion: hostile, Banner: hostile, Legacy: []string{hostile}},
			Err:  errors.New(hostile), Lost: []string{hostile}, Locks: []netconf.Datastore{hostile}, Dirty: 1})
	}
	check := func(what string, p *program) {
		for _, at := range [][2]int{{80, 24}, {140, 40}, {60, 15}, {199, 60}} {
			p.Resize(at[0], at[1])
			v := p.View()
			uitest.OnlySGR(t, v)
			uitest.ExactSize(t, v, at[0], at[1])
			if t.Failed() {
				t.Fatalf("in %s at %v", what, at)
			}
		}
	}
	questions := []any{
		link.HostKeyQuestion{Target: ht, Host: hostile, Key: hostKey(2), SavedTo: hostile},
		link.SecretQuestion{Target: ht, What: hostile, Try: 2},
		link.SecretQuestion{Kind: link.StorePassphrase, What: hostile, Try: 2},
		link.ChallengeQuestion{Target: ht, Name: hostile, Instruction: strings.Repeat(hostile+"\n", 100), Prompts: []string{hostile, hostile, hostile, hostile, hostile}, Echo: []bool{true}},
	}
	for _, theme := range []string{"default", "mono"} {
		for _, st := range []conn.State{conn.Open, conn.Lost, conn.Dialing} {
			p := start(t, store, func(d *Deps) { d.Theme, _ = style.New(theme, false, false); d.ConfigDir = hostile })
			p.Send(events(dress(p, st), conn.Event{Kind: conn.Faulted, Session: 1, Err: errors.New(hostile), Device: conn.Device{Target: ht}}))
			check("devices", p)
			for _, keys := range [][]string{{"!"}, {"?"}, {":"}, {"q"}, {"x"}, {"e"}, {"j", "d"}, {"v"}, {"j", "e"}, {"j", "e", "ctrl+r"}} {
				if keys[0] == "q" && st == conn.Lost {
					continue // nothing is open, so it quits
				}
				p.Press("esc", "esc", "esc", "g")
				p.Press(keys...)
				check(strings.Join(keys, " "), p)
			}
			p.Press("esc", "esc", "esc", "/")
			p.Paste(hostile)
			check("filter", p)
			p.Press("esc")
			p.Send(msg.OpenSession{ID: 1})
			check("session", p)
			for _, keys := range [][]string{{"?"}, {":"}, {"tab"}, {"tab"}, {"ctrl+c"}} {
				if keys[0] == "ctrl+c" && st == conn.Lost {
					continue // nothing is open, so it quits
				}
				p.Press(keys...)
				check("session "+keys[0], p)
				p.Press("esc", "esc")
			}
			p.Send(msg.ShowHistory{ID: 1})
			check("history", p)
			for _, q := range questions {
				p.Send(asked{&question{ctx: context.Background(), what: q, reply: make(chan answer, 1)}})
				check("question", p)
				p.Advance(2 * time.Second)
				p.Press("esc")
			}
		}
	}
}

func TestASCIIScreensAreASCII(t *testing.T) {
	t.Parallel()
	plain := func(d *Deps) { d.Theme, _ = style.New("mono", true, true) }
	for name, scene := range allScenes(plain) {
		p := scene(t)
		p.Resize(100, 30)
		v := p.View()
		uitest.ExactSize(t, v, 100, 30)
		for _, r := range v {
			if r > 0x7e || r < 0x20 && r != '\n' {
				t.Errorf("%s shows %U", name, r)
				break
			}
		}
	}
}

// TestNoGoldenHoldsASecret looks for what tests type into masked fields.
func TestNoGoldenHoldsASecret(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("testdata", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), secretWord) {
			t.Errorf("%s holds a secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

const secretWord = "correct-horse-9"
