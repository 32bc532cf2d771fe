// Package term knows the terminal that the program runs in: what it can show,
// the signals that end the program, and what is kept of a crash.
package term

import (
	"fmt"
	"io"
	"os"
	"strings"

	"dialtone/ui/style"
)

// Info is what can be known of a terminal without asking it anything.
type Info struct {
	Name    string // TERM
	Mux     string // "tmux", "screen" or ""
	NoColor bool   // NO_COLOR is set
	Dumb    bool   // no sequences at all
	ASCII   bool   // the locale is not UTF-8
	SSH     bool   // we run on the far end of an SSH session
}

// Look reads the environment through getenv.
func Look(getenv func(string) string) Info {
	in := Info{Name: getenv("TERM"), NoColor: getenv("NO_COLOR") != "", SSH: getenv("SSH_CONNECTION") != ""}
	in.Dumb = in.Name == "" || in.Name == "dumb"
	in.ASCII = !utf8Locale(getenv)
	switch {
	case getenv("TMUX") != "":
		in.Mux = "tmux"
	case getenv("STY") != "":
		in.Mux = "screen"
	}
	return in
}

// utf8Locale applies the order of POSIX: the first that is set and not empty.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// Theme returns the theme for this terminal. name is what the person chose, ""
// for the default; NO_COLOR makes it mono. The bool is false for an unknown
// name.
func (in Info) Theme(name string, ascii bool) (*style.Theme, bool) {
	ok := true
	if name != "" {
		_, ok = style.New(name, false, false)
	}
	if in.NoColor || name == "" {
		name = "default"
		if in.NoColor {
			name = "mono"
		}
	}
	t, _ := style.New(name, ascii || in.ASCII, in.Dumb)
	return t, ok
}

// LeftRaw reports whether a terminal is as a program leaves it that was killed
// while it had the terminal for itself: without echo and without lines.
func LeftRaw(f *os.File) bool { return f != nil && isRaw(f) }

// Open is Theme that also takes the name of a theme file, which ends in
// ".toml". NO_COLOR wins over either.
func (in Info) Open(name string, ascii bool) (*style.Theme, error) {
	if strings.HasSuffix(name, ".toml") && !in.NoColor {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("theme: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("theme: %w", err)
		}
		return style.Parse(name, data, ascii || in.ASCII, in.Dumb)
	}
	t, ok := in.Theme(strings.TrimSuffix(name, ".toml"), ascii)
	if !ok && !in.NoColor {
		return nil, fmt.Errorf("there is no theme %q; there are %s", name, strings.Join(style.Names(), ", "))
	}
	return t, nil
}
