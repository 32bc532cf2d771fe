package dial

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
	"dialtone/keys"
)

// TestAgreesWithTheSSHProgram has the ssh program and us meet the same OpenSSH
// server with the same known hosts: both sign in, or neither. Where we are
// stricter the table says so.
func TestAgreesWithTheSSHProgram(t *testing.T) {
	t.Parallel()
	client, keygen := program(t, "ssh"), program(t, "ssh-keygen")
	user := filepath.Join(t.TempDir(), "id")
	run(t, nil, keygen, "-q", "-t", "ed25519", "-N", "", "-f", user)
	public, err := os.ReadFile(user + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	target, known := sshd(t, string(public), "Subsystem netconf /bin/cat", "MaxStartups 200")
	target.Identity = []string{user}
	target.HostKey = link.Strict
	no := false
	target.Agent = &no
	line, err := os.ReadFile(known)
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	stranger, err := simnet.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	other := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(stranger.PublicKey())))
	rsa := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(bigRSA(t).PublicKey())))
	for name, tt := range map[string]struct {
		file   string // H is the host with its port, K the key, O another, R one of another type
		in     bool
		hash   bool // the names are hashed before
		strict bool // the ssh program lets in what we do not
	}{
		"own port":                  {file: "H K", in: true},
		"own port, hashed":          {file: "H K", in: true, hash: true},
		"port 22":                   {file: "127.0.0.1 K", in: true},
		"port 22, hashed":           {file: "127.0.0.1 K", in: true, hash: true},
		"another key":               {file: "H O"},
		"another key of port 22":    {file: "127.0.0.1 O"},
		"another type":              {file: "H R"},
		"another type and the key":  {file: "H R\nH K", in: true},
		"port 22 does not overrule": {file: "127.0.0.1 K\nH O"},
		"own port overrules":        {file: "127.0.0.1 O\nH K", in: true},
		"nothing":                   {file: "192.0.2.1 K"},
		"pattern":                   {file: "[127.0.*]:* K", in: true},
		"pattern of port 22":        {file: "127.0.0.? K", in: true},
		"excluded":                  {file: "!127.0.0.1,127.* K"},
		"revoked":                   {file: "H K\n@revoked * K"},
		"revoked first":             {file: "@revoked * K\nH K"},
		"revoked under port 22":     {file: "H K\n@revoked 127.0.0.1 K", strict: true},
		"another revoked":           {file: "H K\n@revoked * O", in: true},
		"authority as host key":     {file: "@cert-authority * K"},
		"authority and host key":    {file: "@cert-authority * O\nH K", in: true},
		"bad lines":                 {file: "H\nH ssh-ed25519 ****\n# H O\n@odd H O\n|1|x|y O\nH K", in: true},
		"CRLF and blanks":           {file: "\r\n \t H \t K comment\r\n", in: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.NewReplacer("H", fmt.Sprintf("[127.0.0.1]:%d", target.Port), "K", own, "O", other, "R", rsa).Replace(tt.file)
			file := filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.hash {
				run(t, nil, keygen, "-q", "-H", "-f", file)
			}
			cmd := exec.Command(client, "-F", "none", "-T", "-i", user, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes",
				"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile="+file, "-o", "GlobalKnownHostsFile=none", "-o", "UpdateHostKeys=no",
				"-p", fmt.Sprint(target.Port), "-s", target.User+"@127.0.0.1", "netconf")
			out, serr := cmd.CombinedOutput()
			c, err := New(Options{Hosts: keys.NewKnownHosts(file), Home: t.TempDir()}).Dial(within(t, time.Minute), target, nil, nil)
			if err == nil {
				c.Close()
			}
			if (serr == nil) != (tt.in || tt.strict) {
				t.Errorf("the ssh program: %v: %s", serr, out)
			}
			if (err == nil) != tt.in {
				t.Errorf("we: %v", err)
			}
			if err != nil && !strings.HasPrefix(code(err), "KEY-") {
				t.Errorf("not for the key: %v", err)
			}
		})
	}
}
