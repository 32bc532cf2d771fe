package xmldoc

import "fmt"

// maxFlaws is how many flaws are kept of a document.
const maxFlaws = 16

// problems collects what is wrong with a text.
type problems struct {
	first *structural // from here on rows are Broken, or the text was cut off
	flaws []Problem
}

// structural is a Problem whose sentence may go on with the text at its place.
// That text is read when it is asked for: more of it may have arrived by then.
type structural struct {
	Problem
	quote bool
}

func (p *problems) add(q structural) {
	if p.first == nil {
		p.first = &q
	}
}

func (p *problems) flaw(q Problem) {
	if len(p.flaws) < maxFlaws {
		p.flaws = append(p.flaws[:len(p.flaws):len(p.flaws)], q)
	}
}

// describe turns a fault of the scanner at off into a Problem.
func (w *writer) describe(f fault, off int) structural {
	p := structural{Problem: Problem{Code: "XML-FORM", Off: int64(off), Row: w.rows}}
	switch f {
	case faultTrunc:
		p.Code = "XML-TRUNC"
		p.What = "the reply ended inside " + w.inside(off)
	case faultDTD:
		p.Code = "XML-DTD"
		p.What = "a document type declaration is refused"
	case faultDepth:
		p.Code = "XML-DEPTH"
		p.What = fmt.Sprintf("elements are nested deeper than %d", w.max)
	case faultName:
		p.Code = "XML-LIMIT"
		p.What = fmt.Sprintf("a name is longer than %d B", maxName)
	case faultAttrs:
		p.Code = "XML-LIMIT"
		p.What = fmt.Sprintf("an element has more than %d attributes", maxAttrs)
	case faultTagLen:
		p.Code = "XML-LIMIT"
		p.What = fmt.Sprintf("a start tag is longer than %d B", maxTag)
	case faultRoots:
		p.Code = "RPC-SHAPE"
		p.What, p.quote = "a second root element follows the first:", true
	case faultOutside:
		p.Code = "RPC-SHAPE"
		p.What, p.quote = "text outside the root element:", true
	case faultEmpty:
		p.Code = "RPC-SHAPE"
		p.What = "the reply holds no element"
	case faultEncoding:
		p.Code = "XML-ENC"
		p.What = "the text is not in UTF-8 or ISO-8859-1: it " + w.check.encoding
	case faultExtraEnd:
		p.What, p.quote = "an end tag without a start tag:", true
	case faultMismatch:
		top := w.stack[len(w.stack)-1]
		p.What = fmt.Sprintf("%q is closed by", excerpt(w.text[top.name:top.name+top.nameLen]))
		p.quote = true
	case faultMarkup:
		p.What, p.quote = "'<' begins no markup:", true
	default:
		p.What, p.quote = "a tag is not well-formed:", true
	}
	return p
}

// inside says what the end of the text cut off.
func (w *writer) inside(off int) string {
	switch {
	case w.mode == inComment:
		return "a comment"
	case w.mode == inCDATA:
		return "a CDATA section; the device may have used end-of-message text in data"
	case w.mode == inPI:
		return "a processing instruction"
	case off < len(w.text):
		return "a tag"
	}
	top := w.stack[len(w.stack)-1]
	return fmt.Sprintf("the element %q", excerpt(w.text[top.name:top.name+top.nameLen]))
}

// excerpt is the beginning of foreign bytes for a message.
func excerpt(b []byte) []byte {
	for i, c := range b[:min(len(b), 40)] {
		if c == '>' || c == '\n' {
			return b[:i+1]
		}
	}
	return b[:min(len(b), 40)]
}

// finish indexes the rest of a text to which nothing will be added.
func (w *writer) finish() {
	w.final = true
	w.run()
	end := len(w.text)
	switch {
	case w.problems.first != nil:
		return
	case w.mode == inComment || w.mode == inCDATA || w.mode == inPI || w.depth > 0:
		w.problems.add(w.describe(faultTrunc, end))
	case !w.rooted:
		w.problems.add(w.describe(faultEmpty, end))
	}
	if p := w.problems.first; p != nil {
		p.Row = max(0, w.rows-1)
	} else if w.shape.ok && w.shape.other {
		w.problems.flaw(Problem{Code: "RPC-SHAPE", What: "the reply says ok and carries data as well"})
	}
}

// shape notes what stands in an rpc-reply.
type shape struct{ ok, other bool }

func (s *shape) add(name string) {
	switch name {
	case "ok":
		s.ok = true
	case "rpc-error": // a warning may come with ok
	default:
		s.other = true
	}
}
