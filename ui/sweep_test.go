package ui

import (
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
	"dialtone/netconf/tmpl"
	"dialtone/netconf/xmldoc"
	"dialtone/ui/msg"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// silent is a shell of a device that says nothing.
type silent struct{}

func (silent) Read([]byte) (int, error) { return 0, io.EOF }
func (silent) Run(string) error         { return nil }
func (silent) Interrupt() error         { return nil }
func (silent) Close() error             { return nil }

const sweptRPC = "<get-config>\n  <source><running/></source>\n  <filter type=\"subtree\"><interfaces xmlns=\"urn:ietf:params:xml:ns:yang:ietf-interfaces\"/></filter>\n</get-config>"

// workScenes is the scenes of a session at work, and those that other packages
// keep the goldens of.
func workScenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	session := func(keys ...string) func(t *testing.T) *program {
		return func(t *testing.T) *program {
			p := lab(t, func(d *Deps) {
				d.Templates = tmpl.Builtin()
				if change != nil {
					change(d)
				}
			})
			p.backend.OnSend = func(id conn.SessionID, r netconf.Request) (*conn.Exchange, error) {
				doc := xmldoc.New(xmldoc.Options{})
				t.Cleanup(func() { doc.Close() })
				reply := "<rpc-reply message-id=\"1\" xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><data><interfaces>" +
					strings.Repeat("<interface><name>ge-0/0/0</name><description>\u8def\u7531\u5668 "+strings.Repeat("long ", 50)+"</description></interface>", 40) + "</interfaces></data></rpc-reply>"
				_, err := io.WriteString(doc, reply)
				doc.Finish(err)
				return &conn.Exchange{ID: 1, Session: id, Device: "core-r1", Request: r, Started: p.Now(), Doc: doc}, nil
			}
			p.Send(msg.OpenSession{ID: 1}, msg.LoadRPC{ID: 1, Body: sweptRPC})
			p.Press(keys...)
			return p
		}
	}
	return map[string]func(t *testing.T) *program{
		"rpc":             session(),
		"rpc-editing":     session("i"),
		"reply":           session("ctrl+r"),
		"reply-folded":    session("ctrl+r", "tab", "j", "j", "space", "/"),
		"reply-zoomed":    session("ctrl+r", "tab", "+"),
		"templates":       session("t"),
		"commit":          session("C"),
		"session-keys":    session("?"),
		"session-palette": session(":"),
		"countdown": func(t *testing.T) *program {
			p := waiting(t, 41*time.Second, change)
			p.Send(msg.OpenSession{ID: 1})
			return p
		},
		"shell": func(t *testing.T) *program {
			p := lab(t, change)
			p.Send(msg.ShowShell{Name: "edge-7", Shell: silent{}})
			return p
		},
	}
}

// allScenes is every screen and dialog.
func allScenes(change func(*Deps)) map[string]func(t *testing.T) *program {
	all := scenes(change)
	maps.Copy(all, calledScenes(change))
	maps.Copy(all, workScenes(change))
	maps.Copy(all, changeScenes(change))
	maps.Copy(all, certificateScenes(change))
	return all
}

// TestEverySize draws every scene at every width from 40 to 200 and every height
// from 8 to 60, and looks for rows that are too many, too few, too long or too
// short. With the race detector, which makes it ten times slower, it takes all of
// the small sizes and a sample of the large ones.
func TestEverySize(t *testing.T) {
	t.Parallel()
	for name, scene := range allScenes(nil) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := scene(t)
			for w := 40; w <= 200; w++ {
				for h := 8; h <= 60; h++ {
					if (raceDetector || testing.Short()) && (w > 64 || h > 20) && (w*7+h)%23 != 0 {
						continue
					}
					p.Resize(w, h)
					uitest.ExactSize(t, p.View(), w, h)
				}
				if t.Failed() {
					return
				}
			}
			for _, at := range [][2]int{{1, 1}, {2, 1}, {1, 50}, {59, 14}, {500, 200}, {10000, 1}, {1, 10000}} {
				p.Resize(at[0], at[1])
				uitest.ExactSize(t, p.View(), at[0], at[1])
			}
			p.Resize(0, 0)
			if v := p.View(); v != "" {
				t.Errorf("0x0 shows %q", v)
			}
			p.Resize(80, 24)
			uitest.ExactSize(t, p.View(), 80, 24)
		})
	}
}

// TestEveryThemeAtManySizes draws every scene in colours, in ASCII, and on a
// terminal without any attribute.
func TestEveryThemeAtManySizes(t *testing.T) {
	t.Parallel()
	for name, theme := range map[string]func() (*style.Theme, bool){
		"default": func() (*style.Theme, bool) { return style.New("default", false, false) },
		"ascii":   func() (*style.Theme, bool) { return style.New("default", true, false) },
		"dumb":    func() (*style.Theme, bool) { return style.New("mono", true, true) },
	} {
		for scene, draw := range allScenes(func(d *Deps) { d.Theme, _ = theme() }) {
			t.Run(name+" "+scene, func(t *testing.T) {
				t.Parallel()
				p := draw(t)
				for w := 40; w <= 200; w += 13 {
					for h := 8 + w%5; h <= 60; h += 5 {
						p.Resize(w, h)
						v := p.View()
						uitest.ExactSize(t, v, w, h)
						uitest.OnlySGR(t, v)
					}
					if t.Failed() {
						return
					}
				}
			})
		}
	}
}
