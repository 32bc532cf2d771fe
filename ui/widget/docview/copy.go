package docview

import (
	"fmt"
	"io"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/ui/action"
	"dialtone/ui/msg"
	"dialtone/ui/safe"
)

// prefix is a key that another one must follow.
type prefix uint8

const (
	noPrefix    prefix = iota
	copyPrefix         // y
	levelPrefix        // z
)

// copyLimit is the most that is put on a clipboard; more is to be saved.
const copyLimit = 8 << 20

// choices is what can follow the prefix, as the help bar shows it.
func (p prefix) choices() []action.Action {
	if p == levelPrefix {
		return []action.Action{
			{ID: "doc.level", Title: "Fold from this depth on", Short: "fold from depth", Keys: []string{"1…9"}, Hint: 1, Section: section},
			{ID: "doc.prefix.off", Title: "Cancel", Short: "cancel", Keys: []string{"esc"}, Hint: 2, Section: section},
		}
	}
	return []action.Action{
		{ID: "doc.copy.value", Title: "Copy the value", Short: "value", Keys: []string{"y"}, Hint: 1, Section: section},
		{ID: "doc.copy.path", Title: "Copy the path", Short: "path", Keys: []string{"p"}, Hint: 2, Section: section},
		{ID: "doc.copy.subtree", Title: "Copy the element with all in it", Short: "subtree", Keys: []string{"s"}, Hint: 3, Section: section},
		{ID: "doc.copy.all", Title: "Copy the whole reply", Short: "all", Keys: []string{"a"}, Hint: 4, Section: section},
		{ID: "doc.prefix.off", Title: "Cancel", Short: "cancel", Keys: []string{"esc"}, Hint: 5, Section: section},
	}
}

func (v *View) prefixKey(key string) tea.Cmd {
	p := v.prefix
	v.prefix = noPrefix
	if p == levelPrefix {
		if len(key) == 1 && key[0] >= '0' && key[0] <= '9' {
			return v.foldAll(int(key[0] - '0'))
		}
		return nil
	}
	if a, ok := action.Match(p.choices(), key); ok {
		return v.Run(a.ID)
	}
	return nil
}

func (v *View) copyValue() tea.Cmd {
	row := v.cursorRow()
	if v.mode == Errors {
		return v.copyText("message", v.errs.text(v.page[Errors].cur, false))
	}
	if row < 0 {
		return nil
	}
	if text := v.doc.Value(row); text != "" {
		return v.copyText("value", text)
	}
	r := v.doc.Row(row)
	return v.copyText("row", string(v.doc.AppendRow(nil, row, min(r.Len, copyLimit))))
}

func (v *View) copyPath() tea.Cmd {
	if v.mode == Errors {
		return v.copyText("path", v.errs.path(v.page[Errors].cur))
	}
	return v.copyText("path", v.path.text)
}

func (v *View) copySubtree() tea.Cmd {
	row := v.cursorRow()
	switch {
	case v.mode == Errors:
		return v.copyText("error", v.errs.text(v.page[Errors].cur, true))
	case row < 0:
		return nil
	}
	return v.copyFrom("subtree", v.doc.Subtree(row))
}

func (v *View) copyAll() tea.Cmd { return v.copyFrom("reply", v.doc.Reader()) }

func (v *View) copyText(what, text string) tea.Cmd {
	if text == "" {
		return msg.Say(msg.Info, "nothing to copy here")
	}
	return v.opt.Copy(what, safe.Block(text))
}

// copyFrom reads in a command, because a subtree may be large.
func (v *View) copyFrom(what string, r io.Reader) tea.Cmd {
	return v.behind(func() func(*View) tea.Cmd {
		text, err := io.ReadAll(io.LimitReader(r, copyLimit+1))
		return func(v *View) tea.Cmd {
			switch {
			case err != nil:
				return msg.Fail(fmt.Errorf("copy %s: %w", what, err))
			case len(text) > copyLimit:
				return msg.Say(msg.Warn, what+" is over "+Size(copyLimit)+": save it with w instead")
			}
			return v.copyText(what, string(text))
		}
	})
}
