package inbox

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/link"
	"dialtone/conn/profile"
	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

// bench is the screen with the dialogs above it and a fake desk below.
type bench struct {
	*uitest.Driver
	scr    *Screen
	deps   *screen.Deps
	desk   *uitest.Desk
	stack  overlay.Stack
	toasts []msg.Toast
	asked  []tea.Msg
	w, h   int
}

const (
	keyNew   = "RSA 2048 SHA256:b7T1kHs0o3xq1T3yQ0bJmV2n8YpWcE5uRzL4dGfZq9E"
	keyKnown = "ED25519 SHA256:Jx0mT3yQ0bJmV2n8YpWcE5uRzL4dGfZq9Eb7T1k81bA"
)

func at(now time.Time, ago string) time.Time {
	d, err := time.ParseDuration(ago)
	if err != nil {
		panic(err)
	}
	return now.Add(-d)
}

// four is the callers of the drawing.
func four(now time.Time) []desk.Caller {
	addr := netip.MustParseAddrPort
	return []desk.Caller{
		{ID: 1, Via: link.Junos, From: addr("203.0.113.44:40411"), Since: at(now, "31s"), Until: at(now, "-79s"), Claim: "r9.lab", Trust: "HMAC ok, key NEW", Key: keyNew, User: "netconf"},
		{ID: 2, Via: link.CallHome, From: addr("198.51.100.9:40002"), Since: at(now, "12s"), Until: at(now, "-98s"), Trust: "key NEW", Key: keyKnown},
		{ID: 3, Via: link.Junos, From: addr("203.0.113.9:51022"), Since: at(now, "7s"), Until: at(now, "-103s"), Claim: "r8.lab", Trust: "HMAC ok, key known", Believed: true, Key: keyKnown, Matches: "edge-8", User: "admin"},
		{ID: 4, Via: link.HTTPS, From: addr("203.0.113.80:1024"), Since: at(now, "1h"), Claim: "vmx-3", Trust: "secret ok", Believed: true, Matches: "vmx-3", Parked: true, Sessions: 1},
	}
}

func lines(now time.Time) []desk.Line {
	addr := netip.MustParseAddrPort
	return []desk.Line{
		{Time: at(now, "31m"), Event: "listening", Text: "listening on [::]:4334 (ssh) and [::]:443 (https)"},
		{Time: at(now, "30m"), Event: "refused", From: addr("192.0.2.200:3298"), Text: `not SSH: first bytes "GET / HTTP/1.1"`},
		{Time: at(now, "23m"), Event: "refused", From: addr("192.0.2.200:3301"), Via: link.Junos, DeviceID: "r7.lab", Text: "HMAC wrong", Err: errors.New(`PRE-HMAC device "r7.lab" failed its secret`), Count: 2},
		{Time: at(now, "22m"), Event: "open", From: addr("198.51.100.7:50122"), Via: link.Junos, Text: "accepted as edge-7, open in 1.1 s"},
		{Time: at(now, "31s"), Event: "caller", From: addr("203.0.113.44:40411"), Via: link.Junos, DeviceID: "r9.lab", Text: "HMAC ok, key NEW"},
	}
}

func up(now time.Time) []desk.Listener {
	return []desk.Listener{
		{Kind: "ssh", Addr: "[::]:4334", Bound: "[::]:4334", Since: at(now, "31m"), Counted: desk.Counts{Accepted: 1, Refused: 3, Waiting: 3}},
		{Kind: "https", Addr: "[::]:443", Since: at(now, "31m"), Err: errors.New(`LSN-BUSY [::]:443 is taken by pid 812 ("nginx"). Choose another address`)},
	}
}

func newBench(t testing.TB, th *style.Theme) *bench {
	t.Helper()
	b := &bench{Driver: uitest.NewDriver(t), desk: uitest.NewDesk()}
	if th == nil {
		th, _ = style.New("default", false, true)
	}
	store := profile.Memory(
		profile.Profile{Target: link.Target{Name: "edge-8", Via: link.Junos, User: "admin", DeviceID: "r8.lab", Secret: "store:edge-8", Password: "store:edge-8", Pin: []string{bareKey(desk.Caller{Key: keyKnown})}}, Group: "edge"},
		profile.Profile{Target: link.Target{Name: "spare", Via: link.CallHome, User: "lab"}},
		profile.Profile{Target: link.Target{Name: "core-r1", Via: link.SSH, Host: "192.0.2.1"}},
	)
	b.deps = &screen.Deps{Backend: &uitest.Backend{}, Profiles: store, Theme: th, Now: b.Now, Tick: b.Tick, WorkDir: t.TempDir(), StateDir: t.TempDir(), Desk: b.desk}
	b.scr = New(b.deps, msg.Desk{})
	b.Drive(b)
	b.size(80, 21)
	b.Do(b.scr.Focus(true))
	b.set(four(b.Now()), up(b.Now()), lines(b.Now()))
	return b
}

