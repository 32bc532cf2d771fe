package xmldiff

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"dialtone/netconf/xmldoc"
)

// Sum is a digest of what a document says, by the rules of Compare. It stays
// the same over programs and releases.
type Sum struct {
	Ordered   string `json:"ordered"`   // the order of elements counts
	Unordered string `json:"unordered"` // it does not
}

// Zero reports a sum of nothing.
func (s Sum) Zero() bool { return s.Ordered == "" }

// Digest computes the sum of a finished document.
func Digest(ctx context.Context, d *xmldoc.Doc) (Sum, error) {
	side := &side{doc: d}
	var st digester
	st.push(nil, false)
	n := d.Rows()
	for i := side.body(); i < n; {
		if ctx.Err() != nil {
			return Sum{}, ctx.Err()
		}
		to := min(n, i+4096)
		side.digest(&st, i, to)
		i = to
	}
	for len(st.open) > 1 {
		st.pop()
	}
	ordered, unordered := st.open[0].sums()
	return Sum{hex.EncodeToString(ordered[:16]), hex.EncodeToString(unordered[:16])}, side.err()
}

// digest takes the rows of a span.
func (s *side) digest(st *digester, from, to int) {
	for i := from; i < to; i++ {
		switch s.doc.Row(i).Kind {
		case xmldoc.Comment, xmldoc.PI:
		case xmldoc.Open:
			st.push(s.head(i), s.envelope(i))
		case xmldoc.Close:
			if len(st.open) > 1 {
				st.pop()
			}
		case xmldoc.Leaf, xmldoc.Empty:
			if !s.envelope(i) && !s.verdict(i) {
				st.leaf(s.head(i), []byte(s.text(i, false)))
			}
		default:
			st.leaf(nil, []byte(s.text(i, false)))
		}
	}
}

// digester keeps the elements that are open.
type digester struct {
	open []element
	buf  []byte
}

// element gathers the digests of its children: one after the other, and added
// up.
type element struct {
	head    []byte
	clear   bool   // an envelope: what is in it belongs to what is around it
	ordered []byte // digests of the children; folded when it grows
	kids    int
	sum     [sha256.Size]byte
}

func (s *digester) push(head []byte, clear bool) {
	s.open = append(s.open, element{head: head, clear: clear})
}

func (s *digester) leaf(head, text []byte) {
	s.buf = append(append(append(s.buf[:0], head...), 0), text...)
	h := sha256.Sum256(s.buf)
	s.take(h, h)
}

func (s *digester) pop() {
	e := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	switch {
	case e.clear:
	case e.kids == 0: // the same as a leaf without text
		s.leaf(e.head, nil)
	default:
		s.take(e.sums())
	}
}

// take gives a child to the innermost element that counts.
func (s *digester) take(ordered, unordered [sha256.Size]byte) {
	k := len(s.open) - 1
	for k > 0 && s.open[k].clear {
		k--
	}
	e := &s.open[k]
	e.kids++
	e.ordered = append(e.ordered, ordered[:]...)
	if len(e.ordered) >= 1<<16 { // always after the same number of children
		h := sha256.Sum256(e.ordered)
		e.ordered = append(e.ordered[:0], h[:]...)
	}
	carry := 0
	for i := range e.sum {
		carry += int(e.sum[i]) + int(unordered[i])
		e.sum[i] = byte(carry)
		carry >>= 8
	}
}

func (e *element) sums() (ordered, unordered [sha256.Size]byte) {
	head := append(append([]byte{}, e.head...), 1)
	return sha256.Sum256(append(head, e.ordered...)), sha256.Sum256(append(head, e.sum[:]...))
}
