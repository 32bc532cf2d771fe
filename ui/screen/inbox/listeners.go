package inbox

import (
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/callhome"
	"dialtone/conn/desk"
	"dialtone/keys"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/widget/form"
	"dialtone/ui/widget/prompt"
	"dialtone/ui/widget/table"
)

// Kinds is what a desk may add to its contract: the kinds of listeners that it
// can start. Without it all are offered, and the answer says which cannot be.
type Kinds interface{ Kinds() []string }

// Keeper is what a desk may add to its contract: listeners that are remembered,
// and start with the program when the person wants that.
type Keeper interface {
	Settings() ([]desk.Setting, error)
	SetAuto(kind, addr string, on bool) error
}

// Termed is what a desk may add to its contract: listeners that take only some
// callers.
type Termed interface{ ListenAs(desk.Setting) error }

// The addresses that are proposed: the port of RFC 8071, and that of HTTPS.
const (
	sshAddr   = "[::]:4334"
	httpsAddr = "[::]:443"
)

// listeners is the dialog of the addresses that we listen on: what state they
// are in, and start and stop. Close is the default.
type listeners struct {
	d    *screen.Deps
	ls   []desk.Listener
	list table.List
	form form.Form

	kinds  []string
	keeper Keeper // nil when nothing is remembered
	termed Termed // nil when every caller is taken
	kept   []desk.Setting
	typed  bool   // the address, or who may call, is the person's
	failed string // why the last start or stop did not work

	started  desk.Setting // and not in the list yet
	ownTerms bool         // who may call is the person's word
}

// Listeners returns the dialog on what stands at the desk.
func Listeners(d *screen.Deps, now msg.Desk) overlay.Dialog {
	l := &listeners{d: d, kinds: []string{"ssh", "https"}}
	if k, ok := d.Desk.(Kinds); ok {
		l.kinds = k.Kinds()
	}
	if k, ok := d.Desk.(Keeper); ok && d.ConfigDir != "" && !d.Demo {
		l.keeper = k
	}
	l.termed, _ = d.Desk.(Termed)
	l.form.Fields = []*form.Field{
		{Name: "kind", Label: "Kind", Kind: form.Choice, Options: l.kinds, Hidden: len(l.kinds) < 2},
		{Name: "addr", Label: "Address", Line: prompt.Line{Hint: sshAddr}},
		{Name: "only", Label: "Only from", Line: prompt.Line{Hint: "any; or 192.0.2.0/24, 2001:db8::/32"}, Hidden: l.termed == nil},
		{Name: "plain", Label: "Call home", Kind: form.Toggle, On: true, Note: "take plain RFC 8071 callers too"},
	}
	l.form.Buttons = []form.Button{{Name: "close", Label: "Close"}, {Name: "listen", Label: "Listen"}, {Name: "stop", Label: "Stop"}}
	l.form.Select("close")
	l.propose()
	l.take(now)
	l.check()
	return l
}

func (l *listeners) take(now msg.Desk) {
	l.ls = now.Listeners
	l.list.SetLen(len(l.ls))
	l.choose()
}

// choose puts the cursor on the listener that was started, once it is there:
// stop and start by itself mean it then.
func (l *listeners) choose() {
	s := l.started
	if i := slices.IndexFunc(l.ls, func(x desk.Listener) bool { return x.Kind == s.Kind && x.Addr == s.Addr }); i >= 0 {
		l.list.Select(i)
		l.started = desk.Setting{}
	}
}

// certifies reports a desk that has a certificate for outbound HTTPS.
func (l *listeners) certifies() bool {
	_, ok := l.d.Desk.(Certifier)
	return ok
}

// reason is an error of the desk, with what can be done about it here.
func (l *listeners) reason(err error) string {
	var f *keys.Fault
	if !errors.As(err, &f) || !l.certifies() || !strings.HasPrefix(f.Code, "TLS-") {
		return told(err)
	}
	if (desk.Certificate{Err: err}).Missing() {
		return "There is no certificate yet that devices could trust: c makes one."
	}
	return f.Code + " " + f.What + ". c shows the certificate and makes another."
}

