package app

import (
	"path/filepath"

	"dialtone/conn"
	"dialtone/conn/desk"
	"dialtone/conn/dial"
	"dialtone/conn/link"
	"dialtone/keys"
	"dialtone/ui/cli"
)

// openDesk makes the desk of the devices that call. The listeners that the
// person wants with the program are started; notes says which could not be.
func openDesk(d cli.InterfaceDeps, m *conn.Manager, vault keys.Vault, ask link.Asker) (front *desk.Front, notes []string) {
	o := desk.Options{Manager: m, Profiles: d.Profiles, Vault: vault, Ask: ask, Now: d.Manager.Now, Crashed: d.Manager.Crashed}
	if dialer, ok := d.Manager.Dialer.(*dial.Dialer); ok {
		o.Dialer = dialer // the same keys, agent and secrets as when we dial
	}
	if d.ConfigDir != "" && !d.Demo {
		o.Settings = filepath.Join(d.ConfigDir, desk.SettingsFile)
		o.CertFile, o.KeyFile = filepath.Join(d.ConfigDir, "server.crt"), filepath.Join(d.ConfigDir, "server.key")
	}
	if demo, ok := vault.(*demo); ok {
		var err error
		if o.Certificates, err = demo.certificate(); err != nil {
			notes = append(notes, err.Error())
		}
	}
	front = desk.New(o)
	if err := front.StartRemembered(); err != nil {
		notes = append(notes, err.Error())
	}
	return front, notes
}