func (b *bench) size(w, h int) { b.w, b.h = w, h; b.scr.Resize(w, h) }

func (b *bench) set(cs []desk.Caller, ls []desk.Listener, log []desk.Line) {
	b.desk.Set(cs, ls, log)
	b.Send(msg.ReadDesk(b.desk))
}

func (b *bench) Update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case msg.Toast:
		b.toasts = append(b.toasts, m)
		return nil
	case overlay.Push:
		b.stack.Push(m.Dialog)
		if s, ok := m.Dialog.(interface{ Init() tea.Cmd }); ok {
			return s.Init()
		}
		return nil
	case msg.Awaited, msg.ShowListeners, msg.ProfilesChanged:
		b.asked = append(b.asked, m)
		return nil
	case tea.KeyMsg:
		if cmd, ok := b.stack.Key(m, b.Now()); ok {
			return cmd
		}
		if a, ok := action.Match(b.scr.Actions(), m.String()); ok {
			if a.Off != "" {
				return msg.Say(msg.Info, a.Title+": "+a.Off)
			}
			return b.scr.Run(a.ID)
		}
		return nil
	}
	return tea.Batch(b.stack.Tell(m, b.Now()), b.scr.Update(m))
}

func (b *bench) View() string {
	rows := strings.Split(b.scr.View(), "\n")
	help := ""
	for _, d := range b.stack.Layers() {
		box := strings.Split(d.View(b.w, len(rows)), "\n")
		x, y := style.Centre(b.w, len(rows), style.Width(box[0]), len(box))
		style.Over(rows, box, x, y, b.w)
		help = d.Help()
	}
	return strings.Join(rows, "\n") + "\n " + b.scr.Status() + "\n " + help
}

// scenes is the screen and its dialogs in states worth looking at.
func scenes() map[string]func(*bench) {
	keys := func(ks ...string) func(*bench) { return func(b *bench) { b.Press(ks...) } }
	return map[string]func(*bench){
		"waiting":      keys(),
		"claimless":    keys("j"),
		"parked":       keys("G"),
		"log":          keys("tab", "j"),
		"log-line":     keys("tab", "j", "j", "enter"),
		"empty":        func(b *bench) { b.set(nil, nil, nil) },
		"quiet":        func(b *bench) { b.set(nil, up(b.Now())[:1], lines(b.Now())[:1]) },
		"accept-new":   keys("enter"),
		"accept-known": keys("j", "j", "enter"),
		"accept-bad":   keys("enter", "tab", "tab", "space", "ctrl+u", "shift+tab"),
		"accept-gone": func(b *bench) {
			b.Press("enter")
			b.set(four(b.Now())[1:], up(b.Now()), lines(b.Now()))
		},
		"bind":         keys("b"),
		"bind-confirm": keys("b", "j", "enter"),
		"bind-none":    keys("G", "b"),
		"block":        keys("B"),
		"listeners": func(b *bench) {
			b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
		},
		"listeners-none": func(b *bench) {
			b.set(nil, nil, nil)
			b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.Desk{})})
		},
	}
}

func TestScreensAtSizes(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes() {
		for _, size := range [][2]int{{80, 24}, {140, 40}, {60, 15}} {
			b := newBench(t, nil)
			b.size(size[0], size[1]-3)
			scene(b)
			uitest.Golden(t, fmt.Sprintf("%s-%dx%d", name, size[0], size[1]), b.View())
		}
	}
}

