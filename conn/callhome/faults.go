package callhome

import (
	"errors"
	"fmt"
	"net"
	"syscall"

	"dialtone/keys"
)

// The faults of both kinds of listener.

// CheckAddr refuses what can never be listened on; port is one for its example.
func CheckAddr(addr string, port int) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return &keys.Fault{Code: "LSN-ADDR", What: fmt.Sprintf("%q is not an address to listen on: %v", addr, err),
			Do: fmt.Sprintf("Write it as 0.0.0.0:%d or [::]:%d", port, port), Err: err}
	}
	return nil
}

// Twice is the fault of an address that is listened on already.
func Twice(addr string) error {
	return &keys.Fault{Code: "LSN-TWICE", What: addr + " is listened on already", Kept: "It goes on as it is", Do: "Stop it first to listen on other terms"}
}

// Outside is the fault of a caller whom a fence keeps out.
func Outside() error {
	return &keys.Fault{Code: "LSN-OUTSIDE", What: "caller turned away: its address is not among those that may call here"}
}

// Busy is the fault of a caller whom the limiter refused.
func Busy(refusal string) error {
	f := &keys.Fault{Code: "LSN-BUSY", What: "caller turned away: " + refusal}
	switch refusal {
	case penalised:
		f.What += " for what its address did before"
		f.Do = "Mend what was refused; the address may call again within ten minutes, by itself"
	case blocked:
		f.What += " by a person"
		f.Do = "The block ends with the program"
	}
	return f
}

func noFiles(err error) error {
	return &keys.Fault{Code: "LSN-FILES", What: "no file descriptor is left for a caller", Do: "Raise the limit (ulimit -n)", Err: err}
}

// listenFault says in words why an address cannot be bound.
func listenFault(addr string, err error) error {
	f := &keys.Fault{Code: "LSN-DOWN", What: fmt.Sprintf("%s: %v", addr, err), Kept: "It is tried again by itself", Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		f.Code, f.What = "LSN-INUSE", addr+" is held by "+holder(addr)
	case errors.Is(err, syscall.EACCES):
		f.Code, f.What = "LSN-PRIVILEGE", addr+" needs more privileges than this program has"
		f.Do = "Use a port above 1023, or give the program cap_net_bind_service"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.Code, f.What = "LSN-NOADDR", addr+" is not an address of this machine now"
	}
	return f
}
