package docview

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/msg"
	"dialtone/ui/safe"
)

// askSave opens the line that asks for a file name.
func (v *View) askSave() {
	v.open("save as", enterSave("")).Set("./" + v.opt.File)
}

// enterSave answers the line. seen is the name that is known to exist: entered
// a second time it is replaced.
func enterSave(seen string) func(*View, string) tea.Cmd {
	return func(v *View, name string) tea.Cmd {
		name = strings.TrimSpace(name)
		if name == "" {
			v.answered()
			return nil
		}
		v.ask.note = "saving"
		return v.save(name, name == seen)
	}
}

// save streams the document to a file in a command. The bytes are exactly
// those that came.
func (v *View) save(name string, replace bool) tea.Cmd {
	path, r := Expand(name, v.opt.Dir), v.doc.Reader()
	done, _ := v.doc.Finished()
	return v.behind(func() func(*View) tea.Cmd {
		n, err := WriteFile(path, r, replace)
		return func(v *View) tea.Cmd {
			if errors.Is(err, fs.ErrExist) {
				if v.ask != nil {
					v.ask.note, v.ask.enter = "exists: enter again replaces it", enterSave(name)
					return nil
				}
				return msg.Say(msg.Warn, safe.Text(name)+" exists and was left as it is")
			}
			v.answered()
			if err != nil {
				return msg.Fail(fmt.Errorf("save: %w", err))
			}
			text := "saved " + Size(n) + " to " + safe.Text(name)
			if !done {
				text += ", what had come so far"
			}
			return msg.Say(msg.Good, text)
		}
	})
}

// WriteFile copies r to a new file. With replace an existing file changes only
// when all was written. Whatever fails leaves no half file under that name.
func WriteFile(path string, r io.Reader, replace bool) (n int64, err error) {
	if !replace {
		if _, err := os.Lstat(path); err == nil {
			return 0, &fs.PathError{Op: "save", Path: path, Err: fs.ErrExist}
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	n, err = io.CopyBuffer(struct{ io.Writer }{f}, r, make([]byte, 1<<20))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return n, err
	}
	if replace {
		return n, os.Rename(f.Name(), path)
	}
	if err = os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return n, renameNew(f.Name(), path)
	}
	return n, err
}

// renameNew is for file systems without hard links.
func renameNew(from, to string) error {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	return os.Rename(from, to)
}

// Expand resolves ~ and names relative to dir.
func Expand(name, dir string) string {
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(name) || dir == "" {
		return filepath.Clean(name)
	}
	return filepath.Join(dir, name)
}

// FileName is the name proposed for a reply: device and message-id, with
// everything but plain letters replaced.
func FileName(device, id string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}
	clip := func(s string) string { return s[:min(len(s), 64)] }
	name := strings.TrimLeft(clip(strings.Map(keep, device)), ".")
	if name == "" {
		name = "device"
	}
	if id = strings.Map(keep, id); id != "" {
		name += "-" + clip(id)
	}
	return name + ".xml"
}
