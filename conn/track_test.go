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

func TestWordsForWhatIsAtStake(t *testing.T) {
	t.Parallel()
	if ws := (Device{}).AtStake(); len(ws) != 0 {
		t.Errorf("nothing to lose: %v", ws)
	}
	ws := strings.Join(Device{
		NetconfID: 4711, Locks: []netconf.Datastore{netconf.Running}, Dirty: 3,
		Doubts: []Doubt{{Name: "commit", Sent: time.Date(2026, 3, 1, 14, 1, 58, 0, time.UTC)}},
	}.AtStake(), "; ")
	for _, w := range []string{"the lock on running (session 4711)", "3 uncommitted edits: a shared candidate may still hold them", "commit, sent 14:01:58: it may or may not"} {
		if !strings.Contains(ws, w) {
			t.Errorf("%q is missing in %s", w, ws)
		}
	}
}

func TestWordsForAConfirmedCommitAtStake(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 1, 14, 1, 58, 0, time.UTC)
	for want, p := range map[string]*Pending{
		"the confirmed commit: the device rolls it back when the session ends":                                {Deadline: until},
		"the confirmed commit stays pending until 14:01:58: a new session can confirm it with its persist-id": {Deadline: until, PersistID: "t"},
		"the confirmed commit stays pending until 14:01:58: a new session can confirm it":                     {Deadline: until, Native: true},
	} {
		if ws := (Device{Pending: p}).AtStake(); len(ws) != 1 || ws[0] != want {
			t.Errorf("%q, want %q", ws, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`<load-configuration rollback="0"/>`))
	f.Add([]byte(`<rpc><rpc><edit-config><target/></edit-config>`))
	f.Fuzz(func(t *testing.T, b []byte) { read(b) }) // must end and not panic
}

func TestConfirmedCommits(t *testing.T) {
	t.Parallel()
	sent := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	waits := &Pending{Exchange: 1, Sent: sent, Deadline: sent.Add(time.Minute), PersistID: "tok"}
	good := netconf.Outcome{Result: netconf.Answered, OK: true, Sent: sent}
	refused := netconf.Outcome{Result: netconf.Answered, Sent: sent}
	unknown := netconf.Outcome{Result: netconf.Unknown, Sent: sent}
	for _, tc := range []struct {
		body  string
		now   *Pending
		o     netconf.Outcome
		want  time.Duration // 0: none waits
		id    string
		doubt bool
	}{
		{`<commit/>`, nil, good, 0, "", false},
		{`<commit><confirmed/></commit>`, nil, good, 600 * time.Second, "", false},
		{`<commit><confirmed/><confirm-timeout>120</confirm-timeout><persist>tok1</persist></commit>`, nil, good, 120 * time.Second, "tok1", false},
		{`<commit><confirmed/><persist-id>tok</persist-id></commit>`, waits, good, 600 * time.Second, "tok", false},
		{`<commit><confirmed/></commit>`, nil, refused, 0, "", false},
		{`<commit><confirmed/></commit>`, nil, unknown, 600 * time.Second, "", true},
		{`<commit><confirmed/></commit>`, nil, netconf.Outcome{Result: netconf.NotSent}, 0, "", false},
		{`<commit><persist-id>tok</persist-id></commit>`, waits, good, 0, "", false},
		{`<commit><persist-id>tok</persist-id></commit>`, waits, refused, time.Minute, "tok", false},
		{`<commit><persist-id>tok</persist-id></commit>`, waits, unknown, time.Minute, "tok", true},
		{`<cancel-commit><persist-id>tok</persist-id></cancel-commit>`, waits, good, 0, "", false},
		{`<cancel-commit/>`, waits, unknown, time.Minute, "tok", true},
		{`<get/>`, waits, good, time.Minute, "tok", false},
		{`<commit-configuration><confirmed/><confirm-timeout>5</confirm-timeout></commit-configuration>`, nil, good, 5 * time.Minute, "", false},
		{`<commit-configuration><check/></commit-configuration>`, waits, good, time.Minute, "tok", false},
		{`<commit-configuration/>`, waits, good, 0, "", false},
		{`<commit><confirmed/><confirm-timeout>-1</confirm-timeout></commit>`, nil, good, 600 * time.Second, "", false},
	} {
		p := pendingAfter(tc.now, &Exchange{ID: 2, Request: request(t, tc.body)}, tc.o)
		if tc.want == 0 {
			if p != nil {
				t.Errorf("%s: %+v waits", tc.body, p)
			}
			continue
		}
		if p != nil && p.Native != strings.HasPrefix(tc.body, "<commit-conf") && p.PersistID == "" {
			t.Errorf("%s: native %v", tc.body, p.Native)
		}
		if p == nil || p.Deadline != sent.Add(tc.want) || p.PersistID != tc.id || p.Unsure != tc.doubt {
			t.Errorf("%s: %+v", tc.body, p)
		}
	}
	if waits.Unsure {
		t.Error("a value was changed")
	}
}
