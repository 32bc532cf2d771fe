// Package realdev starts a NETCONF server that others wrote: netconfd behind
// OpenSSH's sshd, on loopback, in a temporary directory. Tests use it to see
// that the client and the simulated device are not wrong in the same way.
package realdev

import (
	"bufio"
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// The programs that are run. Debian has them in the packages netconfd,
// openssh-server and openssh-client.
const (
	netconfd  = "/usr/sbin/netconfd"
	subsystem = "/usr/sbin/netconf-subsystem"
	sshd      = "/usr/sbin/sshd"
	keygen    = "/usr/bin/ssh-keygen"
	sshClient = "/usr/bin/ssh"
)

//go:embed testdata/dialtone-lab.yang
var labModule []byte

// LabNS is the namespace of the module that the server is started with: a
// container system with hostname, location, contact and a list of users.
const LabNS = "urn:dialtone:params:xml:ns:yang:lab"

// Options choose the variant of the server.
type Options struct {
	Target  string   // "candidate" (also when empty) or "running"
	Only10  bool     // speaks base:1.0 only
	Startup bool     // has a startup datastore
	SSHD    []string // more lines for sshd_config
}

// Server is a running server. Its methods may be called concurrently.
type Server struct {
	Addr    string // host:port of sshd on loopback
	User    string // the account to log in as
	HostKey string // sshd's key as a known_hosts line has it: "ssh-ed25519 AAAA..."

	dir, socket, port string
	ln                net.Listener

	mu    sync.Mutex
	conns map[*os.Process]*net.TCPConn
	wg    sync.WaitGroup
	ended bool

	daemon  *os.Process   // netconfd
	up      chan struct{} // closed when it takes connections
	crashes int           // of netconfd; read when gone is closed
	gone    chan struct{} // closed when netconfd is not started again
}

// Start starts a server and ends it with the test. When a program is missing
// the test is skipped, or fails when the environment variable CI is set.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	for _, p := range []string{netconfd, subsystem, sshd, keygen, sshClient} {
		if _, err := os.Stat(p); err == nil {
			continue
		}
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is missing", p)
		}
		t.Skipf("%s is missing: install netconfd, openssh-server and openssh-client", p)
	}
	// The path of a socket is short, and a test's own directory may not be.
	dir, err := os.MkdirTemp("", "nc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{User: me.Username, dir: dir, socket: filepath.Join(dir, "s"), conns: map[*os.Process]*net.TCPConn{}}
	// The server knows the port that its clients come by, so it is taken first.
	if s.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Addr = s.ln.Addr().String()
	s.port = s.Addr[strings.LastIndexByte(s.Addr, ':')+1:]
	t.Cleanup(func() { _ = s.ln.Close() })
	s.startNetconfd(t, o)
	s.startSSHD(t, o)
	return s
}

