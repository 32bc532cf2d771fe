package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// What the processes of a measurement are, and what they hold.

// child is a process that takes and gives lines.
type child struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	addr string // of a call-taker, where it listens
}

func startChild(args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, args...)}
	c.cmd.Stderr = os.Stderr
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = bufio.NewScanner(out)
	return c, c.cmd.Start()
}

// say sends a line and returns the one that answers it.
func (c *child) say(line string) (string, error) {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		return "", err
	}
	return c.hear()
}

func (c *child) hear() (string, error) {
	if !c.out.Scan() {
		return "", errors.Join(errors.New("a process of the measurement ended"), c.out.Err())
	}
	return c.out.Text(), nil
}

func (c *child) number(line string) (float64, error) {
	s, err := c.say(line)
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(s, 64)
}

func (c *child) stop() {
	c.in.Close()
	c.cmd.Wait()
}

// memoryKB is a field of what the kernel says about this process: "VmHWM" is the
// most memory that it ever held.
func memoryKB(field string) int {
	data, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, field+":"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			return n
		}
	}
	return 0
}