// keptMsg is the listeners that are remembered.
type keptMsg struct {
	to   *listeners
	kept []desk.Setting
	err  error
}

// Init reads the listeners that are remembered, in a command.
func (l *listeners) Init() tea.Cmd {
	k := l.keeper
	if k == nil {
		return nil
	}
	return func() tea.Msg {
		kept, err := k.Settings()
		return keptMsg{l, kept, err}
	}
}

// remembered takes them, and proposes the address that was used last.
func (l *listeners) remembered(m keptMsg) {
	l.kept = m.kept
	if m.err != nil {
		l.failed = m.err.Error()
	}
	if !l.typed {
		l.propose()
		l.check()
	}
}

// auto reports whether a listener starts with the program.
func (l *listeners) auto(x desk.Listener) bool {
	for _, k := range l.kept {
		if k.Kind == x.Kind && k.Addr == x.Addr {
			return k.Auto
		}
	}
	return false
}

// setAuto has the selected listener start with the program, or no more.
func (l *listeners) setAuto() tea.Cmd {
	x, ok := l.selected()
	if !ok || l.keeper == nil {
		return nil
	}
	k, on := l.keeper, !l.auto(x)
	return func() tea.Msg { return listenedMsg{to: l, err: k.SetAuto(x.Kind, x.Addr, on)} }
}

// listenedMsg is the answer of the desk to start and stop.
type listenedMsg struct {
	to   *listeners
	err  error
	want desk.Setting // what was to be started
}

// Staler is a desk that listens, when a person wants it, with a certificate that
// devices refuse.
type Staler interface{ ListenStale(desk.Setting) error }

// stale asks what is to be done about a certificate that has expired.
func (l *listeners) stale(m listenedMsg) tea.Cmd {
	d, ok := l.d.Desk.(Staler)
	var f *keys.Fault
	if !ok || !errors.As(m.err, &f) || f.Code != "TLS-EXPIRED" {
		return nil
	}
	again := func() tea.Msg { return listenedMsg{to: l, err: d.ListenStale(m.want)} }
	return overlay.Open(&overlay.Confirm{
		Theme: l.d.Theme, Title: "Listen with this certificate?", Danger: true,
		Body:    []string{f.What + ".", "A new one is made with c in the dialog of the listeners."},
		Choices: []overlay.Choice{{Key: "a", Label: "listen all the same", Do: again}},
	})
}

// Update implements overlay.Dialog.
func (l *listeners) Update(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case msg.Desk:
		l.take(m)
	case listenedMsg:
		if m.to == l {
			l.failed = ""
			l.started = m.want
			l.choose()
			if m.err != nil {
				l.failed = l.reason(m.err)
			}
			return tea.Batch(l.Init(), l.stale(m)), false
		}
	case keptMsg:
		if m.to == l {
			l.remembered(m)
		}
	case tea.KeyMsg:
		return l.key(m)
	}
	return nil, false
}

func (l *listeners) key(k tea.KeyMsg) (tea.Cmd, bool) {
	key := k.String()
	if key == "esc" || key == "ctrl+c" {
		return nil, true
	}
	if l.form.Focused() == nil {
		if cmd, done, ok := l.letter(key); ok {
			return cmd, done
		}
	}
	kind, in := l.form.Field("kind").At, l.form.Focused()
	pressed, _, changed := l.form.Update(k)
	switch {
	case l.form.Field("kind").At != kind:
		l.propose()
	case changed && in.Name == "addr":
		l.typed = true
		l.proposeTerms()
	case changed:
		l.typed, l.ownTerms = true, true
	}
	l.check()
	switch pressed {
	case "close":
		return nil, true
	case "listen":
		return l.listen(), false
	case "stop":
		return l.stop(), false
	}
	return nil, false
}