// startNetconfd starts the NETCONF server and waits until it takes connections.
func (s *Server) startNetconfd(t testing.TB, o Options) {
	t.Helper()
	target := o.Target
	if target == "" {
		target = "candidate"
	}
	write(t, filepath.Join(s.dir, "dialtone-lab.yang"), labModule, 0o644)
	if err := os.Mkdir(filepath.Join(s.dir, "data"), 0o700); err != nil { // it keeps its state there
		t.Fatal(err)
	}
	args := []string{"--no-startup", "--ncxserver-sockname=" + s.socket, "--superuser=" + s.User, "--access-control=off",
		"--modpath=" + s.dir + ":/usr/share/yuma/modules", "--module=dialtone-lab", "--target=" + target, "--port=" + s.port, "--log-level=info"}
	if o.Only10 {
		args = append(args, "--protocols=netconf1.0")
	}
	if o.Startup {
		args = append(args, "--with-startup=true")
	}
	log, err := os.Create(filepath.Join(s.dir, "netconfd.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := s.spawn(args, log)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	s.gone = make(chan struct{})
	go func() { // ends when the cleanup kills the process, or it has crashed too often
		defer close(s.gone)
		defer log.Close()
		s.supervise(cmd, args, log, ended)
	}()
	t.Cleanup(func() {
		close(ended)
		s.mu.Lock()
		_ = s.daemon.Kill()
		s.mu.Unlock()
		<-s.gone
		if s.crashes > 0 {
			t.Logf("netconfd crashed %d times and was started again", s.crashes)
		}
		if t.Failed() {
			t.Logf("netconfd said:\n%s", s.tail("netconfd.log"))
		}
	})
	if !s.waitUp(20 * time.Second) {
		t.Fatalf("netconfd does not listen:\n%s", s.tail("netconfd.log"))
	}
}

// spawn starts the NETCONF server.
func (s *Server) spawn(args []string, log *os.File) (*exec.Cmd, error) {
	cmd := exec.Command(netconfd, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.Env = append(os.Environ(), "YUMA_HOME="+s.dir, "HOME="+s.dir)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.daemon, s.up = cmd.Process, make(chan struct{})
	s.mu.Unlock()
	return cmd, nil
}

// crashLimit is how often netconfd may crash in one test. Killing a session
// makes it crash once in a while; that is a fault of its own.
const crashLimit = 3

// supervise waits for the server's end and starts it again when it crashed.
func (s *Server) supervise(cmd *exec.Cmd, args []string, log *os.File, ended <-chan struct{}) {
	for {
		_ = cmd.Wait()
		select {
		case <-ended:
			return
		default:
		}
		if cmd.ProcessState.ExitCode() >= 0 || s.crashes == crashLimit { // it gave up, and did not crash
			return
		}
		s.crashes++
		_ = os.Remove(s.socket)
		var err error
		if cmd, err = s.spawn(args, log); err != nil {
			return
		}
		select {
		case <-ended: // the cleanup may have killed the process before
			_ = cmd.Process.Kill()
		default:
		}
		s.waitUp(20 * time.Second)
	}
}

// await waits while netconfd is being started again.
func (s *Server) await() {
	s.mu.Lock()
	up := s.up
	s.mu.Unlock()
	select {
	case <-up:
	case <-s.gone:
	}
}

// waitUp waits until the server takes connections, and says whether it does.
func (s *Server) waitUp(long time.Duration) bool {
	limit := time.NewTimer(long)
	defer limit.Stop()
	tick := time.NewTicker(10 * time.Millisecond) // another program gives no event to wait for
	defer tick.Stop()
	for {
		c, err := net.Dial("unix", s.socket)
		if err == nil {
			_ = c.Close()
			if os.Chmod(s.socket, 0o666) != nil {
				return false
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			select {
			case <-s.up: // somebody else saw it first
			default:
				close(s.up)
			}
			return true
		}
		select {
		case <-s.gone:
			return false
		case <-limit.C:
			return false
		case <-tick.C:
		}
	}
}

// startSSHD makes keys and a configuration, and runs one sshd in inetd mode
// for each connection: so the port can be any free one.
func (s *Server) startSSHD(t testing.TB, o Options) {
	t.Helper()
	if os.Geteuid() == 0 { // where sshd wants its empty directory
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	host := filepath.Join(s.dir, "host")
	run(t, keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", host)
	s.HostKey = strings.TrimSpace(read(t, host+".pub"))
	run(t, keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", filepath.Join(s.dir, "client"))
	write(t, filepath.Join(s.dir, "authorized"), []byte(read(t, filepath.Join(s.dir, "client.pub"))), 0o600)
	s.writeKnownHosts(t, filepath.Join(s.dir, "known_hosts"))
	config := []string{
		"HostKey " + host,
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"PermitRootLogin yes",
		"UseDNS no",
		"LogLevel VERBOSE",
		"Subsystem netconf " + subsystem + " --ncxserver-sockname=" + s.port + "@" + s.socket,
	}
	file := filepath.Join(s.dir, "sshd_config")
	write(t, file, []byte(strings.Join(append(config, o.SSHD...), "\n")+"\n"), 0o600)
	s.wg.Add(1)
	go func() { // ends when the listener is closed
		defer s.wg.Done()
		for {
			c, err := s.ln.Accept()
			if err != nil {
				return
			}
			s.serve(c, file)
		}
	}()
	t.Cleanup(func() {
		_ = s.ln.Close()
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.CutAll()
		s.wg.Wait()
		if t.Failed() {
			t.Logf("sshd said:\n%s", s.tail("sshd.log"))
		}
	})
}

// serve hands a connection to an sshd of its own.
func (s *Server) serve(c net.Conn, config string) {
	tcp := c.(*net.TCPConn)
	f, err := tcp.File()
	if err != nil {
		_ = tcp.Close()
		return
	}
	s.await()
	cmd := exec.Command(sshd, "-i", "-f", config, "-E", filepath.Join(s.dir, "sshd.log"))
	cmd.Stdin, cmd.Stdout = f, f
	err = cmd.Start()
	_ = f.Close()
	if err != nil {
		_ = tcp.Close()
		return
	}
	s.mu.Lock()
	s.conns[cmd.Process] = tcp
	if s.ended {
		cut(cmd.Process, tcp)
	}
	s.mu.Unlock()
	s.wg.Add(1)
	go func() { // ends with the process, which the cleanup kills
		defer s.wg.Done()
		_ = cmd.Wait()
		s.mu.Lock()
		delete(s.conns, cmd.Process)
		s.mu.Unlock()
		_ = tcp.Close()
	}()
}

// Connections is the number of connections that sshd serves now.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// CutAll kills sshd below every connection: the link is lost without a word.
func (s *Server) CutAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, c := range s.conns {
		cut(p, c)
	}
}

// cut ends a connection for both sides: sshd may have children that hold it
// too, so killing is not enough.
func cut(p *os.Process, c *net.TCPConn) {
	_ = p.Kill()
	_ = c.CloseRead()
	_ = c.CloseWrite()
}

// Authorize lets the owner of a public key in, given as a line of
// authorized_keys. It takes effect at the next login.
func (s *Server) Authorize(line string) error {
	f, err := os.OpenFile(filepath.Join(s.dir, "authorized"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, strings.TrimSpace(line))
	return errors.Join(err, f.Close())
}

// NewKey makes a key pair of a type that ssh-keygen knows ("ed25519", "rsa",
// "ecdsa") in a temporary directory, with a passphrase or none, and authorizes
// it. It returns the file of the private key; the public one is beside it.
func (s *Server) NewKey(t testing.TB, typ, passphrase string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "id")
	run(t, keygen, "-q", "-t", typ, "-N", passphrase, "-C", "test", "-f", file)
	if err := s.Authorize(read(t, file+".pub")); err != nil {
		t.Fatal(err)
	}
	return file
}

// KnownHosts writes a known_hosts file with the server's key and returns its
// name.
func (s *Server) KnownHosts(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known_hosts")
	s.writeKnownHosts(t, file)
	return file
}

func (s *Server) writeKnownHosts(t testing.TB, file string) {
	t.Helper()
	host, port, _ := strings.Cut(s.Addr, ":")
	write(t, file, []byte(fmt.Sprintf("[%s]:%s %s\n", host, port, s.HostKey)), 0o600)
}

// SSH opens the netconf subsystem with the ssh program, which checks the host
// key and logs in with a key of the server's own tests.
func (s *Server) SSH(t testing.TB) io.ReadWriteCloser {
	t.Helper()
	host, port, _ := strings.Cut(s.Addr, ":")
	return stream(t, exec.Command(sshClient, "-F", "none", "-T", "-i", filepath.Join(s.dir, "client"),
		"-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "GlobalKnownHostsFile=none",
		"-o", "UserKnownHostsFile="+filepath.Join(s.dir, "known_hosts"), "-p", port, "-s", s.User+"@"+host, "netconf"))
}

// Pipe talks to the server without SSH.
func (s *Server) Pipe(t testing.TB) io.ReadWriteCloser {
	t.Helper()
	s.await()
	cmd := exec.Command(subsystem, "--ncxserver-sockname="+s.port+"@"+s.socket)
	cmd.Env = append(os.Environ(), "SSH_CONNECTION=127.0.0.1 1 127.0.0.1 "+s.port, "USER="+s.User)
	return stream(t, cmd)
}

// process is a program's standard input and output as one stream.
type process struct {
	io.Reader
	io.Writer
	cmd  *exec.Cmd
	in   io.Closer
	once sync.Once
	said bytes.Buffer
}

func stream(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Reader: out, Writer: in, cmd: cmd, in: in}
	cmd.Stderr = &p.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Close()
		if t.Failed() && p.said.Len() > 0 {
			t.Logf("%s said: %s", filepath.Base(cmd.Path), p.said.String())
		}
	})
	return p
}

// Close ends the program and waits for it.
func (p *process) Close() error {
	p.once.Do(func() {
		_ = p.in.Close()
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	})
	return nil
}

// tail is the end of a log.
func (s *Server) tail(name string) string {
	f, err := os.Open(filepath.Join(s.dir, name))
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	var lines []string
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if lines = append(lines, sc.Text()); len(lines) > 40 {
			lines = lines[1:]
		}
	}
	return strings.Join(lines, "\n")
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func write(t testing.TB, file string, b []byte, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(file, b, mode); err != nil {
		t.Fatal(err)
	}
}
