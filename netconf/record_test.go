package netconf

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTrace(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	now := time.Date(2026, 3, 1, 14, 1, 58, 123456000, time.UTC)
	tr := NewTraceWriter(&out, func() time.Time { return now })
	tr.Note("r1\x1b[2J")
	tr.Record(Sent, []byte("\n#6\n<rpc/>\n##\n"))
	tr.Record(Received, []byte("a\\\r\n\xc3\xa4\xff\x00\t\u202e"))
	tr.Record(Received, []byte("b"))
	want := `# r1\x1b[2J
# 2026-03-01T14:01:58.123456Z sent 14 B
> \n
> #6\n
> <rpc/>\n
> ##\n
# 2026-03-01T14:01:58.123456Z received 12 B
< a\\\r\n
< ä\xff\x00\t\xe2\x80\xae
# 2026-03-01T14:01:58.123456Z received 1 B
< b
`
	if out.String() != want || tr.Err() != nil {
		t.Errorf("got %s", out.String())
	}
	full := errors.New("full")
	tr = NewTraceWriter(sink(func([]byte) (int, error) { return 0, full }), nil)
	tr.Record(Sent, []byte("a"))
	if tr.Record(Sent, []byte("b")); tr.Err() != full {
		t.Error(tr.Err())
	}
}
