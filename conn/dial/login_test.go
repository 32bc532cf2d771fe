package dial

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dialtone/conn/link"
	"dialtone/conn/simnet"
)

func TestSignsInWithAPassword(t *testing.T) {
	t.Parallel()
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "pa55", Banner: "welcome\n"})
	target := h.Target()
	target.Password = "ask"
	c := reach(t, dialer(t, l), target, &person{secrets: []string{"wrong", "pa55"}})
	echoed(t, c)
	if c.Peer.Auth != "password" || c.Peer.Banner != "welcome\n" || c.Peer.User != "admin" || c.Peer.HostKeyFrom != "memory:1" {
		t.Errorf("peer: %+v", c.Peer)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	<-c.Done
}

func TestSignsInByQuestionsAndSavedPassword(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "pw")
	if err := os.WriteFile(secret, []byte("pa55\nsecond line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	otp := func(q link.ChallengeQuestion) ([]string, error) {
		if q.Prompts[0] == "OTP: " {
			return []string{"123456"}, nil
		}
		return []string{"pa55"}, nil
	}
	for _, tt := range []struct {
		name     string
		server   simnet.Server
		password string
		who      *person
		auth     string
		want     string // code of the error
		asked    []string
	}{
		{"saved password by password", simnet.Server{Password: "pa55"}, "file:" + secret, &person{}, "password (saved)", "", nil},
		{"saved password by question", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55")}}, "file:" + secret, &person{}, "keyboard-interactive (saved password)", "", nil},
		{"saved password only once", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55"), q("Again: ", false, "pa55")}}, "file:" + secret, &person{}, "", "AUTH-STOPPED", []string{"challenge"}},
		{"saved password is not echoed", simnet.Server{Questions: []simnet.Question{q("User: ", true, "pa55")}}, "file:" + secret, &person{}, "", "AUTH-STOPPED", []string{"challenge"}},
		{"saved password wrong", simnet.Server{Password: "other", Questions: []simnet.Question{q("Password: ", false, "other")}}, "file:" + secret, &person{}, "", "AUTH-FAIL", nil},
		{"saved password, then a code", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55"), q("OTP: ", false, "123456")}}, "file:" + secret, &person{challenge: otp}, "keyboard-interactive (saved password)", "", []string{"challenge"}},
		{"person by question", simnet.Server{Questions: []simnet.Question{q("Password: ", false, "pa55")}}, "ask", &person{challenge: otp}, "keyboard-interactive", "", []string{"challenge"}},
		{"no password is offered", simnet.Server{Password: "pa55"}, "", &person{secrets: []string{"pa55"}}, "", "AUTH-FAIL", nil},
		{"three tries", simnet.Server{Password: "pa55"}, "ask", &person{secrets: []string{"a", "b", "c", "pa55"}}, "", "AUTH-FAIL", []string{"password of admin@127.0.0.1", "password of admin@127.0.0.1", "password of admin@127.0.0.1"}},
		{"person gives up", simnet.Server{Password: "pa55"}, "ask", &person{}, "", "AUTH-STOPPED", []string{"password of admin@127.0.0.1"}},
		{"no secret there", simnet.Server{Password: "pa55"}, "env:DIALTONE_NO_SUCH_VARIABLE", &person{}, "", "SEC-ENV", nil},
		{"nothing asked", simnet.Server{}, "", &person{}, "none", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := lab(t)
			h := add(t, l, tt.server)
			target := h.Target()
			target.Password = tt.password
			no := false
			target.Agent = &no
			tt.who.asked = make(chan string, 20)
			c, err := dialer(t, l).Dial(within(t, time.Minute), target, tt.who, nil)
			close(tt.who.asked)
			var asked []string
			for s := range tt.who.asked {
				asked = append(asked, s)
			}
			if !slices.Equal(asked, tt.asked) {
				t.Errorf("asked %q, want %q", asked, tt.asked)
			}
			if err != nil {
				if got := code(err); got != tt.want {
					t.Fatalf("%v, want code %q", err, tt.want)
				}
				if strings.Contains(err.Error(), "pa55") {
					t.Errorf("the password is in %q", err)
				}
				return
			}
			defer c.Close()
			echoed(t, c)
			if tt.want != "" || c.Peer.Auth != tt.auth {
				t.Errorf("signed in by %q, want %q %q", c.Peer.Auth, tt.auth, tt.want)
			}
		})
	}
}

func TestWrongSavedPasswordIsMarked(t *testing.T) {
	t.Setenv("DIALTONE_TEST_PW", "wrong")
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "right"})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_PW"
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	var ae *AuthError
	if !errors.As(err, &ae) || !ae.SavedPassword || !slices.Contains(ae.Left, "password") {
		t.Fatalf("%v (%+v), want a refused saved password", err, ae)
	}
}

