package callhome

import (
	"errors"
	"fmt"
	"syscall"

	"dialtone/keys"
)

// listenFault says in words why an address cannot be bound.
func listenFault(addr string, err error) error {
	f := &keys.Fault{Code: "LSN-DOWN", What: fmt.Sprintf("%s: %v", addr, err), Kept: "it is tried again by itself", Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		f.Code, f.What = "LSN-INUSE", addr+" is held by "+holder(addr)
	case errors.Is(err, syscall.EACCES):
		f.Code, f.What = "LSN-PRIVILEGE", addr+" needs more privileges than this program has"
		f.Do = "use a port above 1023, or give the program cap_net_bind_service"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		f.Code, f.What = "LSN-NOADDR", addr+" is not an address of this machine now"
	}
	return f
}