func TestScreensAreExactAtEverySize(t *testing.T) {
	t.Parallel()
	for name, scene := range scenes() {
		b := newBench(t, nil)
		scene(b)
		for w := 40; w <= 200; w += 9 {
			for h := 5; h <= 57; h += 3 {
				b.size(w, h)
				uitest.ExactSize(t, b.scr.View(), w, h)
				for _, d := range b.stack.Layers() {
					rows := strings.Split(d.View(w, h), "\n")
					if len(rows) > h || style.Width(rows[0]) > w {
						t.Fatalf("%s: a dialog of %dx%d on %dx%d", name, style.Width(rows[0]), len(rows), w, h)
					}
				}
			}
		}
	}
}

// TestDialogsKeepWhatMatters: in the smallest terminal the key, the verdict and
// the buttons are on the screen.
func TestDialogsKeepWhatMatters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"accept-new":   {"SHA256:b7T1kHs0o3xq1T3yQ0bJmV2n8YpWcE5uRzL4dGfZq9E", "HMAC ok, key NEW", "Cancel", "Accept", "Next time"},
		"bind-confirm": {"+ device id r9.lab", "  SHA256:b7T1kHs0o3xq1T3yQ0bJmV2n8YpWcE5uRzL4dGfZq9E", "Cancel", "bind and let it in"},
		"listeners":    {"[::]:4334", "Address", "Close", "Listen"},
	} {
		b := newBench(t, nil)
		b.size(60, 12)
		scenes()[name](b)
		for _, s := range want {
			if !b.Shows(s) {
				t.Errorf("%s: %q is not shown\n%s", name, s, b.View())
			}
		}
	}
}

func TestNoKeyHasTwoActions(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	for range 2 {
		if c := action.Clashes(b.scr.Actions()); len(c) > 0 {
			t.Error(c)
		}
		for _, a := range b.scr.Actions() {
			if a.Alters {
				t.Errorf("%s is marked as altering a device: read-only mode would forbid callers", a.ID)
			}
		}
		b.Press("tab")
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys []string
		want []string
	}{
		{"enter, then enter, cancels", []string{"enter", "enter"}, nil},
		{"enter, then esc", []string{"enter", "esc"}, nil},
		{"a lets a new one in and saves it", []string{"enter", "a"}, []string{"accept 1 as r9.lab, save true"}},
		{"the button does too", []string{"enter", "tab", "enter"}, []string{"accept 1 as r9.lab, save true"}},
		{"not saved", []string{"enter", "shift+tab", "shift+tab", "space", "tab", "a"}, []string{"accept 1 as r9.lab, save false"}},
		{"one that is known has nothing to save", []string{"j", "j", "enter", "a"}, []string{"accept 3 as edge-8, save false"}},
		{"a nameless one is named by its address", []string{"j", "enter", "a"}, []string{"accept 2 as 198.51.100.9, save true"}},
		{"a parked one", []string{"G", "enter", "a"}, []string{"accept 4 as vmx-3, save false"}},
		{"x refuses", []string{"j", "x"}, []string{"refuse 2"}},
		{"B asks", []string{"B"}, nil},
		{"B, no", []string{"B", "enter"}, nil},
		{"B, yes", []string{"B", "B"}, []string{"block 1"}},
		{"b takes no profile of another device", []string{"b", "enter", "b"}, nil},
		{"b asks twice", []string{"b", "j", "enter"}, nil},
		{"b, no", []string{"b", "j", "enter", "enter"}, nil},
		{"b, yes", []string{"b", "j", "enter", "b"}, []string{"bind 1 spare"}},
		{"b finds none for HTTPS", []string{"G", "b", "enter", "b"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			b.Press(c.keys...)
			if got := b.desk.Calls(); !slices.Equal(got, c.want) {
				t.Errorf("did %q, want %q\n%s", got, c.want, b.View())
			}
		})
	}
}

func TestAcceptedTarget(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("enter", "tab", "tab", "ctrl+u")
	b.Type("pe-9")
	b.Press("tab")
	b.Type("lab")
	b.Press("tab", "ctrl+u")
	b.Type("ops")
	b.Press("tab", "tab", "tab", "space", "tab", "tab", "enter")
	want := link.Target{Name: "pe-9", Via: link.Junos, User: "ops", DeviceID: "r9.lab", Password: "ask", Open: "auto"}
	if got := b.desk.Accepted(); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Fatalf("accepted %+v\n%s", got, b.View())
	}
	if b.asked[0] != (msg.Awaited{Name: "pe-9", From: netip.MustParseAddrPort("203.0.113.44:40411")}) || b.asked[1] != (msg.ProfilesChanged{}) {
		t.Errorf("asked %v", b.asked)
	}
}