func q(prompt string, echo bool, answer string) simnet.Question {
	return simnet.Question{Prompt: prompt, Echo: echo, Answer: answer}
}

func TestLongBannerIsKeptInPart(t *testing.T) {
	t.Parallel()
	l := lab(t)
	text := strings.Repeat("\x1b[2Jwelcome\n", 8<<10)
	h := add(t, l, simnet.Server{Password: "pa55", Banner: text})
	target := h.Target()
	target.Password = "ask"
	c := reach(t, dialer(t, l), target, &person{secrets: []string{"pa55"}})
	if c.Peer.Banner != text[:16<<10] {
		t.Errorf("%d B of the banner are kept", len(c.Peer.Banner))
	}
}

// TestRefusedPasswordIsToldInFull: what was refused, what is left, what the device
// said about it, and the saved password is tried once.
func TestRefusedPasswordIsToldInFull(t *testing.T) {
	t.Setenv("DIALTONE_TEST_WRONG", "wrong")
	l := lab(t)
	tries := 0
	h := add(t, l, simnet.Server{Password: "right", Keys: []ssh.PublicKey{}, Banner: "account locked\x1b[2J after 3 failures\n", Adjust: func(c *ssh.ServerConfig) {
		was := c.PasswordCallback
		c.PasswordCallback = func(m ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
			tries++
			return was(m, p)
		}
	}})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_WRONG"
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	for _, part := range []string{"AUTH-FAIL", "admin@" + h.Addr(), "refused password (saved)", `methods left: "`, "publickey", `the device said "account locked\x1b[2J after 3 failures"`, "not sent again by itself"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "wrong") || strings.Contains(fmt.Sprint(err), "\x1b") || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
	var ae *AuthError
	if !errors.As(err, &ae) || !ae.SavedPassword {
		t.Errorf("the saved password is not suspect: %+v", ae)
	}
}

// TestHalfOfALogin has a password that is right, and what the device wants next
// cannot be given.
func TestHalfOfALogin(t *testing.T) {
	t.Setenv("DIALTONE_TEST_HALF", "pa55")
	l := lab(t)
	h := add(t, l, simnet.Server{Password: "pa55", Adjust: func(c *ssh.ServerConfig) {
		c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
			return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
				return nil, errors.New("no")
			}}}
		}
	}})
	target := h.Target()
	target.Password = "env:DIALTONE_TEST_HALF"
	no := false
	target.Agent = &no
	_, err := dialer(t, l).Dial(within(t, time.Minute), target, &person{}, nil)
	for _, part := range []string{"AUTH-FAIL", `had accepted "password" and wants more`, "publickey"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	var ae *AuthError
	if !errors.As(err, &ae) || ae.SavedPassword || strings.Contains(err.Error(), "refused") {
		t.Errorf("the saved password was right and is called suspect: %v", err)
	}
}

