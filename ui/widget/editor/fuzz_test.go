package editor

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	tea "github.com/charmbracelet/bubbletea"

	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/highlight"
)

// FuzzEditor makes an editor and a plain string do the same edits: the text
// must agree after each, undo must lead back through the same texts, and redo
// forward again. What is kept besides the text (states, rows, the size) must be
// what it would be for a fresh editor.
func FuzzEditor(f *testing.F) {
	high := New(theme(true), Options{}) // shares the lexer that it builds
	f.Add("<a>\n<!-- b\n--></a>\n", []byte{1, 0, 0, 2, 7, 3, 9, 9, 0, 30, 1, 2})
	f.Add("a\r\nb\r\n\r", []byte{0, 1, 3, 5, 7, 9, 11, 13, 200, 100, 50, 25})
	f.Add("e\u0301漢\xff\t", []byte{4, 4, 4, 8, 8, 8, 1, 2, 3})
	pieces := []string{"x", "\n", "\r\n", "\r", "<!--", "-->", "<a b=\"", "\">", "</a>", "\u0301", "漢字", "\xe2\x82", "\t ", "a\nb\nc", "<![CDATA[", "]]>", ""}
	f.Fuzz(func(t *testing.T, text string, ops []byte) {
		if len(text) > 2000 || len(ops) > 300 {
			return
		}
		e := New(high.theme, Options{Highlighter: high.high})
		e.Resize(30, 5)
		e.Focus(true)
		e.SetText([]byte(text))
		model := text
		texts := []string{text}
		for i := 0; i+2 < len(ops); i += 3 {
			from := int(ops[i]) * (len(model) + 1) / 256
			to := min(from+int(ops[i+1])%9*int(ops[i+1]%5), len(model))
			piece := pieces[int(ops[i+2])%len(pieces)]
			if from == to && piece == "" {
				continue
			}
			e.hist.sealed = true
			e.replace(posOf(model, from), posOf(model, to), piece, kind(ops[i+1]%4))
			model = model[:from] + piece + model[to:]
			e.cur = e.whole(e.cur)
			e.settle()
			e.View()
			agrees(t, e, model)
			texts = append(texts, model)
		}
		for i := len(texts) - 2; i >= 0; i-- {
			e.Run("rpc.undo")
			agrees(t, e, texts[i])
		}
		if e.hist.mark() != 0 {
			t.Fatal("modified after all was undone")
		}
		for _, want := range texts[1:] {
			e.Run("rpc.redo")
			agrees(t, e, want)
		}
	})
}

func agrees(t *testing.T, e *Editor, model string) {
	t.Helper()
	if got := string(e.Text()); got != model {
		t.Fatalf("text %q, model %q", got, model)
	}
	if e.Len() != len(model) || e.Lines() != strings.Count(model, "\n")+1 {
		t.Fatalf("%d bytes in %d lines, model %q", e.Len(), e.Lines(), model)
	}
	if e.cur.Line >= e.Lines() || e.cur.Off > len(e.buf.text(e.cur.Line)) {
		t.Fatalf("cursor %v is outside", e.cur)
	}
	st := highlight.InText
	for l := range e.Lines() {
		if got := e.buf.state(l); got != st {
			t.Fatalf("line %d of %q begins in %d, want %d", l+1, model, got, st)
		}
		st = highlight.Next(e.buf.text(l), st)
	}
	o := e.opt
	o.Highlighter = e.high
	fresh := New(e.theme, o)
	fresh.Resize(e.w, e.h)
	fresh.Focus(true)
	fresh.SetText([]byte(model))
	fresh.cur, fresh.top, fresh.left, fresh.query = e.cur, e.top, e.left, e.query
	fresh.findPair()
	e.findPair()
	if got, want := e.View(), fresh.View(); got != want {
		t.Fatalf("of %q the screen shows\n%s\nwant\n%s", model, got, want)
	}
}

