package netconf

import (
	"bytes"
	"io"
	"time"
)

// batchSize bounds the requests that leave in one Write, so that those behind
// can still be taken back.
const batchSize = 16 << 10

// frameCost is about what a request takes beside its body: <rpc> and framing.
const frameCost = 100

// nudgeAfter is how long the first request of a session may stay without an
// answer before the device is nudged.
const nudgeAfter = time.Second

// wake nudges a device that has not answered anything yet. Some (yuma123) leave a
// request lying that they read together with our hello until one more byte
// comes. The byte is a line feed, which may stand between messages, and with
// chunks is the first of the next header: nothing is sent twice by it.
func (s *Session) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || s.replied.Load() != 0 || len(s.owed) == 0 {
		return
	}
	s.nudging = true
	if !s.writing {
		s.writing = true
		s.writer.Add(1)
		go s.write() // ends when the queue is empty, or with the transport
	}
}

// write sends what is queued, all of it in as few Writes as possible, and ends
// when nothing is left.
func (s *Session) write() {
	defer s.writer.Done()
	var batch []*call
	var scratch []byte
	held := false
	for {
		s.mu.Lock()
		batch = s.nextBatch(batch[:0])
		if len(batch) == 0 && s.nudging && !s.ended {
			s.nudging = false
			s.mu.Unlock()
			s.t.nudge() // a failed write shows at the next one
			continue
		}
		if len(batch) == 0 {
			if held {
				s.t.rest()
			}
			s.writing = false
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		if len(batch) > 1 && !held {
			held = true
			s.t.hold()
		}
		err := guard(func() error {
			for _, c := range batch {
				if err := s.sendOne(c, &scratch); err != nil {
					return err
				}
			}
			if held {
				return s.t.release()
			}
			return nil
		})
		now := time.Now()
		s.mu.Lock()
		for _, c := range batch {
			c.sent = now
		}
		s.mu.Unlock()
		if err != nil {
			s.t.Close() // the reader sees it and ends the session
			s.mu.Lock()
			if s.err == nil {
				s.err = err
			}
			s.writing = false
			s.mu.Unlock()
			return
		}
	}
}

// nextBatch takes from the queue what shall leave together; the caller holds
// mu. When the session has ended its end answers what is queued.
func (s *Session) nextBatch(batch []*call) []*call {
	if s.ended {
		return batch
	}
	size := 0
	for len(batch) < len(s.queue) && size < batchSize {
		c := s.queue[len(batch)]
		c.begun = true
		s.owed[c.key] = c
		size += frameCost + len(c.body)
		if c.whole {
			s.ownIDs--
		}
		batch = append(batch, c)
	}
	n := copy(s.queue, s.queue[len(batch):])
	clear(s.queue[n:])
	if s.queue = s.queue[:n]; n == 0 && cap(s.queue) > 16 {
		s.queue = nil
	}
	return batch
}

// sendOne writes the request: byte for byte when it is whole, else inside an
// <rpc>, behind its XML declaration if it has one. scratch is reused.
func (s *Session) sendOne(c *call, scratch *[]byte) error {
	m, err := s.t.NewMessage()
	if err != nil {
		return err
	}
	b := c.body
	if !c.whole {
		decl := declaration(c.body)
		head := append((*scratch)[:0], c.body[:decl]...)
		head = append(head, `<rpc message-id="`...)
		head = append(head, c.out.MessageID...)
		head = append(head, `" xmlns="`+BaseNS+`">`...)
		*scratch, b = head, c.body[decl:]
		if len(b) < smallBuf {
			head = append(append(head, b...), "</rpc>"...)
			*scratch, b = head, nil
		}
		_, err = m.Write(head)
	}
	if err == nil && b != nil {
		_, err = m.Write(b)
		if err == nil && !c.whole {
			_, err = io.WriteString(m, "</rpc>")
		}
	}
	if err != nil {
		return err
	}
	return m.Close()
}

// declaration is the length of a byte order mark and an XML declaration that
// body begins with; they stay in front of the <rpc>.
func declaration(body []byte) int {
	t := tokens{b: body}
	if bytes.HasPrefix(body, []byte("\ufeff")) {
		t.off = len("\ufeff")
	}
	mark := t.off
	for {
		tok, ok := t.next()
		switch {
		case ok && tok.kind == tokText && blankText(tok.text):
		case ok && tok.kind == tokPI && isDeclaration(tok.text):
			return t.off
		default:
			return mark
		}
	}
}

func blankText(b []byte) bool {
	for _, c := range b {
		if !blank(c) {
			return false
		}
	}
	return true
}
