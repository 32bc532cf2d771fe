package callhome

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"

	"dialtone/conn/link"
	"dialtone/keys"
)

// calix is the greeting of Calix AXOS and E7 (protocol.md 3): an XML fragment
// without a root, of which </identity> is the end, answered by <ack>ok</ack>
// once the device is admitted. The MAC address is what names the device.
type calix struct{}

func (calix) sniff(first []byte) guess {
	return max(prefix(first, "<version>"), prefix(first, "<identity>"))
}

func (calix) read(r *reader) (Greeting, error) {
	g := Greeting{Via: link.CallHome, Vendor: "calix", Ack: []byte("<ack>ok</ack>")}
	var text []byte
	end := []byte("</identity>")
	for !bytes.HasSuffix(text, end) {
		c, err := r.ReadByte()
		if err != nil {
			return g, err
		}
		if r.left--; r.left < 0 {
			return g, errBig
		}
		text = append(text, c)
	}
	var id struct {
		Identity struct {
			MAC    string `xml:"mac"`
			Serial string `xml:"serial-number"`
			Model  string `xml:"model-name"`
		} `xml:"identity"`
	}
	if err := xml.Unmarshal(append(append([]byte("<g>"), text...), "</g>"...), &id); err != nil {
		return g, bad("identity", fmt.Sprintf("cannot be read: %.60q", text))
	}
	mac := strings.TrimSpace(id.Identity.MAC)
	if !GoodID(mac) {
		return g, &keys.Fault{Code: "PRE-ID", What: fmt.Sprintf("mac %.160q is not 1 to 128 printable characters without spaces", mac)}
	}
	g.DeviceID = mac
	return g, nil
}
