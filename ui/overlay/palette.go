package overlay

import (
	"strconv"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/sahilm/fuzzy"

	"dialtone/ui/style"
	"dialtone/ui/widget/prompt"
)

// Item is one line of the palette. Title and Note are safe text.
type Item struct {
	Title  string
	Key    string // as shown to the person, "" when none
	Note   string // "already open"
	Alters bool
	Off    string // why it cannot be run now
	Run    tea.Cmd
}

// Palette finds an action, a template or a device by a few of its letters.
type Palette struct {
	Theme *style.Theme
	Items []Item

	line  prompt.Line
	found []int
	asked string
	fresh bool
	at    int
	top   int
}

// Help implements Dialog.
func (p *Palette) Help() string { return "enter run  tab complete  ctrl+n ctrl+p choose  esc close" }

// Waits implements Waiter.
func (p *Palette) Waits() string { return "The palette is open." }

// Update implements Dialog.
func (p *Palette) Update(m tea.Msg) (tea.Cmd, bool) {
	k, ok := m.(tea.KeyMsg)
	if !ok {
		return nil, false
	}
	found := p.match()
	switch k.String() {
	case "esc", "ctrl+c":
		return nil, true
	case "down", "ctrl+n":
		p.at++
	case "up", "ctrl+p":
		p.at--
	case "pgdown":
		p.at += 10
	case "pgup":
		p.at -= 10
	case "tab":
		if p.at < len(found) {
			p.line.Set(p.Items[found[p.at]].Title)
			p.at = 0
		}
	case "enter":
		if p.at >= len(found) {
			return nil, false
		}
		return p.Items[found[p.at]].Run, true
	default:
		if p.line.Update(k) {
			p.at, p.top = 0, 0
		}
	}
	p.at = min(max(p.at, 0), max(len(p.match())-1, 0))
	return nil, false
}

// match returns the indexes of the items that match what is typed, best first.
func (p *Palette) match() []int {
	q := strings.TrimSpace(p.line.Value())
	if p.fresh && q == p.asked {
		return p.found
	}
	p.asked, p.fresh, p.found = q, true, p.found[:0]
	if q == "" {
		for i := range p.Items {
			p.found = append(p.found, i)
		}
		return p.found
	}
	for _, hit := range fuzzy.FindFrom(q, source(p.Items)) {
		p.found = append(p.found, hit.Index)
	}
	return p.found
}

type source []Item

func (s source) String(i int) string { return s[i].Title }
func (s source) Len() int            { return len(s) }

// View implements Dialog.
func (p *Palette) View(maxW, maxH int) string {
	w := min(maxW, 76)
	if maxW >= 120 {
		w = 80
	}
	h := min(maxH, 16)
	if maxH > 30 {
		h = 24
	}
	found := p.match()
	page := max(h-4, 1)
	p.at = min(max(p.at, 0), max(len(found)-1, 0))
	p.top = min(p.top, p.at)
	p.top = max(p.top, p.at-page+1)
	var body []string
	for i := p.top; i < min(p.top+page, len(found)); i++ {
		body = append(body, p.row(p.Items[found[i]], w-2, i == p.at))
	}
	if len(found) == 0 {
		body = append(body, "  Nothing matches. Fewer letters find more.")
	}
	for len(body) < page {
		body = append(body, "")
	}
	body = append(body, "", p.Theme.Paint(style.Dim, " "+strconv.Itoa(len(p.Items))+` commands. "device" marks those that change it.`))
	title := "> " + strings.TrimRight(p.line.View(p.Theme, max(w-26, 4), true), " ")
	return strings.Join(p.Theme.Box(w, h, title, strconv.Itoa(len(found))+" of "+strconv.Itoa(len(p.Items)), true, body), "\n")
}

func (p *Palette) row(it Item, w int, sel bool) string {
	mark := "  "
	if sel {
		mark = p.Theme.Glyph(style.Selected) + " "
	}
	note := it.Note
	switch {
	case it.Off != "":
		note = "off: " + it.Off
	case it.Alters:
		note = "device"
	}
	nw := min(style.Width(note), max(w/2-8, 16))
	kw := max(style.Width(it.Key), 3)
	text := mark + p.Theme.Fit(it.Title, max(w-2-nw-kw-5, 8)) + "  " + p.Theme.Fit(note, nw) + "  " + p.Theme.Fit(it.Key, kw)
	text = p.Theme.Fit(text, w)
	if sel {
		return p.Theme.Paint(style.Select, text)
	}
	if it.Off != "" {
		return p.Theme.Paint(style.Dim, text)
	}
	return text
}
