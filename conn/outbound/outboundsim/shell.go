package outboundsim

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// shell is a command shell that knows a few commands. Each runs in a shell of its
// own, so cd and setenv do not hold for the next. Some never end: yes, ping, and
// cat without a file.
type shell struct {
	p          *pipe
	host, user string
}

// mostLine is the longest command line that it takes.
const mostLine = 1 << 20

func (sh *shell) run(ctx context.Context) error {
	if _, err := io.WriteString(sh.p, "csh session is started"); err != nil {
		return err
	}
	lines := make([]byte, 4096)
	var line []byte
	for {
		n, err := sh.p.Read(lines)
		if err != nil {
			return nil
		}
		for _, c := range lines[:n] {
			if c != '\n' {
				if len(line) < mostLine {
					line = append(line, c)
				}
				continue
			}
			end, err := sh.command(ctx, strings.TrimSpace(string(line)))
			if end || err != nil {
				return err
			}
			line = line[:0]
		}
	}
}

// command runs one; end is true for exit in its forms.
func (sh *shell) command(ctx context.Context, cmd string) (end bool, err error) {
	word, rest, _ := strings.Cut(cmd, " ")
	rest = strings.TrimSpace(rest)
	out := ""
	switch {
	case word == "exit" || strings.HasPrefix(word, "exit("):
		return true, nil
	case word == "" || word == "cd" || word == "setenv" || word == "set":
	case word == "hostname":
		out = sh.host + "\n"
	case word == "whoami":
		out = sh.user + "\n"
	case word == "echo":
		out = strings.Trim(rest, `"'`) + "\n"
	case word == "uname":
		out = "JUNOS " + sh.host + " 23.4R1.9 JUNOS 23.4R1.9 amd64\n"
	case word == "pwd":
		out = "/var/home/" + sh.user + "\n"
	case word == "ls":
		out = "juniper.conf.gz\nnc_grpc_app.pyc\noutbound_https.log\n"
	case cmd == `cli -c "show version"`:
		out = "Hostname: " + sh.host + "\nModel: vmx\nJunos: 23.4R1.9\n"
	case word == "yes":
		if rest == "" {
			rest = "y"
		}
		return false, sh.forever(ctx, 0, func(int) string { return strings.Repeat(rest+"\n", max(1, 512/(len(rest)+1))) })
	case word == "ping" && rest != "":
		to := rest[strings.LastIndexByte(rest, ' ')+1:]
		return false, sh.forever(ctx, time.Second, func(n int) string {
			return fmt.Sprintf("64 bytes from %s: icmp_seq=%d ttl=64 time=0.%03d ms\n", to, n, 400+n*37%200)
		})
	case cmd == "cat":
		return false, sh.wait(ctx, 1<<62)
	case word == "sleep":
		n, err := strconv.Atoi(rest)
		if err == nil && n >= 0 && n < 1<<30 {
			return false, sh.wait(ctx, time.Duration(n)*time.Second)
		}
		out = "usage: sleep seconds\n"
	default:
		out = word + ": Command not found.\n"
	}
	_, err = io.WriteString(sh.p, out)
	return false, err
}

// forever prints what text gives, each time after a pause, until the shell is
// killed.
func (sh *shell) forever(ctx context.Context, pause time.Duration, text func(n int) string) error {
	for n := 0; ; n++ {
		if _, err := io.WriteString(sh.p, text(n)); err != nil {
			return err
		}
		if err := sh.wait(ctx, pause); err != nil {
			return err
		}
	}
}

// wait lets time pass and says whether the shell was ended meanwhile.
func (sh *shell) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-sh.p.over:
		return io.ErrClosedPipe
	case <-ctx.Done():
		return ctx.Err()
	}
}
