package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"dialtone/conn"
	"dialtone/keys"
	"dialtone/ui/safe"
)

// The exit codes, a promise to scripts (design: the command line).
const (
	ExitDone        = 0
	ExitRPCError    = 1 // the device answered with an rpc-error of severity error
	ExitUsage       = 2 // wrong usage, or refused before anything was sent
	ExitConnection  = 3 // no connection, trust or login
	ExitProtocol    = 4 // the peer broke the protocol
	ExitUnknown     = 5 // a request that may change the device has no answer
	ExitInterrupted = 130
)

// Signal is the cause of a context that a signal ended.
type Signal struct {
	Name string // "SIGTERM"
	Code int    // exit code, 128 and the number of the signal
}

// Error names the signal.
func (s Signal) Error() string { return "ended by " + s.Name }

// SignalOf is the cause for a signal of the system.
func SignalOf(sig os.Signal) Signal {
	switch sig {
	case syscall.SIGTERM:
		return Signal{"SIGTERM", 128 + 15}
	case syscall.SIGHUP:
		return Signal{"SIGHUP", 128 + 1}
	case syscall.SIGQUIT:
		return Signal{"SIGQUIT", 128 + 3}
	}
	return Signal{"SIGINT", ExitInterrupted}
}

func signalCode(cause error) int {
	var s Signal
	if errors.As(cause, &s) {
		return s.Code
	}
	return ExitInterrupted
}

// exit is an error with the code that it ends the program with.
type exit struct {
	code   int
	silent bool // everything has been said
	err    error
}

// Error is that of the cause.
func (e *exit) Error() string { return e.err.Error() }

// Unwrap returns the cause.
func (e *exit) Unwrap() error { return e.err }

func with(code int, err error) error {
	if err == nil {
		return nil
	}
	return &exit{code: code, err: err}
}

// fault is an error that a person reads.
func fault(code, what, kept, do string) error {
	return &keys.Fault{Code: code, What: what, Kept: kept, Do: do}
}

// usage is a wrong use of a command.
func usage(c *cobra.Command, err error) error {
	return with(ExitUsage, fault("USAGE", safe.Text(strings.TrimSpace(err.Error())), "", "See "+c.CommandPath()+" --help"))
}

func usagef(c *cobra.Command, format string, args ...any) error {
	return usage(c, fmt.Errorf(format, args...))
}

// report prints an error and returns the exit code.
func (a *app) report(err error) int {
	if err == nil {
		return ExitDone
	}
	code := ExitUsage
	var e *exit
	var coded interface{ ExitCode() int }
	switch {
	case errors.As(err, &coded):
		code = coded.ExitCode()
	case errors.As(err, &e):
		code = e.code
		if e.silent {
			return code
		}
	case errors.Is(err, conn.ErrReadOnly):
		code = ExitUsage
	case errors.Is(err, context.Canceled):
		code = ExitInterrupted
	}
	fmt.Fprintln(a.env.Stderr, errorLine(err))
	return code
}

// errorLine is an error as one line: CODE what happened. What is kept. What to
// do.
func errorLine(err error) string {
	var p interface {
		Parts() (code, what, kept, do string)
	}
	if !errors.As(err, &p) {
		var s Signal
		if errors.As(err, &s) {
			return s.Error()
		}
		var coded interface{ ExitCode() int }
		if errors.As(err, &coded) {
			return sentence(safe.Text(err.Error()))
		}
		return "ERROR " + sentence(safe.Text(err.Error()))
	}
	code, what, kept, do := p.Parts()
	var b strings.Builder
	b.WriteString(code)
	for i, s := range []string{what, kept, do} {
		if s == "" {
			continue
		}
		if s = sentence(safe.Text(s)); i > 0 {
			s = capital(s)
		}
		b.WriteString(" " + s)
	}
	return b.String()
}

// sentence ends s with a full stop.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// note tells the person something on standard error.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.env.Stderr, format+"\n", args...)
}

// isFile reports whether w or r is a file, and which.
func isFile(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok
}
