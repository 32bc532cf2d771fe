package simdev

import (
	"io"
	"slices"
	"strings"

	"dialtone/netconf"
)

const capPrefix = "urn:ietf:params:netconf:capability:"

// capabilities returns what the device announces, without Junos's doubles.
func (d *Device) capabilities() []string {
	var uris []string
	add := func(short, uri string) {
		if d.offers(short) {
			uris = append(uris, uri)
		}
	}
	base := func(v string) { add("base:"+v, "urn:ietf:params:netconf:base:"+v) }
	of := func(short string, param string) { add(short, capPrefix+short+param) }
	base("1.0")
	if d.junos() {
		of("candidate:1.0", "")
		of("confirmed-commit:1.0", "")
		of("validate:1.0", "")
		of("url:1.0", "?scheme=http,ftp,file")
		uris = append(uris, netconf.MonitoringNS, netconf.JunosNS, "http://xml.juniper.net/dmi/system/1.0")
		return append(uris, d.o.Extra...)
	}
	base("1.1")
	for _, c := range []string{"writable-running:1.0", "candidate:1.0", "confirmed-commit:1.0", "confirmed-commit:1.1",
		"rollback-on-error:1.0", "validate:1.0", "validate:1.1"} {
		of(c, "")
	}
	of("startup:1.0", "")
	of("xpath:1.0", "")
	of("notification:1.0", "")
	of("interleave:1.0", "")
	of("with-defaults:1.0", "?basic-mode=explicit&also-supported=report-all,report-all-tagged,trim")
	add("monitoring", netconf.MonitoringNS+"?module=ietf-netconf-monitoring&revision=2010-10-04")
	uris = append(uris,
		InterfacesNS+"?module=ietf-interfaces&revision=2018-02-20",
		LabNS+"?module=dialtone-lab&revision=2026-11-01")
	return append(uris, d.o.Extra...)
}

// offers reports whether the device has a capability, by short name with or
// without version.
func (d *Device) offers(short string) bool {
	if strings.HasPrefix(short, "startup") && !d.o.Startup {
		return false
	}
	name, version, _ := strings.Cut(short, ":")
	if d.junos() {
		switch name {
		case "base", "confirmed-commit", "validate":
			if version != "" && version != "1.0" {
				return slices.Contains(d.o.Extra, "urn:ietf:params:netconf:base:"+version) && name == "base"
			}
		case "writable-running", "xpath", "notification", "interleave", "with-defaults", "rollback-on-error", "startup":
			return false
		}
	}
	for _, w := range d.o.Without {
		wname, wversion, _ := strings.Cut(w, ":")
		if wname == name && (wversion == "" || wversion == version) {
			return false
		}
	}
	return true
}

// writeHello prints the hello of the dialect.
func (d *Device) writeHello(id uint32, user string) func(io.Writer) error {
	return func(w io.Writer) error {
		p := newPrinter(w, "  ")
		h := elNS(netconf.BaseNS, "hello")
		caps := el("capabilities")
		for _, u := range d.capabilities() {
			caps.add(leaf("capability", u))
		}
		if d.junos() {
			p.str("<!-- No zombies were killed during the creation of this user interface -->\n")
			p.str("<!-- user " + inComment(user) + ", class j-super-user -->")
			for _, u := range d.capabilities() {
				if rest, ok := strings.CutPrefix(u, "urn:ietf:params:netconf:"); ok {
					u = "urn:ietf:params:xml:ns:netconf:" + strings.Replace(rest, "?scheme=", "?protocol=", 1)
					caps.add(leaf("capability", u))
				}
			}
		} else {
			p.str(`<?xml version="1.0" encoding="UTF-8"?>`)
		}
		h.add(caps, leaf("session-id", utoa(id)))
		p.node(h, 0, "")
		return p.flush()
	}
}

// inComment keeps what cannot end a comment.
func inComment(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '.' || r == '@' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, s)
}
