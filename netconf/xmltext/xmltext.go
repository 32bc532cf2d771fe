// Package xmltext is about the characters of XML 1.0: which of them a text may
// hold, and how those are written that markup needs for itself. Everything else
// in netconf that reads or writes XML by hand does it by these rules.
package xmltext

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Legal reports whether XML allows the character (XML 1.0 section 2.2).
func Legal(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r < 0xd800 ||
		r >= 0xe000 && r < 0xfffe || r >= 0x10000 && r <= utf8.MaxRune
}

// Reference is the character that a reference stands for, given what is between
// its '&' and its ';': one of the five names, or the number of a legal character.
func Reference(name []byte) (rune, bool) {
	switch string(name) {
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "amp":
		return '&', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	digits, ok := bytes.CutPrefix(name, []byte{'#'})
	if !ok {
		return 0, false
	}
	base := rune(10)
	if hex, ok := bytes.CutPrefix(digits, []byte{'x'}); ok {
		digits, base = hex, 16
	}
	var r rune // stays 0, which is not legal, when there are no digits
	for _, c := range digits {
		d, ok := digit(c)
		if !ok || d >= base {
			return 0, false
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, false
		}
	}
	return r, Legal(r)
}

func digit(c byte) (rune, bool) {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0'), true
	case 'a' <= c && c <= 'f':
		return rune(c-'a') + 10, true
	case 'A' <= c && c <= 'F':
		return rune(c-'A') + 10, true
	}
	return 0, false
}

// longest is the most bytes of a reference that Resolve looks for.
const longest = 12

// Resolve replaces references by their characters. One that Reference does not
// know stays as it is written.
func Resolve(b []byte) string {
	i := bytes.IndexByte(b, '&')
	if i < 0 {
		return string(b)
	}
	var out strings.Builder
	for ; i >= 0; i = bytes.IndexByte(b, '&') {
		out.Write(b[:i])
		b = b[i:]
		end := bytes.IndexByte(b[:min(len(b), longest)], ';')
		if r, ok := Reference(b[1:max(1, end)]); ok {
			out.WriteRune(r)
			b = b[end+1:]
		} else {
			out.WriteByte('&')
			b = b[1:]
		}
	}
	out.Write(b)
	return out.String()
}

// Escape writes s so that it can stand in an element and in an attribute value,
// and is read back the same.
func Escape(s string) string {
	if !strings.ContainsAny(s, special) {
		return s
	}
	return string(AppendEscaped(nil, s))
}

const special = "&<>\"'\r"

// AppendEscaped appends Escape(s) to dst.
func AppendEscaped(dst []byte, s string) []byte {
	for {
		i := strings.IndexAny(s, special)
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		switch s[i] {
		case '&':
			dst = append(dst, "&amp;"...)
		case '<':
			dst = append(dst, "&lt;"...)
		case '>':
			dst = append(dst, "&gt;"...)
		case '"':
			dst = append(dst, "&quot;"...)
		case '\'':
			dst = append(dst, "&apos;"...)
		case '\r':
			dst = append(dst, "&#13;"...)
		}
		s = s[i+1:]
	}
}

// FromLatin1 turns ISO-8859-1 into UTF-8.
func FromLatin1(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
