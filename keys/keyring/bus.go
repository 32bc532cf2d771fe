//go:build dragonfly || freebsd || linux || netbsd || openbsd

package keyring

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// absent reports whether an error says that there is no bus, or no keyring on
// it. The names are those of the D-Bus specification.
func absent(err error) bool {
	if e := (dbus.Error{}); errors.As(err, &e) {
		return e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" || e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner" ||
			strings.HasPrefix(e.Name, "org.freedesktop.DBus.Error.Spawn.")
	}
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)
}

// locked reports whether an error says that the keyring stayed locked: in the
// words of the Secret Service, or of go-keyring when a prompt was dismissed.
func locked(err error) bool {
	if e := (dbus.Error{}); errors.As(err, &e) {
		return e.Name == "org.freedesktop.Secret.Error.IsLocked"
	}
	return strings.HasPrefix(err.Error(), "failed to unlock correct collection")
}
