// Package quiet keeps the colour library from asking the terminal for its
// background. The framework makes it ask while its packages are initialised,
// before main, and waits up to five seconds on a terminal that never answers.
//
// Whoever imports the framework imports this package too. The language fixes
// the order: among the packages whose imports are ready, the one whose path
// sorts first is initialised first, and "dialtone" sorts before "github.com".
// Themes name only the sixteen colours on the terminal's own background, so
// nothing is lost by not knowing it.
package quiet

import "github.com/charmbracelet/lipgloss"

// Asked is always false: the background is taken for dark, unasked.
var Asked = silence()

func silence() bool {
	lipgloss.SetHasDarkBackground(true)
	return false
}
