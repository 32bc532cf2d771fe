//go:build unix

package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// event is a line of listen.
type event struct {
	Time     string `json:"time"`
	Event    string `json:"event"`
	Via      string `json:"via"`
	From     string `json:"from"`
	Addr     string `json:"addr"`
	DeviceID string `json:"device_id"`
	Profile  string `json:"profile"`
	Trust    string `json:"trust"`
	Error    string `json:"error"`
	OK       *bool  `json:"ok"`
	Bytes    int64  `json:"bytes"`
	Reply    string `json:"reply"`
	File     string `json:"file"`
	Text     string `json:"text"`
}

// service is the program running in the background, with lines on its output.
type service struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	over  chan struct{}
	once  sync.Once

	mu  sync.Mutex
	all []string
	err spoken
}

// spoken is what came on standard error so far.
type spoken struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

// String is the text.
func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// says waits until a text has come on standard error.
func (s *service) says(text string) {
	s.t.Helper()
	for begun := time.Now(); !strings.Contains(s.err.String(), text); time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > patience {
			s.t.Fatalf("nothing said about %q:\n%s", text, s.err.String())
		}
	}
}

func (h *home) serve(args ...string) *service {
	h.t.Helper()
	s := &service{t: h.t, cmd: h.command(args...), lines: make(chan string, 1000), over: make(chan struct{})}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	s.cmd.Stderr = &s.err
	if err := s.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() { // ends when the program closes its output
		defer close(s.over)
		defer close(s.lines)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			s.mu.Lock()
			s.all = append(s.all, line)
			s.mu.Unlock()
			select {
			case s.lines <- line:
			default:
			}
		}
	}()
	h.t.Cleanup(func() {
		_ = s.cmd.Process.Kill() // most have ended
		<-s.over
		s.wait()
	})
	return s
}

// wait takes the exit once.
func (s *service) wait() {
	s.once.Do(func() { _ = s.cmd.Wait() }) // the code is what tests look at
}

// next is the next line.
func (s *service) next() string {
	s.t.Helper()
	select {
	case l, ok := <-s.lines:
		if !ok {
			s.wait()
			s.t.Fatalf("the program ended; its lines:\n%s\n%s", s.text(), s.err.String())
		}
		return l
	case <-time.After(patience):
		s.t.Fatalf("no line in time; so far:\n%s", s.text())
	}
	return ""
}

func (s *service) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.all, "")
}

// await is the next event of a kind.
func (s *service) await(kind string) event {
	s.t.Helper()
	for {
		if e := parseEvent(s.t, s.next()); e.Event == kind {
			return e
		}
	}
}

func parseEvent(t *testing.T, line string) event {
	t.Helper()
	var e event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if _, err := time.Parse(time.RFC3339, e.Time); err != nil {
		t.Errorf("time: %v", err)
	}
	return e
}

// end waits for the exit and returns all events.
func (s *service) end(code int) []event {
	s.t.Helper()
	select {
	case <-s.over:
	case <-time.After(patience):
		s.t.Fatalf("the program does not end; so far:\n%s", s.text())
	}
	s.wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit code %d, want %d\n%s\n%s", got, code, s.err.String(), s.text())
	}
	var out []event
	for _, l := range strings.Split(strings.TrimSpace(s.text()), "\n") {
		if strings.HasPrefix(l, "{") {
			out = append(out, parseEvent(s.t, l))
		}
	}
	return out
}

func (s *service) signal(sig os.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func kinds(es []event) string {
	var out []string
	for _, e := range es {
		out = append(out, e.Event)
	}
	return strings.Join(out, " ")
}

// hostKey makes a key file and returns its fingerprint.
func (h *home) hostKey(name string) (path, print string) {
	h.t.Helper()
	path = filepath.Join(h.dir, name)
	gen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		h.t.Skip("no ssh-keygen here")
	}
	if out, err := exec.Command(gen, "-q", "-t", "ed25519", "-N", "", "-f", path).CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(gen, "-lf", path+".pub").Output()
	if err != nil {
		h.t.Fatal(err)
	}
	return path, strings.Fields(string(out))[1]
}
