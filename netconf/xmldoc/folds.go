package xmldoc

import "context"

// Folds maps the lines that a view shows to rows of a Doc. One per view; not
// safe for concurrent use. Rows that arrive later appear by themselves.
type Folds struct{}

// NewFolds shows every row.
func NewFolds(d *Doc) *Folds { panic("xmldoc: being written") }

// Visible is the number of lines.
func (f *Folds) Visible() int { panic("xmldoc: being written") }

// RowAt returns the row shown on a line, 0 <= line < Visible().
func (f *Folds) RowAt(line int) int { panic("xmldoc: being written") }

// LineOf returns the line that shows row, or the line of the fold that hides it.
func (f *Folds) LineOf(row int) int { panic("xmldoc: being written") }

// Folded reports whether the Open row is folded.
func (f *Folds) Folded(row int) bool { panic("xmldoc: being written") }

// Toggle folds or unfolds the element of row (its parent's when row opens
// nothing) and returns the row to put the cursor on.
func (f *Folds) Toggle(row int) int { panic("xmldoc: being written") }

// Fold and Unfold are the two halves of Toggle.
func (f *Folds) Fold(row int) int { panic("xmldoc: being written") }

// Unfold shows the children of an Open row.
func (f *Folds) Unfold(row int) { panic("xmldoc: being written") }

// Plan computes what folding every element at depth >= level would do; it may
// take long on a large document, and runs outside the view's goroutine. Apply
// then makes it so.
func (f *Folds) Plan(ctx context.Context, level int) (*Folds, error) { panic("xmldoc: being written") }

// Apply takes over the state of a planned Folds.
func (f *Folds) Apply(p *Folds) { panic("xmldoc: being written") }

// UnfoldAll shows every row.
func (f *Folds) UnfoldAll() { panic("xmldoc: being written") }

// Reveal unfolds whatever hides row.
func (f *Folds) Reveal(row int) { panic("xmldoc: being written") }
