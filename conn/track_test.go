package conn

import (
	"strings"
	"testing"
	"time"

	"dialtone/netconf"
)

func TestMeaningOfRequests(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]mark{
		`<lock><target><candidate/></target></lock>`:                                                              locks,
		`<unlock><target><running/></target></unlock>`:                                                            unlocks,
		`<lock-configuration/>`:                                                                                   locks,
		`<unlock-configuration/>`:                                                                                 abandons,
		`<open-configuration><private/></open-configuration>`:                                                     nothing,
		`<close-configuration/>`:                                                                                  abandons,
		`<edit-config><target><candidate/></target><config/></edit-config>`:                                       edits,
		`<edit-config><target><running/></target><config/></edit-config>`:                                         nothing,
		`<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><commit/></rpc>`:                     settles,
		`<edit-config><target><candidate/></target><test-option> test-only </test-option><config/></edit-config>`: validates,
		`<edit-config><target><candidate/></target><test-option>set</test-option><config><test-option>test-only</test-option></config></edit-config>`: edits,
		`<copy-config><target><candidate/></target><source><running/></source></copy-config>`:                                                         edits,
		`<copy-config><target><startup/></target><source><running/></source></copy-config>`:                                                           nothing,
		`<load-configuration action="set" format="text"><configuration-set>set x</configuration-set></load-configuration>`:                            edits,
		`<load-configuration rollback="0"/>`:                                    settles,
		`<load-configuration rollback="1"/>`:                                    edits,
		`<commit-configuration/>`:                                               settles,
		`<commit-configuration><confirmed/></commit-configuration>`:             settles,
		`<commit-configuration><check/></commit-configuration>`:                 validates,
		`<commit-configuration><at-time>20:00</at-time></commit-configuration>`: validates,
		`<discard-changes/>`:                                                    settles,
		`<validate><source><candidate/></source></validate>`:                    nothing,
		`<get/>`:           nothing,
		`<close-session/>`: says,
	} {
		if got, _ := means(request(t, body)); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

func TestLostWords(t *testing.T) {
	t.Parallel()
	if ws := lostWords(Device{}); len(ws) != 0 {
		t.Errorf("nothing to lose: %v", ws)
	}
	ws := strings.Join(lostWords(Device{
		NetconfID: 4711, Locks: []netconf.Datastore{netconf.Running}, Dirty: 3,
		Doubts: []Doubt{{Name: "commit", Sent: time.Date(2026, 3, 1, 14, 1, 58, 0, time.UTC)}},
	}), "; ")
	for _, w := range []string{"the lock on running (session 4711)", "3 uncommitted edits: a shared candidate may still hold them", "commit, sent 14:01:58: it may or may not"} {
		if !strings.Contains(ws, w) {
			t.Errorf("%q is missing in %s", w, ws)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`<load-configuration rollback="0"/>`))
	f.Add([]byte(`<rpc><rpc><edit-config><target/></edit-config>`))
	f.Fuzz(func(t *testing.T, b []byte) { read(b) }) // must end and not panic
}
