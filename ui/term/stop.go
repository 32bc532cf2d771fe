package term

import (
	"errors"
	"io"
	"os/exec"
)

// ErrNoShell is returned when nobody would ever continue the program, so that
// the system does not stop it.
var ErrNoShell = errors.New("there is no shell to go back to; the program was not started from one")

// Outside is a program of others that has the terminal while it runs. It takes
// the place of the command in tea.Exec.
type Outside struct {
	*exec.Cmd
	s *Stops
}

// Outside makes c stop and go on together with us, as jobs do.
func (s *Stops) Outside(c *exec.Cmd) *Outside { return &Outside{c, s} }

// Run runs the command to its end.
func (o *Outside) Run() error {
	o.s.outside.Store(true)
	defer o.s.outside.Store(false)
	return o.Cmd.Run()
}

// SetStdin is the input of a command that has none.
func (o *Outside) SetStdin(r io.Reader) {
	if o.Stdin == nil {
		o.Stdin = r
	}
}

// SetStdout is the output of a command that has none.
func (o *Outside) SetStdout(w io.Writer) {
	if o.Stdout == nil {
		o.Stdout = w
	}
}

// SetStderr is the error output of a command that has none.
func (o *Outside) SetStderr(w io.Writer) {
	if o.Stderr == nil {
		o.Stderr = w
	}
}
