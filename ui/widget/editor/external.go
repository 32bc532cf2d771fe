package editor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// EditorCmd prepares the editor of the person's own choice ($VISUAL, then
// $EDITOR, then vi) for text: a temporary file in dir, mode 0600, named *.xml.
// The caller runs cmd, then read, then cleanup, which removes the file and must
// always be called. The text given stays the caller's: whatever fails, nothing
// of it is lost.
//
// The variable may hold arguments; quotes and backslashes in it mean what they
// mean to a shell, nothing else does.
func EditorCmd(text []byte, dir string) (cmd *exec.Cmd, read func() ([]byte, error), cleanup func(), err error) {
	return editorCmd(text, dir, os.Getenv)
}

func editorCmd(text []byte, dir string, getenv func(string) string) (cmd *exec.Cmd, read func() ([]byte, error), cleanup func(), err error) {
	variable, command := "", "vi"
	for _, v := range []string{"VISUAL", "EDITOR"} {
		if s := getenv(v); strings.TrimSpace(s) != "" {
			variable, command = "$"+v, s
			break
		}
	}
	args, err := words(command)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s is %q: %w. The text is as it was. Set it to a command, such as vi", variable, command, err)
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		if variable == "" {
			return nil, nil, nil, fmt.Errorf("no editor was found: neither $VISUAL nor $EDITOR is set and there is no vi. The text is as it was")
		}
		return nil, nil, nil, fmt.Errorf("%s names %q, which cannot be run: %w. The text is as it was", variable, args[0], err)
	}
	f, err := os.CreateTemp(dir, "rpc-*.xml") // 0600
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make a file for the editor: %w. The text is as it was", err)
	}
	name := f.Name()
	cleanup = func() { _ = os.Remove(name) }
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		cleanup()
		return nil, nil, nil, fmt.Errorf("write a file for the editor: %w. The text is as it was", err)
	}
	read = func() ([]byte, error) {
		b, err := readBounded(name)
		if err != nil {
			return nil, fmt.Errorf("read back what %s wrote: %w. The text is as it was", filepath.Base(args[0]), err)
		}
		return b, nil
	}
	cmd = exec.Command(path, append(args[1:], name)...)
	// The terminal itself: for a reader that is no file the system package
	// copies, and goes on waiting for a key after the editor has ended.
	cmd.Stdin = os.Stdin
	return cmd, read, cleanup, nil
}

// maxRead bounds what is read back.
const maxRead = 256 << 20

func readBounded(name string) ([]byte, error) {
	st, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("it is not a file any more")
	case st.Size() > maxRead:
		return nil, fmt.Errorf("%s are too many", size(int(st.Size())))
	}
	return os.ReadFile(name)
}

// words splits a command at blanks that are not quoted.
func words(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if inWord {
				out = append(out, word.String())
				word.Reset()
			}
			inWord = false
		case c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case c == '\\' && quote != '\'' && i+1 < len(s):
			i++
			word.WriteByte(s[i])
			inWord = true
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if inWord {
		out = append(out, word.String())
	}
	if len(out) == 0 || out[0] == "" {
		return nil, errors.New("it names no command")
	}
	return out, nil
}
