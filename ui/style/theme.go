// Package style is the one place that knows colours, borders and glyphs. Code
// elsewhere names tokens. A theme writes its own SGR sequences instead of
// leaving them to a colour library, because those drop bold and reverse
// together with colour when NO_COLOR is set, and selection must stay visible.
package style

// Token names what a piece of text is, never how it looks.
type Token uint8

// The tokens, each with one style in every theme.
const (
	Text Token = iota
	Dim
	Title
	Focus
	Accent
	OK
	Warn
	Error
	Danger
	Added
	Removed
	Changed
	XMLTag
	XMLAttr
	XMLValue
	XMLComment
	Match
	Bar
	Select
	Mark // an unprintable character of foreign text, drawn as a replacement
	tokens
)

// Theme turns tokens into SGR sequences. Values are made by New and never
// change afterwards.
type Theme struct {
	Name  string
	ASCII bool // borders and glyphs without Unicode
	sgr   [tokens]string
}

// Names of the built-in themes.
func Names() []string { return []string{"default", "light", "dark", "mono"} }

// New returns a built-in theme; an unknown name gives the default and false.
// plain drops every SGR sequence (TERM=dumb).
func New(name string, ascii, plain bool) (*Theme, bool) {
	table, ok := palettes()[name]
	if !ok {
		name, table = "default", palettes()["default"]
	}
	t := &Theme{Name: name, ASCII: ascii}
	if plain {
		return t, ok
	}
	for tok, code := range table {
		if code != "" {
			t.sgr[tok] = "\x1b[" + code + "m"
		}
	}
	return t, ok
}

// Paint wraps s, which must be safe text without sequences of its own.
func (t *Theme) Paint(tok Token, s string) string {
	if s == "" || t.sgr[tok] == "" {
		return s
	}
	return t.sgr[tok] + s + "\x1b[0m"
}

// SGR is the opening sequence of a token, "" when it has none; Reset closes it.
// They are for code that joins long rows by hand.
func (t *Theme) SGR(tok Token) string { return t.sgr[tok] }

// Reset ends what SGR began.
const Reset = "\x1b[0m"

func palettes() map[string][tokens]string {
	return map[string][tokens]string{
		"default": {
			Dim: "90", Title: "1", Focus: "1", Accent: "36", OK: "32", Warn: "33", Error: "31", Danger: "1;31",
			Added: "32", Removed: "31", Changed: "33", XMLTag: "34", XMLAttr: "36", XMLValue: "32", XMLComment: "90",
			Match: "30;43", Bar: "7", Select: "7", Mark: "35",
		},
		"dark": {
			Text: "97", Dim: "37", Title: "1;97", Focus: "1;97", Accent: "96", OK: "92", Warn: "93", Error: "91", Danger: "1;91",
			Added: "92", Removed: "91", Changed: "93", XMLTag: "94", XMLAttr: "96", XMLValue: "92", XMLComment: "37",
			Match: "30;103", Bar: "7", Select: "7", Mark: "95",
		},
		"light": {
			Text: "30", Dim: "90", Title: "1;30", Focus: "1;30", Accent: "34", OK: "32", Warn: "35", Error: "31", Danger: "1;31",
			Added: "32", Removed: "31", Changed: "35", XMLTag: "34", XMLAttr: "35", XMLValue: "32", XMLComment: "90",
			Match: "97;44", Bar: "7", Select: "7", Mark: "35",
		},
		"mono": {
			Title: "1", Focus: "1", Danger: "1", Match: "4", Bar: "7", Select: "7", Mark: "4",
		},
	}
}
