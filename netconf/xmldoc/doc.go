// Package xmldoc holds a reply of any size as text plus an index of its rows.
//
// The text is kept once, outside the Go heap, exactly as it arrived. Rows are
// virtual: they come from tags and not from line ends, so that a reply of one
// long line has rows as well. The index is sparse; what is not stored is found
// again by scanning from the nearest checkpoint.
//
// One goroutine writes (Write, Finish) while any number read: rows already
// published never change. All methods may be called at any time, also after
// Close: then the document is empty.
package xmldoc

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Kind says what a row shows.
type Kind uint8

// The kinds of rows in the pretty view.
const (
	Open    Kind = iota // <interfaces>: children follow
	Close               // </interfaces>
	Leaf                // <name>ge-0/0/0</name>, on one row
	Empty               // <running/>
	Text                // text, or one line of a longer text
	Comment             // one line of a comment
	PI                  // <?xml ...?>
	CDATA               // one line of a CDATA section
	Broken              // from the place on where the XML is broken: physical lines
)

// Row is a value computed from the index; nothing of it is stored per row.
type Row struct {
	Off   int64 // of the row's first byte in the text
	Len   int   // bytes of the row, without the white space between rows
	Depth int   // 0 for the root element
	Kind  Kind
}

// Problem is the place where the text stops being well-formed, or where it was
// cut off.
type Problem struct {
	// Code is XML-FORM, XML-TRUNC, XML-DTD, XML-DEPTH, XML-LIMIT, XML-ENC,
	// XML-CHAR or RPC-SHAPE.
	Code string
	Off  int64
	Row  int
	What string // one sentence, no foreign bytes but quoted ones
}

// Options configure a Doc.
type Options struct {
	MaxDepth int   // 512 when 0, at most 4095
	Hint     int64 // expected size in bytes, 0 when unknown

	// SpillAt is the number of bytes to keep in memory; what comes after them
	// goes to a file in SpillDir that has no name. 0 keeps everything in memory,
	// as do systems other than 64-bit Linux. It is rounded up to
	// 4 MiB, and 1 GiB at most.
	SpillAt  int64
	SpillDir string // the directory for temporary files when empty
}

// ErrClosed is what methods that can fail return after Close.
var ErrClosed = errors.New("the document is closed")

var errFinished = errors.New("the document is finished")

// Doc is one reply. The zero value is not usable.
type Doc struct {
	writing sync.Mutex // of the writer, and of Close for a moment
	w       writer
	arena   arena
	cleanup runtime.Cleanup // of arena.mem, should Close be forgotten
	guarded bool

	mu      sync.Mutex // short: held while a view is copied
	pub     view
	open    []openElement // of the published rows
	users   int           // readers of pub.text
	closed  bool
	stopped atomic.Bool // closed, for long loops

	blocks [cacheSize]atomic.Pointer[block]
}

// view is what readers see of a document: one moment of it.
type view struct {
	index
	text     []byte
	final    bool
	err      error
	latin1   bool
	illegal  int
	firstBad int
	lines    lineIndex
	problems problems
	disk     *region // where text from spillAt on is in a file
	spillAt  int
}

// forget keeps a walk over a text that is mostly on disk from taking memory for
// all of it. It is called now and then.
func (v *view) forget() {
	if v.disk != nil {
		v.disk.forget(v.spillAt, len(v.text))
	}
}

// New returns an empty document. Close releases its memory.
func New(o Options) *Doc {
	d := &Doc{}
	d.w.max = 512
	if o.MaxDepth > 0 {
		d.w.max = min(o.MaxDepth, maxDepthLimit)
	}
	d.w.cut, d.w.broken, d.w.brokenRow = never, never, never
	d.w.low0, d.w.deep = maxDepthLimit, maxDepthLimit
	d.arena.hint = o.Hint
	if o.SpillAt > 0 {
		d.arena.spillAt = int((min(o.SpillAt, 1<<30) + commitMin - 1) / commitMin * commitMin)
		d.arena.spillDir = o.SpillDir
	}
	d.pub.index = d.w.index
	if o.Hint > 0 && o.Hint <= heapLimit {
		d.arena.move(make([]byte, 0, o.Hint))
	}
	return d
}

