package netconf

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"time"

	"dialtone/netconf/xmltext"
)

// Limits of what is kept of one message.
const (
	maxHead         = 64 << 10 // before the root's start tag ends
	maxNotification = 16 << 20
	keptTail        = 256 // last bytes of a reply, to see how it ends
)

// read is the session's reader: it takes message after message and hands each
// to its owner, until the transport fails or is closed.
func (s *Session) read() {
	var in *inbound // made for the first message
	err := guard(func() error {
		for { // waits here for hours: what needs a larger stack is in receive
			m, err := s.t.NextMessage()
			if err == nil && in == nil {
				in = new(inbound)
			}
			if err == nil {
				err = s.receive(in, m)
			}
			if err != nil {
				return err
			}
		}
	})
	if in != nil {
		in.cut()
	}
	s.inside.Store(false)
	s.watch.Stop()
	s.end(err)
}

// receive takes one message.
func (s *Session) receive(in *inbound, m io.Reader) error {
	in.reset(s)
	s.hear()
	s.steady.Store(false)
	s.reply.Store(true)
	s.inside.Store(true)
	s.watchStall()
	_, err := io.Copy(in, m)
	s.inside.Store(false)
	if err != nil {
		return err // the end of the session tells who waits, and not their time-out
	}
	s.reply.Store(false)
	in.end()
	return nil
}

// hear takes the time: the device has been heard just now.
func (s *Session) hear() {
	s.known = s.t.reads()
	s.at = time.Now()
	s.now = s.clockAt(s.at)
	s.heard.Store(s.now)
}

// came is hear if the stream was read since. One read can bring many small
// replies, and asking for the time is a good part of what each of them costs.
func (s *Session) came() {
	if s.known != s.t.reads() {
		s.hear()
	}
}

// inbound is one message on its way in. It finds out from the root element
// whose it is, and passes the bytes on without keeping them.
type inbound struct {
	s     *Session
	head  []byte // until the root is known, and the start of what has no owner
	take  func(in *inbound, p []byte)
	call  *call
	scan  scanner
	root  []byte // qualified name
	empty bool   // <rpc-reply/>
	tail  []byte // last bytes
	flags []*Fault

	note    []byte // a notification, at most maxNotification
	tooLong bool
	stray   *Fault // why nobody owns this message
}

// reset makes in ready for the next message of s. Small buffers are used again.
func (in *inbound) reset(s *Session) {
	*in = inbound{s: s, root: in.root[:0], tail: in.tail[:0]}
	if cap(in.root) > keptTail {
		in.root = nil
	}
}

// Write takes the next bytes of the message; they are valid during the call.
func (in *inbound) Write(p []byte) (int, error) {
	in.s.came()
	if in.take != nil {
		in.take(in, p)
		return len(p), nil
	}
	in.s.replied.Store(in.s.now) // it may be a reply
	b := p
	if len(in.head) > 0 {
		in.head = append(in.head, p...)
		b = in.head
	}
	decided, err := in.decide(b)
	if err != nil {
		return 0, err
	}
	if decided {
		in.head = nil
		in.take(in, b)
	} else if len(in.head) == 0 {
		in.head = append(in.head, p...)
	}
	return len(p), nil
}

// decide reads the root's start tag, if it is there, and finds the owner.
func (in *inbound) decide(b []byte) (bool, error) {
	t := tokens{b: b}
	root, doctype := t.root()
	if root.kind == tokMore && len(b) < maxHead {
		return false, nil
	}
	if doctype {
		in.strayed(&Fault{Code: "XML-DTD", What: "a message with a DOCTYPE, which NETCONF forbids, was refused"})
		return true, nil
	}
	if wide(b) {
		in.strayed(&Fault{Code: "XML-ENC", What: fmt.Sprintf("a message is in UTF-16, which NETCONF does not allow, got %s", quoteHead(b))})
		return true, nil
	}
	if root.kind != tokStart {
		in.strayed(&Fault{Code: "RPC-SHAPE", What: fmt.Sprintf("a message is not an XML document, got %s", quoteHead(bytes.TrimSpace(b)))})
		return true, nil
	}
	in.root, in.empty = append(in.root, root.name...), root.empty
	switch string(local(root.name)) {
	case "rpc-reply", "rpc-error":
		in.reply(root)
	case "notification":
		in.s.reply.Store(false)
		in.take = (*inbound).takeNote
	case "hello":
		return false, &Fault{Code: "HEL-SESSION", What: "the device sent a second hello", Do: "connect again"}
	default:
		in.strayed(&Fault{Code: "RPC-SHAPE", What: fmt.Sprintf("a message with root element %s is no reply", quoteHead(root.name))})
	}
	return true, nil
}