// TestAcceptKeepsTheProfile: what the dialog does not show comes from the
// profile that the caller matches.
func TestAcceptKeepsTheProfile(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("j", "j", "enter", "a")
	got := b.desk.Accepted()
	if len(got) != 1 || got[0].Secret != "store:edge-8" || got[0].User != "admin" || got[0].Password != "store:edge-8" || len(got[0].Pin) != 1 {
		t.Errorf("accepted %+v", got)
	}
}

// TestAcceptCompletesTheProfile: the desk knows no groups, and a profile that
// was there keeps what it had.
func TestAcceptCompletesTheProfile(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("j", "j", "enter", "shift+tab", "space", "shift+tab", "shift+tab", "shift+tab", "ctrl+u")
	b.Type("metro")
	b.Press("tab", "tab", "tab", "tab", "tab", "a")
	ps, _ := b.deps.Profiles.List()
	i := slices.IndexFunc(ps, func(p profile.Profile) bool { return p.Name == "edge-8" })
	if got := b.desk.Calls(); len(got) != 1 || !strings.HasSuffix(got[0], "save true") {
		t.Fatalf("did %q\n%s", got, b.View())
	}
	if ps[i].Group != "metro" || ps[i].Secret != "store:edge-8" || len(ps[i].Pin) != 1 {
		t.Errorf("saved %+v", ps[i])
	}
}

func TestAcceptRefusesATakenName(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("enter", "tab", "tab", "ctrl+u")
	b.Type("core-r1")
	b.Press("shift+tab", "enter")
	if !b.Shows("is taken") || len(b.desk.Calls()) != 0 {
		t.Errorf("did %q\n%s", b.desk.Calls(), b.View())
	}
}

func TestFailuresAreTold(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.desk.Fail = errors.New("it hung up")
	b.Press("enter", "a", "x", "B", "B", "b", "j", "enter", "b")
	var said []string
	for _, x := range b.toasts {
		if x.Level != msg.Error {
			t.Errorf("level %d: %s", x.Level, x.Text)
		}
		said = append(said, x.Text)
	}
	if want := []string{"Not accepted: it hung up", "Not refused: it hung up", "Not blocked: it hung up", "Not bound: it hung up"}; !slices.Equal(said, want) {
		t.Errorf("said %q", said)
	}
	if last := b.asked[len(b.asked)-1]; last != (msg.Awaited{Name: "spare", From: netip.MustParseAddrPort("203.0.113.44:40411"), Off: true}) {
		t.Errorf("still awaited: %v", b.asked)
	}
}

func TestAcceptStopsWhenTheCallerIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("enter")
	b.set(four(b.Now())[1:], nil, nil)
	b.Press("a")
	if len(b.desk.Calls()) != 0 || !b.Shows("waits no longer") {
		t.Errorf("did %q\n%s", b.desk.Calls(), b.View())
	}
}

func TestSelectionStaysOnItsCaller(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("j", "j")
	b.set(four(b.Now())[1:], nil, nil)
	if c, _ := b.scr.selected(); c.ID != 3 {
		t.Errorf("selected %d", c.ID)
	}
	b.Press("o")
	if c, _ := b.scr.selected(); c.ID != 3 {
		t.Errorf("sorted: selected %d", c.ID)
	}
	b.set(nil, nil, nil)
	b.Press("enter", "x")
	if len(b.desk.Calls()) != 0 {
		t.Error("an empty list was decided on")
	}
}

func TestLogFollowsUntilMoved(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	more := append(lines(b.Now()), desk.Line{Time: b.Now(), Event: "caller", Text: "one more"})
	b.Press("tab")
	b.set(nil, nil, more)
	if x, _ := b.scr.log.selected(); x.Text != "one more" {
		t.Errorf("following: at %q", x.Text)
	}
	b.Press("j")
	was, _ := b.scr.log.selected()
	b.set(nil, nil, append(more, desk.Line{Time: b.Now(), Event: "caller", Text: "and another"}))
	if x, _ := b.scr.log.selected(); x.Text != was.Text {
		t.Errorf("moved: went to %q", x.Text)
	}
	b.Press("f")
	if x, _ := b.scr.log.selected(); x.Text != "and another" || !b.Shows("follow") {
		t.Errorf("f: at %q", x.Text)
	}
}

