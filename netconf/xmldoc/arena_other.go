//go:build !linux && !darwin && !windows

package xmldoc

import "errors"

// There are no ranges here: the text stays on the heap.
const reserveUsual, reserveMax = 0, 0

type region struct{ all []byte }

func reserve(int) (*region, error) { return nil, errors.ErrUnsupported }

func (r *region) commit(int, int) error { return errors.ErrUnsupported }

func (r *region) release() error { return nil }