// wide reports whether a message begins like XML in UTF-16, with a byte order
// mark or without.
func wide(b []byte) bool {
	return len(b) >= 2 && (b[0] == 0xff && b[1] == 0xfe || b[0] == 0xfe && b[1] == 0xff || b[0] == '<' && b[1] == 0 || b[0] == 0 && b[1] == '<')
}

// reply finds the request that a reply belongs to: by message-id, or, when the
// device left that out, the only one that can be meant.
func (in *inbound) reply(root token) {
	s := in.s
	id, found := attr(root.text, "message-id")
	if bytes.IndexByte(id, '&') >= 0 {
		id = []byte(xmltext.Resolve(id))
	}
	s.mu.Lock()
	var c *call
	if found {
		c = s.owed[string(id)]
	} else if len(s.owed) == 1 {
		for _, c = range s.owed {
		}
	}
	waiting := len(s.owed)
	s.mu.Unlock()
	switch {
	case c != nil:
		in.own(c)
		if !found && !c.anonymous {
			in.flags = append(in.flags, &Fault{Code: "RPC-ID", What: "the reply has no message-id; it was taken for the only request that waited"})
		}
	case found:
		in.strayed(&Fault{Code: "RPC-ID", What: fmt.Sprintf("reply %s matches no request", quoteHead(id)), Kept: fmt.Sprintf("%d requests still wait", waiting)})
	default:
		in.strayed(&Fault{Code: "RPC-ID", What: "a reply without message-id matches no request", Kept: fmt.Sprintf("%d requests still wait", waiting)})
	}
}

func (in *inbound) own(c *call) {
	in.call = c
	in.take = (*inbound).takeReply
	in.s.steady.Store(c.slow)
	c.gate.Lock()
	c.out.First = in.s.at
	c.gate.Unlock()
}

// takeReply passes bytes to the caller's writer and looks for errors in them.
func (in *inbound) takeReply(p []byte) {
	s, c := in.s, in.call
	s.replied.Store(s.now)
	in.scan.scan(p)
	in.keepTail(p)
	c.gate.Lock()
	defer c.gate.Unlock() // w is foreign and may panic
	c.out.Bytes += int64(len(p))
	if c.w == nil || c.wErr != nil || s.given(c) {
		return
	}
	s.heard.Store(busy)
	n, err := c.w.Write(p)
	s.hear()
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	c.wErr = err
}

// given reports whether the caller has stopped waiting.
func (s *Session) given(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.abandoned
}

func (in *inbound) keepTail(p []byte) {
	if len(p) >= keptTail {
		in.tail = append(in.tail[:0], p[len(p)-keptTail:]...)
		return
	}
	if over := len(in.tail) + len(p) - keptTail; over > 0 {
		in.tail = in.tail[:copy(in.tail, in.tail[over:])]
	}
	in.tail = append(in.tail, p...)
}

func (in *inbound) takeNote(p []byte) {
	if len(in.note)+len(p) > maxNotification {
		in.tooLong = true
		return
	}
	in.note = append(in.note, p...)
}

func (in *inbound) strayed(f *Fault) {
	in.s.reply.Store(false)
	in.stray = f
	in.head = nil
	in.take = (*inbound).takeStray
}

func (in *inbound) takeStray(p []byte) {
	if room := maxRaw - len(in.note); room > 0 {
		in.note = append(in.note, p[:min(len(p), room)]...)
	}
}

// end is called when the message is complete.
func (in *inbound) end() {
	switch {
	case in.take == nil:
		in.s.fault(&Fault{Code: "RPC-SHAPE", What: fmt.Sprintf("a message of %d B has no root element", len(in.head))}, in.head)
	case in.stray != nil:
		in.s.fault(in.stray, in.note)
	case in.call != nil:
		in.s.complete(in)
	case in.tooLong:
		in.s.fault(&Fault{Code: "NTF-BIG", What: fmt.Sprintf("a notification larger than %d B was dropped", maxNotification)}, in.note)
	default:
		if in.s.o.OnNotification != nil {
			in.s.o.OnNotification(parseNotification(in.note))
		}
	}
	in.call = nil
}

// complete answers the request.
func (s *Session) complete(in *inbound) {
	s.came()
	c := in.call
	flags := append(in.flags, in.scan.finish()...)
	if !slices.ContainsFunc(flags, truncated) {
		flags = append(flags, in.shape()...)
	}
	var cut *Fault
	if i := slices.IndexFunc(flags, truncated); i >= 0 && !in.scan.failed {
		cut = flags[i]
		flags = slices.Delete(flags, i, i+1)
	}
	c.gate.Lock()
	c.out.Flags = append(c.out.Flags, flags...)
	c.out.Errors, c.out.ErrorCount = in.scan.errs, in.scan.count
	c.out.Result, c.out.OK = Answered, !in.scan.failed
	c.out.Ended = s.at
	if cut != nil { // what the rest would have said is not known
		c.out.Result, c.out.OK = interrupted(c.effect), false
		cut.Kept, cut.Do = "what came of the reply is kept", "look at the device: nothing tells whether the request succeeded"
		c.err = cut
	}
	if c.wErr != nil && cut == nil {
		c.err = &Fault{
			Code: "RPC-SINK",
			What: fmt.Sprintf("the reply could not be stored: %v", c.wErr),
			Kept: "the request was answered",
			Err:  c.wErr,
		}
	}
	c.gate.Unlock()
	s.mu.Lock()
	sent := c.sent
	delete(s.owed, c.key)
	s.t.expect(len(s.owed)+len(s.queue) > 0)
	ours := !c.abandoned
	c.over = true
	s.mu.Unlock()
	if ours {
		c.out.Sent = sentAt(sent, c.out.First)
		c.deliver(c.out, c.err)
	}
}

