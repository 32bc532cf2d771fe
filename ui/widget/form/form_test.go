package form

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"dialtone/ui/style"
	"dialtone/ui/uitest"
)

func sample() *Form {
	return &Form{
		Fields: []*Field{
			{Name: "name", Label: "Name"},
			{Name: "via", Label: "Reach by", Kind: Choice, Options: []string{"ssh", "junos", "https"}},
			{Name: "hidden", Label: "Hidden", Hidden: true},
			{Name: "agent", Label: "Agent", Kind: Toggle, On: true, Note: "offer keys"},
			{Name: "port", Label: "Port", Short: true, Err: "must be 1 to 65535"},
		},
		Buttons: []Button{{"save", "Save"}, {"cancel", "Cancel"}},
	}
}

func press(f *Form, keys ...string) (pressed string) {
	for _, k := range keys {
		pressed, _, _ = f.Update(uitest.Key(k))
	}
	return pressed
}

func TestFillingIn(t *testing.T) {
	t.Parallel()
	f := sample()
	press(f, "r", "1", "enter", "space", "space", "left", "tab", "space", "down", "8", "3")
	for name, want := range map[string]string{"name": "r1", "via": "junos", "agent": "", "port": "83"} {
		if got := f.Field(name).Value(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := press(f, "tab", "enter"); got != "save" {
		t.Errorf("pressed %q", got)
	}
	if got := press(f, "right", "enter"); got != "cancel" {
		t.Errorf("pressed %q", got)
	}
	if press(f, "tab"); f.Focused() == nil || f.Focused().Name != "name" {
		t.Error("tab does not go round")
	}
	if press(f, "shift+tab"); f.Focused() != nil {
		t.Error("shift+tab does not go back to the buttons")
	}
}

func TestErrorShowsWhenTheFieldIsLeft(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", false, true)
	f := sample()
	f.Select("port")
	shows := func() bool { return strings.Contains(strings.Join(f.View(th, 60, 20), "\n"), "must be 1 to 65535") }
	if shows() {
		t.Error("the error shows before the field was left")
	}
	press(f, "tab")
	if !shows() {
		t.Error("the error does not show")
	}
	f.Field("port").Err = ""
	if shows() {
		t.Error("the error stays")
	}
}

func TestViewFitsAndFollowsTheFocus(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", false, false)
	f := sample()
	for range 8 {
		for w := 24; w < 90; w += 5 {
			for h := 3; h < 9; h++ {
				rows := f.View(th, w, h)
				if len(rows) > h {
					t.Fatalf("%d rows in %d", len(rows), h)
				}
				if x := f.Focused(); x != nil && !strings.Contains(ansi.Strip(strings.Join(rows, "\n")), x.Label) {
					t.Fatalf("%s has the focus and is not seen at %dx%d:\n%s", x.Name, w, h, strings.Join(rows, "\n"))
				}
				for _, r := range rows[:len(rows)-1] {
					if ansi.StringWidth(r) > w {
						t.Fatalf("%d cells in %d: %q", ansi.StringWidth(r), w, r)
					}
				}
			}
		}
		press(f, "tab")
	}
}

func TestFormTellsOfFieldsBelow(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", false, true)
	f := sample()
	for h, want := range map[int]string{4: "2 more below", 5: "1 more below", 6: ""} {
		text := strings.Join(f.View(th, 60, h), "\n")
		if strings.Contains(text, "more below") != (want != "") || !strings.Contains(text, want) {
			t.Errorf("in %d rows, want %q:\n%s", h, want, text)
		}
	}
	f.Select("port")
	if text := strings.Join(f.View(th, 60, 4), "\n"); strings.Contains(text, "below") {
		t.Errorf("nothing is below the last field:\n%s", text)
	}
}

func TestNarrowFormLosesNoButtonChoiceOrError(t *testing.T) {
	t.Parallel()
	th, _ := style.New("mono", false, true)
	f := &Form{
		Fields: []*Field{
			{Name: "name", Label: "Name", Err: "must not hold ' '; letters, digits, dot and dash do"},
			{Name: "via", Label: "Reach by", Kind: Choice, At: 3, Options: []string{"ssh", "call-home", "junos", "https+", "https"}},
		},
		Buttons: []Button{{"test", "Test"}, {"config", "Device config"}, {"save", "Save"}, {"cancel", "Cancel"}},
	}
	f.Touch()
	text := strings.Join(f.View(th, 58, 8), "\n")
	for _, want := range []string{"[ Cancel ]", "< https+ >", "4 of 5", " ! must not hold ' '; letters, digits, dot and dash do"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not shown:\n%s", want, text)
		}
	}
	for _, row := range strings.Split(text, "\n") {
		if style.Width(row) > 58 {
			t.Errorf("%d cells: %q", style.Width(row), row)
		}
	}
	if text = strings.Join(f.View(th, 70, 8), "\n"); !strings.Contains(text, "(*) https+") {
		t.Errorf("choices are folded where they fit:\n%s", text)
	}
}
