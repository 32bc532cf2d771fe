package inbox

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"dialtone/conn/desk"
	"dialtone/conn/outbound"
	"dialtone/ui/msg"
)

// Sheller is a desk that can open command shells.
type Sheller interface {
	Shell(ctx context.Context, id desk.CallerID) (*outbound.Shell, string, error)
}

// shellTime is how long a device has to bring the stream of a shell.
const shellTime = 20 * time.Second

// openShell opens a command shell on a parked device in a command; it gets a
// tab of its own.
func (s *Screen) openShell(x desk.Caller) tea.Cmd {
	d, ok := s.d.Desk.(Sheller)
	if !ok {
		return nil
	}
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), shellTime)
		defer cancel()
		sh, name, err := d.Shell(ctx, x.ID)
		if err != nil {
			return failed("No shell", err)
		}
		return msg.ShowShell{Name: name, Shell: opened{sh, s.openShell(x)}}
	}
}

// opened is a shell that knows how another one is opened on its device.
type opened struct {
	*outbound.Shell
	again tea.Cmd
}

// Again returns the command that opens another shell on the device.
func (o opened) Again() tea.Cmd { return o.again }

// noShell says why the selected caller offers no shell.
func (s *Screen) noShell(x desk.Caller) string {
	if _, ok := s.d.Desk.(Sheller); !ok {
		return "this desk opens no shells"
	}
	return desk.NoShell(x)
}
