package keyring

import (
	"context"
	"errors"
	"fmt"
)

// run is one call that is under way.
type run struct {
	done chan struct{} // closed when it has come back; then value and err are there
	late chan struct{} // closed when it has not come back within the limit

	value string
	err   error
}

// errNotBegun is part of every error of a call that never reached the keyring.
var errNotBegun = errors.New("the keyring was not asked")

// errNoBus: there is no session bus to find a keyring on.
var errNoBus = fmt.Errorf("%w: DBUS_SESSION_BUS_ADDRESS is not set", errNotBegun)

// errLate: this call did not come back; errBusy: an earlier one has not yet.
var (
	errLate = errors.New("the keyring did not answer in time")
	errBusy = fmt.Errorf("%w: an earlier call has not come back", errNotBegun)
)

// call runs f with the keyring, alone, and waits for it until the limit or the
// end of ctx.
func (v *Vault) call(ctx context.Context, f func(Ring) (string, error)) (string, error) {
	if !v.bus() {
		return "", errNoBus
	}
	for {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("%w: %w", errNotBegun, err)
		}
		r, mine := v.take(f)
		select {
		case <-r.done:
		case <-r.late:
		case <-ctx.Done():
		}
		select { // an answer that came at the last moment is one
		case <-r.done:
			if mine {
				return r.value, r.err
			}
			continue
		default:
		}
		switch err := ctx.Err(); {
		case err != nil && mine:
			return "", err
		case err != nil:
			return "", fmt.Errorf("%w: %w", errNotBegun, err)
		case mine:
			return "", errLate
		}
		return "", errBusy
	}
}

// take begins f, or returns what is under way.
func (v *Vault) take(f func(Ring) (string, error)) (r *run, mine bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.now != nil {
		return v.now, false
	}
	r = &run{done: make(chan struct{}), late: make(chan struct{})}
	v.now = r
	stop := v.o.AfterFunc(v.o.Limit, func() { close(r.late) })
	go v.work(r, stop, f) // ends when the keyring answers
	return r, true
}

// work runs f. A panic in it, from what a bus says, is an error.
func (v *Vault) work(r *run, stop func() bool, f func(Ring) (string, error)) {
	defer func() {
		if p := recover(); p != nil {
			r.value, r.err = "", fmt.Errorf("panic: %v", p)
		}
		stop()
		v.mu.Lock()
		v.now = nil
		v.mu.Unlock()
		close(r.done)
	}()
	r.value, r.err = f(v.o.Ring)
}

// bus reports whether there is a way to the keyring. Without an address of the
// bus the library would start a new one of its own, where no keyring is.
func (v *Vault) bus() bool {
	if v.o.GOOS == "darwin" || v.o.GOOS == "windows" {
		return true
	}
	a := v.o.Getenv("DBUS_SESSION_BUS_ADDRESS")
	return a != "" && a != "autolaunch:"
}
