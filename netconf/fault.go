package netconf

import "strings"

// Fault is an error that a person reads. It has one shape everywhere: what
// happened (where), what is kept, what to do. Code is stable and can be
// searched for ("FRM-SIZE"). What, Kept and Do may quote bytes of the peer,
// which are then escaped by %q: a Fault never carries raw foreign bytes.
type Fault struct {
	Code string
	What string
	Kept string // "" when nothing was in flight
	Do   string // "" when there is nothing to do
	Err  error  // the cause, may be nil
}

// Error joins the parts that are not empty.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.Code)
	b.WriteByte(' ')
	b.WriteString(f.What)
	for _, s := range []string{f.Kept, f.Do} {
		if s != "" {
			b.WriteString(". ")
			b.WriteString(s)
		}
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// Parts returns the code and the three sentences. Faults of other rooms have
// the same method, so a caller finds any of them with one errors.As.
func (f *Fault) Parts() (code, what, kept, do string) {
	return f.Code, f.What, f.Kept, f.Do
}