func TestLogIsSaved(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.Press("tab", "w")
	got, err := os.ReadFile(filepath.Join(b.deps.WorkDir, "listener-20311121-140231.log"))
	if err != nil {
		t.Fatal(err)
	}
	ls := strings.Split(strings.TrimSpace(string(got)), "\n")
	if len(ls) != 5 || !strings.Contains(ls[0], "listening on") || !strings.Contains(ls[2], "(2 times)") || !strings.Contains(ls[2], "PRE-HMAC") {
		t.Errorf("%q", ls)
	}
	if b.Press("w"); !strings.Contains(b.toasts[len(b.toasts)-1].Text, "left as it is") {
		t.Errorf("toasts %v", b.toasts)
	}
}

func TestListenersDialog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		keys []string
		text string
		then []string
		want []string
	}{
		{"enter closes", []string{"enter", "x"}, "", nil, []string{"refuse 1"}},
		{"l listens", []string{"l"}, "", nil, []string{"listen ssh [::]:4334"}},
		{"x stops the selected one", []string{"j", "x"}, "", nil, []string{"stop https [::]:443"}},
		{"another address", []string{"shift+tab", "ctrl+u"}, "127.0.0.1:4335", []string{"tab", "tab", "enter"}, []string{"listen ssh 127.0.0.1:4335"}},
		{"https", []string{"shift+tab", "shift+tab", "space", "tab", "tab", "l"}, "", nil, []string{"listen https [::]:443"}},
		{"not an address", []string{"shift+tab", "ctrl+u"}, "4334", []string{"tab", "l"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			scenes()["listeners"](b)
			b.Press(c.keys...)
			b.Type(c.text)
			b.Press(c.then...)
			if got := b.desk.Calls(); !slices.Equal(got, c.want) {
				t.Errorf("did %q, want %q\n%s", got, c.want, b.View())
			}
		})
	}
}

// keeping is a desk that remembers its listeners.
type keeping struct {
	*uitest.Desk
	kept []desk.Setting
}

func (k *keeping) Kinds() []string { return []string{"ssh"} }

func (k *keeping) Settings() ([]desk.Setting, error) { return slices.Clone(k.kept), k.Fail }

func (k *keeping) SetAuto(kind, addr string, on bool) error {
	k.kept = []desk.Setting{{Kind: kind, Addr: addr, Auto: on}}
	return k.Fail
}

func TestListenersAreRemembered(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	k := &keeping{Desk: b.desk, kept: []desk.Setting{{Kind: "ssh", Addr: "192.0.2.1:7804"}}}
	b.deps.Desk, b.deps.ConfigDir = k, t.TempDir()
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	if !b.Shows("[ 192.0.2.1:7804") || b.Shows("(*) ssh") || b.Shows("starts with") {
		t.Errorf("opened as\n%s", b.View())
	}
	b.Press("s")
	if !b.Shows("since 13:31:31, starts with dialtone ") || len(k.kept) != 1 || !k.kept[0].Auto {
		t.Errorf("kept %v\n%s", k.kept, b.View())
	}
	b.Press("s")
	if b.Shows("starts with dialtone ") || k.kept[0].Auto {
		t.Errorf("kept %v\n%s", k.kept, b.View())
	}
	k.Fail = errors.New("FS-IO the disk is full")
	b.Press("s")
	if !b.Shows("the disk is full") {
		t.Errorf("not told\n%s", b.View())
	}
	b.Press("shift+tab", "ctrl+u")
	b.Type("127.0.0.1:1")
	k.Fail = nil
	b.Press("tab", "s")
	if !b.Shows("[ 127.0.0.1:1") {
		t.Errorf("what was typed is gone\n%s", b.View())
	}
}

// termed is a desk that takes only some callers.
type termed struct {
	keeping
	asked []desk.Setting
}

func (k *termed) ListenAs(s desk.Setting) error {
	k.asked = append(k.asked, s)
	return k.Fail
}

