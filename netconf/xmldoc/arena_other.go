//go:build !linux && !darwin && !windows

package xmldoc

import "errors"

// There are no ranges here: the text stays on the heap.
const reserveUsual, reserveMax = 0, 0

type region struct {
	all []byte
	warmer
}

func reserve(int) (*region, error) { return nil, errors.ErrUnsupported }

func (r *region) commit(int, int) error { return errors.ErrUnsupported }

// spill is commit here: everything stays in memory.
func (r *region) spill(_ string, from, to int) error { return r.commit(from, to) }

func (r *region) forget(int, int) {}

func (r *region) release() error { return nil }
