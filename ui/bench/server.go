package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The fake device answers every request with a configuration of the size that
// the request names in <bytes>, precomputed and framed. It parses nothing else,
// so that what is measured is the client.

const (
	helloFrame = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities>` +
		`<capability>urn:ietf:params:netconf:base:1.0</capability>%s</capabilities>` +
		`<session-id>7</session-id></hello>]]>]]>`
	cap11 = `<capability>urn:ietf:params:netconf:base:1.1</capability>`
	eom   = "]]>]]>"
	eoc   = "\n##\n"
)

// configXML invents a Junos-like configuration of about n bytes, 32.7 bytes a
// line.
func configXML(n int) []byte {
	var b bytes.Buffer
	b.Grow(n + 4096)
	b.WriteString("<data>\n<configuration xmlns=\"http://xml.juniper.net/xnm/1.1/xnm\">\n    <interfaces>\n")
	for i := 0; b.Len() < n-60; i++ {
		fmt.Fprintf(&b, "        <interface>\n            <name>ge-%d/%d/%d</name>\n            <description>to core-r%d</description>\n"+
			"            <mtu>9192</mtu>\n            <unit>\n                <name>0</name>\n                <family>\n"+
			"                    <inet>\n                        <address>\n                            <name>10.%d.%d.1/30</name>\n"+
			"                        </address>\n                    </inet>\n                </family>\n            </unit>\n        </interface>\n",
			i/480, i/48%10, i%48, i, i/250%250, i%250)
	}
	b.WriteString("    </interfaces>\n</configuration>\n</data>")
	return b.Bytes()
}

// framed returns head and tail of a reply around the message-id, in one framing.
type canned struct{ body []byte }

func (c canned) write(w *bufio.Writer, id string, chunked bool) {
	head := `<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="` + id + `">`
	const tail = "</rpc-reply>"
	if !chunked {
		w.WriteString(head)
		w.Write(c.body)
		w.WriteString(tail + eom)
		return
	}
	chunk := func(p []byte) {
		w.WriteString("\n#" + strconv.Itoa(len(p)) + "\n")
		w.Write(p)
	}
	chunk([]byte(head))
	for p := c.body; len(p) > 0; {
		n := min(len(p), 4096)
		chunk(p[:n])
		p = p[n:]
	}
	chunk([]byte(tail))
	w.WriteString(eoc)
}

func serve() error {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	signer, err := ssh.NewSignerFromKey(priv)
	if err != nil {
		return err
	}
	cfg := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	cfg.PublicKeyCallback = func(m ssh.ConnMetadata, _ ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
	cfg.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr(), ssh.FingerprintSHA256(signer.PublicKey()))
	go func() { // ends the process with its parent
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	cache := map[int]canned{}
	for _, n := range []int{1 << 10, bigReply} {
		cache[n] = canned{configXML(n)}
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go serveConn(c, cfg, cache)
	}
}

func serveConn(c net.Conn, cfg *ssh.ServerConfig, cache map[int]canned) {
	serveSSH(c, cfg, func(ch ssh.Channel, user string) { serveChannel(ch, user == "one-one", cache) })
}

// serveSSH lets serve have each channel of a connection, whatever was asked for on
// it, until the connection ends.
func serveSSH(c net.Conn, cfg *ssh.ServerConfig, serve func(ch ssh.Channel, user string)) {
	defer c.Close()
	conn, chans, reqs, err := ssh.NewServerConn(c, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		ch, rs, err := nc.Accept()
		if err != nil {
			return
		}
		go func() { // ends with the channel
			for r := range rs {
				if r.WantReply {
					r.Reply(true, nil)
				}
			}
		}()
		go serve(ch, conn.User()) // ends with the channel
	}
}

func serveChannel(ch ssh.Channel, chunked bool, cache map[int]canned) {
	defer ch.Close()
	extra := ""
	if chunked {
		extra = cap11
	}
	if _, err := fmt.Fprintf(ch, helloFrame, extra); err != nil {
		return
	}
	in, out := bufio.NewReaderSize(ch, 64<<10), bufio.NewWriterSize(ch, 256<<10)
	end := []byte(eom)
	var msg []byte
	for first := true; ; {
		b, err := in.ReadByte()
		if err != nil {
			return
		}
		msg = append(msg, b)
		if !bytes.HasSuffix(msg, end) {
			continue
		}
		if first {
			first = false
			if chunked {
				end = []byte(eoc)
			}
			msg = msg[:0]
			continue
		}
		if bytes.Contains(msg, []byte("<close-session")) {
			canned{[]byte("<ok/>")}.write(out, between(msg, `message-id="`, `"`), chunked)
			out.Flush()
			return
		}
		n, _ := strconv.Atoi(between(msg, "<bytes>", "</bytes>"))
		cache[n].write(out, between(msg, `message-id="`, `"`), chunked)
		msg = msg[:0]
		if in.Buffered() == 0 {
			if out.Flush() != nil {
				return
			}
		}
	}
}

func between(b []byte, from, to string) string {
	_, rest, ok := bytes.Cut(b, []byte(from))
	if !ok {
		return ""
	}
	mid, _, _ := bytes.Cut(rest, []byte(to))
	return string(mid)
}

type server struct {
	addr string
	pin  string // fingerprint of its host key
	cmd  *exec.Cmd
	in   io.Closer
}

func startServer() (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", "server")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(errors.New("the fake device did not start"), err)
	}
	addr, pin, _ := strings.Cut(strings.TrimSpace(line), " ")
	return &server{addr, pin, cmd, in}, nil
}

func (s *server) stop() {
	s.in.Close()
	s.cmd.Wait()
}

// bareFrame is a request as the bare loops send it.
func bareFrame(id, size int, chunked bool) []byte {
	body := fmt.Sprintf(`<rpc message-id="%d" xmlns="urn:ietf:params:xml:ns:netconf:base:1.0">%s</rpc>`, id, getBulk(size))
	if !chunked {
		return []byte(body + eom)
	}
	return fmt.Appendf(nil, "\n#%d\n%s%s", len(body), body, eoc)
}

func getBulk(size int) string { return fmt.Sprintf("<get><bytes>%d</bytes></get>", size) }
