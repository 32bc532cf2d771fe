package editor

import (
	"dialtone/ui/uitest"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// BenchmarkKey is one key, Update and View, in the middle of a text on a screen
// of 80 by 24: letters, backspaces, an enter, an undo, movements, with colours, checks
// and all.
func BenchmarkKey(b *testing.B) {
	keys := []tea.KeyMsg{char('x'), char('y'), char('z'), uitest.Key("backspace"), uitest.Key("backspace"), uitest.Key("backspace"), uitest.Key("enter"), uitest.Key("ctrl+_"), uitest.Key("down"), uitest.Key("up")}
	for _, lines := range []int{50, 5000, 50000} {
		b.Run(strconv.Itoa(lines), func(b *testing.B) {
			now := time.Unix(0, 0)
			e := New(theme(false), Options{MaxBytes: 16 << 20, Check: wellFormed, Now: func() time.Time {
				now = now.Add(human)
				return now
			}})
			e.Resize(80, 24)
			e.Focus(true)
			e.SetText([]byte(document(lines)))
			e.SetEditing(true)
			e.Goto(lines/2+1, 7)
			if lines == 50 { // the short text would be checked in the key itself
				e.waiting = true
			}
			e.View()
			size := e.Len()
			i := 0
			for b.Loop() {
				e.Update(keys[i%len(keys)])
				e.View()
				i++
			}
			if i%len(keys) == 0 && e.Len() != size {
				b.Fatalf("%d bytes became %d", size, e.Len())
			}
		})
	}
}

// BenchmarkOther are acts that must not be felt either.
func BenchmarkOther(b *testing.B) {
	big := document(38000)
	b.Run("key in a line of 1 MB", func(b *testing.B) {
		now := time.Unix(0, 0)
		e := New(theme(false), Options{MaxBytes: 16 << 20, Now: func() time.Time { now = now.Add(human); return now }})
		e.Resize(80, 24)
		e.Focus(true)
		e.SetText([]byte(strings.ReplaceAll(document(38000), "\n", "")))
		e.SetEditing(true)
		e.Goto(1, 900_000)
		keys := []tea.KeyMsg{char('x'), uitest.Key("backspace"), uitest.Key("left"), uitest.Key("right")}
		i := 0
		for b.Loop() {
			e.Update(keys[i%len(keys)])
			e.View()
			i++
		}
	})
	b.Run("comment opened at the top of 20000 lines, seen at the bottom", func(b *testing.B) {
		e := New(theme(false), Options{MaxBytes: 16 << 20})
		e.Resize(80, 24)
		e.SetText([]byte(big))
		for b.Loop() {
			e.replace(Pos{}, Pos{}, "<!--", other)
			e.Run("rpc.bottom")
			e.View()
			e.Run("rpc.undo")
			e.Run("rpc.bottom")
			e.View()
		}
	})
	b.Run("end tag completed at the end of 20000 lines", func(b *testing.B) {
		now := time.Unix(0, 0)
		e := New(theme(false), Options{MaxBytes: 16 << 20, Now: func() time.Time { now = now.Add(human); return now }})
		e.Resize(80, 24)
		e.SetText([]byte(strings.TrimSuffix(big, "</configuration>\n")))
		e.SetEditing(true)
		e.Run("rpc.bottom")
		for b.Loop() {
			e.Update(char('<'))
			e.Update(char('/'))
			e.Run("rpc.undo")
		}
	})
	b.Run("set 1 MB", func(b *testing.B) {
		e := New(theme(false), Options{})
		e.Resize(80, 24)
		text := []byte(big[:1<<20])
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			e.SetText(text)
			e.View()
		}
	})
	b.Run("format 1 MB", func(b *testing.B) {
		b.SetBytes(int64(len(big)))
		for b.Loop() {
			Format(big)
		}
	})
}
