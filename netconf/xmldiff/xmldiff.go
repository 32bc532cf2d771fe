// Package xmldiff compares two documents of any size by what they say: rows are
// aligned by element name and list key, the order of keyed entries and the
// spelling of prefixes do not matter. Nothing is decoded into a tree: equal
// stretches are skipped as bytes, and only what differs is looked at row by row.
//
// All functions may be called while others read the same documents.
package xmldiff

import (
	"context"

	"dialtone/netconf/xmldoc"
)

// Kind says what became of a piece.
type Kind uint8

// The kinds. Equal is of segments only. Moved is of Result.Moves only: an entry
// of a keyed list that is the same but stands elsewhere among its siblings.
const (
	Equal Kind = iota
	Added
	Removed
	Changed
	Moved
)

// String is the sign of the kind: "+", "-", "~", ">" or " ".
func (k Kind) String() string { return [...]string{" ", "+", "-", "~", ">"}[k] }

// Range is the rows From <= i < To. An empty one tells the place.
type Range struct{ From, To int }

// Len is the number of rows.
func (r Range) Len() int { return r.To - r.From }

// Change is one difference.
type Change struct {
	Path string // of the element, as xmldoc.Path writes it
	Kind Kind
	A, B Range  // of the whole element; empty in the document that lacks it
	Note string // what cannot be seen in the rows, such as another namespace
}

// Segment is one stretch of the aligned sequence. Together the segments cover
// every row of B once, in the order of B, and every row of A once, in the order
// of A but for entries that moved. Rows of an Equal segment face each other one
// by one when the two ranges have the same length; they may be folded. Of a
// Changed one the rows of A are shown above, or beside, those of B.
type Segment struct {
	Kind   Kind
	A, B   Range
	Change int // index into Result.Changes, -1 for Equal
}

// Options say what counts.
type Options struct {
	// Spaces makes white space at the ends of texts and values count. White
	// space between elements never does.
	Spaces bool
}

// Result is what Compare found.
type Result struct {
	Changes  []Change
	Moves    []Change // entries whose order alone differs; they change no Segment's kind
	Segments []Segment
	Added    int // changes of each kind
	Removed  int
	Changed  int
}

// Same reports that there is no difference but, perhaps, in the order of keyed
// entries: see Moves.
func (r *Result) Same() bool { return len(r.Changes) == 0 }

// Compare compares two finished documents. Where one is not well-formed the
// rest of both is compared as text. The error is that of ctx or of a document
// that was closed.
//
// What does not count: the envelope (rpc-reply and data, or
// rollback-information with its ok), comments and processing instructions, the
// spelling of prefixes, the order of attributes, and the attributes in which
// Junos tells when and by whom something was changed (junos:changed-*,
// junos:commit-*, junos:style). A leaf is what xmldoc shows on one row.
func Compare(ctx context.Context, a, b *xmldoc.Doc, o Options) (*Result, error) {
	c := newComparison(ctx, a, b, o)
	return c.run()
}