// TestQuestionsAreBounded: 8 rounds, 8 prompts, 1 KiB each, and not one more.
func TestQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rounds, prompts, size int
		want                  string
	}{
		"all there may be": {8, 8, 1024, "<nil>"},
		"nine rounds":      {9, 1, 10, "AUTH-ABUSE"},
		"nine prompts":     {1, 9, 10, "AUTH-ABUSE"},
		"1,025 bytes":      {1, 1, 1025, "AUTH-ABUSE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := rudeServer(t, func(c *ssh.ServerConfig) {
				c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					for range tt.rounds {
						if _, err := ask("", "", slices.Repeat([]string{strings.Repeat("p", tt.size)}, tt.prompts), make([]bool, tt.prompts)); err != nil {
							return nil, err
						}
					}
					return nil, nil
				}
			}, polite(func(*ssh.ServerConn, ssh.Channel) {}))
			asked := 0
			who := &person{challenge: func(q link.ChallengeQuestion) ([]string, error) {
				asked++
				if q.Target.Name != "fake" || q.Target.Host == "" {
					t.Errorf("the question does not say who asks: %+v", q.Target)
				}
				return make([]string, len(q.Prompts)), nil
			}}
			c, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, who, nil)
			if err == nil {
				c.Close()
			}
			most := min(tt.rounds, 8)
			if tt.prompts > 8 || tt.size > 1024 {
				most = 0
			}
			if code(err) != tt.want || asked != most {
				t.Errorf("%v after %d questions, want %s after %d", err, asked, tt.want, most)
			}
		})
	}
}

func TestQuestionsWithoutEnd(t *testing.T) {
	t.Parallel()
	prompts := func(n, size int) ([]string, []bool) {
		return slices.Repeat([]string{strings.Repeat("p", size)}, n), make([]bool, n)
	}
	for _, tt := range []struct {
		name              string
		prompts, size, by int // by: how many answers a person may have to give
	}{
		{"endless rounds", 1, 10, maxRounds}, {"endless empty rounds", 0, 0, 0},
		{"40,000 prompts", 40_000, 1, 0}, {"long prompt", 1, 100_000, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var saw []string
			target := rudeServer(t, func(c *ssh.ServerConfig) {
				c.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
					for {
						p, e := prompts(tt.prompts, tt.size)
						answers, err := ask("name", "instruction", p, e)
						if err != nil {
							return nil, err
						}
						saw = append(saw, answers...)
					}
				}
			}, nil)
			pw := t.TempDir() + "/pw"
			if err := os.WriteFile(pw, []byte("pa55"), 0o600); err != nil {
				t.Fatal(err)
			}
			target.Password = "file:" + pw
			answered := 0
			who := &person{challenge: func(q link.ChallengeQuestion) ([]string, error) {
				answered++
				return make([]string, len(q.Prompts)), nil
			}}
			_, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, who, nil)
			if code(err) != "AUTH-ABUSE" || answered > tt.by {
				t.Errorf("%v after %d answers", err, answered)
			}
			if n := strings.Count(strings.Join(saw, " "), "pa55"); n > 1 {
				t.Errorf("the password was sent %d times", n)
			}
		})
	}
}

func TestBannersWithoutEnd(t *testing.T) {
	t.Parallel()
	target := rudeServer(t, func(c *ssh.ServerConfig) {
		c.NoClientAuth = true
		c.NoClientAuthCallback = func(ssh.ConnMetadata) (*ssh.Permissions, error) {
			return nil, errors.New("never")
		}
		c.PasswordCallback = func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, errors.New("no") }
		c.PreAuthConnCallback = func(conn ssh.ServerPreAuthConn) {
			for range 2000 {
				if conn.SendAuthBanner(strings.Repeat("\x1b[2J", 50_000)) != nil {
					return
				}
			}
		}
	}, nil)
	_, err := New(Options{Home: t.TempDir()}).Dial(within(t, time.Minute), target, &person{}, nil)
	if code(err) != "SSH-ABUSE" {
		t.Errorf("%v", err)
	}
}