// Write appends bytes of the reply. It keeps no reference to p and fails only
// when no memory can be had, or after Finish or Close.
func (d *Doc) Write(p []byte) (int, error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if err := d.writable(); err != nil {
		return 0, err
	}
	w := &d.w
	n, err := d.arena.append(p)
	w.text = d.arena.buf
	if d.arena.mem != nil && !d.guarded {
		// Whoever reads the text holds the document until it is done.
		d.cleanup = runtime.AddCleanup(d, func(r *region) { _ = r.release() }, d.arena.mem)
		d.guarded = true
	}
	w.run()
	if w.declared || w.cut != never {
		w.check.characters(w.text, false)
	}
	w.lines.add(w.text)
	d.publish(nil)
	return n, err
}

func (d *Doc) writable() error {
	switch {
	case d.stopped.Load():
		return ErrClosed
	case d.w.final:
		return errFinished
	}
	return nil
}

// Finish marks the end; err says why it ended early, nil when it is whole. Only
// the first call counts.
func (d *Doc) Finish(err error) {
	d.writing.Lock()
	defer d.writing.Unlock()
	if d.writable() != nil {
		return
	}
	d.w.text = d.arena.buf
	d.w.finish()
	d.w.check.characters(d.w.text, true)
	d.publish(err)
}

// publish lets readers see what the writer has indexed.
func (d *Doc) publish(err error) {
	w := &d.w
	d.mu.Lock()
	defer d.mu.Unlock()
	pub := &d.pub
	pub.text, pub.lines, pub.illegal, pub.firstBad = w.text, w.lines, w.check.illegal, w.check.first
	if d.arena.spillAt > 0 && len(w.text) > d.arena.spillAt {
		pub.disk, pub.spillAt = d.arena.mem, d.arena.spillAt
	}
	if w.rows == pub.rows && w.broken == pub.broken && !w.final {
		return
	}
	pub.index, pub.problems, pub.latin1 = w.index, w.problems, w.check.latin1
	pub.final, pub.err = w.final, err
	// A row at some depth may have changed the count of the element around it.
	from := max(0, min(w.deep-1, w.low0-1, len(w.stack), len(d.open)))
	d.open = append(d.open[:from], w.stack[from:]...)
	w.deep = maxDepthLimit
}

// enter returns what can be read now. The text stays until leave is called.
func (d *Doc) enter() view {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users++
	if d.closed {
		return view{final: true, err: ErrClosed, index: index{broken: never, brokenRow: never}}
	}
	return d.pub
}

func (d *Doc) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.users--; d.users == 0 && d.closed {
		// An error has nobody left to tell it to; the range is lost then.
		_ = d.arena.release()
	}
}

// Finished reports whether Finish was called, and with what.
func (d *Doc) Finished() (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pub.final, d.pub.err
}

// Close releases the text, at the latest when methods that run now return.
func (d *Doc) Close() error {
	d.stopped.Store(true)
	d.writing.Lock()
	defer d.writing.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.pub.text = nil
	d.cleanup.Stop()
	if d.users > 0 {
		return nil
	}
	return d.arena.release()
}

// Size is the number of bytes received.
func (d *Doc) Size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return int64(len(d.pub.text))
}

// Rows is the number of rows that can be read now.
func (d *Doc) Rows() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0
	}
	return d.pub.rows
}

// Problem returns the first place where the structure of the XML is broken, or
// where it was cut off. Flaws has what does not keep it from being shown.
func (d *Doc) Problem() (Problem, bool) {
	v := d.enter()
	defer d.leave()
	first := v.problems.first
	if first == nil {
		return Problem{}, false
	}
	p := first.Problem
	if first.quote {
		p.What += fmt.Sprintf(" %q", excerpt(v.text[p.Off:]))
	}
	return p, true
}

// Latin1 reports whether the XML declaration says ISO-8859-1. AppendRow and the
// readers still give the bytes as they came; Value, Label and Path decode.
func (d *Doc) Latin1() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pub.latin1
}

// Illegal returns how many characters, or numeric references to them, XML does
// not allow, bytes that are not UTF-8 included, and the offset of the first.
func (d *Doc) Illegal() (count int, first int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pub.illegal, int64(d.pub.firstBad)
}
