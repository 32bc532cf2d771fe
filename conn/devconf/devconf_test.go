package devconf

import (
	"strings"
	"testing"

	"dialtone/conn/link"
)

func TestTextHasEveryStatementOnce(t *testing.T) {
	t.Parallel()
	target := link.Target{DeviceID: "r1.lab", User: "netconf"}
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVk me@host"
	pem := []byte("-----BEGIN CERTIFICATE-----\nMIIC\nAAAA\n-----END CERTIFICATE-----\n")
	for _, c := range []struct {
		via  link.Via
		plan Plan
		want []string
	}{
		{link.SSH, Plan{Target: link.Target{User: "netconf", Port: 8300}}, []string{"set system services netconf ssh\n", "netconf ssh port 8300", "user netconf class super-user", "plain-text-password"}},
		{link.Junos, Plan{Target: target, Listener: "192.0.2.10:2200", Secret: "abc def", UserKeys: []string{key}}, []string{
			"device-id r1.lab\n", `secret "abc def"`, "services netconf\n", "keep-alive retry 3 timeout 15", "192.0.2.10 port 2200 retry 1000 timeout 60",
			`authentication ssh-ed25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVk"`}},
		{link.Junos, Plan{Target: target, Listener: "[2001:db8::1]:4334"}, []string{"2001:db8::1 port 4334", "cannot vouch"}},
		{link.CallHome, Plan{Target: target, Listener: "[::]:4334"}, []string{"ADDRESS-OF-THIS-MACHINE port 4334"}},
		{link.HTTPS, Plan{Target: target, Listener: "nms.example.net:443", Secret: "s3cret", CertPEM: pem}, []string{
			"outbound-https client dialtone device-id r1.lab", `secret "s3cret"`, "waittime 30", "nms.example.net port 443",
			`trusted-cert "-----BEGIN CERTIFICATE-----MIICAAAA-----END CERTIFICATE-----"`, "daemonize", "username netconf"}},
		{link.HTTPSBasic, Plan{Target: target, Listener: "192.0.2.10:443", CertPEM: pem}, []string{"could not be verified", "# set system extensions", "nc_grpc_app.py arguments"}},
	} {
		text, err := Text(c.via, c.plan)
		if err != nil {
			t.Errorf("%s: %v", c.via, err)
		}
		for _, w := range c.want {
			if strings.Count(text, w) != 1 {
				t.Errorf("%s: %q stands %d times in\n%s", c.via, w, strings.Count(text, w), text)
			}
		}
		for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
			if !strings.HasPrefix(line, "set ") && !strings.HasPrefix(line, "# ") {
				t.Errorf("%s: odd line %q", c.via, line)
			}
		}
	}
}

// TestTextIsExactlyThis: what a person pastes, line by line.
func TestTextIsExactlyThis(t *testing.T) {
	t.Parallel()
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVk me@host"
	for name, c := range map[string]struct {
		via  link.Via
		plan Plan
		want []string
	}{
		"ssh": {link.SSH, Plan{Target: link.Target{User: "netconf", Port: 830}, UserKeys: []string{key}}, []string{
			`set system services netconf ssh`,
			`set system login user netconf class super-user`,
			`set system login user netconf authentication ssh-ed25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVk"`,
		}},
		"junos": {link.Junos, Plan{Target: link.Target{DeviceID: "r1.lab", User: "netconf"}, Listener: "192.0.2.10:4334", Secret: "abcdefghijklmnopqrstuvwxyz234567", UserKeys: []string{key}}, []string{
			`set system services netconf ssh`,
			`set system login user netconf class super-user`,
			`set system login user netconf authentication ssh-ed25519 "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGVk"`,
			`set system services outbound-ssh client dialtone device-id r1.lab`,
			`set system services outbound-ssh client dialtone secret "abcdefghijklmnopqrstuvwxyz234567"`,
			`set system services outbound-ssh client dialtone services netconf`,
			`set system services outbound-ssh client dialtone keep-alive retry 3 timeout 15`,
			`set system services outbound-ssh client dialtone reconnect-strategy in-order`,
			`set system services outbound-ssh client dialtone 192.0.2.10 port 4334 retry 1000 timeout 60`,
		}},
		"junos without secret, key and user": {link.Junos, Plan{Target: link.Target{DeviceID: "r1.lab"}, Listener: "[2001:db8::1]:7804", Client: "nms"}, []string{
			`set system services netconf ssh`,
			`set system login user dialtone class super-user`,
			`set system login user dialtone authentication plain-text-password`,
			`set system services outbound-ssh client nms device-id r1.lab`,
			`# without a secret the device cannot vouch for its host key`,
			`set system services outbound-ssh client nms services netconf`,
			`set system services outbound-ssh client nms keep-alive retry 3 timeout 15`,
			`set system services outbound-ssh client nms reconnect-strategy in-order`,
			`set system services outbound-ssh client nms 2001:db8::1 port 7804 retry 1000 timeout 60`,
		}},
	} {
		text, err := Text(c.via, c.plan)
		if want := strings.Join(c.want, "\n") + "\n"; err != nil || text != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, text, want)
		}
	}
}

func TestTextRefusesWhatWouldBreakOut(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Plan{
		"newline in the id":   {Target: link.Target{DeviceID: "r1\nset system root-authentication"}},
		"blank in the user":   {Target: link.Target{User: "a b"}},
		"quote in the secret": {Secret: `a"; set`},
		"brace in the client": {Client: "a{"},
		"escape":              {Target: link.Target{DeviceID: "r\x1b[2J"}},
		"port 0":              {Listener: "192.0.2.1:0"},
		"no key":              {UserKeys: []string{"ssh-rsa"}},
		"two keys in one":     {UserKeys: []string{"ssh-rsa AAAA\nssh-rsa BBBB"}},
	} {
		if text, err := Text(link.Junos, p); err == nil {
			t.Errorf("%s was taken:\n%s", name, text)
		}
	}
	if _, err := Text(link.HTTPS, Plan{Listener: "[2001:db8::1]:443"}); err == nil {
		t.Error("outbound HTTPS over IPv6 was taken")
	}
}

func TestErrorsDoNotRepeatTheSecret(t *testing.T) {
	t.Parallel()
	_, err := Text(link.Junos, Plan{Secret: "canary\\word"})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	a, b := NewSecret(), NewSecret()
	if string(a.Reveal()) == string(b.Reveal()) || WeakSecret(string(a.Reveal())) != "" || len(a.Reveal()) != 32 {
		t.Errorf("%q and %q", a.Reveal(), b.Reveal())
	}
	if WeakSecret("juniper123") == "" {
		t.Error("a weak secret passes")
	}
}
