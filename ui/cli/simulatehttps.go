package cli

import (
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"dialtone/conn/link"
	"dialtone/conn/outbound/outboundsim"
	"dialtone/conn/simnet"
	"dialtone/keys/cert"
	"dialtone/netconf/simdev"
	"dialtone/ui/safe"
)

// secureOptions is what all devices of a run by outbound HTTPS have in common.
func (f *simulateFlags) secureOptions(a *app, s simulated) (o outboundsim.Options, err error) {
	o = s.https
	file := f.trusted
	if file == "" {
		if file = in(a.dir.config, certFile); file == "" {
			return o, with(ExitUsage, fault("TLS-NONE", "nothing says which certificate the device trusts", "", "Name it with --trusted-cert"))
		}
	}
	if _, o.Roots, err = cert.Read(file); err != nil {
		return o, with(ExitUsage, err)
	}
	o.Servers, o.Basic, o.WaitTime, o.User = []string{f.dial}, f.via == string(link.HTTPSBasic), f.wait, f.user
	o.Secret = string(s.call.Secret.Reveal())
	return o, nil
}

// runSecure runs devices that dial by outbound HTTPS until it is interrupted.
func (f *simulateFlags) runSecure(a *app, c *cobra.Command, s simulated) error {
	o, err := f.secureOptions(a, s)
	if err != nil {
		return err
	}
	lab := simnet.New()
	defer lab.Close()
	var mu sync.Mutex // of standard error
	for i := range f.count {
		o, s := o, s
		name := numbered(f.name, i, f.count)
		if f.deviceID != "" {
			name = numbered(f.deviceID, i, f.count)
			o.DeviceID = name
		}
		s.device.Name = name
		o.Device = simdev.New(s.device)
		var last [2]string // a device tries for as long as it takes, with the same words
		o.Log = func(text string) {
			mu.Lock()
			defer mu.Unlock()
			if text != last[0] && text != last[1] {
				a.note("%s: %s.", safe.Text(name), safe.Text(text))
			}
			last = [2]string{last[1], text}
		}
		if _, err := lab.CallSecure(o); err != nil {
			return with(ExitConnection, fault("SIM-START", fmt.Sprintf("%s cannot be started: %v", name, err), "", ""))
		}
		if _, err := fmt.Fprintf(a.env.Stdout, "%s dials %s by %s\n", safe.Text(name), safe.Text(f.dial), f.via); err != nil {
			return err
		}
	}
	return interrupted(c)
}
