package highlight

import "strings"

// State says what surrounds the beginning of a row: the rows of a text can be
// looked at one by one when each is given the state that the one before left.
type State uint8

// The states. The zero value is the beginning of a text.
const (
	InText    State = iota
	InTag           // behind the name of a start or end tag
	InDouble        // in an attribute value in double quotes
	InSingle        // in an attribute value in single quotes
	InComment       // behind <!--
	InCDATA         // behind <![CDATA[
	InPI            // behind <?
	InDecl          // behind <! of a declaration
	states
)

// Next returns the state at the end of line, which began in st. It looks for
// delimiters only and reads about a gigabyte a second.
func Next(line string, st State) State {
	for i := 0; i < len(line); {
		_, i, st = st.Step(line, i)
	}
	return st
}

// Step passes over what st consists of from s[i] on, and over the delimiter
// that ends it: content is s[i:run], the delimiter s[run:end], and next the
// state behind it. Without a delimiter run and end are len(s) and next is st.
//
// A < ends a tag and an attribute value that were not closed, because neither
// may hold one: while a tag is being typed, the rows below keep their colours.
func (st State) Step(s string, i int) (run, end int, next State) {
	switch st {
	case InTag:
		for run = i; run < len(s); run++ {
			switch s[run] {
			case '>':
				return run, run + 1, InText
			case '"':
				return run, run + 1, InDouble
			case '\'':
				return run, run + 1, InSingle
			case '<':
				return open(s, run)
			}
		}
		return run, run, st
	case InDouble, InSingle:
		quote := byte('"')
		if st == InSingle {
			quote = '\''
		}
		for run = i; run < len(s); run++ {
			switch s[run] {
			case quote:
				return run, run + 1, InTag
			case '<':
				return open(s, run)
			}
		}
		return run, run, st
	}
	mark := "<"
	switch st {
	case InComment:
		mark = "-->"
	case InCDATA:
		mark = "]]>"
	case InPI:
		mark = "?>"
	case InDecl:
		mark = ">"
	}
	n := strings.Index(s[i:], mark)
	switch {
	case n < 0:
		return len(s), len(s), st
	case st == InText:
		return open(s, i+n)
	}
	return i + n, i + n + len(mark), InText
}

// open takes the delimiter that begins with the < at s[i].
func open(s string, i int) (run, end int, next State) {
	rest := s[i:]
	switch {
	case strings.HasPrefix(rest, "<!--"):
		return i, i + 4, InComment
	case strings.HasPrefix(rest, "<![CDATA["):
		return i, i + 9, InCDATA
	case strings.HasPrefix(rest, "<!"):
		return i, i + 2, InDecl
	case strings.HasPrefix(rest, "<?"):
		return i, i + 2, InPI
	}
	end = i + 1
	if end < len(s) && s[end] == '/' {
		end++
	}
	for end < len(s) && nameByte(s[end]) {
		end++
	}
	return i, end, InTag
}

// nameByte reports bytes that go on with the name of an element.
func nameByte(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', '/', '>', '=', '<', '"', '\'', '&':
		return false
	}
	return true
}
