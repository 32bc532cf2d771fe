package commit

import (
	"context"
	"encoding/xml"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"dialtone/conn"
	"dialtone/netconf"
)

// denied notes who holds a lock from the error to lock.
func (sn *seen) denied(ds netconf.Datastore, o netconf.Outcome, d conn.Device) {
	for _, e := range o.Errors {
		if e.Tag != "lock-denied" {
			continue
		}
		n, _ := strconv.ParseUint(strings.TrimSpace(e.SessionID), 10, 32)
		sn.locks = slices.DeleteFunc(slices.Clone(sn.locks), func(l Lock) bool { return l.Store == ds })
		sn.locks = append(sn.locks, former(Lock{Store: ds, Session: uint32(n)}, d))
		return
	}
}

// former marks a lock that an earlier session of the same row left behind.
func former(l Lock, d conn.Device) Lock {
	for _, f := range d.Former {
		if f.NetconfID == l.Session && l.Session != 0 {
			l.Former = f.Ended
		}
	}
	return l
}

const (
	maxState = 4 << 20 // bytes read of a netconf-state
	maxLocks = 64
)

// Locks asks the device who holds its locks and returns all of them; State has
// them from then on. It reads the monitoring state (RFC 6022), and on Junos who
// edits the configuration. A device that offers neither gives an error.
func (c *Control) Locks(ctx context.Context, id conn.SessionID) ([]Lock, error) {
	s, d, err := c.device(id)
	if err != nil {
		return nil, err
	}
	var locks []Lock
	told := false
	if d.Caps.Has("monitoring") {
		if locks, err = c.monitored(ctx, s, id); err == nil {
			told = true
		}
	}
	if ctx.Err() == nil && d.Caps.Junos() {
		more, jerr := c.editors(ctx, s, id)
		if jerr == nil {
			told, locks = true, merge(locks, more)
		} else if err == nil {
			err = jerr
		}
	}
	switch {
	case told:
	case err != nil:
		return nil, err
	default:
		return nil, refusal("the device does not tell who holds its locks (RFC 6022)", "Try to lock: the refusal names the session")
	}
	for i := range locks {
		locks[i] = former(locks[i], d)
		locks[i].Ours = locks[i].Session == d.NetconfID
	}
	c.note(id, d.NetconfID, func(sn *seen) { sn.locks = slices.Clone(locks) })
	return locks, nil
}

// merge adds what Junos tells to what the monitoring state tells: the same lock
// once, with the more that is known of it.
func merge(locks, more []Lock) []Lock {
	for _, l := range more {
		i := slices.IndexFunc(locks, func(k Lock) bool { return k.Store == l.Store && k.Session == l.Session })
		if i < 0 {
			locks = append(locks, l)
			continue
		}
		if locks[i].User == "" {
			locks[i].User = l.User
		}
		if locks[i].Since.IsZero() {
			locks[i].Since = l.Since
		}
	}
	return locks
}

// editors asks a Junos device who edits its configuration. Only those that do
// so exclusively hold a lock.
func (c *Control) editors(ctx context.Context, s Sessions, id conn.SessionID) ([]Lock, error) {
	x, err := c.ask(ctx, s, id, netconf.Request{Name: "get-configuration-database-status", Body: []byte(`<get-configuration-database-status/>`), Effect: netconf.Reads})
	if err != nil {
		return nil, err
	}
	return parseEditors(io.LimitReader(x.Doc.Reader(), maxState)), nil
}

// parseEditors reads database-status elements. It is lenient like parseState.
func parseEditors(r io.Reader) []Lock {
	dec := xml.NewDecoder(r)
	dec.Strict = false
	var out []Lock
	var cur Lock
	var text strings.Builder
	inside, exclusive := false, false
	for {
		tok, err := dec.Token()
		if err != nil || len(out) >= maxLocks {
			return out
		}
		switch t := tok.(type) {
		case xml.StartElement:
			text.Reset()
			switch t.Name.Local {
			case "database-status":
				cur, inside, exclusive = Lock{Store: netconf.Candidate}, true, false
			case "exclusive":
				exclusive = true
			case "start-time":
				for _, a := range t.Attr {
					if n, err := strconv.ParseInt(a.Value, 10, 64); err == nil && a.Name.Local == "seconds" && n > 0 && n < 1<<40 {
						cur.Since = time.Unix(n, 0)
					}
				}
			}
		case xml.CharData:
			if text.Len() < 4096 {
				text.Write(t[:min(len(t), 4096)])
			}
		case xml.EndElement:
			v := strings.TrimSpace(text.String())
			switch {
			case !inside:
			case v == "exclusive":
				exclusive = true
			case t.Name.Local == "user":
				cur.User = clip(v)
			case t.Name.Local == "pid": // the session-id of a NETCONF session
				n, _ := strconv.ParseUint(v, 10, 32)
				cur.Session = uint32(n)
			case t.Name.Local == "database-status":
				if inside = false; exclusive {
					out = append(out, cur)
				}
			}
			text.Reset()
		}
	}
}

// monitored asks for the locks and the sessions of RFC 6022.
func (c *Control) monitored(ctx context.Context, s Sessions, id conn.SessionID) ([]Lock, error) {
	body := `<get>
  <filter type="subtree">
    <netconf-state xmlns="` + netconf.MonitoringNS + `"><datastores/><sessions/></netconf-state>
  </filter>
</get>`
	x, err := c.ask(ctx, s, id, netconf.Request{Name: "get", Body: []byte(body), Effect: netconf.Reads})
	if err != nil {
		return nil, err
	}
	return parseState(io.LimitReader(x.Doc.Reader(), maxState)), nil
}

// parseState reads datastores and sessions. It is lenient, and bounded by what
// r gives.
func parseState(r io.Reader) []Lock {
	dec := xml.NewDecoder(r)
	dec.Strict = false
	var path []string
	var locks []Lock
	users := map[uint32][2]string{}
	var store, user, host string
	var session, holder uint32
	var since time.Time
	for {
		tok, err := dec.Token()
		if err != nil {
			break
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > 32 {
				return nil
			}
			switch t.Name.Local {
			case "datastore":
				store = ""
			case "global-lock":
				holder, since = 0, time.Time{}
			case "session":
				session, user, host = 0, "", ""
			}
		case xml.EndElement:
			switch {
			case t.Name.Local == "global-lock" && len(locks) < maxLocks:
				locks = append(locks, Lock{Store: netconf.Datastore(store), Session: holder, Since: since})
			case t.Name.Local == "session" && session != 0:
				users[session] = [2]string{user, host}
			}
			path = path[:max(0, len(path)-1)]
		case xml.CharData:
			text := strings.TrimSpace(string(t))
			if text == "" || len(path) < 2 {
				continue
			}
			number := func() uint32 { n, _ := strconv.ParseUint(text, 10, 32); return uint32(n) }
			switch parent := path[len(path)-2]; path[len(path)-1] {
			case "name":
				if parent == "datastore" {
					store = text
				}
			case "locked-by-session":
				holder = number()
			case "locked-time":
				since, _ = time.Parse(time.RFC3339, text)
			case "session-id":
				session = number()
			case "username":
				user = clip(text)
			case "source-host":
				host = clip(text)
			}
		}
	}
	for i, l := range locks {
		locks[i].User, locks[i].From = users[l.Session][0], users[l.Session][1]
	}
	return locks
}

// clip bounds text of a device.
func clip(s string) string { return s[:min(len(s), 200)] }
