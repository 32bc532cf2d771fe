package clip

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dialtone/ui/msg"
)

// place is a machine to copy on.
type place struct {
	env   map[string]string
	tools string // what is installed and works
	bad   string // what is installed and fails
	state bool
}

func (p place) clip(t *testing.T) (*Clip, *bytes.Buffer, *[]string) {
	t.Helper()
	out, ran := &bytes.Buffer{}, &[]string{}
	o := Options{
		Out:    out,
		Getenv: func(k string) string { return p.env[k] },
		Now:    func() time.Time { return time.Date(2031, 11, 21, 14, 1, 58, 0, time.UTC) },
		LookPath: func(name string) (string, error) {
			if strings.Contains(p.tools+p.bad, name) {
				return name, nil
			}
			return "", os.ErrNotExist
		},
		Run: func(_ context.Context, in, name string, args ...string) error {
			line := strings.Join(append([]string{name}, args...), " ")
			*ran = append(*ran, line)
			if p.bad == line || !strings.Contains(p.tools, name) {
				return errors.New("exit status 1")
			}
			return nil
		},
	}
	if p.state {
		o.StateDir = t.TempDir()
	}
	return New(o), out, ran
}

func TestLadder(t *testing.T) {
	t.Parallel()
	short, long := "text", strings.Repeat("x", MaxOSC52+1)
	xterm := map[string]string{"TERM": "xterm-256color"}
	with := func(kv ...string) map[string]string {
		m := map[string]string{"TERM": "xterm-256color"}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = kv[i+1]
		}
		return m
	}
	for _, c := range []struct {
		name  string
		place place
		text  string
		route string
		ran   string
	}{
		{"terminal", place{env: xterm}, short, routeOSC52, ""},
		{"terminal, too long", place{env: xterm, state: true}, long, "file", ""},
		{"terminal at its limit", place{env: xterm}, long[1:], routeOSC52, ""},
		{"tmux", place{env: with("TMUX", "/tmp/x"), tools: "tmux"}, short, "tmux", "tmux load-buffer -w -"},
		{"tmux takes long ones", place{env: with("TMUX", "/tmp/x"), tools: "tmux"}, long, "tmux", "tmux load-buffer -w -"},
		{"old tmux", place{env: with("TMUX", "/tmp/x"), tools: "tmux", bad: "tmux load-buffer -w -"}, short, routeBuffer, "tmux load-buffer -w -,tmux load-buffer -"},
		{"tmux gone, wayland", place{env: with("TMUX", "/tmp/x", "WAYLAND_DISPLAY", "w"), tools: "wl-copy"}, short, "wl-copy", "tmux load-buffer -w -,tmux load-buffer -,wl-copy"},
		{"tmux gone", place{env: with("TMUX", "/tmp/x"), state: true}, short, "file", "tmux load-buffer -w -,tmux load-buffer -"},
		{"wayland", place{env: with("WAYLAND_DISPLAY", "w"), tools: "wl-copy xclip"}, short, "wl-copy", "wl-copy"},
		{"wayland without a tool", place{env: with("WAYLAND_DISPLAY", "w")}, short, routeOSC52, ""},
		{"X", place{env: with("DISPLAY", ":0"), tools: "wl-copy xclip"}, short, "xclip", "xclip -selection clipboard -in"},
		{"X, second tool", place{env: with("DISPLAY", ":0"), tools: "xsel", bad: "xclip -selection clipboard -in"}, short, "xsel", "xclip -selection clipboard -in,xsel --clipboard --input"},
		{"X, tool fails", place{env: with("DISPLAY", ":0"), bad: "xclip -selection clipboard -in"}, short, routeOSC52, "xclip -selection clipboard -in"},
		{"mac", place{env: xterm, tools: "pbcopy"}, short, "pbcopy", "pbcopy"},
		{"over SSH the near terminal first", place{env: with("SSH_CONNECTION", "x", "DISPLAY", ":10"), tools: "xclip"}, short, routeOSC52, ""},
		{"over SSH, long", place{env: with("SSH_CONNECTION", "x", "DISPLAY", ":10"), tools: "xclip"}, long, "xclip", "xclip -selection clipboard -in"},
		{"dumb", place{env: map[string]string{"TERM": "dumb"}, state: true}, short, "file", ""},
		{"console", place{env: map[string]string{"TERM": "linux"}, state: true}, short, "file", ""},
		{"nothing", place{env: map[string]string{"TERM": "dumb"}}, short, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clip, out, ran := c.place.clip(t)
			r, err := clip.Put(t.Context(), c.text)
			if r.Route != c.route || (err != nil) != (c.route == "") {
				t.Fatalf("route %q, %v; want %q", r.Route, err, c.route)
			}
			if got := strings.Join(*ran, ","); got != c.ran {
				t.Errorf("ran %q, want %q", got, c.ran)
			}
			want := ""
			if c.route == routeOSC52 {
				want = "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(c.text)) + "\a"
			}
			if out.String() != want {
				t.Errorf("to the terminal %.60q, want %.60q", out.String(), want)
			}
			if c.route == "file" {
				checkFile(t, r.Path, c.text)
			}
			if err == nil && r.Bytes != len(c.text) {
				t.Errorf("%d bytes", r.Bytes)
			}
		})
	}
}

func checkFile(t *testing.T, path, text string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != text {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
	for p, mode := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700} {
		if st, err := os.Stat(p); err != nil || st.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", p, st.Mode(), err)
		}
	}
}

func TestToasts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		place place
		text  string
		level msg.Level
		want  string
	}{
		{place{env: map[string]string{"TERM": "xterm"}}, "abc", msg.Good, "Path: gave 3 B to the terminal to copy (OSC 52)"},
		{place{env: map[string]string{"TMUX": "x"}, tools: "tmux"}, strings.Repeat("x", 2_100_000), msg.Good, "Path: copied 2.1 MB by tmux"},
		{place{}, "abc", msg.Error, "Not copied: there is no clipboard here that would take it. Save it to a file instead"},
		{place{env: map[string]string{"TMUX": "x"}}, "abc", msg.Error, "Not copied: tmux: exit status 1"},
		{place{}, "", msg.Error, "Not copied: there is nothing to copy"},
	} {
		clip, _, _ := c.place.clip(t)
		got := clip.Copy("path", c.text)().(msg.Toast)
		if got.Level != c.level || got.Text != c.want {
			t.Errorf("%v %q, want %v %q", got.Level, got.Text, c.level, c.want)
		}
	}
}

// TestRealPrograms runs real ones: the text arrives, a failure is told, and a
// child that outlives the tool with its streams open does not hold us up.
func TestRealPrograms(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "out")
	if err := run(t.Context(), "some text", "sh", "-c", `cat > "$0"; sleep 5 & exit 0`, file); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "some text" {
		t.Fatalf("%q, %v", b, err)
	}
	if err := run(t.Context(), "x", "sh", "-c", "exit 3"); err == nil {
		t.Error("a failure was not told")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := run(ctx, "x", "sleep", "20"); err == nil {
		t.Error("a hanging program was not ended")
	}
}