// letter does what a letter says while no field takes text.
func (l *listeners) letter(key string) (cmd tea.Cmd, done, ok bool) {
	switch key {
	case "q":
		return nil, true, true
	case "l":
		return l.listen(), false, true
	case "x":
		return l.stop(), false, true
	case "s":
		return l.setAuto(), false, true
	case "c":
		if c := Certificate(l.d); c != nil {
			return overlay.Open(c), false, true
		}
		return nil, false, true
	case "j", "k":
		l.list.Key(key)
		return nil, false, true
	case "y":
		if x, ok := l.selected(); ok {
			return l.d.Copy("address", safe.Text(bound(x))), false, true
		}
		return nil, false, true
	}
	return nil, false, false
}

// propose puts an address of the chosen kind into the field: the one used last,
// with its terms, else the usual one.
func (l *listeners) propose() {
	s := desk.Setting{Kind: l.form.Field("kind").Value(), Addr: sshAddr}
	switch {
	case l.d.Demo:
		s.Addr = "127.0.0.1:0"
	case s.Kind == desk.HTTPS:
		s.Addr = httpsAddr
	}
	if i := slices.IndexFunc(l.kept, func(k desk.Setting) bool { return k.Kind == s.Kind }); i >= 0 {
		s = l.kept[i]
	}
	l.form.Field("addr").Line.Set(s.Addr)
	l.ownTerms = false
	l.proposeTerms()
}

// proposeTerms puts the terms that the address was used with last into their
// fields, those of no other address, unless the person has set some.
func (l *listeners) proposeTerms() {
	s := desk.Setting{Kind: l.form.Field("kind").Value(), Addr: l.form.Field("addr").Value()}
	plain := l.form.Field("plain")
	plain.Hidden = l.termed == nil || s.Kind == desk.HTTPS
	if l.ownTerms {
		return
	}
	if i := slices.IndexFunc(l.kept, func(k desk.Setting) bool { return k.Kind == s.Kind && k.Addr == s.Addr }); i >= 0 {
		s = l.kept[i]
	}
	l.form.Field("only").Line.Set(s.Only)
	plain.On = !s.NoPlain
}

func (l *listeners) selected() (desk.Listener, bool) {
	i := l.list.At()
	if i < 0 || i >= len(l.ls) {
		return desk.Listener{}, false
	}
	return l.ls[i], true
}

func bound(x desk.Listener) string {
	if x.Bound != "" {
		return x.Bound
	}
	return x.Addr
}

// check says what is wrong with the address and the networks as typed.
func (l *listeners) check() bool {
	f := l.form.Field("addr")
	f.Err = ""
	if _, port, err := net.SplitHostPort(f.Value()); err != nil {
		f.Err = "is written as 0.0.0.0:4334 or [::]:4334"
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		f.Err = "needs a port from 1 to 65535"
	}
	only := l.form.Field("only")
	only.Err = ""
	if _, err := callhome.ParseOnly(only.Value()); err != nil {
		var fault *keys.Fault
		if only.Err = err.Error(); errors.As(err, &fault) {
			only.Err = fault.What
		}
	}
	return f.Err == "" && only.Err == ""
}

// setting is what the form says.
func (l *listeners) setting() desk.Setting {
	s := desk.Setting{Kind: l.form.Field("kind").Value(), Addr: l.form.Field("addr").Value(), Only: l.form.Field("only").Value()}
	plain := l.form.Field("plain")
	s.NoPlain = !plain.Hidden && !plain.On
	return s
}

func (l *listeners) listen() tea.Cmd {
	if !l.check() {
		l.form.Touch()
		for _, name := range []string{"only", "addr"} {
			if l.form.Field(name).Err != "" {
				l.form.Select(name)
			}
		}
		return nil
	}
	s := l.setting()
	return func() tea.Msg {
		if l.termed == nil {
			return listenedMsg{l, l.d.Desk.Listen(s.Kind, s.Addr), s}
		}
		return listenedMsg{l, l.termed.ListenAs(s), s}
	}
}

func (l *listeners) stop() tea.Cmd {
	x, ok := l.selected()
	if !ok {
		l.failed = "nothing to stop"
		return nil
	}
	return func() tea.Msg { return listenedMsg{to: l, err: l.d.Desk.Stop(x.Kind, x.Addr)} }
}