func TestListenersTakeOnlySomeCallers(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	k := &termed{keeping: keeping{Desk: b.desk}}
	b.deps.Desk, b.deps.ConfigDir = k, t.TempDir()
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	b.Press("l")
	if want := (desk.Setting{Kind: "ssh", Addr: "[::]:4334"}); len(k.asked) != 1 || k.asked[0] != want {
		t.Fatalf("asked %+v", k.asked)
	}
	b.Press("shift+tab", "space", "shift+tab")
	b.Type("192.0.2.0/24, 2001:db8::/33x")
	b.Press("tab", "tab", "l")
	if len(k.asked) != 1 || !b.Shows("is neither a network nor an address") {
		t.Fatalf("asked %+v\n%s", k.asked, b.View())
	}
	b.Press("backspace", "tab", "tab", "l")
	want := desk.Setting{Kind: "ssh", Addr: "[::]:4334", Only: "192.0.2.0/24, 2001:db8::/33", NoPlain: true}
	if len(k.asked) != 2 || k.asked[1] != want {
		t.Fatalf("asked %+v\n%s", k.asked, b.View())
	}

	now := msg.ReadDesk(b.desk)
	now.Listeners = []desk.Listener{{Kind: "ssh", Addr: "[::]:4334", Bound: "[::]:4334", Only: want.Only, NoPlain: true}}
	if b.Send(now); !b.Shows("only from 192.0.2.0/24, 2001:db8::/33, no plain call home ") {
		t.Errorf("shown as\n%s", b.View())
	}

	// The next time it is proposed as it was.
	k.kept = []desk.Setting{want}
	b = newBench(t, nil)
	b.deps.Desk, b.deps.ConfigDir = k, t.TempDir()
	b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
	if b.Press("l"); len(k.asked) != 3 || k.asked[2] != want {
		t.Errorf("asked %+v\n%s", k.asked, b.View())
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"[::]:4334": "! All addresses", "0.0.0.0:1": "! All addresses", ":4334": "! All addresses",
		"127.0.0.1:0": "This machine only", "[::1]:1": "This machine only", "localhost:1": "This machine only",
		"192.0.2.1:4334": "Hosts that reach 192.0.2.1 may call", "x": "",
	} {
		if got, _ := reach(addr, ""); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q", addr, got)
		}
	}
	if got, _ := reach("[::]:4334", "192.0.2.0/24"); !strings.Contains(got, "turned away") {
		t.Errorf("with networks: %q", got)
	}
}

// TestHostileCallers: whatever a device says of itself moves no cursor, and the
// dialogs keep their form.
func TestHostileCallers(t *testing.T) {
	t.Parallel()
	bad := "\x1b]0;x\x07\x1b[2J\u202e\u200b\x9b31m\nZ" + strings.Repeat("w", 300)
	th, _ := style.New("default", false, false)
	c := desk.Caller{ID: 7, Via: link.Via(bad), From: netip.MustParseAddrPort("[2001:db8::ffff:ffff:ffff:ffff]:65535"), Claim: bad, Trust: bad, Key: bad, Matches: bad, User: bad, Note: bad}
	line := desk.Line{Event: bad, Via: link.Via(bad), DeviceID: bad, Profile: bad, Text: bad, Err: errors.New(bad)}
	lsn := desk.Listener{Kind: bad, Addr: bad, Err: errors.New(bad)}
	for name, keys := range map[string][]string{
		"list": nil, "log": {"tab"}, "accept": {"enter"}, "bind": {"b"}, "bind2": {"b", "j", "enter"}, "block": {"B"}, "line": {"tab", "enter"}, "listeners": {"L"},
	} {
		b := newBench(t, th)
		b.set([]desk.Caller{c}, []desk.Listener{lsn}, []desk.Line{line})
		b.Press(keys...)
		if name == "listeners" {
			b.Send(overlay.Push{Dialog: Listeners(b.deps, msg.ReadDesk(b.desk))})
		}
		for _, size := range [][2]int{{80, 21}, {140, 37}, {60, 12}} {
			b.size(size[0], size[1])
			view := b.View()
			uitest.OnlySGR(t, view)
			rows := strings.Split(view, "\n")
			uitest.ExactSize(t, strings.Join(rows[:size[1]], "\n"), size[0], size[1])
			if t.Failed() {
				t.Fatalf("%s at %v", name, size)
			}
		}
	}
}

func msgDesk(b *bench) msg.Desk { return msg.ReadDesk(b.desk) }
