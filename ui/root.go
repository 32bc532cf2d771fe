package ui

import (
	"context"
	"os"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/conn/link"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/pane"
	"dialtone/ui/screen"
	"dialtone/ui/screen/devices"
	"dialtone/ui/screen/shell"
	"dialtone/ui/style"
	"dialtone/ui/widget/bar"
)

// The smallest terminal that shows screens; below it stands a card.
const (
	minWidth  = 60
	minHeight = 15
	// The clock is shown, and side panes appear, from this width on.
	wideWidth = 120
)

// root owns the tabs and what lies above them. It knows no screen's keys: it
// only finds the action that a key belongs to and hands it on.
type root struct {
	d       *screen.Deps
	ctx     context.Context // of the whole run; ends the commands that wait
	makers  makers
	target  *link.Target
	notes   []string
	asker   *Asker
	bridge  *bridge
	signals <-chan os.Signal
	pasted  func(key []rune) (text string, lost int64, ok bool) // input.File's; nil: keys hold their text
	// park marks the commands that wait for the outside, so that a test may
	// run them beside the others.
	park func(tea.Cmd) tea.Cmd

	w, h   int
	tabs   []tab // the device list is the first and always there
	at     int
	title  string       // of the terminal window, as last set
	posted []tea.Msg    // told by screens while they handled a message
	held   []tea.KeyMsg // keys that came in one read, still to be handled
	stack  overlay.Stack
	toasts overlay.Toasts
	zoomed bool

	known      map[conn.SessionID]conn.State
	priced     map[conn.SessionID]time.Time // end of the last session of which it was told what was lost with it
	warned     map[string]bool              // clashes of keys
	ticking    bool
	toastArmed bool
	quitting   bool

	jobs    jobs    // of being stopped and going on
	changes changes // of candidates and confirmed commits
	calls   calls   // of devices that dial us
}

// tab is one screen. id is that of its session, 0 for other screens.
type tab struct {
	id     conn.SessionID
	screen pane.Screen
}

func newRoot(ctx context.Context, d Deps) *root {
	d.fill()
	sd := d.Deps
	r := &root{
		d: &sd, ctx: ctx, makers: screens(), target: d.Target, notes: d.Notes, asker: d.Asker,
		bridge: newBridge(ctx, d.Backend.Events()),
		park:   func(c tea.Cmd) tea.Cmd { return c },
		known:  map[conn.SessionID]conn.State{},
		priced: map[conn.SessionID]time.Time{},
		warned: map[string]bool{},
	}
	sd.Post = func(m tea.Msg) { r.posted = append(r.posted, m) }
	r.newChanges()
	r.tabs = []tab{{screen: devices.New(r.d)}}
	r.newCalls()
	for _, dev := range d.Backend.Devices() {
		r.known[dev.ID] = dev.State
	}
	return r
}

// Init starts what waits: events, questions, signals.
func (r *root) Init() tea.Cmd {
	cmds := []tea.Cmd{r.cur().Focus(true), r.park(r.bridge.next), r.tick(), r.warnClashes(), r.awaitCalls()}
	if r.asker != nil {
		cmds = append(cmds, r.park(r.asker.next(r.ctx)))
	}
	if r.signals != nil {
		cmds = append(cmds, r.park(r.awaitSignal))
	}
	if r.jobs.stops != nil {
		cmds = append(cmds, r.park(r.awaitStop))
	}
	for _, t := range r.tabs {
		cmds = append(cmds, initOf(t.screen))
	}
	r.startPendings()
	for _, n := range r.notes {
		cmds = append(cmds, msg.Say(msg.Warn, n))
	}
	if r.target != nil {
		cmds = append(cmds, r.connect(*r.target))
	}
	return tea.Batch(cmds...)
}

// starter is a screen that loads something when it is made.
type starter interface{ Init() tea.Cmd }

func initOf(s pane.Screen) tea.Cmd {
	if s, ok := s.(starter); ok {
		return s.Init()
	}
	return nil
}

