package session

import (
	"strings"

	"dialtone/conn"
	"dialtone/ui/style"
)

// wide is the width from which on the panes stand side by side.
const wide = 120

// rect is the place of one pane on the screen; w is 0 when it is not shown.
type rect struct{ x, y, w, h int }

// frame is the places of all panes.
type frame struct {
	rpc, reply, side, card rect
}

// divide gives each pane its place. rows is how many rows the text of the RPC
// has; card is how many rows the note about the connection needs, frame
// included, 0 for none.
func divide(w, h, rows, card int, editing bool, zoom part, zoomed bool) frame {
	var f frame
	if zoomed {
		full := rect{0, 0, w, h}
		switch zoom {
		case rpcPart:
			f.rpc = full
		case sidePart:
			f.side = full
		default:
			f.reply = full
		}
		return f
	}
	if w >= wide {
		left := w * 2 / 5
		top := clamp(h*4/9, 4, h)
		if editing {
			top = clamp(rows+2, top, h*2/3)
		}
		f.rpc = rect{0, 0, left, top}
		f.side = rect{0, top, left, h - top}
		f.reply = rect{left, 0, w - left, h}
		f.card, f.reply = cut(f.reply, card)
		return f
	}
	top := clamp(h/3, 4, h)
	if editing {
		top = clamp(rows+2, top, max(h*5/8, top))
	}
	f.rpc = rect{0, 0, w, top}
	f.reply = rect{0, top, w, h - top}
	f.card, f.reply = cut(f.reply, card)
	return f
}

// cut takes rows from the top of r. What would be too small to read goes to the
// card.
func cut(r rect, rows int) (card, rest rect) {
	if rows <= 0 {
		return rect{}, r
	}
	if r.h-rows < 5 {
		return r, rect{}
	}
	return rect{r.x, r.y, r.w, rows}, rect{r.x, r.y + rows, r.w, r.h - rows}
}

func clamp(n, low, high int) int { return max(min(n, high), low) }

// Resize implements pane.Pane.
func (s *Screen) Resize(w, h int) {
	s.w, s.h = w, h
	for _, c := range s.commits.covers {
		c.Resize(w, h)
	}
	s.refresh()
}

// Zoom implements pane.Zoomer.
func (s *Screen) Zoom(on bool) {
	s.zoomed = on
	s.refresh()
}

// refresh brings sizes and titles up to date.
func (s *Screen) refresh() {
	s.place()
	if r := s.reply(); r != nil {
		r.view.SetTitle(s.replyTitle(r))
		r.view.SetEmpty(s.emptyReply(r))
	}
}

// place gives the panes their sizes, and the focus to one that is shown.
func (s *Screen) place() {
	f := s.frame()
	s.focus = s.wanted
	if s.focus == sidePart && f.side.w == 0 {
		s.focus = rpcPart
	}
	s.rpc.Resize(max(f.rpc.w-2, 0), max(f.rpc.h-2, 0))
	for _, r := range s.replies.list {
		r.view.Resize(f.reply.w, f.reply.h)
	}
	s.side.page = f.side.h - 2
	s.side.list.SetLen(len(s.side.rows(s)))
	s.side.list.SetPage(s.side.page)
}

func (s *Screen) frame() frame {
	card := 0
	if s.dev.State != conn.Open && len(s.replies.list) > 0 {
		card = len(s.connection()) + 2
	}
	return divide(s.w, s.h, s.rpc.Lines(), card, s.rpc.Editing(), s.wanted, s.zoomed)
}

// View implements pane.Pane.
func (s *Screen) View() string {
	if s.w < 2 || s.h < 2 {
		return strings.Join(s.d.Theme.Box(s.w, s.h, "", "", false, nil), "\n")
	}
	if o := s.over(); o != nil {
		return o.View()
	}
	f := s.frame()
	rows := make([][]string, s.h)
	put := func(r rect, lines []string) {
		for i := range min(r.h, len(lines)) {
			rows[r.y+i] = append(rows[r.y+i], lines[i])
		}
	}
	if f.rpc.w > 0 {
		put(f.rpc, s.rpcLines(f.rpc))
	}
	if f.side.w > 0 {
		put(f.side, s.sideLines(f.side))
	}
	if f.card.w > 0 {
		put(f.card, s.cardLines(f.card))
	}
	if f.reply.w > 0 {
		put(f.reply, s.replyLines(f.reply))
	}
	out := make([]string, s.h)
	for i, parts := range rows {
		out[i] = strings.Join(parts, "")
	}
	return strings.Join(out, "\n")
}

// replyLines draws the reply pane: the reply, or why there is none.
func (s *Screen) replyLines(r rect) []string {
	if x := s.reply(); x != nil {
		return x.view.Lines()
	}
	focused := s.shown && s.focus == replyPart
	if s.dev.State != conn.Open {
		return s.d.Theme.Box(r.w, r.h, "Connection", s.connectionRight(), focused, s.connection())
	}
	return s.d.Theme.Box(r.w, r.h, "Reply", "", focused, []string{
		"", s.d.Theme.Paint(style.Dim, "  Replies appear here."),
		s.d.Theme.Paint(style.Dim, "  Write a request in the RPC pane: ctrl+r sends it."),
	})
}

func (s *Screen) cardLines(r rect) []string {
	return s.d.Theme.Box(r.w, r.h, "Connection", s.connectionRight(), false, s.connection())
}

// rpcLines draws the RPC pane. An empty one says what it is for.
func (s *Screen) rpcLines(r rect) []string {
	title, right := s.rpcTitle()
	body := strings.Split(s.rpc.View(), "\n")
	if s.rpc.Len() == 0 && !s.rpc.Capturing() {
		body = []string{
			s.d.Theme.Paint(style.Dim, "  Nothing to send yet."),
			s.d.Theme.Paint(style.Dim, "  i write an RPC   t take a template   h one sent before"),
		}
	}
	return s.d.Theme.Box(r.w, r.h, title, right, s.shown && s.focus == rpcPart, body)
}
