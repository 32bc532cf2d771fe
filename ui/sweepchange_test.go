package ui

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/journal"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/keys/cert"
	"dialtone/netconf"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/screen/inbox"
	"dialtone/ui/uitest"
)

var junosCaps = []string{"urn:ietf:params:netconf:base:1.0", "urn:ietf:params:netconf:capability:candidate:1.0",
	"urn:ietf:params:netconf:capability:confirmed-commit:1.0", "urn:ietf:params:netconf:capability:validate:1.0", "http://xml.juniper.net/netconf/junos/1.0"}

// become changes what session 1 of lab is and shows it.
func (p *program) become(change func(*conn.Device)) {
	d, _ := p.backend.Device(1)
	change(&d)
	p.Send(events(p.backend.Set(d)), msg.OpenSession{ID: 1})
}

// changeScenes is the life of a commit, its dialogs in every state, and what
// stands beside it: comparisons, past requests.
func changeScenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	commit := func(edit func(*conn.Device), keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.become(edit)
			p.Press(append([]string{"C"}, keys...)...)
			p.mustShow(t, "Commit candidate on core-r1")
			return p
		}
	}
	plain := func(*conn.Device) {}
	edited := func(d *conn.Device) { d.Dirty, d.Locks = 3, []netconf.Datastore{netconf.Candidate} }
	bare := func(d *conn.Device) { d.Caps = caps("candidate:1.0") }
	junos := func(d *conn.Device) { edited(d); d.Caps = netconf.NewCaps(junosCaps) }
	waits := func(shows string, left time.Duration, keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := waiting(t, left, change)
			p.Send(msg.OpenSession{ID: 1})
			p.Press(keys...)
			p.mustShow(t, shows)
			return p
		}
	}
	runs := func(shows string, edit func(*conn.Device), id string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.become(edit)
			p.Send(msg.RunAction{ID: 1, Action: id})
			p.mustShow(t, shows)
			return p
		}
	}
	compared := func(keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.OpenSession{ID: 1}, msg.ShowDiff{ID: 1, A: exchange(t, config("uplink", "gone")), B: exchange(t, config("\u8def\u7531\u5668 moved", "new"))})
			p.Press(keys...)
			p.mustShow(t, "Diff  core-r1", "+2 -2")
			return p
		}
	}
	return map[string]func(t *testing.T) *program{
		"commit-edits":       commit(edited),
		"commit-requests":    commit(edited, "r"),
		"commit-unlocked":    commit(plain),
		"commit-bare":        commit(bare),
		"commit-junos":       commit(junos),
		"commit-junos-asked": commit(junos, "r"),
		"commit-minutes":     commit(edited, "tab", "tab", "ctrl+u", "x"),
		"commit-fields":      commit(junos, "tab", "tab", "tab", "tab", "tab", "tab", "tab"),
		"commit-confirm":     waits("Confirm the commit on core-r1?", 41*time.Second, "C"),
		"commit-rollback":    waits("Roll back core-r1 now?", 8*time.Minute, "U"),
		"commit-quit":        waits("confirm commit on core-r1, then quit", 8*time.Minute, "1", "q"),
		"commit-over": func(t *testing.T) *program {
			p := waiting(t, time.Minute, change)
			p.Send(msg.OpenSession{ID: 1})
			p.Advance(3 * time.Minute)
			return p
		},
		"commit-discard": runs("Discard the candidate of core-r1?", edited, "session.discard"),
		"commit-unlock":  runs("Release the lock on core-r1?", edited, "session.lock"),
		"commit-refused": func(t *testing.T) *program {
			p := lab(t, change)
			p.become(func(d *conn.Device) { d.Target.ReadOnly = true })
			p.Press("i")
			p.Type("<commit/>")
			p.Press("esc")
			p.mustShow(t, "not sent: read-only")
			return p
		},
		"commit-past":   runs("Past commits", junos, "session.past"),
		"diff":          compared("u"),
		"diff-beside":   compared(),
		"diff-copy":     compared("n", "y"),
		"diff-unfolded": compared("=", "n"),
		"diff-equal": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.OpenSession{ID: 1}, msg.ShowDiff{ID: 1, A: exchange(t, config("a", "b")), B: exchange(t, config("a", "b"))})
			return p
		},
		"history-entries": func(t *testing.T) *program { return past(t, change) },
		"history-marked":  func(t *testing.T) *program { p := past(t, change); p.Press("j", "m"); return p },
		"history-filter": func(t *testing.T) *program {
			p := past(t, change)
			p.Press("/")
			p.Type("edit")
			return p
		},
	}
}

// config is a configuration with many equal rows between two values.
func config(first, last string) string {
	return "<rpc-reply><data><interfaces><interface><name>a</name><description>" + first + "</description></interface>" +
		strings.Repeat("<interface><name>ge-0/0/0</name><mtu>9192</mtu></interface>", 20) +
		"<interface><name>z</name><description>" + last + " " + strings.Repeat("long ", 50) + "</description></interface></interfaces></data></rpc-reply>"
}

