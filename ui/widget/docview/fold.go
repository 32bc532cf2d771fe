package docview

import (
	"context"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/netconf/xmldoc"
)

// foldLevel is what "fold all" leaves open: the envelope (rpc-reply, data), so
// that the first elements of the answer can be seen.
const foldLevel = 2

// toggle folds or unfolds at the cursor.
func (v *View) toggle() {
	v.keep(func(row int) int { return v.folds.Toggle(row) })
}

// foldOrLeave folds the element at the cursor; when there is nothing to fold
// the cursor goes to the element around it.
func (v *View) foldOrLeave() {
	v.keep(func(row int) int {
		if v.doc.Row(row).Kind == xmldoc.Open && !v.folds.Folded(row) {
			return v.folds.Fold(row)
		}
		return v.doc.Parent(row)
	})
}

// unfoldOrEnter unfolds at the cursor; what is unfolded already is entered.
func (v *View) unfoldOrEnter() {
	row := v.cursorRow()
	if row < 0 || v.doc.Row(row).Kind != xmldoc.Open {
		return
	}
	if !v.folds.Folded(row) {
		v.move(1)
		return
	}
	v.keep(func(row int) int {
		v.folds.Unfold(row)
		return -1
	})
}

// foldAll folds every element at depth level and deeper. A large document
// takes a while, so the plan is made in a command.
func (v *View) foldAll(level int) tea.Cmd {
	folds := v.folds
	return v.start("folding", func(ctx context.Context) func(*View) tea.Cmd {
		plan, err := folds.Plan(ctx, level)
		if err != nil {
			return nothing
		}
		return func(v *View) tea.Cmd {
			v.keep(func(int) int {
				v.folds.Apply(plan)
				return -1
			})
			return nil
		}
	})
}

// unfoldAll shows every row.
func (v *View) unfoldAll() {
	v.Stop()
	v.keep(func(int) int {
		v.folds.UnfoldAll()
		return -1
	})
}
