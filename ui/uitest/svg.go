package uitest

import (
	"fmt"
	"html"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// SVG draws a screen as Tmux.ScreenANSI returns it: text with SGR sequences, w
// cells wide. It knows the sixteen colours, bold, dim, underline and reverse,
// which is all that the program uses.
func SVG(screen string, w int) string {
	const cw, ch, pad = 8.4, 18.0, 12.0
	lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
	width, height := float64(w)*cw+2*pad, float64(len(lines))*ch+2*pad
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", palette(16))
	b.WriteString(`<g font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14" xml:space="preserve">` + "\n")
	st := pen{fg: -1, bg: -1}
	for y, line := range lines {
		x := 0
		for _, r := range runs(line, &st) {
			n := ansi.StringWidth(r.text)
			fg, bg := r.pen.colours()
			left, top := pad+float64(x)*cw, pad+float64(y)*ch
			if bg != "" {
				fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", left, top, float64(n)*cw, ch, bg)
			}
			if strings.TrimSpace(r.text) != "" {
				extra := ""
				if r.pen.bold {
					extra += ` font-weight="bold"`
				}
				if r.pen.under {
					extra += ` text-decoration="underline"`
				}
				fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" textLength="%.1f" lengthAdjust="spacingAndGlyphs" fill="%s"%s>%s</text>`+"\n",
					left, top+13, float64(n)*cw, fg, extra, html.EscapeString(r.text))
			}
			x += n
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}

// palette holds the sixteen colours, then background and foreground.
func palette(i int) string {
	return [18]string{
		"#2e3440", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
		"#7f848e", "#ff7b86", "#b5e890", "#ffd787", "#82c4ff", "#e29cf5", "#7fd9e5", "#ffffff",
		"#1e2127", "#d7dae0",
	}[i]
}

type pen struct {
	fg, bg                    int
	bold, dim, under, reverse bool
}

func (p pen) colours() (fg, bg string) {
	fg = palette(17)
	if p.fg >= 0 {
		fg = palette(p.fg)
	} else if p.dim {
		fg = palette(8)
	}
	if p.bg >= 0 {
		bg = palette(p.bg)
	}
	if p.reverse {
		if bg == "" {
			bg = palette(16)
		}
		fg, bg = bg, fg
	}
	return fg, bg
}

type run struct {
	text string
	pen  pen
}

// runs splits a line where the pen changes; st goes on to the next line, as a
// terminal's does.
func runs(line string, st *pen) []run {
	var out []run
	for line != "" {
		i := strings.Index(line, "\x1b[")
		if i < 0 {
			return append(out, run{line, *st})
		}
		if i > 0 {
			out = append(out, run{line[:i], *st})
		}
		line = line[i+2:]
		end := strings.IndexFunc(line, func(r rune) bool { return r >= '@' && r <= '~' })
		if end < 0 {
			return out
		}
		if line[end] == 'm' {
			st.sgr(line[:end])
		}
		line = line[end+1:]
	}
	return out
}

func (p *pen) sgr(params string) {
	for _, s := range strings.Split(params, ";") {
		n, _ := strconv.Atoi(s)
		switch {
		case n == 0:
			*p = pen{fg: -1, bg: -1}
		case n == 1:
			p.bold = true
		case n == 2:
			p.dim = true
		case n == 4:
			p.under = true
		case n == 7:
			p.reverse = true
		case n == 22:
			p.bold, p.dim = false, false
		case n == 24:
			p.under = false
		case n == 27:
			p.reverse = false
		case n >= 30 && n <= 37:
			p.fg = n - 30
		case n == 39:
			p.fg = -1
		case n >= 40 && n <= 47:
			p.bg = n - 40
		case n == 49:
			p.bg = -1
		case n >= 90 && n <= 97:
			p.fg = n - 90 + 8
		case n >= 100 && n <= 107:
			p.bg = n - 100 + 8
		}
	}
}
