package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	loadBlock = 256 << 10
	maxLine   = 1 << 20 // a longer line is not ours
	loadBytes = 32 << 20
)

// load reads the last entries of earlier runs, once; j.mu is held. What cannot
// be read is passed over: a torn line, a line of another program.
func (j *Journal) load() {
	if j.loaded {
		return
	}
	j.loaded = true
	if j.dir == "" {
		return
	}
	names, err := filepath.Glob(filepath.Join(j.dir, "*"+fileSuffix))
	if err != nil {
		return
	}
	slices.Sort(names)
	slices.Reverse(names)
	budget, size := int64(loadBytes), 0
	var es []Entry // newest first
	for _, name := range names {
		used, err := readBack(name, budget, func(line []byte) bool {
			e, ok := parse(line)
			if !ok {
				return true
			}
			size += len(e.Request)
			if len(es) == maxEntries || size > maxInMemory {
				return false
			}
			es = append(es, e)
			return true
		})
		budget -= used
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			j.fault = err
		}
		if budget <= 0 || len(es) == maxEntries || size > maxInMemory {
			break
		}
	}
	slices.Reverse(es)
	// The order of writing is that of the numbers, whatever the clock said.
	slices.SortStableFunc(es, func(a, b Entry) int {
		switch {
		case a.Seq < b.Seq:
			return -1
		case a.Seq > b.Seq:
			return 1
		}
		return 0
	})
	for _, e := range es {
		j.remember(e)
		j.seq = max(j.seq, e.Seq)
	}
}

// maxSeq is more than any program of ours ever counts to.
const maxSeq = 1 << 62

// parse reads one line; false means that it is not ours.
func parse(line []byte) (Entry, bool) {
	var e Entry
	err := json.Unmarshal(line, &e)
	return e, err == nil && e.Seq > 0 && e.Seq < maxSeq
}

// readBack is backwards on a file.
func readBack(name string, budget int64, each func(line []byte) bool) (used int64, err error) {
	fi, err := os.Stat(name) // before opening: a pipe would hold us up
	if err != nil {
		return 0, err
	}
	if !fi.Mode().IsRegular() {
		return 0, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return backwards(f, fi.Size(), budget, loadBlock, each)
}

// backwards gives the lines of a text from the last to the first, until each
// returns false or budget bytes were read in blocks. Empty lines and those
// longer than maxLine are left out. A line is valid during the call only.
func backwards(f io.ReaderAt, size, budget, most int64, each func(line []byte) bool) (used int64, err error) {
	var rest []byte // the beginning of a line whose end was given or is to come
	for at := size; at > 0 && used < budget; {
		n := min(at, most)
		at -= n
		used += n
		block := make([]byte, n, int(n)+len(rest))
		if _, err := f.ReadAt(block, at); err != nil && !errors.Is(err, io.EOF) {
			return used, err
		}
		block = append(block, rest...)
		for {
			i := bytes.LastIndexByte(block, '\n')
			if i < 0 {
				break
			}
			if line := block[i+1:]; len(line) > 0 && len(line) <= maxLine && !each(line) {
				return used, nil
			}
			block = block[:i]
		}
		rest = block
		if len(rest) > maxLine {
			rest = bytes.Repeat([]byte{' '}, maxLine+1) // too long, wherever it begins
		}
		if at == 0 && len(rest) > maxLine {
			break
		}
		if at == 0 && len(rest) > 0 {
			each(rest)
		}
	}
	return used, nil
}

// Match reports whether an entry passes a filter, whose words must all match:
// "device:NAME", "op:NAME", "result:WORD" and "target:NAME" the whole value,
// "alters" those that may change the device, any other word a part of device,
// operation, request or error, in any case. "-word" must not match.
func Match(e Entry, filter string) bool {
	for _, w := range strings.Fields(filter) {
		not := len(w) > 1 && w[0] == '-'
		if not {
			w = w[1:]
		}
		if matchWord(e, w) == not {
			return false
		}
	}
	return true
}

func matchWord(e Entry, w string) bool {
	if w == "alters" {
		return e.Alters
	}
	if field, value, ok := strings.Cut(w, ":"); ok {
		switch field {
		case "device":
			return strings.EqualFold(e.Device, value)
		case "op":
			return strings.EqualFold(e.Operation, value)
		case "result":
			return strings.EqualFold(e.Result, value)
		case "target":
			return strings.EqualFold(e.Target, value)
		}
	}
	w = strings.ToLower(w)
	for _, s := range []string{e.Device, e.Operation, e.Request, e.Error} {
		if strings.Contains(strings.ToLower(s), w) {
			return true
		}
	}
	return false
}
