package overlay

// Scroll is the place in text that is longer than a dialog. The zero value is
// at its beginning.
type Scroll struct {
	at    int // first line shown
	lines int // of the text, when it was shown last
	page  int // lines that were shown of it at most
}

// Key moves by a key of scrolling; others do nothing.
func (s *Scroll) Key(key string) {
	switch key {
	case "j", "down":
		s.at++
	case "k", "up":
		s.at--
	case "ctrl+d", "pgdown", " ":
		s.at += max(s.page, 1)
	case "ctrl+u", "pgup":
		s.at -= max(s.page, 1)
	case "g", "home":
		s.at = 0
	case "G", "end":
		s.at = s.lines
	}
	s.at = min(max(s.at, 0), max(s.lines-s.page, 0))
}

// Show returns the lines that a page has room for, which are not to be changed.
func (s *Scroll) Show(lines []string, page int) []string {
	s.lines, s.page = len(lines), max(page, 1)
	s.at = min(max(s.at, 0), max(s.lines-s.page, 0))
	to := min(s.at+s.page, s.lines)
	return lines[s.at:to:to]
}

// All reports whether all lines were shown.
func (s *Scroll) All() bool { return s.lines <= s.page }
