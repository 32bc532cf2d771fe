package highlight

import (
	"unicode/utf8"

	"github.com/alecthomas/chroma/v2"

	"dialtone/ui/style"
)

// to is a mutator that puts the lexer in one state. There is no stack: a row
// may begin in any state, so nothing could be popped.
func to(st State) chroma.Mutator {
	stack := []string{st.name()}
	return chroma.MutatorFunc(func(l *chroma.LexerState) error {
		l.Stack = stack
		return nil
	})
}

func (st State) name() string {
	return [states]string{"root", "tag", "double", "single", "comment", "cdata", "pi", "decl"}[st]
}

// newLexer builds the XML lexer. Its rules agree with State.Step, which a test
// holds them to.
func newLexer() (*chroma.RegexLexer, error) {
	return chroma.NewLexer(&chroma.Config{Name: "XML", DotAll: true}, rules)
}

func rules() chroma.Rules {
	opening := []chroma.Rule{
		{Pattern: `<!--`, Type: chroma.Comment, Mutator: to(InComment)},
		{Pattern: `<!\[CDATA\[`, Type: chroma.CommentPreproc, Mutator: to(InCDATA)},
		{Pattern: `<!`, Type: chroma.CommentPreproc, Mutator: to(InDecl)},
		{Pattern: `<\?`, Type: chroma.CommentPreproc, Mutator: to(InPI)},
		{Pattern: `</?[^ \t\n\r/>=<"'&]*`, Type: chroma.NameTag, Mutator: to(InTag)},
	}
	value := func(quote string) []chroma.Rule {
		return append([]chroma.Rule{
			{Pattern: `[^<&` + quote + `]+`, Type: chroma.LiteralString},
			{Pattern: quote, Type: chroma.LiteralString, Mutator: to(InTag)},
			{Pattern: `&[^ \t\n\r;<&"']*;`, Type: chroma.NameEntity},
			{Pattern: `&`, Type: chroma.Error},
		}, opening...)
	}
	until := func(first, mark string, in, at chroma.TokenType) []chroma.Rule {
		return []chroma.Rule{
			{Pattern: mark, Type: at, Mutator: to(InText)},
			{Pattern: `[^` + first + `]+`, Type: in},
			{Pattern: `.`, Type: in},
		}
	}
	// The cost is in the number of matches, not of bytes, so what is common is
	// one match: a tag without attributes, a whole value.
	return chroma.Rules{
		"root": append([]chroma.Rule{
			{Pattern: `</?[^ \t\n\r/>=<"'&!?]+/?>`, Type: chroma.NameTag},
			{Pattern: `[^<&]+`, Type: chroma.Text},
			{Pattern: `&[^ \t\n\r;<&]*;`, Type: chroma.NameEntity},
			{Pattern: `&`, Type: chroma.Error},
		}, opening...),
		"tag": append([]chroma.Rule{
			{Pattern: `/?>`, Type: chroma.NameTag, Mutator: to(InText)},
			{Pattern: `[ \t\n\r]+`, Type: chroma.Text},
			{Pattern: `[^ \t\n\r/>=<"'&]+`, Type: chroma.NameAttribute},
			{Pattern: `=`, Type: chroma.Operator},
			{Pattern: `"[^<&"]*"`, Type: chroma.LiteralString},
			{Pattern: `"`, Type: chroma.LiteralString, Mutator: to(InDouble)},
			{Pattern: `'`, Type: chroma.LiteralString, Mutator: to(InSingle)},
			{Pattern: `[/&]`, Type: chroma.Error},
		}, opening...),
		"double":  value(`"`),
		"single":  value(`'`),
		"comment": until(`\-`, `-->`, chroma.Comment, chroma.Comment),
		"cdata":   until(`\]`, `\]\]>`, chroma.Text, chroma.CommentPreproc),
		"pi":      until(`?`, `\?>`, chroma.CommentPreproc, chroma.CommentPreproc),
		"decl":    until(`>`, `>`, chroma.CommentPreproc, chroma.CommentPreproc),
	}
}

// token maps what the lexer says to what a theme knows.
func token(t chroma.TokenType) style.Token {
	switch t {
	case chroma.NameTag:
		return style.XMLTag
	case chroma.NameAttribute:
		return style.XMLAttr
	case chroma.LiteralString:
		return style.XMLValue
	case chroma.Comment:
		return style.XMLComment
	case chroma.CommentPreproc, chroma.NameEntity:
		return style.Accent
	case chroma.Operator:
		return style.Dim
	case chroma.Error:
		return style.Error
	}
	return style.Text
}

// tokenise returns the spans of s, which begins in st, by offsets into s.
// Neighbours of one token are one span; plain text has none.
func (h *Highlighter) tokenise(s string, st State, spans []Span) []Span {
	h.once.Do(func() { h.lexer, h.err = newLexer() })
	if h.err != nil || s == "" {
		return spans
	}
	next, err := h.lexer.Tokenise(&chroma.TokeniseOptions{State: st.name()}, s)
	if err != nil {
		return spans
	}
	at := 0
	for t := next(); t != chroma.EOF; t = next() {
		from := at
		for range utf8.RuneCountInString(t.Value) {
			_, n := utf8.DecodeRuneInString(s[at:])
			at += n
		}
		tok := token(t.Type)
		if last := len(spans) - 1; last >= 0 && spans[last].Tok == tok && spans[last].End == from {
			spans[last].End = at
		} else if tok != style.Text {
			spans = append(spans, Span{from, at, tok})
		}
	}
	return spans
}