// Update takes a message, and then what screens told the root while they
// handled it.
func (r *root) Update(m tea.Msg) tea.Cmd {
	cmds := []tea.Cmd{r.update(m)}
	for len(r.posted) > 0 {
		m, r.posted = r.posted[0], r.posted[1:]
		cmds = append(cmds, r.update(m))
	}
	r.settleBar()
	return tea.Batch(cmds...)
}

// update takes every message of the program: size, events and messages with a
// session's id, then the dialogs, then keys.
func (r *root) update(m tea.Msg) tea.Cmd {
	switch m := m.(type) {
	case tea.WindowSizeMsg:
		return r.resize(m.Width, m.Height)
	case arrived:
		return tea.Batch(r.events(m.events), r.park(r.bridge.next), r.tick())
	case msg.Events:
		return tea.Batch(r.events(m), r.tick())
	case told:
		return tea.Batch(r.say(m.toast), r.park(r.asker.next(r.ctx)))
	case called:
		return tea.Batch(r.deskChanged(m.now), r.park(r.calls.bridge.next), r.tick())
	case msg.Desk:
		return tea.Batch(r.deskChanged(m), r.tick())
	case asked:
		return r.ask(m)
	case signalled:
		return r.leave()
	case secondMsg:
		woken := r.woken()
		r.ticking, r.jobs.beat = false, time.Time{}
		return tea.Batch(woken, r.tick(), r.retitle())
	case toastMsg:
		r.toastArmed = false
		return r.armToasts()
	case stopSignal:
		return r.stopped(m)
	case resumed:
		return r.onResumed(m)
	case back:
		return tea.Batch(r.update(m.m), r.redrawn())
	case tea.KeyMsg:
		m, tell, ok := r.pastedText(m)
		if !ok {
			return tea.Batch(tell, r.tick())
		}
		return tea.Batch(r.typed(m), r.tick())
	case nextKey:
		return tea.Batch(r.nextHeld(), r.tick())
	case tea.MouseMsg:
		if r.stack.Top() != nil {
			return nil
		}
		m.Y-- // screens count from the first row of the body
		return r.cur().Update(m)
	case msg.For:
		return r.route(m)
	}
	if cmd, ok := r.request(m); ok {
		return tea.Batch(cmd, r.tick())
	}
	return tea.Batch(r.stack.Tell(m, r.d.Now()), r.broadcast(m))
}

// request handles what screens ask of the root.
func (r *root) request(m tea.Msg) (tea.Cmd, bool) {
	switch m := m.(type) {
	case msg.Toast:
		r.toasts.Add(m, r.d.Now())
		return r.armToasts(), true
	case msg.OpenSession:
		return r.openSession(m.ID), true
	case msg.Connect:
		return r.connect(m.Target), true
	case msg.CloseTab:
		return r.closeTab(), true
	case chosen:
		return r.runOr(m.action, m.run), true
	case chosenTab:
		return r.showScreen(m.screen), true
	case closeNow:
		return r.closeNow(m.screen), true
	case msg.ShowDevices:
		return r.show(0), true
	case msg.ShowInbox:
		return r.showInbox(), true
	case msg.ShowListeners:
		return r.showListeners(), true
	case msg.Awaited:
		return r.awaitSession(m), true
	case msg.ShowHistory:
		return r.openHistory(m.ID), true
	case msg.ShowShell:
		return r.add(0, shell.New(r.d, m.Name, m.Shell)), true
	case msg.EditProfile:
		return r.makers.profile(r.d, m.Name, m.Target), true
	case quitMsg:
		return r.leave(), true
	case confirmQuit:
		return r.confirmThenQuit(m), true
	case confirmedMsg:
		return r.confirmed(m), true
	case verifyChosen:
		return r.verifyPending(m), true
	case overlay.Push:
		r.stack.Push(m.Dialog)
		return initDialog(m.Dialog), true
	case overlay.PushLate:
		r.stack.PushLate(m.Dialog, r.d.Now())
		return initDialog(m.Dialog), true
	}
	return nil, false
}