// FuzzKeys sends keys: nothing may panic, the screen keeps its size, no letter
// is lost, and undo leads back to the beginning.
func FuzzKeys(f *testing.F) {
	high := New(theme(true), Options{})
	f.Add([]byte("<a>\n<b>x</b>\n</"), uint8(40), uint8(10), uint8(0))
	f.Add([]byte{1, 2, 5, 11, 21, 23, 25, 31, 20, 15, 'x', 0x80, 0x81, 0x90}, uint8(9), uint8(3), uint8(1))
	all := append(paneActions(), editActions()...)
	f.Fuzz(func(t *testing.T, keys []byte, w, h, fast uint8) {
		if len(keys) > 400 {
			return
		}
		c := &clock{time.Unix(1, 0)}
		e := New(high.theme, Options{Now: c.Now, Check: wellFormed, Highlighter: high.high})
		e.Resize(int(w), int(h))
		e.Focus(true)
		e.SetText([]byte("<a>\n  <b>漢e\u0301</b>\r\n</a>"))
		e.SetEditing(true)
		for _, k := range keys {
			c.now = c.now.Add(human)
			if fast&1 == 1 {
				c.now = c.now.Add(-human + time.Millisecond)
			}
			switch {
			case k >= 0x80:
				e.Run(all[int(k)%len(all)].ID)
			case k < 0x20:
				e.Update(tea.KeyMsg{Type: tea.KeyType(k)})
			default:
				e.Update(char(rune(k)))
			}
			exact(t, e)
			if e.cur.Line >= e.Lines() || e.cur.Off > len(e.buf.shown(e.cur.Line)) {
				t.Fatalf("cursor %v is outside", e.cur)
			}
		}
		e.prompt = nil
		for n := 0; e.hist.mark() != 0; n++ {
			if n > len(keys)+1 {
				t.Fatal("undo leads nowhere")
			}
			e.Run("rpc.undo")
		}
		if got := string(e.Text()); got != "<a>\n  <b>漢e\u0301</b>\r\n</a>" {
			t.Fatalf("undone to %q", got)
		}
	})
}

// exact fails unless the screen is as large as it should be.
func exact(t *testing.T, e *Editor) {
	t.Helper()
	view := e.View()
	rows := strings.Split(view, "\n")
	if len(rows) != max(e.h, 1) {
		t.Fatalf("%d rows at %dx%d", len(rows), e.w, e.h)
	}
	if e.h == 0 {
		return
	}
	for i, r := range rows {
		if n := ansi.StringWidth(r); n != e.w {
			t.Fatalf("row %d is %d wide at %dx%d: %q", i+1, n, e.w, e.h, r)
		}
	}
	if !utf8.ValidString(view) {
		t.Fatalf("not UTF-8: %q", view)
	}
}

func TestScreensHaveTheirExactSize(t *testing.T) {
	t.Parallel()
	text := "<a>\n\t<b>漢字漢字漢字漢字漢字漢字漢字漢字漢字</b>\r\n" + strings.Repeat("x", 300) + "\x1b[31m\xff\u202ee\u0301\n" + document(120)
	for _, colour := range []bool{true, false} {
		e := New(theme(!colour), Options{Check: wellFormed})
		e.SetText([]byte(text))
		for w := range 90 {
			for _, h := range []int{0, 1, 2, 3, 8, 24, 60} {
				for _, state := range []func(){
					func() { e.Focus(true); e.Goto(1, 1) },
					func() { e.Goto(2, 40) },
					func() { e.Goto(3, 308) },
					func() { e.Run("rpc.bottom") },
					func() { e.Run("rpc.search") },
					func() { e.prompt = nil; e.query = "字"; e.Focus(false); e.Goto(3, 1) },
				} {
					e.Resize(w, h)
					state()
					exact(t, e)
				}
			}
		}
	}
}

func TestCursorIsAlwaysOnTheScreen(t *testing.T) {
	t.Parallel()
	r := newRig(t, strings.Repeat("ab漢\t", 60)+"\n"+document(100), Options{})
	r.theme = theme(false)
	r.high = highlight.New(r.theme)
	for _, size := range [][2]int{{80, 24}, {20, 3}, {11, 1}, {9, 2}} {
		r.Resize(size[0], size[1])
		for _, keys := range []string{"end", "home", "down", "end", "pgdown", "pgup", "ctrl+end", "ctrl+home", "right", "left"} {
			for range 5 {
				r.press(keys)
				if !strings.Contains(r.View(), "\x1b[7m") {
					t.Fatalf("no cursor after %s at %v: left %d, cursor %v\n%q", keys, size, r.left, r.cur, r.View())
				}
			}
		}
	}
}
