package cli

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"dialtone/conn/link"
	"dialtone/netconf"
)

// tracer writes the bytes of all sessions to one file in the form of
// netconf.TraceWriter, and a line with the name wherever the device changes.
type tracer struct {
	file io.WriteCloser
	out  *netconf.TraceWriter

	mu   sync.Mutex
	last *traced
}

func newTracer(file io.WriteCloser, now func() time.Time) *tracer {
	return &tracer{file: file, out: netconf.NewTraceWriter(file, now)}
}

// recorder is the conn.Options.Recorder of the trace.
func (t *tracer) recorder(target link.Target) netconf.Recorder {
	return &traced{tracer: t, name: target.Name}
}

// Close ends the file and returns the first error of writing.
func (t *tracer) Close() error {
	err := t.out.Err()
	if err != nil {
		err = fmt.Errorf("the trace is not whole: %w", err)
	}
	return errors.Join(err, t.file.Close())
}

// traced is the recorder of one session.
type traced struct {
	*tracer
	name string
}

// Record writes one piece.
func (t *traced) Record(d netconf.Direction, p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last != t {
		t.out.Note("device " + t.name)
		t.last = t
	}
	t.out.Record(d, p)
}