// truncated recognises the flag of a reply whose rest is missing: what it would
// have said is not known.
func truncated(f *Fault) bool { return f.Code == "XML-TRUNC" }

// endsWithRoot reports whether the last bytes are the end tag of the root, as
// they nearly always are.
func (in *inbound) endsWithRoot() bool {
	rest, whole := bytes.CutSuffix(in.tail, []byte{'>'})
	rest, same := bytes.CutSuffix(rest, in.root)
	return whole && same && bytes.HasSuffix(rest, []byte("</"))
}

// shape says what is odd about how the reply ends.
func (in *inbound) shape() []*Fault {
	switch {
	case in.empty && string(local(in.root)) == "rpc-error":
		return nil
	case in.empty:
		return []*Fault{{Code: "RPC-SHAPE", What: "the reply is empty: neither <ok/> nor data"}}
	case in.scan.replies > 1:
		return []*Fault{{Code: "RPC-SHAPE", What: fmt.Sprintf("the message holds %d replies", in.scan.replies)}}
	}
	if in.scan.tags > 1 && in.endsWithRoot() {
		return nil
	}
	end := bytes.LastIndex(in.tail, append([]byte("</"), in.root...))
	if end < 0 {
		return []*Fault{{Code: "XML-TRUNC", What: "the reply ended without its end tag"}}
	}
	t := tokens{b: in.tail[end:]}
	t.next()
	for {
		at := t.off
		tok, ok := t.next()
		switch {
		case !ok && in.scan.tags < 2:
			return []*Fault{{Code: "RPC-SHAPE", What: "the reply is empty: neither <ok/> nor data"}}
		case !ok:
			return nil
		case tok.kind == tokComment || tok.kind == tokPI || tok.kind == tokText && blankText(tok.text):
		default:
			return []*Fault{{Code: "RPC-SHAPE", What: fmt.Sprintf("%s follows the end of the reply", quoteHead(t.b[at:]))}}
		}
	}
}

// cut is called when the session ends inside the message.
func (in *inbound) cut() {
	if in.call == nil {
		return
	}
	c := in.call
	in.scan.finish()
	c.gate.Lock()
	c.out.Errors, c.out.ErrorCount = in.scan.errs, in.scan.count
	c.gate.Unlock()
}

// end makes err the session's fate and answers every request that waits.
func (s *Session) end(err error) {
	s.t.Close()
	s.mu.Lock()
	switch {
	case s.closing:
		s.err = nil
	case s.err != nil: // a write failed first
	case s.stalled.Load():
		s.err = s.stallFault()
	case err == io.EOF:
		s.err = &Fault{Code: "SES-END", What: "the device closed the session", Do: "connect again", Err: io.EOF}
	default:
		s.err = err
	}
	s.ended = true
	reason := s.err
	if reason == nil {
		reason = &Fault{Code: "SES-CLOSED", What: "the session was closed"}
	}
	s.armed = false
	if s.silence != nil {
		s.silence.Stop()
	}
	owed, queue := s.owed, s.queue
	s.owed, s.queue = nil, nil
	var ours []*call // those whose outcome nobody else delivers
	var sent []time.Time
	for _, c := range owed {
		if !c.abandoned {
			ours, sent = append(ours, c), append(sent, c.sent)
		}
		c.over = true
	}
	for _, c := range queue {
		c.over = true
	}
	s.mu.Unlock()

	now := time.Now()
	for i, c := range ours {
		c.gate.Lock()
		c.out.Result, c.out.Ended, c.out.Sent = interrupted(c.effect), now, sent[i]
		c.err = reason
		c.gate.Unlock()
	}
	for _, c := range queue {
		c.out.Result, c.err = NotSent, reason
	}
	for _, c := range append(ours, queue...) {
		_ = guard(func() error { c.deliver(c.out, c.err); return nil }) // the session has its end already
	}
	s.writer.Wait() // the transport is closed, so that its Write returns
	close(s.done)
	if s.o.OnEnd != nil {
		s.o.OnEnd()
	}
}
