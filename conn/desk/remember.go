package desk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"

	"dialtone/keys"
	"dialtone/keys/atomicfile"
)

// SettingsFile is the name of the file, below the configuration directory, that
// remembers the listeners.
const SettingsFile = "listeners.toml"

const (
	maxSettings = 64 << 10
	lockTime    = 2 * time.Second
)

// Setting is a listener that was started once. It is offered again, and started
// by itself only when the person said so.
type Setting struct {
	Kind string `toml:"kind"`
	Addr string `toml:"addr"`
	Auto bool   `toml:"auto"` // start it with the program
	// Only are the networks that may call, set apart by commas or blanks
	// ("192.0.2.0/24, 2001:db8::/32"); "": all may.
	Only string `toml:"only,omitempty"`
	// NoPlain refuses callers without a greeting ahead of SSH; for ssh alone.
	NoPlain bool `toml:"no_plain,omitempty"`
}

type settings struct {
	Listener []Setting `toml:"listener"`
}

// Settings returns the listeners that are remembered, the last started first.
func (f *Front) Settings() ([]Setting, error) {
	if f.o.Settings == "" {
		return nil, nil
	}
	data, err := os.ReadFile(f.o.Settings)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil || len(data) > maxSettings {
		return nil, &keys.Fault{Code: "FS-IO", What: fmt.Sprintf("cannot read %s: %v", f.o.Settings, err), Kept: "No listener is offered", Err: err}
	}
	var s settings
	dec := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return nil, &keys.Fault{Code: "TOML", What: fmt.Sprintf("%s cannot be read: %v", f.o.Settings, err), Kept: "The file is left out and untouched", Do: "Correct the file", Err: err}
	}
	return s.Listener, nil
}

// setting is what is remembered of a listener. A file that cannot be read is an
// error: it may say who may call.
func (f *Front) setting(kind, addr string) (Setting, error) {
	s := Setting{Kind: kind, Addr: addr}
	list, err := f.Settings()
	if err != nil {
		return s, err
	}
	if i := slices.IndexFunc(list, s.same); i >= 0 {
		return list[i], nil
	}
	return s, nil
}

// remember notes a listener that was started, and whether it starts by itself
// as before.
func (f *Front) remember(s Setting) error {
	return f.edit(func(list []Setting) []Setting {
		s.Auto = false
		if i := slices.IndexFunc(list, s.same); i >= 0 {
			s.Auto = list[i].Auto
			list = slices.Delete(list, i, i+1)
		}
		return slices.Insert(list, 0, s)
	})
}

// SetAuto has a remembered listener start with the program, or not.
func (f *Front) SetAuto(kind, addr string, on bool) error {
	return f.edit(func(list []Setting) []Setting {
		s := Setting{Kind: kind, Addr: addr}
		if i := slices.IndexFunc(list, s.same); i >= 0 {
			list[i].Auto = on
			return list
		}
		s.Auto = on
		return append(list, s)
	})
}

// StartRemembered starts the listeners of which the person said that they start
// with the program.
func (f *Front) StartRemembered() error {
	list, err := f.Settings()
	errs := []error{err}
	for _, s := range list {
		if s.Auto {
			errs = append(errs, f.Listen(s.Kind, s.Addr))
		}
	}
	return errors.Join(errs...)
}

func (s Setting) same(o Setting) bool { return s.Kind == o.Kind && s.Addr == o.Addr }

// edit changes the file. A file that cannot be read is not overwritten.
func (f *Front) edit(change func([]Setting) []Setting) error {
	if f.o.Settings == "" {
		return nil
	}
	unlock, err := atomicfile.Lock(f.o.Settings, lockTime)
	if err != nil {
		return saveFault(f.o.Settings, err)
	}
	defer unlock()
	list, err := f.Settings()
	if err != nil {
		return err
	}
	before := slices.Clone(list)
	list = change(list)
	if slices.Equal(before, list) {
		return nil
	}
	data, err := toml.Marshal(settings{Listener: list})
	if err != nil {
		return err
	}
	if err := atomicfile.Write(f.o.Settings, data, 0o600); err != nil {
		return saveFault(f.o.Settings, err)
	}
	return nil
}

func saveFault(file string, err error) error {
	return &keys.Fault{Code: "FS-IO", What: fmt.Sprintf("the listener is not remembered: cannot save %s: %v", file, err), Kept: "What was saved before is untouched; the listener runs", Err: err}
}
