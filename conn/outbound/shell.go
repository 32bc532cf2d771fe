package outbound

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"dialtone/conn/link"
	"dialtone/keys"
)

// shellStarted is the first message of a command shell, and no output.
const shellStarted = "csh session is started"

// Shell is a command shell on a device (session type CSH).
//
// It is no terminal: the device runs each command by itself as `CMD | & tee
// /dev/null`, so there is no prompt and no echo, standard error comes among the
// output, nothing tells where the output of a command ends, and cd and setenv do
// not hold for the next command. One goroutine may read while another runs.
type Shell struct{ st *stream }

// Shell opens a command shell on a device that waits.
func (s *Server) Shell(ctx context.Context, id CallerID) (*Shell, error) {
	st, err := s.open(ctx, id, CSH)
	if err != nil {
		return nil, err
	}
	return &Shell{st}, nil
}

// Run sends one command line. `exit` ends the shell. It does not wait for output.
func (sh *Shell) Run(cmd string) error {
	if strings.TrimSpace(cmd) == "" {
		return &keys.Fault{Code: "GRPC-COMMAND", What: "the command is empty", Kept: "Nothing was sent"}
	}
	if i := strings.IndexFunc(cmd, func(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f || r == utf8.RuneError }); i >= 0 {
		return &keys.Fault{Code: "GRPC-COMMAND", What: fmt.Sprintf("a command is one line of text, and this one has %q at %d", cmd[i:min(len(cmd), i+4)], i), Kept: "Nothing was sent"}
	}
	if len(cmd) > mostLine {
		return &keys.Fault{Code: "GRPC-COMMAND", What: fmt.Sprintf("the command has %d B, and at most %d are sent", len(cmd), mostLine), Kept: "Nothing was sent"}
	}
	sh.st.wmu.Lock()
	defer sh.st.wmu.Unlock()
	sh.st.asked = sh.st.asked || strings.TrimSpace(cmd) == "exit"
	return sh.st.send([]byte(cmd))
}

// mostLine is the longest command of a shell.
const mostLine = 64 << 10

// Read gives output. It ends with io.EOF when the device has ended the shell.
func (sh *Shell) Read(p []byte) (int, error) { return sh.st.Read(p) }

// Interrupt stops what runs. The device knows no gentler way than to end the
// whole shell, so another one has to be opened afterwards.
func (sh *Shell) Interrupt() error {
	sh.st.wmu.Lock()
	defer sh.st.wmu.Unlock()
	return sh.st.pipe.kill()
}

// Close ends the shell.
func (sh *Shell) Close() error { return sh.st.Close() }

// Peer is who is at the other end.
func (sh *Shell) Peer() link.Peer { return sh.st.peer() }

// Done is closed when nothing more can be read; Err then says why.
func (sh *Shell) Done() <-chan struct{} { return sh.st.done }

// Err says why the shell has ended; nil after Close.
func (sh *Shell) Err() error { return sh.st.Err() }
