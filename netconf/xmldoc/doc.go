// Package xmldoc holds a reply of any size as text plus an index of its rows.
//
// The text is kept once, outside the Go heap, exactly as it arrived. Rows are
// virtual: they come from tags and not from line ends, so that a reply of one
// long line has rows as well. The index is sparse; what is not stored is found
// again by scanning from the nearest checkpoint.
//
// One goroutine writes (Write, Finish) while any number read: rows already
// published never change.
package xmldoc

import (
	"context"
	"io"
)

// Kind says what a row shows.
type Kind uint8

// The kinds of rows in the pretty view.
const (
	Open    Kind = iota // <interfaces>: children follow
	Close               // </interfaces>
	Leaf                // <name>ge-0/0/0</name>, on one row
	Empty               // <running/>
	Text                // text, or one line of a longer text
	Comment             // one line of a comment
	PI                  // <?xml ...?>
	CDATA               // one line of a CDATA section
	Broken              // from the place on where the XML is broken: physical lines
)

// Row is a value computed from the index; nothing of it is stored per row.
type Row struct {
	Off   int64 // of the row's first byte in the text
	Len   int   // bytes of the row, without the white space between rows
	Depth int   // 0 for the root element
	Kind  Kind
}

// Problem is the place where the text stops being well-formed, or where it was
// cut off.
type Problem struct {
	Code string // "XML-TRUNC", "XML-DEPTH", ... (security.md C1)
	Off  int64
	Row  int
	What string // one sentence, no foreign bytes but quoted ones
}

// Options configure a Doc.
type Options struct {
	MaxDepth int   // 512 when 0
	Hint     int64 // expected size in bytes, 0 when unknown
}

// Doc is one reply. The zero value is not usable.
type Doc struct{}

// New returns an empty document. Close releases its memory.
func New(o Options) *Doc { panic("xmldoc: being written") }

// Write appends bytes of the reply. It keeps no reference to p and fails only
// when no memory can be had, or after Finish.
func (d *Doc) Write(p []byte) (int, error) { panic("xmldoc: being written") }

// Finish marks the end; err says why it ended early, nil when it is whole.
func (d *Doc) Finish(err error) { panic("xmldoc: being written") }

// Finished reports whether Finish was called, and with what.
func (d *Doc) Finished() (bool, error) { panic("xmldoc: being written") }

// Close releases the text. No other method may be called during or after it.
func (d *Doc) Close() error { panic("xmldoc: being written") }

// Size is the number of bytes received.
func (d *Doc) Size() int64 { panic("xmldoc: being written") }

// Rows is the number of rows that can be read now.
func (d *Doc) Rows() int { panic("xmldoc: being written") }

// Row returns row i, 0 <= i < Rows().
func (d *Doc) Row(i int) Row { panic("xmldoc: being written") }

// AppendRow appends the first max bytes of row i's text to buf, exactly as they
// came. (Row.Len tells how long it is in whole.)
func (d *Doc) AppendRow(buf []byte, i, max int) []byte { panic("xmldoc: being written") }

// Parent returns the row of the element around row i, -1 for the root.
func (d *Doc) Parent(i int) int { panic("xmldoc: being written") }

// End returns the row of the end tag that belongs to the Open row i, or -1
// while it has not arrived. For other kinds it returns i.
func (d *Doc) End(i int) int { panic("xmldoc: being written") }

// Children counts the child elements of an Open row as far as they have
// arrived, at most max.
func (d *Doc) Children(i, max int) int { panic("xmldoc: being written") }

// Label is what a folded Open row shows beside its name: the value of its
// first leaf child when that names the entry (name, id, key, address, ...).
func (d *Doc) Label(i int) string { panic("xmldoc: being written") }

// Path is the location of row i with list keys:
// /interfaces/interface[name=ge-0/0/2]/mtu. The envelope (rpc-reply, data) is
// left out.
func (d *Doc) Path(i int) string { panic("xmldoc: being written") }

// Find returns the row that a path of the form of Path leads to.
func (d *Doc) Find(ctx context.Context, path string) (row int, ok bool, err error) {
	panic("xmldoc: being written")
}

// RowAt returns the row that holds byte off of the text.
func (d *Doc) RowAt(off int64) int { panic("xmldoc: being written") }

// Subtree reads the text of the element that row i belongs to, exactly.
func (d *Doc) Subtree(i int) io.Reader { panic("xmldoc: being written") }

// Reader reads the whole text as it is now.
func (d *Doc) Reader() io.Reader { panic("xmldoc: being written") }

// Value is the text content of a Leaf row with entities resolved; "" for other
// kinds.
func (d *Doc) Value(i int) string { panic("xmldoc: being written") }

// Problem returns the first place where the XML is broken.
func (d *Doc) Problem() (Problem, bool) { panic("xmldoc: being written") }

// Query is what to search for. Matches do not span rows.
type Query struct {
	Text       string
	IgnoreCase bool
}

// Search returns the first matching row after from (before it when back is
// set), -1 <= from <= Rows(). It wraps nowhere and ends with ctx.
func (d *Doc) Search(ctx context.Context, q Query, from int, back bool) (row int, ok bool, err error) {
	panic("xmldoc: being written")
}