// initDialog starts what a dialog loads when it opens.
func initDialog(d overlay.Dialog) tea.Cmd {
	if s, ok := d.(starter); ok {
		return s.Init()
	}
	return nil
}

// route gives a message to the screen of its session, shown or not.
func (r *root) route(m msg.For) tea.Cmd {
	for _, t := range r.tabs {
		if t.id == m.SessionID() && t.id != 0 {
			return t.screen.Update(m)
		}
	}
	return nil
}

// broadcast gives a message to all screens, shown or not.
func (r *root) broadcast(m tea.Msg) tea.Cmd {
	cmds := make([]tea.Cmd, 0, len(r.tabs))
	for _, t := range r.tabs {
		cmds = append(cmds, t.screen.Update(m))
	}
	return tea.Batch(cmds...)
}

func (r *root) resize(w, h int) tea.Cmd {
	r.w, r.h = w, h
	for _, t := range r.tabs {
		t.screen.Resize(r.bodySize())
	}
	return r.tick()
}

// bodySize is the room between the tabs and the status row.
func (r *root) bodySize() (w, h int) {
	if r.changes.on {
		return max(r.w, 1), max(r.h-4, 1)
	}
	return max(r.w, 1), max(r.h-3, 1)
}

func (r *root) small() bool { return r.w < minWidth || r.h < minHeight }

func (r *root) cur() pane.Screen { return r.tabs[r.at].screen }

// leave ends the program without questions.
func (r *root) leave() tea.Cmd {
	r.quitting = true
	return tea.Quit
}

type (
	secondMsg struct{}
	toastMsg  struct{}
	quitMsg   struct{}
	signalled struct{}
	nextKey   struct{}
	closeNow  struct{ screen pane.Screen }
)

// tick keeps one timer of a second running while something on the screen shows
// how long it has been, and none otherwise.
func (r *root) tick() tea.Cmd {
	if r.ticking || !r.elapsing() {
		return nil
	}
	r.ticking, r.jobs.beat = true, r.d.Now().Round(0)
	return r.d.After(time.Second, func(time.Time) tea.Msg { return secondMsg{} })
}

// elapsing reports whether a clock, an age or a wait is on the screen.
func (r *root) elapsing() bool {
	if r.w >= wideWidth || len(r.calls.now.Callers) > 0 || r.pendingAnywhere() {
		return true
	}
	for _, s := range r.known {
		if s != conn.Idle && s != conn.Closed {
			return true
		}
	}
	return false
}

// retitle names the next rollback in the title of the terminal, and takes it
// out again. Only names that the person gave stand there. A countdown that
// comes into its last minute rings once: the bell goes out behind the title,
// where nothing else is being drawn.
func (r *root) retitle() tea.Cmd {
	title := ""
	var next bar.State
	for _, s := range r.bars() {
		if s.Kind != bar.Confirmed || title != "" && s.Left >= next.Left {
			continue
		}
		title, next = "dialtone: "+style.ToASCII(s.Name)+" "+s.Short(), s
	}
	bell := ""
	if r.ring() {
		bell = "\a"
	}
	if title == r.title && bell == "" {
		return nil
	}
	r.title = title
	if title == "" {
		title = "dialtone"
	}
	return tea.SetWindowTitle(title + bell)
}

func (r *root) armToasts() tea.Cmd {
	now := r.d.Now()
	next := r.toasts.Expire(now)
	if next.IsZero() || r.toastArmed {
		return nil
	}
	r.toastArmed = true
	return r.d.After(next.Sub(now), func(time.Time) tea.Msg { return toastMsg{} })
}

func (r *root) awaitSignal() tea.Msg {
	select {
	case <-r.signals:
		return signalled{}
	case <-r.ctx.Done():
		return nil
	}
}
