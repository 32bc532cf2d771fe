package session

import (
	"dialtone/netconf/xmldoc"
	"dialtone/ui/widget/docview"
)

// detail is what a list shows below: the body of the row that is chosen.
type detail struct {
	view *docview.View // nil: nothing is chosen
	doc  *xmldoc.Doc   // that view shows
}

// show takes the place of what was shown before.
func (d *detail) show(body []byte, o docview.Options) {
	d.drop()
	d.doc = xmldoc.New(xmldoc.Options{Hint: int64(len(body))})
	_, err := d.doc.Write(body)
	d.doc.Finish(err)
	d.view = docview.New(d.doc, o)
}

// drop gives the memory back.
func (d *detail) drop() {
	if d.doc != nil {
		d.view.Stop()
		d.doc.Close()
		d.doc, d.view = nil, nil
	}
}

// lines draws it in exactly w by h cells, or not at all.
func (d *detail) lines(w, h int) []string {
	if d.view == nil {
		return nil
	}
	d.view.Resize(w, h)
	return d.view.Lines()
}
