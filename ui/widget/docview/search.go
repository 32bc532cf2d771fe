package docview

import (
	"context"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/netconf/xmldoc"
	"dialtone/ui/safe"
)

// askSearch opens the line that asks what to search for.
func (v *View) askSearch() {
	v.open("/", func(v *View, text string) tea.Cmd {
		v.answered()
		if text == "" {
			text = v.query.Text
		}
		if text == "" {
			return nil
		}
		v.query = queryFor(text)
		return v.search(false)
	})
}

// queryFor ignores case unless the text has a capital letter.
func queryFor(text string) xmldoc.Query {
	return xmldoc.Query{Text: text, IgnoreCase: text == strings.ToLower(text)}
}

// hit is the result of one search.
type hit struct {
	row     int
	found   bool
	wrapped bool
}

// search goes to the next row that matches (the previous when back is set),
// and on from the other end when there is none. The screen stays as it is
// until something is found.
func (v *View) search(back bool) tea.Cmd {
	doc, q, from := v.doc, v.query, v.cursorRow()
	return v.start("searching", func(ctx context.Context) func(*View) tea.Cmd {
		h, err := lookup(ctx, doc, q, from, back)
		if err != nil {
			return nothing
		}
		return func(v *View) tea.Cmd {
			v.found(h)
			return nil
		}
	})
}

func lookup(ctx context.Context, doc *xmldoc.Doc, q xmldoc.Query, from int, back bool) (h hit, err error) {
	if h.row, h.found, err = doc.Search(ctx, q, from, back); err != nil || h.found {
		return h, err
	}
	h.wrapped = true
	start := -1
	if back {
		start = doc.Rows()
	}
	h.row, h.found, err = doc.Search(ctx, q, start, back)
	return h, err
}

func (v *View) found(h hit) {
	switch {
	case !h.found:
		v.note = "not found: " + safe.Line(v.query.Text)
		if done, _ := v.doc.Finished(); !done {
			v.note = "not in what has come so far: " + safe.Line(v.query.Text)
		}
		return
	case h.wrapped:
		v.note = "search went on from the other end"
	}
	v.goTo(h.row)
}

// goTo puts the cursor on a row of the document, in the mode that is shown.
func (v *View) goTo(row int) {
	if v.mode == Errors {
		v.setMode(Pretty)
	}
	if v.mode == Raw {
		v.showOffset(v.doc.Row(row).Off)
		return
	}
	v.showRow(row)
}

// askPath opens the line that asks where to go, with the path of this row.
func (v *View) askPath() {
	v.open("go to", func(v *View, text string) tea.Cmd {
		v.answered()
		text = strings.TrimSpace(text)
		if text == "" {
			return nil
		}
		doc := v.doc
		return v.start("looking for "+safe.Line(text), func(ctx context.Context) func(*View) tea.Cmd {
			row, ok, err := doc.Find(ctx, text)
			if err != nil && ctx.Err() != nil {
				return nothing
			}
			return func(v *View) tea.Cmd {
				switch {
				case err != nil:
					v.note = "path: " + safe.Text(err.Error())
				case !ok:
					v.note = "not in this reply: " + safe.Line(text)
				default:
					v.goTo(row)
				}
				return nil
			}
		})
	}).Offer(v.path.text)
}

// cleanPath makes a path fit for the status row.
func cleanPath(p string) string { return safe.Line(p) }
