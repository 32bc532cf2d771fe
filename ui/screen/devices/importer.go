package devices

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/profile"
	"dialtone/ui/msg"
	"dialtone/ui/overlay"
	"dialtone/ui/safe"
	"dialtone/ui/screen"
	"dialtone/ui/style"
	"dialtone/ui/widget/table"
)

// readSSHConfig reads ~/.ssh/config and opens the dialog that chooses from it.
func (s *Screen) readSSHConfig() tea.Msg {
	home, err := os.UserHomeDir()
	if err != nil {
		return msg.Toast{Level: msg.Error, Text: "Nothing imported: there is no home directory", Detail: err.Error()}
	}
	ps, errs := profile.ImportSSH(filepath.Join(home, ".ssh", "config"))
	if len(ps) == 0 {
		text := "Nothing to import: ~/.ssh/config names no host without wildcards"
		if len(errs) > 0 && errors.Is(errs[0], os.ErrNotExist) {
			return msg.Toast{Level: msg.Warn, Text: "Nothing to import: there is no ~/.ssh/config; a adds a device"}
		} else if len(errs) > 0 {
			text = "Nothing imported: " + errs[0].Error()
		}
		return msg.Toast{Level: msg.Warn, Text: text, Detail: joined(errs)}
	}
	have := map[string]profile.Profile{}
	old, _ := s.d.Profiles.List()
	for _, p := range old {
		have[p.Name] = p
	}
	return overlay.Push{Dialog: newImporter(s.d, ps, have, errs)}
}

func joined(errs []error) string {
	lines := make([]string, len(errs))
	for i, err := range errs {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// importer shows what an import would bring, host by host, and saves what the
// person chose. A name that is saved already is never replaced.
type importer struct {
	d      *screen.Deps
	ps     []profile.Profile
	exists []bool
	on     []bool
	errs   []error
	list   table.List
}

func newImporter(d *screen.Deps, ps []profile.Profile, have map[string]profile.Profile, errs []error) *importer {
	im := &importer{d: d, ps: ps, errs: errs, exists: make([]bool, len(ps)), on: make([]bool, len(ps))}
	for i, p := range ps {
		_, im.exists[i] = have[p.Name]
	}
	im.list.SetLen(len(ps))
	return im
}

// Help implements overlay.Dialog.
func (im *importer) Help() string { return "space choose  a all  enter import  esc cancel" }

// Update implements overlay.Dialog.
func (im *importer) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	i := im.list.At()
	switch k.String() {
	case "esc", "q", "ctrl+c":
		return nil, true
	case " ":
		im.on[i] = !im.on[i] && !im.exists[i]
	case "a":
		all := im.chosen() < len(im.ps)-im.taken()
		for i := range im.on {
			im.on[i] = all && !im.exists[i]
		}
	case "enter":
		if im.chosen() == 0 {
			return nil, false
		}
		return im.save, true
	default:
		im.list.Key(k.String())
	}
	return nil, false
}

func (im *importer) chosen() int { return count(im.on) }
func (im *importer) taken() int  { return count(im.exists) }

func count(bs []bool) int {
	n := 0
	for _, b := range bs {
		if b {
			n++
		}
	}
	return n
}

// save writes what was chosen; it goes on after one that fails.
func (im *importer) save() tea.Msg {
	saved, problems := 0, append([]error(nil), im.errs...)
	for i, p := range im.ps {
		if !im.on[i] {
			continue
		}
		if err := im.d.Profiles.Put(p); err != nil {
			problems = append(problems, err)
			continue
		}
		saved++
	}
	t := msg.Toast{Level: msg.Good, Text: "Imported " + plural(saved, "device")}
	if len(problems) > 0 {
		t.Level, t.Detail = msg.Warn, joined(problems)
		t.Text += ", " + plural(len(problems), "remark")
	}
	return tea.BatchMsg{func() tea.Msg { return t }, func() tea.Msg { return msg.ProfilesChanged{} }}
}

// View implements overlay.Dialog.
func (im *importer) View(maxW, maxH int) string {
	t := im.d.Theme
	w, h := min(maxW, 78), min(maxH, len(im.ps)+6)
	im.list.SetPage(max(h-5, 1))
	from, to := im.list.Window()
	body := []string{t.Paint(style.Dim, "       "+t.Fit("NAME", 18)+" ADDRESS")}
	for i := from; i < to; i++ {
		body = append(body, im.row(i, w-2))
	}
	for len(body) < h-4 {
		body = append(body, "")
	}
	note := "Host keys and passwords are not imported; host keys are asked about as ever."
	if len(im.errs) > 0 {
		note = plural(len(im.errs), "entry") + " left out or changed; ! tells which after the import."
	}
	foot := fmt.Sprintf(" %d chosen, %d saved already", im.chosen(), im.taken())
	body = append(body, t.Paint(style.Dim, " "+note), t.Fit(foot, w-34)+"enter  import    > esc  cancel")
	return strings.Join(t.Box(w, h, "Import from ~/.ssh/config", fmt.Sprint(len(im.ps)), true, body), "\n")
}

func (im *importer) row(i, w int) string {
	t := im.d.Theme
	p := im.ps[i]
	box := "[ ]"
	switch {
	case im.exists[i]:
		box = " = "
	case im.on[i]:
		box = "[x]"
	}
	mark := " "
	if i == im.list.At() {
		mark = t.Glyph(style.Selected)
	}
	addr := p.Address()
	if p.User != "" {
		addr = p.User + "@" + addr
	}
	if len(p.Jump) > 0 {
		addr += "  over " + strings.Join(p.Jump, ", ")
	}
	text := t.Fit(" "+mark+" "+box+" "+t.Fit(safe.Text(p.Name), 18)+" "+safe.Text(addr), w)
	if i == im.list.At() {
		return t.Paint(style.Select, text)
	}
	return text
}
