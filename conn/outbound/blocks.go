package outbound

import "sync"

// block holds output that was received and not read yet.
type block [32 << 10]byte

// blocks is a queue of bytes in blocks from a pool that all sessions share, so a
// session that is quiet holds none. It is not safe for concurrent use.
type blocks struct {
	pool *sync.Pool // of *block
	all  []*block
	from int // of the first block, where reading goes on
	to   int // of the last block, where writing goes on
	held int // bytes
}

func newPool() *sync.Pool { return &sync.Pool{New: func() any { return new(block) }} }

func (q *blocks) write(p []byte) {
	q.held += len(p)
	for len(p) > 0 {
		if len(q.all) == 0 || q.to == len(block{}) {
			q.all, q.to = append(q.all, q.pool.Get().(*block)), 0
		}
		n := copy(q.all[len(q.all)-1][q.to:], p)
		q.to += n
		p = p[n:]
	}
}

func (q *blocks) read(p []byte) (n int) {
	used := 0
	for n < len(p) && q.held > 0 {
		end := len(block{})
		if used == len(q.all)-1 {
			end = q.to
		}
		m := copy(p[n:], q.all[used][q.from:end])
		n, q.from, q.held = n+m, q.from+m, q.held-m
		if q.from == end {
			q.pool.Put(q.all[used])
			used, q.from = used+1, 0
		}
	}
	if used == len(q.all) {
		q.to = 0
	}
	rest := copy(q.all, q.all[used:])
	clear(q.all[rest:])
	q.all = q.all[:rest]
	return n
}

// drop throws everything away.
func (q *blocks) drop() {
	for _, b := range q.all {
		q.pool.Put(b)
	}
	q.all, q.from, q.to, q.held = nil, 0, 0, 0
}
