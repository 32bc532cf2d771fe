package dial

import (
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// TestSilentLinkKeepsNoGoroutineAndAnswersAgain has a device speak up long after
// its last word.
func TestSilentLinkKeepsNoGoroutineAndAnswersAgain(t *testing.T) {
	t.Parallel()
	speak, spoke := make(chan struct{}), make(chan error, 1)
	target := rudeServer(t, nil, polite(func(conn *ssh.ServerConn, ch ssh.Channel) {
		<-speak
		if _, _, err := conn.SendRequest("keepalive@openssh.com", true, nil); err != nil {
			spoke <- err
			return
		}
		_, err := ch.SendRequest("keepalive@openssh.com", true, nil)
		spoke <- err
		<-speak
		conn.Close()
	}))
	c := reach(t, New(Options{Home: t.TempDir()}), target, nil)
	tn := c.ReadWriteCloser.(*stream).tn
	for rounds := range 2 {
		look := time.NewTicker(20 * time.Millisecond)
		for end := time.After(time.Minute); tn.serving.Load(); {
			select {
			case <-look.C:
			case <-end:
				t.Fatal("something still waits for what the device may ask")
			}
		}
		look.Stop()
		if rounds == 0 {
			speak <- struct{}{}
			if err := <-spoke; err != nil {
				t.Fatal(err)
			}
		}
	}
	close(speak) // it hangs up
	<-c.Done
	if code(c.Err()) != "" && code(c.Err()) != "NET-CLOSED" && code(c.Err()) != "NET-LOST" {
		t.Errorf("link: %v", c.Err())
	}
}
