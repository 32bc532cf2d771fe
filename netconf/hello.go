package netconf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"dialtone/netconf/xmltext"
)

// Limits of a hello.
const (
	maxHello     = 4 << 20
	maxCaps      = 20_000
	maxNoise     = 8 << 10 // bytes before the hello that are skipped
	helloDefault = 15 * time.Second
)

// greeting is what a device said in its hello.
type greeting struct {
	id     uint32
	caps   Caps
	noise  []byte // what came before it
	fixed  bool   // line breaks inside tags had to be taken out
	broken bool   // tags or nesting are wrong, but all that is needed was there
}

// ourHello is the hello of RFC 6241 section 8.1.
func ourHello(o Options) []byte {
	uris := []string{capBase + "1.0", capBase + "1.1"}
	if o.Only10 || o.Quirks.Force10 {
		uris = uris[:1]
	}
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<hello xmlns="` + BaseNS + `"><capabilities>` + "\n")
	for _, u := range slices.Concat(uris, o.Quirks.Capabilities) {
		b.WriteString("<capability>" + xmltext.Escape(u) + "</capability>\n")
	}
	b.WriteString("</capabilities></hello>")
	return []byte(b.String())
}

// exchange sends our hello and reads the device's, both at once: neither side
// may wait for the other, and some servers lose what arrives together with a
// late hello. It ends within the hello time-out, and closes t when it fails.
func exchange(ctx context.Context, t *Transport, o Options) (greeting, Framing, error) {
	g, framing, err := exchangeHellos(ctx, t, o)
	if err != nil {
		t.Close()
		return greeting{}, 0, err
	}
	t.SetReadFraming(framing)
	t.SetWriteFraming(framing)
	return g, framing, nil
}

func exchangeHellos(ctx context.Context, t *Transport, o Options) (greeting, Framing, error) {
	limit := o.HelloTimeout
	if limit <= 0 {
		limit = helloDefault
	}
	timeout := time.NewTimer(limit)
	defer timeout.Stop()

	got := &helloReader{}
	reading, writing := make(chan error, 1), make(chan error, 1)
	go func() { reading <- guard(func() error { return got.read(t) }) }() // ends with the hello, or with t
	send := func() {
		go func() { writing <- guard(func() error { return sendHello(t, o) }) }() // ends when it is written, or with t
	}
	if !o.Quirks.WaitHello {
		send()
	}
	var readDone, writeDone bool
	var writeErr error
	for !readDone || !writeDone {
		select {
		case err := <-reading:
			if err != nil {
				return greeting{}, 0, err
			}
			readDone = true
			if o.Quirks.WaitHello {
				send()
			}
		case writeErr = <-writing:
			writeDone = true // what the device says is the better error: wait for it
		case <-ctx.Done():
			return greeting{}, 0, ctx.Err()
		case <-timeout.C:
			return greeting{}, 0, &Fault{
				Code: "HEL-TIMEOUT",
				What: fmt.Sprintf("no hello in %v (got %d B)", limit, got.bytes.Load()),
				Do:   "check that this port speaks NETCONF; some devices need the quirk wait-hello",
				Err:  context.DeadlineExceeded,
			}
		}
	}
	if writeErr != nil {
		return greeting{}, 0, writeErr
	}
	return got.agree(o)
}

func sendHello(t *Transport, o Options) error {
	w, err := t.NewMessage()
	if err != nil {
		return err
	}
	if _, err := w.Write(ourHello(o)); err != nil {
		return err
	}
	err = w.Close()
	t.rest() // many sessions send little more
	return err
}

// helloReader collects the device's hello within the limits.
type helloReader struct {
	bytes atomic.Int64 // received so far, also read by the one who waits
	buf   []byte
	start int // of the hello in buf, -1 before it is found
}

func (h *helloReader) read(t *Transport) error {
	h.start = -1
	m, err := t.NextMessage()
	if err == nil {
		_, err = io.Copy(h, m)
	}
	if err == nil && h.start < 0 {
		return h.noHello()
	}
	var f *Fault
	if err == io.EOF || errors.As(err, &f) && (f.Code == "FRM-CUT" || f.Code == "NET-LOST") {
		return &Fault{
			Code: "HEL-END",
			What: fmt.Sprintf("the device ended the session before its hello was complete (got %d B%s)", len(h.buf), h.excerpt()),
			Do:   "check that NETCONF is switched on for this user and port",
			Err:  err,
		}
	}
	return err
}

// excerpt shows the last line of what came, for a device that says in words
// why it refuses.
func (h *helloReader) excerpt() string {
	text := bytes.TrimSpace(h.buf)
	if len(text) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", text[max(0, len(text)-80):])
}

func (h *helloReader) noHello() error {
	return &Fault{
		Code: "HEL-NOISE",
		What: fmt.Sprintf("no hello in the first %d B, got %s", len(h.buf), quoteHead(bytes.TrimSpace(h.buf))),
		Do:   "check that this port speaks NETCONF and that the login shell prints nothing",
	}
}

// Write takes the next bytes of the hello.
func (h *helloReader) Write(p []byte) (int, error) {
	h.bytes.Add(int64(len(p)))
	h.buf = append(h.buf, p...)
	if h.start < 0 {
		h.start = helloStart(h.buf)
		if h.start < 0 && len(h.buf) > maxNoise || h.start > maxNoise {
			return 0, h.noHello()
		}
		if h.start > 0 && endsInHeader(h.buf[:h.start]) {
			return 0, &Fault{
				Code: "FRM-MODE",
				What: fmt.Sprintf("the device sent its hello in chunked framing, got %s", quoteHead(h.buf)),
				Do:   "report the bytes to the maker of the device; a hello ends with ]]>]]>",
			}
		}
	}
	if len(h.buf) > maxHello {
		return 0, &Fault{Code: "HEL-BIG", What: fmt.Sprintf("the hello is larger than %d B", maxHello)}
	}
	return len(p), nil
}

// endsInHeader reports whether what precedes the hello is a chunk header.
func endsInHeader(noise []byte) bool {
	i := bytes.LastIndexByte(noise, '#')
	if i < 0 {
		return false
	}
	h := parseHeader(append([]byte{'\n'}, noise[i:]...), false)
	return h.size > 0 && i-1+h.n == len(noise)
}

// helloStart finds where the document begins; -1 while it cannot be seen.
func helloStart(b []byte) int {
	for i := 0; ; i++ {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			return -1
		}
		i += n
		rest := b[i+1:]
		if bytes.HasPrefix(rest, []byte("?xml")) || bytes.HasPrefix(rest, []byte("!--")) || bytes.HasPrefix(rest, []byte("!DOCTYPE")) {
			return i
		}
		end := bytes.IndexAny(rest, " \t\r\n/>")
		if end < 0 {
			continue
		}
		switch string(local(rest[:end])) {
		case "hello", "rpc-reply", "rpc-error", "notification":
			return i
		}
	}
}

// agree reads the hello and chooses the highest version that both sides offer.
func (h *helloReader) agree(o Options) (greeting, Framing, error) {
	g, err := parseHello(h.buf[h.start:])
	if err != nil {
		return g, 0, err
	}
	noise := bytes.TrimPrefix(h.buf[:h.start], []byte("\ufeff"))
	if noise = bytes.TrimSpace(noise); len(noise) > 0 {
		g.noise = noise
	}
	switch has11 := g.caps.Has("base:1.1"); {
	case has11 && !o.Only10 && !o.Quirks.Force10:
		return g, Chunked, nil
	case g.caps.Has("base:1.0"):
		return g, EndOfMessage, nil
	case has11:
		return g, 0, &Fault{
			Code: "HEL-VERSION",
			What: "the device offers base:1.1 only, we need base:1.0 here",
			Do:   "take away the quirk force-1.0",
		}
	}
	return g, 0, &Fault{
		Code: "HEL-VERSION",
		What: fmt.Sprintf("the device offers %s, we need base:1.0 or 1.1", offered(g.caps)),
		Do:   "check that this port speaks NETCONF",
	}
}

// offered names what a hello without a known version holds.
func offered(c Caps) string {
	if len(c.uris) == 0 {
		return "no capability"
	}
	for _, u := range c.uris {
		if strings.HasPrefix(u, capBase) {
			return fmt.Sprintf("%q", u)
		}
	}
	return fmt.Sprintf("%d capabilities and no base version", len(c.uris))
}

// parseHello reads a hello that begins b. When it is broken by line breaks
// inside tags, as one IOS-XR release writes them, it is read without them.
func parseHello(b []byte) (greeting, error) {
	g, whole, err := readHello(b)
	if whole || err != nil && !errors.Is(err, errNoSessionID) {
		return g, err
	}
	joined := bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\n"), nil), []byte("\r"), nil)
	if fixed, whole, err := readHello(joined); whole && err == nil {
		fixed.fixed = true
		return fixed, nil
	}
	g.broken = true
	return g, err
}

var errNoSessionID = errors.New("no session-id")

// readHello reads what it can; whole says that tags and nesting were right.
func readHello(b []byte) (g greeting, whole bool, err error) {
	t := tokens{b: b}
	root, doctype := t.root()
	switch {
	case doctype:
		return g, false, &Fault{Code: "XML-DTD", What: "the hello has a DOCTYPE, which NETCONF forbids", Do: "report it to the maker of the device"}
	case root.kind != tokStart:
		return g, false, &Fault{Code: "HEL-NOISE", What: fmt.Sprintf("the hello is not XML, got %s", quoteHead(b))}
	case string(local(root.name)) != "hello":
		return g, false, &Fault{Code: "HEL-SESSION", What: fmt.Sprintf("the device sent an element %s before its hello", quoteHead(local(root.name)))}
	}
	whole = true
	var uris, ids []string
	for open := !root.empty; open; {
		tok, ok := t.next()
		switch {
		case !ok || tok.kind == tokMore:
			open, whole = false, false
		case tok.kind == tokEnd:
			open = false
			whole = whole && bytes.Equal(tok.name, root.name)
		case tok.kind != tokStart || tok.empty:
		case string(local(tok.name)) == "session-id":
			ids = append(ids, t.textOf(64))
		case string(local(tok.name)) == "capabilities":
			var good bool
			if uris, good, err = t.capabilities(uris, tok.name); err != nil {
				return g, false, err
			}
			whole = whole && good
		default:
			whole = false
			t.skip()
		}
	}
	g.caps = NewCaps(uris)
	g.id, err = sessionID(ids)
	return g, whole, err
}

// capabilities reads the children of <capabilities> up to its end tag.
func (t *tokens) capabilities(uris []string, parent []byte) (_ []string, whole bool, err error) {
	whole = true
	for {
		tok, ok := t.next()
		switch {
		case !ok || tok.kind == tokMore:
			return uris, false, nil
		case tok.kind == tokEnd:
			return uris, whole && bytes.Equal(tok.name, parent), nil
		case tok.kind != tokStart || tok.empty:
			continue
		}
		if string(local(tok.name)) != "capability" {
			whole = false
		}
		from := t.off
		uris = append(uris, t.textOf(4<<10))
		if end := bytes.TrimSuffix(t.b[from:t.off], []byte(">")); !bytes.HasSuffix(bytes.TrimRight(end, " \t\r\n"), tok.name) {
			whole = false // the end tag has another name
		}
		if len(uris) > maxCaps {
			return nil, false, &Fault{Code: "HEL-BIG", What: fmt.Sprintf("the hello has more than %d capabilities", maxCaps)}
		}
	}
}

// sessionID checks what RFC 6241 section 8.1 asks: exactly one, above zero.
func sessionID(ids []string) (uint32, error) {
	f := &Fault{Code: "HEL-SESSION", Do: "report the hello to the maker of the device"}
	switch len(ids) {
	case 0:
		f.What, f.Err = "the device's hello has no session-id", errNoSessionID
		return 0, f
	case 1:
	default:
		f.What = fmt.Sprintf("the device's hello has %d session-ids, the first two %q and %q", len(ids), ids[0], ids[1])
		return 0, f
	}
	n, err := strconv.ParseUint(ids[0], 10, 32)
	if err != nil || n == 0 {
		f.What = fmt.Sprintf("the device's hello has session-id %q, which is not a number from 1 to 4294967295", ids[0])
		return 0, f
	}
	return uint32(n), nil
}
