package session

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn"
	"dialtone/keys/atomicfile"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/widget/docview"
)

const (
	draftAfter = time.Second // of quiet before a draft is written
	draftLimit = 4 << 20
)

// draft is the text in the editor as it is kept on the disk, so that it
// outlives a crash. One text is written at a time.
type draft struct {
	path   string // "": nothing is kept
	saved  string // what the file holds
	sent   string // the text that was sent last
	loaded string // the text as a template or the history gave it
	armed  bool   // a timer runs, or a file is read or written
	// pending tells that it is the timer.
	pending bool
	stale   bool // the text may differ from saved
	failed  bool // said once
}

// draftPath is the file of a device's draft.
func draftPath(dir, device string) string {
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "drafts", docview.FileName(device, ""))
}

// draftMsg is a step of keeping a draft.
type draftMsg struct {
	id   conn.SessionID
	step draftStep
	text string
	at   time.Time
	err  error
}

type draftStep uint8

const (
	draftDue     draftStep = iota // the quiet is over
	draftWritten                  // text is on the disk
	draftFound                    // text was left by an earlier run
	draftWanted                   // the person wants it back
	draftDropped                  // the person does not
)

// SessionID implements msg.For.
func (m draftMsg) SessionID() conn.SessionID { return m.id }

// unsent is the text to keep: nothing once it was sent.
func (s *Screen) unsent() string {
	t := s.text()
	if t == s.draft.sent || strings.TrimSpace(t) == "" || len(t) > draftLimit {
		return ""
	}
	return t
}

// saveDraft starts the timer when there is something to write.
func (s *Screen) saveDraft() tea.Cmd {
	if !s.draft.stale || s.draft.path == "" || s.draft.armed || s.draft.failed {
		return nil
	}
	s.draft.armed, s.draft.pending = true, true
	id := s.id
	return s.d.After(draftAfter, func(time.Time) tea.Msg { return draftMsg{id: id, step: draftDue} })
}

// drafted takes a step.
func (s *Screen) drafted(m draftMsg) tea.Cmd {
	switch m.step {
	case draftDue:
		if !s.draft.pending {
			return nil // written already
		}
		return s.writeDraft()
	case draftWritten:
		s.draft.armed = false
		if m.err != nil {
			s.draft.failed = true
			return msg.Say(msg.Warn, "The unsent RPC cannot be kept: "+m.err.Error())
		}
		s.draft.saved = m.text
	case draftFound:
		return s.offerDraft(m)
	case draftWanted:
		s.draft.saved = m.text
		return s.insert(insertMsg{id: s.id, text: m.text, replace: true})
	case draftDropped:
		s.draft.saved, s.draft.stale = m.text, true // it differs from the empty text, so the file goes
	}
	return nil
}

// writeDraft writes the text as it is now, or removes the file of one that was
// sent.
func (s *Screen) writeDraft() tea.Cmd {
	s.draft.pending, s.draft.stale = false, false
	path, m := s.draft.path, draftMsg{id: s.id, step: draftWritten, text: s.unsent()}
	if m.text == s.draft.saved {
		s.draft.armed = false
		return nil
	}
	return func() tea.Msg {
		if m.text == "" {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				m.err = err
			}
			return m
		}
		m.err = atomicfile.Write(path, []byte(m.text), 0o600)
		return m
	}
}

// loadDraft looks for what an earlier run left.
func (s *Screen) loadDraft() tea.Cmd {
	path, m := s.draft.path, draftMsg{id: s.id, step: draftFound}
	if path == "" {
		return nil
	}
	s.draft.armed = true // nothing is written before this is read
	return func() tea.Msg {
		fi, err := os.Lstat(path)
		if err != nil || !fi.Mode().IsRegular() || fi.Size() > draftLimit {
			return m
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return m
		}
		m.text, m.at = string(b), fi.ModTime()
		return m
	}
}

// offerDraft asks whether an earlier draft comes back. Leaving the question
// keeps the file until something else is written.
func (s *Screen) offerDraft(m draftMsg) tea.Cmd {
	s.draft.armed = false
	if strings.TrimSpace(m.text) == "" {
		return nil
	}
	s.draft.saved = m.text
	if s.rpc.Len() > 0 {
		return nil
	}
	s.draft.saved = ""
	answer := func(step draftStep) tea.Cmd {
		return func() tea.Msg { return draftMsg{id: s.id, step: step, text: m.text} }
	}
	dialog := &overlay.Confirm{
		Theme: s.d.Theme, Title: "An RPC to " + safe.Text(s.dev.Target.Name) + " was not sent",
		Body: []string{
			"It was written on " + m.at.In(s.d.Now().Location()).Format("2006-01-02 15:04:05") + " and begins with:",
			firstLine(m.text),
		},
		Cancel: "leave it for later",
		Choices: []overlay.Choice{
			{Key: "e", Label: "put it into the editor", Do: answer(draftWanted)},
			{Key: "d", Label: "drop it", Do: answer(draftDropped)},
		},
	}
	return func() tea.Msg { return overlay.PushLate{Dialog: dialog} }
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if r := []rune(line); len(r) > 60 {
		return string(r[:60]) + "..."
	}
	return line
}
