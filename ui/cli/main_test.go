//go:build unix

package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dialtone/conn/simnet"
	"dialtone/netconf/simdev"
)

const patience = 30 * time.Second

// program is the real binary, built once.
var program string

func TestMain(m *testing.M) { os.Exit(withProgram(m.Run)) }

func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "dialtone-cli-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "dialtone")
	build := exec.Command("go", "build", "-o", program, "dialtone")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return run()
}

// home is a person's directories, empty at first.
type home struct {
	t   *testing.T
	dir string
	env []string
}

func newHome(t *testing.T) *home {
	t.Helper()
	dir := t.TempDir()
	return &home{t: t, dir: dir, env: []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "TERM=xterm"}}
}

func (h *home) config(names ...string) string {
	return filepath.Join(append([]string{h.dir, ".config", "dialtone"}, names...)...)
}

func (h *home) state(names ...string) string {
	return filepath.Join(append([]string{h.dir, ".local", "state", "dialtone"}, names...)...)
}

// write makes a file of the person's.
func (h *home) write(path, text string) string {
	h.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// command prepares the program without a terminal.
func (h *home) command(args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	h.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, program, args...)
	c.Env, c.Dir = h.env, h.dir
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return c
}

type result struct {
	out, err string
	code     int
}

// run runs the program to its end.
func (h *home) run(stdin string, args ...string) result {
	h.t.Helper()
	c := h.command(args...)
	var out, stderr bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &stderr
	return result{code: code(h.t, c.Run()), out: out.String(), err: stderr.String()}
}

func code(t *testing.T, err error) int {
	t.Helper()
	var e *exec.ExitError
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	if e != nil {
		return e.ExitCode()
	}
	return 0
}

// want checks a code and words in standard error.
func (r result) want(t *testing.T, code int, words ...string) result {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d\nstderr: %s\nstdout: %.300s", r.code, code, r.err, r.out)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("standard error lacks %q:\n%s", w, r.err)
		}
	}
	return r
}

// device starts a simulated device with the password of the tests.
func device(t *testing.T, o simdev.Options, s simnet.Server) *simnet.Host {
	t.Helper()
	lab := simnet.New()
	t.Cleanup(lab.Close)
	if s.Password == "" {
		s.Password = password
	}
	if o.Dialect == "" {
		o.Dialect = simdev.RFC
	}
	host, err := lab.Add(o, s)
	if err != nil {
		t.Fatal(err)
	}
	return host
}

const (
	password = "canary-6Fq1-password"
	get      = `<get-config><source><running/></source></get-config>`
	edit     = `<edit-config><target><candidate/></target><config><interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces"><interface><name>lo77</name><description>canary</description></interface></interfaces></config></edit-config>`
)

// signIn are the flags that reach a device without a question.
func (h *home) signIn() []string {
	return []string{"-u", "admin", "--host-key", "accept-new", "--password-file", h.write(filepath.Join(h.dir, "pw"), password+"\n")}
}

func with(list []string, more ...string) []string {
	return append(append([]string{}, list...), more...)
}

// noCanary fails when any file below dir holds the word.
func noCanary(t *testing.T, dir, word string, but ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		for _, b := range but {
			if path == b {
				return nil
			}
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(f)
		if bytes.Contains(data, []byte(word)) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
