// Package sshconf reads a person's SSH configuration as plain data: no commands
// and no conditions.
package sshconf

import (
	"bytes"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// PanicError is what the library could not take. Value may quote the file.
type PanicError struct {
	Value any
	Stack []byte
}

// Error quotes the value in part.
func (e *PanicError) Error() string {
	return fmt.Sprintf("more than its reader can take (%.200q)", fmt.Sprint(e.Value))
}

// Guard runs f, which decodes a configuration or looks something up in one, and
// returns a panic of the library as a *PanicError: other programs write these
// files.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{v, debug.Stack()}
		}
	}()
	return f()
}

// Decode reads a configuration without its Match blocks, whose conditions may
// run commands; matches are the lines in which they begin. Look-ups in it belong
// into Guard.
func Decode(text []byte) (cfg *ssh_config.Config, matches []int, err error) {
	text, matches = withoutMatch(text)
	err = Guard(func() (err error) {
		cfg, err = ssh_config.DecodeBytes(text)
		return err
	})
	return cfg, matches, err
}

// withoutMatch empties the lines of Match blocks and names the lines where they
// begin. Other lines keep their numbers.
func withoutMatch(text []byte) (out []byte, at []int) {
	skip, n := false, 0
	for line := range bytes.Lines(text) {
		n++
		word := strings.TrimLeft(string(line), " \t")
		if i := strings.IndexAny(word, " \t=\r\n"); i >= 0 {
			word = word[:i]
		}
		switch strings.ToLower(word) {
		case "match":
			skip = true
			at = append(at, n)
		case "host":
			skip = false
		}
		if skip {
			line = []byte{'\n'}
		}
		out = append(out, line...)
	}
	return out, at
}