// past is the history of a device that has been asked for all kinds of things.
func past(t *testing.T, change func(*Deps)) *program {
	t.Helper()
	j := journal.Memory()
	p := lab(t, func(d *Deps) {
		d.Journal = j
		if change != nil {
			change(d)
		}
	})
	for i, o := range []netconf.Outcome{
		{Result: netconf.Answered, OK: true, Bytes: 2_100_000},
		{Result: netconf.Stopped, Bytes: 12},
		{Result: netconf.Unknown},
		{Result: netconf.NotSent},
		{Result: netconf.Answered, Bytes: 612, ErrorCount: 1, Errors: []*netconf.RPCError{{Tag: "data-missing", Severity: "error", Message: strings.Repeat("mandatory leaf is missing ", 20), Path: "/x"}}},
	} {
		at := p.Now().Add(-time.Duration(5-i) * 9 * time.Hour)
		x := exchange(t, config("a", "b"))
		x.ID, x.Session, x.Started = conn.ExchangeID(i+1), 1, at
		x.Request = netconf.Request{Name: "edit-config", Target: "candidate", Effect: netconf.Stages, Body: []byte("<edit-config/>")}
		o.Sent, o.Ended = at, at.Add(time.Second)
		j.Append(x, o, nil)
	}
	p.Send(msg.ShowHistory{ID: 1})
	p.mustShow(t, "edit-config", "5 of 5")
	return p
}

// certifier is a desk with a certificate.
type certifier struct {
	*uitest.Desk
	now desk.Certificate
}

func (c certifier) Certificate() desk.Certificate { return c.now }
func (c certifier) MakeCertificate([]string, cert.KeyType, bool) (*cert.Pair, error) {
	return nil, errors.New("the disk is full")
}
func (c certifier) ListenStale(desk.Setting) error { return nil }

// certificates is each state of the certificate's file.
func certificates(t *testing.T, now time.Time) map[string]desk.Certificate {
	t.Helper()
	at := desk.Certificate{CertFile: "/home/ops/.config/dialtone/server.crt", KeyFile: "/home/ops/.config/dialtone/server.key"}
	pair := func(made time.Time) *cert.Pair {
		c, k, err := cert.Make([]string{"nms.example.net", "192.0.2.10", "2001:db8::10"}, cert.P256, made)
		if err != nil {
			t.Fatal(err)
		}
		r, err := cert.Fixed(c, k, now)
		if err != nil {
			t.Fatal(err)
		}
		return r.Pair()
	}
	none, broken, good, old, demo := at, at, at, at, desk.Certificate{}
	none.Err = &keys.Fault{Code: "TLS-FILE", What: at.CertFile + ": no such file or directory", Err: fs.ErrNotExist}
	broken.Err = &keys.Fault{Code: "TLS-PAIR", What: strings.Repeat("the key is not that of the certificate ", 10), Kept: "Both files are as they were"}
	good.Pair, old.Pair, demo.Pair = pair(now), pair(now.Add(-800*24*time.Hour)), pair(now)
	return map[string]desk.Certificate{"none": none, "broken": broken, "good": good, "old": old, "demo": demo}
}

// certificateScenes is the form of the certificate and what is to be pasted on
// a device.
func certificateScenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	form := func(state string, keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.root.d.Desk = certifier{uitest.NewDesk(), certificates(t, p.Now())[state]}
			p.Do(overlay.Open(inbox.Certificate(p.root.d)))
			p.mustShow(t, "Certificate for outbound HTTPS")
			p.Press(keys...)
			return p
		}
	}
	text := func(via link.Via, keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, change)
			p.root.d.Desk = certifier{uitest.NewDesk(), certificates(t, p.Now())["good"]}
			d := target("vale-5", "192.0.2.5", via)
			d.DeviceID, d.Secret = "vale-5", "store:vale-5"
			p.Send(events(p.backend.Set(conn.Device{Target: d, State: conn.Lost})))
			p.Press("G", "c")
			p.mustShow(t, "To paste on")
			p.Press(keys...)
			return p
		}
	}
	return map[string]func(t *testing.T) *program{
		"certificate-none":    form("none"),
		"certificate-broken":  form("broken"),
		"certificate-good":    form("good"),
		"certificate-old":     form("old"),
		"certificate-demo":    form("demo"),
		"certificate-names":   form("none", "tab", "tab", "ctrl+u", "b", "a", "d", "_", "tab"),
		"certificate-failed":  form("none", "m"),
		"certificate-replace": form("good", "m"),
		"text-ssh":            text(link.SSH),
		"text-junos":          text(link.Junos),
		"text-call-home":      text(link.CallHome),
		"text-https":          text(link.HTTPS, "G"),
	}
}
